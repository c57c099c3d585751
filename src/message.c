/*
 * message.c
 *		Messages: create.
 *
 * Called through SQL by a signed-in person, as agent_owner, to whom the policies
 * apply. The result is in the caller's memory context. Lists are plain SQL, which
 * the planner can inline.
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
	Datum insert[7];
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
	agent_execute(AGENT_PLAN_MESSAGE_INSERT, insert, NULL);
}

PG_FUNCTION_INFO_V1(agent_message_create);

/*
 * SQL: agent_message_create(conversation_id uuid, role text, content text)
 *		returns agent_messages
 */
Datum
agent_message_create(PG_FUNCTION_ARGS)
{
	pg_uuid_t caller = agent_caller();
	pg_uuid_t id = agent_uuidv7();
	pg_uuid_t conversation_id;
	AgentFaults faults;
	Datum message[MESSAGE_COLUMNS];

	PreventCommandIfReadOnly("agent_message_create()");
	agent_faults_init(&faults);
	agent_check_uuid(&faults, AGENT_FIELD_CONVERSATION_ID, fcinfo, 0, &conversation_id);
	message[MESSAGE_ROLE] = PointerGetDatum(agent_check_text(&faults, AGENT_FIELD_ROLE, fcinfo, 1));
	message[MESSAGE_CONTENT] =
		PointerGetDatum(agent_check_text(&faults, AGENT_FIELD_CONTENT, fcinfo, 2));
	agent_faults_raise(&faults);

	message[MESSAGE_ID] = UUIDPGetDatum(&id);
	message[MESSAGE_CONVERSATION_ID] = UUIDPGetDatum(&conversation_id);
	message[MESSAGE_USER_ID] = UUIDPGetDatum(&caller);
	message[MESSAGE_CREATED_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	SPI_connect();
	insert_message(message);
	SPI_finish();
	agent_request_status(201);
	return agent_form_row(fcinfo, MESSAGE_COLUMNS, message);
}
