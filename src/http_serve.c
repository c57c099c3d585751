/*
 * http_serve.c
 *		Serves a classic request whose route is known.
 *
 * Called by http.c, as agent_owner under the policies. What a request does is undone
 * by a subtransaction when it fails, and the transaction ends well all the same
 * (under READ COMMITTED, which the fronts ask for): nothing is to be retried, and no
 * constraint or row is shown. The price is a second transaction id for each write. A
 * failure that is not the client's is logged by its message alone.
 */
#include "http.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/typcache.h"

/* Whether a function of the API runs for a request that was counted already. */
static bool is_calling = false;

/* Tells whether what runs was called for a request that was counted. */
bool
agent_http_is_calling(void)
{
	return is_calling;
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
	agent_set_for_call("agent.token", token);
	return agent_caller();
}

/*
 * Finds the function that a route names, and the types of its arguments, and returns
 * how many there are. Names are not overloaded.
 */
static int
find_function(const HttpRoute *route, const char *schema, int count, FmgrInfo *function,
			  Oid **types)
{
	List *name = list_make2(makeString(pstrdup(schema)), makeString(pstrdup(route->function)));
	Oid oid = LookupFuncName(name, -1, NULL, false);
	int nargs;
	bool fits;

	(void) get_func_signature(oid, types, &nargs);
	fits = nargs >= count && nargs <= HTTP_PARAMETERS_MAX;
	for (int i = 0; fits && i < count; i++)
	{
		Oid type = agent_http_type(route->parameters[i].field);

		fits = (*types)[i] == type || ((*types)[i] == INT4OID && type == INT8OID);
	}
	if (!fits)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("function %s() does not have the arguments of its path", route->function),
				errhint("Run ALTER EXTENSION agent UPDATE."));
	fmgr_info(oid, function);
	return nargs;
}

/*
 * Calls the function of the API that a route names, with NULL for the arguments after
 * the route's parameters.
 *
 * No privilege to execute it is asked for: the door is the route's check of the
 * token. What would run as the caller runs as agent_owner here; the policies are the
 * same for both.
 */
static Datum
call_function(const HttpRequest *request, const char *schema, int count, const Datum *values,
			  const bool *nulls)
{
	LOCAL_FCINFO(call, HTTP_PARAMETERS_MAX);
	const HttpRoute *route = request->route;
	Oid *types;
	FmgrInfo function;
	int nargs = find_function(route, schema, count, &function, &types);
	Datum result;

	InitFunctionCallInfoData(*call, &function, nargs, InvalidOid, NULL, NULL);
	for (int i = 0; i < nargs; i++)
	{
		call->args[i].isnull = i >= count || nulls[i];
		call->args[i].value = call->args[i].isnull ? (Datum) 0 : values[i];
		/* The field's rule keeps it within the bounds of either type. */
		if (types[i] == INT4OID)
			call->args[i].value = Int32GetDatum((int32) DatumGetInt64(call->args[i].value));
	}
	result = FunctionCallInvoke(call);
	if (call->isnull && route->shape != HTTP_NOTHING)
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("function %s() returned null", route->function));
	return result;
}

/* Writes what a function returned. */
static void
write_result(HttpAnswer *answer, HttpShape shape, Datum result)
{
	HeapTupleHeader header;
	HeapTupleData row;
	TupleDesc desc;

	if (shape == HTTP_HEALTH || shape == HTTP_EXPORT)
		agent_http_write_document(&answer->body, result);
	if (shape == HTTP_HEALTH || shape == HTTP_EXPORT || shape == HTTP_NOTHING)
		return;
	header = DatumGetHeapTupleHeader(result);
	row = (HeapTupleData){.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	desc =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	agent_http_write_row(&answer->body, shape, &row, desc);
	ReleaseTupleDesc(desc);
}

/* Runs a statement with the caller's id and a route's parameters; SPI is connected. */
uint64
agent_http_execute(AgentPlan plan, const pg_uuid_t *caller, int count, const Datum *values,
				   const bool *nulls)
{
	Datum arguments[HTTP_PARAMETERS_MAX + 1] = {UUIDPGetDatum(caller)};
	char absent[HTTP_PARAMETERS_MAX + 1] = {' '};

	for (int i = 0; i < count; i++)
	{
		arguments[i + 1] = values[i];
		absent[i + 1] = nulls[i] ? 'n' : ' ';
	}
	return agent_execute(plan, arguments, absent);
}

/* Writes the rows of a list. */
static void
write_list(HttpAnswer *answer, const HttpRoute *route, const pg_uuid_t *caller, int count,
		   const Datum *values, const bool *nulls)
{
	if (agent_http_takes(route, HTTP_PATH))
		agent_conversation_require(caller, DatumGetUUIDP(values[0]));
	SPI_connect();
	(void) agent_http_execute(route->list, caller, count, values, nulls);
	agent_http_write_list(&answer->body,
						  route->shape,
						  SPI_tuptable->vals,
						  SPI_processed,
						  SPI_tuptable->tupdesc);
	SPI_finish();
}

/* Writes what is made here, without a function or a list. */
static void
write_made(HttpAnswer *answer, HttpShape shape)
{
	if (shape == HTTP_READY)
		agent_http_ready(&answer->body);
	else if (shape == HTTP_METRICS)
		appendStringInfoString(&answer->body, agent_metrics_in_text());
	else
		agent_http_openapi(&answer->body);
}

/* Tells whether a route is about accounts and sessions: what those keep, others can do without. */
static bool
is_about_accounts(const HttpRoute *route)
{
	return strcmp(route->tag, "auth") == 0;
}

/* Tells what is called of the request: browser and address, which a login keeps, and its key. */
static void
hand_over_headers(const HttpRequest *request)
{
	StringInfoData headers;

	initStringInfo(&headers);
	appendStringInfoChar(&headers, '{');
	if (request->user_agent != NULL)
		agent_json_add_string(&headers, "user-agent", request->user_agent);
	if (request->address != NULL)
		agent_json_add_string(&headers, agent_trusted_address_header, request->address);
	if (request->idempotency_key != NULL)
		agent_json_add_string(&headers, "idempotency-key", request->idempotency_key);
	appendStringInfoChar(&headers, '}');
	agent_set_for_call("request.headers", headers.data);
}

/* Answers with the list of faults. */
static void
answer_faults(HttpAnswer *answer, const char *list)
{
	agent_http_answer_begin(answer, agent_error_status(AGENT_VALIDATION_FAILED));
	appendStringInfo(&answer->body, "{\"detail\":%s}", list);
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

	agent_set_for_call("request.method", AGENT_HTTP_METHOD);
	if (is_about_accounts(route) || agent_http_takes(route, HTTP_HEADER))
		hand_over_headers(request);
	if (!route->is_public)
		caller = authenticate(request);

	agent_faults_init(&faults);
	count = agent_http_parameters(request, &faults, values, nulls);
	if (faults.count > 0)
	{
		answer_faults(answer, psprintf("%s]", faults.json.data));
		return;
	}
	agent_http_answer_begin(answer, route->status);
	answer->content_type = agent_http_content_type(route->shape);
	is_calling = true;
	if (route->version != AGENT_NO_PLAN &&
		agent_http_not_modified(request, answer, &caller, count, values, nulls))
		return;
	if (route->shape == HTTP_EXPORT)
		agent_http_check_export(&caller);
	if (route->shape == HTTP_METRICS)
		agent_http_check_watcher(request);
	if (route->function == NULL && route->list == AGENT_NO_PLAN)
		write_made(answer, route->shape);
	else if (route->list != AGENT_NO_PLAN)
		write_list(answer, route, &caller, count, values, nulls);
	else
		write_result(answer,
					 request->option ? route->option_shape : route->shape,
					 call_function(request, schema, count, values, nulls));
}

/* Answers for an error that was caught, or lets it go on. */
static void
answer_caught(HttpAnswer *answer, HttpShape shape, ErrorData *caught)
{
	AgentError error = agent_error_of(caught);

	/* Whoever cancels the statement, or shuts the server down, means all of it. */
	if (ERRCODE_TO_CATEGORY(caught->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
		ReThrowError(caught);
	if (error == AGENT_INTERNAL || error == AGENT_UNAVAILABLE)
		ereport(LOG,
				errcode(caught->sqlerrcode),
				errmsg("could not serve a request: %s", caught->message));
	if (shape == HTTP_READY)
	{
		agent_http_not_ready(answer);
		return;
	}
	/* What a function finds wrong by itself: a cursor. */
	if (error == AGENT_VALIDATION_FAILED && caught->detail != NULL)
	{
		answer_faults(answer, caught->detail);
		return;
	}
	agent_http_answer_error(answer, error);
	if (answer->status == 429 || answer->status == 503)
		agent_http_add_header(answer, "retry-after", psprintf("%d", agent_error_seconds(caught)));
}

/* Serves a request; what fails is undone, and becomes the answer. */
void
agent_http_serve(HttpRequest *request, const char *schema, HttpAnswer *answer)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		serve(request, schema, answer);
		is_calling = false;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *caught;

		is_calling = false;
		MemoryContextSwitchTo(context);
		caught = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		answer_caught(answer, request->route->shape, caught);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}
