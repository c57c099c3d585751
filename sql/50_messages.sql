-- Messages.

CREATE TABLE agent.messages (
    user_id         uuid NOT NULL,
    id              uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq             bigint NOT NULL,
    role            text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content         text NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 8388608),
    created_at      timestamptz NOT NULL,
    search          tsvector NOT NULL GENERATED ALWAYS AS (agent.search_document(content)) STORED,
    metadata        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    edited_at       timestamptz,
    PRIMARY KEY (user_id, id),
    -- The one index beside the key. One on user_id alone would tempt a generic
    -- plan made for a small account into scanning a large one.
    UNIQUE (user_id, conversation_id, seq),
    FOREIGN KEY (user_id, conversation_id) REFERENCES agent.conversations (user_id, id) ON DELETE CASCADE
) USING heap;

-- Not compressed: it would be taken apart for each phrase and each rank.
-- No statistics either: a plan would tell how many of everybody's messages have a word.
ALTER TABLE agent.messages
    ALTER COLUMN search SET STORAGE EXTERNAL,
    ALTER COLUMN search SET STATISTICS 0;

-- Whose message it is stands in the index too, so that a search costs what the
-- caller's own messages cost, however many others have the word.
CREATE INDEX messages_search_idx ON agent.messages USING gin (user_id agent.owner_ops, search agent.search_ops);

COMMENT ON TABLE agent.messages IS 'One row per message.';
COMMENT ON COLUMN agent.messages.user_id IS 'Whose message: the owner of the conversation.';
COMMENT ON COLUMN agent.messages.id IS 'UUID version 7.';
COMMENT ON COLUMN agent.messages.conversation_id IS 'The conversation it belongs to.';
COMMENT ON COLUMN agent.messages.seq IS 'Place in the conversation: given out as 1, 2, 3, ... without a gap, in the order the messages were accepted. A deleted one leaves a gap, which is never filled.';
COMMENT ON COLUMN agent.messages.role IS 'user, assistant or system.';
COMMENT ON COLUMN agent.messages.content IS '1 character to 8 MiB.';
COMMENT ON COLUMN agent.messages.created_at IS 'When it was accepted; never runs backwards along seq.';
COMMENT ON COLUMN agent.messages.search IS 'What agent_search finds of the content: its first 128 kB.';
COMMENT ON INDEX agent.messages_search_idx IS 'For agent_search.';
COMMENT ON COLUMN agent.messages.metadata IS 'Whatever an application keeps with it (model, counts of tokens, why it ended): an object of 16 kB at most as text.';
COMMENT ON COLUMN agent.messages.edited_at IS 'When its content was last changed; NULL while it is as it was accepted.';

SELECT pg_extension_config_dump('agent.messages', '');

CREATE VIEW @extschema@.agent_messages WITH (security_invoker = true) AS
SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata, m.edited_at, m.user_id
FROM agent.messages AS m;

COMMENT ON VIEW @extschema@.agent_messages IS 'The messages of the caller''s conversations.';
COMMENT ON COLUMN @extschema@.agent_messages.id IS 'Id of the message.';
COMMENT ON COLUMN @extschema@.agent_messages.conversation_id IS 'The conversation it belongs to.';
COMMENT ON COLUMN @extschema@.agent_messages.seq IS 'Place in the conversation: given out from 1 without a gap; a deleted message leaves one. Page with seq=gt.N.';
COMMENT ON COLUMN @extschema@.agent_messages.role IS 'user, assistant or system.';
COMMENT ON COLUMN @extschema@.agent_messages.content IS 'The text, exactly as sent.';
COMMENT ON COLUMN @extschema@.agent_messages.created_at IS 'When it was accepted.';
COMMENT ON COLUMN @extschema@.agent_messages.metadata IS 'An object of 16 kB at most.';
COMMENT ON COLUMN @extschema@.agent_messages.edited_at IS 'When its content was last changed; NULL while it is as it was accepted.';
COMMENT ON COLUMN @extschema@.agent_messages.user_id IS 'Id of the account; with conversation_id the key of the conversation.';

CREATE FUNCTION @extschema@.agent_message_create(
    conversation_id uuid, role text, content text, metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
RETURNS @extschema@.agent_messages
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_create';

COMMENT ON FUNCTION @extschema@.agent_message_create(uuid, text, text, jsonb, text) IS
'Adds a message to a conversation.

role: user, assistant or system. content: 1 character to 8 MiB. metadata: an object of 16 kB (16384 bytes) at most as text. idempotency_key: 1 to 200 characters; over HTTP the header Idempotency-Key stands for it. The same request with the same key, within agent.idempotency_ttl, gives the same answer and does nothing, whatever became of the message.
HTTP 201. Errors: not_authenticated 401, conversation_not_found 404, idempotency_mismatch 409 (the key was used for another request), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_message_update(
    message_id uuid, content text DEFAULT NULL, metadata jsonb DEFAULT NULL)
RETURNS @extschema@.agent_messages
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_update';

COMMENT ON FUNCTION @extschema@.agent_message_update(uuid, text, jsonb) IS
'Changes what a message says, or the metadata with it.

NULL leaves a field as it is; with both NULL nothing changes. content sets edited_at; metadata takes the place of what there is. seq and created_at stay, updated_at of the conversation moves.
HTTP 200. Errors: not_authenticated 401, message_not_found 404 (also for another''s), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_message_delete(message_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_delete';

COMMENT ON FUNCTION @extschema@.agent_message_delete(uuid) IS
'Deletes a message.

The others keep their seq: a gap is left, which is never filled. message_count of the conversation goes down by one, and its updated_at moves.
HTTP 204. Errors: not_authenticated 401, message_not_found 404 (also for another''s), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_message_list(conversation_id uuid)
RETURNS SETOF @extschema@.agent_messages
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata, m.edited_at, m.user_id
    FROM agent.messages AS m
    WHERE agent.require_conversation(agent_message_list.conversation_id)
      AND m.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
      -- Not the bare argument: were it NULL, nothing would be left to run.
      AND m.conversation_id OPERATOR(pg_catalog.=)
          CASE WHEN agent_message_list.conversation_id IS NULL
               THEN '00000000-0000-0000-0000-000000000000'::uuid
               ELSE agent_message_list.conversation_id END
    ORDER BY m.seq;
END;

COMMENT ON FUNCTION @extschema@.agent_message_list(uuid) IS
'The messages of a conversation, oldest first.

Page with LIMIT and seq > N, or in PostgREST with limit and seq=gt.N.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s).';
