-- Pages: a list, a part at a time, each as fast as the first.

CREATE TYPE @extschema@.agent_conversations_page AS (
    items       @extschema@.agent_conversations[],
    next_cursor text,
    has_more    boolean
);

COMMENT ON TYPE @extschema@.agent_conversations_page IS 'A page of conversations.';
COMMENT ON COLUMN @extschema@.agent_conversations_page.items IS 'The conversations, newest created first; an empty array when there are none.';
COMMENT ON COLUMN @extschema@.agent_conversations_page.next_cursor IS 'What to ask the next page with; NULL at the end. Good for the same caller and arguments, for a day at least, and until its signing key is gone.';
COMMENT ON COLUMN @extschema@.agent_conversations_page.has_more IS 'Whether anything follows.';

CREATE TYPE @extschema@.agent_messages_page AS (
    items       @extschema@.agent_messages[],
    next_cursor text,
    has_more    boolean
);

COMMENT ON TYPE @extschema@.agent_messages_page IS 'A page of messages.';
COMMENT ON COLUMN @extschema@.agent_messages_page.items IS 'The messages, in the order asked for; an empty array when there are none.';
COMMENT ON COLUMN @extschema@.agent_messages_page.next_cursor IS 'What to ask the next page with; NULL at the end. Good for the same caller and arguments, for a day at least, and until its signing key is gone.';
COMMENT ON COLUMN @extschema@.agent_messages_page.has_more IS 'Whether anything follows.';

CREATE FUNCTION @extschema@.agent_conversation_page(
    cursor text DEFAULT NULL, page_size integer DEFAULT NULL, archived boolean DEFAULT NULL,
    pinned boolean DEFAULT NULL, tag text DEFAULT NULL, metadata jsonb DEFAULT NULL)
RETURNS @extschema@.agent_conversations_page
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_conversation_page';

COMMENT ON FUNCTION @extschema@.agent_conversation_page(text, integer, boolean, boolean, text, jsonb) IS
'A page of the caller''s conversations, newest created first.

cursor: the next_cursor of the page before, with the same other arguments but page_size; NULL or empty is the first page. page_size: 1 to 100, NULL is 20. archived, pinned: true or false lists only those. tag: lists only what has this tag, of 1 to 50 characters. metadata: lists only what contains this object, of 16 kB at most as text. NULL of each lists all; what few conversations meet takes as long as reading those between. What is begun while one pages is not on the pages to come; nothing is shown twice or left out.
HTTP 200. Errors: not_authenticated 401, validation_failed 422 (a cursor of another list too).';

CREATE FUNCTION @extschema@.agent_message_page(
    conversation_id uuid, cursor text DEFAULT NULL, page_size integer DEFAULT NULL, direction text DEFAULT 'forward')
RETURNS @extschema@.agent_messages_page
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_message_page';

COMMENT ON FUNCTION @extschema@.agent_message_page(uuid, text, integer, text) IS
'A page of the messages of a conversation.

cursor: the next_cursor of the page before, with the same other arguments but page_size; NULL or empty is the first page. page_size: 1 to 100, NULL is 50; a page has fewer where its contents would pass 64 MiB (10 MiB on the classic paths), but at least one. direction: forward (NULL too) is oldest first, backward newest first.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), validation_failed 422 (a cursor of another list too).';
