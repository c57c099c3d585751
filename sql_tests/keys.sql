-- Signing keys: rotated without logging anybody out, and read by nobody.
--
-- Catches: a rotation that ends every session, an old key that verifies for ever,
-- a role that can read a secret and so sign tokens for anybody.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- The kid in the header of a token.
CREATE FUNCTION pg_temp.kid(token text) RETURNS uuid LANGUAGE sql AS $$
    SELECT (convert_from(decode(rpad(part, (length(part) + 3) / 4 * 4, '='), 'base64'),
        'UTF8')::json ->> 'kid')::uuid
    FROM translate(split_part(token, '.', 1), '-_', '+/') AS part
$$;
-- A new database has its key: 32 bytes, not retiring.
SELECT octet_length(secret), retires_at FROM agent.signing_keys WHERE retires_at IS NULL;

SET ROLE agent_anon;
SELECT id AS kim_id FROM agent_register('kim.keys@example.org', 'keys kim', 'secret') \gset
SELECT access_token AS old FROM agent_login('kim.keys@example.org', 'secret') \gset

-- Rotation makes a new key, and the next login signs with it.
SET ROLE agent_admin;
SELECT agent_key_rotate() AS new_kid \gset
SET ROLE agent_anon;
SELECT access_token AS new FROM agent_login('kim.keys@example.org', 'secret') \gset
RESET ROLE;
SELECT pg_temp.kid(:'new') = :'new_kid' AS new_key, pg_temp.kid(:'old') <> :'new_kid' AS old_key;

-- There is one key that signs. The old one retires when the longest-lived token it
-- can have signed has expired: a day, whatever the setting was.
SELECT count(*) FILTER (WHERE retires_at IS NULL) AS signing,
    count(DISTINCT secret) = count(*) AS secrets_differ,
    bool_and(retires_at - (SELECT created_at FROM agent.signing_keys WHERE kid = :'new_kid')
        = interval '1 day') FILTER (WHERE kid = pg_temp.kid(:'old')) AS after_a_day
FROM agent.signing_keys;

-- Tokens of both keys are good.
SET ROLE agent_user;
SET agent.token = :'old';
SELECT agent_uid() = :'kim_id' AS old_token;
SET agent.token = :'new';
SELECT agent_uid() = :'kim_id' AS new_token;
RESET ROLE;

-- Once the old key has retired, its tokens are bad, though it was found good before.
UPDATE agent.signing_keys SET retires_at = clock_timestamp() WHERE kid = pg_temp.kid(:'old');
SET ROLE agent_user;
SET agent.token = :'old';
SELECT agent_uid() = :'kim_id' AS old_token;
SET agent.token = :'new';
SELECT agent_uid() = :'kim_id' AS new_token;
RESET ROLE;

-- The next rotation removes it.
SET ROLE agent_admin;
SELECT agent_key_rotate() <> :'new_kid' AS another;
RESET ROLE;
SELECT count(*) FROM agent.signing_keys WHERE kid = pg_temp.kid(:'old');
SET ROLE agent_user;
SET agent.token = :'old';
SELECT agent_uid() = :'kim_id' AS old_token;
RESET ROLE;

-- A key whose bytes were exchanged verifies nothing that the old bytes signed.
BEGIN;
UPDATE agent.signing_keys SET secret = gen_random_bytes(32) WHERE kid = :'new_kid';
SET LOCAL agent.token = :'new';
SELECT pg_temp.answer('SELECT agent_uid()');
ROLLBACK;

-- A rotation that was rolled back did not happen.
BEGIN;
SELECT agent_key_rotate() AS undone_kid \gset
ROLLBACK;
SELECT count(*) FROM agent.signing_keys WHERE kid = :'undone_kid';

-- Nobody reads a secret: not in a list, not whole, not by its length or its hash,
-- not with an update or a delete that returns it. agent_owner owns the table, and
-- may do what rotation does and no more.
SET agent.token = :'new';
CREATE TEMP TABLE roles AS SELECT rolname FROM pg_roles WHERE rolname LIKE 'agent\_%';
SELECT rolname, command, pg_temp.answer_as(rolname, command) AS answer
FROM roles, unnest(ARRAY['SELECT secret FROM agent.signing_keys',
        'SELECT * FROM agent.signing_keys',
        'SELECT k FROM agent.signing_keys AS k',
        'SELECT FROM agent.signing_keys WHERE octet_length(secret) = 32',
        'SELECT FROM agent.signing_keys ORDER BY secret',
        'UPDATE agent.signing_keys SET retires_at = retires_at RETURNING secret',
        'UPDATE agent.signing_keys SET secret = decode(repeat(''00'', 32), ''hex'')',
        'DELETE FROM agent.signing_keys RETURNING secret',
        'SELECT kid FROM agent.signing_keys']) AS command ORDER BY rolname, command;

-- COPY asks for the same privileges, in both directions.
SET ROLE agent_owner;
COPY agent.signing_keys TO STDOUT;
COPY agent.signing_keys (secret) TO STDOUT;
RESET ROLE;

-- Only agent_admin rotates.
SELECT rolname, pg_temp.answer_as(rolname, 'SELECT agent_key_rotate()') AS answer
FROM roles ORDER BY rolname;

-- Without any key nobody is let in, and the error says what to do.
BEGIN;
DELETE FROM agent.signing_keys;
SELECT pg_temp.answer('SELECT agent_uid()');
SELECT pg_temp.answer('SELECT agent_login(''kim.keys@example.org'', ''secret'')');
ROLLBACK;

RESET agent.token;
