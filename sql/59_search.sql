-- Search, over titles and messages.

CREATE TYPE @extschema@.agent_hit AS (
    kind            text,
    conversation_id uuid,
    title           text,
    message_id      uuid,
    seq             bigint,
    role            text,
    created_at      timestamptz,
    rank            real,
    snippet         text
);

COMMENT ON TYPE @extschema@.agent_hit IS 'Something that a search found.';
COMMENT ON COLUMN @extschema@.agent_hit.kind IS 'message, or title of a conversation.';
COMMENT ON COLUMN @extschema@.agent_hit.conversation_id IS 'The conversation that it belongs to.';
COMMENT ON COLUMN @extschema@.agent_hit.title IS 'The title of the conversation.';
COMMENT ON COLUMN @extschema@.agent_hit.message_id IS 'The message; NULL for a title.';
COMMENT ON COLUMN @extschema@.agent_hit.seq IS 'The place of the message in its conversation; NULL for a title.';
COMMENT ON COLUMN @extschema@.agent_hit.role IS 'user, assistant or system; NULL for a title.';
COMMENT ON COLUMN @extschema@.agent_hit.created_at IS 'When the message was accepted, or the conversation begun.';
COMMENT ON COLUMN @extschema@.agent_hit.rank IS 'How well it matches: comparable within one search alone.';
COMMENT ON COLUMN @extschema@.agent_hit.snippet IS 'About 160 characters of the text, as HTML: what was found between the marks, everything else escaped.';

CREATE TYPE @extschema@.agent_hits_page AS (
    items       @extschema@.agent_hit[],
    next_cursor text,
    has_more    boolean
);

COMMENT ON TYPE @extschema@.agent_hits_page IS 'A page of what a search found.';
COMMENT ON COLUMN @extschema@.agent_hits_page.items IS 'The hits, best first, of equal ones the newest; an empty array when there are none.';
COMMENT ON COLUMN @extschema@.agent_hits_page.next_cursor IS 'What to ask the next page with; NULL at the end. Good for the same caller and arguments, for a day at least, and until its signing key is gone.';
COMMENT ON COLUMN @extschema@.agent_hits_page.has_more IS 'Whether anything follows.';

CREATE FUNCTION @extschema@.agent_search(
    query text, cursor text DEFAULT NULL, page_size integer DEFAULT NULL,
    conversation_id uuid DEFAULT NULL, role text DEFAULT NULL,
    since timestamptz DEFAULT NULL, before timestamptz DEFAULT NULL,
    archived boolean DEFAULT NULL, pinned boolean DEFAULT NULL, tag text DEFAULT NULL, metadata jsonb DEFAULT NULL,
    start_mark text DEFAULT '<mark>', stop_mark text DEFAULT '</mark>')
RETURNS @extschema@.agent_hits_page
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_search';

COMMENT ON FUNCTION @extschema@.agent_search(text, text, integer, uuid, text, timestamptz, timestamptz, boolean, boolean, text, jsonb, text, text) IS
'Searches the titles and messages of the caller, best first.

query: 1 to 200 characters. All words are wanted; "..." is a phrase, a leading - excludes, a trailing * stands for any ending (of two letters or more). Case, accents, width and English endings do not matter; of Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese any piece is found. Without a word to look for nothing is found. The first 128 kB of a message are searched. Every page ranks all that was found: a query that finds 100 000 messages takes 0.1 s each time.
cursor: the next_cursor of the page before, with the same other arguments but page_size; NULL or empty is the first page. page_size: 1 to 100, NULL is 20.
conversation_id, role: only there, only by that role. since, before: only from that time on, only earlier. archived, pinned, tag: only in conversations that are so, that have that tag. metadata: only messages (or titles of conversations) whose metadata contain it.
start_mark, stop_mark: what stands around what was found, 64 characters at most, taken as they are.
HTTP 200. Errors: not_authenticated 401, conversation_not_found 404 (also for another''s), validation_failed 422 (a cursor of another search too).';
