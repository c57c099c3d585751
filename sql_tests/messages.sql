-- Messages: create and list.
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

-- Where the clock was set back, a message is as old as the last change before it.
UPDATE agent.conversations SET updated_at = '2100-01-01 00:00+00' WHERE id = :'talk';
SET ROLE agent_user;
SELECT created_at AT TIME ZONE 'UTC' AS created_at
FROM agent_message_create(:'talk', 'user', 'early');
SELECT updated_at AT TIME ZONE 'UTC' AS updated_at FROM agent_conversation_get(:'talk');

-- Writing needs a transaction that may write; reading does not.
BEGIN READ ONLY;
SELECT pg_temp.answer(format('SELECT agent_message_create(%L, ''user'', ''x'')', :'talk'));
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
