/*
 * guc.c
 *		Settings of the module, in alphabetical order.
 *
 * All but agent.token are for superusers (or whom they grant SET to): a client
 * that could choose the life of its tokens or the cost of its hash would.
 */
#include "agent.h"

#include <ctype.h>
#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#define DAY_MS 86400000 /* milliseconds of a day */

int agent_access_token_ttl = 1800;       /* seconds */
int agent_audit_max_rows = 1000000;      /* 0: no limit */
int agent_audit_retention = 129600;      /* minutes; 0: for ever */
int agent_hash_concurrency = 0;          /* 0: all cores but one */
int agent_hash_queue = 16;               /* callers */
int agent_idempotency_ttl = 86400;       /* seconds */
int agent_login_account_burst = 10;      /* attempts */
int agent_login_account_interval = 6000; /* ms; 0: no limit */
int agent_login_address_burst = 100;     /* attempts */
int agent_login_address_interval = 200;  /* ms; 0: no limit */
int agent_password_hash_cost = 12;       /* bcrypt, log2 of the rounds */
int agent_postgrest_max_rows = 1000;     /* rows; 0 is no limit */
int agent_refresh_grace = 10;            /* seconds */
int agent_request_burst = 100;           /* requests */
int agent_request_interval = 0;          /* ms; 0: no limit */
int agent_session_ttl = 2592000;         /* seconds */
bool agent_metrics_are_kept = true;
char *agent_metrics_token = "";
char *agent_token = NULL;
char *agent_trusted_address_header = "";

/*
 * Refuses what cannot be a caller's token: one that no verification would take,
 * before it is copied around, and a default of the database, of a role or of a
 * function, which would make others act as whoever set it. Nor may an expression
 * that is evaluated for somebody else's maintenance leave an identity behind.
 */
static bool
check_token(char **newval, void **extra, GucSource source)
{
	if (*newval != NULL && (*newval)[0] != '\0' && source != PGC_S_DEFAULT &&
		source != PGC_S_CLIENT && source != PGC_S_SESSION)
	{
		GUC_check_errmsg("\"agent.token\" cannot have a default");
		GUC_check_errhint("Use SET LOCAL in a transaction.");
		return false;
	}
	if (source == PGC_S_SESSION && InSecurityRestrictedOperation())
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("\"agent.token\" cannot be set in a security-restricted operation");
		return false;
	}
	/* Each message of the extended protocol shows the statement anew. */
	if (source == PGC_S_SESSION)
		agent_redact_statement("agent.token");
	if (*newval != NULL && strlen(*newval) > AGENT_TOKEN_MAX)
	{
		GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
		GUC_check_errmsg("value of \"agent.token\" is too long");
		GUC_check_errdetail("A token has %d bytes at most.", AGENT_TOKEN_MAX);
		return false;
	}
	return true;
}

/* Takes the name of a header, and makes it lower case. */
static bool
check_header_name(char **newval, void **extra, GucSource source)
{
	for (const char *c = *newval; *c != '\0'; c++)
	{
		if (IS_HIGHBIT_SET(*c) || (!isalnum((unsigned char) *c) && *c != '-' && *c != '_'))
		{
			GUC_check_errdetail("A header's name consists of letters, digits, - and _.");
			return false;
		}
	}
	for (char *c = *newval; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return true;
}

/* Defines a whole number that superusers set. */
static void
define_number(const char *name, const char *what, const char *more, int *variable, int min, int max,
			  int flags)
{
	DefineCustomIntVariable(name,
							what,
							more,
							variable,
							*variable,
							min,
							max,
							PGC_SUSET,
							flags,
							NULL,
							NULL,
							NULL);
}

/* Sets a setting as the session's user may, for as long as the action says. */
static void
set_option(const char *name, const char *value, GucAction action)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, action, true, 0, false);
}

/* Sets a setting until the end of the transaction. */
void
agent_set_local(const char *name, const char *value)
{
	set_option(name, value, GUC_ACTION_LOCAL);
}

/* Sets a setting until the subtransaction ends, whichever way. */
void
agent_set_for_call(const char *name, const char *value)
{
	set_option(name, value, GUC_ACTION_SAVE);
}

/* Defines the settings of sessions, of what they may cost, and of what is kept of them. */
static void
define_numbers(void)
{
	define_number("agent.access_token_ttl",
				  "Sets the life of an access token.",
				  NULL,
				  &agent_access_token_ttl,
				  60,
				  AGENT_TOKEN_LIFE_MAX,
				  GUC_UNIT_S);
	define_number("agent.audit_max_rows",
				  "Sets how many entries of the audit are kept at most.",
				  "Zero is no limit.",
				  &agent_audit_max_rows,
				  0,
				  INT_MAX,
				  0);
	define_number("agent.audit_retention",
				  "Sets how long entries of the audit are kept.",
				  "Zero keeps them for ever.",
				  &agent_audit_retention,
				  0,
				  INT_MAX / 60,
				  GUC_UNIT_MIN);
	define_number("agent.idempotency_ttl",
				  "Sets how long an idempotency key gives the same answer.",
				  NULL,
				  &agent_idempotency_ttl,
				  60,
				  2592000,
				  GUC_UNIT_S);
	define_number("agent.login_account_burst",
				  "Sets how many attempts at an account's password may come at once.",
				  NULL,
				  &agent_login_account_burst,
				  1,
				  1000000,
				  0);
	define_number("agent.login_account_interval",
				  "Sets the time after which one more attempt at an account's password may come.",
				  "Zero is no limit.",
				  &agent_login_account_interval,
				  0,
				  DAY_MS,
				  GUC_UNIT_MS);
	define_number("agent.login_address_burst",
				  "Sets how many logins and registrations may come from an address at once.",
				  NULL,
				  &agent_login_address_burst,
				  1,
				  1000000,
				  0);
	define_number(
		"agent.login_address_interval",
		"Sets the time after which one more login or registration may come from an address.",
		"Zero is no limit.",
		&agent_login_address_interval,
		0,
		DAY_MS,
		GUC_UNIT_MS);
	define_number("agent.password_hash_cost",
				  "Sets the bcrypt cost of new password hashes.",
				  "Each step doubles the time of a login.",
				  &agent_password_hash_cost,
				  10,
				  15,
				  0);
	define_number("agent.postgrest_max_rows",
				  "Sets how many rows PostgREST returns at most.",
				  "Zero is no limit.",
				  &agent_postgrest_max_rows,
				  0,
				  INT_MAX,
				  0);
	define_number("agent.refresh_grace",
				  "Sets how long a refresh token that was used gives the same answer.",
				  "Zero lets it be used once.",
				  &agent_refresh_grace,
				  0,
				  300,
				  GUC_UNIT_S);
	define_number("agent.request_burst",
				  "Sets how many requests of a person may come at once.",
				  NULL,
				  &agent_request_burst,
				  1,
				  1000000,
				  0);
	define_number("agent.request_interval",
				  "Sets the time after which one more request of a person may come.",
				  "Zero is no limit.",
				  &agent_request_interval,
				  0,
				  DAY_MS,
				  GUC_UNIT_MS);
	define_number("agent.session_ttl",
				  "Sets how long a session lasts that is not refreshed.",
				  NULL,
				  &agent_session_ttl,
				  60,
				  31536000,
				  GUC_UNIT_S);
}

/* Defines a whole number that holds for all sessions together. */
static void
define_shared_number(const char *name, const char *what, const char *more, int *variable, int max)
{
	DefineCustomIntVariable(name,
							what,
							more,
							variable,
							*variable,
							0,
							max,
							PGC_SIGHUP,
							0,
							NULL,
							NULL,
							NULL);
}

/* Defines the settings. */
void
agent_guc_define(void)
{
	define_numbers();
	define_shared_number("agent.hash_concurrency",
						 "Sets how many password hashes are computed at once.",
						 "Zero is one less than there are cores.",
						 &agent_hash_concurrency,
						 1024);
	define_shared_number("agent.hash_queue",
						 "Sets how many callers may wait for their turn to hash a password.",
						 NULL,
						 &agent_hash_queue,
						 100000);

	DefineCustomBoolVariable("agent.metrics",
							 "Counts calls and requests, and how long they take.",
							 NULL,
							 &agent_metrics_are_kept,
							 true,
							 PGC_SUSET,
							 0,
							 NULL,
							 NULL,
							 NULL);

	/* No check: its error would tell the value. */
	DefineCustomStringVariable("agent.metrics_token",
							   "Sets the token of whoever may get /metrics.",
							   "Empty: that path is not there.",
							   &agent_metrics_token,
							   "",
							   PGC_SIGHUP,
							   GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							   NULL,
							   NULL,
							   NULL);

	/* Any client may claim anything here: only a verified token counts. */
	DefineCustomStringVariable("agent.token",
							   "Sets the access token of the caller.",
							   NULL,
							   &agent_token,
							   "",
							   PGC_USERSET,
							   GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   check_token,
							   NULL,
							   NULL);

	/* Whoever sends it past the proxy chooses where they are. */
	DefineCustomStringVariable("agent.trusted_address_header",
							   "Sets the header in which a proxy says where a request comes from.",
							   "Empty: addresses are unknown.",
							   &agent_trusted_address_header,
							   "",
							   PGC_SUSET,
							   0,
							   check_header_name,
							   NULL,
							   NULL);

	MarkGUCPrefixReserved("agent");
}
