/*
 * redact.c
 *		Keeps passwords and tokens out of the server log and pg_stat_activity.
 *
 * A statement that may hold one is known by what it calls or sets. The log hook
 * takes the text of such a statement, its parameters and its context out of
 * every message; functions that take a secret show their name in
 * pg_stat_activity instead of the statement. Both work from the moment the
 * library is loaded in a backend: preloaded, from its first statement.
 *
 * The hook runs while an error is being reported: it must not raise.
 */
#include "agent.h"

#include "tcop/tcopprot.h"
#include "utils/backend_status.h"

/* What a statement that may hold a secret mentions, in any case. */
static const char *const marks[] = {
	"agent_register", "agent_login", "agent_authenticate", "agent.token", "request.headers"};

static emit_log_hook_type previous_hook = NULL;

/* Tells whether a text mentions a mark. */
static bool
mentions_mark(const char *text)
{
	if (text == NULL)
		return false;
	for (Size i = 0; i < lengthof(marks); i++)
	{
		Size len = strlen(marks[i]);

		for (const char *c = text; *c != '\0'; c++)
		{
			if (pg_ascii_tolower(*c) == marks[i][0] && pg_strncasecmp(c, marks[i], len) == 0)
				return true;
		}
	}
	return false;
}

/*
 * Hides the statement from a log entry.
 *
 * Entries below ERROR that quote the statement are about it (log_statement,
 * log_min_duration_statement, auto_explain) and are overwritten in place; the
 * message of an error is what it is, and reaches the client too.
 */
static void
hide_statement(ErrorData *entry)
{
	if (mentions_mark(debug_query_string))
	{
		entry->hide_stmt = true;
		entry->context = NULL;
		if (entry->elevel < ERROR)
		{
			entry->detail = NULL;
			entry->detail_log = NULL;
			if (mentions_mark(entry->message))
				strlcpy(entry->message,
						"statement hidden: it may hold a password or a token",
						strlen(entry->message) + 1);
		}
	}
	if (previous_hook != NULL)
		previous_hook(entry);
}

/* Installs the hook. */
void
agent_redact_init(void)
{
	previous_hook = emit_log_hook;
	emit_log_hook = hide_statement;
}

/*
 * Shows a name in pg_stat_activity instead of the statement that is running,
 * when that is the one with the secret.
 */
void
agent_redact_activity(const char *what)
{
	char shown[64];

	if (!mentions_mark(debug_query_string))
		return;
	snprintf(shown, sizeof(shown), "<%s>", what);
	pgstat_report_activity(STATE_RUNNING, shown);
}
