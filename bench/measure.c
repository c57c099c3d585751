/*
 * measure.c
 *		Runs the cases in turn and notes the processor time of their backends.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

double cpu[CASE_COUNT][2][MAX_ROUNDS];
static int nparams[CASE_COUNT];

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
void
open_sessions(void)
{
	for (size_t i = 0; i < session_count; i++)
	{
		open_session(sessions[i]);
		if (sessions[i] == &bare_small || sessions[i] == &bare_large)
			read_database(sessions[i]);
	}
}

/* Prepares every case on its connection, under its number. */
void
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
void
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
		measure_round(COUNTED_NOTHING, COUNTED_UPDATE, round, false, statements);
	}
	for (int round = 0; round < rounds; round++)
		measure_writes(round);
	measure_logins();
}
