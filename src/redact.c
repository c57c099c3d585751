/*
 * redact.c
 *		Keeps passwords and tokens out of the server log and the statistics views.
 *
 * A statement that may hold one is known by what it mentions, or by having called
 * a function that takes a secret. Its text, parameters and context are taken out
 * of every log entry; pg_stat_activity shows a few words instead of it, and
 * pg_stat_statements does not get it where it would keep the values (SET). All of
 * it works from the moment the library is loaded in a backend: preloaded, from its
 * first statement. What stays is the message of an error, which may quote the
 * statement (a syntax error does), and which the client gets too.
 *
 * The log hook runs while an error is being reported: it must not raise, nor leave
 * anything behind that is not palloc'ed, since the server frees what it finds.
 */
#include "agent.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"

/*
 * What gives a secret away, in lower case: what takes one, and, in the entries of
 * auto_explain for statements of our own, what stores one.
 */
static const char *const marks[] = {"agent_register",
									"agent_login",
									"agent_authenticate",
									"agent_refresh",
									"agent_password_change",
									"agent_account_delete",
									"agent_user_import",
									"agent_http",
									"agent_postgrest_http",
									"agent.token",
									"agent.metrics_token",
									"agent.signing_keys",
									"insert into agent.users",
									"insert into agent.sessions",
									"update agent.sessions",
									"update agent.users",
									"request.headers"};

static const char hidden[] = "statement hidden: it may hold a password or a token";

/* When the statement began that has called a function taking a secret. */
static TimestampTz secret_statement = 0;

static emit_log_hook_type previous_log_hook = NULL;
static post_parse_analyze_hook_type previous_analyze_hook = NULL;
static ExecutorStart_hook_type previous_start_hook = NULL;

/* Tells whether a mark stands here, in any case, with blanks or quotes around a dot. */
static bool
mark_is_at(const char *text, const char *mark)
{
	for (; *mark != '\0'; mark++)
	{
		if (*mark == '.')
			text += strspn(text, " \t\r\n\"");
		if (pg_ascii_tolower((unsigned char) *text) != *mark)
			return false;
		text++;
		if (*mark == '.')
			text += strspn(text, " \t\r\n\"");
	}
	return true;
}

/* Tells whether a character can be part of a name. */
static bool
is_of_name(char c)
{
	return isalnum((unsigned char) c) || c == '_' || IS_HIGHBIT_SET(c);
}

/* Tells whether a text, which may be NULL, mentions a mark. */
static bool
mentions_mark(const char *text)
{
	if (text == NULL)
		return false;
	for (const char *c = text; *c != '\0'; c++)
	{
		char first = pg_ascii_tolower((unsigned char) *c);

		/* What marks begin with: most letters are none of these. */
		if (strchr("airu", first) == NULL || (c > text && is_of_name(c[-1])))
			continue;
		for (Size i = 0; i < lengthof(marks); i++)
		{
			if (first == marks[i][0] && mark_is_at(c, marks[i]))
				return true;
		}
	}
	return false;
}

/* Tells whether the running statement is one to hide. */
static bool
statement_is_secret(void)
{
	return mentions_mark(debug_query_string) ||
		   (secret_statement != 0 && secret_statement == GetCurrentStatementStartTimestamp());
}

/*
 * Takes the statement out of a log entry.
 *
 * Entries below ERROR may be about it (log_statement, log_min_duration_statement,
 * auto_explain, also when the next one is already running) and are overwritten in
 * place. The message of an error stays.
 */
static void
hide_statement(ErrorData *entry)
{
	bool secret = statement_is_secret();
	bool quotes = mentions_mark(entry->message) || mentions_mark(entry->detail) ||
				  mentions_mark(entry->detail_log) || mentions_mark(entry->context) ||
				  mentions_mark(entry->internalquery);

	if (secret || quotes)
	{
		entry->hide_stmt = true;
		entry->context = NULL;
		entry->internalquery = NULL;
	}
	if ((secret || quotes) && entry->elevel < ERROR)
	{
		if (quotes || (debug_query_string != NULL && entry->message != NULL &&
					   strstr(entry->message, debug_query_string) != NULL))
			strlcpy(entry->message, hidden, strlen(entry->message) + 1);
		entry->detail = NULL;
		entry->detail_log = NULL;
	}
	if (secret && entry->elevel >= ERROR)
		pgstat_report_activity(STATE_RUNNING, hidden);
	if (previous_log_hook != NULL)
		previous_log_hook(entry);
}

/* Hides a statement as soon as it was parsed, whatever becomes of it. */
static void
hide_parsed(ParseState *pstate, Query *query, JumbleState *jumble)
{
	if (mentions_mark(pstate->p_sourcetext))
	{
		if (pstate->p_sourcetext == debug_query_string)
			pgstat_report_activity(STATE_RUNNING, hidden);
		/* Values of a query are normalised away, those of a command are not. */
		if (query->commandType == CMD_UTILITY)
			query->queryId = 0;
	}
	if (previous_analyze_hook != NULL)
		previous_analyze_hook(pstate, query, jumble);
}

/* Hides the leader's statement, which a parallel worker shows as its own. */
static void
hide_in_worker(QueryDesc *query, int flags)
{
	if (IsParallelWorker() && mentions_mark(debug_query_string))
		pgstat_report_activity(STATE_RUNNING, hidden);
	if (previous_start_hook != NULL)
		previous_start_hook(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

/* Installs the hooks. */
void
agent_redact_init(void)
{
	previous_log_hook = emit_log_hook;
	emit_log_hook = hide_statement;
	previous_analyze_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = hide_parsed;
	previous_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = hide_in_worker;
}

/* Hides the running statement: what it calls takes a secret. */
void
agent_redact_statement(const char *what)
{
	char shown[64];

	secret_statement = GetCurrentStatementStartTimestamp();
	snprintf(shown, sizeof(shown), "<%s>", what);
	pgstat_report_activity(STATE_RUNNING, shown);
}
