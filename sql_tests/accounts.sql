-- Accounts: who can register, who can log in, and what a refusal tells.
--
-- Catches: two accounts for one address, a password that is cut off, a login
-- that goes on working, a refusal that tells whether an address is known.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Everything here is done as the web does it: by a role that may call functions.
SET ROLE agent_anon;

-- An account is these five columns and no more: a new one must not slip out.
SELECT * FROM agent_register('', '', '') \gdesc
SELECT * FROM agent_login('', '') \gdesc

-- The local part of an address is kept as given; the domain is stored in lower case.
SELECT id AS anna_id, email, username, is_active, now() - created_at < interval '1 minute' AS fresh
FROM agent_register('Anna.Accounts@Example.ORG', 'accounts anna', 'correct horse') \gset
\echo :email / :username / :is_active / :fresh

-- login: a bearer token, good for as long as the setting says.
SELECT access_token AS anna, token_type,
    expires_in = extract(epoch FROM current_setting('agent.access_token_ttl')::interval) AS as_set
FROM agent_login('anna.accounts@example.org', 'correct horse') \gset
\echo :token_type / :as_set

-- me: the very row that register returned.
SET ROLE agent_user;
SET agent.token = :'anna';
SELECT id = :'anna_id' AS same_id, email, username, is_active FROM agent_me();
RESET agent.token;
SET ROLE agent_anon;

-- One person, one account, however they write their address: in capitals, in
-- another script, composed or decomposed, with a letter whose capital has no
-- composed form (J and a caron), with the sigma that ends a Greek word.
SELECT n, pg_temp.register(first, 'accounts twin ' || n, 'secret') AS first,
    pg_temp.register(second, 'accounts double ' || n, 'secret') AS second
FROM (VALUES
    (1, 'twin.accounts@example.org', 'TWIN.ACCOUNTS@EXAMPLE.ORG'),
    (2, 'Ärger.accounts@example.org', 'äRGER.ACCOUNTS@example.org'),
    (3, 'иван@пример.рф', 'ИВАН@ПРИМЕР.РФ'),
    (4, U&'caf\00E9.accounts@example.org', U&'CAFE\0301.accounts@example.org'),
    (5, U&'\01F0.accounts@example.org', U&'J\030C.accounts@example.org'),
    (6, 'νικος@example.org', 'ΝΙΚΟΣ@example.org')) AS v (n, first, second) ORDER BY n;

-- A letter that only looks alike is another address.
SELECT pg_temp.register(U&'tw\0131n.accounts@example.org', 'accounts dotless', 'secret');

-- Usernames are compared exactly; when both are taken the address is named first.
SELECT pg_temp.register('anna2.accounts@example.org', 'accounts Anna', 'secret');
SELECT pg_temp.register('anna3.accounts@example.org', 'accounts anna', 'secret');
SELECT pg_temp.register('ANNA.accounts@example.org', 'accounts anna', 'secret');

-- What an address is known by is in lower case and composed, in every row.
RESET ROLE;
SELECT count(*) FROM agent.users WHERE email_key IS NOT NFC NORMALIZED;
SET ROLE agent_anon;

-- A password is all of its characters: bcrypt alone reads 72 bytes and stops.
SELECT pg_temp.register('long.accounts@example.org', 'accounts long',
    repeat('密', 24) || 'A');
SELECT n, pg_temp.login('long.accounts@example.org', password)
FROM (VALUES (1, repeat('密', 24) || 'A'), (2, repeat('密', 24) || 'B'), (3, repeat('密', 24)),
    (4, repeat('密', 24) || 'AA'), (5, repeat('密', 24) || 'a')) AS v (n, password) ORDER BY n;

-- A login that cannot be right is wrong, not malformed.
SELECT n, pg_temp.login(email, password)
FROM (VALUES (1, '', ''), (2, 'no address', 'x'), (3, 'anna.accounts@example.org', ''),
    (4, 'anna.accounts@example.org', 'Correct horse'),
    (5, 'anna.accounts@example.org', 'correct horse '),
    (6, 'anna.accounts@example.org ', 'correct horse'), (7, repeat('a', 1000000), 'x'),
    (8, 'ANNA.ACCOUNTS@EXAMPLE.ORG', 'correct horse')) AS v (n, email, password) ORDER BY n;

-- The stored hash is what other programs know as bcrypt_sha256, version 2: here
-- it is computed again with nothing but pgcrypto. Salts differ from row to row.
RESET ROLE;
SELECT count(*) FILTER (WHERE password_hash !~
        '^\$bcrypt-sha256\$v=2,t=2b,r=10\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31}$') AS odd,
    count(*) = count(DISTINCT split_part(password_hash, '$', 4)) AS salts_differ
FROM agent.users WHERE username LIKE 'accounts %';
SELECT digest = right(crypt(encode(hmac('correct horse', salt, 'sha256'), 'base64'),
    '$2a$10$' || salt), 31) AS recomputed
FROM agent.users, split_part(password_hash, '$', 4) AS salt,
    split_part(password_hash, '$', 5) AS digest
WHERE id = :'anna_id';

-- A stored hash of any other form lets nobody in, and DES is never fallen back to. (Bcrypt
-- as it is, of another application, is in admin.)
CREATE FUNCTION pg_temp.login_against(hash text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE agent.users SET password_hash = hash WHERE username = 'accounts Anna';
    RETURN pg_temp.login('anna2.accounts@example.org', 'secret');
END
$$;
SELECT n, pg_temp.login_against(hash)
FROM (VALUES (1, ''), (2, 'secret'), (3, crypt('secret', gen_salt('des'))),
    (4, replace(crypt('secret', gen_salt('bf', 4)), '$2a$', '$2x$')),
    (5, '$bcrypt-sha256$v=2,t=2b,r=10$' || repeat('.', 22) || '$' || repeat('.', 31)),
    (6, '$bcrypt-sha256$v=2,t=2b,r=1x$' || repeat('.', 22) || '$' || repeat('.', 31)))
    AS v (n, hash) ORDER BY n;

-- A deactivated account says so after the right password only.
UPDATE agent.users SET is_active = false WHERE id = :'anna_id';
SET ROLE agent_anon;
SELECT pg_temp.login('anna.accounts@example.org', 'correct horse');
SELECT pg_temp.login('anna.accounts@example.org', 'wrong');
SET ROLE agent_user;
SET agent.token = :'anna';
SELECT pg_temp.answer('SELECT agent_me()');

-- A deleted account: nobody, to its token and to its password; the address is free again.
RESET ROLE;
DELETE FROM agent.users WHERE id = :'anna_id';
SET ROLE agent_user;
SELECT pg_temp.answer('SELECT agent_me()');
SET ROLE agent_anon;
SELECT pg_temp.login('anna.accounts@example.org', 'correct horse');
SELECT pg_temp.register('anna.accounts@example.org', 'accounts anna', 'other secret');
RESET agent.token;

-- Nothing in the answer tells an unknown address from a wrong password: not the
-- error, in any of its parts, and not the time.
CREATE FUNCTION pg_temp.refusal(email text, OUT error text, OUT seconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
    began timestamptz := clock_timestamp();
BEGIN
    PERFORM agent_login(email, 'wrong');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    error := format('%s/%s/%s/%s', SQLSTATE, SQLERRM, detail, hint);
    seconds := extract(epoch FROM clock_timestamp() - began);
END
$$;
SELECT count(DISTINCT error) AS errors, min(error) AS error,
    min(seconds) FILTER (WHERE NOT known) BETWEEN min(seconds) FILTER (WHERE known) / 3
        AND min(seconds) FILTER (WHERE known) * 3 AS same_time
FROM generate_series(1, 5),
    LATERAL (VALUES (true, 'long.accounts@example.org'),
        (false, 'nobody.accounts@example.org')) AS v (known, email),
    LATERAL pg_temp.refusal(email);

-- A login that writes nothing would take a password out of a URL: register and
-- login refuse a read-only transaction.
BEGIN READ ONLY;
SELECT pg_temp.register('read.accounts@example.org', 'accounts read', 'secret');
SELECT pg_temp.login('long.accounts@example.org', repeat('密', 24) || 'A');
ROLLBACK;

-- What was rolled back was never registered.
BEGIN;
SELECT pg_temp.register('undone.accounts@example.org', 'accounts undone', 'secret');
ROLLBACK;
SELECT pg_temp.login('undone.accounts@example.org', 'secret');

RESET ROLE;
