-- Idempotency keys: agent_register, agent_conversation_create and agent_message_create, sent
-- again.
--
-- Catches: something done twice, an answer that differs from the first one, a key that is
-- good for another request or another person, that outlives its time or its account, or
-- that tells what it was used for.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS rex_id, access_token AS rex
FROM agent_register('rex.idempotency@example.org', 'idempotency rex', 'secret'),
    LATERAL agent_login(email, 'secret') \gset
SELECT id AS sue_id, access_token AS sue
FROM agent_register('sue.idempotency@example.org', 'idempotency sue', 'secret'),
    LATERAL agent_login(email, 'secret') \gset
RESET ROLE;

-- What is created, and the answer to that.
CREATE FUNCTION pg_temp.told(call text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    EXECUTE 'SELECT to_jsonb(a) FROM ' || call || ' AS a' INTO answer;
    RETURN answer;
END
$$;
CREATE TEMP TABLE told (name text PRIMARY KEY, call text, answer jsonb);
GRANT ALL ON told TO agent_user, agent_anon;

SET ROLE agent_anon;
INSERT INTO told VALUES ('account',
    'agent_register(''Tim@IDEMPOTENCY.Example.org'', ''idempotency tim'', ''secret'', ''key of Tim'')');
SET ROLE agent_user;
SET agent.token = :'rex';
INSERT INTO told VALUES ('conversation',
    'agent_conversation_create(''Talk'', ''Hello'', ''{b,a,b}'', ''{"n": 1.50}'', ''key 1'')'),
    ('bare conversation', 'agent_conversation_create(''Bare'', idempotency_key => ''key 2'')');
UPDATE told SET answer = pg_temp.told(call);
INSERT INTO told
SELECT 'message', format('agent_message_create(%L, ''assistant'', ''Grüße 😀'', ''{"tokens": 5}'', ''key 3'')',
    answer ->> 'id') FROM told WHERE name = 'conversation'
UNION ALL SELECT 'bare message', format('agent_message_create(%L, ''user'', ''x'', idempotency_key => ''key 4'')',
    answer ->> 'id') FROM told WHERE name = 'bare conversation';
UPDATE told SET answer = pg_temp.told(call) WHERE answer IS NULL;
SELECT name, jsonb_object_agg(key, CASE WHEN value::text ~ '[0-9a-f]{8}-|T\d\d:' THEN '"*"' ELSE value END)
FROM told, jsonb_each(answer) GROUP BY name ORDER BY name;

-- Asked again they are answered alike, and as what was stored is; nothing is done again.
SELECT name, pg_temp.told(call) = answer AS same FROM told ORDER BY name;
SELECT name, answer - '{updated_at,message_count}'::text[] = to_jsonb(c) - '{updated_at,message_count}'::text[]
FROM told JOIN agent_conversations AS c ON answer ->> 'id' = c.id::text
UNION ALL SELECT name, answer = to_jsonb(m) FROM told JOIN agent_messages AS m ON answer ->> 'id' = m.id::text
ORDER BY name;
SELECT (SELECT count(*) FROM agent_conversations) AS conversations, (SELECT count(*) FROM agent_messages) AS messages;

-- Also when it was changed since, or deleted.
SELECT message_count FROM told, LATERAL agent_conversation_update((answer ->> 'id')::uuid, 'Other', true, true, '{}', '{}')
WHERE name = 'conversation';
SELECT edited_at IS NOT NULL FROM told, LATERAL agent_message_update((answer ->> 'id')::uuid, 'Edited') WHERE name = 'message';
SELECT agent_message_delete((answer ->> 'id')::uuid) FROM told WHERE name = 'bare message';
SELECT name, pg_temp.told(call) = answer AS same FROM told ORDER BY name;
SELECT agent_conversation_delete((answer ->> 'id')::uuid) FROM told WHERE name LIKE '%conversation';
RESET ROLE;
UPDATE agent.users SET username = 'idempotency tom', is_active = false WHERE username = 'idempotency tim';
SET ROLE agent_user;
SELECT name, pg_temp.told(call) = answer AS same FROM told ORDER BY name;
SELECT count(*) FROM agent_conversations;
RESET ROLE;
UPDATE agent.users SET username = 'idempotency tim', is_active = true WHERE username = 'idempotency tom';

-- The account works, and the key is no password of it.
SET ROLE agent_anon;
SELECT access_token AS tim FROM agent_login('tim@idempotency.example.org', 'secret') \gset
SELECT agent_authenticate(:'tim') = (answer ->> 'id')::uuid AS own FROM told WHERE name = 'account';
SELECT pg_temp.login('tim@idempotency.example.org', 'key of Tim');

-- Another request with the same key is refused, whatever it differs in, and does nothing.
SET ROLE agent_user;
SELECT id AS talk FROM agent_conversation_create('Another') \gset
INSERT INTO told
SELECT 'kept message', format('agent_message_create(%L, ''user'', ''x'', idempotency_key => ''key 5'')', :'talk');
UPDATE told SET answer = pg_temp.told(call) WHERE answer IS NULL;
SELECT n, pg_temp.answer('SELECT ' || call) FROM (VALUES
    (1, 'agent_conversation_create(''talk'', ''Hello'', ''{b,a,b}'', ''{"n": 1.50}'', ''key 1'')'),
    (2, 'agent_conversation_create(''Talk'', ''Hello '', ''{b,a,b}'', ''{"n": 1.50}'', ''key 1'')'),
    (3, 'agent_conversation_create(''Talk'', NULL, ''{b,a,b}'', ''{"n": 1.50}'', ''key 1'')'),
    (4, 'agent_conversation_create(''Talk'', ''Hello'', ''{a,b}'', ''{"n": 1.50}'', ''key 1'')'),
    (5, 'agent_conversation_create(''Talk'', ''Hello'', ''{b,a,b}'', ''{"n": 2}'', ''key 1'')'),
    (6, 'agent_conversation_create(''Talk'', ''Hello'', ''{b,a,b}'', NULL, ''key 1'')'),
    (7, 'agent_conversation_create(''TalkHello'', '''', ''{b,a,b}'', ''{"n": 1.50}'', ''key 1'')'),
    (8, 'agent_conversation_create(''Bare'', '''', idempotency_key => ''key 2'')'),
    (9, 'agent_conversation_create(''Bare'', tags => ''{}'', idempotency_key => ''key 2'')'),
    (10, 'agent_conversation_create(''Bare'', idempotency_key => ''key 5'')'),
    (11, format('agent_message_create(%L, ''user'', ''x'', idempotency_key => ''key 2'')', :'talk')),
    (12, format('agent_message_create(%L, ''user'', ''y'', idempotency_key => ''key 5'')', :'talk')),
    (13, format('agent_message_create(%L, ''system'', ''x'', idempotency_key => ''key 5'')', :'talk')),
    (14, format('agent_message_create(%L, ''user'', ''x'', ''{}'', ''key 5'')', :'talk')),
    (15, format('agent_message_create(%L, ''user'', ''x'', idempotency_key => ''key 5'')', gen_random_uuid())),
    (16, 'agent_register(''tim@idempotency.example.org'', ''idempotency tim'', ''secret'', ''key of Tim'')'),
    (17, 'agent_register(''Tim@IDEMPOTENCY.Example.org'', ''idempotency Tim'', ''secret'', ''key of Tim'')'),
    (18, 'agent_register(''Tim@IDEMPOTENCY.Example.org'', ''idempotency tim'', ''secret2'', ''key of Tim'')'))
    AS v (n, call) ORDER BY n;
SELECT message_count FROM agent_conversation_get(:'talk');
-- Keys are compared exactly, so these are others.
SELECT n, pg_temp.told(format('agent_message_create(%L, ''user'', ''x'', NULL, %L)', :'talk', key)) ->> 'seq' AS seq
FROM (VALUES (1, 'KEY 5'), (2, 'key 5 '), (3, '"key 5"'), (4, repeat('密', 200)), (5, E'\n')) AS v (n, key) ORDER BY n;

-- Keys are a person's own: Sue's request of the same key is done, as hers.
SET agent.token = :'sue';
SELECT call IS NOT NULL AS called, pg_temp.told(call) ->> 'user_id' = :'sue_id' AS own, pg_temp.told(call) ->> 'id' <> answer ->> 'id' AS another
FROM told WHERE name = 'bare conversation';
SELECT pg_temp.answer('SELECT ' || call) FROM told WHERE name = 'kept message';
SET agent.token = :'rex';

-- 1 to 200 characters, told with all other faults; without one nothing is remembered.
SELECT n, pg_temp.answer('SELECT ' || call) FROM (VALUES
    (1, 'agent_conversation_create(''x'', idempotency_key => '''')'),
    (2, format('agent_conversation_create('''', idempotency_key => %L)', repeat('密', 201))),
    (3, 'agent_message_create(NULL, ''x'', '''', NULL, '''')'),
    (4, format('agent_register(''x'', ''x'', ''x'', %L)', repeat('x', 1000000)))) AS v (n, call) ORDER BY n;
SELECT count(DISTINCT (agent_conversation_create('x', idempotency_key => NULL)).id) FROM generate_series(1, 3);

-- What failed leaves no key: the same request may be sent again, or another one.
SELECT pg_temp.answer(format('SELECT agent_message_create(%L, ''user'', ''x'', NULL, ''key 6'')', gen_random_uuid()));
SELECT pg_temp.answer('SELECT agent_register(''Sue.idempotency@example.org'', ''idempotency'', ''secret'', ''key of Una'')');
SELECT pg_temp.told(format('agent_message_create(%L, ''user'', ''after a failure'', NULL, ''key 6'')', :'talk')) ->> 'content';
SELECT pg_temp.told('agent_register(''una.idempotency@example.org'', ''idempotency una'', ''secret'', ''key of Una'')') ->> 'username';
BEGIN;
SELECT title FROM agent_conversation_create('Undone', idempotency_key => 'key 7');
ROLLBACK;
SELECT title FROM agent_conversation_create('Done', idempotency_key => 'key 7');
-- Within one transaction, and after a savepoint.
BEGIN;
SELECT id AS once FROM agent_conversation_create('Once', idempotency_key => 'key 8') \gset
SELECT id = :'once' AS same FROM agent_conversation_create('Once', idempotency_key => 'key 8');
SAVEPOINT s;
SELECT id AS undone FROM agent_conversation_create('Undone', idempotency_key => 'key 9') \gset
ROLLBACK TO s;
SELECT id <> :'undone' AS another FROM agent_conversation_create('Undone', idempotency_key => 'key 9');
COMMIT;

-- Over HTTP the header stands for the argument, which comes first where both are there;
-- for a SQL client it is nothing. The status is 201 both times.
BEGIN;
SELECT set_config('request.headers', '{"idempotency-key": "key 10"}', true) \gset
SELECT count(DISTINCT (agent_conversation_create('Header')).id) AS in_sql FROM generate_series(1, 2);
SET LOCAL request.method = 'POST';
SELECT id AS by_header FROM agent_conversation_create('Header') \gset
SELECT current_setting('response.status') AS status, set_config('response.status', '', true) AS status;
SELECT id = :'by_header' AS same, current_setting('response.status') AS status FROM agent_conversation_create('Header');
SELECT id = :'by_header' AS same FROM agent_conversation_create('Header', idempotency_key => 'key 10');
SELECT id = :'by_header' AS same FROM agent_conversation_create('Header', idempotency_key => 'key 11');
SELECT pg_temp.answer('SELECT agent_conversation_create(''Other header'')');
SELECT set_config('request.headers', '{"idempotency-key": ""}', true);
SELECT pg_temp.answer('SELECT agent_conversation_create('''')');
SELECT set_config('request.headers', 'x', true);
SELECT pg_temp.answer('SELECT agent_conversation_create(''x'')');
ROLLBACK;

-- What is stored tells nothing of the request, and nobody reads it.
RESET ROLE;
SELECT count(*) > 10 AS some, bool_and(result_id IS NOT NULL AND result_at IS NOT NULL) AS finished,
    bool_and(user_id IN (:'rex_id', :'sue_id', '00000000-0000-0000-0000-000000000000')) AS of_whom
FROM agent.idempotency_keys;
SELECT count(*) FROM agent.idempotency_keys AS k, unnest(ARRAY['key 1', 'secret', 'Talk', 'Hello', 'tim']) AS word
WHERE strpos(k::text, word) > 0 OR strpos(k::text, encode(sha256(word::bytea), 'hex')) > 0 AND word <> 'key 1';
SELECT role, pg_temp.answer_as(role, 'SELECT FROM agent.idempotency_keys'), pg_temp.answer_as(role, 'DELETE FROM agent.idempotency_keys')
FROM unnest('{agent_anon, agent_user, agent_admin, agent_authenticator}'::name[]) AS role;

-- Keys expire after agent.idempotency_ttl; then the request is done again.
UPDATE agent.idempotency_keys SET created_at = now() - interval '86401 s' WHERE user_id = :'rex_id';
UPDATE agent.idempotency_keys SET created_at = now() - interval '86390 s' WHERE user_id = :'sue_id';
SELECT count(*) AS expired FROM agent.idempotency_keys WHERE user_id = :'rex_id' \gset
SET ROLE agent_user;
SELECT pg_temp.told(call) ->> 'id' <> answer ->> 'id' AS another FROM told WHERE name = 'kept message';
-- Whoever claims a key deletes ten of those that have expired, whosever they are.
RESET ROLE;
SELECT :expired - count(*) AS gone, count(*) FILTER (WHERE created_at > now() - interval '1 h') AS fresh
FROM agent.idempotency_keys WHERE user_id = :'rex_id';
SET ROLE agent_user;
SET agent.token = :'sue';
SELECT title FROM agent_conversation_create('x', idempotency_key => 'key 12');
SELECT title FROM agent_conversation_create('x', idempotency_key => 'key 13');
RESET ROLE;
SELECT user_id = :'sue_id' AS sues, count(*) FROM agent.idempotency_keys
WHERE user_id IN (:'rex_id', :'sue_id') GROUP BY 1 ORDER BY 1;
SET agent.idempotency_ttl = 60;
UPDATE agent.idempotency_keys SET created_at = now() - interval '59 s' WHERE user_id = :'sue_id';
SET ROLE agent_user;
SELECT (agent_conversation_create('x', idempotency_key => 'key 12')).id = c.id AS same
FROM agent_conversations AS c WHERE title = 'x' ORDER BY created_at LIMIT 1;
RESET ROLE;
RESET agent.idempotency_ttl;

-- With the account its keys go, and the one that it was registered with.
SET ROLE agent_anon;
SELECT access_token AS tim FROM agent_login('tim@idempotency.example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'tim';
SELECT title FROM agent_conversation_create('Tim''s', idempotency_key => 'key 1');
SELECT id AS tim_id FROM agent_me() \gset
SELECT agent_account_delete('secret');
RESET agent.token;
RESET ROLE;
SELECT count(*) FROM agent.idempotency_keys WHERE user_id = :'tim_id' OR result_id = :'tim_id';
SET ROLE agent_anon;
SELECT pg_temp.told(call) ->> 'id' <> :'tim_id' AS another FROM told WHERE name = 'account';
RESET ROLE;

DELETE FROM agent.users WHERE username LIKE 'idempotency %';
DELETE FROM agent.idempotency_keys;
