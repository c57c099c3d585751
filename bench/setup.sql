-- What a database holds before it is measured; :rows messages in all.
--
-- The account cost10 has 2 000 conversations, the oldest of them 1 000 messages
-- long. The other messages belong to others: 1 000 each, in 10 conversations.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET synchronous_commit = off;

CREATE EXTENSION agent CASCADE;
CREATE SCHEMA bench;

-- What another connection writes to when one is to be busy.
CREATE TABLE bench.tick (n bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO bench.tick VALUES (0);

-- Accounts whose hashes have the cost that their names say.
SET agent.password_hash_cost = 10;
SELECT id AS user_id FROM agent_register(
    'cost10@bench.example', 'cost10', 'correct horse battery staple') \gset
SET agent.password_hash_cost = 12;
SELECT id AS cost12 FROM agent_register(
    'cost12@bench.example', 'cost12', 'correct horse battery staple') \gset

-- Ids as the extension makes them would be: ordered by time, n by n.
CREATE FUNCTION bench.id(n bigint) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex(1700000000000 + n / 4096), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
        || '8' || right(md5(n::text || random()::text), 15))::uuid
$$;

-- Loaded in bulk: the foreign keys hold by construction.
SET session_replication_role = replica;

INSERT INTO agent.users (id, email, email_key, username, password_hash, created_at)
SELECT bench.id(n), 'other' || n || '@bench.example', 'other' || n || '@bench.example', 'other' || n,
    'none', now()
FROM generate_series(1, :rows / 1000 - 1) AS n;

CREATE TABLE bench.conversation AS
SELECT :'user_id'::uuid AS user_id, bench.id(n) AS id, CASE n WHEN 1 THEN 1000 ELSE 0 END AS message_count,
    timestamptz '2025-01-01 00:00+00' + n * interval '1 minute' AS at
FROM generate_series(1, 2000) AS n;

CREATE TABLE bench.other AS
SELECT u.id AS user_id, bench.id(2000 + n) AS id, 100 AS message_count,
    timestamptz '2025-01-01 00:00+00' + n * interval '1 minute' AS at
FROM agent.users AS u, generate_series(1, 10) AS n
WHERE u.username LIKE 'other%';

INSERT INTO agent.conversations
    (user_id, id, title, created_at, updated_at, message_count, next_seq)
SELECT user_id, id, 'About ' || id, at, at, message_count, message_count + 1
FROM (TABLE bench.conversation UNION ALL TABLE bench.other) AS c;

INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
SELECT c.user_id, bench.id(10000 + s), c.id, s, CASE s % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
    repeat('Message ' || s || ' says something. ', 6), c.at + s * interval '1 second'
FROM (TABLE bench.conversation UNION ALL TABLE bench.other) AS c, generate_series(1, c.message_count) AS s;

RESET session_replication_role;
VACUUM ANALYZE;
CHECKPOINT;
