/*
 * guc.c
 *		Settings of the module, in alphabetical order.
 *
 * All but agent.token are for superusers (or whom they grant SET to): a client
 * that could choose the life of its tokens or the cost of its hash would.
 */
#include "agent.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

int agent_access_token_ttl = 1800;   /* seconds */
int agent_password_hash_cost = 12;   /* bcrypt, log2 of the rounds */
int agent_postgrest_max_rows = 1000; /* rows; 0 is no limit */
int agent_refresh_grace = 10;        /* seconds */
int agent_session_ttl = 2592000;     /* seconds */
char *agent_token = NULL;

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

/* Defines the settings. */
void
agent_guc_define(void)
{
	DefineCustomIntVariable("agent.access_token_ttl",
							"Sets the life of an access token.",
							NULL,
							&agent_access_token_ttl,
							1800,
							60,
							AGENT_TOKEN_LIFE_MAX,
							PGC_SUSET,
							GUC_UNIT_S,
							NULL,
							NULL,
							NULL);

	DefineCustomIntVariable("agent.password_hash_cost",
							"Sets the bcrypt cost of new password hashes.",
							"Each step doubles the time of a login.",
							&agent_password_hash_cost,
							12,
							10,
							15,
							PGC_SUSET,
							0,
							NULL,
							NULL,
							NULL);

	DefineCustomIntVariable("agent.postgrest_max_rows",
							"Sets how many rows PostgREST returns at most.",
							"Zero is no limit.",
							&agent_postgrest_max_rows,
							1000,
							0,
							INT_MAX,
							PGC_SUSET,
							0,
							NULL,
							NULL,
							NULL);

	DefineCustomIntVariable("agent.refresh_grace",
							"Sets how long a refresh token that was used gives the same answer.",
							"Zero lets it be used once.",
							&agent_refresh_grace,
							10,
							0,
							300,
							PGC_SUSET,
							GUC_UNIT_S,
							NULL,
							NULL,
							NULL);

	DefineCustomIntVariable("agent.session_ttl",
							"Sets how long a session lasts that is not refreshed.",
							NULL,
							&agent_session_ttl,
							2592000,
							60,
							31536000,
							PGC_SUSET,
							GUC_UNIT_S,
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

	MarkGUCPrefixReserved("agent");
}
