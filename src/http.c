/*
 * http.c
 *		The classic REST API: its routes, and the function that answers requests.
 *
 * agent_http is called by what stands in front of the database (agent-httpd,
 * PostgREST) or by a person at psql, and runs as agent_owner under the policies, so
 * that it can serve everybody: who that is comes from the request's Authorization
 * header alone. Whatever a client sends is answered, not raised. Requests hold
 * passwords and tokens: statements that call it are hidden from the log.
 */
#include "http.h"

#include "utils/builtins.h"

#define CONVERSATION_PATH "/conversations/{conversation_id}"
#define MESSAGE_PATH      "/messages/{message_id}"
#define BODY_MAX          (16 * 1024 * 1024) /* bytes */

/* clang-format off */
const HttpRoute agent_http_routes[] = {
	{
		"POST", "/auth/register", "auth", "register", "Register an account",
		true, false, 201, HTTP_USER, HTTP_NOTHING, "agent_register", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_BODY, AGENT_FIELD_EMAIL},
			{HTTP_BODY, AGENT_FIELD_USERNAME},
			{HTTP_BODY, AGENT_FIELD_NEW_PASSWORD},
			{HTTP_HEADER, AGENT_FIELD_IDEMPOTENCY_HEADER}
		},
		{AGENT_EMAIL_TAKEN, AGENT_USERNAME_TAKEN, AGENT_IDEMPOTENCY_MISMATCH}
	},
	{
		"POST", "/auth/login", "auth", "login", "Log in and get an access token",
		true, false, 200, HTTP_TOKEN, HTTP_TOKEN_PAIR, "agent_login", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_BODY, AGENT_FIELD_LOGIN_EMAIL},
			{HTTP_BODY, AGENT_FIELD_PASSWORD},
			{HTTP_OPTION, AGENT_FIELD_REFRESH}
		},
		{AGENT_BAD_CREDENTIALS, AGENT_USER_INACTIVE}
	},
	{
		"POST", "/auth/refresh", "auth", "refresh", "Get the next pair of tokens",
		true, false, 200, HTTP_TOKEN_PAIR, HTTP_NOTHING, "agent_refresh", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{HTTP_BODY, AGENT_FIELD_REFRESH_TOKEN}},
		{AGENT_INVALID_REFRESH_TOKEN, AGENT_USER_INACTIVE}
	},
	{
		"POST", "/auth/logout", "auth", "logout", "End this session, the others, or all",
		false, true, 204, HTTP_NOTHING, HTTP_NOTHING, "agent_logout", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{HTTP_BODY, AGENT_FIELD_SCOPE}},
		{0}
	},
	{
		"POST", "/auth/password", "auth", "password_change", "Change your password, and end your other sessions",
		false, false, 204, HTTP_NOTHING, HTTP_NOTHING, "agent_password_change", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{HTTP_BODY, AGENT_FIELD_CURRENT_PASSWORD}, {HTTP_BODY, AGENT_FIELD_CHANGED_PASSWORD}},
		{AGENT_WRONG_PASSWORD}
	},
	{
		"GET", "/auth/sessions", "auth", "session_list", "List your sessions, newest first",
		false, false, 200, HTTP_SESSION, HTTP_NOTHING, NULL, AGENT_PLAN_SESSION_LIST, AGENT_NO_PLAN,
		{{0}}, {0}
	},
	{
		"GET", "/auth/export", "auth", "export", "Get all that is kept of you",
		false, false, 200, HTTP_EXPORT, HTTP_NOTHING, "agent_export", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{0}}, {0}
	},
	{
		"GET", "/auth/me", "auth", "me", "See your own account",
		false, false, 200, HTTP_USER, HTTP_NOTHING, "agent_me", AGENT_NO_PLAN, AGENT_PLAN_USER_VERSION,
		{{0}}, {0}
	},
	{
		"DELETE", "/auth/me", "auth", "account_delete", "Delete your account and all that is in it",
		false, false, 204, HTTP_NOTHING, HTTP_NOTHING, "agent_account_delete", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{HTTP_BODY, AGENT_FIELD_PASSWORD}},
		{AGENT_WRONG_PASSWORD, AGENT_ACCOUNT_IN_USE}
	},
	{
		"POST", "/conversations", "conversations", "conversation_create", "Begin a conversation",
		false, false, 201, HTTP_CONVERSATION, HTTP_NOTHING, "agent_conversation_create", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_BODY, AGENT_FIELD_TITLE},
			{HTTP_BODY, AGENT_FIELD_FIRST_MESSAGE},
			{HTTP_BODY, AGENT_FIELD_TAGS},
			{HTTP_BODY, AGENT_FIELD_METADATA},
			{HTTP_HEADER, AGENT_FIELD_IDEMPOTENCY_HEADER}
		},
		{AGENT_IDEMPOTENCY_MISMATCH}
	},
	{
		"GET", "/conversations", "conversations", "conversation_list", "List your conversations, newest first",
		false, false, 200, HTTP_CONVERSATION, HTTP_NOTHING, NULL,
		AGENT_PLAN_CONVERSATION_LIST, AGENT_PLAN_CONVERSATION_LIST_VERSION,
		{
			{HTTP_QUERY, AGENT_FIELD_SKIP},
			{HTTP_QUERY, AGENT_FIELD_CONVERSATION_LIMIT},
			{HTTP_QUERY, AGENT_FIELD_ARCHIVED}
		},
		{0}
	},
	{
		"GET", CONVERSATION_PATH, "conversations", "conversation_get", "Get a conversation",
		false, false, 200, HTTP_CONVERSATION, HTTP_NOTHING, "agent_conversation_get",
		AGENT_NO_PLAN, AGENT_PLAN_CONVERSATION_VERSION,
		{{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID}},
		{0}
	},
	{
		"PATCH", CONVERSATION_PATH, "conversations", "conversation_update", "Rename a conversation, put it away, pin or tag it",
		false, false, 200, HTTP_CONVERSATION, HTTP_NOTHING, "agent_conversation_update", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_BODY, AGENT_FIELD_NEW_TITLE},
			{HTTP_BODY, AGENT_FIELD_IS_ARCHIVED},
			{HTTP_BODY, AGENT_FIELD_IS_PINNED},
			{HTTP_BODY, AGENT_FIELD_TAGS},
			{HTTP_BODY, AGENT_FIELD_METADATA}
		},
		{0}
	},
	{
		"DELETE", CONVERSATION_PATH, "conversations", "conversation_delete", "Delete a conversation and its messages",
		false, false, 204, HTTP_NOTHING, HTTP_NOTHING, "agent_conversation_delete", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID}},
		{0}
	},
	{
		"POST", CONVERSATION_PATH "/messages", "conversations", "message_create", "Add a message",
		false, false, 201, HTTP_MESSAGE, HTTP_NOTHING, "agent_message_create", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_BODY, AGENT_FIELD_ROLE},
			{HTTP_BODY, AGENT_FIELD_CONTENT},
			{HTTP_HEADER, AGENT_FIELD_IDEMPOTENCY_HEADER}
		},
		{AGENT_IDEMPOTENCY_MISMATCH}
	},
	{
		"GET", CONVERSATION_PATH "/messages", "conversations", "message_list", "List the messages, oldest first",
		false, false, 200, HTTP_MESSAGE, HTTP_NOTHING, NULL, AGENT_PLAN_MESSAGE_LIST, AGENT_PLAN_CONVERSATION_VERSION,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_QUERY, AGENT_FIELD_SKIP},
			{HTTP_QUERY, AGENT_FIELD_MESSAGE_LIMIT}
		},
		{0}
	},
	{
		"POST", CONVERSATION_PATH "/fork", "conversations", "conversation_fork", "Copy a conversation, up to a message",
		false, true, 201, HTTP_CONVERSATION_DETAIL, HTTP_NOTHING, "agent_conversation_fork", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_BODY, AGENT_FIELD_UP_TO_MESSAGE_ID},
			{HTTP_BODY, AGENT_FIELD_NEW_TITLE}
		},
		{AGENT_MESSAGE_NOT_FOUND}
	},
	{
		"PATCH", MESSAGE_PATH, "conversations", "message_update", "Edit a message",
		false, false, 200, HTTP_MESSAGE_DETAIL, HTTP_NOTHING, "agent_message_update", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_PATH, AGENT_FIELD_MESSAGE_ID},
			{HTTP_BODY, AGENT_FIELD_NEW_CONTENT},
			{HTTP_BODY, AGENT_FIELD_METADATA}
		},
		{0}
	},
	{
		"DELETE", MESSAGE_PATH, "conversations", "message_delete", "Delete a message",
		false, false, 204, HTTP_NOTHING, HTTP_NOTHING, "agent_message_delete", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{HTTP_PATH, AGENT_FIELD_MESSAGE_ID}},
		{0}
	},
	{
		"GET", "/search", "conversations", "search", "Search your titles and messages, best first",
		false, false, 200, HTTP_HIT_PAGE, HTTP_NOTHING, "agent_search", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{
			{HTTP_QUERY, AGENT_FIELD_Q},
			{HTTP_QUERY, AGENT_FIELD_CURSOR},
			{HTTP_QUERY, AGENT_FIELD_CONVERSATION_PAGE_LIMIT},
			{HTTP_QUERY, AGENT_FIELD_ANY_CONVERSATION_ID},
			{HTTP_QUERY, AGENT_FIELD_ANY_ROLE},
			{HTTP_QUERY, AGENT_FIELD_SINCE},
			{HTTP_QUERY, AGENT_FIELD_BEFORE},
			{HTTP_QUERY, AGENT_FIELD_ARCHIVED},
			{HTTP_QUERY, AGENT_FIELD_PINNED},
			{HTTP_QUERY, AGENT_FIELD_TAG}
		},
		{AGENT_CONVERSATION_NOT_FOUND}
	},
	{
		"GET", "/health", "service", "health", "Tell whether the service works",
		true, false, 200, HTTP_HEALTH, HTTP_NOTHING, "agent_health", AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{0}}, {0}
	},
	{
		"GET", "/ready", "service", "ready", "Tell whether requests can be served, and writes among them",
		true, false, 200, HTTP_READY, HTTP_NOTHING, NULL, AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{0}}, {0}
	},
	{
		"GET", "/metrics", "service", "metrics", "Tell what is measured",
		true, false, 200, HTTP_METRICS, HTTP_NOTHING, NULL, AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{0}}, {0}
	},
	{
		"GET", "/openapi.json", "service", "openapi", "Describe this API",
		true, false, 200, HTTP_OPENAPI, HTTP_NOTHING, NULL, AGENT_NO_PLAN, AGENT_NO_PLAN,
		{{0}}, {0}
	},
};

/* What lists answer with when they are asked for a page, by a cursor in the query. */
static const HttpRoute pages[] = {
	{
		"GET", "/conversations", "conversations", "conversation_page", "Get a page of your conversations",
		false, false, 200, HTTP_CONVERSATION_PAGE, HTTP_NOTHING, "agent_conversation_page",
		AGENT_NO_PLAN, AGENT_PLAN_CONVERSATION_PAGE_VERSION,
		{
			{HTTP_QUERY, AGENT_FIELD_CURSOR},
			{HTTP_QUERY, AGENT_FIELD_CONVERSATION_PAGE_LIMIT},
			{HTTP_QUERY, AGENT_FIELD_ARCHIVED},
			{HTTP_QUERY, AGENT_FIELD_PINNED},
			{HTTP_QUERY, AGENT_FIELD_TAG}
		},
		{0}
	},
	{
		"GET", CONVERSATION_PATH "/messages", "conversations", "message_page", "Get a page of the messages",
		false, false, 200, HTTP_MESSAGE_PAGE, HTTP_NOTHING, "agent_message_page",
		AGENT_NO_PLAN, AGENT_PLAN_CONVERSATION_VERSION,
		{
			{HTTP_PATH, AGENT_FIELD_CONVERSATION_ID},
			{HTTP_QUERY, AGENT_FIELD_CURSOR},
			{HTTP_QUERY, AGENT_FIELD_MESSAGE_PAGE_LIMIT},
			{HTTP_QUERY, AGENT_FIELD_DIRECTION}
		},
		{0}
	},
};
/* clang-format on */

const int agent_http_route_count = lengthof(agent_http_routes);

StaticAssertDecl(lengthof(agent_http_routes) <= AGENT_METRICS_ROUTES, "too many routes to count");

/* Returns what a route is when it is asked for a page, or NULL when it has none. */
const HttpRoute *
agent_http_page_form(const HttpRoute *route)
{
	for (int i = 0; i < (int) lengthof(pages); i++)
	{
		if (strcmp(pages[i].method, route->method) == 0 && strcmp(pages[i].path, route->path) == 0)
			return &pages[i];
	}
	return NULL;
}

/* Begins an answer, or begins it again. */
void
agent_http_answer_begin(HttpAnswer *answer, int status)
{
	answer->status = status;
	answer->header_count = 0;
	answer->content_type = agent_http_content_type(HTTP_NOTHING);
	answer->cache_control = "no-store";
	resetStringInfo(&answer->body);
	appendStringInfoSpaces(&answer->body, VARHDRSZ);
}

/* Adds a header to an answer. */
void
agent_http_add_header(HttpAnswer *answer, const char *name, const char *value)
{
	answer->headers[answer->header_count++] = (HttpHeader){name, value};
}

/* Answers with an error of the table. */
void
agent_http_answer_error(HttpAnswer *answer, AgentError error)
{
	agent_http_answer_begin(answer, agent_error_status(error));
	appendStringInfoChar(&answer->body, '{');
	agent_json_add_string(&answer->body, "detail", agent_error_text(error));
	appendStringInfoChar(&answer->body, '}');
	if (answer->status == 401)
		agent_http_add_header(answer, "www-authenticate", "Bearer");
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

		if (!path_matches(request->path, route->path, &request->segment) ||
			!agent_http_is_there(route))
			continue;
		if (strcmp(request->method, route->method) == 0)
		{
			const HttpRoute *page = agent_http_page_form(route);

			request->number = i;
			request->route = page != NULL && agent_http_asks_for(request->query, AGENT_FIELD_CURSOR)
								 ? page
								 : route;
			return true;
		}
		appendStringInfo(&allow, "%s%s", allow.len > 0 ? ", " : "", route->method);
	}
	if (allow.len == 0)
		agent_http_answer_error(answer, AGENT_PATH_NOT_FOUND);
	else
	{
		agent_http_answer_error(answer, AGENT_METHOD_NOT_ALLOWED);
		agent_http_add_header(answer, "allow", allow.data);
	}
	return false;
}

/*
 * Serves a request, and returns the body of the answer.
 *
 * What is too large is refused before anything else is looked at: a proxy in front
 * would not have let it through.
 */
bytea *
agent_http_answer(HttpRequest *request, const char *schema, HttpAnswer *answer)
{
	request->number = -1;
	initStringInfo(&answer->body);
	if (request->body_len > BODY_MAX)
		agent_http_answer_error(answer, AGENT_BODY_TOO_LARGE);
	else if (find_route(request, answer))
		agent_http_serve(request, schema, answer);
	if (answer->body.len > VARHDRSZ)
		agent_http_add_header(answer, "content-type", answer->content_type);
	agent_http_add_header(answer, "cache-control", answer->cache_control);
	agent_metrics_count_request(request->number, answer->status);
	SET_VARSIZE(answer->body.data, answer->body.len);
	return (bytea *) answer->body.data;
}

/* Returns a header of a request, or NULL. */
static const char *
request_header(Jsonb *headers, const char *name)
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
	char *path = text_argument(fcinfo, 1);
	Jsonb *headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	bytea *body = PG_ARGISNULL(4) ? NULL : PG_GETARG_BYTEA_PP(4);
	HttpRequest request = {.method = text_argument(fcinfo, 0),
						   .path = agent_http_decode(path, strlen(path), false),
						   .query = text_argument(fcinfo, 2),
						   .authorization = request_header(headers, "authorization"),
						   .user_agent = request_header(headers, "user-agent"),
						   .address = request_header(headers, agent_trusted_address_header),
						   .idempotency_key = request_header(headers, "idempotency-key"),
						   .if_none_match = request_header(headers, "if-none-match")};
	HttpAnswer answer;
	Datum values[3];

	agent_redact_statement("agent_http");
	if (body != NULL)
	{
		request.body = VARDATA_ANY(body);
		request.body_len = VARSIZE_ANY_EXHDR(body);
	}
	values[2] = PointerGetDatum(agent_http_answer(&request, agent_schema_of(fcinfo), &answer));
	values[0] = Int32GetDatum(answer.status);
	values[1] = JsonbPGetDatum(answer_headers(&answer));
	return agent_form_row(fcinfo, lengthof(values), values);
}
