/*
 * session.c
 *		Sessions: one per login, looked up by identity.c at every statement.
 *
 * Started by login, with SPI connected; ended through SQL by a signed-in person, as
 * agent_owner, or by a worker of its own when an old refresh token turns up.
 */
#include "agent.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"

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
	char *agent = agent_request_user_agent();
	char address[AGENT_ADDRESS_TEXT];
	bool has_address = agent_request_address(address);
	char nulls[] = "         ";
	char *refresh_token;
	Datum expire[] = {UUIDPGetDatum(user_id), TimestampTzGetDatum(now)};
	Datum insert[] = {UUIDPGetDatum(user_id),
					  UUIDPGetDatum(session_id),
					  TimestampTzGetDatum(now),
					  TimestampTzGetDatum(expires_at),
					  agent != NULL ? CStringGetTextDatum(agent) : (Datum) 0,
					  (Datum) 0,
					  (Datum) 0,
					  CStringGetTextDatum(password_hash),
					  has_address ? CStringGetTextDatum(address) : (Datum) 0};

	*session_id = agent_uuidv7();
	refresh_token = agent_refresh_begin(user_id, session_id, &insert[5], &insert[6]);
	agent_execute(AGENT_PLAN_SESSION_EXPIRE, expire, NULL);
	nulls[4] = agent != NULL ? ' ' : 'n';
	nulls[8] = has_address ? ' ' : 'n';
	if (agent_execute(AGENT_PLAN_SESSION_INSERT, insert, nulls) == 0)
		return NULL;
	agent_audit_write(AGENT_EVENT_LOGIN, user_id, session_id, NULL);
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
	agent_audit_write(AGENT_EVENT_LOGOUT, &caller, &session_id, scope);
	SPI_finish();
	PG_RETURN_VOID();
}

/* What the worker that ends a session is told. */
typedef struct EndApart
{
	Oid database;
	pg_uuid_t user_id;
	pg_uuid_t session_id;
	char address[AGENT_ADDRESS_TEXT];
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
	BackgroundWorker worker;
	EndApart what = {MyDatabaseId, *user_id, *session_id, ""};
	BackgroundWorkerHandle *handle;

	if (!agent_request_address(what.address))
		what.address[0] = '\0';
	agent_worker_describe(&worker, "agent session end", "agent_session_end_main");
	worker.bgw_notify_pid = MyProcPid;
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

/* Ends a session and says why in the audit. */
static void
end_reused(void *arg)
{
	EndApart *what = arg;
	AgentEntry entry;

	agent_session_end_by(AGENT_PLAN_SESSION_END, &what->user_id, &what->session_id);
	agent_audit_fill(&entry, AGENT_EVENT_REFRESH_REUSE, &what->user_id, &what->session_id, NULL);
	strlcpy(entry.address, what->address, sizeof(entry.address));
	agent_audit_insert_late(&entry);
}

/* Ends a session and the process: the worker's main function. */
void
agent_session_end_main(Datum arg)
{
	EndApart what;

	memcpy(&what, MyBgworkerEntry->bgw_extra, sizeof(what));
	pqsignal(SIGTERM, die);
	agent_worker_connect(what.database);
	agent_worker_transaction(end_reused, &what);
}
