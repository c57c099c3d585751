-- The text of a token: one spelling, bounded, and every bit of it signed.
--
-- Catches: two texts that are the same token, a text that reaches libjwt although
-- it would be read leniently there, or overrun its stack. Where it can be, the
-- signature is right, over the odd text itself.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS vic_id FROM agent_register('vic.token@example.org', 'token vic', 'secret') \gset
SELECT access_token AS issued FROM agent_login('vic.token@example.org', 'secret') \gset
RESET ROLE;
SELECT id AS vic_sid FROM agent.sessions WHERE user_id = :'vic_id' \gset
SELECT kid FROM agent.signing_keys ORDER BY retires_at DESC, created_at DESC LIMIT 1 \gset

-- A header and a payload with room for more members.
SELECT format('{"alg":"HS256","kid":"%s"', :'kid') AS header,
    format('{"iss":"agent","kind":"access","role":"agent_user",'
        '"sub":"%s","sid":"%s","iat":%s,"exp":%s',
        :'vic_id', :'vic_sid', now, now + 600) AS payload
FROM CAST(floor(extract(epoch FROM clock_timestamp())) AS bigint) AS now \gset

-- A good token of which every part ends in a group of two characters or three, whose
-- last one has unused bits, and has a character of base64url that base64 has not.
CREATE TEMP TABLE good AS
SELECT token, split_part(token, '.', 1) AS header, split_part(token, '.', 2) AS payload,
    split_part(token, '.', 3) AS signature
FROM generate_series(1, 10000) AS nonce,
    LATERAL pg_temp.token(:'header' || ',"a":"?>~~"}',
        :'payload' || ',"a":"?>~~' || nonce || '"}') AS token
WHERE split_part(token, '.', 3) ~ '-.*_|_.*-' AND length(split_part(token, '.', 2)) % 4 <> 0
LIMIT 1;
GRANT SELECT ON good TO agent_user;
SELECT header ~ '[-_]' AND payload ~ '[-_]' AS special, length(header) % 4 AS header,
    length(payload) % 4 > 1 AS payload, length(signature) % 4 AS signature FROM good;

-- The character whose value differs in some bits.
CREATE FUNCTION pg_temp.flipped(letter text, bits int) RETURNS text LANGUAGE sql AS $$
    SELECT substr(alphabet, (strpos(alphabet, letter) - 1 # bits) + 1, 1)
    FROM CAST('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_' AS text)
        AS alphabet
$$;
CREATE FUNCTION pg_temp.last_flipped(segment text) RETURNS text LANGUAGE sql AS $$
    SELECT left(segment, -1) || pg_temp.flipped(right(segment, 1), 1)
$$;

CREATE FUNCTION pg_temp.padded(segment text) RETURNS text LANGUAGE sql
RETURN rpad(segment, (length(segment) + 3) / 4 * 4, '=');

CREATE TEMP TABLE texts (n serial, what text, token text);
-- Other spellings of the same bytes. Those of header and payload are signed as they are.
INSERT INTO texts (what, token)
SELECT what, t FROM good, LATERAL (VALUES
    ('good', token),
    ('padding in header', pg_temp.sign(pg_temp.padded(header) || '.' || payload)),
    ('padding in payload', pg_temp.sign(header || '.' || pg_temp.padded(payload))),
    ('padding in signature', token || '='),
    ('+ and / in header', pg_temp.sign(translate(header, '-_', '+/') || '.' || payload)),
    ('+ and / in payload', pg_temp.sign(header || '.' || translate(payload, '-_', '+/'))),
    ('+ and / in signature', header || '.' || payload || '.' || translate(signature, '-_', '+/')),
    ('unused bits in header', pg_temp.sign(pg_temp.last_flipped(header) || '.' || payload)),
    ('unused bits in payload', pg_temp.sign(header || '.' || pg_temp.last_flipped(payload))),
    ('unused bits in signature', pg_temp.last_flipped(token)),
    ('one character more in header', pg_temp.sign(header || 'A.' || payload)),
    ('one character more in payload', pg_temp.sign(header || '.' || payload || 'A')),
    ('one character more in signature', token || 'A'),
    ('one character less in signature', left(token, -1)),
    ('signature twice', token || signature)) AS v (what, t);
-- Other numbers of parts, and empty ones.
INSERT INTO texts (what, token)
SELECT what, t FROM good, LATERAL (VALUES
    ('empty', ''), ('no dots', replace(token, '.', '')), ('header', header),
    ('header and payload', header || '.' || payload),
    ('empty signature', header || '.' || payload || '.'), ('four parts', token || '.' || signature),
    ('dot at the end', token || '.'), ('dot at the beginning', '.' || token),
    ('empty header', pg_temp.sign('.' || payload)), ('empty payload', pg_temp.sign(header || '.')),
    ('dots', '..'), ('one dot', '.'), ('four dots', '....'), ('a space', ' '), ('a letter', 'x'),
    ('header with comma', replace(token, '.', ',')), ('with scheme', 'Bearer ' || token),
    ('quoted', '"' || token || '"'), ('two tokens', token || ' ' || token),
    ('none, unsigned', pg_temp.base64url('{"alg":"none"}') || '.' || payload || '.'),
    ('JSON form', format('{"protected":"%s","payload":"%s","signature":"%s"}',
        header, payload, signature)),
    ('detached', header || '..' || signature),
    ('letter of another script', replace(token, 'e', 'е')),
    ('wide dots', replace(token, '.', '．'))) AS v (what, t);
-- A foreign character anywhere in a part, signed with it where that makes a difference.
INSERT INTO texts (what, token)
SELECT format('%s %s', to_json(c), place), t FROM good,
    unnest(ARRAY[' ', E'\n', E'\t', E'\r', '?', '#', '=', '%', ',', ':', '*', 'é', E'\x01']) AS c,
    LATERAL (VALUES
        ('first', c || token), ('last', token || c),
        ('in header', pg_temp.sign(overlay(header PLACING c FROM 9 FOR 0) || '.' || payload)),
        ('after header', pg_temp.sign(header || c || '.' || payload)),
        ('in payload', pg_temp.sign(header || '.' || overlay(payload PLACING c FROM 9 FOR 0))),
        ('after payload', pg_temp.sign(header || '.' || payload || c)),
        ('in signature', header || '.' || payload || '.'
            || overlay(signature PLACING c FROM 9 FOR 0)))
        AS v (place, t);
-- Bytes in header and payload that are no JSON text, rightly encoded and signed.
INSERT INTO texts (what, token)
SELECT what, pg_temp.sign(pg_temp.base64url(h) || '.' || pg_temp.base64url(p))
FROM convert_to(:'header', 'UTF8') AS begin_h, convert_to(:'payload', 'UTF8') AS begin_p,
    LATERAL (VALUES
        ('bytes good', begin_h || '}'::bytea, begin_p || '}'::bytea),
        ('NUL after header', begin_h || '\x7d00'::bytea, begin_p || '}'::bytea),
        ('NUL after payload', begin_h || '}'::bytea, begin_p || '\x7d00'::bytea),
        ('NUL and more after payload', begin_h || '}'::bytea, begin_p || '\x7d007b7d'::bytea),
        ('NUL in payload', begin_h || '}'::bytea, begin_p || '\x2c2261223a2200227d'::bytea),
        ('byte order mark', begin_h || '}'::bytea, '\xefbbbf'::bytea || begin_p || '}'::bytea),
        ('not UTF-8', begin_h || '}'::bytea, begin_p || '\x2c2261223a22ff227d'::bytea),
        ('overlong UTF-8', begin_h || '}'::bytea, begin_p || '\x2c2261223a22c0af227d'::bytea),
        ('surrogate in UTF-8', begin_h || '}'::bytea, begin_p || '\x2c2261223a22eda080227d'::bytea))
        AS v (what, h, p);
GRANT SELECT ON texts TO agent_user;

SET ROLE agent_user;
SELECT what, pg_temp.verdict(token) FROM texts WHERE what !~ '^"' ORDER BY n;
SELECT pg_temp.verdict(token), count(*) FROM texts WHERE what ~ '^"' GROUP BY 1;

-- Every bit of every part is signed: each of the six bits of each character, flipped
-- alone, and each dot replaced.
SELECT part, count(*) = 6 * max(place) AS all_tried,
    count(*) FILTER (WHERE verdict <> 'invalid token') AS not_refused
FROM good,
    LATERAL (VALUES (1, 'header', header), (2, 'payload', payload), (3, 'signature', signature))
        AS v (number, part, segment),
    generate_series(1, length(segment)) AS place, unnest(ARRAY[1, 2, 4, 8, 16, 32]) AS bit,
    LATERAL (SELECT overlay(segment PLACING pg_temp.flipped(substr(segment, place, 1), bit)
        FROM place FOR 1)) AS f (flipped),
    LATERAL pg_temp.verdict(concat_ws('.', CASE number WHEN 1 THEN flipped ELSE header END,
        CASE number WHEN 2 THEN flipped ELSE payload END,
        CASE number WHEN 3 THEN flipped ELSE signature END)) AS verdict
GROUP BY part ORDER BY part;

-- A good token may have 8192 bytes and not one more, by whichever door.
CREATE FUNCTION pg_temp.by_header(token text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers',
        json_build_object('authorization', 'Bearer ' || token)::text, true);
    RETURN CASE WHEN agent_uid() IS NULL THEN 'nobody' ELSE 'accepted' END;
EXCEPTION WHEN invalid_authorization_specification THEN
    RETURN SQLERRM;
END
$$;
RESET ROLE;
CREATE TEMP TABLE sized AS
SELECT DISTINCT ON (length(token)) length(token) AS size, token
FROM generate_series(5800, 5900) AS pad, unnest(ARRAY['}', ',"b":1}', ',"b":12}']) AS more,
    LATERAL pg_temp.token(:'header' || more, :'payload' || ',"a":"' || repeat('x', pad) || '"}')
        AS token
WHERE length(token) BETWEEN 8191 AND 8194 ORDER BY length(token);
GRANT SELECT ON sized TO agent_user;
SET ROLE agent_user;
SELECT size, pg_temp.verdict(token), pg_temp.by_header(token) FROM sized ORDER BY size;

-- Far more than a stack holds, in any part, is an error like any other.
SELECT what, pg_temp.verdict(long), pg_temp.by_header(long)
FROM good, repeat('A', 9000000) AS a,
    LATERAL (VALUES ('header', a || '.' || payload || '.' || signature),
        ('payload', header || '.' || a || '.' || signature),
        ('signature', header || '.' || payload || '.' || a),
        ('dots', repeat('.', 9000000))) AS v (what, long) ORDER BY what;

-- Nested as deeply as fits: refused, without harm.
RESET ROLE;
SELECT pg_temp.token(:'header' || '}', :'payload' || ',"a":' || repeat('[', 5500)) AS open,
    pg_temp.token(:'header' || '}',
        :'payload' || ',"a":' || repeat('[', 2700) || repeat(']', 2700) || '}') AS closed \gset
SET ROLE agent_user;
SELECT length(:'open') BETWEEN 7000 AND 8192 AND length(:'closed') BETWEEN 7000 AND 8192 AS fit;
SELECT pg_temp.verdict(:'open') AS open, pg_temp.verdict(:'closed') AS closed;

RESET ROLE;
