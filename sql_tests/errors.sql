-- Errors: every entry of the table in src/error.c, in both of its dialects.
--
-- Catches: an error that no test raises, an answer whose status, name or form changed,
-- JSON that is none, a secret in an error.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- The entries that have an SQLSTATE, read from the source: name, SQLSTATE, status of HTTP.
-- When the table is written otherwise than this reads it, the two counts differ.
\set source :abs_srcdir '/sql/../src/error.c'
\setenv SOURCE :source
\set entries `sed -nE 's/^\s*"([a-z_]+)", "(\w+)", ([0-9]+),$/\1 \2 \3/p' "$SOURCE"`
\set entry_count `grep -A 1 -E '^\s*\[AGENT_\w+\] = ' "$SOURCE" | grep -cE '", "|", [^N]'`
CREATE TEMP TABLE entries AS
SELECT part[1] AS name, part[2] AS sqlstate, part[3]::int AS status
FROM regexp_split_to_table(:'entries', E'\n') AS line, LATERAL string_to_array(line, ' ') AS part;
SELECT count(*) > 0 AND count(*) = :entry_count AS all_read FROM entries;

-- People in every state that an error speaks of. The password is one to look for.
\set secret 'S3cret of Rosa''s "quoted"'
SET ROLE agent_anon;
SELECT id AS rosa_id FROM agent_register('rosa.errors@example.org', 'errors rosa', :'secret') \gset
SELECT access_token AS rosa FROM agent_login('rosa.errors@example.org', :'secret') \gset
SELECT id AS idle_id FROM agent_register('idle.errors@example.org', 'errors idle', :'secret') \gset
SELECT access_token AS idle FROM agent_login('idle.errors@example.org', :'secret') \gset
SELECT id AS gone_id FROM agent_register('gone.errors@example.org', 'errors gone', :'secret') \gset
SELECT access_token AS gone FROM agent_login('gone.errors@example.org', :'secret') \gset
RESET ROLE;
UPDATE agent.users SET is_active = false WHERE id = :'idle_id';
DELETE FROM agent.users WHERE id = :'gone_id';

CREATE TABLE regress_errors_notes (user_id uuid REFERENCES agent.users (id));
INSERT INTO regress_errors_notes VALUES (:'rosa_id');

-- What raises each error: a call, and the authorization header it comes with.
CREATE TEMP TABLE causes (n serial, name text, authorization_header text, call text);
INSERT INTO causes (name, authorization_header, call) VALUES
    ('not_authenticated', NULL, 'SELECT agent_me()'),
    ('not_authenticated', '', 'SELECT * FROM agent_conversation_list()'),
    ('invalid_scheme', 'Basic cm9zYTpTM2NyZXQ=', 'SELECT agent_me()'),
    ('invalid_token', 'Bearer ' || :'rosa' || 'x', 'SELECT agent_me()'),
    ('invalid_token', NULL, format('SELECT agent_authenticate(%L)', :'rosa' || 'x')),
    ('user_not_found', 'Bearer ' || :'gone', 'SELECT agent_me()'),
    ('user_inactive', 'Bearer ' || :'idle', 'SELECT agent_me()'),
    ('user_inactive', NULL,
        format('SELECT agent_login(''idle.errors@example.org'', %L)', :'secret')),
    ('bad_credentials', NULL,
        format('SELECT agent_login(''rosa.errors@example.org'', %L)', :'secret' || 'x')),
    ('email_taken', NULL,
        format('SELECT agent_register(''ROSA.errors@example.org'', ''errors'', %L)', :'secret')),
    ('username_taken', NULL,
        format('SELECT agent_register(''r.errors@example.org'', ''errors rosa'', %L)', :'secret')),
    ('invalid_refresh_token', NULL, format('SELECT agent_refresh(%L)', :'rosa')),
    ('wrong_password', 'Bearer ' || :'rosa',
        format('SELECT agent_account_delete(%L)', :'secret' || 'x')),
    ('account_in_use', 'Bearer ' || :'rosa', format('SELECT agent_account_delete(%L)', :'secret')),
    ('account_not_found', NULL, 'SELECT agent_user_set_active(gen_random_uuid(), true)'),
    ('session_not_found', NULL, 'SELECT agent_session_end(gen_random_uuid())'),
    ('conversation_not_found', 'Bearer ' || :'rosa',
        'SELECT agent_conversation_get(gen_random_uuid())'),
    ('message_not_found', 'Bearer ' || :'rosa', 'SELECT agent_message_delete(gen_random_uuid())'),
    ('idempotency_mismatch', 'Bearer ' || :'rosa',
        format('SELECT agent_conversation_create(title, NULL, NULL, NULL, %L) FROM (VALUES (%L), (''x'')) AS v (title)', :'secret', :'secret')),
    ('validation_failed', NULL,
        format('SELECT agent_register(%L, '''', %L)', :'secret', repeat(:'secret', 3000))),
    ('validation_failed', 'Bearer ' || :'rosa', 'SELECT agent_message_create(NULL, ''x'', '''')');
GRANT SELECT ON causes TO agent_user;
GRANT agent_admin TO agent_user;

CREATE FUNCTION pg_temp.raised(method text, authorization_header text, call text,
    OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.method', coalesce(method, ''), true),
        set_config('request.headers',
            json_build_object('authorization', authorization_header)::text, true);
    EXECUTE call;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END
$$;

-- For a SQL client: a standard SQLSTATE, a message in lower case, detail and hint.
SET ROLE agent_user;
CREATE TEMP TABLE in_sql AS SELECT n, name, r.*
FROM causes, LATERAL pg_temp.raised(NULL, authorization_header, call) AS r;
SELECT name, state, message, detail, hint FROM in_sql ORDER BY n;

-- For PostgREST: SQLSTATE PGRST, the body as message, status and headers as detail.
CREATE TEMP TABLE in_http AS SELECT n, name, r.*
FROM causes, LATERAL pg_temp.raised('POST', authorization_header, call) AS r;
SELECT state, hint, count(*) FROM in_http GROUP BY state, hint;
SELECT message::json ->> 'code' AS code, message::json ->> 'message' AS message,
    message::json ->> 'hint' AS hint, message::json ->> 'details' <> '' AS details,
    detail::json ->> 'status' AS status, detail::json ->> 'headers' AS headers
FROM in_http ORDER BY n;

-- The body always has these members, and those of the envelope.
SELECT array_agg(DISTINCT b.keys) AS body, array_agg(DISTINCT e.keys) AS envelope
FROM in_http,
    LATERAL (SELECT array_agg(k ORDER BY k)::text AS keys
        FROM json_object_keys(message::json) AS k) AS b,
    LATERAL (SELECT array_agg(k ORDER BY k)::text AS keys
        FROM json_object_keys(detail::json) AS k) AS e;

-- The faults of a validation are JSON inside of it: type, place and text of each.
SELECT n, fault ->> 'type' AS type, fault -> 'loc' AS loc, fault ->> 'msg' AS msg
FROM in_http, json_array_elements((message::json ->> 'details')::json) WITH ORDINALITY
    AS f (fault, number)
WHERE name = 'validation_failed' ORDER BY n, number;

-- Each cause raised the error it is meant to, with what the source says of it, the same
-- in both dialects; a 401 always says how to authenticate, and no other answer does.
RESET ROLE;
SELECT n, name FROM causes JOIN entries AS e USING (name) JOIN in_sql AS s USING (n, name)
JOIN in_http AS h USING (n, name)
WHERE s.state <> e.sqlstate OR h.message::json ->> 'code' <> name
    OR (h.detail::json ->> 'status')::int <> e.status
    OR lower(h.message::json ->> 'message') <> lower(s.message)
    OR h.message::json ->> 'hint' IS DISTINCT FROM nullif(s.hint, '')
    OR h.detail::json ->> 'headers'
        <> CASE e.status WHEN 401 THEN '{"WWW-Authenticate":"Bearer"}' ELSE '{}' END
ORDER BY n;

-- Every entry of the table was raised: what is listed was not, or is not in the table. What
-- needs shared memory is in t/010_limits and t/011_hashing.
SELECT coalesce(e.name, r.name) AS untested FROM entries AS e
FULL JOIN (SELECT DISTINCT message::json ->> 'code' AS name FROM in_http) AS r USING (name)
WHERE (e.name IS NULL OR r.name IS NULL) AND coalesce(e.name, r.name) NOT IN ('busy', 'rate_limited')
ORDER BY 1;

-- No SQLSTATE is one that PostgREST treats specially: it repeats 40001 for ever, and makes
-- the message of PTxxx the reason phrase; nor one that says it is the server's fault where it is not.
SELECT name FROM entries WHERE sqlstate ~ '^(40|PT|XX|5[3-8])' AND status NOT IN (429, 503) ORDER BY name;

-- No part of an error tells a password, a token, or an address that was given.
SELECT n, name FROM (SELECT * FROM in_sql UNION ALL SELECT * FROM in_http) AS errors
WHERE concat_ws('|', message, detail, hint) ~* 's3cret|cm9zYT|rosa|example\.org'
    OR strpos(concat_ws('|', message, detail, hint), left(:'rosa', 40)) > 0 ORDER BY n;
REVOKE agent_admin FROM agent_user;
DROP TABLE regress_errors_notes;
