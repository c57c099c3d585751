/*
 * bench.c
 *		What identity and row-level security cost, measured in one run.
 *
 * scripts/bench makes a throw-away cluster with two databases, bench_small and
 * bench_large, loads bench/setup.sql into both, and runs this program.
 *
 * Each case is one prepared statement on one connection. Cases take turns, a
 * slice of statements each, round after round, so that whatever else the
 * machine does meets all of them. What counts is the time the backend was on a
 * processor (/proc/PID/schedstat): waiting and the client cost nothing. Figures
 * are medians over the rounds; a ratio is the median of the rounds' ratios.
 *
 * "Bare" is the limit: the same rows asked for by a superuser, whom row
 * security does not concern, with the user's id written into the statement.
 * "Busy": another connection commits a write before every statement, so that
 * nothing remembered about the caller holds without a new look.
 *
 * Environment: BENCH_ROUNDS, BENCH_STATEMENTS of a slice, BENCH_CALLS of
 * agent_uid() in one statement, BENCH_LOGINS. Exit status: 0, or 1 when
 * something failed; a figure over its limit is a figure.
 */
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS        101
#define MAX_PARAMS        5
#define ID_TEXT           37   /* a UUID as text, and its terminator */
#define CONVERSATIONS     2000 /* of the measured account, as in setup.sql */
#define LONG_CONVERSATION 1000 /* messages of its first one */
#define PAGE              50   /* messages of a page */
#define FRESH             5    /* conversations a slice writes into */

/* What the project promises. */
#define READ_LIMIT  1.15 /* ratio to bare */
#define WRITE_LIMIT 1.25
#define SIZE_LIMIT  1.20 /* ratio of a large table to a small one */
#define CALL_LIMIT  0.30 /* microseconds */

typedef char Id[ID_TEXT];

typedef struct Database
{
	const char *name;
	char rows[24]; /* messages it was loaded with */
	Id user_id;    /* the measured account */
	Id conversations[CONVERSATIONS];
	Id fresh[FRESH];
	char *tokens[2]; /* of two sessions of the account */
} Database;

static Database small = {.name = "bench_small"};
static Database large = {.name = "bench_large"};

typedef enum Role
{
	SUPERUSER,
	SIGNED_IN
} Role;

typedef struct Session
{
	Database *database;
	Role role;
	const char *setting; /* run once, or NULL */
	PGconn *conn;
} Session;

/* Bare statements are planned once: left alone, the server would plan some each time. */
#define BARE_SETTING "SET plan_cache_mode = force_generic_plan"

/* Connections, one backend each. */
static Session bare_small = {&small, SUPERUSER, BARE_SETTING, NULL};
static Session user_small = {&small, SIGNED_IN, NULL, NULL};
static Session bare_large = {&large, SUPERUSER, BARE_SETTING, NULL};
static Session user_large = {&large, SIGNED_IN, NULL, NULL};
static Session cost_10 = {&large, SUPERUSER, "SET agent.password_hash_cost = 10", NULL};
static Session cost_12 = {&large, SUPERUSER, "SET agent.password_hash_cost = 12", NULL};
static Session other = {&large, SUPERUSER, NULL, NULL};

static Session *const sessions[] = {
	&bare_small, &user_small, &bare_large, &user_large, &cost_10, &cost_12, &other};

typedef enum CaseId
{
	GET_BARE,
	GET_VIEW,
	GET_FUNCTION,
	LIST_BARE,
	LIST_VIEW,
	LIST_FUNCTION,
	MESSAGES_BARE,
	MESSAGES_VIEW,
	MESSAGES_FUNCTION,
	SMALL_BARE,
	SMALL_RANDOM,
	SMALL_FUNCTION,
	LARGE_BARE,
	LARGE_RANDOM,
	LARGE_FUNCTION,
	CALLS_NOTHING,
	CALLS_UID,
	STATEMENT_NOTHING,
	STATEMENT_UID,
	TOKEN_NOTHING,
	TOKEN_UID,
	PLPGSQL_NOTHING,
	PLPGSQL_VERIFY,
	LOGIN_10_KNOWN,
	LOGIN_10_UNKNOWN,
	LOGIN_12_KNOWN,
	LOGIN_12_UNKNOWN,
	CASE_COUNT
} CaseId;

/* Fills in the parameters of the i-th statement of a slice. */
typedef void (*Fill)(const Database *database, int i, const char **values);

typedef struct Case
{
	const char *label; /* NULL: only taken off the next one */
	Session *session;
	const char *sql;
	Fill fill; /* NULL without parameters */
} Case;

static double cpu[CASE_COUNT][2][MAX_ROUNDS]; /* microseconds; [1] is busy */
static int nparams[CASE_COUNT];
static int rounds;
static int statements;
static int calls;
static int logins;

/* Ends the program with a message. */
static _Noreturn void
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/* Returns an option of the environment: a number from 1 to max. */
static int
option(const char *name, int preset, int max)
{
	const char *value = getenv(name);
	int number = value != NULL ? atoi(value) : preset;

	if (number < 1 || number > max)
		fail("%s must be from 1 to %d", name, max);
	return number;
}

/* Fills in a conversation of the account, another one each time. */
static void
fill_conversation(const Database *database, int i, const char **values)
{
	values[0] = database->conversations[i * 7 % CONVERSATIONS];
	values[1] = database->user_id;
}

/* Fills in the account. */
static void
fill_user(const Database *database, int i, const char **values)
{
	(void) i;
	values[0] = database->user_id;
}

/* Fills in a page of the long conversation, another one each time. */
static void
fill_page(const Database *database, int i, const char **values)
{
	static char after[12];

	snprintf(after, sizeof(after), "%d", i * PAGE % LONG_CONVERSATION);
	values[0] = database->conversations[0];
	values[1] = after;
	values[2] = database->user_id;
}

/* Writes a new id: version 7 when ordered, else version 4 as gen_random_uuid() makes. */
static void
make_id(bool ordered, char *text)
{
	unsigned char b[16];
	struct timespec now;
	unsigned long long stamp; /* milliseconds << 12 | fraction */

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		fail("could not get random bytes");
	if (ordered)
	{
		clock_gettime(CLOCK_REALTIME, &now);
		stamp = (now.tv_sec * 1000ULL + now.tv_nsec / 1000000) << 12;
		stamp |= (now.tv_nsec % 1000000 << 12) / 1000000;
		for (int i = 0; i < 6; i++)
			b[i] = stamp >> (52 - 8 * i);
		b[6] = stamp >> 8;
		b[7] = stamp;
	}
	b[6] = (b[6] & 0x0f) | (ordered ? 0x70 : 0x40);
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++)
		text += sprintf(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
}

/* Fills in a message whose id the client makes, if the statement takes one. */
static void
fill_message(const Database *database, int i, const char **values, bool ordered)
{
	static Id id;

	make_id(ordered, id);
	values[0] = database->fresh[i % FRESH];
	values[1] = "user";
	values[2] =
		"The quick brown fox jumps over the lazy dog; pack my box with five dozen "
		"liquor jugs. How vexingly quick daft zebras jump! Sphinx of black quartz, judge my vow.";
	values[3] = id;
	values[4] = database->user_id;
}

/* Fills in a message with a time-ordered id. */
static void
fill_ordered(const Database *database, int i, const char **values)
{
	fill_message(database, i, values, true);
}

/* Fills in a message with a random id. */
static void
fill_random(const Database *database, int i, const char **values)
{
	fill_message(database, i, values, false);
}

/* Fills in how often agent_uid() is called in one statement. */
static void
fill_calls(const Database *database, int i, const char **values)
{
	static char number[12];

	(void) database;
	(void) i;
	snprintf(number, sizeof(number), "%d", calls);
	values[0] = number;
}

/* Fills in one token and the other in turn. */
static void
fill_token(const Database *database, int i, const char **values)
{
	values[0] = database->tokens[i % 2];
}

#define CONVERSATION                                                                               \
	"SELECT id, title, is_archived, created_at, updated_at, message_count, user_id FROM "
#define MESSAGE   "SELECT id, conversation_id, seq, role, content, created_at, user_id FROM "
#define NEWEST    " ORDER BY created_at DESC, id DESC LIMIT 10"
#define NEXT_PAGE " ORDER BY seq LIMIT 50"

/* One round trip, as a client without the extension would write a message. */
#define CREATE_BARE                                                                                \
	"WITH taken AS ("                                                                              \
	" UPDATE agent.conversations SET next_seq = next_seq + 1,"                                     \
	"  message_count = message_count + 1, updated_at = greatest(updated_at, now())"                \
	" WHERE user_id = $5 AND id = $1 RETURNING next_seq - 1 AS seq, updated_at)"                   \
	" INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)"   \
	" SELECT $5, $4, $1, seq, $2, $3, updated_at FROM taken"                                       \
	" RETURNING id, conversation_id, seq, role, content, created_at, user_id"
#define CREATE_FUNCTION MESSAGE "agent_message_create($1, $2, $3)"

static const Case cases[CASE_COUNT] = {
	[GET_BARE] = {"bare",
				  &bare_large,
				  CONVERSATION "agent.conversations WHERE id = $1 AND user_id = $2",
				  fill_conversation},
	[GET_VIEW] = {"agent_conversations",
				  &user_large,
				  CONVERSATION "agent_conversations WHERE id = $1",
				  fill_conversation},
	[GET_FUNCTION] = {"agent_conversation_get(id)",
					  &user_large,
					  CONVERSATION "agent_conversation_get($1)",
					  fill_conversation},

	[LIST_BARE] = {"bare",
				   &bare_large,
				   CONVERSATION "agent.conversations WHERE user_id = $1" NEWEST,
				   fill_user},
	[LIST_VIEW] = {"agent_conversations",
				   &user_large,
				   CONVERSATION "agent_conversations" NEWEST,
				   NULL},
	[LIST_FUNCTION] = {"agent_conversation_list()",
					   &user_large,
					   CONVERSATION "agent_conversation_list() LIMIT 10",
					   NULL},

	[MESSAGES_BARE] =
		{"bare",
		 &bare_large,
		 MESSAGE
		 "agent.messages WHERE conversation_id = $1 AND seq > $2 AND user_id = $3" NEXT_PAGE,
		 fill_page},
	[MESSAGES_VIEW] = {"agent_messages",
					   &user_large,
					   MESSAGE "agent_messages WHERE conversation_id = $1 AND seq > $2" NEXT_PAGE,
					   fill_page},
	[MESSAGES_FUNCTION] = {"agent_message_list(id)",
						   &user_large,
						   MESSAGE "agent_message_list($1) WHERE seq > $2" NEXT_PAGE,
						   fill_page},

	[SMALL_BARE] = {"bare, time-ordered ids", &bare_small, CREATE_BARE, fill_ordered},
	[SMALL_RANDOM] = {"bare, random ids", &bare_small, CREATE_BARE, fill_random},
	[SMALL_FUNCTION] = {"agent_message_create()", &user_small, CREATE_FUNCTION, fill_ordered},
	[LARGE_BARE] = {"bare, time-ordered ids", &bare_large, CREATE_BARE, fill_ordered},
	[LARGE_RANDOM] = {"bare, random ids", &bare_large, CREATE_BARE, fill_random},
	[LARGE_FUNCTION] = {"agent_message_create()", &user_large, CREATE_FUNCTION, fill_ordered},

	[CALLS_NOTHING] = {NULL,
					   &user_large,
					   "SELECT count(pg_backend_pid()) FROM generate_series(1, $1)",
					   fill_calls},
	[CALLS_UID] = {"agent_uid(), once more in a statement",
				   &user_large,
				   "SELECT count(agent_uid()) FROM generate_series(1, $1)",
				   fill_calls},
	[STATEMENT_NOTHING] = {NULL, &user_large, "SELECT pg_backend_pid() IS NULL", NULL},
	[STATEMENT_UID] = {"agent_uid(), first of a statement",
					   &user_large,
					   "SELECT agent_uid() IS NULL",
					   NULL},
	[TOKEN_NOTHING] =
		{NULL,
		 &user_large,
		 "SELECT set_config('agent.token', $1, false) IS NULL, pg_backend_pid() IS NULL",
		 fill_token},
	[TOKEN_UID] = {"agent_uid(), another token each time",
				   &user_large,
				   "SELECT set_config('agent.token', $1, false) IS NULL, agent_uid() IS NULL",
				   fill_token},
	[PLPGSQL_NOTHING] = {NULL, &bare_large, "SELECT $1::text IS NULL", fill_token},
	[PLPGSQL_VERIFY] = {"in PL/pgSQL on pgcrypto, account unchecked",
						&bare_large,
						"SELECT bench.verify($1) IS NULL",
						fill_token},

	[LOGIN_10_KNOWN] = {"cost 10, known address",
						&cost_10,
						"SELECT agent_login('cost10@bench.example', 'not the password')",
						NULL},
	[LOGIN_10_UNKNOWN] = {"cost 10, unknown address",
						  &cost_10,
						  "SELECT agent_login('nobody@bench.example', 'not the password')",
						  NULL},
	[LOGIN_12_KNOWN] = {"cost 12, known address",
						&cost_12,
						"SELECT agent_login('cost12@bench.example', 'not the password')",
						NULL},
	[LOGIN_12_UNKNOWN] = {"cost 12, unknown address",
						  &cost_12,
						  "SELECT agent_login('nobody@bench.example', 'not the password')",
						  NULL},
};

/* Runs a statement and returns its result, or ends the program. */
static PGresult *
run(Session *session, const char *sql, int count, const char *const *values)
{
	PGresult *result = PQexecParams(session->conn, sql, count, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		fail("%s\n%s", sql, PQerrorMessage(session->conn));
	return result;
}

/* Runs a statement without parameters whose result is of no interest. */
static void
command(Session *session, const char *sql)
{
	PQclear(run(session, sql, 0, NULL));
}

/* Reads exactly count ids. */
static void
read_ids(Session *session, const char *sql, Id *ids, int count)
{
	PGresult *result = run(session, sql, 0, NULL);

	if (PQntuples(result) != count)
		fail("%s\nreturned %d rows instead of %d", sql, PQntuples(result), count);
	for (int i = 0; i < count; i++)
		snprintf(ids[i], ID_TEXT, "%s", PQgetvalue(result, i, 0));
	PQclear(result);
}

/* Learns what setup.sql loaded into a database, and logs the account in, twice. */
static void
read_database(Session *session)
{
	Database *database = session->database;
	PGresult *result;

	read_ids(session,
			 "SELECT id FROM agent.users WHERE username = 'cost10'",
			 &database->user_id,
			 1);
	read_ids(session,
			 "SELECT id FROM bench.conversation ORDER BY message_count DESC, id",
			 database->conversations,
			 CONVERSATIONS);
	result = run(session, "SELECT count(*) FROM agent.messages", 0, NULL);
	snprintf(database->rows, sizeof(database->rows), "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	for (int i = 0; i < 2; i++)
	{
		result = run(session,
					 "SELECT access_token"
					 " FROM agent_login('cost10@bench.example', 'correct horse battery staple')",
					 0,
					 NULL);
		database->tokens[i] = strdup(PQgetvalue(result, 0, 0));
		PQclear(result);
	}
}

/* Opens a connection as the program will use it. */
static void
open_session(Session *session)
{
	const char *keywords[] = {"dbname", "user", "application_name", NULL};
	const char *values[] = {session->database->name, "postgres", "bench", NULL};

	session->conn = PQconnectdbParams(keywords, values, 0);
	if (PQstatus(session->conn) != CONNECTION_OK)
		fail("%s", PQerrorMessage(session->conn));
	if (session->setting != NULL)
		command(session, session->setting);
	if (session->role != SIGNED_IN)
		return;
	PQclear(run(session,
				"SELECT set_config('agent.token', $1, false)",
				1,
				(const char *const *) session->database->tokens));
	command(session, "SET ROLE agent_user");
}

/* Opens all connections; the superuser's of a database learns what is in it first. */
static void
open_sessions(void)
{
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++)
	{
		open_session(sessions[i]);
		if (sessions[i] == &bare_small || sessions[i] == &bare_large)
			read_database(sessions[i]);
	}
}

/* Prepares every case on its connection, under its number. */
static void
prepare_cases(void)
{
	for (int i = 0; i < CASE_COUNT; i++)
	{
		char name[12];
		PGresult *result;

		snprintf(name, sizeof(name), "%d", i);
		result = PQprepare(cases[i].session->conn, name, cases[i].sql, 0, NULL);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			fail("%s\n%s", cases[i].sql, PQerrorMessage(cases[i].session->conn));
		PQclear(result);
		result = PQdescribePrepared(cases[i].session->conn, name);
		nparams[i] = PQnparams(result);
		PQclear(result);
	}
}

/* Returns the microseconds that a connection's backend was on a processor. */
static double
cpu_time(const Session *session)
{
	char path[64];
	FILE *file;
	unsigned long long ns;

	/* It has answered, and the kernel counts when it goes to sleep. */
	usleep(1000);
	snprintf(path, sizeof(path), "/proc/%d/schedstat", PQbackendPID(session->conn));
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%llu", &ns) != 1)
		fail("could not read %s", path);
	fclose(file);
	return ns / 1000.0;
}

/* Runs the i-th statement of a case; refused is the error it must end in, or NULL. */
static void
execute(CaseId id, int i, const char *refused)
{
	const Case *c = &cases[id];
	const char *values[MAX_PARAMS];
	char name[12];
	PGresult *result;
	const char *state;

	if (c->fill != NULL)
		c->fill(c->session->database, i, values);
	snprintf(name, sizeof(name), "%d", id);
	result = PQexecPrepared(c->session->conn, name, nparams[id], values, NULL, NULL, 0);
	state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (refused != NULL ? state == NULL || strcmp(state, refused) != 0
						: PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
		fail("%s\n%s", c->sql, PQerrorMessage(c->session->conn));
	PQclear(result);
}

/*
 * Runs one slice of a case and notes the time of a statement.
 *
 * The first statements are not counted: they settle plans and caches.
 */
static void
measure(CaseId id, int round, bool busy, int count)
{
	Session *session = cases[id].session;
	int warm_up = count > 1 ? 20 : 1;
	double start = 0;

	for (int i = -warm_up; i < count; i++)
	{
		if (i == 0)
			start = cpu_time(session);
		if (busy)
			command(&other, "UPDATE bench.tick SET n = n + 1");
		execute(id, i + warm_up, NULL);
	}
	cpu[id][busy][round] = (cpu_time(session) - start) / count;
}

/* Measures a range of cases, in turn; every other round backwards. */
static void
measure_round(CaseId first, CaseId last, int round, bool busy, int count)
{
	for (int i = 0; i <= (int) (last - first); i++)
		measure(round % 2 == 0 ? first + i : last - i, round, busy, count);
}

/* Makes new conversations for the next slice of messages. */
static void
make_fresh(Database *database, Session *bare)
{
	char sql[256];

	snprintf(sql,
			 sizeof(sql),
			 "INSERT INTO agent.conversations (user_id, id, title, created_at, updated_at)"
			 " SELECT '%s', gen_random_uuid(), 'fresh', now(), now()"
			 " FROM generate_series(1, %d) RETURNING id",
			 database->user_id,
			 FRESH);
	read_ids(bare, sql, database->fresh, FRESH);
}

/* Measures writing messages, and takes the small table back to its size. */
static void
measure_writes(int round)
{
	for (int i = 0; i <= LARGE_FUNCTION - SMALL_BARE; i++)
	{
		CaseId id = round % 2 == 0 ? SMALL_BARE + i : LARGE_FUNCTION - i;

		make_fresh(&small, &bare_small);
		make_fresh(&large, &bare_large);
		measure(id, round, false, statements);
	}
	command(&bare_small, "DELETE FROM agent.conversations WHERE title = 'fresh'");
	command(&bare_small, "VACUUM agent.conversations, agent.messages");
}

/* Measures refused logins: the answer is the same, and its time must be. */
static void
measure_logins(void)
{
	for (int round = 0; round < logins; round++)
	{
		for (CaseId id = LOGIN_10_KNOWN; id <= LOGIN_12_UNKNOWN; id++)
		{
			double start = cpu_time(cases[id].session);

			execute(id, 0, "28P01");
			cpu[id][0][round] = cpu_time(cases[id].session) - start;
		}
	}
}

/* Measures everything. */
static void
measure_all(void)
{
	for (int round = 0; round < rounds; round++)
	{
		measure_round(GET_BARE, MESSAGES_FUNCTION, round, false, statements);
		measure_round(GET_BARE, MESSAGES_FUNCTION, round, true, statements);
		measure_round(CALLS_NOTHING, CALLS_UID, round, false, 1);
		measure_round(STATEMENT_NOTHING, STATEMENT_UID, round, false, statements);
		measure_round(STATEMENT_NOTHING, STATEMENT_UID, round, true, statements);
		measure_round(TOKEN_NOTHING, TOKEN_UID, round, false, statements);
		measure_round(PLPGSQL_NOTHING, PLPGSQL_VERIFY, round, false, statements);
	}
	for (int round = 0; round < rounds; round++)
		measure_writes(round);
	measure_logins();
}

/* Compares two numbers for qsort. */
static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Returns the median; the numbers are sorted. */
static double
median(double *numbers, int count)
{
	qsort(numbers, count, sizeof(double), compare);
	return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* Returns a case's time. */
static double
time_of(CaseId id, bool busy, int count)
{
	double times[MAX_ROUNDS];

	memcpy(times, cpu[id][busy], sizeof(times));
	return median(times, count);
}

/* Returns the ratio of one case to another. */
static double
ratio_of(CaseId id, CaseId base, bool busy, int count)
{
	double ratios[MAX_ROUNDS];

	for (int i = 0; i < count; i++)
		ratios[i] = cpu[id][busy][i] / cpu[base][busy][i];
	return median(ratios, count);
}

/* Returns what a case takes beyond the one before it. */
static double
difference_of(CaseId id, bool busy)
{
	double differences[MAX_ROUNDS];

	for (int i = 0; i < rounds; i++)
		differences[i] = cpu[id][busy][i] - cpu[id - 1][busy][i];
	return median(differences, rounds);
}

/* Ends a line of the table with what its figure, as printed, is held against, if anything. */
static void
print_verdict(double figure, double limit, int gap)
{
	if (limit > 0)
		printf("%*s  %5.2f  %s", gap, "", limit, figure < limit + 0.005 ? "PASS" : "over");
	putchar('\n');
}

/* Prints reads; both ratios must be within the limit. */
static void
print_reads(const char *title, CaseId first, CaseId last)
{
	printf("%s\n", title);
	for (CaseId id = first; id <= last; id++)
	{
		double alone = ratio_of(id, first, false, rounds);
		double busy = ratio_of(id, first, true, rounds);

		printf("  %-42s %7.1f %6.2f %8.1f %6.2f",
			   cases[id].label,
			   time_of(id, false, rounds),
			   alone,
			   time_of(id, true, rounds),
			   busy);
		/* A statement within a statement, which one function is, has no limit. */
		print_verdict(alone > busy ? alone : busy,
					  id == first || id == GET_FUNCTION ? 0 : READ_LIMIT,
					  0);
	}
}

/* Prints writes into one table. */
static void
print_writes(const Database *database, CaseId first, CaseId bounded)
{
	printf("Write a message into a table of %s\n", database->rows);
	for (CaseId id = first; id <= bounded; id++)
	{
		double ratio = ratio_of(id, first, false, rounds);

		printf("  %-42s %7.1f %6.2f", cases[id].label, time_of(id, false, rounds), ratio);
		print_verdict(ratio, id == bounded ? WRITE_LIMIT : 0, 16);
	}
}

/* Prints how writing depends on the size of the table. */
static void
print_growth(void)
{
	double ratio = ratio_of(LARGE_FUNCTION, SMALL_FUNCTION, false, rounds);

	printf("  %-42s %7s %6.2f", "the same, to the small table's", "", ratio);
	print_verdict(ratio, SIZE_LIMIT, 16);
}

/* Prints what identity costs. */
static void
print_identity(void)
{
	double call = difference_of(CALLS_UID, false) / calls;

	printf("Who is calling, less the same statement with pg_backend_pid()\n");
	printf("  %-42s %7.3f", cases[CALLS_UID].label, call);
	print_verdict(call, CALL_LIMIT, 23);
	printf("  %-42s %7.2f %15.2f\n",
		   cases[STATEMENT_UID].label,
		   difference_of(STATEMENT_UID, false),
		   difference_of(STATEMENT_UID, true));
	printf("  %-42s %7.1f\n", cases[TOKEN_UID].label, difference_of(TOKEN_UID, false));
	printf("  %-42s %7.1f\n", cases[PLPGSQL_VERIFY].label, difference_of(PLPGSQL_VERIFY, false));
}

/* Prints logins, in milliseconds. */
static void
print_logins(void)
{
	printf("Log in with a wrong password, ms\n");
	for (CaseId id = LOGIN_10_KNOWN; id <= LOGIN_12_UNKNOWN; id++)
		printf("  %-42s %7.1f %6.3f\n",
			   cases[id].label,
			   time_of(id, false, logins) / 1000,
			   ratio_of(id, id - (id - LOGIN_10_KNOWN) % 2, false, logins));
}

/* Prints the table. */
static void
print_all(void)
{
	int version = PQserverVersion(bare_large.conn);

	printf("PostgreSQL %d.%d, %d rounds of %d statements a case, synchronous_commit = off.\n"
		   "CPU time of the backend, us a statement, and its ratio to the first of a group;\n"
		   "busy: another connection commits before each statement.\n\n",
		   version / 10000,
		   version % 10000,
		   rounds,
		   statements);
	printf("  %-42s %7s %6s %8s %6s  %5s\n", "", "us", "ratio", "busy us", "ratio", "limit");
	print_reads("Read one conversation of 2000", GET_BARE, GET_FUNCTION);
	print_reads("Read the newest 10 conversations of 2000", LIST_BARE, LIST_FUNCTION);
	print_reads("Read 50 messages of 1000", MESSAGES_BARE, MESSAGES_FUNCTION);
	print_writes(&small, SMALL_BARE, SMALL_FUNCTION);
	print_writes(&large, LARGE_BARE, LARGE_FUNCTION);
	print_growth();
	print_identity();
	print_logins();
}

/* Measures, and prints what was found. */
int
main(void)
{
	rounds = option("BENCH_ROUNDS", 41, MAX_ROUNDS);
	statements = option("BENCH_STATEMENTS", 100, 100000);
	calls = option("BENCH_CALLS", 20000, 10000000);
	logins = option("BENCH_LOGINS", 11, MAX_ROUNDS);
	open_sessions();
	prepare_cases();
	measure_all();
	print_all();
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++)
		PQfinish(sessions[i]->conn);
	return 0;
}
