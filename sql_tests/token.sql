-- Tokens: every rule that one must meet, each broken alone.
--
-- Catches: a check that is missing, or done on something else than what was
-- signed. All signatures here are right, made with the server's own key, so that
-- a refusal is about the rule. The text of a token is in token_text.sql, published
-- vectors are in token_vectors.sql.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS tia_id FROM agent_register('tia.token@example.org', 'token tia', 'secret') \gset
SELECT id AS uwe_id FROM agent_register('uwe.token@example.org', 'token uwe', 'secret') \gset
SELECT access_token AS issued FROM agent_login('tia.token@example.org', 'secret') \gset
SELECT FROM agent_login('uwe.token@example.org', 'secret');
RESET ROLE;
SELECT id AS tia_sid FROM agent.sessions WHERE user_id = :'tia_id' \gset
SELECT id AS uwe_sid FROM agent.sessions WHERE user_id = :'uwe_id' \gset
SELECT kid FROM agent.signing_keys ORDER BY retires_at DESC, created_at DESC LIMIT 1 \gset

-- What login issues: these members, and a signature that pgcrypto makes too.
SELECT header ->> 'alg' AS alg, header ->> 'typ' AS typ, header ->> 'kid' = :'kid' AS kid,
    (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(header) AS key) AS members
FROM pg_temp.opened(split_part(:'issued', '.', 1)) AS header;
SELECT claims ->> 'iss' AS iss, claims ->> 'kind' AS kind, claims ->> 'role' AS role,
    claims ->> 'sub' = :'tia_id' AS sub, claims ->> 'sid' = :'tia_sid' AS sid,
    (claims ->> 'exp')::bigint - (claims ->> 'iat')::bigint AS life,
    extract(epoch FROM now()) - (claims ->> 'iat')::bigint BETWEEN -1 AND 60 AS iat,
    (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(claims) AS key) AS members
FROM pg_temp.opened(split_part(:'issued', '.', 2)) AS claims;
SELECT pg_temp.sign(regexp_replace(:'issued', '\.[^.]*$', '')) = :'issued' AS same_signature;

-- A good token, and texts to replace in it: the first ones leave it good, which
-- proves that the others are refused for what was replaced. NULL replaces all.
-- @now and the like stand for values; each change must find its text.
SELECT '{"alg":"HS256","typ":"JWT","kid":"@kid"}' AS header,
    '{"iss":"agent","kind":"access","role":"agent_user",'
    '"sub":"@sub","sid":"@sid","iat":@now,"exp":@exp}' AS payload \gset
CREATE TEMP TABLE changes (n serial, part text, old text, new text, mac text DEFAULT 'sha256');
INSERT INTO changes (part, old, new) VALUES
    ('header', '{', '{'),
    ('header', '"typ":"JWT",', ''),
    ('header', '}', ',"cty":"x","list":[1,{"alg":"none"}]}'),
    ('header', ':', E' :\n\t'),
    ('payload', ',', E' \r\n, '),
    ('payload', '}', ',"name":"密\u5bc6","more":{"exp":1}}'),
    ('payload', '"iat":@now', '"iat":@soon'),
    ('payload', '"exp":@exp', '"exp":@day'),
    ('payload', '}', ',"nbf":@now}'),
    ('payload', '}', ',"nbf":@soon}'),
    -- One algorithm, by its exact name.
    ('header', '"HS256"', '"none"'), ('header', '"HS256"', '"HS384"'),
    ('header', '"HS256"', '"HS512"'), ('header', '"HS256"', '"RS256"'),
    ('header', '"HS256"', '"hs256"'), ('header', '"HS256"', '"HS256 "'),
    ('header', '"HS256"', '""'), ('header', '"HS256"', 'null'),
    ('header', '"HS256"', '["HS256"]'), ('header', '"alg":"HS256",', ''),
    -- Nothing critical, and no other type of token.
    ('header', '}', ',"crit":["exp"]}'), ('header', '}', ',"crit":[]}'),
    ('header', '}', ',"crit":null}'), ('header', '"JWT"', '"at+jwt"'),
    ('header', '"JWT"', '"jwt"'), ('header', '"JWT"', '""'),
    ('header', '"JWT"', 'null'), ('header', '"JWT"', '1'),
    -- A key of ours, by its id.
    ('header', ',"kid":"@kid"', ''), ('header', '"@kid"', 'null'), ('header', '"@kid"', '1'),
    ('header', '@kid', '@KID'), ('header', '@kid', '{@kid}'), ('header', '@kid', '@kid '),
    ('header', '@kid', '@other'), ('header', '@kid', ''' OR true --'), ('header', '@kid', ''),
    -- One JSON object, no member twice, whichever of the two would be right.
    ('header', '{', '{"alg":"none",'), ('header', '}', ',"alg":"none"}'),
    ('header', '}', ',"kid":"@kid"}'), ('header', '}', ',"\u0061lg":"HS256"}'),
    ('header', NULL, '{}'), ('header', NULL, '[]'), ('header', NULL, 'null'),
    ('header', NULL, '"HS256"'), ('header', NULL, '{"alg":"HS256"'), ('header', '}', '}}'),
    ('payload', '{', '{"sub":"@other",'), ('payload', '}', ',"sub":"@sub"}'),
    ('payload', '}', ',"\u0073ub":"@sub"}'), ('payload', '}', ',"exp":@exp}'),
    ('payload', '}', ',"x":1,"x":2}'), ('payload', NULL, '{}'), ('payload', NULL, '[]'),
    ('payload', NULL, '"@sub"'), ('payload', NULL, '1'), ('payload', NULL, 'null'),
    ('payload', '{', '[{'), ('payload', '}', '}}'), ('payload', '}', '} {}'), ('payload', '}', ''),
    ('payload', '}', ',"x":NaN}'), ('payload', '}', ',"x":"\u0000"}'),
    ('payload', '}', ',"x":"\ud800"}'),
    -- An expiry, an integer, ahead, and not too far from its beginning.
    ('payload', ',"exp":@exp', ''), ('payload', '@exp', '"@exp"'), ('payload', '@exp', '@exp.5'),
    ('payload', '@exp', '@exp.0'), ('payload', '@exp', '@exp' || 'e0'), ('payload', '@exp', '1e12'),
    ('payload', '@exp', '1e400'), ('payload', '@exp', 'null'), ('payload', '@exp', 'true'),
    ('payload', '@exp', '[@exp]'), ('payload', '@exp', '{}'), ('payload', '@exp', '-@exp'),
    ('payload', '@exp', '0'), ('payload', '@exp', '-1'), ('payload', '@exp', '9223372036854775807'),
    ('payload', '@exp', '99999999999999999999'), ('payload', '@exp', '999999999999'),
    ('payload', '"iat":@now,"exp":@exp', '"iat":@gone,"exp":@now'),
    ('payload', '@exp', '@now'), ('payload', '@exp', '@past_day'),
    ('payload', ',"iat":@now', ''), ('payload', '@now', '"@now"'), ('payload', '@now', '@now.5'),
    ('payload', '@now', 'null'), ('payload', '@now', '-1'), ('payload', '@now', '0'),
    ('payload', '@now', '@later'), ('payload', '@now', '@exp'),
    ('payload', '}', ',"nbf":@later}'), ('payload', '}', ',"nbf":"@now"}'),
    ('payload', '}', ',"nbf":null}'), ('payload', '}', ',"nbf":@now.5}'),
    ('payload', '}', ',"nbf":-1}'),
    -- Of ours, for access, for a person: the role is never taken from the token.
    ('payload', '"iss":"agent",', ''), ('payload', '"agent"', '"Agent"'),
    ('payload', '"agent"', '["agent"]'), ('payload', '"agent"', 'null'),
    ('payload', '"kind":"access",', ''), ('payload', '"access"', '"refresh"'),
    ('payload', '"access"', '1'), ('payload', '"role":"agent_user",', ''),
    ('payload', '"agent_user"', '"agent_admin"'), ('payload', '"agent_user"', 'null'),
    -- A person and a session, by ids in their one spelling, that belong together.
    ('payload', '"sub":"@sub",', ''), ('payload', '"@sub"', 'null'), ('payload', '"@sub"', '7'),
    ('payload', '"@sub"', '["@sub"]'), ('payload', '@sub', ''), ('payload', '@sub', '@SUB'),
    ('payload', '@sub', '{@sub}'), ('payload', '@sub', '@bare'), ('payload', '@sub', ' @sub'),
    ('payload', '@sub', '@sub' || '0'), ('payload', '@sub', '@uwe'), ('payload', '@sub', '@other'),
    ('payload', ',"sid":"@sid"', ''), ('payload', '"@sid"', 'null'), ('payload', '@sid', '@SID'),
    ('payload', '@sid', '@theirs'), ('payload', '@sid', '@other'), ('payload', '@sid', '@sub');
-- The names of other algorithms with their own signatures.
INSERT INTO changes (part, old, new, mac)
VALUES ('header', '"HS256"', '"HS384"', 'sha384'), ('header', '"HS256"', '"HS512"', 'sha512'),
    ('header', '{', '{', 'sha384'), ('header', '{', '{', 'sha512'), ('header', '{', '{', 'sha1');

CREATE FUNCTION pg_temp.filled(template text, VARIADIC names_and_values text[]) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. array_length(names_and_values, 1) BY 2 LOOP
        template := replace(template, names_and_values[i], names_and_values[i + 1]);
    END LOOP;
    RETURN template;
END
$$;
CREATE FUNCTION pg_temp.changed(template text, old text, new text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN old IS NULL THEN new
        WHEN strpos(template, old) > 0 THEN replace(template, old, new) END
$$;
CREATE TEMP TABLE tokens AS
SELECT n, pg_temp.token(
        pg_temp.filled(CASE part WHEN 'header' THEN pg_temp.changed(:'header', old, new)
                ELSE :'header' END,
            '@kid', :'kid', '@KID', upper(:'kid'), '@other', :'tia_sid'),
        pg_temp.filled(CASE part WHEN 'payload' THEN pg_temp.changed(:'payload', old, new)
                ELSE :'payload' END,
            '@sub', :'tia_id', '@SUB', upper(:'tia_id'), '@bare', replace(:'tia_id', '-', ''),
            '@sid', :'tia_sid', '@SID', upper(:'tia_sid'), '@theirs', :'uwe_sid',
            '@uwe', :'uwe_id', '@other', :'kid', '@now', now::text, '@soon', (now + 20)::text,
            '@later', (now + 120)::text, '@exp', (now + 600)::text, '@gone', (now - 600)::text,
            '@day', (now + 86400)::text, '@past_day', (now + 86401)::text), mac) AS token
FROM changes, CAST(floor(extract(epoch FROM clock_timestamp())) AS bigint) AS now;
GRANT SELECT ON changes, tokens TO agent_user;

SET ROLE agent_user;
SELECT part, old, new, mac, pg_temp.verdict(token) FROM changes JOIN tokens USING (n) ORDER BY n;
RESET ROLE;

-- An expired token is bad by the real clock: within a transaction, whose own time
-- stands still, and although it was found good in it.
SELECT pg_temp.token(pg_temp.filled(:'header', '@kid', :'kid'),
    pg_temp.filled(:'payload', '@sub', :'tia_id', '@sid', :'tia_sid',
        '@now', (now - 600)::text, '@exp', (now + 2)::text)) AS brief
FROM CAST(floor(extract(epoch FROM clock_timestamp())) AS bigint) AS now \gset
SET ROLE agent_user;
BEGIN;
SET LOCAL agent.token = :'brief';
SELECT agent_uid() = :'tia_id' AS tia;
SELECT pg_sleep(2.1);
SELECT agent_uid() = :'tia_id' AS tia;
ROLLBACK;

RESET ROLE;
