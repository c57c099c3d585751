/*
 * admin.c
 *		What those who run the service do with accounts, sessions and what is old.
 *
 * Called through SQL by members of agent_admin, as agent_owner; there is no token.
 * Results are in the caller's memory context.
 */
#include "agent.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Tells whether a time can be written with a year of four digits. */
static bool
is_calendar_time(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t fraction;

	return !TIMESTAMP_NOT_FINITE(time) &&
		   timestamp2tm(time, NULL, &tm, &fraction, NULL, NULL) == 0 && tm.tm_year >= 1 &&
		   tm.tm_year <= 9999;
}

PG_FUNCTION_INFO_V1(agent_user_import);

/*
 * SQL: agent_user_import(email text, username text, password_hash text, is_active boolean,
 *		created_at timestamptz) returns agent_users
 */
Datum
agent_user_import(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	text *email;
	text *username;
	text *hash;
	Datum created_at;
	Datum result;

	agent_redact_statement("agent_user_import");
	PreventCommandIfReadOnly("agent_user_import()");
	agent_faults_init(&faults);
	email = agent_check_text(&faults, AGENT_FIELD_EMAIL, fcinfo, 0);
	username = agent_check_text(&faults, AGENT_FIELD_USERNAME, fcinfo, 1);
	hash = agent_check_text(&faults, AGENT_FIELD_PASSWORD_HASH, fcinfo, 2);
	if (!PG_ARGISNULL(4) && !is_calendar_time(PG_GETARG_TIMESTAMPTZ(4)))
		agent_fault_add(&faults,
						"created_at",
						"value_error",
						"value is not in the years 1 to 9999");
	agent_faults_raise(&faults);

	created_at = PG_ARGISNULL(4) ? TimestampTzGetDatum(GetCurrentTimestamp()) : PG_GETARG_DATUM(4);
	SPI_connect();
	result = agent_account_insert(fcinfo,
								  AGENT_EVENT_IMPORT,
								  email,
								  username,
								  PointerGetDatum(hash),
								  created_at,
								  PG_ARGISNULL(3) || PG_GETARG_BOOL(3));
	SPI_finish();
	agent_request_status(201);
	return result;
}

PG_FUNCTION_INFO_V1(agent_user_set_active);

/* SQL: agent_user_set_active(user_id uuid, active boolean) returns agent_users */
Datum
agent_user_set_active(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	pg_uuid_t id;
	Datum values[2] = {UUIDPGetDatum(&id)};
	Datum result;

	PreventCommandIfReadOnly("agent_user_set_active()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_USER_ID, fcinfo, 0, &id);
	if (PG_ARGISNULL(1))
		agent_fault_add_missing(&faults, agent_field_rule(AGENT_FIELD_ACTIVE)->name);
	agent_faults_raise(&faults);

	values[1] = PG_GETARG_DATUM(1);
	SPI_connect();
	if (agent_execute(AGENT_PLAN_USER_SET_ACTIVE, values, NULL) == 0)
		agent_raise(AGENT_ACCOUNT_NOT_FOUND, NULL);
	result = agent_result_row(fcinfo);
	agent_audit_write_admin(PG_GETARG_BOOL(1) ? AGENT_EVENT_ACTIVATE : AGENT_EVENT_DEACTIVATE,
							&id,
							NULL);
	SPI_finish();
	return result;
}

PG_FUNCTION_INFO_V1(agent_session_end);

/* SQL: agent_session_end(session_id uuid) returns void */
Datum
agent_session_end(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	pg_uuid_t id;
	pg_uuid_t user_id;
	bool isnull;
	Datum values[] = {UUIDPGetDatum(&id), TimestampTzGetDatum(GetCurrentTimestamp())};

	PreventCommandIfReadOnly("agent_session_end()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_SESSION_ID, fcinfo, 0, &id);
	agent_faults_raise(&faults);
	SPI_connect();
	if (agent_execute(AGENT_PLAN_SESSION_END_ANY, values, NULL) == 0)
		agent_raise(AGENT_SESSION_NOT_FOUND, NULL);
	user_id = *DatumGetUUIDP(agent_result(0, 1, &isnull));
	agent_audit_write_admin(AGENT_EVENT_SESSION_END, &user_id, &id);
	SPI_finish();
	PG_RETURN_VOID();
}

/* What agent_purge is deleting, by its last change: what its policy rests upon. */
static TimestampTz purged_before = DT_NOBEGIN;

PG_FUNCTION_INFO_V1(agent_is_purged);

/* SQL: agent.is_purged(updated_at timestamptz) returns boolean */
Datum
agent_is_purged(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_TIMESTAMPTZ(0) < purged_before);
}

/* Deletes up to so many old conversations and returns how many; SPI is connected. */
static int64
purge(TimestampTz before, int32 batch)
{
	Datum values[] = {TimestampTzGetDatum(before), Int32GetDatum(batch)};
	bool isnull;

	purged_before = before;
	PG_TRY();
	{
		agent_execute(AGENT_PLAN_CONVERSATION_PURGE, values, NULL);
	}
	PG_FINALLY();
	{
		purged_before = DT_NOBEGIN;
	}
	PG_END_TRY();
	return DatumGetInt64(agent_result(0, 1, &isnull));
}

PG_FUNCTION_INFO_V1(agent_purge);

/* SQL: agent_purge(older_than interval, batch integer) returns bigint */
Datum
agent_purge(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	Interval *age;
	int32 batch;
	TimestampTz before;
	int64 count;

	PreventCommandIfReadOnly("agent_purge()");
	agent_faults_init(&faults);
	age = agent_check_interval(&faults, AGENT_FIELD_OLDER_THAN, fcinfo, 0);
	if (PG_ARGISNULL(1))
		agent_fault_add_missing(&faults, agent_field_rule(AGENT_FIELD_BATCH)->name);
	batch = agent_check_integer(&faults, AGENT_FIELD_BATCH, fcinfo, 1);
	agent_faults_raise(&faults);

	before = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
													 TimestampTzGetDatum(GetCurrentTimestamp()),
													 IntervalPGetDatum(age)));
	SPI_connect();
	count = purge(before, batch);
	if (count > 0)
		agent_audit_write(
			AGENT_EVENT_PURGE,
			NULL,
			NULL,
			psprintf(INT64_FORMAT " by %s", count, GetUserNameFromId(GetSessionUserId(), false)));
	SPI_finish();
	PG_RETURN_INT64(count);
}
