-- Conversations: create, list, get, update, delete, fork; pins, tags and metadata.
--
-- Catches: a field that changes what it should leave, a time that runs backwards, a
-- list that comes in another order or reads more than it shows.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Everything that is stored of a conversation, as text.
CREATE FUNCTION pg_temp.stored(conversation uuid) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
    SELECT (SELECT c::text FROM agent.conversations AS c WHERE id = conversation)
$$;

SET ROLE agent_anon;
SELECT id AS cleo_id
FROM agent_register('cleo.conversations@example.org', 'conversations cleo', 'secret') \gset
SELECT access_token AS cleo FROM agent_login('cleo.conversations@example.org', 'secret') \gset
SELECT id AS dan_id
FROM agent_register('dan.conversations@example.org', 'conversations dan', 'secret') \gset
SELECT access_token AS dan FROM agent_login('dan.conversations@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'dan';
SELECT id AS dans FROM agent_conversation_create('Dan''s') \gset
SET agent.token = :'cleo';

-- A conversation is these columns and no more.
SELECT * FROM agent_conversation_create('') \gdesc

-- A new one is the caller's, empty, not archived, begun and changed just now.
SELECT id AS first, title, is_archived, message_count, user_id = :'cleo_id' AS own,
    created_at = updated_at AS same_time, now() - created_at < interval '1 minute' AS fresh
FROM agent_conversation_create('First') \gset
\echo :title / :is_archived / :message_count / :own / :same_time / :fresh
SELECT count(*) FROM agent_message_list(:'first');

-- A first message is one of the role user, in the same transaction; NULL and '' make none.
SELECT n, message_count FROM (VALUES (1, NULL), (2, ''), (3, 'Hello'), (4, ' ')) AS v (n, first),
    LATERAL agent_conversation_create('With ' || n, first) ORDER BY n;
SELECT c.title, m.seq, m.role, m.content, m.created_at = c.created_at AS same_time
FROM agent_conversations AS c, LATERAL agent_message_list(c.id) AS m
WHERE c.title LIKE 'With %' ORDER BY c.title;

-- The next message follows it, or is the first.
SELECT c.title, m.seq
FROM agent_conversations AS c, LATERAL agent_message_create(c.id, 'assistant', 'Hi') AS m
WHERE c.title IN ('With 1', 'With 3') ORDER BY c.title;

-- Titles are 1 to 200 characters, of whatever width; a first message is 8 MiB at most.
SELECT n, pg_temp.answer(format('SELECT agent_conversation_create(%L, %L)', title, first))
FROM (VALUES (1, NULL, NULL), (2, '', NULL), (3, 'x', NULL), (4, repeat('😀', 200), NULL),
    (5, repeat('😀', 201), NULL), (6, repeat('x', 201), NULL), (7, 'x', repeat('x', 8388608)),
    (8, 'x', repeat('x', 8388609)), (9, 'x', repeat('密', 2796202)),
    (10, 'x', repeat('密', 2796203)), (11, '', repeat('x', 8388609))) AS v (n, title, first)
ORDER BY n;

-- What is sent comes back exactly.
SELECT n, (agent_conversation_create(title)).title = title AS same
FROM (VALUES (1, E' \t\n '), (2, 'Grüße, 密码 😀'), (3, U&'e\0301'), (4, U&'\200E\FEFF'),
    (5, '''; DROP TABLE agent.users; --'), (6, '{"a": "\u0000"}'), (7, '%s %L \ "')) AS v (n, title)
ORDER BY n;

-- Of those called x the three accepted ones are there: a refused one leaves not even a half.
SELECT count(*), sum(message_count) FROM agent_conversations WHERE title = 'x';

-- get: the row that create returned; NULL is said to be missing; another's and an
-- unknown one are the same.
SELECT title, is_archived, message_count FROM agent_conversation_get(:'first');
SELECT pg_temp.answer(format('SELECT agent_conversation_get(%L)', id))
FROM (VALUES (1, NULL), (2, gen_random_uuid()), (3, :'dans')) AS v (n, id) ORDER BY n;

-- update: NULL leaves a field as it is; what is given is changed, and so is updated_at.
SELECT pg_temp.stored(:'first') AS before \gset
SELECT title, is_archived, updated_at > created_at AS changed
FROM agent_conversation_update(:'first', 'Second');
SELECT title, is_archived FROM agent_conversation_update(:'first', is_archived => true);
SELECT title, is_archived FROM agent_conversation_update(:'first', 'Third', false);
SELECT title, is_archived FROM agent_conversation_update(:'first', is_archived => false);
SELECT pg_temp.stored(:'first') = :'before' AS unchanged;

-- With both NULL nothing is changed, not even updated_at, nor the row's version.
SELECT pg_temp.stored(:'first') AS before \gset
RESET ROLE;
SELECT xmin AS version FROM agent.conversations WHERE id = :'first' \gset
SET ROLE agent_user;
SELECT title, is_archived FROM agent_conversation_update(:'first');
SELECT title, is_archived FROM agent_conversation_update(:'first', NULL, NULL);
RESET ROLE;
SELECT pg_temp.stored(:'first') = :'before' AS unchanged, xmin = :'version' AS same_version
FROM agent.conversations WHERE id = :'first';
SET ROLE agent_user;

-- The same rules as for create; no row, no change.
SELECT n, pg_temp.answer(
    format('SELECT agent_conversation_update(%L, %L, %L)', id, title, archived))
FROM (VALUES (1, :'first', '', NULL), (2, :'first', repeat('😀', 200), NULL),
    (3, :'first', repeat('😀', 201), NULL), (4, NULL, '', NULL),
    (5, gen_random_uuid()::text, 'x', NULL), (6, gen_random_uuid()::text, NULL, NULL),
    (7, :'dans', 'x', true), (8, :'dans', NULL, NULL))
    AS v (n, id, title, archived) ORDER BY n;
SELECT title FROM agent_conversation_update(:'first', 'First');

-- Tags and metadata: none at first, unless they are given; what is there twice is kept
-- once, in the order it came.
SELECT is_pinned, tags, metadata, forked_from FROM agent_conversation_get(:'first');
SELECT id AS tagged, is_pinned, tags, metadata FROM agent_conversation_create('Tagged', NULL,
    '{b, a, b, "c d", a, B}', '{"b": [1, {"c": null}], "a": "é"}') \gset
\echo :is_pinned :tags :metadata

-- update: NULL leaves them, a value takes their place as a whole; updated_at moves.
SELECT is_pinned, tags, metadata FROM agent_conversation_update(:'tagged', 'Tagged too');
SELECT updated_at AS before FROM agent_conversation_get(:'tagged') \gset
SELECT is_pinned, tags, metadata, updated_at > :'before' AS later
FROM agent_conversation_update(:'tagged', is_pinned => true);
SELECT updated_at AS before FROM agent_conversation_get(:'tagged') \gset
SELECT is_pinned, tags, metadata, updated_at > :'before' AS later
FROM agent_conversation_update(:'tagged', tags => '{x, x}');
SELECT updated_at AS before FROM agent_conversation_get(:'tagged') \gset
SELECT title, is_archived, is_pinned, tags, metadata, updated_at > :'before' AS later
FROM agent_conversation_update(:'tagged', metadata => '{"n": 1}');
SELECT is_pinned, tags, metadata
FROM agent_conversation_update(:'tagged', NULL, NULL, false, '{}', '{}');
SELECT title, is_pinned, tags, metadata FROM agent_conversation_list() WHERE id = :'tagged';
SELECT title, is_pinned, tags, metadata FROM agent_conversations WHERE id = :'tagged';

-- 20 tags of 1 to 50 characters, without counting what is there twice; a list of texts.
SELECT n, pg_temp.answer(format('SELECT agent_conversation_update(%L, tags => %L)', :'tagged', tags))
FROM (VALUES
    (1, ARRAY(SELECT 't' || n FROM generate_series(1, 20) AS n)),
    (2, ARRAY(SELECT 't' || n FROM generate_series(1, 21) AS n)),
    (3, ARRAY(SELECT 't' || n % 20 FROM generate_series(1, 100000) AS n)),
    (4, ARRAY(SELECT 't' || n FROM generate_series(1, 100000) AS n)),
    (5, ARRAY[repeat('😀', 50)]), (6, ARRAY['x', repeat('😀', 51)]), (7, ARRAY[repeat('x', 1000000)]),
    (8, ARRAY['', 'x', '', repeat('x', 51)]), (9, ARRAY[NULL]), (10, ARRAY['x', NULL, '', NULL]),
    (11, ARRAY[['x', 'y'], ['z', '']]), (12, '[5:6]={x,y}'),
    (13, ARRAY(SELECT repeat('x', 51) || n FROM generate_series(1, 3) AS n)))
    AS v (n, tags) ORDER BY n;
SELECT tags, array_lower(tags, 1) FROM agent_conversation_update(:'tagged', tags => '[5:6]={x,y}');

-- Metadata is an object of at most 16384 bytes as text, in which PostgreSQL spells numbers
-- out: one of few bytes may be long.
SELECT n, pg_temp.answer(format('SELECT agent_conversation_update(%L, metadata => %L)', :'tagged', metadata))
FROM (VALUES (1, '{}'), (2, '[]'), (3, '"x"'), (4, 'null'), (5, '1'), (6, '[{}]'),
    (7, json_build_object('x', repeat('y', 16375))::text),
    (8, json_build_object('x', repeat('y', 16376))::text),
    (9, json_build_object('x', repeat('é', 8187))::text),
    (10, json_build_object('x', repeat('é', 8188))::text),
    (11, json_build_object('x', repeat(E'\x01', 2729))::text),
    (12, json_build_object('x', repeat(E'\x01', 2730))::text),
    (13, '{"x": 1e16374}'), (14, '{"x": 1e16400}'),
    (15, '{"x": [' || repeat('1e131000,', 10000) || '1]}'),
    (16, '{"x": [' || repeat('[],', 1000000) || '1]}'),
    (17, '{"x": ' || repeat('[', 5000) || repeat(']', 5000) || '}'),
    (18, '{"x": "\u0000"}')) AS v (n, metadata) ORDER BY n;
SELECT octet_length(metadata::text) FROM agent_conversation_update(:'tagged',
    metadata => json_build_object('x', repeat('y', 16375))::jsonb);

-- All faults at once, and nothing of a call that was refused.
SELECT pg_temp.answer('SELECT agent_conversation_create('''', NULL, ''{""}'', ''[]'')');
SELECT pg_temp.answer('SELECT agent_conversation_update(NULL, '''', tags => ''{NULL}'', metadata => ''1'')');
SELECT pg_temp.answer(format('SELECT agent_conversation_update(%L, is_pinned => true, tags => %L)',
    :'dans', '{x}'));
SELECT pg_temp.answer(format('SELECT agent_conversation_update(%L, is_pinned => true, tags => %L)',
    :'tagged', '{""}'));
SELECT is_pinned, tags FROM agent_conversation_get(:'tagged');

-- They are found by.
SELECT title FROM agent_conversations WHERE 'y' = ANY (tags);
SELECT count(*) FROM agent_conversations WHERE metadata @> '{"x": 1}' OR is_pinned;

-- Counting a message stays a heap-only update, also of a row that has all of it.
CREATE FUNCTION pg_temp.not_hot() RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_tuples_updated(c) - pg_stat_get_xact_tuples_hot_updated(c)
    FROM CAST('agent.conversations'::regclass AS oid) AS c
$$;
BEGIN;
SELECT count(*) FROM generate_series(1, 50) AS n,
    LATERAL agent_message_create(:'tagged', 'user', 'Message ' || n);
SELECT pg_temp.not_hot() <= 10 AS hot;
COMMIT;

-- Times do not run backwards, even where the stored one is ahead of the clock.
RESET ROLE;
UPDATE agent.conversations SET updated_at = '2100-01-01 00:00+00' WHERE id = :'first';
SET ROLE agent_user;
SELECT updated_at AT TIME ZONE 'UTC' AS updated_at
FROM agent_conversation_update(:'first', 'Ahead');

-- delete: the messages go too; again, or of another's, there is nothing to delete.
SELECT seq FROM agent_message_create(:'first', 'user', 'Goodbye');
SELECT agent_conversation_delete(:'first');
SELECT pg_temp.answer(format('SELECT agent_conversation_delete(%L)', id))
FROM (VALUES (1, :'first'), (2, :'dans'), (3, gen_random_uuid()::text), (4, NULL)) AS v (n, id)
ORDER BY n;
RESET ROLE;
SELECT (SELECT count(*) FROM agent.conversations WHERE id = :'first') AS conversations,
    (SELECT count(*) FROM agent.messages WHERE conversation_id = :'first') AS messages,
    (SELECT count(*) FROM agent.conversations WHERE id = :'dans') AS dans;

-- fork: copies of all messages, or of those up to one, numbered anew where one is gone; what
-- they say, and when they said it, is theirs.
SET ROLE agent_user;
SELECT id AS origin FROM agent_conversation_create('Origin', NULL, '{a, b}', '{"x": 1}') \gset
SELECT count(*) FROM generate_series(1, 5) AS n,
    LATERAL agent_message_create(:'origin', CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'Message ' || n,
        jsonb_build_object('n', n));
SELECT agent_message_delete(id) FROM agent_messages WHERE conversation_id = :'origin' AND seq = 2;
SELECT id AS edited FROM agent_messages WHERE conversation_id = :'origin' AND seq = 3 \gset
SELECT content FROM agent_message_update(:'edited', 'Message 3, edited');
SELECT is_pinned, is_archived FROM agent_conversation_update(:'origin', NULL, true, true);
SELECT pg_temp.stored(:'origin') AS before \gset
SELECT id AS whole, title, is_archived, is_pinned, tags, metadata, message_count, user_id = :'cleo_id' AS own,
    forked_from = :'origin' AS known, created_at = updated_at AS same_time, now() - created_at < interval '1 minute' AS fresh
FROM agent_conversation_fork(:'origin') \gset
\echo :title / :is_archived / :is_pinned / :tags / :metadata / :message_count / :own / :known / :same_time / :fresh
SELECT c.seq, o.seq AS original_seq, c.role, c.content, c.metadata, c.id <> o.id AS new_id, c.created_at = o.created_at AS same_time,
    c.edited_at IS NOT DISTINCT FROM o.edited_at AS same_edit, c.edited_at IS NOT NULL AS edited
FROM agent_message_list(:'whole') AS c JOIN agent_message_list(:'origin') AS o USING (content) ORDER BY c.seq;
SELECT array_agg(id ORDER BY seq) = array_agg(id ORDER BY id) AS ids_in_order FROM agent_message_list(:'whole');
SELECT pg_temp.stored(:'origin') = :'before' AS origin_unchanged;
SELECT id AS part, title, message_count FROM agent_conversation_fork(:'origin', :'edited', 'Part') \gset
\echo :title / :message_count
SELECT seq, content FROM agent_message_list(:'part');
-- The next message follows, in both.
SELECT seq FROM agent_message_create(:'part', 'user', 'Another way');
SELECT seq FROM agent_message_create(:'origin', 'user', 'The old way');
-- A fork of a fork, of an empty one, and of one that is gone afterwards.
SELECT title, message_count, forked_from = :'part' AS known FROM agent_conversation_fork(:'part', title => 'Part of a part');
SELECT f.message_count FROM agent_conversation_create('Empty') AS c, LATERAL agent_conversation_fork(c.id) AS f;
SELECT agent_conversation_delete(:'origin');
SELECT forked_from = :'origin' AS known, message_count FROM agent_conversation_get(:'whole');
-- What cannot be forked; nothing of it stays.
SELECT count(*) AS before FROM agent_conversations \gset
SELECT id AS message FROM agent_message_list(:'part') WHERE seq = 1 \gset
SELECT n, pg_temp.answer(format('SELECT agent_conversation_fork(%L, %L, %L)', id, message, title))
FROM (VALUES (1, NULL, NULL, NULL), (2, :'dans', NULL, NULL), (3, gen_random_uuid()::text, NULL, NULL),
    (4, :'whole', :'message', NULL), (5, :'whole', gen_random_uuid()::text, NULL), (6, :'dans', :'message', NULL),
    (7, :'whole', :'message', ''), (8, NULL, NULL, repeat('x', 201)), (9, :'origin', NULL, NULL))
    AS v (n, id, message, title) ORDER BY n;
SELECT count(*) = :before AS none FROM agent_conversations;
-- A time ahead of the clock is copied with the messages: the next is not older.
RESET ROLE;
UPDATE agent.messages SET created_at = '2100-01-01 00:00+00' WHERE conversation_id = :'whole' AND seq = 4;
UPDATE agent.conversations SET updated_at = '2100-01-01 00:00+00' WHERE id = :'whole';
SET ROLE agent_user;
SELECT f.created_at < now() + interval '1 minute' AS fresh, m.seq, m.created_at AT TIME ZONE 'UTC' AS created_at
FROM agent_conversation_fork(:'whole') AS f, LATERAL agent_message_create(f.id, 'user', 'Next') AS m;

-- Writing needs a transaction that may write; reading does not.
SET ROLE agent_user;
SELECT id AS last FROM agent_conversation_create('Last') \gset
BEGIN READ ONLY;
SELECT pg_temp.answer(format(command, :'last'))
FROM unnest(ARRAY['SELECT agent_conversation_create(%L)',
    'SELECT agent_conversation_update(%L, ''x'')', 'SELECT agent_conversation_delete(%L)',
    'SELECT agent_conversation_fork(%L)',
    'SELECT agent_conversation_get(%L)', 'SELECT agent_conversation_list() WHERE %L <> '''''])
    WITH ORDINALITY AS c (command, n) ORDER BY n;
ROLLBACK;

-- list: newest first, by id where times are equal; all, or those that are archived or not.
RESET ROLE;
DELETE FROM agent.conversations WHERE user_id = :'cleo_id';
INSERT INTO agent.conversations (user_id, id, title, is_archived, created_at, updated_at)
SELECT user_id, gen_random_uuid(), 'Old ' || n, n % 3 = 0,
    timestamptz '2020-01-01 00:00+00' + n / 2 * interval '1 minute', now()
FROM unnest(ARRAY[:'cleo_id', :'dan_id']::uuid[]) AS user_id, generate_series(1, 3000) AS n;
ANALYZE agent.conversations;
SET ROLE agent_user;
SELECT count(*) AS listed, count(*) FILTER (WHERE user_id = :'cleo_id') AS own,
    bool_and(before IS NULL OR (created_at, id) < before) AS newest_first
FROM (SELECT *, lag((created_at, id)) OVER () AS before FROM agent_conversation_list()) AS l;
SELECT archived, count(*), bool_and(is_archived) AS every, bool_or(is_archived) AS any
FROM unnest(ARRAY[true, false, NULL]) AS archived, LATERAL agent_conversation_list(archived)
GROUP BY archived ORDER BY archived;

-- A page, by limit or by key, is read from the index in its order: no more rows than
-- it shows, and nothing is sorted.
SELECT pg_temp.reads('SELECT * FROM agent_conversation_list() LIMIT 10');
SELECT pg_temp.reads('SELECT * FROM agent_conversation_list(NULL) LIMIT 10 OFFSET 20');
SELECT pg_temp.reads($$SELECT * FROM agent_conversation_list() WHERE (created_at, id)
    < ('2020-01-01 10:00+00', '00000000-0000-0000-0000-000000000000') LIMIT 10$$);
SELECT pg_temp.reads('SELECT * FROM agent_conversations
    ORDER BY created_at DESC, id DESC LIMIT 10');
SELECT pg_temp.reads(format('SELECT * FROM agent_conversations WHERE id = %L', id))
FROM agent_conversation_list() LIMIT 1;

-- With the account, its conversations go.
RESET agent.token;
RESET ROLE;
DELETE FROM agent.users WHERE id IN (:'cleo_id', :'dan_id');
SELECT count(*) FROM agent.conversations WHERE user_id IN (:'cleo_id', :'dan_id');
