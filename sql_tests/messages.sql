-- Messages: create, list, update and delete.
--
-- Catches: a seq with a gap or given out twice, a count that is wrong, a time that
-- runs backwards, a text that is changed on its way, a page that reads the whole list.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS mia_id FROM agent_register('mia.messages@example.org', 'messages mia', 'secret') \gset
SELECT access_token AS mia FROM agent_login('mia.messages@example.org', 'secret') \gset
SELECT id AS ned_id FROM agent_register('ned.messages@example.org', 'messages ned', 'secret') \gset
SELECT access_token AS ned FROM agent_login('ned.messages@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'ned';
SELECT id AS neds FROM agent_conversation_create('Ned''s', 'Private') \gset
SET agent.token = :'mia';
SELECT id AS talk FROM agent_conversation_create('Talk') \gset

-- A message is these columns and no more.
SELECT * FROM agent_message_create(NULL, '', '') \gdesc

-- A message has the next seq, and the conversation counts it and is as old as it.
SELECT m.id AS message, seq, role, content, user_id = :'mia_id' AS own,
    conversation_id = :'talk' AS here, now() - created_at < interval '1 minute' AS fresh
FROM agent_message_create(:'talk', 'user', 'Hello') AS m \gset
\echo :seq / :role / :content / :own / :here / :fresh
SELECT seq, role, content FROM agent_message_create(:'talk', 'assistant', 'Hi');
SELECT seq, role, content FROM agent_message_create(:'talk', 'system', 'Be brief');
SELECT message_count, updated_at > c.created_at AS changed, updated_at = m.created_at AS as_last
FROM agent_conversation_get(:'talk') AS c, agent_message_list(:'talk') AS m WHERE seq = 3;

-- The list has what create returned, oldest first.
SELECT seq, role, content, id = :'message' AS the_first FROM agent_message_list(:'talk');

-- What a message may be. All faults are named at once, and leave no gap behind them.
SELECT n, pg_temp.answer(format('SELECT agent_message_create(%L, %L, %L)', id, role, content))
FROM (VALUES (1, :'talk', 'user', 'x'), (2, :'talk', NULL, 'x'), (3, :'talk', '', 'x'),
    (4, :'talk', 'User', 'x'), (5, :'talk', 'user ', 'x'), (6, :'talk', E'user\n', 'x'),
    (7, :'talk', 'tool', 'x'), (8, :'talk', 'user|assistant', 'x'), (9, :'talk', 'user', NULL),
    (10, :'talk', 'user', ''),
    (11, :'talk', 'user', ' '), (12, :'talk', 'user', repeat('x', 8388608)),
    (13, :'talk', 'user', repeat('x', 8388609)), (14, :'talk', 'user', repeat('😀', 2097152)),
    (15, :'talk', 'user', repeat('😀', 2097152) || 'x'), (16, NULL, 'robot', ''),
    (17, NULL, NULL, NULL), (18, gen_random_uuid()::text, 'user', 'x'),
    (19, gen_random_uuid()::text, 'robot', 'x'), (20, :'neds', 'user', 'x'))
    AS v (n, id, role, content) ORDER BY n;

-- Lists of a conversation that is not the caller's, or is none.
SELECT n, pg_temp.answer(format('SELECT * FROM agent_message_list(%L)', id))
FROM (VALUES (1, :'neds'), (2, gen_random_uuid()::text), (3, NULL)) AS v (n, id) ORDER BY n;

-- Any text comes back exactly as it was sent.
SELECT n, (agent_message_create(:'talk', 'user', content)).content = content AS same
FROM (VALUES (1, E' \t\r\n '), (2, 'Grüße, 密码 😀'), (3, U&'e\0301 and \00E9'),
    (4, U&'\FEFF\200E\202E'), (5, '''; DROP TABLE agent.users; --'), (6, '{"a": "\u0000"}'),
    (7, '%s %L \ " $1 :1'), (8, E'\x01\x7f'))
    AS v (n, content) ORDER BY n;

-- Where a call was rolled back, its seq is given out again: there is no gap.
BEGIN;
SELECT seq FROM agent_message_create(:'talk', 'user', 'undone');
SAVEPOINT inner_one;
SELECT seq FROM agent_message_create(:'talk', 'user', 'undone too');
ROLLBACK TO inner_one;
SELECT seq FROM agent_message_create(:'talk', 'user', 'undone in the end');
ROLLBACK;
SELECT seq FROM agent_message_create(:'talk', 'user', 'done');

-- Several in one statement get one seq each.
SELECT array_agg(seq)
FROM generate_series(1, 5) AS n, agent_message_create(:'talk', 'assistant', 'part ' || n);

-- So the count is the number of messages, and seq is 1 to that number.
SELECT message_count = (SELECT count(*) FROM agent_message_list(:'talk')) AS counted,
    (SELECT array_agg(seq) FROM agent_message_list(:'talk'))
        = ARRAY(SELECT generate_series(1, message_count)) AS no_gap,
    (SELECT bool_and(before IS NULL OR before <= created_at)
        FROM (SELECT created_at, lag(created_at) OVER (ORDER BY seq) AS before
            FROM agent_message_list(:'talk')) AS l) AS in_time
FROM agent_conversation_get(:'talk');
RESET ROLE;
SELECT next_seq = message_count + 1 AS next FROM agent.conversations WHERE id = :'talk';

-- Metadata is what it is for a conversation: an object of 16 kB at most, {} unless it is given.
SET ROLE agent_user;
SELECT seq, metadata, edited_at
FROM agent_message_create(:'talk', 'assistant', 'Told', '{"model": "m", "tokens": 12}');
SELECT metadata, edited_at FROM agent_message_list(:'talk') WHERE content = 'Told';
SELECT DISTINCT metadata, edited_at FROM agent_messages WHERE content <> 'Told';
SELECT n, pg_temp.answer(format('SELECT agent_message_create(%L, ''user'', ''Told too'', %L)', :'talk', metadata))
FROM (VALUES (1, '{}'), (2, '[]'), (3, json_build_object('x', repeat('y', 16375))::text),
    (4, json_build_object('x', repeat('y', 16376))::text)) AS v (n, metadata) ORDER BY n;
SELECT pg_temp.answer('SELECT agent_message_create(NULL, ''robot'', '''', ''1'')');

-- update: what is given is changed; content says when. seq, role and created_at stay, the
-- conversation's updated_at moves.
SELECT id AS told, seq AS told_seq, created_at AS told_at FROM agent_messages WHERE content = 'Told' \gset
SELECT updated_at AS before FROM agent_conversation_get(:'talk') \gset
SELECT seq = :told_seq AS same_seq, role, content, created_at = :'told_at' AS same_time, metadata,
    edited_at > :'before' AS later
FROM agent_message_update(:'told', 'Told anew');
SELECT edited_at AS edited FROM agent_messages WHERE id = :'told' \gset
SELECT updated_at = :'edited' AS moved FROM agent_conversation_get(:'talk');
SELECT content, metadata, edited_at = :'edited' AS as_before
FROM agent_message_update(:'told', metadata => '{"model": "n"}');
SELECT updated_at > :'edited' AS moved FROM agent_conversation_get(:'talk');
SELECT content, metadata, edited_at > :'edited' AS edited FROM agent_message_update(:'told', 'Told again', '{}');
SELECT seq = :told_seq AS same_seq, role, content, created_at = :'told_at' AS same_time, metadata, edited_at IS NOT NULL AS edited
FROM agent_message_list(:'talk') WHERE id = :'told';

-- With both NULL nothing is changed, not even the version of a row.
RESET ROLE;
SELECT m.xmin AS message_version, c.xmin AS talk_version
FROM agent.messages AS m JOIN agent.conversations AS c ON c.id = m.conversation_id WHERE m.id = :'told' \gset
SET ROLE agent_user;
SELECT content FROM agent_message_update(:'told');
SELECT content FROM agent_message_update(:'told', NULL, NULL);
RESET ROLE;
SELECT m.xmin = :'message_version' AS same_message, c.xmin = :'talk_version' AS same_talk
FROM agent.messages AS m JOIN agent.conversations AS c ON c.id = m.conversation_id WHERE m.id = :'told';

-- The rules are those of create; another's and an unknown one are the same; faults come first.
SELECT id AS neds_message FROM agent.messages WHERE conversation_id = :'neds' \gset
SET ROLE agent_user;
SELECT n, pg_temp.answer(format('SELECT agent_message_update(%L, %L, %L)', id, content, metadata))
FROM (VALUES (1, :'told', ' ', NULL), (2, :'told', '', NULL), (3, :'told', repeat('x', 8388608), NULL),
    (4, :'told', repeat('x', 8388609), NULL), (5, :'told', 'x', '[]'), (6, :'told', NULL, '1'),
    (7, NULL, '', '[]'), (8, NULL, NULL, NULL), (9, gen_random_uuid()::text, 'x', NULL),
    (10, gen_random_uuid()::text, NULL, NULL), (11, gen_random_uuid()::text, '', NULL),
    (12, :'neds_message', 'x', NULL), (13, :'neds_message', NULL, '{}'), (14, :'neds_message', NULL, NULL))
    AS v (n, id, content, metadata) ORDER BY n;
SELECT octet_length(content), metadata FROM agent_message_update(:'told');

-- delete: the row goes, the count with it; the others keep their seq, and the next one does
-- not get that of one that is gone.
SELECT message_count AS count, updated_at AS before FROM agent_conversation_get(:'talk') \gset
SELECT max(seq) AS last FROM agent_message_list(:'talk') \gset
SELECT agent_message_delete(:'told');
SELECT message_count = :count - 1 AS counted, updated_at > :'before' AS later,
    (SELECT count(*) FROM agent_message_list(:'talk')) = message_count AS listed,
    (SELECT max(seq) FROM agent_message_list(:'talk')) = :last AS same_last
FROM agent_conversation_get(:'talk');
SELECT id AS last_id FROM agent_message_list(:'talk') WHERE seq = :last \gset
SELECT agent_message_delete(:'last_id');
SELECT seq = :last + 1 AS next FROM agent_message_create(:'talk', 'user', 'After a gap');
SELECT message_count = (SELECT count(*) FROM agent_message_list(:'talk')) AS counted FROM agent_conversation_get(:'talk');
SELECT n, pg_temp.answer(format('SELECT agent_message_delete(%L)', id))
FROM (VALUES (1, :'told'), (2, :'neds_message'), (3, gen_random_uuid()::text), (4, NULL)) AS v (n, id) ORDER BY n;
SELECT message_count = (SELECT count(*) FROM agent_message_list(:'talk')) AS counted FROM agent_conversation_get(:'talk');
BEGIN;
SELECT agent_message_delete(id) FROM agent_message_list(:'talk') WHERE seq IN (1, 2);
SELECT message_count = (SELECT count(*) FROM agent_message_list(:'talk')) AS counted FROM agent_conversation_get(:'talk');
ROLLBACK;
SELECT message_count = (SELECT count(*) FROM agent_message_list(:'talk')) AS counted FROM agent_conversation_get(:'talk');
SET agent.token = :'ned';
SELECT content FROM agent_message_list(:'neds');
SET agent.token = :'mia';
RESET ROLE;

-- Where the clock was set back, a message is as old as the last change before it.
UPDATE agent.conversations SET updated_at = '2100-01-01 00:00+00' WHERE id = :'talk';
SET ROLE agent_user;
SELECT created_at AT TIME ZONE 'UTC' AS created_at
FROM agent_message_create(:'talk', 'user', 'early');
SELECT updated_at AT TIME ZONE 'UTC' AS updated_at FROM agent_conversation_get(:'talk');
SELECT id AS early FROM agent_messages WHERE content = 'early' \gset
SELECT edited_at AT TIME ZONE 'UTC' AS edited_at FROM agent_message_update(:'early', 'edited early');

-- Writing needs a transaction that may write; reading does not.
BEGIN READ ONLY;
SELECT pg_temp.answer(format('SELECT agent_message_create(%L, ''user'', ''x'')', :'talk'));
SELECT pg_temp.answer(format('SELECT agent_message_update(%L)', :'message'));
SELECT pg_temp.answer(format('SELECT agent_message_delete(%L)', :'message'));
SELECT pg_temp.answer(format('SELECT agent_message_list(%L)', :'talk'));
ROLLBACK;

-- Archived or not, a conversation takes messages.
SELECT is_archived FROM agent_conversation_update(:'talk', is_archived => true);
SELECT pg_temp.answer(format('SELECT agent_message_create(%L, ''user'', ''x'')', :'talk'));

-- A page, from the beginning or from a seq, reads the rows that it shows: the other
-- conversations of a large account, and the earlier messages, are not looked at.
RESET ROLE;
INSERT INTO agent.conversations
    (user_id, id, title, created_at, updated_at, message_count, next_seq)
SELECT :'mia_id', gen_random_uuid(), 'Long ' || n, now(), now(), 1000, 1001
FROM generate_series(1, 10) AS n;
INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
SELECT c.user_id, gen_random_uuid(), c.id, seq, 'user', 'Message ' || seq, now()
FROM agent.conversations AS c, generate_series(1, 1000) AS seq
WHERE c.user_id = :'mia_id' AND c.title LIKE 'Long %';
ANALYZE agent.conversations, agent.messages;
SET ROLE agent_user;
SELECT id AS long FROM agent_conversations WHERE title = 'Long 5' \gset
SELECT pg_temp.reads(format('SELECT * FROM agent_message_list(%L) LIMIT 50', :'long'));
SELECT pg_temp.reads(format('SELECT * FROM agent_message_list(%L) WHERE seq > 900 LIMIT 50',
    :'long'));
SELECT pg_temp.reads(format('SELECT * FROM agent_message_list(%L) LIMIT 50 OFFSET 100', :'long'));
SELECT pg_temp.reads(format('SELECT * FROM agent_messages WHERE conversation_id = %L AND seq <= 900
    ORDER BY seq DESC LIMIT 50', :'long'));
SELECT pg_temp.reads(format('SELECT * FROM agent_messages WHERE id = %L', id))
FROM agent_message_list(:'long') LIMIT 1;
-- What those pages show is right, too.
SELECT min(seq), max(seq), count(*)
FROM (SELECT * FROM agent_message_list(:'long') WHERE seq > 900 LIMIT 50) AS l;

-- The same with a plan that was made without knowing for whom, or for which conversation.
SET plan_cache_mode = force_generic_plan;
PREPARE page (uuid, bigint) AS SELECT * FROM agent_message_list($1) WHERE seq > $2 LIMIT 50;
SELECT pg_temp.reads(format('EXECUTE page (%L, 900)', :'long'));
DEALLOCATE page;
RESET plan_cache_mode;

-- With the account, its messages go.
RESET agent.token;
RESET ROLE;
DELETE FROM agent.users WHERE id IN (:'mia_id', :'ned_id');
SELECT count(*) FROM agent.messages WHERE user_id IN (:'mia_id', :'ned_id');
