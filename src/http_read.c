/*
 * http_read.c
 *		Reads the parameters of a classic request: out of its path, query and body.
 *
 * Called by http.c, and by http_serve.c once the caller is known, in their memory
 * context. Faults are gathered, not raised; only a body that is no text, or too deep,
 * is an error of its own. What was sent is told back as a fault's input, but nothing
 * of a body that holds a password beside the plain values of its other fields.
 */
#include "http.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define INPUT_MAX 65536 /* bytes of what is told back; of more, null is told */

/*
 * Returns a part of a path or of a query without its percent signs.
 *
 * What does not give a text (NUL, or no UTF-8) is returned as it stands.
 */
char *
agent_http_decode(const char *text, int len, bool is_query)
{
	char *decoded = palloc(len + 1);
	int at = 0;

	for (int i = 0; i < len; i++)
	{
		int high =
			text[i] == '%' && i + 2 < len ? agent_hex_value(pg_ascii_tolower(text[i + 1])) : -1;
		int low = high >= 0 ? agent_hex_value(pg_ascii_tolower(text[i + 2])) : -1;

		if (low >= 0)
		{
			decoded[at++] = (char) (high << 4 | low);
			i += 2;
		}
		else
			decoded[at++] = is_query && text[i] == '+' ? ' ' : text[i];
	}
	decoded[at] = '\0';
	if (!pg_verify_mbstr(PG_UTF8, decoded, at, true))
		return pnstrdup(text, len);
	return decoded;
}

/* Returns a text as a member of a JSON object is returned. */
static AgentJsonMember
text_member(char *value)
{
	StringInfoData raw;

	initStringInfo(&raw);
	escape_json(&raw, value);
	return (AgentJsonMember){.type = JSON_TOKEN_STRING,
							 .value = value,
							 .raw = raw.data,
							 .raw_len = raw.len};
}

/* Tells whether a part of a query is a name. */
static bool
is_name(const char *part, int len, const char *name)
{
	char *decoded = agent_http_decode(part, len, true);
	bool same = strcmp(decoded, name) == 0;

	pfree(decoded);
	return same;
}

/* Finds a parameter of the query, the last of its name; false when it has none. */
static bool
find_in_query(const char *query, const char *name, AgentJsonMember *member)
{
	const char *value = NULL;
	int value_len = 0;

	for (const char *at = query; *at != '\0';)
	{
		int len = strcspn(at, "&");
		const char *sign = memchr(at, '=', len);
		int name_len = sign != NULL ? sign - at : len;

		CHECK_FOR_INTERRUPTS();
		if (is_name(at, name_len, name))
		{
			value = sign != NULL ? sign + 1 : at + len;
			value_len = at + len - value;
		}
		at += at[len] == '&' ? len + 1 : len;
	}
	if (value == NULL)
		return false;
	*member = text_member(agent_http_decode(value, value_len, true));
	return true;
}

/* Tells whether a query has a parameter, of whatever value. */
bool
agent_http_asks_for(const char *query, AgentField field)
{
	AgentJsonMember member;

	return find_in_query(query, agent_field_rule(field)->name, &member);
}

/* Tells whether a route takes a parameter in a place. */
bool
agent_http_takes(const HttpRoute *route, HttpPlace place)
{
	for (const HttpParameter *p = route->parameters; p->place != HTTP_NOWHERE; p++)
	{
		if (p->place == place)
			return true;
	}
	return false;
}

/* Tells whether a route takes a password, or a token in its place. */
bool
agent_http_takes_password(const HttpRoute *route)
{
	for (const HttpParameter *p = route->parameters; p->place != HTTP_NOWHERE; p++)
	{
		if (agent_field_rule(p->field)->kind == AGENT_KIND_PASSWORD)
			return true;
	}
	return false;
}

/* Returns what a fault tells of a value. */
static const char *
told_input(const HttpRequest *request, AgentKind kind, const AgentJsonMember *member)
{
	bool is_plain =
		member->type != JSON_TOKEN_OBJECT_START && member->type != JSON_TOKEN_ARRAY_START;

	if (kind == AGENT_KIND_PASSWORD || (!is_plain && agent_http_takes_password(request->route)) ||
		member->raw_len > INPUT_MAX)
		return "null";
	return pnstrdup(member->raw, member->raw_len);
}

/* Returns what a fault tells of the body as a whole. */
static const char *
told_body(const HttpRequest *request)
{
	if (agent_http_takes_password(request->route) || request->body_len > INPUT_MAX)
		return "null";
	return pnstrdup(request->body, request->body_len);
}

/* Returns what a fault of a parameter tells: what was sent, or where it was missed. */
static const char *
told_what(const HttpRequest *request, HttpPlace place, AgentKind kind,
		  const AgentJsonMember *member)
{
	if (member != NULL)
		return told_input(request, kind, member);
	return place >= HTTP_BODY ? told_body(request) : "null";
}

/* Drops a byte order mark, and refuses what is not UTF-8. */
static void
check_encoding(HttpRequest *request)
{
	if (request->body_len >= 3 && memcmp(request->body, "\xef\xbb\xbf", 3) == 0)
	{
		request->body += 3;
		request->body_len -= 3;
	}
	if (!pg_verify_mbstr(PG_UTF8, request->body, request->body_len, true))
		agent_raise(AGENT_BODY_UNREADABLE, NULL);
}

/* Adds the fault of a body that is not an object. */
static void
add_body_fault(AgentFaults *faults, const HttpRequest *request, AgentJsonVerdict verdict,
			   int position)
{
	if (verdict == AGENT_JSON_NESTED)
		agent_raise(AGENT_BODY_UNREADABLE, NULL);
	if (verdict == AGENT_JSON_INVALID)
	{
		faults->input = "{}";
		agent_fault_add_at(faults, position, "json_invalid", "JSON decode error");
		return;
	}
	faults->input = told_body(request);
	agent_fault_add(faults,
					NULL,
					"model_attributes_type",
					"Input should be a valid dictionary or object to extract fields from");
}

/* Reads the body's object; false when there is none, which is a fault. */
static bool
read_body(HttpRequest *request, const HttpParameter *parameters, AgentFaults *faults,
		  AgentJsonObject *body)
{
	const char *wanted[HTTP_PARAMETERS_MAX + 1] = {NULL};
	AgentJsonVerdict verdict;
	int position = 0;

	for (int i = 0; parameters[i].place != HTTP_NOWHERE; i++)
		wanted[i] = agent_field_rule(parameters[i].field)->name;
	check_encoding(request);
	body->count = 0;
	if (request->body_len == 0 && request->route->body_may_be_missing)
		return true;
	if (request->body_len == 0)
	{
		faults->input = "null";
		agent_fault_add_missing(faults, NULL);
		return false;
	}
	verdict = agent_json_members(request->body, request->body_len, wanted, body, &position);
	if (verdict != AGENT_JSON_OBJECT)
		add_body_fault(faults, request, verdict, position);
	return verdict == AGENT_JSON_OBJECT;
}

/* Finds a parameter where it belongs; false when it was not sent. */
static bool
find_member(const HttpRequest *request, const HttpParameter *parameter, const AgentJsonObject *body,
			AgentJsonMember *member)
{
	const char *name = agent_field_rule(parameter->field)->name;
	const AgentJsonMember *found;

	switch (parameter->place)
	{
	case HTTP_PATH:
		*member = text_member(request->segment);
		return true;
	case HTTP_QUERY:
		return find_in_query(request->query, name, member);
	case HTTP_HEADER:
		if (request->idempotency_key != NULL)
			*member = text_member(pstrdup(request->idempotency_key));
		return request->idempotency_key != NULL;
	default:
		found = agent_json_member(body, name);
		if (found != NULL)
			*member = *found;
		return found != NULL;
	}
}

/*
 * Reads all parameters of a request, in the order of the route's table, and returns
 * how many there are for the function. An option comes last, and is noted in the
 * request; or the header, which the function finds by itself.
 */
int
agent_http_parameters(HttpRequest *request, AgentFaults *faults, Datum *values, bool *nulls)
{
	static const char *const places[] = {[HTTP_PATH] = "path",
										 [HTTP_QUERY] = "query",
										 [HTTP_HEADER] = "header",
										 [HTTP_BODY] = "body",
										 [HTTP_OPTION] = "body"};
	const HttpParameter *parameters = request->route->parameters;
	AgentJsonObject body;
	bool has_body = false;
	int i;

	for (i = 0; parameters[i].place != HTTP_NOWHERE; i++)
	{
		AgentKind kind = agent_field_rule(parameters[i].field)->kind;
		AgentJsonMember member;
		bool found;

		faults->place = places[parameters[i].place];
		if (parameters[i].place >= HTTP_BODY && !has_body)
		{
			if (!read_body(request, parameters + i, faults, &body))
				break;
			has_body = true;
		}
		found = find_member(request, &parameters[i], &body, &member);
		faults->input = told_what(request, parameters[i].place, kind, found ? &member : NULL);
		nulls[i] =
			!agent_http_value(faults, parameters[i].field, found ? &member : NULL, &values[i]);
		if (parameters[i].place == HTTP_HEADER)
			break;
		if (parameters[i].place == HTTP_OPTION)
		{
			request->option = !nulls[i] && DatumGetBool(values[i]);
			break;
		}
	}
	return i;
}
