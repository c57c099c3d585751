/*
 * message.c
 *		Messages: create, update, delete.
 *
 * Called through SQL by a signed-in person, as agent_owner, to whom the policies
 * apply. What is written is written under the lock of the conversation, so that its
 * count and its time are right whoever writes at the same time. A message that does
 * not exist and one of somebody else's are the same error. The result is in the
 * caller's memory context. Lists are plain SQL, which the planner can inline.
 */
#include "agent.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* A message, in the order of the view agent_messages. */
enum
{
	MESSAGE_ID,
	MESSAGE_CONVERSATION_ID,
	MESSAGE_SEQ,
	MESSAGE_ROLE,
	MESSAGE_CONTENT,
	MESSAGE_CREATED_AT,
	MESSAGE_METADATA,
	MESSAGE_EDITED_AT,
	MESSAGE_USER_ID,
	MESSAGE_COLUMNS
};

/*
 * Writes a message and fills in its seq and created_at; SPI is connected.
 *
 * Two statements, on kept plans: as one with a CTE it would cost more.
 */
static void
insert_message(Datum *message)
{
	Datum take[] = {message[MESSAGE_USER_ID],
					message[MESSAGE_CONVERSATION_ID],
					message[MESSAGE_CREATED_AT]};
	Datum insert[8];
	bool isnull;

	if (agent_execute(AGENT_PLAN_CONVERSATION_NEXT_SEQ, take, NULL) == 0)
		agent_raise(AGENT_CONVERSATION_NOT_FOUND, NULL);
	message[MESSAGE_SEQ] = agent_result(0, 1, &isnull);
	message[MESSAGE_CREATED_AT] = agent_result(0, 2, &isnull);

	insert[0] = message[MESSAGE_USER_ID];
	insert[1] = message[MESSAGE_ID];
	insert[2] = message[MESSAGE_CONVERSATION_ID];
	insert[3] = message[MESSAGE_SEQ];
	insert[4] = message[MESSAGE_ROLE];
	insert[5] = message[MESSAGE_CONTENT];
	insert[6] = message[MESSAGE_CREATED_AT];
	insert[7] = message[MESSAGE_METADATA];
	agent_execute(AGENT_PLAN_MESSAGE_INSERT, insert, NULL);
}

PG_FUNCTION_INFO_V1(agent_message_create);

/*
 * SQL: agent_message_create(conversation_id uuid, role text, content text, metadata jsonb,
 *		idempotency_key text) returns agent_messages
 */
Datum
agent_message_create(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id = agent_uuidv7();
	pg_uuid_t conversation_id;
	AgentFaults faults;
	Jsonb *metadata;
	AgentIdempotency request;
	Datum message[MESSAGE_COLUMNS];
	bool nulls[MESSAGE_COLUMNS] = {[MESSAGE_EDITED_AT] = true};

	PreventCommandIfReadOnly("agent_message_create()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_CONVERSATION_ID, fcinfo, 0, &conversation_id);
	message[MESSAGE_ROLE] = PointerGetDatum(agent_check_text(&faults, AGENT_FIELD_ROLE, fcinfo, 1));
	message[MESSAGE_CONTENT] =
		PointerGetDatum(agent_check_text(&faults, AGENT_FIELD_CONTENT, fcinfo, 2));
	metadata = agent_check_metadata(&faults, AGENT_FIELD_METADATA, fcinfo, 3);
	agent_idempotency_begin(&request, &faults, "agent_message_create", &caller, fcinfo, 4);
	agent_faults_raise(&faults);
	agent_idempotency_add(&request, &conversation_id, UUID_LEN);
	agent_idempotency_add_value(&request, DatumGetPointer(message[MESSAGE_ROLE]));
	agent_idempotency_add_value(&request, DatumGetPointer(message[MESSAGE_CONTENT]));
	agent_idempotency_add_value(&request, metadata);

	message[MESSAGE_ID] = UUIDPGetDatum(&id);
	message[MESSAGE_CONVERSATION_ID] = UUIDPGetDatum(&conversation_id);
	message[MESSAGE_USER_ID] = UUIDPGetDatum(&caller);
	message[MESSAGE_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	message[MESSAGE_METADATA] =
		JsonbPGetDatum(metadata != NULL ? metadata : agent_empty_metadata());
	message[MESSAGE_EDITED_AT] = (Datum) 0;
	SPI_connect();
	if (agent_idempotency_claim(&request))
	{
		insert_message(message);
		agent_idempotency_finish(&request,
								 &id,
								 DatumGetInt64(message[MESSAGE_SEQ]),
								 DatumGetTimestampTz(message[MESSAGE_CREATED_AT]));
	}
	else
	{
		agent_idempotency_repeat(&request);
		id = request.result_id;
		message[MESSAGE_SEQ] = Int64GetDatum(request.result_seq);
		message[MESSAGE_CREATED_AT] = TimestampTzGetDatum(request.result_at);
	}
	SPI_finish();
	agent_request_status(201);
	return agent_form_row_or_null(fcinfo, MESSAGE_COLUMNS, message, nulls);
}

/*
 * Locks the conversation of a message, takes so many messages off its count, and
 * returns the time of the change; SPI is connected.
 */
static Datum
touch_conversation(const pg_uuid_t *caller, const pg_uuid_t *message_id, int64 fewer)
{
	Datum place[] = {UUIDPGetDatum(caller), UUIDPGetDatum(message_id)};
	pg_uuid_t conversation_id;
	Datum touch[] = {UUIDPGetDatum(caller),
					 UUIDPGetDatum(&conversation_id),
					 TimestampTzGetDatum(GetCurrentTimestamp()),
					 Int64GetDatum(fewer)};
	bool isnull;

	if (agent_execute(AGENT_PLAN_MESSAGE_PLACE, place, NULL) == 0)
		agent_raise(AGENT_MESSAGE_NOT_FOUND, NULL);
	conversation_id = *DatumGetUUIDP(agent_result(0, 1, &isnull));
	if (agent_execute(AGENT_PLAN_CONVERSATION_TOUCH, touch, NULL) == 0)
		agent_raise(AGENT_MESSAGE_NOT_FOUND, NULL);
	return agent_result(0, 1, &isnull);
}

PG_FUNCTION_INFO_V1(agent_message_update);

/*
 * SQL: agent_message_update(message_id uuid, content text, metadata jsonb)
 *		returns agent_messages
 */
Datum
agent_message_update(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id;
	AgentFaults faults;
	text *content;
	Jsonb *metadata;
	AgentPlan plan = AGENT_PLAN_MESSAGE_GET;
	Datum values[5] = {UUIDPGetDatum(&caller), UUIDPGetDatum(&id)};
	char nulls[] = "     ";
	Datum result;

	PreventCommandIfReadOnly("agent_message_update()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_MESSAGE_ID, fcinfo, 0, &id);
	content = agent_check_text(&faults, AGENT_FIELD_NEW_CONTENT, fcinfo, 1);
	metadata = agent_check_metadata(&faults, AGENT_FIELD_METADATA, fcinfo, 2);
	agent_faults_raise(&faults);

	values[2] = agent_nullable(content, &nulls[2]);
	values[3] = agent_nullable(metadata, &nulls[3]);
	SPI_connect();
	if (content != NULL || metadata != NULL)
	{
		values[4] = touch_conversation(&caller, &id, 0);
		plan = AGENT_PLAN_MESSAGE_UPDATE;
	}
	if (agent_execute(plan, values, nulls) == 0)
		agent_raise(AGENT_MESSAGE_NOT_FOUND, NULL);
	result = agent_result_row(fcinfo);
	SPI_finish();
	return result;
}

PG_FUNCTION_INFO_V1(agent_message_delete);

/* SQL: agent_message_delete(message_id uuid) returns void */
Datum
agent_message_delete(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id;
	AgentFaults faults;
	Datum values[] = {UUIDPGetDatum(&caller), UUIDPGetDatum(&id)};

	PreventCommandIfReadOnly("agent_message_delete()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_MESSAGE_ID, fcinfo, 0, &id);
	agent_faults_raise(&faults);
	SPI_connect();
	(void) touch_conversation(&caller, &id, 1);
	if (agent_execute(AGENT_PLAN_MESSAGE_DELETE, values, NULL) == 0)
		agent_raise(AGENT_MESSAGE_NOT_FOUND, NULL);
	SPI_finish();
	PG_RETURN_VOID();
}
