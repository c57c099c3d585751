/*
 * metrics_text.c
 *		What is measured, in the text format of Prometheus (0.0.4) and as rows.
 *
 * Called through SQL by members of agent_admin, and for GET /metrics by whoever has the
 * token of that path. Both forms are made from one list of samples. Labels are names of
 * functions, of errors and of routes: nothing that a client sends, nobody's data.
 */
#include "http.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#define LABELS_MAX 3

typedef struct Label
{
	const char *name;
	const char *value;
} Label;

/* Where samples go: into a text, or else into rows. */
typedef struct Sink
{
	StringInfo text;
	ReturnSetInfo *rows;
	const char *family;
	Label labels[LABELS_MAX]; /* of the next sample; a name of NULL ends the list */
} Sink;

typedef struct Family
{
	const char *name;
	const char *type;
	const char *help;
	void (*collect)(Sink *sink);
	bool is_shared; /* not there without shared memory */
} Family;

/* Where buckets end, in seconds. */
static const char *const bounds[AGENT_METRICS_BUCKETS] = {"0.0001",
														  "0.00025",
														  "0.0005",
														  "0.001",
														  "0.0025",
														  "0.005",
														  "0.01",
														  "0.025",
														  "0.05",
														  "0.1",
														  "0.25",
														  "0.5",
														  "1",
														  "2.5",
														  "5",
														  "+Inf"};

/* Appends the value of a label, as the format has it. */
static void
append_value(StringInfo text, const char *value)
{
	for (; *value != '\0'; value++)
	{
		if (*value == '\n')
			appendStringInfoString(text, "\\n");
		else if (*value == '\\' || *value == '"')
			appendStringInfo(text, "\\%c", *value);
		else
			appendStringInfoChar(text, *value);
	}
}

/* Appends a sample as a line. */
static void
append_line(StringInfo text, const char *name, const Label *labels, double value)
{
	appendStringInfoString(text, name);
	for (int i = 0; i < LABELS_MAX && labels[i].name != NULL; i++)
	{
		appendStringInfo(text, "%c%s=\"", i == 0 ? '{' : ',', labels[i].name);
		append_value(text, labels[i].value);
		appendStringInfoChar(text, '"');
	}
	appendStringInfo(text, "%s %.15g\n", labels[0].name != NULL ? "}" : "", value);
}

/* Adds a sample as a row. */
static void
add_row(ReturnSetInfo *rows, const char *name, const Label *labels, double value)
{
	StringInfoData json;
	Datum values[3];
	bool nulls[3] = {false};

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < LABELS_MAX && labels[i].name != NULL; i++)
		agent_json_add_string(&json, labels[i].name, labels[i].value);
	appendStringInfoChar(&json, '}');
	values[0] = CStringGetTextDatum(name);
	values[1] = DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	values[2] = Float8GetDatum(value);
	tuplestore_putvalues(rows->setResult, rows->setDesc, values, nulls);
}

/* Adds a sample of the family, with the labels that were set. */
static void
add_sample(Sink *sink, const char *suffix, double value)
{
	char name[NAMEDATALEN];

	snprintf(name, sizeof(name), "%s%s", sink->family, suffix);
	if (sink->text != NULL)
		append_line(sink->text, name, sink->labels, value);
	else
		add_row(sink->rows, name, sink->labels, value);
}

/* Adds what calls of functions came to. */
static void
collect_calls(Sink *sink)
{
	AgentCalls calls;

	for (int number = 0; agent_metrics_calls(number, &calls); number++)
	{
		for (AgentError outcome = AGENT_NO_ERROR; outcome < AGENT_ERROR_COUNT; outcome++)
		{
			const char *name = outcome == AGENT_NO_ERROR   ? "ok"
							   : outcome == AGENT_INTERNAL ? "error"
														   : agent_error_name(outcome);

			/* The first error of a series that was not there before is no increase. */
			if (calls.outcomes[outcome] == 0 && outcome != AGENT_NO_ERROR &&
				outcome != AGENT_INTERNAL)
				continue;
			sink->labels[0] = (Label){"function", calls.name};
			sink->labels[1] = (Label){"outcome", name};
			add_sample(sink, "", calls.outcomes[outcome]);
		}
	}
}

/* Adds how long calls of functions took. */
static void
collect_durations(Sink *sink)
{
	AgentCalls calls;

	for (int number = 0; agent_metrics_calls(number, &calls); number++)
	{
		uint64 count = 0;

		sink->labels[0] = (Label){"function", calls.name};
		for (int i = 0; i < AGENT_METRICS_BUCKETS; i++)
		{
			count += calls.buckets[i];
			sink->labels[1] = (Label){"le", bounds[i]};
			add_sample(sink, "_bucket", count);
		}
		sink->labels[1] = (Label){NULL, NULL};
		add_sample(sink, "_sum", calls.microseconds / 1e6);
		add_sample(sink, "_count", count);
	}
}

/* Adds how often a route, or for NULL none, was answered with which status. */
static void
collect_route(Sink *sink, int number, const char *method, const char *path)
{
	for (int status = 200; status < 600; status++)
	{
		uint64 count = agent_metrics_requests(number, status);
		char text[12];

		if (count == 0)
			continue;
		snprintf(text, sizeof(text), "%d", status);
		sink->labels[0] = (Label){"method", method};
		sink->labels[1] = (Label){"path", path};
		sink->labels[2] = (Label){"status", text};
		add_sample(sink, "", count);
	}
}

/* Adds how classic requests were answered. */
static void
collect_requests(Sink *sink)
{
	for (int i = 0; i < agent_http_route_count; i++)
		collect_route(sink, i, agent_http_routes[i].method, agent_http_routes[i].path);
	collect_route(sink, -1, "other", "other");
}

/* Adds how many passwords may be hashed at once. */
static void
collect_places(Sink *sink)
{
	add_sample(sink, "", agent_admission_state().places);
}

/* Adds how many passwords are being hashed. */
static void
collect_running(Sink *sink)
{
	add_sample(sink, "", agent_admission_state().running);
}

/* Adds how many callers wait for their turn at that. */
static void
collect_waiting(Sink *sink)
{
	add_sample(sink, "", agent_admission_state().waiting);
}

/* Adds how many callers were sent away. */
static void
collect_refused(Sink *sink)
{
	add_sample(sink, "", agent_admission_state().refused);
}

/* Adds how many entries of the audit are to be written. */
static void
collect_pending(Sink *sink)
{
	add_sample(sink, "", agent_ring_state().pending);
}

/* Adds how many entries of the audit were lost. */
static void
collect_lost(Sink *sink)
{
	add_sample(sink, "", agent_ring_state().lost);
}

/* Adds whether there is shared memory. */
static void
collect_preloaded(Sink *sink)
{
	add_sample(sink, "", agent_is_preloaded() ? 1 : 0);
}

/* Adds which library answers. */
static void
collect_info(Sink *sink)
{
	sink->labels[0] = (Label){"version", AGENT_VERSION};
	add_sample(sink, "", 1);
}

/* clang-format off */
static const Family families[] = {
	{"agent_calls_total", "counter", "Calls of functions, by what they came to.", collect_calls, true},
	{"agent_call_duration_seconds", "histogram", "How long calls of functions took.", collect_durations, true},
	{"agent_http_requests_total", "counter", "Classic requests, by the path's template and the answer's status.", collect_requests, true},
	{"agent_hashing_places", "gauge", "Passwords that may be hashed at once.", collect_places, true},
	{"agent_hashing_running", "gauge", "Passwords being hashed.", collect_running, true},
	{"agent_hashing_waiting", "gauge", "Callers that wait for their turn to hash a password.", collect_waiting, true},
	{"agent_hashing_refused_total", "counter", "Callers that were sent away because too many waited.", collect_refused, true},
	{"agent_audit_ring_pending", "gauge", "Entries of the audit that are still to be written.", collect_pending, true},
	{"agent_audit_ring_lost_total", "counter", "Entries of the audit that were lost because nobody wrote them in time.", collect_lost, true},
	{"agent_preloaded", "gauge", "Whether the library is preloaded: without that nothing is counted.", collect_preloaded, false},
	{"agent_info", "gauge", "The version of the library.", collect_info, false},
};
/* clang-format on */

/* Adds all samples there are. */
static void
collect(Sink *sink)
{
	for (int i = 0; i < (int) lengthof(families); i++)
	{
		const Family *family = &families[i];

		if (family->is_shared && !agent_is_preloaded())
			continue;
		memset(sink->labels, 0, sizeof(sink->labels));
		sink->family = family->name;
		if (sink->text != NULL)
			appendStringInfo(sink->text,
							 "# HELP %s %s\n# TYPE %s %s\n",
							 family->name,
							 family->help,
							 family->name,
							 family->type);
		family->collect(sink);
	}
}

/* Returns all that is measured as a text. */
char *
agent_metrics_in_text(void)
{
	StringInfoData text;
	Sink sink = {.text = &text};

	initStringInfo(&text);
	collect(&sink);
	return text.data;
}

PG_FUNCTION_INFO_V1(agent_metrics);

/* SQL: agent_metrics() returns text */
Datum
agent_metrics(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(agent_metrics_in_text()));
}

PG_FUNCTION_INFO_V1(agent_metric_samples);

/* SQL: agent.metric_samples() returns table (name text, labels jsonb, value double precision) */
Datum
agent_metric_samples(PG_FUNCTION_ARGS)
{
	Sink sink = {.rows = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, 0);
	collect(&sink);
	return (Datum) 0;
}
