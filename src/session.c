/*
 * session.c
 *		Sessions: one per login, looked up by identity.c at every statement.
 *
 * Started by login, with SPI connected; ended through SQL by a signed-in person, as
 * agent_owner, or by a worker of its own when an old refresh token turns up.
 */
#include "agent.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#define USER_AGENT_MAX 256 /* characters */

/* Returns the request's User-Agent, cut to length, or NULL. */
static text *
user_agent(void)
{
	const char *headers = agent_request_headers();
	char *value = headers != NULL ? agent_request_header(headers, "user-agent") : NULL;

	if (value == NULL)
		return NULL;
	return cstring_to_text_with_len(value, pg_mbcharcliplen(value, strlen(value), USER_AGENT_MAX));
}

/* Returns when a session expires that is begun or refreshed now: not before its token. */
TimestampTz
agent_session_expiry(TimestampTz now)
{
	return now + Max(agent_session_ttl, agent_access_token_ttl) * USECS_PER_SEC;
}

/*
 * Starts a session, removes the account's expired ones and returns the refresh token.
 *
 * NULL when the account was deleted or deactivated meanwhile, or got another password.
 */
char *
agent_session_start(const pg_uuid_t *user_id, const char *password_hash, TimestampTz now,
					pg_uuid_t *session_id)
{
	TimestampTz expires_at = agent_session_expiry(now);
	text *agent = user_agent();
	char *refresh_token;
	Datum expire[] = {UUIDPGetDatum(user_id), TimestampTzGetDatum(now)};
	Datum insert[] = {UUIDPGetDatum(user_id),
					  UUIDPGetDatum(session_id),
					  TimestampTzGetDatum(now),
					  TimestampTzGetDatum(expires_at),
					  PointerGetDatum(agent),
					  (Datum) 0,
					  (Datum) 0,
					  CStringGetTextDatum(password_hash)};

	*session_id = agent_uuidv7();
	refresh_token = agent_refresh_begin(user_id, session_id, &insert[5], &insert[6]);
	agent_execute(AGENT_PLAN_SESSION_EXPIRE, expire, NULL);
	if (agent_execute(AGENT_PLAN_SESSION_INSERT, insert, agent == NULL ? "    n   " : NULL) == 0)
		return NULL;
	return refresh_token;
}

/* Ends sessions by a plan; SPI is connected. */
void
agent_session_end_by(AgentPlan plan, const pg_uuid_t *user_id, const pg_uuid_t *session_id)
{
	Datum values[] = {UUIDPGetDatum(user_id),
					  UUIDPGetDatum(session_id),
					  TimestampTzGetDatum(GetCurrentTimestamp())};

	agent_execute(plan, values, NULL);
}

PG_FUNCTION_INFO_V1(agent_logout);

/* SQL: agent_logout(scope text) returns void; NULL is local */
Datum
agent_logout(PG_FUNCTION_ARGS)
{
	pg_uuid_t session_id;
	pg_uuid_t caller = agent_caller_session(&session_id);
	AgentFaults faults;
	text *argument;
	const char *scope;
	AgentPlan plan = AGENT_PLAN_SESSION_END;

	PreventCommandIfReadOnly("agent_logout()");
	agent_faults_init(&faults);
	argument = agent_check_text(&faults, AGENT_FIELD_SCOPE, fcinfo, 0);
	agent_faults_raise(&faults);
	scope = argument != NULL ? text_to_cstring(argument) : "local";
	if (strcmp(scope, "others") == 0)
		plan = AGENT_PLAN_SESSION_END_OTHERS;
	else if (strcmp(scope, "global") == 0)
		plan = AGENT_PLAN_SESSION_END_ALL;
	SPI_connect();
	agent_session_end_by(plan, &caller, &session_id);
	SPI_finish();
	PG_RETURN_VOID();
}

/* What the worker that ends a session is told. */
typedef struct EndApart
{
	Oid database;
	pg_uuid_t user_id;
	pg_uuid_t session_id;
} EndApart;

StaticAssertDecl(sizeof(EndApart) <= BGW_EXTRALEN, "the worker is told all of it");

/*
 * Ends a session in a transaction of its own, whatever becomes of this one.
 *
 * A worker does it, and is waited for. Without one that is free (max_worker_processes)
 * the session goes on, with a warning.
 */
void
agent_session_end_apart(const pg_uuid_t *user_id, const pg_uuid_t *session_id)
{
	BackgroundWorker worker = {.bgw_flags =
								   BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
							   .bgw_start_time = BgWorkerStart_RecoveryFinished,
							   .bgw_restart_time = BGW_NEVER_RESTART,
							   .bgw_notify_pid = MyProcPid};
	EndApart what = {MyDatabaseId, *user_id, *session_id};
	BackgroundWorkerHandle *handle;

	strlcpy(worker.bgw_name, "agent session end", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "agent session end", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "$libdir/agent", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "agent_session_end_main", BGW_MAXLEN);
	memcpy(worker.bgw_extra, &what, sizeof(what));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		ereport(WARNING,
				errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("could not end a session: no background worker is free"),
				errhint("Raise max_worker_processes."));
		return;
	}
	(void) WaitForBackgroundWorkerShutdown(handle);
}

/* Ends a session and the process: the worker's main function. */
void
agent_session_end_main(Datum arg)
{
	EndApart what;

	memcpy(&what, MyBgworkerEntry->bgw_extra, sizeof(what));
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(what.database, InvalidOid, 0);
	SetConfigOption("search_path", "pg_catalog", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_OVERRIDE);
	/* Whoever waits for this may hold the row. */
	SetConfigOption("lock_timeout", "1s", PGC_USERSET, PGC_S_OVERRIDE);
	StartTransactionCommand();
	/* No trigger that somebody has put there runs as a superuser. */
	SetUserIdAndSecContext(get_role_oid("agent_owner", false),
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	agent_session_end_by(AGENT_PLAN_SESSION_END, &what.user_id, &what.session_id);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}
