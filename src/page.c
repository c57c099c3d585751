/*
 * page.c
 *		Pages of conversations and of messages, each as fast as the first.
 *
 * Called through SQL by a signed-in person, as agent_owner under the policies. A page
 * is a range of an index that begins behind the last row shown, which a cursor says
 * (see cursor.c); the first one begins behind a place that no row has. One row more
 * than is shown is read, to know whether anything follows. The result is in the
 * caller's memory context; nothing is written, so that a standby serves it too.
 */
#include "agent.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* Bytes of contents on a page, at most; in JSON a byte becomes up to six. */
#define CONTENTS_MAX      (64 * 1024 * 1024)
#define CONTENTS_MAX_HTTP (10 * 1024 * 1024)

/* Columns of agent_conversations and agent_messages, from 1. */
enum
{
	CONVERSATION_ID = 1,
	CONVERSATION_CREATED_AT = 4,
	MESSAGE_SEQ = 3,
	MESSAGE_CONTENT = 5
};

/* The place of a conversation in its list: all of it bytes. */
typedef struct ConversationPlace
{
	TimestampTz created_at;
	pg_uuid_t id;
} ConversationPlace;

StaticAssertDecl(sizeof(ConversationPlace) == sizeof(TimestampTz) + UUID_LEN,
				 "a conversation's place has no padding");

/* Adds a boolean argument to a scope. */
static void
scope_add_boolean(AgentCursorScope *scope, FunctionCallInfo fcinfo, int arg)
{
	bool value = !PG_ARGISNULL(arg) && PG_GETARG_BOOL(arg);

	agent_cursor_scope_add(scope, &value, PG_ARGISNULL(arg) ? -1 : (int) sizeof(value));
}

/* Reads the rows of a page, and one more, by a plan; SPI is connected. */
void
agent_page_read(AgentPage *page, AgentPlan plan, Datum *values, const char *nulls)
{
	int found = agent_execute_most(plan, values, nulls, page->size + 1);

	page->has_more = found > page->size;
	page->count = Min(found, page->size);
}

/* Ends a page before its contents become too large, but not before its first row. */
static void
limit_contents(AgentPage *page)
{
	Size most = agent_request_dialect() == AGENT_HTTP ? CONTENTS_MAX_HTTP : CONTENTS_MAX;
	Size sum = 0;
	bool isnull;

	for (int i = 0; i < page->count; i++)
	{
		sum += toast_raw_datum_size(agent_result(i, MESSAGE_CONTENT, &isnull)) - VARHDRSZ;
		if (sum > most && i > 0)
		{
			page->count = i;
			page->has_more = true;
			return;
		}
	}
}

/* Fails when the rows of a statement are not of a type. */
static void
check_columns(TupleDesc rows, TupleDesc type)
{
	bool same = rows->natts == type->natts;

	for (int i = 0; same && i < type->natts; i++)
		same = TupleDescAttr(rows, i)->atttypid == TupleDescAttr(type, i)->atttypid;
	if (!same)
		ereport(ERROR,
				errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("type %s is not as the extension made it", format_type_be(type->tdtypeid)),
				errhint("Run ALTER EXTENSION agent UPDATE."));
}

/* Returns the rows of a page as an array, in the given memory context. */
static Datum
items_array(const AgentPage *page, Oid row_type, MemoryContext context)
{
	TupleDesc desc = lookup_rowtype_tupdesc(row_type, -1);
	Datum *items = palloc(Max(page->count, 1) * sizeof(Datum));
	MemoryContext old;
	ArrayType *array;

	/* There may have been nothing to look for. */
	if (page->count > 0)
		check_columns(SPI_tuptable->tupdesc, desc);
	for (int i = 0; i < page->count; i++)
		items[i] = heap_copy_tuple_as_datum(SPI_tuptable->vals[i], desc);
	ReleaseTupleDesc(desc);
	old = MemoryContextSwitchTo(context);
	array = construct_array(items, page->count, row_type, -1, false, TYPALIGN_DOUBLE);
	MemoryContextSwitchTo(old);
	return PointerGetDatum(array);
}

/*
 * Ends SPI and returns a page, with the cursor of its last row's place: a row of the
 * type that the function returns.
 */
Datum
agent_page_finish(FunctionCallInfo fcinfo, const AgentPage *page, const void *place, Size len,
				  MemoryContext context)
{
	TupleDesc desc = lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
	Oid row_type = get_element_type(TupleDescAttr(desc, 0)->atttypid);
	bool nulls[] = {false, !page->has_more, false};
	Datum values[lengthof(nulls)] = {items_array(page, row_type, context)};

	ReleaseTupleDesc(desc);
	SPI_finish();
	if (page->has_more)
		values[1] = CStringGetTextDatum(agent_cursor_make(&page->scope, place, len));
	values[2] = BoolGetDatum(page->has_more);
	return agent_form_row_or_null(fcinfo, lengthof(values), values, nulls);
}

/* What conversations are asked for: arguments from the third one on, in their order. */
enum
{
	FILTER_ARCHIVED = 2,
	FILTER_PINNED,
	FILTER_TAG,
	FILTER_METADATA,
	FILTERS_END
};

/*
 * Checks what conversations are asked for, and adds it to the scope and to the values
 * of the statement, whose parameters follow those of the place.
 */
static void
read_filters(FunctionCallInfo fcinfo, AgentFaults *faults, AgentCursorScope *scope, Datum *values,
			 char *nulls)
{
	text *tag = agent_check_text(faults, AGENT_FIELD_TAG, fcinfo, FILTER_TAG);
	Jsonb *metadata =
		agent_check_metadata(faults, AGENT_FIELD_METADATA_FILTER, fcinfo, FILTER_METADATA);

	scope_add_boolean(scope, fcinfo, FILTER_ARCHIVED);
	scope_add_boolean(scope, fcinfo, FILTER_PINNED);
	agent_cursor_scope_add_value(scope, tag);
	agent_cursor_scope_add_value(scope, metadata);
	for (int arg = FILTER_ARCHIVED; arg < FILTERS_END; arg++)
		values[arg + 1] = agent_argument(fcinfo, arg, &nulls[arg + 1]);
}

/* A page of conversations that is asked for: what its statement takes. */
typedef struct ConversationsAsked
{
	pg_uuid_t caller;
	AgentPage page;
	ConversationPlace place;
	Datum values[FILTERS_END + 1];
	char nulls[FILTERS_END + 2];
} ConversationsAsked;

/* Reads the arguments of agent_conversation_page, or raises what is wrong with them. */
static void
read_conversations_asked(FunctionCallInfo fcinfo, ConversationsAsked *asked)
{
	AgentFaults faults;

	asked->caller = agent_caller();
	asked->place.created_at = DT_NOEND;
	memset(&asked->place.id, 0xff, UUID_LEN);
	memset(asked->nulls, ' ', sizeof(asked->nulls));
	agent_faults_init(&faults);
	agent_cursor_scope_begin(&asked->page.scope, "agent_conversation_page", &asked->caller);
	read_filters(fcinfo, &faults, &asked->page.scope, asked->values, asked->nulls);
	/* Without them there is no list that a cursor could be of. */
	if (faults.count == 0)
		(void) agent_cursor_read(&faults,
								 &asked->page.scope,
								 agent_check_text(&faults, AGENT_FIELD_CURSOR, fcinfo, 0),
								 &asked->place,
								 sizeof(asked->place));
	asked->page.size = agent_check_integer(&faults, AGENT_FIELD_CONVERSATION_PAGE_SIZE, fcinfo, 1);
	agent_faults_raise(&faults);
	asked->values[0] = UUIDPGetDatum(&asked->caller);
	asked->values[1] = TimestampTzGetDatum(asked->place.created_at);
	asked->values[2] = UUIDPGetDatum(&asked->place.id);
}

PG_FUNCTION_INFO_V1(agent_conversation_page);

/*
 * SQL: agent_conversation_page(cursor text, page_size integer, archived boolean,
 *		pinned boolean, tag text, metadata jsonb) returns agent_conversations_page
 */
Datum
agent_conversation_page(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	ConversationsAsked asked = {0};
	AgentPage *page = &asked.page;
	ConversationPlace last = {0};
	bool isnull;

	read_conversations_asked(fcinfo, &asked);
	SPI_connect();
	agent_page_read(page, AGENT_PLAN_CONVERSATION_PAGE, asked.values, asked.nulls);
	if (page->has_more)
	{
		last.created_at =
			DatumGetTimestampTz(agent_result(page->count - 1, CONVERSATION_CREATED_AT, &isnull));
		last.id = *DatumGetUUIDP(agent_result(page->count - 1, CONVERSATION_ID, &isnull));
	}
	return agent_page_finish(fcinfo, page, &last, sizeof(last), context);
}

/* Tells whether a page of messages counts from the newest one. */
static bool
is_backward(const text *direction)
{
	return direction != NULL && strcmp(text_to_cstring(direction), "backward") == 0;
}

/* A page of messages that is asked for. */
typedef struct MessagesAsked
{
	pg_uuid_t caller;
	pg_uuid_t id; /* of the conversation */
	AgentPage page;
	bool backward;
	int64 seq; /* the page begins behind it */
} MessagesAsked;

/* Reads the arguments of agent_message_page, or raises what is wrong with them. */
static void
read_messages_asked(FunctionCallInfo fcinfo, MessagesAsked *asked)
{
	AgentCursorScope *scope = &asked->page.scope;
	AgentFaults faults;

	asked->caller = agent_caller();
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_CONVERSATION_ID, fcinfo, 0, &asked->id);
	asked->backward = is_backward(agent_check_text(&faults, AGENT_FIELD_DIRECTION, fcinfo, 3));
	asked->seq = asked->backward ? PG_INT64_MAX : 0;
	if (faults.count == 0)
	{
		agent_cursor_scope_begin(scope, "agent_message_page", &asked->caller);
		agent_cursor_scope_add(scope, &asked->id, UUID_LEN);
		agent_cursor_scope_add(scope, &asked->backward, sizeof(asked->backward));
		(void) agent_cursor_read(&faults,
								 scope,
								 agent_check_text(&faults, AGENT_FIELD_CURSOR, fcinfo, 1),
								 &asked->seq,
								 sizeof(asked->seq));
	}
	asked->page.size = agent_check_integer(&faults, AGENT_FIELD_MESSAGE_PAGE_SIZE, fcinfo, 2);
	agent_faults_raise(&faults);
}

PG_FUNCTION_INFO_V1(agent_message_page);

/*
 * SQL: agent_message_page(conversation_id uuid, cursor text, page_size integer,
 *		direction text) returns agent_messages_page
 */
Datum
agent_message_page(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	MessagesAsked asked = {0};
	AgentPage *page = &asked.page;
	Datum values[] = {UUIDPGetDatum(&asked.caller), UUIDPGetDatum(&asked.id), (Datum) 0};
	bool isnull;

	read_messages_asked(fcinfo, &asked);
	agent_conversation_require(&asked.caller, &asked.id);
	values[2] = Int64GetDatum(asked.seq);
	SPI_connect();
	agent_page_read(page,
					asked.backward ? AGENT_PLAN_MESSAGE_PAGE_BACKWARD : AGENT_PLAN_MESSAGE_PAGE,
					values,
					NULL);
	limit_contents(page);
	if (page->has_more)
		asked.seq = DatumGetInt64(agent_result(page->count - 1, MESSAGE_SEQ, &isnull));
	return agent_page_finish(fcinfo, page, &asked.seq, sizeof(asked.seq), context);
}

/*
 * Reads the versions of what a page shows, by a plan for them and with the arguments that
 * its classic path has for its function; SPI is connected.
 *
 * Of conversations these are the rows of the page, and the one that follows.
 */
void
agent_page_versions(AgentPlan plan, int count, const Datum *values, const bool *nulls)
{
	LOCAL_FCINFO(fcinfo, FILTERS_END);

	Assert(count <= FILTERS_END);
	InitFunctionCallInfoData(*fcinfo, NULL, FILTERS_END, InvalidOid, NULL, NULL);
	for (int i = 0; i < FILTERS_END; i++)
	{
		fcinfo->args[i].isnull = i >= count || nulls[i];
		fcinfo->args[i].value = fcinfo->args[i].isnull ? (Datum) 0 : values[i];
	}
	if (plan == AGENT_PLAN_CONVERSATION_PAGE_VERSION)
	{
		ConversationsAsked asked = {0};

		read_conversations_asked(fcinfo, &asked);
		(void) agent_execute_most(plan, asked.values, asked.nulls, asked.page.size + 1);
	}
	else
	{
		MessagesAsked asked = {0};
		Datum place[] = {UUIDPGetDatum(&asked.caller), UUIDPGetDatum(&asked.id)};

		read_messages_asked(fcinfo, &asked);
		(void) agent_execute(plan, place, NULL);
	}
}
