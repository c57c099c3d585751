/*
 * search.c
 *		Search over the titles and messages of a person.
 *
 * Called through SQL by a signed-in person, as agent_owner under the policies. What is
 * typed becomes a query (search_query.c), the query is answered by an index that row
 * security lets use (sql/36_search_text.sql), and the hits come as pages (page.c). The
 * result is in the caller's memory context; nothing is written.
 */
#include "search.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/float.h"

#define OWN_MAX 20000 /* messages of a person that may be read one by one */

/* The arguments. */
enum
{
	ARG_QUERY,
	ARG_CURSOR,
	ARG_PAGE_SIZE,
	ARG_CONVERSATION_ID,
	ARG_ROLE,
	ARG_SINCE,
	ARG_BEFORE,
	ARG_ARCHIVED,
	ARG_PINNED,
	ARG_TAG,
	ARG_METADATA,
	ARG_START_MARK,
	ARG_STOP_MARK,
	ARG_COUNT
};

/* The parameters of the statement; those of the filters are in the arguments' order. */
enum
{
	PARAM_CALLER,
	PARAM_QUERY,
	PARAM_FILTERS,
	PARAM_RANK = PARAM_FILTERS + ARG_START_MARK - ARG_CONVERSATION_ID,
	PARAM_ID,
	PARAM_LIMIT,
	PARAM_START_MARK,
	PARAM_STOP_MARK,
	PARAM_COUNT
};

/* Columns of agent_hit, from 1. */
enum
{
	HIT_CONVERSATION_ID = 2,
	HIT_MESSAGE_ID = 4,
	HIT_RANK = 8
};

/* The place of a hit in its list: all of it bytes. */
typedef struct HitPlace
{
	float4 rank;
	pg_uuid_t id; /* of the message or the conversation */
} HitPlace;

StaticAssertDecl(sizeof(HitPlace) == sizeof(float4) + UUID_LEN, "a hit's place has no padding");

/* What was asked for. */
typedef struct Search
{
	AgentPage page;
	HitPlace place;
	pg_uuid_t caller;
	text *query;
	text *marks[2];
} Search;

/* Adds an argument, whatever its type, to what the cursor is good for. */
static void
scope_add(AgentCursorScope *scope, FunctionCallInfo fcinfo, int arg)
{
	Datum value = PG_GETARG_DATUM(arg);

	if (PG_ARGISNULL(arg))
		agent_cursor_scope_add(scope, NULL, -1);
	else if (arg == ARG_CONVERSATION_ID)
		agent_cursor_scope_add(scope, DatumGetUUIDP(value), UUID_LEN);
	else if (arg == ARG_SINCE || arg == ARG_BEFORE || arg == ARG_ARCHIVED || arg == ARG_PINNED)
		agent_cursor_scope_add(scope, &value, sizeof(value));
	else
		agent_cursor_scope_add_value(scope, PG_DETOAST_DATUM_PACKED(value));
}

/* Reads the cursor, which is good for all arguments but the size of the page. */
static void
read_cursor(Search *search, AgentFaults *faults, FunctionCallInfo fcinfo)
{
	AgentCursorScope *scope = &search->page.scope;
	text *cursor = agent_check_text(faults, AGENT_FIELD_CURSOR, fcinfo, ARG_CURSOR);

	agent_cursor_scope_begin(scope, "agent_search", &search->caller);
	for (int arg = 0; arg < ARG_COUNT; arg++)
	{
		if (arg != ARG_CURSOR && arg != ARG_PAGE_SIZE)
			scope_add(scope, fcinfo, arg);
	}
	if (agent_cursor_read(faults, scope, cursor, &search->place, sizeof(HitPlace)))
		return;
	search->place.rank = get_float4_infinity();
	memset(&search->place.id, 0xff, UUID_LEN);
}

/* Reads and checks the arguments. */
static void
read_arguments(Search *search, FunctionCallInfo fcinfo)
{
	AgentFaults faults;

	agent_faults_init(&faults);
	search->query = agent_check_text(&faults, AGENT_FIELD_QUERY, fcinfo, ARG_QUERY);
	read_cursor(search, &faults, fcinfo);
	search->page.size =
		agent_check_integer(&faults, AGENT_FIELD_CONVERSATION_PAGE_SIZE, fcinfo, ARG_PAGE_SIZE);
	(void) agent_check_text(&faults, AGENT_FIELD_ANY_ROLE, fcinfo, ARG_ROLE);
	(void) agent_check_text(&faults, AGENT_FIELD_TAG, fcinfo, ARG_TAG);
	(void) agent_check_metadata(&faults, AGENT_FIELD_METADATA_FILTER, fcinfo, ARG_METADATA);
	search->marks[0] = agent_check_text(&faults, AGENT_FIELD_START_MARK, fcinfo, ARG_START_MARK);
	search->marks[1] = agent_check_text(&faults, AGENT_FIELD_STOP_MARK, fcinfo, ARG_STOP_MARK);
	agent_faults_raise(&faults);
	if (!PG_ARGISNULL(ARG_CONVERSATION_ID))
		agent_conversation_require(&search->caller, PG_GETARG_UUID_P(ARG_CONVERSATION_ID));
}

/* Tells whether a query has a beginning of words in it. */
static bool
has_beginning(TSQuery query)
{
	const QueryItem *item = GETQUERY(query);

	for (int i = 0; i < query->size; i++)
	{
		if (item[i].type == QI_VAL && item[i].qoperand.prefix)
			return true;
	}
	return false;
}

/*
 * Chooses how to search; SPI is connected.
 *
 * The index finds a word among the caller's own at once, but for a beginning it goes
 * through all words of everybody that begin so.
 */
static AgentPlan
choose_plan(const Search *search, TSQuery query)
{
	Datum values[] = {UUIDPGetDatum(&search->caller)};
	bool isnull;

	if (!has_beginning(query))
		return AGENT_PLAN_SEARCH;
	agent_execute(AGENT_PLAN_MESSAGE_TOTAL, values, NULL);
	return DatumGetInt64(agent_result(0, 1, &isnull)) > OWN_MAX ? AGENT_PLAN_SEARCH
																: AGENT_PLAN_SEARCH_OWN;
}

/* Reads the hits of the page, and one more; SPI is connected. */
static void
read_hits(Search *search, TSQuery query, FunctionCallInfo fcinfo)
{
	static const char *const marks[] = {"<mark>", "</mark>"};
	Datum values[PARAM_COUNT];
	char nulls[PARAM_COUNT];

	memset(nulls, ' ', sizeof(nulls));
	values[PARAM_CALLER] = UUIDPGetDatum(&search->caller);
	values[PARAM_QUERY] = TSQueryGetDatum(query);
	for (int arg = ARG_CONVERSATION_ID; arg <= ARG_METADATA; arg++)
	{
		int param = PARAM_FILTERS + arg - ARG_CONVERSATION_ID;

		values[param] = agent_argument(fcinfo, arg, &nulls[param]);
	}
	values[PARAM_RANK] = Float4GetDatum(search->place.rank);
	values[PARAM_ID] = UUIDPGetDatum(&search->place.id);
	values[PARAM_LIMIT] = Int32GetDatum(search->page.size + 1);
	for (int i = 0; i < (int) lengthof(marks); i++)
		values[PARAM_START_MARK + i] = search->marks[i] != NULL ? PointerGetDatum(search->marks[i])
																: CStringGetTextDatum(marks[i]);
	agent_page_read(&search->page, choose_plan(search, query), values, nulls);
}

/* Notes where the page ends. */
static void
note_place(Search *search)
{
	int last = search->page.count - 1;
	bool isnull;
	Datum id;

	search->place.rank = DatumGetFloat4(agent_result(last, HIT_RANK, &isnull));
	id = agent_result(last, HIT_MESSAGE_ID, &isnull);
	if (isnull)
		id = agent_result(last, HIT_CONVERSATION_ID, &isnull);
	search->place.id = *DatumGetUUIDP(id);
}

PG_FUNCTION_INFO_V1(agent_search);

/*
 * SQL: agent_search(query text, cursor text, page_size integer, conversation_id uuid,
 *		role text, since timestamptz, before timestamptz, archived boolean,
 *		pinned boolean, tag text, metadata jsonb, start_mark text, stop_mark text)
 *		returns agent_hits_page
 */
Datum
agent_search(PG_FUNCTION_ARGS)
{
	Search search = {.caller = agent_caller()};
	MemoryContext context = CurrentMemoryContext;
	TSQuery query;

	read_arguments(&search, fcinfo);
	query = agent_search_query_make(search.query);
	SPI_connect();
	if (query != NULL)
		read_hits(&search, query, fcinfo);
	if (search.page.has_more)
		note_place(&search);
	return agent_page_finish(fcinfo, &search.page, &search.place, sizeof(HitPlace), context);
}
