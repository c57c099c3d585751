-- Published vectors: the part of a token's verification that is not ours to define.
--
-- Catches: a signature check that agrees with itself and with nobody else, and the
-- mistakes of other libraries that these cases were collected from. The cases and
-- where they come from are in vectors/wycheproof_jws.sql.

\getenv abs_srcdir PG_ABS_SRCDIR
\set vectors :abs_srcdir '/sql/vectors/wycheproof_jws.sql'
\set ECHO none
\i :vectors
\set ECHO all

-- Opens a token with a given key: its shape, its header and its signature. The
-- extension does not define it, because a key should never be an argument.
CREATE FUNCTION agent_test_token_open(token text, key bytea) RETURNS boolean
AS '$libdir/agent' LANGUAGE C STRICT;

-- All cases are there.
SELECT count(*) AS cases, count(*) FILTER (WHERE accepted) AS to_accept,
    count(*) FILTER (WHERE NOT accepted) AS to_refuse, count(DISTINCT key) AS keys
FROM vectors JOIN keys USING (key);

-- None is answered otherwise than it should be.
SELECT id, comment, accepted AS wanted, NOT accepted AS answered
FROM vectors JOIN keys USING (key)
WHERE agent_test_token_open(token, secret) IS DISTINCT FROM accepted
ORDER BY id;

-- Good tokens are bad with any other key: one bit of it flipped, another case's, one
-- that is a byte short or long.
SELECT change, count(*) AS tried,
    count(*) FILTER (WHERE agent_test_token_open(token, other)) AS accepted
FROM vectors JOIN keys USING (key), LATERAL (
    SELECT 'bit ' || bit % 8 AS change, set_bit(secret, bit, 1 - get_bit(secret, bit)) AS other
        FROM generate_series(0, 255) AS bit
    UNION ALL SELECT 'other key', k.secret FROM keys AS k WHERE k.secret <> keys.secret
    UNION ALL SELECT 'byte short', substr(secret, 1, 31)
    UNION ALL SELECT 'byte long', secret || '\x01'::bytea) AS others
WHERE accepted GROUP BY change ORDER BY change;

-- A key that is short is no key, though the token was rightly signed with it: of no
-- bytes, of one, of 31. 32 bytes are enough.
SELECT length, agent_test_token_open(text || '.' || signature, key) AS accepted
FROM unnest(ARRAY[0, 1, 31, 32, 33]) AS length,
    CAST('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZ2VudCJ9' AS text) AS text,
    LATERAL decode(repeat('5a', length), 'hex') AS key,
    LATERAL rtrim(translate(encode(hmac(text::bytea, key, 'sha256'), 'base64'), '+/', '-_'), '=')
        AS signature
ORDER BY length;

-- Without a signature nothing is accepted by any key, however long.
SELECT length, agent_test_token_open('eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZ2VudCJ9' || signature,
        decode(repeat('5a', length), 'hex')) AS accepted
FROM unnest(ARRAY[0, 31, 32]) AS length, unnest(ARRAY['', '.']) AS signature
ORDER BY length, signature;

DROP FUNCTION agent_test_token_open;
