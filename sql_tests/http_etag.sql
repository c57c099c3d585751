-- Entity tags of the classic REST API's reads, and answers that say: you have it already.
--
-- Catches: an old answer that passes for the present one, after whatever change, somebody
-- else's tag that is taken, rows that are read to say that nothing has changed, a tag that
-- stands where nothing may be kept.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset format unaligned
\pset tuples_only on

SET ROLE agent_anon;
SELECT id AS eve_id FROM agent_register('eve.etag@example.org', 'etag eve', 'secret') \gset
SELECT access_token AS eve FROM agent_login('eve.etag@example.org', 'secret') \gset
SELECT access_token AS eve_too FROM agent_login('eve.etag@example.org', 'secret') \gset
SELECT id AS tom_id FROM agent_register('tom.etag@example.org', 'etag tom', 'secret') \gset
SELECT access_token AS tom FROM agent_login('tom.etag@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'tom';
SELECT id AS toms FROM agent_conversation_create('Tom''s', 'Tom''s') \gset
SET agent.token = :'eve';
SELECT id AS other FROM agent_conversation_create('Other', 'Other') \gset
SELECT id AS talk FROM agent_conversation_create('Talk', 'One') \gset
SELECT id AS message FROM agent_message_create(:'talk', 'user', 'Two') \gset
RESET agent.token;
RESET ROLE;

CREATE FUNCTION pg_temp.get(target text, token text, if_none_match text DEFAULT NULL, method text DEFAULT 'GET')
RETURNS agent_http_response LANGUAGE sql AS $$
    SELECT agent_http(method, split_part(target, '?', 1), split_part(target, '?', 2),
        jsonb_strip_nulls(jsonb_build_object('authorization', 'Bearer ' || token, 'if-none-match', if_none_match)), '');
$$;
CREATE FUNCTION pg_temp.tag(target text, token text) RETURNS text LANGUAGE sql
RETURN (pg_temp.get(target, token)).headers ->> 'etag';
-- Status, headers and whether there is a body.
CREATE FUNCTION pg_temp.shown(answer agent_http_response) RETURNS text LANGUAGE sql
RETURN concat_ws(' ', answer.status, regexp_replace(answer.headers::text, '[0-9a-f]{32}', 'TAG'),
    CASE WHEN answer.body = '' THEN 'empty' ELSE 'body' END);

-- What can be read again has a tag, and may be kept by whoever asked, who has to ask each
-- time whether it is still good; all else is not to be kept.
CREATE TEMP TABLE reads (n serial, target text);
INSERT INTO reads (target) VALUES ('/auth/me'), ('/conversations'), ('/conversations?skip=1&limit=1'),
    ('/conversations?archived=false'), ('/conversations?cursor='), ('/conversations?cursor=&limit=1'),
    ('/conversations/' || :'talk'), ('/conversations/' || :'talk' || '/messages'),
    ('/conversations/' || :'talk' || '/messages?skip=1'), ('/conversations/' || :'talk' || '/messages?cursor='),
    ('/conversations/' || :'talk' || '/messages?cursor=&direction=backward');
GRANT SELECT ON reads TO PUBLIC;
SET ROLE agent_anon;
SELECT n, pg_temp.shown(pg_temp.get(target, :'eve')) FROM reads ORDER BY n;
SELECT target, pg_temp.shown(pg_temp.get(target, :'eve', '*')) FROM unnest(ARRAY['/auth/sessions', '/auth/export',
    '/search?q=one', '/health', '/ready', '/openapi.json']) AS target;

-- The tag sent back, alone or among others, weak or not: nothing is sent again.
SELECT n, pg_temp.shown(pg_temp.get(target, :'eve', pg_temp.tag(target, :'eve'))) FROM reads ORDER BY n;
SELECT form, (pg_temp.get('/conversations', :'eve', format(form, pg_temp.tag('/conversations', :'eve')))).status
FROM unnest(ARRAY['%s', 'W/%s', '"x", %s', '%s,"y"', ' %s ', '*', ' * ', 'x%%s', '', '"x"', 'W/"x", W/"y"', '**', '"*"', '"', ',,']) AS form;
SELECT (pg_temp.get('/conversations', :'eve', trim('"' FROM pg_temp.tag('/conversations', :'eve')))).status AS "without quotes",
    (pg_temp.get('/conversations', :'eve', upper(pg_temp.tag('/conversations', :'eve')))).status AS "in upper case",
    (pg_temp.get('/conversations', :'eve', repeat('"x", ', 100000) || pg_temp.tag('/conversations', :'eve'))).status AS "last of many";

-- A tag is the same whoever of the sessions asks, and another one for all that is asked
-- differently; no other tag is taken.
SELECT bool_and(pg_temp.tag(target, :'eve') = pg_temp.tag(target, :'eve_too')) AS "same in another session",
    count(DISTINCT pg_temp.tag(target, :'eve')) = count(*) AS "all differ" FROM reads;
SELECT count(*) AS "taken elsewhere" FROM reads AS a, reads AS b
WHERE a.n <> b.n AND (pg_temp.get(a.target, :'eve', pg_temp.tag(b.target, :'eve'))).status = 304;

-- Nothing of another person's: their tags are not taken, for what is there as little as
-- for what is not, and the star does not tell one from the other.
SELECT a, (pg_temp.get(a, :'tom', pg_temp.tag(a, :'eve'))).status
FROM unnest(ARRAY['/auth/me', '/conversations', '/conversations?cursor=']) AS a;
SELECT pg_temp.shown(pg_temp.get(target, token, match)), convert_from((pg_temp.get(target, token, match)).body, 'UTF8')
FROM unnest(ARRAY['/conversations/' || :'talk', '/conversations/' || gen_random_uuid(), '/conversations/' || :'talk' || '/messages',
    '/conversations/' || gen_random_uuid() || '/messages', '/conversations/' || gen_random_uuid() || '/messages?cursor=']) WITH ORDINALITY AS t (target, n),
    unnest(ARRAY[:'tom']) AS token, unnest(ARRAY['*', pg_temp.tag('/conversations/' || :'talk', :'eve')]) AS match ORDER BY n;
-- Nor anything without a token that is good, or with arguments that are not.
SELECT regexp_replace(target, '[0-9a-f-]{36}', 'ID'), pg_temp.shown(pg_temp.get(target, token, '*')) FROM (VALUES ('/conversations', NULL), ('/conversations', 'x'),
    ('/auth/me', NULL), ('/conversations?limit=x', :'eve'), ('/conversations?cursor=x', :'eve'), ('/conversations?cursor=&limit=0', :'eve'),
    ('/conversations/x', :'eve'), ('/conversations/' || :'talk' || '/messages?cursor=x', :'eve')) AS r (target, token);
-- The header is about reads.
SELECT method, (pg_temp.get('/conversations/' || :'talk', :'eve', '*', method)).status FROM unnest(ARRAY['PUT', 'PATCH', 'POST']) AS method;
RESET ROLE;

-- Every change gives other tags to all that shows it, and keeps those of the rest.
CREATE FUNCTION pg_temp.changed(command text, token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before text[] := ARRAY(SELECT pg_temp.tag(target, token) FROM reads ORDER BY n);
    bodies text[] := ARRAY(SELECT (pg_temp.get(target, token)).body FROM reads ORDER BY n);
BEGIN
    PERFORM set_config('agent.token', token, true);
    SET LOCAL ROLE agent_user;
    EXECUTE command;
    RESET ROLE;
    PERFORM set_config('agent.token', '', true);
    -- A change that is shown under an old tag is the worst there is.
    RETURN (SELECT coalesce(string_agg(n::text || CASE WHEN tag = before[n] THEN ' MISSED' ELSE '' END, ',' ORDER BY n), 'none')
        FROM (SELECT n, pg_temp.tag(target, token) AS tag, (pg_temp.get(target, token)).body::text AS body FROM reads) AS r
        WHERE tag <> before[n] OR body <> bodies[n]);
END
$$;
SELECT pg_temp.changed(format(command, :'talk', :'message', :'other'), :'eve'), command FROM unnest(ARRAY[
    'SELECT 1',
    'SELECT agent_conversation_update(%1$L)',
    'SELECT agent_conversation_update(%1$L, title => ''New'')',
    'SELECT agent_conversation_update(%1$L, is_archived => true)',
    'SELECT agent_conversation_update(%1$L, is_archived => false)',
    'SELECT agent_conversation_update(%1$L, is_pinned => true)',
    'SELECT agent_conversation_update(%1$L, tags => ''{a}'')',
    'SELECT agent_conversation_update(%1$L, metadata => ''{"a": 1}'')',
    'SELECT agent_message_create(%1$L, ''user'', ''Three'')',
    'SELECT agent_message_update(%2$L, ''Two, again'')',
    'SELECT agent_message_update(%2$L, metadata => ''{"a": 1}'')',
    'SELECT agent_message_delete(%2$L)',
    'SELECT agent_message_create(%3$L, ''user'', ''Elsewhere'')',
    'SELECT agent_conversation_fork(%1$L)',
    'SELECT agent_conversation_delete(%3$L)',
    'SELECT agent_conversation_create(''Newest'')']) WITH ORDINALITY AS c (command, n) ORDER BY n;
-- Two changes in one transaction, with the clock standing still and the count as before.
BEGIN;
SELECT pg_temp.tag('/conversations/' || :'talk' || '/messages', :'eve') AS first \gset
SET LOCAL agent.token = :'eve';
SELECT id AS three FROM agent_message_create(:'talk', 'user', 'Four') \gset
SELECT pg_temp.tag('/conversations/' || :'talk' || '/messages', :'eve') AS second \gset
SELECT agent_message_delete(:'three');
SELECT pg_temp.tag('/conversations/' || :'talk' || '/messages', :'eve') AS third \gset
SELECT :'first' <> :'second' AND :'second' <> :'third' AND :'first' <> :'third' AS "three tags";
ROLLBACK;
-- What was rolled back has left no trace.
SELECT pg_temp.tag('/conversations/' || :'talk' || '/messages', :'eve') = :'first' AS "the first again";
SELECT pg_temp.tag('/auth/me', :'eve') AS me \gset
UPDATE agent.users SET username = 'etag eva' WHERE id = :'eve_id';
SELECT pg_temp.tag('/auth/me', :'eve') <> :'me' AS "a new name";

-- A page has a cursor, which is good no longer than the key that signed it.
SELECT pg_temp.changed('RESET ROLE; SELECT agent_key_rotate()', :'eve');

-- To say that nothing has changed, no message is read, and of the conversation its version.
CREATE FUNCTION pg_temp.read_so_far() RETURNS bigint LANGUAGE sql AS $$
    SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'agent.messages'::regclass;
$$;
CREATE FUNCTION pg_temp.reads_messages(target text, token text, match text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_temp.read_so_far();
    status int := (pg_temp.get(target, token, match)).status;
BEGIN
    RETURN status || CASE WHEN pg_temp.read_so_far() > before THEN ': read' ELSE ': not read' END;
END
$$;
SELECT pg_temp.reads_messages(target, :'eve', NULL), pg_temp.reads_messages(target, :'eve', pg_temp.tag(target, :'eve'))
FROM reads WHERE target LIKE '%/messages%' ORDER BY n;

-- The same behind PostgREST, in a read-only transaction.
BEGIN READ ONLY;
SELECT set_config('request.method', 'GET', true), set_config('request.headers', jsonb_build_object('x-agent-method', 'GET',
    'x-agent-target', '/conversations', 'x-agent-authorization', 'Bearer ' || :'eve', 'if-none-match', pg_temp.tag('/conversations', :'eve'))::text, true) <> '' AS "set";
SELECT octet_length(agent_postgrest_http()), current_setting('response.status') AS status,
    regexp_replace(current_setting('response.headers'), '[0-9a-f]{32}', 'TAG') AS headers;
ROLLBACK;

-- After a logout nothing is confirmed any more.
SELECT pg_temp.tag('/conversations', :'eve_too') AS mine \gset
SELECT (pg_temp.get('/auth/logout', :'eve_too', NULL, 'POST')).status;
SELECT pg_temp.shown(pg_temp.get('/conversations', :'eve_too', :'mine'));
DELETE FROM agent.users WHERE id IN (:'eve_id', :'tom_id');
SELECT pg_temp.shown(pg_temp.get('/conversations', :'eve', :'mine'));
