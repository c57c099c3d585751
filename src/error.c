/*
 * error.c
 *		The one table of errors, spoken in three dialects.
 *
 * A SQL client gets a standard SQLSTATE and a message as PostgreSQL writes
 * them. PostgREST, known by request.method, gets SQLSTATE PGRST with the
 * status, headers and body of the answer. Its other ways are traps: the text of
 * PTxxx becomes the reason phrase of the status line, 40001 is retried for
 * ever, and a constraint violation is answered with the failing row. agent_http,
 * which catches them, knows errors by SQLSTATEs of their own.
 *
 * Nothing here carries a secret: detail comes from validate.c, which never
 * quotes a value.
 */
#include "agent.h"

#include "utils/json.h"

#define POSTGREST_SQLSTATE MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')

/* What was raised last, and by which SQLSTATE: for whoever sees it pass. */
static AgentError raised = AGENT_NO_ERROR;
static int raised_as = 0;

typedef struct ErrorEntry
{
	const char *name;     /* "code" of the HTTP body */
	const char *sqlstate; /* NULL: said over HTTP alone */
	int status;           /* of HTTP */
	const char *message;  /* lower-case, as SQL has it */
	const char *hint;     /* or NULL */
	const char *text;     /* as the classic paths have it; NULL: message with a capital */
} ErrorEntry;

/* clang-format off */
static const ErrorEntry errors[AGENT_ERROR_COUNT] = {
	[AGENT_NOT_AUTHENTICATED] = {
		"not_authenticated", "28000", 401,
		"not authenticated",
		"Log in with agent_login, then set agent.token or send the header Authorization: Bearer.",
		NULL
	},
	[AGENT_INVALID_SCHEME] = {
		"invalid_scheme", "28000", 401,
		"invalid authentication credentials",
		"The header Authorization takes the scheme Bearer.",
		NULL
	},
	[AGENT_INVALID_TOKEN] = {
		"invalid_token", "28000", 401,
		"invalid token",
		"Log in again with agent_login.",
		NULL
	},
	[AGENT_USER_NOT_FOUND] = {
		"user_not_found", "28000", 401,
		"user not found",
		NULL,
		NULL
	},
	[AGENT_USER_INACTIVE] = {
		"user_inactive", "28000", 403,
		"user is inactive",
		NULL,
		NULL
	},
	[AGENT_BAD_CREDENTIALS] = {
		"bad_credentials", "28P01", 401,
		"incorrect email or password",
		NULL,
		NULL
	},
	[AGENT_EMAIL_TAKEN] = {
		"email_taken", "23505", 400,
		"email already registered",
		"Case does not distinguish addresses.",
		NULL
	},
	[AGENT_USERNAME_TAKEN] = {
		"username_taken", "23505", 400,
		"username already taken",
		NULL,
		NULL
	},
	[AGENT_INVALID_REFRESH_TOKEN] = {
		"invalid_refresh_token", "28000", 401,
		"invalid refresh token",
		"Log in again with agent_login.",
		NULL
	},
	[AGENT_WRONG_PASSWORD] = {
		"wrong_password", "28P01", 400,
		"incorrect password",
		NULL,
		NULL
	},
	[AGENT_ACCOUNT_NOT_FOUND] = {
		"account_not_found", "P0002", 404,
		"account not found",
		NULL,
		NULL
	},
	[AGENT_ACCOUNT_IN_USE] = {
		"account_in_use", "2BP01", 409,
		"account is in use",
		"Another table refers to it: delete its rows first.",
		NULL
	},
	[AGENT_SESSION_NOT_FOUND] = {
		"session_not_found", "P0002", 404,
		"session not found",
		NULL,
		NULL
	},
	[AGENT_CONVERSATION_NOT_FOUND] = {
		"conversation_not_found", "P0002", 404,
		"conversation not found",
		NULL,
		NULL
	},
	[AGENT_MESSAGE_NOT_FOUND] = {
		"message_not_found", "P0002", 404,
		"message not found",
		NULL,
		NULL
	},
	[AGENT_IDEMPOTENCY_MISMATCH] = {
		"idempotency_mismatch", "23505", 409,
		"idempotency key was used for another request",
		"Use a new key for a new request.",
		NULL
	},
	[AGENT_RATE_LIMITED] = {
		"rate_limited", "53400", 429,
		"too many requests",
		NULL,
		NULL
	},
	[AGENT_BUSY] = {
		"busy", "53000", 503,
		"too many passwords are being checked",
		NULL,
		NULL
	},
	[AGENT_VALIDATION_FAILED] = {
		"validation_failed", "22023", 422,
		"validation failed",
		NULL,
		NULL
	},

	/* What only agent_http says, which catches those that are raised. */
	[AGENT_PATH_NOT_FOUND] = {
		"path_not_found", NULL, 404,
		"not found",
		NULL,
		"Not Found"
	},
	[AGENT_METHOD_NOT_ALLOWED] = {
		"method_not_allowed", NULL, 405,
		"method not allowed",
		NULL,
		"Method Not Allowed"
	},
	[AGENT_BODY_UNREADABLE] = {
		"body_unreadable", NULL, 400,
		"there was an error parsing the body",
		NULL,
		NULL
	},
	[AGENT_BODY_TOO_LARGE] = {
		"body_too_large", NULL, 413,
		"request body too large",
		NULL,
		NULL
	},
	[AGENT_ANSWER_TOO_LARGE] = {
		"answer_too_large", NULL, 400,
		"the answer would be too large: ask for less with limit",
		NULL,
		NULL
	},
	[AGENT_READ_ONLY] = {
		"read_only", NULL, 503,
		"this server only reads at present",
		NULL,
		NULL
	},
	[AGENT_UNAVAILABLE] = {
		"unavailable", NULL, 503,
		"service unavailable",
		NULL,
		"Service Unavailable"
	},
	[AGENT_INTERNAL] = {
		"internal_error", NULL, 500,
		"internal server error",
		NULL,
		"Internal Server Error"
	},
};
/* clang-format on */

/* Packs a five-character SQLSTATE; what is said over HTTP alone has none. */
static int
pack_sqlstate(const char *state)
{
	if (state == NULL)
		return ERRCODE_INTERNAL_ERROR;
	return MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]);
}

/* Returns the SQLSTATE of an error on its way to agent_http. */
static int
inner_sqlstate(AgentError error)
{
	return MAKE_SQLSTATE('A', 'G', '0', '0' + error / 10, '0' + error % 10);
}

/* Returns the message of an error as HTTP has it. */
char *
agent_error_text(AgentError error)
{
	const ErrorEntry *entry = &errors[error];
	char *message = pstrdup(entry->text != NULL ? entry->text : entry->message);

	message[0] = pg_toupper((unsigned char) message[0]);
	return message;
}

/* Returns the status of an error in HTTP. */
int
agent_error_status(AgentError error)
{
	return errors[error].status;
}

/* Returns the body that PostgREST answers with. */
static char *
http_body(AgentError error, const char *detail)
{
	const ErrorEntry *entry = &errors[error];
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	agent_json_add_string(&json, "code", entry->name);
	agent_json_add_string(&json, "message", agent_error_text(error));
	agent_json_add_string(&json, "details", detail);
	agent_json_add_string(&json, "hint", entry->hint);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* Raises an error of the table for PostgREST; seconds: when to try again, or 0. */
static _Noreturn void
raise_for_postgrest(AgentError error, const char *detail, int seconds)
{
	int status = errors[error].status;

	ereport(ERROR,
			errcode(POSTGREST_SQLSTATE),
			errmsg_internal("%s", http_body(error, detail)),
			errdetail_internal("{\"status\":%d,\"headers\":{%s}}",
							   status,
							   status == 401 ? "\"WWW-Authenticate\":\"Bearer\""
							   : seconds > 0 ? psprintf("\"Retry-After\":\"%d\"", seconds)
											 : ""));
	pg_unreachable();
}

/* Raises an error of the table for whoever speaks SQL. */
static _Noreturn void
raise_for_sql(AgentError error, const char *detail, int seconds)
{
	const ErrorEntry *entry = &errors[error];

	ereport(ERROR,
			errcode(pack_sqlstate(entry->sqlstate)),
			errmsg("%s", entry->message),
			detail != NULL ? errdetail_internal("%s", detail) : 0,
			entry->hint != NULL ? errhint("%s", entry->hint)
			: seconds > 0       ? errhint("Try again in %d s.", seconds)
								: 0);
	pg_unreachable();
}

/* Returns the SQLSTATE of an error in a dialect. */
static int
sqlstate_in(AgentDialect dialect, AgentError error)
{
	if (dialect == AGENT_HTTP)
		return inner_sqlstate(error);
	if (dialect == AGENT_POSTGREST)
		return POSTGREST_SQLSTATE;
	return pack_sqlstate(errors[error].sqlstate);
}

/* Raises an error of the table in the dialect of whoever gets it. */
static _Noreturn void
raise_it(AgentError error, const char *detail, int seconds)
{
	AgentDialect dialect = agent_request_dialect();

	raised = error;
	raised_as = sqlstate_in(dialect, error);
	switch (dialect)
	{
	case AGENT_HTTP:
		ereport(ERROR,
				errcode(inner_sqlstate(error)),
				errmsg("%s", errors[error].message),
				detail != NULL ? errdetail_internal("%s", detail)
				: seconds > 0  ? errdetail_internal("%d", seconds)
							   : 0);
		break;
	case AGENT_POSTGREST:
		raise_for_postgrest(error, detail, seconds);
	default:
		raise_for_sql(error, detail, seconds);
	}
	pg_unreachable();
}

/*
 * Raises an error of the table.
 *
 * detail is text for a SQL client and JSON for HTTP, or NULL: see
 * agent_faults_raise().
 */
void
agent_raise(AgentError error, const char *detail)
{
	raise_it(error, detail, 0);
}

/* Raises an error that passes with time, after so many microseconds. */
void
agent_raise_until(AgentError error, int64 wait)
{
	raise_it(error, NULL, (int) (wait / USECS_PER_SEC) + 1);
}

/* Returns when to try again after an error that agent_http has caught, in seconds. */
int
agent_error_seconds(const ErrorData *caught)
{
	AgentError error = agent_error_of(caught);

	if ((error == AGENT_RATE_LIMITED || error == AGENT_BUSY) && caught->detail != NULL)
		return atoi(caught->detail);
	return 1;
}

/* Tells which error of the table a SQLSTATE stands for in agent_http, or comes to. */
static AgentError
error_of(int sqlstate)
{
	for (AgentError error = AGENT_NO_ERROR + 1; error < AGENT_ERROR_COUNT; error++)
	{
		if (sqlstate == inner_sqlstate(error))
			return error;
	}
	if (ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES)
		return AGENT_UNAVAILABLE;
	switch (sqlstate)
	{
	case ERRCODE_READ_ONLY_SQL_TRANSACTION:
		return AGENT_READ_ONLY;
	case ERRCODE_T_R_SERIALIZATION_FAILURE:
	case ERRCODE_T_R_DEADLOCK_DETECTED:
	case ERRCODE_LOCK_NOT_AVAILABLE:
		return AGENT_UNAVAILABLE;
	default:
		return AGENT_INTERNAL;
	}
}

/* Tells which error of the table agent_http has caught, or what another one comes to. */
AgentError
agent_error_of(const ErrorData *caught)
{
	return error_of(caught->sqlerrcode);
}

/* Forgets what was raised last: something new begins. */
void
agent_error_forget(void)
{
	raised = AGENT_NO_ERROR;
}

/* Tells which error of the table is on its way, in whatever dialect, or what it comes to. */
AgentError
agent_error_passing(void)
{
	int sqlstate = geterrcode();

	return raised != AGENT_NO_ERROR && sqlstate == raised_as ? raised : error_of(sqlstate);
}

/* Returns the name of an error. */
const char *
agent_error_name(AgentError error)
{
	return errors[error].name;
}
