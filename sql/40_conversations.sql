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
    is_pinned     boolean NOT NULL DEFAULT false,
    -- Every message checks these again: what would read all of them is left to the library.
    tags          text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 20),
    metadata      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    forked_from   uuid,
    PRIMARY KEY (user_id, id)
) USING heap;

-- The order of lists. No index covers a column that changes with every
-- message, so that counting a message stays a heap-only update.
CREATE INDEX conversations_newest_idx ON agent.conversations (user_id, created_at DESC, id DESC);

-- Titles are short: what is found of them is made anew where it is needed.
CREATE INDEX conversations_search_idx ON agent.conversations USING gin (user_id agent.owner_ops, agent.search_document(title) agent.search_ops);

-- A plan would tell how many of everybody's titles have a word.
ALTER INDEX agent.conversations_search_idx ALTER COLUMN 2 SET STATISTICS 0;

COMMENT ON INDEX agent.conversations_search_idx IS 'For agent_search.';
COMMENT ON TABLE agent.conversations IS 'One row per conversation.';
COMMENT ON COLUMN agent.conversations.user_id IS 'Whose conversation.';
COMMENT ON COLUMN agent.conversations.id IS 'UUID version 7.';
COMMENT ON COLUMN agent.conversations.title IS '1 to 200 characters.';
COMMENT ON COLUMN agent.conversations.is_archived IS 'Whether it was put away.';
COMMENT ON COLUMN agent.conversations.created_at IS 'Lists are ordered by this, newest first.';
COMMENT ON COLUMN agent.conversations.updated_at IS 'Last change or last message; never runs backwards.';
COMMENT ON COLUMN agent.conversations.message_count IS 'How many messages it has, kept by the functions that write and delete one.';
COMMENT ON COLUMN agent.conversations.next_seq IS 'The seq of the next message, given out under this row''s lock.';
COMMENT ON COLUMN agent.conversations.is_pinned IS 'Whether it was pinned.';
COMMENT ON COLUMN agent.conversations.tags IS '20 tags at most, each 1 to 50 characters, none of them twice.';
COMMENT ON COLUMN agent.conversations.metadata IS 'Whatever an application keeps with it: an object of 16 kB at most as text.';
COMMENT ON COLUMN agent.conversations.forked_from IS 'The conversation it is a copy of, also when that is gone; NULL for one that was begun.';

SELECT pg_extension_config_dump('agent.conversations', '');

CREATE VIEW @extschema@.agent_conversations WITH (security_invoker = true) AS
SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
    c.is_pinned, c.tags, c.metadata, c.forked_from, c.user_id
FROM agent.conversations AS c;

COMMENT ON VIEW @extschema@.agent_conversations IS 'The caller''s conversations.';
COMMENT ON COLUMN @extschema@.agent_conversations.id IS 'Id of the conversation.';
COMMENT ON COLUMN @extschema@.agent_conversations.title IS '1 to 200 characters.';
COMMENT ON COLUMN @extschema@.agent_conversations.is_archived IS 'Whether it was put away.';
COMMENT ON COLUMN @extschema@.agent_conversations.created_at IS 'When it was begun.';
COMMENT ON COLUMN @extschema@.agent_conversations.updated_at IS 'Last change or last message.';
COMMENT ON COLUMN @extschema@.agent_conversations.message_count IS 'How many messages it has.';
COMMENT ON COLUMN @extschema@.agent_conversations.is_pinned IS 'Whether it was pinned.';
COMMENT ON COLUMN @extschema@.agent_conversations.tags IS '20 tags at most, each 1 to 50 characters.';
COMMENT ON COLUMN @extschema@.agent_conversations.metadata IS 'An object of 16 kB at most.';
COMMENT ON COLUMN @extschema@.agent_conversations.forked_from IS 'Id of the conversation it is a copy of, also when that is gone; NULL for one that was begun.';
COMMENT ON COLUMN @extschema@.agent_conversations.user_id IS 'Id of the account; with id the key that messages refer to.';

CREATE FUNCTION agent.require_conversation(conversation_id uuid)
RETURNS boolean
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_require_conversation';

COMMENT ON FUNCTION agent.require_conversation(uuid) IS
'True when the caller has this conversation, or the error conversation_not_found, the same for an unknown one and for another''s.';

CREATE FUNCTION @extschema@.agent_conversation_create(
    title text, first_message text DEFAULT NULL, tags text[] DEFAULT NULL, metadata jsonb DEFAULT NULL,
    idempotency_key text DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_create';

COMMENT ON FUNCTION @extschema@.agent_conversation_create(text, text, text[], jsonb, text) IS
'Begins a conversation.

title: 1 to 200 characters. first_message: becomes a message of the role user in the same transaction; NULL or empty makes none; 8 MiB at most. tags: 20 at most, each 1 to 50 characters; what is there twice is kept once. metadata: an object of 16 kB (16384 bytes) at most as text. idempotency_key: 1 to 200 characters; over HTTP the header Idempotency-Key stands for it. The same request with the same key, within agent.idempotency_ttl, gives the same answer and does nothing, whatever became of the conversation.
HTTP 201. Errors: not_authenticated 401, idempotency_mismatch 409 (the key was used for another request), validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_list(archived boolean DEFAULT NULL)
RETURNS SETOF @extschema@.agent_conversations
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
        c.is_pinned, c.tags, c.metadata, c.forked_from, c.user_id
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
    conversation_id uuid, title text DEFAULT NULL, is_archived boolean DEFAULT NULL,
    is_pinned boolean DEFAULT NULL, tags text[] DEFAULT NULL, metadata jsonb DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_update';

COMMENT ON FUNCTION @extschema@.agent_conversation_update(uuid, text, boolean, boolean, text[], jsonb) IS
'Changes the title of a conversation, puts it away, pins or tags it.

NULL leaves a field as it is; with all NULL nothing changes, not even updated_at. tags and metadata take the place of those it has, by the rules of agent_conversation_create.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_delete(conversation_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_delete';

COMMENT ON FUNCTION @extschema@.agent_conversation_delete(uuid) IS
'Deletes a conversation and its messages.

HTTP 204. Errors: not_authenticated 401, conversation_not_found 404, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_conversation_fork(
    conversation_id uuid, message_id uuid DEFAULT NULL, title text DEFAULT NULL)
RETURNS @extschema@.agent_conversations
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_fork';

COMMENT ON FUNCTION @extschema@.agent_conversation_fork(uuid, uuid, text) IS
'Begins a conversation with copies of the messages of another one of the caller''s.

message_id: the last message that is copied; NULL copies all. title: 1 to 200 characters; NULL takes over that of the original, as tags and metadata are. The copies have new ids and are numbered from 1; role, content, metadata, created_at and edited_at are theirs. The new conversation is neither pinned nor archived; forked_from tells of the original, which stays as it is.
HTTP 201. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), message_not_found 404 (of another conversation, too), validation_failed 422.';
