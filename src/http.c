/*
 * http.c
 *		The classic REST API: its routes, and how a request is served.
 *
 * agent_http is called by what stands in front of the database (agent-httpd,
 * PostgREST) or by a person at psql, and runs as agent_owner under the policies, so
 * that it can serve everybody: who that is comes from the request's Authorization
 * header alone. What it calls is undone by a subtransaction when it fails; the
 * transaction itself always ends well, so a front that would retry sees nothing to
 * retry, and no constraint or row is shown. Requests hold passwords and tokens: a
 * failure that is not the client's is logged by its message, without detail.
 */
#include "http.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/typcache.h"

#define CONVERSATION_PATH "/conversations/{conversation_id}"
#define BODY_MAX          (16 * 1024 * 1024) /* bytes */

/* clang-format off */
const HttpRoute agent_http_routes[] = {
	{
		"POST", "/auth/register", "register", "Register an account",
		true, 201, HTTP_USER, "agent_register", 0,
		{
			{HTTP_BODY, AGENT_FIELD_EMAIL},
			{HTTP_BODY, AGENT_FIELD_USERNAME},
			{HTTP_BODY, AGENT_FIELD_NEW_PASSWORD}
		},
		{AGENT_EMAIL_TAKEN, AGENT_USERNAME_TAKEN}
	},
	{
		"POST", "/auth/login", "login", "Log in and get an access token",
		true, 200, HTTP_TOKEN, "agent_login", 0,
		{{HTTP_BODY, AGENT_FIELD_LOGIN_EMAIL}, {HTTP_BODY, AGENT_FIELD_PASSWORD}},
		{AGENT_BAD_CREDENTIALS, AGENT_USER_INACTIVE}
	},
	{
		"GET", "/auth/me", "me", "See your own account",
		false, 200, HTTP_USER, "agent_me", 0,
		{{0}}, {0}
	},
	{
		"POST", "/conversations", "conversation_create", "Begin a conversation",
		false, 201, HTTP_CONVERSATION, "agent_conversation_create", 0,
		{{HTTP_BODY, AGENT_FIELD_TITLE}, {HTTP_BODY, AGENT_FIELD_FIRST_MESSAGE}},
		{0}
	},
	{
		"GET", "/conversations", "conversation_list", "List your conversations, newest first",
		false, 200, HTTP_CONVERSATION, NULL, AGENT_PLAN_CONVERSATION_LIST,
		{
			{HTTP_QUERY, AGENT_FIELD_SKIP},
			{HTTP_QUERY, AGENT_FIELD_CONVERSATION_LIMIT},
			{HTTP_QUERY, AGENT_FIELD_ARCHIVED}
		},
		{0}
	},
	{
		"GET", CONVERSATION_PATH, "conversation_get", "Get a conversation",
		false, 200, HTTP_CONVERSATION, "agent_conversation_get", 0,
		{{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID}},
		{0}
	},
	{
		"PATCH", CONVERSATION_PATH, "conversation_update", "Rename a conversation, or put it away",
		false, 200, HTTP_CONVERSATION, "agent_conversation_update", 0,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_BODY, AGENT_FIELD_NEW_TITLE},
			{HTTP_BODY, AGENT_FIELD_IS_ARCHIVED}
		},
		{0}
	},
	{
		"DELETE", CONVERSATION_PATH, "conversation_delete", "Delete a conversation and its messages",
		false, 204, HTTP_NOTHING, "agent_conversation_delete", 0,
		{{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID}},
		{0}
	},
	{
		"POST", CONVERSATION_PATH "/messages", "message_create", "Add a message",
		false, 201, HTTP_MESSAGE, "agent_message_create", 0,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_BODY, AGENT_FIELD_ROLE},
			{HTTP_BODY, AGENT_FIELD_CONTENT}
		},
		{0}
	},
	{
		"GET", CONVERSATION_PATH "/messages", "message_list", "List the messages, oldest first",
		false, 200, HTTP_MESSAGE, NULL, AGENT_PLAN_MESSAGE_LIST,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_QUERY, AGENT_FIELD_SKIP},
			{HTTP_QUERY, AGENT_FIELD_MESSAGE_LIMIT}
		},
		{0}
	},
	{
		"GET", "/health", "health", "Tell whether the service works",
		true, 200, HTTP_HEALTH, "agent_health", 0,
		{{0}}, {0}
	},
	{
		"GET", "/openapi.json", "openapi", "Describe this API",
		true, 200, HTTP_OPENAPI, NULL, 0,
		{{0}}, {0}
	},
};
/* clang-format on */

const int agent_http_route_count = lengthof(agent_http_routes);

/* Empties an answer's body. */
static void
answer_begin(HttpAnswer *answer, int status)
{
	answer->status = status;
	resetStringInfo(&answer->body);
	appendStringInfoSpaces(&answer->body, VARHDRSZ);
}

/* Adds a header to an answer. */
static void
add_header(HttpAnswer *answer, const char *name, const char *value)
{
	answer->headers[answer->header_count++] = (HttpHeader){name, value};
}

/* Answers with an error of the table. */
static void
answer_error(HttpAnswer *answer, AgentError error)
{
	answer_begin(answer, agent_error_status(error));
	appendStringInfoString(&answer->body, "{\"detail\":");
	escape_json(&answer->body, agent_error_text(error));
	appendStringInfoChar(&answer->body, '}');
	if (answer->status == 401)
		add_header(answer, "www-authenticate", "Bearer");
	if (answer->status == 503)
		add_header(answer, "retry-after", "1");
}

/* Answers with the list of faults. */
static void
answer_faults(HttpAnswer *answer, const AgentFaults *faults)
{
	answer_begin(answer, agent_error_status(AGENT_VALIDATION_FAILED));
	appendStringInfo(&answer->body, "{\"detail\":%s]}", faults->json.data);
}

/* Tells whether a path is of a template's form, and what stands for its segment. */
static bool
path_matches(const char *path, const char *form, char **segment)
{
	while (*form != '\0')
	{
		if (*form == '{')
		{
			int len = strcspn(path, "/");

			if (len == 0)
				return false;
			*segment = pnstrdup(path, len);
			path += len;
			form += strcspn(form, "/");
		}
		else if (*path++ != *form++)
			return false;
	}
	return *path == '\0';
}

/* Finds the route of a request; without one it answers with 404 or 405. */
static bool
find_route(HttpRequest *request, HttpAnswer *answer)
{
	StringInfoData allow;

	initStringInfo(&allow);
	for (int i = 0; i < agent_http_route_count; i++)
	{
		const HttpRoute *route = &agent_http_routes[i];

		if (!path_matches(request->path, route->path, &request->segment))
			continue;
		if (strcmp(request->method, route->method) == 0)
		{
			request->route = route;
			return true;
		}
		appendStringInfo(&allow, "%s%s", allow.len > 0 ? ", " : "", route->method);
	}
	if (allow.len == 0)
		answer_error(answer, AGENT_PATH_NOT_FOUND);
	else
	{
		answer_error(answer, AGENT_METHOD_NOT_ALLOWED);
		add_header(answer, "allow", allow.data);
	}
	return false;
}

/* Sets a setting until the subtransaction ends, whichever way. */
static void
set_for_request(const char *name, const char *value)
{
	(void)
		set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Makes the request's token the identity, and returns whose it is, or raises. */
static pg_uuid_t
authenticate(const HttpRequest *request)
{
	const char *token = agent_bearer_token(request->authorization);

	if (token == NULL)
		agent_raise(AGENT_NOT_AUTHENTICATED, NULL);
	if (strlen(token) > AGENT_TOKEN_MAX)
		agent_raise(AGENT_INVALID_TOKEN, NULL);
	set_for_request("agent.token", token);
	return agent_caller();
}

/* Calls the function of the API that a route names. */
static Datum
call_function(const HttpRequest *request, const char *schema, int count, const Datum *values,
			  const bool *nulls)
{
	LOCAL_FCINFO(call, HTTP_PARAMETERS_MAX);
	const HttpRoute *route = request->route;
	Oid types[HTTP_PARAMETERS_MAX];
	FmgrInfo function;

	for (int i = 0; i < count; i++)
		types[i] = agent_http_type(route->parameters[i].field);
	fmgr_info(LookupFuncName(
				  list_make2(makeString(pstrdup(schema)), makeString(pstrdup(route->function))),
				  count,
				  types,
				  false),
			  &function);
	InitFunctionCallInfoData(*call, &function, count, InvalidOid, NULL, NULL);
	for (int i = 0; i < count; i++)
	{
		call->args[i].value = values[i];
		call->args[i].isnull = nulls[i];
	}
	return FunctionCallInvoke(call);
}

/* Writes what a function returned. */
static void
write_result(HttpAnswer *answer, HttpShape shape, Datum result)
{
	HeapTupleHeader header;
	HeapTupleData row;
	TupleDesc desc;

	if (shape == HTTP_HEALTH)
		appendStringInfoString(&answer->body, TextDatumGetCString(result));
	if (shape == HTTP_HEALTH || shape == HTTP_NOTHING)
		return;
	header = DatumGetHeapTupleHeader(result);
	row = (HeapTupleData){.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	desc =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	agent_http_write_row(&answer->body, shape, &row, desc);
	ReleaseTupleDesc(desc);
}

/* Writes the rows of a list. */
static void
write_list(HttpAnswer *answer, const HttpRoute *route, const pg_uuid_t *caller, int count,
		   const Datum *values, const bool *nulls)
{
	Datum arguments[HTTP_PARAMETERS_MAX + 1] = {UUIDPGetDatum(caller)};
	char absent[] = "     ";

	for (int i = 0; i < count; i++)
	{
		arguments[i + 1] = values[i];
		absent[i + 1] = nulls[i] ? 'n' : ' ';
	}
	if (route->parameters[0].field == AGENT_FIELD_CONVERSATION_ID)
		agent_conversation_require(caller, DatumGetUUIDP(values[0]));
	SPI_connect();
	agent_execute(route->list, arguments, absent);
	agent_http_check_size(SPI_tuptable->vals, SPI_processed, SPI_tuptable->tupdesc);
	appendStringInfoChar(&answer->body, '[');
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		if (i > 0)
			appendStringInfoChar(&answer->body, ',');
		agent_http_write_row(&answer->body,
							 route->shape,
							 SPI_tuptable->vals[i],
							 SPI_tuptable->tupdesc);
	}
	appendStringInfoChar(&answer->body, ']');
	SPI_finish();
}

/* Serves a request whose route is known, or raises. */
static void
serve(HttpRequest *request, const char *schema, HttpAnswer *answer)
{
	const HttpRoute *route = request->route;
	pg_uuid_t caller = {{0}};
	AgentFaults faults;
	Datum values[HTTP_PARAMETERS_MAX];
	bool nulls[HTTP_PARAMETERS_MAX];
	int count;

	/* What is called must not take itself to be called by PostgREST. */
	if (agent_request_is_http())
		set_for_request("request.method", "");
	if (!route->is_public)
		caller = authenticate(request);
	else if (request->headers != NULL) /* login keeps the User-Agent */
		set_for_request("request.headers",
						JsonbToCString(NULL, &request->headers->root, VARSIZE(request->headers)));

	agent_faults_init(&faults);
	count = agent_http_parameters(request, &faults, values, nulls);
	if (faults.count > 0)
	{
		answer_faults(answer, &faults);
		return;
	}
	answer_begin(answer, route->status);
	if (route->shape == HTTP_OPENAPI)
		agent_http_openapi(&answer->body);
	else if (route->function == NULL)
		write_list(answer, route, &caller, count, values, nulls);
	else
		write_result(answer, route->shape, call_function(request, schema, count, values, nulls));
}

/* Answers for an error that was caught, or lets it go on. */
static void
answer_caught(HttpAnswer *answer, ErrorData *caught)
{
	AgentError error = agent_error_of(caught);

	/* Whoever cancels the statement, or shuts the server down, means all of it. */
	if (ERRCODE_TO_CATEGORY(caught->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(caught);
	if (error == AGENT_INTERNAL || error == AGENT_UNAVAILABLE)
		ereport(LOG,
				errcode(caught->sqlerrcode),
				errmsg("could not serve a request: %s", caught->message));
	answer_error(answer, error);
}

/* Serves a request; what fails is undone, and becomes the answer. */
static void
serve_or_undo(HttpRequest *request, const char *schema, HttpAnswer *answer)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		serve(request, schema, answer);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *caught;

		MemoryContextSwitchTo(context);
		caught = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		answer_caught(answer, caught);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/* Serves a request, and returns the body of the answer. */
bytea *
agent_http_answer(HttpRequest *request, const char *schema, HttpAnswer *answer)
{
	answer->header_count = 0;
	initStringInfo(&answer->body);
	if (request->body_len > BODY_MAX)
		answer_error(answer, AGENT_BODY_TOO_LARGE);
	else if (find_route(request, answer))
		serve_or_undo(request, schema, answer);
	if (answer->body.len > VARHDRSZ)
		add_header(answer, "content-type", "application/json");
	SET_VARSIZE(answer->body.data, answer->body.len);
	return (bytea *) answer->body.data;
}

/* Returns one of an object of headers, or NULL. */
static const char *
header(Jsonb *headers, const char *name)
{
	JsonbValue found;

	if (headers == NULL || !JB_ROOT_IS_OBJECT(headers) ||
		getKeyJsonValueFromContainer(&headers->root, name, strlen(name), &found) == NULL ||
		found.type != jbvString)
		return NULL;
	return pnstrdup(found.val.string.val, found.val.string.len);
}

/* Adds a string to an object. */
static void
push_string(JsonbParseState **state, JsonbIteratorToken token, const char *string)
{
	JsonbValue value = {.type = jbvString};

	value.val.string.val = (char *) string;
	value.val.string.len = strlen(string);
	pushJsonbValue(state, token, &value);
}

/* Returns the headers of an answer. */
static Jsonb *
answer_headers(const HttpAnswer *answer)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < answer->header_count; i++)
	{
		push_string(&state, WJB_KEY, answer->headers[i].name);
		push_string(&state, WJB_VALUE, answer->headers[i].value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Returns an argument that is a text, or an empty one. */
static char *
text_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

PG_FUNCTION_INFO_V1(agent_http);

/*
 * SQL: agent_http(method text, path text, query text, headers jsonb, body bytea)
 *		returns agent_http_response
 */
Datum
agent_http(PG_FUNCTION_ARGS)
{
	const char *schema = get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));
	char *path = text_argument(fcinfo, 1);
	Jsonb *headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	bytea *body = PG_ARGISNULL(4) ? NULL : PG_GETARG_BYTEA_PP(4);
	HttpRequest request = {.method = text_argument(fcinfo, 0),
						   .path = agent_http_decode(path, strlen(path), false),
						   .query = text_argument(fcinfo, 2),
						   .authorization = header(headers, "authorization"),
						   .headers = headers};
	HttpAnswer answer;
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false, false, false};
	HeapTuple row;

	agent_redact_statement("agent_http");
	if (body != NULL)
	{
		request.body = VARDATA_ANY(body);
		request.body_len = VARSIZE_ANY_EXHDR(body);
	}
	values[2] = PointerGetDatum(agent_http_answer(&request, schema, &answer));
	values[0] = Int32GetDatum(answer.status);
	values[1] = JsonbPGetDatum(answer_headers(&answer));
	desc = agent_result_type(fcinfo, 3);
	row = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(row);
}
