/*
 * conversation.c
 *		Conversations: create, get, update, delete, fork; and the guard of lists.
 *
 * Called through SQL by a signed-in person. What writes runs as agent_owner, get as
 * oneself; the policies apply to both. The guard looks below them, by the caller's
 * own key. Who that is comes from agent_caller(), first of all; then all arguments
 * are checked; then the row is looked up. One that does not exist and one of
 * somebody else's are the same error. Results are in the caller's memory.
 */
#include "agent.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/* Returns the argument conversation_id of a function that has no other. */
static pg_uuid_t
conversation_argument(FunctionCallInfo fcinfo)
{
	AgentFaults faults;
	pg_uuid_t id;

	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_CONVERSATION_ID, fcinfo, 0, &id);
	agent_faults_raise(&faults);
	return id;
}

/* Raises conversation_not_found unless the caller has this conversation. */
void
agent_conversation_require(const pg_uuid_t *caller, const pg_uuid_t *conversation_id)
{
	pg_uuid_t key[2] = {*caller, *conversation_id};

	if (!agent_row_find(AGENT_CONVERSATIONS, key, GetActiveSnapshot(), NULL))
		agent_raise(AGENT_CONVERSATION_NOT_FOUND, NULL);
}

PG_FUNCTION_INFO_V1(agent_require_conversation);

/* SQL: agent.require_conversation(conversation_id uuid) returns boolean */
Datum
agent_require_conversation(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id = conversation_argument(fcinfo);

	agent_conversation_require(&caller, &id);
	PG_RETURN_BOOL(true);
}

/* Adds the first message of a new conversation; SPI is connected. */
static void
insert_first_message(const pg_uuid_t *caller, const pg_uuid_t *conversation_id, text *content,
					 TimestampTz now)
{
	pg_uuid_t id = agent_uuidv7();
	Datum values[] = {UUIDPGetDatum(caller),
					  UUIDPGetDatum(&id),
					  UUIDPGetDatum(conversation_id),
					  Int64GetDatum(1),
					  CStringGetTextDatum("user"),
					  PointerGetDatum(content),
					  TimestampTzGetDatum(now),
					  JsonbPGetDatum(agent_empty_metadata())};

	agent_execute(AGENT_PLAN_MESSAGE_INSERT, values, NULL);
}

PG_FUNCTION_INFO_V1(agent_conversation_create);

/*
 * SQL: agent_conversation_create(title text, first_message text, tags text[], metadata jsonb,
 *		idempotency_key text) returns agent_conversations
 */
Datum
agent_conversation_create(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id = agent_uuidv7();
	TimestampTz now = GetCurrentTimestamp();
	AgentFaults faults;
	text *title;
	text *first;
	ArrayType *tags;
	Jsonb *metadata;
	bool has_first;
	bool is_new;
	AgentIdempotency request;
	Datum values[7];
	char nulls[] = "       ";
	Datum result;

	PreventCommandIfReadOnly("agent_conversation_create()");
	agent_faults_init(&faults);
	title = agent_check_text(&faults, AGENT_FIELD_TITLE, fcinfo, 0);
	first = agent_check_text(&faults, AGENT_FIELD_FIRST_MESSAGE, fcinfo, 1);
	tags = agent_check_tags(&faults, AGENT_FIELD_TAGS, fcinfo, 2);
	metadata = agent_check_metadata(&faults, AGENT_FIELD_METADATA, fcinfo, 3);
	agent_idempotency_begin(&request, &faults, "agent_conversation_create", &caller, fcinfo, 4);
	agent_faults_raise(&faults);
	agent_idempotency_add_value(&request, title);
	agent_idempotency_add_value(&request, first);
	agent_idempotency_add_value(&request, tags);
	agent_idempotency_add_value(&request, metadata);
	has_first = first != NULL && VARSIZE_ANY_EXHDR(first) > 0;

	values[0] = UUIDPGetDatum(&caller);
	values[1] = UUIDPGetDatum(&id);
	values[2] = PointerGetDatum(title);
	values[3] = TimestampTzGetDatum(now);
	values[4] = Int64GetDatum(has_first ? 1 : 0);
	values[5] = agent_nullable(tags, &nulls[5]);
	values[6] = agent_nullable(metadata, &nulls[6]);
	SPI_connect();
	is_new = agent_idempotency_claim(&request);
	if (!is_new)
	{
		agent_idempotency_repeat(&request);
		id = request.result_id;
		values[3] = TimestampTzGetDatum(request.result_at);
	}
	agent_execute(is_new ? AGENT_PLAN_CONVERSATION_INSERT : AGENT_PLAN_CONVERSATION_AGAIN,
				  values,
				  nulls);
	result = agent_result_row(fcinfo);
	if (is_new && has_first)
		insert_first_message(&caller, &id, first, now);
	if (is_new)
		agent_idempotency_finish(&request, &id, 0, now);
	SPI_finish();
	agent_request_status(201);
	return result;
}

PG_FUNCTION_INFO_V1(agent_conversation_get);

/* SQL: agent_conversation_get(conversation_id uuid) returns agent_conversations */
Datum
agent_conversation_get(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id = conversation_argument(fcinfo);
	Datum values[] = {UUIDPGetDatum(&caller), UUIDPGetDatum(&id)};

	return agent_execute_row(fcinfo,
							 AGENT_PLAN_CONVERSATION_GET,
							 values,
							 NULL,
							 AGENT_CONVERSATION_NOT_FOUND);
}

PG_FUNCTION_INFO_V1(agent_conversation_update);

/*
 * SQL: agent_conversation_update(conversation_id uuid, title text, is_archived boolean,
 *		is_pinned boolean, tags text[], metadata jsonb) returns agent_conversations
 */
Datum
agent_conversation_update(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id;
	AgentFaults faults;
	text *title;
	ArrayType *tags;
	Jsonb *metadata;
	Datum values[8];
	char nulls[] = "        ";

	PreventCommandIfReadOnly("agent_conversation_update()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_CONVERSATION_ID, fcinfo, 0, &id);
	title = agent_check_text(&faults, AGENT_FIELD_NEW_TITLE, fcinfo, 1);
	tags = agent_check_tags(&faults, AGENT_FIELD_TAGS, fcinfo, 4);
	metadata = agent_check_metadata(&faults, AGENT_FIELD_METADATA, fcinfo, 5);
	agent_faults_raise(&faults);

	values[0] = UUIDPGetDatum(&caller);
	values[1] = UUIDPGetDatum(&id);
	if (title == NULL && PG_ARGISNULL(2) && PG_ARGISNULL(3) && tags == NULL && metadata == NULL)
		return agent_execute_row(fcinfo,
								 AGENT_PLAN_CONVERSATION_GET,
								 values,
								 NULL,
								 AGENT_CONVERSATION_NOT_FOUND);
	values[2] = agent_nullable(title, &nulls[2]);
	values[3] = agent_argument(fcinfo, 2, &nulls[3]);
	values[4] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[5] = agent_argument(fcinfo, 3, &nulls[5]);
	values[6] = agent_nullable(tags, &nulls[6]);
	values[7] = agent_nullable(metadata, &nulls[7]);
	return agent_execute_row(fcinfo,
							 AGENT_PLAN_CONVERSATION_UPDATE,
							 values,
							 nulls,
							 AGENT_CONVERSATION_NOT_FOUND);
}

PG_FUNCTION_INFO_V1(agent_conversation_delete);

/* SQL: agent_conversation_delete(conversation_id uuid) returns void */
Datum
agent_conversation_delete(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id;
	Datum values[] = {UUIDPGetDatum(&caller), UUIDPGetDatum(&id)};

	PreventCommandIfReadOnly("agent_conversation_delete()");
	id = conversation_argument(fcinfo);
	SPI_connect();
	if (agent_execute(AGENT_PLAN_CONVERSATION_DELETE, values, NULL) == 0)
		agent_raise(AGENT_CONVERSATION_NOT_FOUND, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * Returns the seq of a message of this conversation, or raises that it has none such;
 * SPI is connected.
 */
static int64
message_seq(const pg_uuid_t *caller, const pg_uuid_t *conversation_id, const pg_uuid_t *message_id)
{
	Datum values[] = {UUIDPGetDatum(caller), UUIDPGetDatum(message_id)};
	bool isnull;

	if (agent_execute(AGENT_PLAN_MESSAGE_PLACE, values, NULL) == 0 ||
		memcmp(DatumGetUUIDP(agent_result(0, 1, &isnull)), conversation_id, UUID_LEN) != 0)
		agent_raise(AGENT_MESSAGE_NOT_FOUND, NULL);
	return DatumGetInt64(agent_result(0, 2, &isnull));
}

/*
 * Copies the messages up to a seq into a new conversation, notes their number there,
 * and returns its row; SPI is connected.
 */
static Datum
copy_messages(FunctionCallInfo fcinfo, const pg_uuid_t *caller, const pg_uuid_t *from,
			  const pg_uuid_t *to, int64 last_seq)
{
	Datum copy[] = {UUIDPGetDatum(caller),
					UUIDPGetDatum(from),
					UUIDPGetDatum(to),
					Int64GetDatum(last_seq)};
	Datum counted[3] = {UUIDPGetDatum(caller), UUIDPGetDatum(to)};

	counted[2] = Int64GetDatum((int64) agent_execute(AGENT_PLAN_MESSAGE_COPY, copy, NULL));
	agent_execute(AGENT_PLAN_CONVERSATION_COUNTED, counted, NULL);
	return agent_result_row(fcinfo);
}

PG_FUNCTION_INFO_V1(agent_conversation_fork);

/*
 * SQL: agent_conversation_fork(conversation_id uuid, message_id uuid, title text)
 *		returns agent_conversations
 */
Datum
agent_conversation_fork(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id = agent_uuidv7();
	pg_uuid_t from;
	pg_uuid_t message_id;
	AgentFaults faults;
	bool has_message;
	text *title;
	Datum values[5] = {UUIDPGetDatum(&caller), UUIDPGetDatum(&from), UUIDPGetDatum(&id)};
	char nulls[] = "     ";
	Datum result;

	PreventCommandIfReadOnly("agent_conversation_fork()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_CONVERSATION_ID, fcinfo, 0, &from);
	has_message = agent_check_uuid(&faults, AGENT_FIELD_UP_TO_MESSAGE_ID, fcinfo, 1, &message_id);
	title = agent_check_text(&faults, AGENT_FIELD_NEW_TITLE, fcinfo, 2);
	agent_faults_raise(&faults);

	values[3] = agent_nullable(title, &nulls[3]);
	values[4] = TimestampTzGetDatum(GetCurrentTimestamp());
	SPI_connect();
	if (agent_execute(AGENT_PLAN_CONVERSATION_FORK, values, nulls) == 0)
		agent_raise(AGENT_CONVERSATION_NOT_FOUND, NULL);
	result = copy_messages(fcinfo,
						   &caller,
						   &from,
						   &id,
						   has_message ? message_seq(&caller, &from, &message_id) : PG_INT64_MAX);
	SPI_finish();
	agent_request_status(201);
	return result;
}
