-- Conversations.

CREATE TABLE agent.conversations (
    user_id       uuid NOT NULL REFERENCES agent.users (id) ON DELETE CASCADE,
    id            uuid NOT NULL,
    title         text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    is_archived   boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    message_count bigint NOT NULL DEFAULT 0,
    next_seq      bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (user_id, id)
) USING heap;

-- The order of lists. No index covers a column that changes with every
-- message, so that counting a message stays a heap-only update.
CREATE INDEX conversations_newest_idx ON agent.conversations (user_id, created_at DESC, id DESC);

-- Titles are short: what is found of them is made anew where it is needed.
CREATE INDEX conversations_search_idx ON agent.conversations USING gin (user_id, agent.search_document(title) agent.search_ops)
    WITH (fastupdate = on, gin_pending_list_limit = 1024);

COMMENT ON INDEX agent.conversations_search_idx IS 'For agent_search.';
COMMENT ON TABLE agent.conversations IS 'One row per conversation.';
COMMENT ON COLUMN agent.conversations.user_id IS 'Whose conversation.';
COMMENT ON COLUMN agent.conversations.id IS 'UUID version 7.';
COMMENT ON COLUMN agent.conversations.title IS '1 to 200 characters.';
COMMENT ON COLUMN agent.conversations.is_archived IS 'Whether it was put away.';
COMMENT ON COLUMN agent.conversations.created_at IS 'Lists are ordered by this, newest first.';
COMMENT ON COLUMN agent.conversations.updated_at IS 'Last change or last message; never runs backwards.';
COMMENT ON COLUMN agent.conversations.message_count IS 'How many messages it has, kept by the statement that writes one.';
COMMENT ON COLUMN agent.conversations.next_seq IS 'The seq of the next message, given out under this row''s lock.';

SELECT pg_extension_config_dump('agent.conversations', '');

CREATE VIEW @extschema@.agent_conversations WITH (security_invoker = true) AS
SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count, c.user_id
FROM agent.conversations AS c;

COMMENT ON VIEW @extschema@.agent_conversations IS 'The caller''s conversations.';
COMMENT ON COLUMN @extschema@.agent_conversations.id IS 'Id of the conversation.';
COMMENT ON COLUMN @extschema@.agent_conversations.title IS '1 to 200 characters.';
COMMENT ON COLUMN @extschema@.agent_conversations.is_archived IS 'Whether it was put away.';
COMMENT ON COLUMN @extschema@.agent_conversations.created_at IS 'When it was begun.';
COMMENT ON COLUMN @extschema@.agent_conversations.updated_at IS 'Last change or last message.';
COMMENT ON COLUMN @extschema@.agent_conversations.message_count IS 'How many messages it has.';
COMMENT ON COLUMN @extschema@.agent_conversations.user_id IS 'Id of the account; with id the key that messages refer to.';

CREATE FUNCTION agent.require_conversation(conversation_id uuid)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_require_conversation';

COMMENT ON FUNCTION agent.require_conversation(uuid) IS
'True when the caller has this conversation, or the error conversation_not_found, the same for an unknown one and for another''s.';

CREATE FUNCTION @extschema@.agent_conversation_create(title text, first_message text DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_create';

COMMENT ON FUNCTION @extschema@.agent_conversation_create(text, text) IS
'Begins a conversation.

title: 1 to 200 characters. first_message: becomes a message of the role user in the same transaction; NULL or empty makes none; 8 MiB at most.
HTTP 201. Errors: not_authenticated 401, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_list(archived boolean DEFAULT NULL)
RETURNS SETOF @extschema@.agent_conversations
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count, c.user_id
    FROM agent.conversations AS c
    WHERE agent.require_caller()
      AND c.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
      AND (archived IS NULL OR c.is_archived OPERATOR(pg_catalog.=) archived)
    ORDER BY c.created_at DESC, c.id DESC;
END;

COMMENT ON FUNCTION @extschema@.agent_conversation_list(boolean) IS
'The caller''s conversations, newest first.

archived: true or false lists only those; NULL lists all. Page with LIMIT, or in PostgREST with limit, offset and filters.
HTTP 200. Errors: not_authenticated 401.';

CREATE FUNCTION @extschema@.agent_conversation_get(conversation_id uuid)
RETURNS @extschema@.agent_conversations
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_conversation_get';

COMMENT ON FUNCTION @extschema@.agent_conversation_get(uuid) IS
'One of the caller''s conversations.

HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_update(
    conversation_id uuid, title text DEFAULT NULL, is_archived boolean DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_update';

COMMENT ON FUNCTION @extschema@.agent_conversation_update(uuid, text, boolean) IS
'Changes the title of a conversation, or puts it away.

NULL leaves a field as it is; with both NULL nothing changes, not even updated_at.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_delete(conversation_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_delete';

COMMENT ON FUNCTION @extschema@.agent_conversation_delete(uuid) IS
'Deletes a conversation and its messages.

HTTP 204. Errors: not_authenticated 401, conversation_not_found 404, validation_failed 422.';
