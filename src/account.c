/*
 * account.c
 *		Accounts: log in, see oneself, change the password, delete the account.
 *
 * Called through SQL by anybody (login: as agent_owner) or by a signed-in person (me: as oneself;
 *change, delete: as agent_owner). Arguments hold passwords: no statement text or value of theirs
 *may reach a message. Results are in the caller's memory context.
 */
#include "agent.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* What login needs to know of an account. */
typedef struct Account
{
	pg_uuid_t id;
	char *password_hash;
	bool is_active;
} Account;

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
		agent_audit_report(AGENT_EVENT_LOGIN_FAILED, NULL, NULL, "no such account");
		agent_raise(AGENT_BAD_CREDENTIALS, NULL);
	}
	if (!agent_password_matches(password, account->password_hash))
	{
		agent_audit_report(AGENT_EVENT_LOGIN_FAILED, &account->id, NULL, "wrong password");
		agent_raise(AGENT_BAD_CREDENTIALS, NULL);
	}
	if (!account->is_active)
	{
		agent_audit_report(AGENT_EVENT_LOGIN_FAILED, &account->id, NULL, "inactive account");
		agent_raise(AGENT_USER_INACTIVE, NULL);
	}
}

/*
 * Checks the password of an account that is known by its id, and returns its hash as
 * it is now, or raises what is wrong; SPI is connected.
 */
static char *
confirm_password(const pg_uuid_t *id, const text *password, AgentError no_account,
				 AgentError wrong_password)
{
	Datum values[] = {UUIDPGetDatum(id)};
	bool isnull;
	char *hash;

	if (agent_execute(AGENT_PLAN_USER_PASSWORD, values, NULL) == 0)
		agent_raise(no_account, NULL);
	hash = TextDatumGetCString(agent_result(0, 1, &isnull));
	if (!agent_password_matches(password, hash))
	{
		agent_audit_report(AGENT_EVENT_PASSWORD_FAILED, id, NULL, NULL);
		agent_raise(wrong_password, NULL);
	}
	return hash;
}

/* What a login is made of. */
typedef struct Login
{
	const text *email;
	const text *password;
	Account account;
	char *renewed_hash; /* or NULL */
} Login;

/*
 * Stores a hash of today in the place of one that is not. Where somebody else has just
 * stored another one, that has to be of the same password.
 */
static void
store_renewed_hash(Login *login)
{
	Account *account = &login->account;
	Datum values[] = {UUIDPGetDatum(&account->id),
					  CStringGetTextDatum(account->password_hash),
					  (Datum) 0};

	if (login->renewed_hash == NULL)
		return;
	values[2] = CStringGetTextDatum(login->renewed_hash);
	account->password_hash = login->renewed_hash;
	if (agent_execute(AGENT_PLAN_USER_SET_PASSWORD, values, NULL) == 0)
		account->password_hash = confirm_password(&account->id,
												  login->password,
												  AGENT_BAD_CREDENTIALS,
												  AGENT_BAD_CREDENTIALS);
}

/* Counts an attempt at a login, by the address of the account whether there is one or not. */
void
agent_count_login(const text *email, AgentAttempt *attempt)
{
	const char *key = agent_email_key(email);

	if (key == NULL)
		key = text_to_cstring(email);
	agent_limit_attempt(attempt, key, strlen(key), NULL);
}

/*
 * Checks a login, in its turn. Of a hash that is of another application, or cheaper than
 * now, a new one is made: only now is the password at hand. Nothing is written, since
 * that may wait for somebody who waits for a turn.
 */
static void
check_login(void *arg)
{
	Login *login = arg;

	check_password(login->email, login->password, &login->account);
	if (agent_password_needs_renewal(login->account.password_hash, login->password))
		login->renewed_hash = agent_password_hash(login->password);
}

/* Does what an attempt is about in its turn; sent away without one it does not count. */
static void
attempt_in_turn(const AgentAttempt *attempt, void (*work)(void *), void *arg)
{
	int64 wait = agent_admission_try(work, arg);

	agent_limit_forgive(attempt, wait == 0);
	if (wait > 0)
		agent_admission_refuse(wait);
}

/* Returns a row of agent_token. */
Datum
agent_token_row(FunctionCallInfo fcinfo, const char *access_token, const char *refresh_token)
{
	Datum values[] = {CStringGetTextDatum(access_token),
					  CStringGetTextDatum("bearer"),
					  Int32GetDatum(agent_access_token_ttl),
					  CStringGetTextDatum(refresh_token)};

	return agent_form_row(fcinfo, lengthof(values), values);
}

PG_FUNCTION_INFO_V1(agent_login);

/* SQL: agent_login(email text, password text) returns agent_token */
Datum
agent_login(PG_FUNCTION_ARGS)
{
	AgentFaults faults;
	Login login = {0};
	AgentAttempt attempt;
	pg_uuid_t session_id;
	TimestampTz now;
	MemoryContext caller = CurrentMemoryContext;
	char *refresh_token;

	agent_redact_statement("agent_login");
	PreventCommandIfReadOnly("agent_login()");
	agent_faults_init(&faults);
	login.email = agent_check_text(&faults, AGENT_FIELD_LOGIN_EMAIL, fcinfo, 0);
	login.password = agent_check_text(&faults, AGENT_FIELD_PASSWORD, fcinfo, 1);
	agent_faults_raise(&faults);

	agent_count_login(login.email, &attempt);
	SPI_connect();
	attempt_in_turn(&attempt, check_login, &login);
	store_renewed_hash(&login);
	now = GetCurrentTimestamp();
	refresh_token =
		agent_session_start(&login.account.id, login.account.password_hash, now, &session_id);
	if (refresh_token == NULL)
		agent_raise(AGENT_BAD_CREDENTIALS, NULL);
	refresh_token = MemoryContextStrdup(caller, refresh_token);
	SPI_finish();

	return agent_token_row(fcinfo,
						   agent_token_issue(&login.account.id, &session_id, now),
						   refresh_token);
}

PG_FUNCTION_INFO_V1(agent_me);

/* SQL: agent_me() returns agent_users */
Datum
agent_me(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	Datum values[] = {UUIDPGetDatum(&caller)};

	return agent_execute_row(fcinfo, AGENT_PLAN_USER_GET, values, NULL, AGENT_USER_NOT_FOUND);
}

/* What a change of the password is made of. */
typedef struct Change
{
	pg_uuid_t user_id;
	const text *current;
	const text *changed;
	const char *old_hash;
	const char *new_hash;
} Change;

/* Checks the current password, in its turn, and hashes the new one. */
static void
check_change(void *arg)
{
	Change *change = arg;

	change->old_hash = confirm_password(&change->user_id,
										change->current,
										AGENT_USER_NOT_FOUND,
										AGENT_WRONG_PASSWORD);
	change->new_hash = agent_password_hash(change->changed);
}

PG_FUNCTION_INFO_V1(agent_password_change);

/* SQL: agent_password_change(current_password text, new_password text) returns void */
Datum
agent_password_change(PG_FUNCTION_ARGS)
{
	pg_uuid_t session_id;
	Change change = {.user_id = agent_caller_session(&session_id)};
	AgentFaults faults;
	AgentAttempt attempt;
	Datum values[3] = {UUIDPGetDatum(&change.user_id)};

	agent_redact_statement("agent_password_change");
	PreventCommandIfReadOnly("agent_password_change()");
	agent_faults_init(&faults);
	change.current = agent_check_text(&faults, AGENT_FIELD_CURRENT_PASSWORD, fcinfo, 0);
	change.changed = agent_check_text(&faults, AGENT_FIELD_CHANGED_PASSWORD, fcinfo, 1);
	agent_faults_raise(&faults);

	agent_limit_attempt(&attempt, &change.user_id, UUID_LEN, &change.user_id);
	SPI_connect();
	attempt_in_turn(&attempt, check_change, &change);
	values[1] = CStringGetTextDatum(change.old_hash);
	values[2] = CStringGetTextDatum(change.new_hash);
	if (agent_execute(AGENT_PLAN_USER_SET_PASSWORD, values, NULL) == 0)
		agent_raise(AGENT_WRONG_PASSWORD, NULL);
	agent_session_end_by(AGENT_PLAN_SESSION_END_OTHERS, &change.user_id, &session_id);
	agent_audit_write(AGENT_EVENT_PASSWORD_CHANGE, &change.user_id, &session_id, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}

/* What a deletion is made of. */
typedef struct Deletion
{
	pg_uuid_t user_id;
	const text *password;
} Deletion;

/* Checks the password of a deletion, in its turn. */
static void
check_deletion(void *arg)
{
	Deletion *deletion = arg;

	(void) confirm_password(&deletion->user_id,
							deletion->password,
							AGENT_USER_NOT_FOUND,
							AGENT_WRONG_PASSWORD);
}

PG_FUNCTION_INFO_V1(agent_account_delete);

/* SQL: agent_account_delete(password text) returns void */
Datum
agent_account_delete(PG_FUNCTION_ARGS)
{
	Deletion deletion = {.user_id = agent_caller()};
	Datum values[] = {UUIDPGetDatum(&deletion.user_id)};
	AgentFaults faults;
	AgentAttempt attempt;

	agent_redact_statement("agent_account_delete");
	PreventCommandIfReadOnly("agent_account_delete()");
	agent_faults_init(&faults);
	deletion.password = agent_check_text(&faults, AGENT_FIELD_PASSWORD, fcinfo, 0);
	agent_faults_raise(&faults);

	agent_limit_attempt(&attempt, &deletion.user_id, UUID_LEN, &deletion.user_id);
	SPI_connect();
	attempt_in_turn(&attempt, check_deletion, &deletion);
	agent_execute(AGENT_PLAN_USER_DELETE, values, NULL);
	/* It has waited for whoever was using a key of the account's. */
	agent_idempotency_forget(&deletion.user_id);
	agent_audit_erase(&deletion.user_id);
	SPI_finish();
	PG_RETURN_VOID();
}
