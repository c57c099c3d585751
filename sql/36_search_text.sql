-- Text search: parser, dictionaries and configuration, for titles and messages.

CREATE FUNCTION agent.search_start(internal, integer)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_start';

COMMENT ON FUNCTION agent.search_start(internal, integer) IS 'Begins to read a text, for the parser agent.';

CREATE FUNCTION agent.search_next(internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_next';

COMMENT ON FUNCTION agent.search_next(internal, internal, internal) IS 'The next token of a text, for the parser agent.';

CREATE FUNCTION agent.search_end(internal)
RETURNS void
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_end';

COMMENT ON FUNCTION agent.search_end(internal) IS 'Ends reading a text, for the parser agent.';

CREATE FUNCTION agent.search_types(internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_types';

COMMENT ON FUNCTION agent.search_types(internal) IS 'The types of tokens of the parser agent.';

CREATE FUNCTION agent.search_headline(internal, internal, tsquery)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_headline';

COMMENT ON FUNCTION agent.search_headline(internal, internal, tsquery) IS 'Marks what ts_headline shows, for the parser agent.';

CREATE TEXT SEARCH PARSER @extschema@.agent (
    START = agent.search_start,
    GETTOKEN = agent.search_next,
    END = agent.search_end,
    LEXTYPES = agent.search_types,
    HEADLINE = agent.search_headline
);

COMMENT ON TEXT SEARCH PARSER @extschema@.agent IS
'Texts in many scripts: ASCII between blanks as the default parser has it, scripts without blanks character by character, symbols one by one.';

CREATE FUNCTION agent.fold_init(internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_fold_init';

COMMENT ON FUNCTION agent.fold_init(internal) IS 'Reads the options of a dictionary of the template agent_fold.';

CREATE FUNCTION agent.fold_lexize(internal, internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_fold_lexize';

COMMENT ON FUNCTION agent.fold_lexize(internal, internal, internal, internal) IS 'Folds a token, for dictionaries of the template agent_fold.';

CREATE TEXT SEARCH TEMPLATE @extschema@.agent_fold (
    INIT = agent.fold_init,
    LEXIZE = agent.fold_lexize
);

COMMENT ON TEXT SEARCH TEMPLATE @extschema@.agent_fold IS
'Folds case, accents, width and compatibility forms, in every locale alike. Option Result: filter (for the next dictionary), exact, or stop (nothing).';

CREATE TEXT SEARCH DICTIONARY @extschema@.agent_fold (TEMPLATE = @extschema@.agent_fold, Result = filter);
CREATE TEXT SEARCH DICTIONARY @extschema@.agent_exact (TEMPLATE = @extschema@.agent_fold, Result = exact);
CREATE TEXT SEARCH DICTIONARY @extschema@.agent_stop (TEMPLATE = @extschema@.agent_fold, Result = stop);
-- Without stop words: a phrase may be made of them.
CREATE TEXT SEARCH DICTIONARY @extschema@.agent_english (TEMPLATE = pg_catalog.snowball, Language = english);

COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_fold IS 'Folds a token and hands it on.';
COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_exact IS 'A folded token is the lexeme.';
COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_stop IS 'Keeps the place of a token, so that those around it are no phrase.';
COMMENT ON TEXT SEARCH DICTIONARY @extschema@.agent_english IS 'English stems, no stop words.';

CREATE TEXT SEARCH CONFIGURATION agent.search (PARSER = @extschema@.agent);

COMMENT ON TEXT SEARCH CONFIGURATION agent.search IS
'What agent_search finds. Not to be changed: what is stored was made with it.';

ALTER TEXT SEARCH CONFIGURATION agent.search
    ADD MAPPING FOR asciiword, word, asciihword, hword, hword_asciipart, hword_part, part
    WITH @extschema@.agent_fold, @extschema@.agent_english;
ALTER TEXT SEARCH CONFIGURATION agent.search
    ADD MAPPING FOR numword, numhword, hword_numpart, email, url, host, url_path, file, part_host,
        version, sfloat, float, int, uint, cjk, symbol
    WITH @extschema@.agent_exact;
ALTER TEXT SEARCH CONFIGURATION agent.search
    ADD MAPPING FOR cjk_break
    WITH @extschema@.agent_stop;

CREATE TEXT SEARCH CONFIGURATION @extschema@.agent (COPY = agent.search);

COMMENT ON TEXT SEARCH CONFIGURATION @extschema@.agent IS
'The same as what agent_search uses, for tables of one''s own: texts in Chinese, Japanese, Korean, English and other languages.';

-- The document and the query.

CREATE FUNCTION agent.search_document(document text)
RETURNS tsvector
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_document';

COMMENT ON FUNCTION agent.search_document(text) IS
'What of a text is found: its first 128 kB. It never fails, whatever the text.';

CREATE FUNCTION agent.search_query(query text)
RETURNS tsquery
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_query';

COMMENT ON FUNCTION agent.search_query(text) IS
'What a person means who types this into a search box: words, "phrases", -exclusions and beginnings*. NULL when it looks for nothing. 4096 bytes at most.';

-- The operator of full-text search, under another name: with a query that does not depend on
-- the row it tells nothing of a text but by its result, which is what LEAKPROOF promises.
-- Only such an operator may use an index before row security has had its say; and with
-- arguments of their own people could make it tell, so that only agent_owner may call it.

CREATE FUNCTION agent.search_matches(document tsvector, query tsquery)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_matches';

COMMENT ON FUNCTION agent.search_matches(tsvector, tsquery) IS 'Implements the operator agent.@@.';

CREATE FUNCTION agent.search_keys(tsvector, internal, smallint, internal, internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_keys';

COMMENT ON FUNCTION agent.search_keys(tsvector, internal, smallint, internal, internal, internal, internal) IS 'The lexemes of a query, for agent.search_ops.';

CREATE OPERATOR agent.@@ (
    LEFTARG = tsvector,
    RIGHTARG = tsquery,
    FUNCTION = agent.search_matches,
    RESTRICT = pg_catalog.tsmatchsel,
    JOIN = pg_catalog.tsmatchjoinsel
);

COMMENT ON OPERATOR agent.@@ (tsvector, tsquery) IS 'Whether a document matches a query; leakproof, for use under row security.';

CREATE OPERATOR CLASS agent.search_ops FOR TYPE tsvector USING gin AS
    OPERATOR 1 agent.@@ (tsvector, tsquery),
    FUNCTION 1 pg_catalog.gin_cmp_tslexeme(text, text),
    FUNCTION 2 pg_catalog.gin_extract_tsvector(tsvector, internal, internal),
    FUNCTION 3 agent.search_keys(tsvector, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 pg_catalog.gin_tsquery_consistent(internal, smallint, tsvector, integer, internal, internal, internal, internal),
    FUNCTION 5 pg_catalog.gin_cmp_prefix(text, text, smallint, internal),
    FUNCTION 6 pg_catalog.gin_tsquery_triconsistent(internal, smallint, tsvector, integer, internal, internal, internal),
    STORAGE text;

COMMENT ON OPERATOR CLASS agent.search_ops USING gin IS 'An index for agent.@@.';
COMMENT ON OPERATOR FAMILY agent.search_ops USING gin IS 'An index for agent.@@.';

CREATE FUNCTION agent.search_rank(document tsvector, query tsquery)
RETURNS real
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_rank';

COMMENT ON FUNCTION agent.search_rank(tsvector, tsquery) IS
'How well a document matches a query: by how often its words stand there, among how many.';

CREATE FUNCTION agent.search_snippet(document text, query tsquery, start_mark text, stop_mark text)
RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_search_snippet';

COMMENT ON FUNCTION agent.search_snippet(text, tsquery, text, text) IS
'About 160 characters of a text, as HTML: what was found stands between the marks, everything else is escaped.';

-- Whose row it is, in the same index: then a search costs what the caller's own rows
-- cost, however many others have the word.

CREATE FUNCTION agent.owner_keys(uuid, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_owner_keys';

COMMENT ON FUNCTION agent.owner_keys(uuid, internal) IS 'The key of a row, for agent.owner_ops.';

CREATE FUNCTION agent.owner_query(uuid, internal, smallint, internal, internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_owner_query';

COMMENT ON FUNCTION agent.owner_query(uuid, internal, smallint, internal, internal, internal, internal) IS 'The key that is looked for, for agent.owner_ops.';

CREATE FUNCTION agent.owner_consistent(internal, smallint, uuid, integer, internal, internal, internal, internal)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_owner_consistent';

COMMENT ON FUNCTION agent.owner_consistent(internal, smallint, uuid, integer, internal, internal, internal, internal) IS 'Whether a row has the key that is looked for, for agent.owner_ops.';

CREATE OPERATOR CLASS agent.owner_ops FOR TYPE uuid USING gin AS
    OPERATOR 1 pg_catalog.= (uuid, uuid),
    FUNCTION 1 pg_catalog.uuid_cmp(uuid, uuid),
    FUNCTION 2 agent.owner_keys(uuid, internal),
    FUNCTION 3 agent.owner_query(uuid, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 agent.owner_consistent(internal, smallint, uuid, integer, internal, internal, internal, internal);

COMMENT ON OPERATOR CLASS agent.owner_ops USING gin IS 'A uuid in an index for searches.';
COMMENT ON OPERATOR FAMILY agent.owner_ops USING gin IS 'A uuid in an index for searches.';
