/*
 * account.c
 *		Accounts: register, log in, see oneself.
 *
 * Called through SQL by anybody (register, login: as agent_owner) or by a signed-in
 * person (me: as oneself). Arguments hold passwords: no statement text or value of theirs
 * may reach a message. Results are in the caller's memory context.
 */
#include "agent.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* What login needs to know of an account. */
typedef struct Account
{
	pg_uuid_t id;
	char *password_hash;
	bool is_active;
} Account;

/* Raises email_taken or username_taken; SPI is connected. */
static void
refuse_taken(Datum email_key, Datum username)
{
	Datum values[] = {email_key, username};
	bool isnull;

	agent_execute(AGENT_PLAN_USER_TAKEN, values, NULL);
	if (DatumGetBool(agent_result(0, 1, &isnull)))
		agent_raise(AGENT_EMAIL_TAKEN, NULL);
	if (DatumGetBool(agent_result(0, 2, &isnull)))
		agent_raise(AGENT_USERNAME_TAKEN, NULL);
}

PG_FUNCTION_INFO_V1(agent_register);

/*
 * SQL: agent_register(email text, username text, password text) returns agent_users
 *
 * What is taken is looked up twice: before the hash, which is dear, and after an
 * insert that met a row somebody else had just committed.
 */
Datum
agent_register(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	text *email;
	text *username;
	text *password;
	pg_uuid_t id;
	Datum values[6];
	Datum result;

	agent_redact_statement("agent_register");
	PreventCommandIfReadOnly("agent_register()");
	agent_faults_init(&faults);
	email = agent_check_text(&faults, AGENT_FIELD_EMAIL, fcinfo, 0);
	username = agent_check_text(&faults, AGENT_FIELD_USERNAME, fcinfo, 1);
	password = agent_check_text(&faults, AGENT_FIELD_NEW_PASSWORD, fcinfo, 2);
	agent_faults_raise(&faults);

	values[1] = CStringGetTextDatum(agent_email_stored(email));
	values[2] = CStringGetTextDatum(agent_email_key(email));
	values[3] = PointerGetDatum(username);
	SPI_connect();
	refuse_taken(values[2], values[3]);
	values[4] = CStringGetTextDatum(agent_password_hash(password));
	values[5] = TimestampTzGetDatum(GetCurrentTimestamp());
	id = agent_uuidv7();
	values[0] = UUIDPGetDatum(&id);
	while (agent_execute(AGENT_PLAN_USER_INSERT, values, NULL) == 0)
	{
		/* Tried again when the one in the way has gone since. */
		refuse_taken(values[2], values[3]);
		CHECK_FOR_INTERRUPTS();
	}
	result = agent_result_row(fcinfo);
	SPI_finish();
	agent_request_status(201);
	return result;
}

/* Finds the account of an address; SPI is connected. */
static bool
find_account(const text *email, Account *account)
{
	char *key = agent_email_key(email);
	Datum values[1];
	bool isnull;

	if (key == NULL)
		return false;
	values[0] = CStringGetTextDatum(key);
	if (agent_execute(AGENT_PLAN_USER_BY_EMAIL, values, NULL) == 0)
		return false;
	account->id = *DatumGetUUIDP(agent_result(0, 1, &isnull));
	account->password_hash = TextDatumGetCString(agent_result(0, 2, &isnull));
	account->is_active = DatumGetBool(agent_result(0, 3, &isnull));
	return true;
}

/* Checks a password, in the same time whether the account exists or not. */
static void
check_password(const text *email, const text *password, Account *account)
{
	if (!find_account(email, account))
	{
		agent_password_match_nothing(password);
		agent_raise(AGENT_BAD_CREDENTIALS, NULL);
	}
	if (!agent_password_matches(password, account->password_hash))
		agent_raise(AGENT_BAD_CREDENTIALS, NULL);
	if (!account->is_active)
		agent_raise(AGENT_USER_INACTIVE, NULL);
}

/* Returns a row of agent_token. */
static Datum
token_row(FunctionCallInfo fcinfo, const char *access_token)
{
	TupleDesc desc = agent_result_type(fcinfo, 3);
	Datum values[3];
	bool nulls[3] = {false, false, false};
	HeapTuple row;

	values[0] = CStringGetTextDatum(access_token);
	values[1] = CStringGetTextDatum("bearer");
	values[2] = Int32GetDatum(agent_access_token_ttl);
	row = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(row);
}

PG_FUNCTION_INFO_V1(agent_login);

/* SQL: agent_login(email text, password text) returns agent_token */
Datum
agent_login(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	text *email;
	text *password;
	Account account;
	pg_uuid_t session_id;
	TimestampTz now;
	char *token;

	agent_redact_statement("agent_login");
	PreventCommandIfReadOnly("agent_login()");
	agent_faults_init(&faults);
	email = agent_check_text(&faults, AGENT_FIELD_LOGIN_EMAIL, fcinfo, 0);
	password = agent_check_text(&faults, AGENT_FIELD_PASSWORD, fcinfo, 1);
	agent_faults_raise(&faults);

	SPI_connect();
	check_password(email, password, &account);
	now = GetCurrentTimestamp();
	if (!agent_session_start(&account.id, now, &session_id))
		agent_raise(AGENT_BAD_CREDENTIALS, NULL);
	SPI_finish();

	token = agent_token_issue(&account.id, &session_id, now);
	return token_row(fcinfo, token);
}

PG_FUNCTION_INFO_V1(agent_me);

/* SQL: agent_me() returns agent_users */
Datum
agent_me(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	Datum values[] = {UUIDPGetDatum(&caller)};
	Datum result;

	SPI_connect();
	if (agent_execute(AGENT_PLAN_USER_GET, values, NULL) == 0)
		agent_raise(AGENT_USER_NOT_FOUND, NULL);
	result = agent_result_row(fcinfo);
	SPI_finish();
	return result;
}
