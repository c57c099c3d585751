/*
 * identity.c
 *		Who the caller is.
 *
 * Called by every policy and every function, in any role, in parallel workers
 * too. The caller is whoever the token says that is set for this transaction,
 * in agent.token or in PostgREST's request.headers, and nothing is remembered
 * about who that was: rollback, savepoints, pools and DISCARD ALL need no care.
 * What is remembered is which exact texts were verified: see identity_memo.c.
 */
#include "agent.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Columns of agent.users and agent.sessions that are looked at, from 0. */
enum
{
	USER_IS_ACTIVE = 5,
	SESSION_EXPIRES_AT = 3,
	SESSION_ENDED_AT = 4
};

/*
 * Returns a snapshot that sees what is committed now.
 *
 * A transaction that keeps one snapshot would not see a logout; parallel workers
 * cannot take a newer one than their leader's.
 */
static Snapshot
current_snapshot(void)
{
	if (IsolationUsesXactSnapshot() && !IsInParallelMode())
		return GetLatestSnapshot();
	return ActiveSnapshotSet() ? GetActiveSnapshot() : GetTransactionSnapshot();
}

/* Raises what is wrong with the account or the session of a good token. */
static void
check_account(AgentVerified *verified, Snapshot snapshot)
{
	pg_uuid_t key[2] = {verified->claims.user_id, verified->claims.session_id};
	AgentRow row;
	TimestampTz expires_at;

	if (!agent_row_find(AGENT_USERS, key, snapshot, &row))
		agent_raise(AGENT_USER_NOT_FOUND, NULL);
	if (row.nulls[USER_IS_ACTIVE] || !DatumGetBool(row.values[USER_IS_ACTIVE]))
		agent_raise(AGENT_USER_INACTIVE, NULL);
	verified->user = row.ref;

	if (!agent_row_find(AGENT_SESSIONS, key, snapshot, &row) || !row.nulls[SESSION_ENDED_AT] ||
		row.nulls[SESSION_EXPIRES_AT])
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	expires_at = DatumGetTimestampTz(row.values[SESSION_EXPIRES_AT]);
	if (expires_at <= GetCurrentTimestamp())
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	verified->claims.good_until = Min(verified->claims.good_until, expires_at);
	verified->session = row.ref;
}

/*
 * Returns the token of an Authorization header's value, NULL when there is none.
 *
 * A scheme other than Bearer (in any case) is an error: the client meant to say
 * who it is, and an empty answer would hide that it did not get through.
 */
const char *
agent_bearer_token(const char *value)
{
	if (value == NULL || value[0] == '\0')
		return NULL;
	if (pg_strncasecmp(value, "Bearer", 6) != 0 || (value[6] != ' ' && value[6] != '\0'))
		agent_raise(AGENT_INVALID_SCHEME, NULL);
	value += 6;
	while (*value == ' ')
		value++;
	return value[0] != '\0' ? value : NULL;
}

/*
 * Verifies a token from scratch, or raises what is wrong with it, and remembers
 * it under the text it came in.
 */
static void
verify(const char *token, AgentTokenSource source, const char *text, Snapshot snapshot,
	   AgentVerified *verified)
{
	snapshot = RegisterSnapshot(snapshot);
	if (!agent_token_verify(token, snapshot, &verified->claims, &verified->key))
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	check_account(verified, snapshot);
	agent_memo_keep(source, text, verified, snapshot);
	UnregisterSnapshot(snapshot);
}

/*
 * Finds the caller; false without a token, an error with a bad one.
 *
 * Runs in the caller's memory context and leaves nothing behind in it.
 */
static bool
find_caller(pg_uuid_t *user_id, pg_uuid_t *session_id)
{
	bool is_set = agent_token != NULL && agent_token[0] != '\0';
	AgentTokenSource source = is_set ? AGENT_FROM_SETTING : AGENT_FROM_HEADERS;
	const char *text = is_set ? agent_token : agent_request_headers();
	const char *token;
	Snapshot snapshot;
	AgentVerified verified;
	MemoryContext scratch;
	MemoryContext caller;

	if (text == NULL)
		return false;
	snapshot = current_snapshot();
	if (agent_memo_find(source, text, snapshot, user_id, session_id))
		return true;

	scratch = AllocSetContextCreate(CurrentMemoryContext,
									"agent token verification",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	token = is_set ? text : agent_bearer_token(agent_request_header(text, "authorization"));
	if (token != NULL)
	{
		verify(token, source, text, snapshot, &verified);
		*user_id = verified.claims.user_id;
		*session_id = verified.claims.session_id;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return token != NULL;
}

/* Returns the caller, and by which session, or raises not_authenticated. */
pg_uuid_t
agent_caller_session(pg_uuid_t *session_id)
{
	pg_uuid_t user_id;

	if (!find_caller(&user_id, session_id))
		agent_raise(AGENT_NOT_AUTHENTICATED, NULL);
	agent_limit_request(&user_id, true);
	return user_id;
}

/* Returns the caller, or raises not_authenticated. */
pg_uuid_t
agent_caller(void)
{
	pg_uuid_t session_id;

	return agent_caller_session(&session_id);
}

PG_FUNCTION_INFO_V1(agent_uid);

/* SQL: agent_uid() returns uuid */
Datum
agent_uid(PG_FUNCTION_ARGS)
{
	pg_uuid_t user_id;
	pg_uuid_t session_id;
	pg_uuid_t *result;

	if (!find_caller(&user_id, &session_id))
		PG_RETURN_NULL();
	agent_limit_request(&user_id, false);
	result = palloc(sizeof(pg_uuid_t));
	*result = user_id;
	PG_RETURN_UUID_P(result);
}

PG_FUNCTION_INFO_V1(agent_session_id);

/* SQL: agent.session_id() returns uuid */
Datum
agent_session_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t user_id;
	pg_uuid_t *session_id = palloc(sizeof(pg_uuid_t));

	if (!find_caller(&user_id, session_id))
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(session_id);
}

PG_FUNCTION_INFO_V1(agent_require_caller);

/* SQL: agent.require_caller() returns boolean */
Datum
agent_require_caller(PG_FUNCTION_ARGS)
{
	agent_caller();
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(agent_authenticate);

/*
 * SQL: agent_authenticate(token text) returns uuid
 *
 * The setting is local to the transaction, and made only after the token was
 * found good: a failed call leaves the identity as it was.
 */
Datum
agent_authenticate(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	text *token_text;
	char *token;
	AgentVerified verified;
	pg_uuid_t *result;

	agent_redact_statement("agent_authenticate");
	agent_faults_init(&faults);
	token_text = agent_check_text(&faults, AGENT_FIELD_TOKEN, fcinfo, 0);
	agent_faults_raise(&faults);

	token = text_to_cstring(token_text);
	verify(token, AGENT_FROM_SETTING, token, current_snapshot(), &verified);
	agent_set_local("agent.token", token);

	result = palloc(sizeof(pg_uuid_t));
	*result = verified.claims.user_id;
	PG_RETURN_UUID_P(result);
}
