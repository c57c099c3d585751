/*
 * postgrest.c
 *		PostgREST's configuration, and the beginning of each of its requests.
 *
 * agent_postgrest_config is called by PostgREST at its start and at NOTIFY pgrst,
 * as agent_authenticator; the settings are local to that transaction and hold the
 * signing keys, so EXECUTE is that role's alone. agent_postgrest_request is called
 * in every request's transaction, as the role of the request. agent_postgrest_http
 * serves the classic paths for a proxy that says in X-Agent headers what the client
 * asked for; anybody may send them, and they give nothing that the paths do not.
 */
#include "http.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(agent_postgrest_config);

/* SQL: agent_postgrest_config() returns void */
Datum
agent_postgrest_config(PG_FUNCTION_ARGS)
{
	const char *schema = agent_schema_of(fcinfo);

	agent_set_local("pgrst.db_schemas", schema);
	agent_set_local("pgrst.db_pre_request", psprintf("%s.agent_postgrest_request", schema));
	agent_set_local("pgrst.db_anon_role", "agent_anon");
	agent_set_local("pgrst.jwt_secret", agent_key_set_json());
	if (agent_postgrest_max_rows > 0)
		agent_set_local("pgrst.db_max_rows", psprintf("%d", agent_postgrest_max_rows));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(agent_postgrest_request);

/*
 * SQL: agent_postgrest_request() returns void
 *
 * PostgREST applies the defaults of the role it becomes, and whoever may become
 * that role may set them. It then calls functions of the server by their bare
 * names: with a search_path of somebody's own, those would be theirs.
 */
Datum
agent_postgrest_request(PG_FUNCTION_ARGS)
{
	const char *schema = agent_schema_of(fcinfo);

	agent_set_local("search_path", psprintf("%s, public", quote_identifier(schema)));
	agent_set_local("row_security", "on");
	PG_RETURN_VOID();
}

/* Returns the value of a header, or what stands for none. */
static char *
header_or(const AgentJsonObject *headers, const char *name, char *none)
{
	const AgentJsonMember *member = agent_json_member(headers, name);

	return member != NULL && member->type == JSON_TOKEN_STRING ? member->value : none;
}

/* Reads what the client asked for out of PostgREST's headers. */
static void
read_request(HttpRequest *request)
{
	const char *headers = agent_request_headers();
	AgentJsonObject object = {.count = 0};
	char *target;
	int path_len;

	if (headers != NULL && !agent_json_object(pstrdup(headers), strlen(headers), &object))
		object.count = 0;
	target = header_or(&object, "x-agent-target", "");
	path_len = strcspn(target, "?");
	request->method = header_or(&object, "x-agent-method", "");
	request->path = agent_http_decode(target, path_len, false);
	request->query = target[path_len] == '?' ? target + path_len + 1 : "";
	request->authorization = header_or(&object, "x-agent-authorization", NULL);
	request->user_agent = header_or(&object, "user-agent", NULL);
	request->address = header_or(&object, agent_trusted_address_header, NULL);
	request->idempotency_key = header_or(&object, "idempotency-key", NULL);
	request->if_none_match = header_or(&object, "if-none-match", NULL);
}

/* Tells PostgREST the status and the headers of an answer. */
static void
tell_postgrest(const HttpAnswer *answer)
{
	StringInfoData headers;

	initStringInfo(&headers);
	for (int i = 0; i < answer->header_count; i++)
	{
		appendStringInfoString(&headers, i == 0 ? "[{" : ",{");
		agent_json_add_string(&headers, answer->headers[i].name, answer->headers[i].value);
		appendStringInfoChar(&headers, '}');
	}
	if (headers.len > 0)
		agent_set_local("response.headers", psprintf("%s]", headers.data));
	agent_request_status(answer->status);
}

PG_FUNCTION_INFO_V1(agent_postgrest_http);

/* SQL: agent_postgrest_http([bytea]) returns the domain of any media type */
Datum
agent_postgrest_http(PG_FUNCTION_ARGS)
{
	const char *schema = agent_schema_of(fcinfo);
	HttpRequest request = {.body = NULL};
	HttpAnswer answer;
	bytea *body;

	agent_redact_statement("agent_postgrest_http");
	if (PG_NARGS() == 1 && !PG_ARGISNULL(0))
	{
		body = PG_GETARG_BYTEA_PP(0);
		request.body = VARDATA_ANY(body);
		request.body_len = VARSIZE_ANY_EXHDR(body);
	}
	read_request(&request);
	body = agent_http_answer(&request, schema, &answer);
	tell_postgrest(&answer);
	PG_RETURN_BYTEA_P(body);
}
