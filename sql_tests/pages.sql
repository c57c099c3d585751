-- Pages of conversations and of messages, and the cursors that lead from one to the next.
--
-- Catches: a row that is shown twice or left out, an order that differs from the list's, a
-- cursor that is taken where it was not given or from somebody else, a page that grows
-- without bound.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS pia_id FROM agent_register('pia.pages@example.org', 'pages pia', 'secret') \gset
SELECT access_token AS pia FROM agent_login('pia.pages@example.org', 'secret') \gset
SELECT id AS quin_id FROM agent_register('quin.pages@example.org', 'pages quin', 'secret') \gset
SELECT access_token AS quin FROM agent_login('quin.pages@example.org', 'secret') \gset
RESET ROLE;

-- Conversations of both, many of them of the same time, and a talk of 250 messages.
INSERT INTO agent.conversations (user_id, id, title, is_archived, created_at, updated_at)
SELECT user_id, gen_random_uuid(), 'Old ' || n, n % 3 = 0,
    timestamptz '2020-01-01 00:00+00' + n / 7 * interval '1 minute', now()
FROM unnest(ARRAY[:'pia_id', :'quin_id']::uuid[]) AS user_id, generate_series(1, 250) AS n;
SET ROLE agent_user;
SET agent.token = :'quin';
SELECT id AS quins FROM agent_conversation_create('Quin''s', 'Quin''s') \gset
SELECT next_cursor AS quins_cursor FROM agent_conversation_page() \gset
SET agent.token = :'pia';
SELECT id AS empty FROM agent_conversation_create('Empty') \gset
SELECT id AS talk FROM agent_conversation_create('Talk') \gset
SELECT count(agent_message_create(:'talk', 'user', 'Message ' || n))
FROM generate_series(1, 250) AS n;

-- A page is the same envelope for both, and JSON as it stands.
SELECT * FROM agent_conversation_page() \gdesc
SELECT * FROM agent_message_page(:'talk') \gdesc
SELECT to_jsonb(p) FROM agent_message_page(:'empty') AS p;
SELECT jsonb_object_keys(to_jsonb(p)) FROM agent_conversation_page() AS p;
SELECT (SELECT jsonb_agg(i) FROM unnest(items) AS i) =
    (SELECT jsonb_agg(l) FROM (SELECT * FROM agent_message_list(:'talk') LIMIT 3) AS l) AS same_rows
FROM agent_message_page(:'talk', page_size => 3);

-- All the way, by pages of any size: every row of the list, once, in its order. The last
-- page has no cursor, and says that nothing follows.
CREATE FUNCTION pg_temp.walk(call text) RETURNS TABLE (pages int, id uuid) LANGUAGE plpgsql AS $$
DECLARE
    page record;
    next text := NULL;
BEGIN
    pages := 0;
    LOOP
        EXECUTE 'SELECT p.*, array(SELECT i.id FROM unnest(p.items) AS i) AS ids FROM ' || call
            || ' AS p' INTO page USING next;
        pages := pages + 1;
        IF page.has_more IS DISTINCT FROM (page.next_cursor IS NOT NULL) OR pages > 300 THEN
            RAISE 'page % is wrong', pages;
        END IF;
        RETURN QUERY SELECT pages, i FROM unnest(page.ids) AS i;
        EXIT WHEN NOT page.has_more;
        next := page.next_cursor;
    END LOOP;
END
$$;
SELECT size, archived, max(pages) AS pages, count(*) AS rows,
    array_agg(w.id) = (SELECT array_agg(l.id) FROM agent_conversation_list(archived) AS l) AS as_listed
FROM unnest('{1,2,20,50,83,84,100,NULL}'::int[]) AS size, unnest('{true,false,NULL}'::boolean[]) AS archived,
    LATERAL pg_temp.walk(format('agent_conversation_page($1, %L, %L)', size, archived)) AS w
GROUP BY size, archived ORDER BY size, archived;
SELECT size, direction, max(pages) AS pages, count(*) AS rows,
    array_agg(w.id) = (SELECT array_agg(l.id ORDER BY CASE direction WHEN 'backward' THEN -seq ELSE seq END)
        FROM agent_message_list(:'talk') AS l) AS as_listed
FROM unnest('{1,2,50,83,84,100,NULL}'::int[]) AS size, unnest('{forward,backward,NULL}'::text[]) AS direction,
    LATERAL pg_temp.walk(format('agent_message_page(%L, $1, %L, %L)', :'talk', size, direction)) AS w
GROUP BY size, direction ORDER BY size, direction;

-- By pin, tag and metadata, alone and together: what the list has of them.
RESET ROLE;
UPDATE agent.conversations SET is_pinned = substr(title, 5)::int % 2 = 0,
    tags = CASE substr(title, 5)::int % 5 WHEN 0 THEN '{work,日本}' WHEN 1 THEN '{Work}' ELSE '{}' END::text[],
    metadata = jsonb_build_object('n', substr(title, 5)::int % 4, 'in', jsonb_build_object('a', ARRAY[1, 2]))
WHERE title LIKE 'Old %';
SET ROLE agent_user;
SELECT f.n, count(l.id) FILTER (WHERE met) AS rows, (SELECT array_agg(w.id) FROM pg_temp.walk(
        format('agent_conversation_page($1, 7, %L, %L, %L, %L)', archived, pinned, tag, f.metadata)) AS w)
    IS NOT DISTINCT FROM array_agg(l.id ORDER BY l.created_at DESC, l.id DESC) FILTER (WHERE met) AS as_listed
FROM (VALUES (1, NULL::boolean, true, NULL, NULL::jsonb), (2, NULL, false, NULL, NULL),
    (3, NULL, NULL, 'work', NULL), (4, NULL, NULL, '日本', NULL), (5, NULL, NULL, 'none', NULL),
    (6, NULL, NULL, NULL, '{"n": 3}'), (7, NULL, NULL, NULL, '{"in": {"a": [2]}}'), (8, NULL, NULL, NULL, '{}'),
    (9, false, true, 'Work', '{"n": 2}')) AS f (n, archived, pinned, tag, metadata),
    agent_conversation_list() AS l,
    LATERAL (SELECT (archived IS NULL OR l.is_archived = archived) AND (pinned IS NULL OR l.is_pinned = pinned)
        AND (tag IS NULL OR tag = ANY (l.tags)) AND (f.metadata IS NULL OR l.metadata @> f.metadata) AS met) AS m
GROUP BY f.n, archived, pinned, tag, f.metadata ORDER BY n;

-- The empty cursor is the first page; sizes may change on the way.
SELECT (SELECT array_agg(i.id) FROM unnest(a.items) AS i) = (SELECT array_agg(i.id) FROM unnest(b.items) AS i)
    AS same, a.next_cursor = b.next_cursor AS same_cursor
FROM agent_message_page(:'talk', '') AS a, agent_message_page(:'talk', NULL, 50, 'forward') AS b;
SELECT next_cursor AS cursor FROM agent_message_page(:'talk', page_size => 3) \gset
SELECT (unnest(items)).content FROM agent_message_page(:'talk', :'cursor', 2);
SELECT next_cursor AS conversations_cursor FROM agent_conversation_page(page_size => 3) \gset
SELECT next_cursor AS archived_cursor FROM agent_conversation_page(page_size => 3, archived => false) \gset
SELECT next_cursor AS tagged_cursor
FROM agent_conversation_page(page_size => 1, tag => 'work', metadata => '{"n": 2}') \gset
SELECT next_cursor AS backward_cursor FROM agent_message_page(:'talk', page_size => 3, direction => 'backward') \gset
SELECT (unnest(items)).content FROM agent_message_page(:'talk', :'backward_cursor', 2, 'backward');

-- What is added, changed or deleted meanwhile moves nothing: rows that were there are
-- shown once each, in front of the cursor or behind it.
SELECT count(agent_conversation_create('New ' || n)) FROM generate_series(1, 5) AS n;
SELECT bool_and(i.title NOT LIKE 'New%') AS none_new, count(*)
FROM agent_conversation_page(:'conversations_cursor', 100) AS p, unnest(p.items) AS i;
SELECT seq FROM agent_message_create(:'talk', 'user', 'Message 251');
SELECT max(i.seq) FROM pg_temp.walk(format('agent_message_page(%L, coalesce($1, %L), 100)', :'talk', :'cursor'))
    AS w, agent_messages AS i WHERE i.id = w.id;
SELECT (unnest(items)).content FROM agent_message_page(:'talk', :'backward_cursor', 2, 'backward');
BEGIN;
RESET ROLE;
DELETE FROM agent.messages WHERE conversation_id = :'talk' AND seq BETWEEN 2 AND 5;
SET ROLE agent_user;
SELECT (unnest(items)).content FROM agent_message_page(:'talk', :'cursor', 2);
ROLLBACK;

-- A cursor is good where it was given: not for another function, other arguments, another
-- conversation or another person, who is told the same as of one made up.
SELECT n, pg_temp.answer(format('SELECT %s', call)) FROM (VALUES
    (1, format('agent_message_page(%L, %L)', :'talk', :'cursor')),
    (2, format('agent_message_page(%L, %L)', :'talk', :'conversations_cursor')),
    (3, format('agent_message_page(%L, %L)', :'empty', :'cursor')),
    (4, format('agent_message_page(%L, %L, 3, ''backward'')', :'talk', :'cursor')),
    (5, format('agent_message_page(%L, %L, 3)', :'talk', :'backward_cursor')),
    (6, format('agent_conversation_page(%L)', :'cursor')),
    (7, format('agent_conversation_page(%L, 3, true)', :'conversations_cursor')),
    (8, format('agent_conversation_page(%L, 3, true)', :'archived_cursor')),
    (9, format('agent_conversation_page(%L, 3)', :'archived_cursor')),
    (10, format('agent_conversation_page(%L)', :'quins_cursor')),
    (11, 'agent_conversation_page(''x'')'),
    (12, format('agent_conversation_page(%L)', repeat('A', 1000000))),
    (13, format('agent_conversation_page(%L)', E'\u00e4\U0001F600')),
    (14, format('agent_conversation_page(%L)', :'pia')),
    (15, format('agent_conversation_page(%L, pinned => false)', :'conversations_cursor')),
    (16, format('agent_conversation_page(%L, tag => ''work'')', :'conversations_cursor')),
    (17, format('agent_conversation_page(%L, metadata => ''{}'')', :'conversations_cursor')),
    (18, format('agent_conversation_page(%L, pinned => false)', :'archived_cursor')),
    (19, format('agent_conversation_page(%L, tag => ''Work'')', :'tagged_cursor')),
    (20, format('agent_conversation_page(%L, tag => ''work'', metadata => ''{"n": 1}'')', :'tagged_cursor')),
    (21, format('agent_conversation_page(%L, tag => ''work'', metadata => ''{ "n" : 2}'')', :'tagged_cursor')))
    AS v (n, call) ORDER BY n;
SET agent.token = :'quin';
SELECT pg_temp.answer(format('SELECT agent_conversation_page(%L)', :'conversations_cursor'));
SELECT pg_temp.answer(format('SELECT agent_conversation_page(%L)', :'quins_cursor'));
SET agent.token = :'pia';

-- Nor is it with any bit of it changed, cut off, or spelled otherwise.
CREATE FUNCTION pg_temp.bytes(cursor text) RETURNS bytea LANGUAGE sql AS $$
    SELECT decode(rpad(part, (length(part) + 3) / 4 * 4, '='), 'base64')
    FROM translate(cursor, '-_', '+/') AS part
$$;
SELECT pg_temp.base64url(pg_temp.bytes(:'cursor')) = :'cursor' AS spelled_alike;
WITH changed (kind, cursor) AS (
    SELECT 'a bit', pg_temp.base64url(set_bit(pg_temp.bytes(c), n, 1 - get_bit(pg_temp.bytes(c), n)))
    FROM unnest(ARRAY[:'cursor']) AS c, generate_series(0, 8 * length(pg_temp.bytes(c)) - 1) AS n
    UNION ALL SELECT 'cut off', left(:'cursor', n) FROM generate_series(1, length(:'cursor') - 1) AS n
    UNION ALL SELECT 'longer', :'cursor' || c FROM unnest('{A,AA,AAAA,=,==," "}'::text[]) AS c
    UNION ALL SELECT 'blank', ' ' || :'cursor'
    UNION ALL SELECT 'last digit', left(:'cursor', -1) || d
    FROM regexp_split_to_table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=', '') AS d
    WHERE d <> right(:'cursor', 1))
SELECT kind, count(*) > 0 AS some, pg_temp.answer(format('SELECT agent_message_page(%L, %L)', :'talk', cursor)) AS answer
FROM changed GROUP BY 1, 3 ORDER BY 1;

-- With a new signing key cursors of the old one go on; without the old one they end.
RESET ROLE;
BEGIN;
SELECT agent_key_rotate() IS NOT NULL AS rotated;
SET LOCAL ROLE agent_user;
SELECT pg_temp.answer(format('SELECT agent_message_page(%L, %L)', :'talk', :'cursor'));
SELECT next_cursor AS new_cursor FROM agent_message_page(:'talk', page_size => 3) \gset
SELECT :'new_cursor' <> :'cursor' AS by_the_new_key;
RESET ROLE;
UPDATE agent.signing_keys SET retires_at = now() + '1 s' WHERE retires_at IS NOT NULL;
SELECT pg_sleep(1.1) \gset
-- The old token ends with it: a new one is needed.
SELECT access_token AS pia2 FROM agent_login('pia.pages@example.org', 'secret') \gset
SET LOCAL ROLE agent_user;
SET LOCAL agent.token = :'pia2';
SELECT pg_temp.answer(format('SELECT agent_message_page(%L, %L)', :'talk', :'cursor'));
SELECT pg_temp.answer(format('SELECT agent_message_page(%L, %L)', :'talk', :'new_cursor'));
ROLLBACK;

-- Bounds, and all faults at once; what a list is of is told before its cursor is looked at.
SET ROLE agent_user;
SELECT n, pg_temp.answer(format('SELECT %s', call)) FROM (VALUES
    (1, 'agent_conversation_page(page_size => 0)'), (2, 'agent_conversation_page(page_size => 1)'),
    (3, 'agent_conversation_page(page_size => 100)'), (4, 'agent_conversation_page(page_size => 101)'),
    (5, 'agent_conversation_page(page_size => -2147483648)'),
    (6, 'agent_conversation_page(''x'', page_size => 2147483647)'),
    (16, 'agent_conversation_page(''x'', 0, tag => '''', metadata => ''[]'')'),
    (17, format('agent_conversation_page(tag => %L)', repeat('密', 51))),
    (18, format('agent_conversation_page(metadata => %L)', jsonb_build_object('x', repeat('x', 16384)))),
    (7, format('agent_message_page(%L, page_size => 0)', :'talk')),
    (8, format('agent_message_page(%L, page_size => 101)', :'talk')),
    (9, format('agent_message_page(%L, direction => '''')', :'talk')),
    (10, format('agent_message_page(%L, direction => ''Forward'')', :'talk')),
    (11, 'agent_message_page(NULL, ''x'', 0, ''x'')'),
    (12, format('agent_message_page(%L, ''x'', 0)', :'talk')),
    (13, format('agent_message_page(%L)', gen_random_uuid())),
    (14, format('agent_message_page(%L)', :'quins')),
    (15, format('agent_message_page(%L, %L)', :'quins', :'cursor'))) AS v (n, call) ORDER BY n;
BEGIN;
SET LOCAL request.method = 'GET';
SELECT pg_temp.answer('SELECT agent_conversation_page(''x'', 0)');
ROLLBACK;

-- A signed-in person's alone.
RESET ROLE;
SELECT role, pg_temp.answer_as(role, 'SELECT agent_conversation_page()'),
    pg_temp.answer_as(role, format('SELECT agent_message_page(%L)', :'talk'))
FROM unnest('{agent_anon, agent_admin, agent_authenticator}'::name[]) AS role;
SET ROLE agent_user;
RESET agent.token;
SELECT pg_temp.answer('SELECT agent_conversation_page(''x'', 0)');
SELECT pg_temp.answer(format('SELECT agent_message_page(%L)', :'talk'));
SET agent.token = :'quin';
SELECT pg_temp.answer(format('SELECT agent_message_page(%L, %L)', :'talk', :'cursor'));
SELECT count(*), bool_and(i.user_id = :'quin_id') AS own FROM agent_conversation_page(page_size => 100) AS p,
    unnest(p.items) AS i;

-- Nothing is written.
SET agent.token = :'pia';
BEGIN READ ONLY;
SELECT cardinality(items), has_more FROM agent_conversation_page(page_size => 5);
SELECT cardinality(items), has_more FROM agent_message_page(:'talk', :'cursor', 5);
ROLLBACK;

-- A page of long messages ends before it has 64 MiB, after one message at least.
SELECT id AS long FROM agent_conversation_create('Long') \gset
SELECT count(agent_message_create(:'long', 'user', repeat('x', size)))
FROM unnest(array_fill(8388608, ARRAY[9]) || 1 || 8388607 || 1) AS size;
SELECT pages, count(*), sum(octet_length(content)) AS bytes
FROM pg_temp.walk(format('agent_message_page(%L, $1, 100)', :'long')) AS w JOIN agent_messages AS m USING (id)
GROUP BY pages ORDER BY pages;
SELECT pages, count(*) FROM pg_temp.walk(format('agent_message_page(%L, $1, 100, ''backward'')', :'long'))
GROUP BY pages ORDER BY pages;
-- Size and not compression is what counts, and page_size still does.
SELECT cardinality(items), has_more FROM agent_message_page(:'long', page_size => 8);
SELECT cardinality(items), has_more FROM agent_message_page(:'long', page_size => 2);

RESET agent.token;
RESET ROLE;
DELETE FROM agent.users WHERE id IN (:'pia_id', :'quin_id');
