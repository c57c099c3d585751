-- PostgREST: the settings that the database hands over, the keys among them.
--
-- Catches: a key set that PostgREST cannot read or that lacks a key still in use, keys
-- that reach anybody else, settings that outlive the transaction.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Whoever may call it may read the keys: agent_authenticator alone, as it logs in, and not
-- what it becomes for a request.
SELECT role, pg_temp.answer_as(role, 'SELECT agent_postgrest_config()') AS answer
FROM unnest('{agent_authenticator, agent_anon, agent_user, agent_admin}'::name[]) AS role
ORDER BY role;
SET SESSION AUTHORIZATION agent_authenticator;
SET ROLE agent_user;
SELECT pg_temp.answer('SELECT agent_postgrest_config()');
RESET ROLE;
BEGIN;
SELECT agent_postgrest_config();
RESET SESSION AUTHORIZATION;

-- What it sets, for this transaction.
SELECT name, current_setting(name, true) AS value
FROM unnest(ARRAY['pgrst.db_schemas', 'pgrst.db_anon_role', 'pgrst.db_max_rows',
    'pgrst.db_pre_request']) AS name
ORDER BY name;

-- The keys are a JWK set: every key that may verify, the one that signs first, with its own
-- 32 bytes in base64url, without padding.
CREATE FUNCTION pg_temp.keys()
RETURNS TABLE (number bigint, members text, kty text, alg text, kid uuid, k text)
LANGUAGE sql AS $$
    SELECT number, (SELECT string_agg(m, ', ' ORDER BY m) FROM json_object_keys(key) AS m),
        key ->> 'kty', key ->> 'alg', (key ->> 'kid')::uuid, key ->> 'k'
    FROM json_array_elements(current_setting('pgrst.jwt_secret')::json -> 'keys')
        WITH ORDINALITY AS e (key, number)
$$;
CREATE FUNCTION pg_temp.compared()
RETURNS TABLE (members text, kty text, alg text, spelling boolean, same_secret boolean,
    signs boolean) LANGUAGE sql AS $$
    SELECT members, kty, alg, k ~ '^[A-Za-z0-9_-]{43}$',
        decode(translate(k, '-_', '+/') || '=', 'base64') = secret, s.retires_at IS NULL
    FROM pg_temp.keys() LEFT JOIN agent.signing_keys AS s USING (kid) ORDER BY number
$$;
SELECT key, json_typeof(value) FROM json_each(current_setting('pgrst.jwt_secret')::json);
SELECT * FROM pg_temp.compared() LIMIT 1;
SELECT array_agg(kid ORDER BY kid) = (SELECT array_agg(kid ORDER BY kid) FROM agent.signing_keys
    WHERE retires_at IS NULL OR retires_at > now()) AS all_keys
FROM pg_temp.keys();
COMMIT;

-- With the transaction the settings are gone.
SELECT coalesce(current_setting('pgrst.jwt_secret', true), '') AS jwt_secret,
    coalesce(current_setting('pgrst.db_schemas', true), '') AS db_schemas;

-- After a rotation both keys are there, the new one first; a retired one is not.
BEGIN;
DELETE FROM agent.signing_keys WHERE retires_at IS NOT NULL;
SELECT agent_key_rotate() AS new_kid \gset
SET LOCAL ROLE agent_authenticator;
SELECT agent_postgrest_config();
RESET ROLE;
SELECT number, kid = :'new_kid' AS new FROM pg_temp.keys() ORDER BY number;
SELECT * FROM pg_temp.compared();
UPDATE agent.signing_keys SET retires_at = clock_timestamp() WHERE kid <> :'new_kid';
SELECT agent_postgrest_config();
SELECT number, kid = :'new_kid' AS new FROM pg_temp.keys() ORDER BY number;
ROLLBACK;

-- Bytes that base64 and base64url write differently come out right.
BEGIN;
UPDATE agent.signing_keys SET secret = decode(repeat('fbff', 16), 'hex') WHERE retires_at IS NULL;
SELECT agent_postgrest_config();
SELECT spelling, same_secret FROM pg_temp.compared() WHERE signs;
ROLLBACK;

-- The most rows of an answer follow the setting; 0 sets no limit at all.
BEGIN;
SET LOCAL agent.postgrest_max_rows = 7;
SELECT agent_postgrest_config();
SELECT current_setting('pgrst.db_max_rows');
ROLLBACK;
BEGIN;
SET LOCAL agent.postgrest_max_rows = 0;
SELECT agent_postgrest_config();
SELECT coalesce(current_setting('pgrst.db_max_rows', true), '') AS max_rows;
ROLLBACK;

-- A request begins with the server's functions before anybody's, and with row security on,
-- whatever the role's defaults say; for that transaction alone.
SET search_path = pg_temp, pg_catalog;
SET row_security = off;
BEGIN;
SET LOCAL ROLE agent_anon;
SELECT public.agent_postgrest_request();
SHOW search_path;
SHOW row_security;
COMMIT;
SHOW search_path;
RESET search_path;
RESET row_security;

-- PostgREST repeats a transaction that failed to serialize for ever: it is told otherwise,
-- and a SQL client, who repeats it too, is not.
SET agent.password_hash_cost = 10;
SELECT FROM agent_register('pia.postgrest@example.org', 'postgrest pia', 'secret');
SELECT access_token AS pia FROM agent_login('pia.postgrest@example.org', 'secret') \gset
CREATE FUNCTION agent.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'not now' USING ERRCODE = '40001';
END
$$;
CREATE TRIGGER fail BEFORE INSERT ON agent.conversations FOR EACH ROW EXECUTE FUNCTION agent.fail();
SET ROLE agent_user;
SET agent.token = :'pia';
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT agent_conversation_create('x');
SET request.method = 'POST';
SELECT agent_conversation_create('x');
RESET request.method;
RESET ROLE;
\set VERBOSITY terse
DROP TRIGGER fail ON agent.conversations;
DROP FUNCTION agent.fail();
