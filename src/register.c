/*
 * register.c
 *		Accounts: register, and the row that registering and importing add.
 *
 * Called through SQL by anybody, as agent_owner. Arguments hold passwords: no statement
 * text or value of theirs may reach a message. Results are in the caller's memory
 * context.
 */
#include "agent.h"

#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Raises email_taken or username_taken; SPI is connected. */
static void
refuse_taken(const text *email, const text *username)
{
	Datum values[] = {CStringGetTextDatum(agent_email_key(email)), PointerGetDatum(username)};
	bool isnull;

	agent_execute(AGENT_PLAN_USER_TAKEN, values, NULL);
	if (DatumGetBool(agent_result(0, 1, &isnull)))
		agent_raise(AGENT_EMAIL_TAKEN, NULL);
	if (DatumGetBool(agent_result(0, 2, &isnull)))
		agent_raise(AGENT_USERNAME_TAKEN, NULL);
}

/*
 * Adds an account, and returns its row; SPI is connected.
 *
 * What is taken is looked up after an insert that met a row: somebody else may have
 * just committed it.
 */
Datum
agent_account_insert(FunctionCallInfo fcinfo, AgentEvent event, const text *email,
					 const text *username, Datum password_hash, Datum created_at, bool is_active)
{
	pg_uuid_t id = agent_uuidv7();
	Datum values[] = {UUIDPGetDatum(&id),
					  CStringGetTextDatum(agent_email_stored(email)),
					  CStringGetTextDatum(agent_email_key(email)),
					  PointerGetDatum(username),
					  password_hash,
					  created_at,
					  BoolGetDatum(is_active)};
	Datum result;

	while (agent_execute(AGENT_PLAN_USER_INSERT, values, NULL) == 0)
	{
		/* Tried again when the one in the way has gone since. */
		refuse_taken(email, username);
		CHECK_FOR_INTERRUPTS();
	}
	result = agent_result_row(fcinfo);
	if (event == AGENT_EVENT_IMPORT)
		agent_audit_write_admin(event, &id, NULL);
	else
		agent_audit_write(event, &id, NULL, NULL);
	return result;
}

/*
 * Registers an account and returns its row; SPI is connected.
 *
 * What is taken is looked up before the hash, which is dear.
 */
static Datum
add_account(FunctionCallInfo fcinfo, AgentIdempotency *request, const text *email,
			const text *username, const text *password)
{
	TimestampTz now;
	Datum hash;
	Datum result;
	bool isnull;

	agent_limit_register();
	refuse_taken(email, username);
	hash = CStringGetTextDatum(agent_password_hash(password));
	now = GetCurrentTimestamp();
	result = agent_account_insert(fcinfo,
								  AGENT_EVENT_REGISTER,
								  email,
								  username,
								  hash,
								  TimestampTzGetDatum(now),
								  true);
	agent_idempotency_finish(
		request,
		DatumGetUUIDP(GetAttributeByNum(DatumGetHeapTupleHeader(result), 1, &isnull)),
		0,
		now);
	return result;
}

/*
 * Raises idempotency_mismatch unless a registration is the same as the one its key was
 * used for. Whoever has the key could find the password by that: it counts as a login.
 */
static void
confirm_registration(const AgentIdempotency *request, const text *email)
{
	AgentAttempt attempt;

	agent_count_login(email, &attempt);
	agent_idempotency_repeat(request);
	agent_limit_forgive(&attempt, true);
}

/* Returns the row of an account as it was when it was registered. */
static Datum
registered_row(FunctionCallInfo fcinfo, const AgentIdempotency *request, const text *email,
			   const text *username)
{
	Datum values[] = {UUIDPGetDatum(&request->result_id),
					  CStringGetTextDatum(agent_email_stored(email)),
					  PointerGetDatum(username),
					  BoolGetDatum(true),
					  TimestampTzGetDatum(request->result_at)};

	return agent_form_row(fcinfo, lengthof(values), values);
}

PG_FUNCTION_INFO_V1(agent_register);

/*
 * SQL: agent_register(email text, username text, password text, idempotency_key text)
 *		returns agent_users
 */
Datum
agent_register(PG_FUNCTION_ARGS)
{
	static const pg_uuid_t nobody = {{0}};
	AgentIdempotency request;
	AgentFaults faults;
	text *email;
	text *username;
	text *password;
	bool is_new;
	Datum result = (Datum) 0;

	agent_redact_statement("agent_register");
	PreventCommandIfReadOnly("agent_register()");
	agent_faults_init(&faults);
	email = agent_check_text(&faults, AGENT_FIELD_EMAIL, fcinfo, 0);
	username = agent_check_text(&faults, AGENT_FIELD_USERNAME, fcinfo, 1);
	password = agent_check_text(&faults, AGENT_FIELD_NEW_PASSWORD, fcinfo, 2);
	agent_idempotency_begin(&request, &faults, "agent_register", &nobody, fcinfo, 3);
	agent_faults_raise(&faults);
	agent_idempotency_add_value(&request, email);
	agent_idempotency_add_value(&request, username);
	agent_idempotency_add_value(&request, password);

	SPI_connect();
	is_new = agent_idempotency_claim(&request);
	if (is_new)
		result = add_account(fcinfo, &request, email, username, password);
	else
		confirm_registration(&request, email);
	SPI_finish();
	agent_request_status(201);
	return is_new ? result : registered_row(fcinfo, &request, email, username);
}
