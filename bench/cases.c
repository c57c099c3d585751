/*
 * cases.c
 *		What is measured: databases, connections, statements and their parameters.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

Database small = {.name = "bench_small"};
Database large = {.name = "bench_large"};

/* Bare statements are planned once: left alone, the server would plan some each time. */
#define BARE_SETTING "SET plan_cache_mode = force_generic_plan"

/* Connections, one backend each. */
Session bare_small = {&small, SUPERUSER, BARE_SETTING, NULL};
static Session user_small = {&small, SIGNED_IN, NULL, NULL};
Session bare_large = {&large, SUPERUSER, BARE_SETTING, NULL};
static Session user_large = {&large, SIGNED_IN, NULL, NULL};
static Session uncounted = {&large, SIGNED_IN, "SET agent.metrics = off", NULL};
static Session cost_10 = {&large, SUPERUSER, "SET agent.password_hash_cost = 10", NULL};
static Session cost_12 = {&large, SUPERUSER, "SET agent.password_hash_cost = 12", NULL};
Session other = {&large, SUPERUSER, NULL, NULL};

Session *const sessions[] = {
	&bare_small, &user_small, &bare_large, &user_large, &uncounted, &cost_10, &cost_12, &other};
const size_t session_count = sizeof(sessions) / sizeof(sessions[0]);

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
	"SELECT id, title, is_archived, created_at, updated_at, message_count,"                        \
	" is_pinned, tags, metadata, forked_from, user_id FROM "
#define MESSAGE                                                                                    \
	"SELECT id, conversation_id, seq, role, content, created_at, metadata, edited_at,"             \
	" user_id FROM "
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
	" RETURNING id, conversation_id, seq, role, content, created_at, metadata, edited_at, user_id"
#define CREATE_FUNCTION MESSAGE "agent_message_create($1, $2, $3)"

const Case cases[CASE_COUNT] = {
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
	[TOKEN_UID] = {"agent_authenticate(), from scratch",
				   &user_large,
				   "SELECT agent_authenticate($1) IS NULL, pg_backend_pid() IS NULL",
				   fill_token},
	[PLPGSQL_NOTHING] = {NULL, &bare_large, "SELECT $1::text IS NULL", fill_token},
	[PLPGSQL_VERIFY] = {"in PL/pgSQL on pgcrypto, account unchecked",
						&bare_large,
						"SELECT bench.verify($1) IS NULL",
						fill_token},

	[COUNTED_NOTHING] = {NULL,
						 &uncounted,
						 CONVERSATION "agent_conversation_get($1)",
						 fill_conversation},
	[COUNTED_GET] = {"agent_conversation_get(), as the caller",
					 &user_large,
					 CONVERSATION "agent_conversation_get($1)",
					 fill_conversation},
	/* With nothing to change it reads, too. */
	[COUNTED_UPDATE_NOTHING] = {NULL,
								&uncounted,
								CONVERSATION "agent_conversation_update($1)",
								fill_conversation},
	[COUNTED_UPDATE] = {"agent_conversation_update(), as owner",
						&user_large,
						CONVERSATION "agent_conversation_update($1)",
						fill_conversation},

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
