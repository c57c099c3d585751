/*
 * http_openapi.c
 *		Describes the classic REST API in OpenAPI 3.1, from the tables that serve it.
 *
 * Called by http.c. Routes come from its table, bounds of fields from validate.c,
 * schemas of answers from http_write.c, texts of errors from error.c.
 */
#include "http.h"

#include "utils/json.h"

#define ERRORS_MAX 12 /* of a route */

static const char preamble[] =
	"{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"agent\",\"version\":\"" AGENT_VERSION "\","
	"\"description\":\"Accounts, conversations and messages of an AI agent, served by PostgreSQL.\","
	"\"license\":{\"name\":\"PostgreSQL\",\"identifier\":\"PostgreSQL\"}},"
	"\"servers\":[{\"url\":\"/\"}],\"security\":[{\"bearer\":[]}],"
	"\"tags\":[{\"name\":\"auth\"},{\"name\":\"conversations\"},{\"name\":\"service\"}]";

/* The schemas of errors, beside those of the tables. */
static const char error_schemas[] =
	"\"Error\":{\"type\":\"object\",\"required\":[\"detail\"],"
	"\"properties\":{\"detail\":{\"type\":\"string\"}}},"
	"\"ValidationError\":{\"type\":\"object\",\"required\":[\"detail\"],\"properties\":{"
	"\"detail\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"required\":[\"type\",\"loc\",\"msg\",\"input\"],\"properties\":{"
	"\"type\":{\"type\":\"string\"},"
	"\"loc\":{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]}},"
	"\"msg\":{\"type\":\"string\"},"
	"\"input\":{\"description\":\"What was sent, unless it may be a password.\"}}}}}}";

/* The header of routes whose answers have an entity tag. */
static const char if_none_match[] =
	"{\"name\":\"If-None-Match\",\"in\":\"header\",\"required\":false,\"schema\":{\"type\":"
	"\"string\"},\"description\":\"The ETag of the answer that is there already.\"}";

/* Appends what separates an element from the one before. */
static void
separate(StringInfo json)
{
	char last = json->data[json->len - 1];

	if (last != '{' && last != '[')
		appendStringInfoChar(json, ',');
}

/* Appends a bound, unless there is none. */
static void
bound_member(StringInfo json, const char *name, int bound)
{
	if (bound > 0)
		appendStringInfo(json, ",\"%s\":%d", name, bound);
}

/* Appends the schema of a list of tags. */
static void
tags_schema(StringInfo json, const AgentFieldRule *rule)
{
	appendStringInfo(
		json,
		"{\"type\":[\"array\",\"null\"],\"maxItems\":%d,\"items\":{\"type\":\"string\"",
		AGENT_TAGS_MAX);
	bound_member(json, "minLength", rule->min);
	bound_member(json, "maxLength", rule->max);
	appendStringInfoString(json, "}}");
}

/* Appends the schema of a field of a request; there is no null but in a body. */
static void
field_schema(StringInfo json, const AgentFieldRule *rule, HttpPlace place)
{
	static const char *const types[AGENT_KIND_COUNT] = {[AGENT_KIND_BOOLEAN] = "boolean",
														[AGENT_KIND_INTEGER] = "integer",
														[AGENT_KIND_METADATA] = "object"};
	static const char *const formats[AGENT_KIND_COUNT] = {[AGENT_KIND_EMAIL] = "email",
														  [AGENT_KIND_PASSWORD] = "password",
														  [AGENT_KIND_UUID] = "uuid",
														  [AGENT_KIND_TIME] = "date-time"};
	bool is_integer = rule->kind == AGENT_KIND_INTEGER;
	const char *type = types[rule->kind] != NULL ? types[rule->kind] : "string";

	if (rule->kind == AGENT_KIND_TAGS)
	{
		tags_schema(json, rule);
		return;
	}
	if (rule->required || place != HTTP_BODY)
		appendStringInfo(json, "{\"type\":\"%s\"", type);
	else
		appendStringInfo(json, "{\"type\":[\"%s\",\"null\"]", type);
	if (formats[rule->kind] != NULL)
		agent_json_add_string(json, "format", formats[rule->kind]);
	if (rule->kind == AGENT_KIND_ROLE)
		agent_json_add_string(json, "pattern", AGENT_ROLE_PATTERN);
	if (rule->kind == AGENT_KIND_DIRECTION)
		agent_json_add_string(json, "pattern", AGENT_DIRECTION_PATTERN);
	if (rule->kind == AGENT_KIND_SCOPE)
		agent_json_add_string(json, "pattern", AGENT_SCOPE_PATTERN);
	if (is_integer)
		appendStringInfo(json, ",\"minimum\":%d,\"default\":%d", rule->min, rule->number_default);
	else
		bound_member(json, "minLength", rule->min);
	bound_member(json, is_integer ? "maximum" : "maxLength", rule->max);
	if (rule->max_bytes > 0)
		agent_json_add_string(json, "description", psprintf("%d bytes at most.", rule->max_bytes));
	appendStringInfoChar(json, '}');
}

/* Appends the schema of a column of an answer. */
static void
column_schema(StringInfo json, HttpType type)
{
	static const char *const schemas[] = {
		[HTTP_TYPE_UUID] = "{\"type\":\"string\",\"format\":\"uuid\"}",
		[HTTP_TYPE_UUID_OR_NULL] = "{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}",
		[HTTP_TYPE_EMAIL] = "{\"type\":\"string\",\"format\":\"email\"}",
		[HTTP_TYPE_STRING] = "{\"type\":\"string\"}",
		[HTTP_TYPE_TEXT_OR_NULL] = "{\"type\":[\"string\",\"null\"]}",
		[HTTP_TYPE_BOOLEAN] = "{\"type\":\"boolean\"}",
		[HTTP_TYPE_INTEGER] = "{\"type\":\"integer\"}",
		[HTTP_TYPE_INTEGER_OR_NULL] = "{\"type\":[\"integer\",\"null\"]}",
		[HTTP_TYPE_NUMBER] = "{\"type\":\"number\"}",
		[HTTP_TYPE_TIME] = "{\"type\":\"string\",\"format\":\"date-time\"}",
		[HTTP_TYPE_TIME_OR_NULL] = "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}",
		[HTTP_TYPE_STRINGS] = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
		[HTTP_TYPE_OBJECT] = "{\"type\":\"object\"}",
		[HTTP_TYPE_OBJECTS] = "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}",
		[HTTP_TYPE_CONVERSATIONS] =
			"{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/ConversationDetail\"}}",
		[HTTP_TYPE_MESSAGES] =
			"{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/MessageDetail\"}}",
		[HTTP_TYPE_HITS] =
			"{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Hit\"}}"};

	appendStringInfoString(json, schemas[type]);
}

/* Appends the schema of a row. */
static void
row_schema(StringInfo json, const HttpSchema *schema)
{
	separate(json);
	appendStringInfo(json, "\"%s\":{\"type\":\"object\",\"required\":[", schema->name);
	for (const HttpColumn *column = schema->columns; column->name != NULL; column++)
	{
		separate(json);
		appendStringInfo(json, "\"%s\"", column->name);
	}
	appendStringInfoString(json, "],\"properties\":{");
	for (const HttpColumn *column = schema->columns; column->name != NULL; column++)
	{
		separate(json);
		appendStringInfo(json, "\"%s\":", column->name);
		column_schema(json, column->type);
	}
	appendStringInfoString(json, "}}");
}

/* Returns what is to be said of a parameter, or NULL. */
static const char *
remark_on(AgentField field)
{
	if (field == AGENT_FIELD_CURSOR)
		return "Asks for a page: empty for the first one, then next_cursor of the one before."
			   " limit is 1 to 100 then, and skip is not looked at.";
	if (field == AGENT_FIELD_IDEMPOTENCY_HEADER)
		return "The same request with the same key is done once, and answered alike.";
	return NULL;
}

/* Appends a parameter in path, query or header. */
static void
parameter(StringInfo json, const HttpParameter *p)
{
	static const char *const places[] =
		{[HTTP_PATH] = "path", [HTTP_QUERY] = "query", [HTTP_HEADER] = "header"};
	const AgentFieldRule *rule = agent_field_rule(p->field);

	separate(json);
	appendStringInfo(json,
					 "{\"name\":\"%s\",\"in\":\"%s\",\"required\":%s,\"schema\":",
					 rule->name,
					 places[p->place],
					 rule->required ? "true" : "false");
	field_schema(json, rule, p->place);
	if (remark_on(p->field) != NULL)
		agent_json_add_string(json, "description", remark_on(p->field));
	appendStringInfoChar(json, '}');
}

/* Tells whether a route has a parameter of this name. */
static bool
has_parameter(const HttpRoute *route, const char *name)
{
	for (const HttpParameter *p = route->parameters; p->place != HTTP_NOWHERE; p++)
	{
		if (strcmp(agent_field_rule(p->field)->name, name) == 0)
			return true;
	}
	return false;
}

/* Appends the parameters in path, query and header, and those of the page form. */
static void
parameters(StringInfo json, const HttpRoute *route)
{
	const HttpRoute *page = agent_http_page_form(route);

	appendStringInfoString(json, ",\"parameters\":[");
	for (const HttpParameter *p = route->parameters; p->place != HTTP_NOWHERE; p++)
	{
		if (p->place < HTTP_BODY)
			parameter(json, p);
	}
	for (const HttpParameter *p = page != NULL ? page->parameters : NULL;
		 p != NULL && p->place != HTTP_NOWHERE;
		 p++)
	{
		if (!has_parameter(route, agent_field_rule(p->field)->name))
			parameter(json, p);
	}
	if (route->version != AGENT_NO_PLAN)
		appendStringInfo(json, "%s%s", json->data[json->len - 1] == '[' ? "" : ",", if_none_match);
	appendStringInfoChar(json, ']');
}

/* Appends the names of the body's fields that must be there. */
static void
required_fields(StringInfo json, const HttpRoute *route)
{
	appendStringInfoString(json, "\"required\":[");
	for (const HttpParameter *p = route->parameters; p->place != HTTP_NOWHERE; p++)
	{
		if (p->place < HTTP_BODY || !agent_field_rule(p->field)->required)
			continue;
		separate(json);
		appendStringInfo(json, "\"%s\"", agent_field_rule(p->field)->name);
	}
	appendStringInfoChar(json, ']');
}

/* Appends what the body has to be. */
static void
request_body(StringInfo json, const HttpRoute *route)
{
	if (!agent_http_takes(route, HTTP_BODY))
		return;
	appendStringInfo(json,
					 ",\"requestBody\":{\"required\":%s,\"content\":{\"application/json\":"
					 "{\"schema\":{\"type\":\"object\",",
					 route->body_may_be_missing ? "false" : "true");
	required_fields(json, route);
	appendStringInfoString(json, ",\"properties\":{");
	for (const HttpParameter *p = route->parameters; p->place != HTTP_NOWHERE; p++)
	{
		if (p->place < HTTP_BODY)
			continue;
		separate(json);
		appendStringInfo(json, "\"%s\":", agent_field_rule(p->field)->name);
		field_schema(json, agent_field_rule(p->field), HTTP_BODY);
	}
	appendStringInfoString(json, "}}}}}");
}

/* Fills in the errors that a route may answer with, and returns their number. */
static int
route_errors(const HttpRoute *route, AgentError *errors)
{
	int count = 0;

	if (agent_http_takes(route, HTTP_BODY))
	{
		errors[count++] = AGENT_BODY_UNREADABLE;
		errors[count++] = AGENT_BODY_TOO_LARGE;
	}
	if (route->list != AGENT_NO_PLAN || route->shape == HTTP_EXPORT)
		errors[count++] = AGENT_ANSWER_TOO_LARGE;
	for (int i = 0; i < (int) lengthof(route->errors) && route->errors[i] != AGENT_NO_ERROR; i++)
		errors[count++] = route->errors[i];
	if (!route->is_public)
	{
		errors[count++] = AGENT_NOT_AUTHENTICATED;
		errors[count++] = AGENT_USER_INACTIVE;
	}
	if (agent_http_takes(route, HTTP_PATH))
		errors[count++] = route->parameters[0].field == AGENT_FIELD_MESSAGE_ID
							  ? AGENT_MESSAGE_NOT_FOUND
							  : AGENT_CONVERSATION_NOT_FOUND;
	if (route->parameters[0].place != HTTP_NOWHERE)
		errors[count++] = AGENT_VALIDATION_FAILED;
	if (!route->is_public || agent_http_takes_password(route))
		errors[count++] = AGENT_RATE_LIMITED;
	if (agent_http_takes_password(route))
		errors[count++] = AGENT_BUSY;
	errors[count++] = AGENT_UNAVAILABLE;
	Assert(count <= ERRORS_MAX);
	return count;
}

/* Returns a reference to the schema of an error's body. */
static const char *
error_reference(const HttpRoute *route, int status)
{
	if (status == agent_error_status(AGENT_VALIDATION_FAILED))
		return "{\"$ref\":\"#/components/schemas/ValidationError\"}";
	/* It tells its status, and the gateway, without a database, the error. */
	if (route->shape == HTTP_READY)
		return "{\"type\":\"object\"}";
	return "{\"$ref\":\"#/components/schemas/Error\"}";
}

/* Appends an answer of an error, for all errors of its status. */
static void
error_response(StringInfo json, const HttpRoute *route, int status, const AgentError *errors,
			   int count)
{
	StringInfoData texts;

	initStringInfo(&texts);
	for (int i = 0; i < count; i++)
	{
		if (agent_error_status(errors[i]) == status)
			appendStringInfo(&texts,
							 "%s%s",
							 texts.len > 0 ? "; " : "",
							 agent_error_text(errors[i]));
	}
	if (texts.len == 0)
		return;
	appendStringInfo(json, ",\"%d\":{\"description\":", status);
	escape_json(json, texts.data);
	appendStringInfo(json,
					 ",\"content\":{\"application/json\":{\"schema\":%s}}}",
					 error_reference(route, status));
}

/* Returns a reference to the schema of a shape. */
static char *
reference(HttpShape shape)
{
	const char *name = agent_http_schema(shape)->name;

	if (name == NULL)
		return "{\"type\":\"object\"}";
	return psprintf("{\"$ref\":\"#/components/schemas/%s\"}", name);
}

/* Appends the schema of a route's answer: with an option, or as a page, it is another one. */
static void
answer_schema(StringInfo json, const HttpRoute *route)
{
	const HttpRoute *page = agent_http_page_form(route);
	const char *answer = reference(route->shape);

	if (route->list != AGENT_NO_PLAN)
		answer = psprintf("{\"type\":\"array\",\"items\":%s}", answer);
	if (page == NULL && route->option_shape == HTTP_NOTHING)
		appendStringInfoString(json, answer);
	else
		appendStringInfo(json,
						 "{\"anyOf\":[%s,%s]}",
						 answer,
						 reference(page != NULL ? page->shape : route->option_shape));
}

/* Appends all answers of a route. */
static void
responses(StringInfo json, const HttpRoute *route)
{
	static const int statuses[] = {400, 401, 403, 404, 409, 413, 422, 429, 503};
	const HttpSchema *schema = agent_http_schema(route->shape);
	AgentError errors[ERRORS_MAX];
	int count = route_errors(route, errors);

	appendStringInfo(json,
					 ",\"responses\":{\"%d\":{\"description\":\"%s%s\"",
					 route->status,
					 schema->name != NULL ? schema->name : "Done",
					 route->list != AGENT_NO_PLAN ? "s" : "");
	if (route->shape != HTTP_NOTHING)
	{
		appendStringInfoString(json, ",\"content\":{\"application/json\":{\"schema\":");
		answer_schema(json, route);
		appendStringInfoString(json, "}}");
	}
	appendStringInfoChar(json, '}');
	if (route->version != AGENT_NO_PLAN)
		appendStringInfoString(json, ",\"304\":{\"description\":\"Nothing has changed\"}");
	for (int i = 0; i < (int) lengthof(statuses); i++)
		error_response(json, route, statuses[i], errors, count);
	appendStringInfoChar(json, '}');
}

/* Appends a route. */
static void
operation(StringInfo json, const HttpRoute *route)
{
	separate(json);
	appendStringInfoChar(json, '"');
	for (const char *c = route->method; *c != '\0'; c++)
		appendStringInfoChar(json, pg_tolower((unsigned char) *c));
	appendStringInfoString(json, "\":{");
	agent_json_add_string(json, "operationId", route->operation);
	agent_json_add_string(json, "summary", route->summary);
	appendStringInfo(json, ",\"tags\":[\"%s\"]", route->tag);
	if (route->is_public)
		appendStringInfoString(json, ",\"security\":[]");
	parameters(json, route);
	request_body(json, route);
	responses(json, route);
	appendStringInfoChar(json, '}');
}

/* Appends the document. */
void
agent_http_openapi(StringInfo json)
{
	const char *path = "";

	appendStringInfoString(json, preamble);
	appendStringInfoString(json, ",\"paths\":{");
	for (int i = 0; i < agent_http_route_count; i++)
	{
		const HttpRoute *route = &agent_http_routes[i];

		/* For whoever runs the service. */
		if (route->shape == HTTP_METRICS)
			continue;
		/* Routes of one path stand together. */
		if (strcmp(path, route->path) != 0)
			appendStringInfo(json, "%s\"%s\":{", i > 0 ? "}," : "", route->path);
		path = route->path;
		operation(json, route);
	}
	appendStringInfoString(json,
						   "}},\"components\":{\"securitySchemes\":{\"bearer\":"
						   "{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}},"
						   "\"schemas\":{");
	for (HttpShape shape = 0; shape < HTTP_SHAPE_COUNT; shape++)
	{
		if (agent_http_schema(shape)->name != NULL)
			row_schema(json, agent_http_schema(shape));
	}
	appendStringInfo(json, ",%s}}}", error_schemas);
}
