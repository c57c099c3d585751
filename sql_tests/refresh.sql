-- Refresh tokens, logout, change of password, deletion of the account.
--
-- Catches: a token that can be used twice, one that is made up or of somebody else and is
-- taken, a reuse that ends nothing because its transaction was rolled back, a secret that
-- is stored, a logout or a change of password that leaves a session it should have ended,
-- or ends one that it should not.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
\pset null -

-- What a call with a refresh token gives: which token it is, or the error.
CREATE TEMP TABLE tokens (name text, refresh_token text, access_token text);
GRANT ALL ON tokens TO agent_anon, agent_user;
CREATE FUNCTION pg_temp.refresh(wanted text, new text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pair agent_token;
BEGIN
    pair := agent_refresh((SELECT refresh_token FROM tokens WHERE name = wanted));
    INSERT INTO tokens SELECT new, pair.refresh_token, pair.access_token
    WHERE NOT EXISTS (SELECT FROM tokens WHERE refresh_token = pair.refresh_token);
    RETURN format('%s, %s, %s s', (SELECT name FROM tokens WHERE refresh_token = pair.refresh_token),
        pair.token_type, pair.expires_in);
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s %s', SQLSTATE, SQLERRM);
END
$$;
CREATE FUNCTION pg_temp.caller(wanted text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('agent.token', (SELECT access_token FROM tokens WHERE name = wanted), true);
    RETURN (SELECT username FROM agent_users);
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s %s', SQLSTATE, SQLERRM);
END
$$;
CREATE FUNCTION pg_temp.sessions(person text) RETURNS TABLE (live bigint, ended bigint) LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE ended_at IS NULL), count(ended_at)
    FROM agent.sessions AS s JOIN agent.users AS u ON u.id = s.user_id WHERE username = person;
$$;

SET ROLE agent_anon;
SELECT FROM agent_register('rita.refresh@example.org', 'refresh rita', 'secret');
SELECT FROM agent_register('raul.refresh@example.org', 'refresh raul', 'secret');
INSERT INTO tokens SELECT 'first', refresh_token, access_token
FROM agent_login('rita.refresh@example.org', 'secret');
INSERT INTO tokens SELECT 'raul', refresh_token, access_token
FROM agent_login('raul.refresh@example.org', 'secret');
SELECT name, refresh_token ~ '^agr_[0-9a-f]{168}$' AS form FROM tokens ORDER BY name;

-- Each use gives the next one; the one just used gives the same again, for a while.
SELECT pg_temp.refresh('first', 'second');
SELECT pg_temp.refresh('first', 'other');
SELECT pg_temp.refresh('second', 'third');
SELECT pg_temp.refresh('second', 'other');
SET ROLE agent_user;
SELECT name, pg_temp.caller(name) FROM tokens ORDER BY name;
SELECT set_config('agent.token', access_token, false) IS NULL AS "set" FROM tokens WHERE name = 'third';
-- Preloaded, the library may have noted a use meanwhile.
SELECT is_current, user_agent, current_setting('agent.session_ttl')::interval - (expires_at - last_used_at)
    BETWEEN interval '0' AND interval '1 minute' AS ttl,
    last_used_at > created_at AS refreshed FROM agent_sessions;
RESET agent.token;
RESET ROLE;

-- Neither the token nor its secret is stored, nor what it was made of.
SELECT count(*) AS stored FROM agent.sessions AS s, tokens AS t
WHERE strpos(s::text, substr(t.refresh_token, 69, 64)) > 0;
SELECT bool_or(has_column_privilege('agent_user', 'agent.sessions', attname, 'SELECT')) AS readable
FROM pg_attribute WHERE attrelid = 'agent.sessions'::regclass AND attname LIKE 'refresh\_%';

-- What was made up ends nothing, however near it comes: another form, another account's or
-- session's id, a secret or a tag one bit off.
CREATE FUNCTION pg_temp.changed(token text, place integer) RETURNS text LANGUAGE sql AS $$
    SELECT overlay(token PLACING CASE substr(token, place, 1) WHEN '0' THEN '1' ELSE '0' END FROM place FOR 1);
$$;
INSERT INTO tokens SELECT 'bad ' || n, bad FROM tokens,
    unnest(ARRAY['', 'agr_', refresh_token || '0', left(refresh_token, 171), upper(refresh_token),
        'x' || substr(refresh_token, 2), overlay(refresh_token PLACING 'g' FROM 100 FOR 1), access_token,
        pg_temp.changed(refresh_token, 5), pg_temp.changed(refresh_token, 68),
        pg_temp.changed(refresh_token, 69), pg_temp.changed(refresh_token, 132),
        pg_temp.changed(refresh_token, 140), pg_temp.changed(refresh_token, 141),
        pg_temp.changed(refresh_token, 172),
        'agr_' || (SELECT substr(refresh_token, 5, 64) FROM tokens WHERE name = 'raul') || substr(refresh_token, 69)])
    WITH ORDINALITY AS b (bad, n) WHERE name = 'third';
SET ROLE agent_anon;
SELECT pg_temp.refresh(name, 'none') AS answer, count(*) FROM tokens WHERE name LIKE 'bad%' GROUP BY 1;
SELECT pg_temp.answer('SELECT agent_refresh(NULL)');
RESET ROLE;
SELECT * FROM pg_temp.sessions('refresh rita');
SELECT * FROM pg_temp.sessions('refresh raul');

-- An older one ends the session, although the call fails and is rolled back; nobody else's.
SET ROLE agent_anon;
BEGIN;
SELECT pg_temp.refresh('first', 'none');
ROLLBACK;
SELECT pg_temp.refresh('third', 'none');
SET ROLE agent_user;
SELECT name, pg_temp.caller(name) FROM tokens WHERE name IN ('third', 'raul') ORDER BY name;
RESET ROLE;
SELECT * FROM pg_temp.sessions('refresh rita');
SELECT * FROM pg_temp.sessions('refresh raul');

-- Once the interval is over, the one before counts as old too.
DELETE FROM tokens WHERE name <> 'raul';
INSERT INTO tokens SELECT 'first', refresh_token, access_token
FROM agent_login('rita.refresh@example.org', 'secret');
SELECT pg_temp.refresh('first', 'second');
UPDATE agent.sessions SET last_used_at = last_used_at - interval '9 s' WHERE ended_at IS NULL;
SELECT pg_temp.refresh('first', 'none');
UPDATE agent.sessions SET last_used_at = last_used_at - interval '2 s' WHERE ended_at IS NULL;
SELECT pg_temp.refresh('first', 'none');
SELECT pg_temp.refresh('second', 'none');
SELECT * FROM pg_temp.sessions('refresh rita');

-- A token of a transaction that was taken back is worth nothing, and ends nothing; asked
-- again, it is the same that comes.
INSERT INTO tokens SELECT 'r1', refresh_token, access_token
FROM agent_login('rita.refresh@example.org', 'secret');
BEGIN;
SELECT refresh_token AS lost FROM agent_refresh((SELECT refresh_token FROM tokens WHERE name = 'r1')) \gset
ROLLBACK;
INSERT INTO tokens VALUES ('lost', :'lost');
SELECT pg_temp.refresh('lost', 'none');
SELECT pg_temp.refresh('r1', 'r2');
-- With no interval a token is good once: the second use ends the session.
SET agent.refresh_grace = 0;
SELECT pg_temp.refresh('r1', 'none');
RESET agent.refresh_grace;
SELECT pg_temp.refresh('lost', 'none');

-- A refresh never makes a session shorter than its access token.
SET agent.session_ttl = 60;
INSERT INTO tokens SELECT 's1', refresh_token, access_token
FROM agent_login('rita.refresh@example.org', 'secret');
SELECT pg_temp.refresh('s1', 's2');
SELECT max(expires_at - last_used_at) AS lasts FROM agent.sessions WHERE ended_at IS NULL AND refresh_generation = 1;
UPDATE agent.sessions SET ended_at = now() WHERE ended_at IS NULL AND refresh_generation = 1;
RESET agent.session_ttl;

-- A key that is rotated meanwhile does not matter; one that is deleted costs the repetition.
INSERT INTO tokens SELECT 'k1', refresh_token, access_token
FROM agent_login('rita.refresh@example.org', 'secret');
SELECT pg_temp.refresh('k1', 'k2');
SELECT FROM agent_key_rotate();
SELECT pg_temp.refresh('k1', 'none');
SELECT pg_temp.refresh('k2', 'k3');
BEGIN;
DELETE FROM agent.signing_keys WHERE retires_at IS NULL;
SELECT pg_temp.refresh('k2', 'none');
ROLLBACK;
SELECT pg_temp.refresh('k3', 'k4');

-- An expired session, a deactivated account, a deleted one.
UPDATE agent.sessions SET expires_at = now() - interval '1 s' WHERE ended_at IS NULL;
SELECT pg_temp.refresh('k4', 'none');
UPDATE agent.sessions SET expires_at = now() + interval '1 day' WHERE ended_at IS NULL;
UPDATE agent.users SET is_active = false WHERE username = 'refresh rita';
SELECT pg_temp.refresh('k4', 'none');
UPDATE agent.users SET is_active = true WHERE username = 'refresh rita';
SELECT pg_temp.refresh('k4', 'k5');

-- Logout: this session, the others, all; what is not known ends none.
INSERT INTO tokens SELECT 'b' || n, refresh_token, access_token
FROM generate_series(1, 3) AS n, agent_login(concat('rita.refresh@example.org', left(n::text, 0)), 'secret');
CREATE FUNCTION pg_temp.as_caller(wanted text, command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('agent.token', (SELECT access_token FROM tokens WHERE name = wanted), true);
    RETURN pg_temp.answer(command);
END
$$;
SET ROLE agent_user;
SELECT pg_temp.as_caller('b1', $$SELECT agent_logout('everything')$$);
SELECT pg_temp.as_caller('b1', 'SELECT agent_logout()');
SELECT name, pg_temp.caller(name), pg_temp.refresh(name, 'none') AS refresh FROM tokens WHERE name = 'b1';
SELECT name, pg_temp.caller(name) FROM tokens WHERE name IN ('b2', 'b3', 'k5') ORDER BY name;
SELECT pg_temp.as_caller('b2', $$SELECT agent_logout('others')$$);
SELECT name, pg_temp.caller(name) FROM tokens WHERE name IN ('b2', 'b3', 'k5', 'raul') ORDER BY name;
SELECT pg_temp.as_caller('b2', 'SELECT agent_logout(NULL)');
SELECT name, pg_temp.caller(name) FROM tokens WHERE name IN ('b2', 'raul') ORDER BY name;
RESET ROLE;
INSERT INTO tokens SELECT 'c' || n, refresh_token, access_token
FROM generate_series(1, 2) AS n, agent_login(concat('rita.refresh@example.org', left(n::text, 0)), 'secret');
SET ROLE agent_user;
SELECT pg_temp.as_caller('c1', $$SELECT agent_logout('global')$$);
SELECT name, pg_temp.caller(name) FROM tokens WHERE name IN ('c1', 'c2', 'raul') ORDER BY name;
RESET ROLE;

-- A change of password: the old one must be right, the new one long enough; the caller's
-- session goes on, and it alone.
INSERT INTO tokens SELECT 'd' || n, refresh_token, access_token
FROM generate_series(1, 2) AS n, agent_login(concat('rita.refresh@example.org', left(n::text, 0)), 'secret');
SET ROLE agent_user;
SELECT pg_temp.as_caller('d1', $$SELECT agent_password_change('wrong', 'another')$$);
SELECT pg_temp.as_caller('d1', $$SELECT agent_password_change('secret', 'short')$$);
SELECT pg_temp.as_caller('d1', $$SELECT agent_password_change(NULL, NULL)$$);
SELECT name, pg_temp.caller(name) FROM tokens WHERE name IN ('d1', 'd2') ORDER BY name;
SELECT pg_temp.as_caller('d1', $$SELECT agent_password_change('secret', 'another')$$);
SELECT name, pg_temp.caller(name) FROM tokens WHERE name IN ('d1', 'd2', 'raul') ORDER BY name;
SET ROLE agent_anon;
SELECT pg_temp.answer($$SELECT agent_login('rita.refresh@example.org', 'secret')$$);
SELECT pg_temp.answer($$SELECT agent_login('rita.refresh@example.org', 'another')$$);

-- The account goes with all that is in it, at the right password only.
SET ROLE agent_user;
SELECT pg_temp.as_caller('d1', $$SELECT agent_conversation_create('Talk', 'Hello')$$);
SELECT pg_temp.as_caller('d1', $$SELECT agent_account_delete('secret')$$);
SELECT pg_temp.caller('d1');
RESET ROLE;
CREATE TABLE regress_notes (user_id uuid REFERENCES agent.users (id));
INSERT INTO regress_notes SELECT id FROM agent.users WHERE username = 'refresh rita';
SET ROLE agent_user;
SELECT pg_temp.as_caller('d1', $$SELECT agent_account_delete('another')$$);
RESET ROLE;
DROP TABLE regress_notes;
SET ROLE agent_user;
SELECT pg_temp.as_caller('d1', $$SELECT agent_account_delete('another')$$);
SELECT pg_temp.caller('d1');
SELECT pg_temp.refresh('d1', 'none');
SELECT pg_temp.caller('raul');
RESET ROLE;
SELECT count(*) AS users FROM agent.users WHERE username = 'refresh rita';
SELECT count(*) AS orphans FROM agent.conversations WHERE user_id NOT IN (SELECT id FROM agent.users);
SET ROLE agent_anon;
SELECT pg_temp.answer($$SELECT agent_login('rita.refresh@example.org', 'another')$$);
RESET ROLE;

-- The classic paths: a login gives a refresh token when asked to, and nothing more otherwise.
CREATE FUNCTION pg_temp.http(method text, path text, wanted text, body text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        convert_from(body, 'UTF8'), 'agr_[0-9a-f]{168}', 'REFRESH', 'g'), 'eyJ[\w.-]+', 'ACCESS', 'g'),
        '\d{4}-[\dT:.-]+\+00:00', 'TIME', 'g'), '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID', 'g'))
    FROM agent_http(method, path, '', jsonb_strip_nulls(jsonb_build_object('user-agent', 'test',
        'authorization', 'Bearer ' || (SELECT access_token FROM tokens WHERE name = wanted))),
        convert_to(body, 'UTF8'));
$$;
SELECT body, pg_temp.http('POST', '/auth/login', NULL,
    '{"email": "raul.refresh@example.org", "password": "secret"' || body)
FROM unnest(ARRAY['}', ', "refresh": true}', ', "refresh": "no"}', ', "refresh": null}', ', "refresh": 2}']) AS body;
SELECT pg_temp.http('POST', '/auth/refresh', NULL, json_build_object('refresh_token', refresh_token)::text)
FROM tokens WHERE name = 'raul';
SELECT body, pg_temp.http('POST', '/auth/refresh', NULL, body)
FROM unnest(ARRAY['{"refresh_token": "agr_0"}', '{"refresh_token": 5}', '{}', NULL]) AS body;
SELECT pg_temp.http('GET', '/auth/sessions', 'raul', NULL);
SELECT pg_temp.http('POST', '/auth/logout', 'raul', '{"scope": "all"}');
SELECT pg_temp.http('POST', '/auth/logout', 'raul', '{"scope": "others"}');
SELECT pg_temp.http('GET', '/auth/sessions', 'raul', NULL);
SELECT pg_temp.http('POST', '/auth/password', 'raul', '{"current_password": "hush", "new_password": "hush"}');
SELECT pg_temp.http('POST', '/auth/password', 'raul', '{"current_password": "hush", "new_password": "hush hush"}');
SELECT pg_temp.http('POST', '/auth/password', 'raul', '{"current_password": "secret", "new_password": "hush hush"}');
SELECT pg_temp.http('DELETE', '/auth/me', 'raul', '{"password": "secret"}');
SELECT pg_temp.http('POST', '/auth/logout', NULL, NULL);
SELECT pg_temp.http('POST', '/auth/logout', 'raul', NULL);
SELECT pg_temp.http('POST', '/auth/logout', 'raul', NULL);
