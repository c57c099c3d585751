-- Administration: accounts taken over from another application, deactivated, searched;
-- sessions ended; what is old purged.
--
-- Catches: a hash that would be checked by something else than bcrypt, one that no longer
-- opens after it was imported, or stays as it is after a login, a call by whom it is not for.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Hashes that bcrypt of other programs makes of known passwords: $2a$, $2b$ and $2y$ are the
-- same algorithm. Beyond 72 bytes it reads nothing, as the application that made it did.
CREATE TEMP TABLE hashes (name text, password text, hash text);
INSERT INTO hashes SELECT 'admin ' || n, password, overlay(crypt(password, gen_salt('bf', cost))
    PLACING prefix FROM 1 FOR 4) FROM (VALUES (1, 'correct horse', 4, '$2a$'), (2, 'correct horse', 5, '$2b$'),
    (3, '密碼是這樣', 4, '$2y$'), (4, repeat('x', 80), 4, '$2b$')) AS h (n, password, cost, prefix);
GRANT SELECT ON hashes TO agent_admin, agent_anon;

SET ROLE agent_admin;
SELECT username, is_active, created_at > now() - interval '1 minute' AS new
FROM hashes, LATERAL agent_user_import(replace(name, ' ', '-') || '@admin.example.org', name, hash) ORDER BY username;
SELECT email, is_active, created_at AT TIME ZONE 'UTC' AS created_at FROM agent_user_import('old@Admin.example.org', 'admin old',
    (SELECT hash FROM hashes WHERE name = 'admin 1'), false, '2020-02-02 02:02:02+00');

-- They open at their password alone, and are in our form and at our cost afterwards.
SET ROLE agent_anon;
SELECT name, pg_temp.answer(format('SELECT agent_login(%L, %L)', replace(name, ' ', '-') || '@admin.example.org', password || 'x'))
FROM hashes WHERE name <> 'admin 4' ORDER BY name;
SELECT name, pg_temp.answer(format('SELECT agent_login(%L, %L)', replace(name, ' ', '-') || '@admin.example.org', password))
FROM hashes ORDER BY name;
RESET ROLE;
SELECT username, regexp_replace(password_hash, '\$[./A-Za-z0-9]{22}.*', '') AS form FROM agent.users WHERE username LIKE 'admin %' ORDER BY username;
SET ROLE agent_anon;
SELECT name, pg_temp.answer(format('SELECT agent_login(%L, %L)', replace(name, ' ', '-') || '@admin.example.org', password))
FROM hashes ORDER BY name;
-- Of the long one bcrypt did not read all: nobody knows whether the rest is right, and it stays.
SELECT pg_temp.answer(format('SELECT agent_login(%L, %L)', 'admin-4@admin.example.org', repeat('x', 79)));
RESET ROLE;
-- A cheaper hash is made anew too, one of today's or dearer is left as it is.
SELECT password_hash AS before FROM agent.users WHERE username = 'admin 1' \gset
SET ROLE agent_anon;
SELECT pg_temp.answer(format('SELECT agent_login(%L, %L)', 'admin-1@admin.example.org', 'correct horse'));
RESET ROLE;
SELECT password_hash = :'before' AS kept FROM agent.users WHERE username = 'admin 1';
SET agent.password_hash_cost = 11;
SET ROLE agent_anon;
SELECT pg_temp.answer(format('SELECT agent_login(%L, %L)', 'admin-1@admin.example.org', 'correct horse'));
RESET ROLE;
SELECT regexp_replace(password_hash, '\$[./A-Za-z0-9]{22}.*', '') AS form FROM agent.users WHERE username = 'admin 1';
SET agent.password_hash_cost = 10;
SET ROLE agent_anon;
SELECT pg_temp.answer(format('SELECT agent_login(%L, %L)', 'admin-1@admin.example.org', 'correct horse'));
RESET ROLE;
SELECT regexp_replace(password_hash, '\$[./A-Za-z0-9]{22}.*', '') AS form FROM agent.users WHERE username = 'admin 1';

-- What is no bcrypt hash is refused: another algorithm, which pgcrypto would take for DES, a
-- form that is one character off, a cost that would stop the server. The fault tells no hash.
SET ROLE agent_admin;
SELECT DISTINCT pg_temp.answer(format('SELECT agent_user_import(%L, %L, %L)', 'bad@admin.example.org', 'bad', bad))
FROM (SELECT hash FROM hashes WHERE name = 'admin 2') AS h, unnest(ARRAY['', 'x', 'correct horse', 'rl.3StKT.4T8M',
    '$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', left(hash, 59), hash || 'x',
    replace(hash, '$2b$', '$2x$'), replace(hash, '$2b$', '$2$'), replace(hash, '$05$', '$5$$'), replace(hash, '$05$', '$03$'),
    replace(hash, '$05$', '$16$'), replace(hash, '$05$', '$31$'), overlay(hash PLACING '!' FROM 10 FOR 1),
    overlay(hash PLACING '=' FROM 60 FOR 1), overlay(hash PLACING 'b' FROM 29 FOR 1), overlay(hash PLACING 'b' FROM 60 FOR 1), '$bcrypt-sha256$v=2,t=2b,r=12$x$y']) AS bad;
SELECT pg_temp.answer(format('SELECT agent_user_import(NULL, NULL, NULL)'));
SELECT created_at, pg_temp.answer(format('SELECT agent_user_import(%L, %L, %L, true, %L)', 'bad@admin.example.org', 'bad', hash, created_at))
FROM hashes, unnest('{infinity, -infinity, 0001-01-01 BC, 10000-01-01}'::text[]) AS created_at WHERE name = 'admin 1' ORDER BY 1;
SELECT pg_temp.answer(format('SELECT agent_user_import(%L, %L, %L)', email, name, hash)) FROM hashes, unnest(ARRAY[
    'ADMIN-1@admin.example.org', 'new@admin.example.org']) AS email WHERE name = 'admin 1';

-- Found by a part of the address or of the name, whatever stands for more in LIKE.
SELECT username FROM agent_user_list('ADMIN.example.org') ORDER BY username;
SELECT username FROM agent_user_list('min o');
SELECT count(*) AS found FROM agent_user_list('admin_') WHERE username LIKE 'admin%';
SELECT count(*) AS found FROM agent_user_list(repeat('y', 1000000));
SELECT count(*) = (SELECT count(*) FROM agent_user_list(NULL)) AS all FROM agent_user_list();

-- Deactivated and activated again, and a session ended: at the next statement.
RESET ROLE;
SELECT access_token AS token FROM agent_login('admin-1@admin.example.org', 'correct horse') \gset
SELECT id AS admin_1 FROM agent.users WHERE username = 'admin 1' \gset
SELECT (convert_from(decode(translate(split_part(:'token', '.', 2), '-_', '+/') || '==', 'base64'), 'UTF8')::json
    ->> 'sid') AS sid \gset
SET agent.token = :'token';
SET ROLE agent_admin;
SELECT username, is_active FROM agent_user_set_active(:'admin_1', false);
SET ROLE agent_user;
SELECT pg_temp.answer('SELECT agent_me()');
SET ROLE agent_admin;
SELECT username, is_active FROM agent_user_set_active(:'admin_1', true);
SET ROLE agent_user;
SELECT pg_temp.answer('SELECT agent_me()');
SET ROLE agent_admin;
SELECT agent_session_end(:'sid');
SET ROLE agent_user;
SELECT pg_temp.answer('SELECT agent_me()');
SET ROLE agent_admin;
SELECT pg_temp.answer(format('SELECT agent_session_end(%L)', :'sid'));
SELECT pg_temp.answer('SELECT agent_session_end(gen_random_uuid())');
SELECT pg_temp.answer('SELECT agent_session_end(NULL)');
SELECT pg_temp.answer('SELECT agent_user_set_active(gen_random_uuid(), true)');
SELECT pg_temp.answer('SELECT agent_user_set_active(NULL, NULL)');
RESET ROLE;
RESET agent.token;

-- For nobody else.
SELECT role, count(*) AS refused FROM unnest('{agent_anon, agent_user, agent_authenticator}'::name[]) AS role, unnest(ARRAY[
    'agent_user_import(NULL, NULL, NULL)', 'agent_user_set_active(NULL, NULL)', 'agent_user_list()',
    'agent_session_end(NULL)']) AS call WHERE pg_temp.answer_as(role, 'SELECT ' || call) LIKE '42501%' GROUP BY role ORDER BY role;

-- What is too old is purged with its messages, whosever it is; what was changed since stays.
SET ROLE agent_anon;
SELECT id AS gil_id FROM agent_register('gil.admin@example.org', 'admin gil', 'secret') \gset
SELECT access_token AS gil FROM agent_login('gil.admin@example.org', 'secret') \gset
SELECT id AS hal_id FROM agent_register('hal.admin@example.org', 'admin hal', 'secret') \gset
SELECT access_token AS hal FROM agent_login('hal.admin@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'gil';
SELECT count(*) FROM generate_series(1, 5) AS n, agent_conversation_create('Gil ' || n, 'Private to Gil');
SET agent.token = :'hal';
SELECT count(*) FROM generate_series(1, 2) AS n, agent_conversation_create('Hal ' || n, 'Private to Hal');
RESET agent.token;
RESET ROLE;
UPDATE agent.conversations SET updated_at = now() - interval '40 days' WHERE title IN ('Gil 1', 'Gil 2', 'Gil 3', 'Hal 1');
CREATE FUNCTION pg_temp.left_over() RETURNS TABLE (title text, messages bigint) LANGUAGE sql SECURITY DEFINER AS $$
    SELECT c.title, count(m.id) FROM agent.conversations AS c LEFT JOIN agent.messages AS m ON m.conversation_id = c.id
    WHERE c.title ~ '^(Gil|Hal) ' GROUP BY c.title ORDER BY c.title
$$;
SET ROLE agent_admin;
SELECT agent_purge('41 days'::interval);
SELECT * FROM pg_temp.left_over();
SELECT agent_purge('30 days', 3);
SELECT agent_purge('30 days', 3);
SELECT agent_purge(older_than => '30 days');
SELECT * FROM pg_temp.left_over();
SELECT user_id IS NULL AND session_id IS NULL AS of_nobody, detail = split_part(detail, ' ', 1) || ' by ' || session_user AS by_whom,
    split_part(detail, ' ', 1) AS count
FROM agent_audit WHERE event = 'purge' ORDER BY id DESC LIMIT 4;

-- By these rules.
SELECT n, pg_temp.answer(format('SELECT agent_purge(%L, %L)', age, batch))
FROM (VALUES (1, NULL, 1), (2, '1 day', NULL), (3, NULL, NULL), (4, '-1 second', 1), (5, '-1 month 29 days', 1), (6, '0', 0),
    (7, '1 day', -1), (8, '1 day', 100000), (9, '1 day', 100001), (10, '1000 years', 1), (11, '1000 years 1 month', 1),
    (12, '178000000 years', 1), (13, '-178000000 years', 2147483647), (14, '-100000 months 3000001 days', 1),
    (15, '2147483647 days', 1), (16, '2562047788 hours', 1)) AS v (n, age, batch) ORDER BY n;
BEGIN READ ONLY;
SELECT pg_temp.answer('SELECT agent_purge(''1 day'')');
ROLLBACK;

-- For nobody else, and for agent_admin by this function alone: of conversations they see no
-- row and no title, of messages nothing; nor does somebody who is a person here as well.
RESET ROLE;
CREATE ROLE regress_admin_both IN ROLE agent_admin, agent_user;
SET agent.token = :'hal';
SELECT role, command, pg_temp.answer_as(role, command)
FROM unnest('{agent_anon, agent_user, agent_authenticator}'::name[]) AS role,
    unnest(ARRAY['SELECT agent_purge(''1 day'')', 'SELECT agent.purge(now(), 1)', 'SELECT agent.is_purged(now())']) AS command
ORDER BY role, command;
SELECT command, pg_temp.answer_as('agent_admin', command)
FROM unnest(ARRAY['SELECT agent.purge(now(), 1)', 'SELECT title FROM agent.conversations', 'SELECT tags FROM agent.conversations',
    'SELECT * FROM agent.conversations', 'SELECT FROM agent.messages', 'SELECT content FROM agent.messages',
    'SELECT * FROM agent_conversations', 'SELECT * FROM agent_messages', 'DELETE FROM agent.messages',
    'UPDATE agent.conversations SET title = ''x''', 'UPDATE agent.conversations SET updated_at = now()',
    'INSERT INTO agent.conversations (user_id, id) SELECT gen_random_uuid(), gen_random_uuid()',
    'TRUNCATE agent.conversations CASCADE']) AS command ORDER BY command;
SET ROLE agent_admin;
SELECT count(*) FROM agent.conversations;
SELECT user_id, id, updated_at FROM agent.conversations FOR UPDATE;
UPDATE agent.conversations SET id = id;
DELETE FROM agent.conversations;
RESET ROLE;
SET ROLE regress_admin_both;
SELECT title FROM agent_conversations;
SELECT content FROM agent_messages;
DELETE FROM agent.conversations WHERE user_id = :'gil_id';
RESET ROLE;
RESET agent.token;
SELECT * FROM pg_temp.left_over();

-- A table of somebody else's may refer to what is old.
CREATE TABLE regress_admin_notes (user_id uuid, conversation_id uuid,
    FOREIGN KEY (user_id, conversation_id) REFERENCES agent.conversations (user_id, id));
INSERT INTO regress_admin_notes SELECT user_id, id FROM agent.conversations WHERE title = 'Hal 2';
UPDATE agent.conversations SET updated_at = now() - interval '40 days' WHERE title = 'Hal 2';
SET ROLE agent_admin;
SELECT pg_temp.answer('SELECT agent_purge(''30 days'')');
SELECT agent.is_purged('-infinity'), agent.is_purged('2000-01-01');
RESET ROLE;
DROP TABLE regress_admin_notes;
DROP ROLE regress_admin_both;
DELETE FROM agent.users WHERE id IN (:'gil_id', :'hal_id');
