-- Metrics: what is counted, under which outcome, in which form, and for whom; and whether
-- the service is ready.
--
-- Catches: a call that is not counted, or twice, or under another outcome, a count that a
-- rollback takes back, a function that is no longer inlined, figures for whom they are not
-- meant, a text that no scraper reads, a service that is ready and is not.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS mia_id FROM agent_register('mia.metrics@example.org', 'metrics mia', 'secret') \gset
SELECT access_token AS mia FROM agent_login('mia.metrics@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'mia';
SELECT id AS talk FROM agent_conversation_create('Talk', 'Hello') \gset
RESET ROLE;

-- For those who run the service, and nobody else.
SELECT role, pg_temp.answer_as(role, call) AS answer
FROM unnest('{agent_admin, agent_anon, agent_user, agent_owner, agent_authenticator}'::name[]) AS role,
    unnest('{SELECT agent_metrics(), SELECT * FROM agent_metric_samples, SELECT agent.metric_samples()}'::text[]) AS call
ORDER BY role, call COLLATE "C";

-- Where the library is not preloaded, it says so, and no more than that.
SELECT value AS preloaded FROM agent_metric_samples WHERE name = 'agent_preloaded' \gset
SELECT bool_and(name IN ('agent_preloaded', 'agent_info')) = (:preloaded = 0) AS says_so FROM agent_metric_samples;

-- What a command adds to the samples: nothing where nothing is counted, else what is listed.
CREATE TEMP TABLE expected (command text, name text, labels jsonb, added double precision);
CREATE FUNCTION pg_temp.added(command text) RETURNS SETOF expected LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE earlier AS SELECT * FROM agent_metric_samples;
    PERFORM pg_temp.answer(command);
    RETURN QUERY SELECT command, s.name, s.labels, s.value - coalesce(e.value, 0)
    FROM agent_metric_samples AS s LEFT JOIN earlier AS e USING (name, labels)
    WHERE s.value <> coalesce(e.value, 0) AND s.name IN ('agent_calls_total', 'agent_call_duration_seconds_count', 'agent_http_requests_total');
    DROP TABLE earlier;
END
$$;
CREATE FUNCTION pg_temp.call(function text, outcome text, times integer DEFAULT 1) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array('agent_calls_total', jsonb_build_object('function', function, 'outcome', outcome), times)
$$;
CREATE FUNCTION pg_temp.request(method text, path text, status text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array('agent_http_requests_total', jsonb_build_object('method', method, 'path', path, 'status', status), 1)
$$;
-- Tells whether a command adds exactly these, and to the histogram as many calls.
CREATE FUNCTION pg_temp.adds(command text, VARIADIC wanted jsonb[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    preloaded boolean := (SELECT value = 1 FROM agent_metric_samples WHERE name = 'agent_preloaded');
    found jsonb;
    calls jsonb := '[]';
BEGIN
    SELECT jsonb_agg(jsonb_build_array(a.name, a.labels, a.added) ORDER BY a.name, a.labels),
        jsonb_build_array((sum(a.added) FILTER (WHERE a.name = 'agent_calls_total')), (sum(a.added) FILTER (WHERE a.name LIKE '%\_count')))
    INTO found, calls FROM pg_temp.added(command) AS a;
    found := (SELECT jsonb_agg(f ORDER BY f) FROM jsonb_array_elements(found) AS f WHERE f ->> 0 NOT LIKE '%\_count');
    RETURN CASE WHEN found IS NOT DISTINCT FROM (SELECT jsonb_agg(w ORDER BY w) FROM unnest(wanted) AS w WHERE preloaded)
        AND calls -> 0 IS NOT DISTINCT FROM calls -> 1 THEN 'as expected' ELSE concat_ws(' ', found, calls) END;
END
$$;

-- A call that is good, and each way to fail: errors by their names, in all three dialects.
SELECT pg_temp.adds(format('SELECT agent_conversation_get(%L)', :'talk'), pg_temp.call('agent_conversation_get', 'ok'));
SELECT pg_temp.adds(format('SELECT agent_conversation_get(%L) FROM generate_series(1, 5)', :'talk'), pg_temp.call('agent_conversation_get', 'ok', 5));
SELECT pg_temp.adds('SELECT agent_conversation_get(gen_random_uuid())', pg_temp.call('agent_conversation_get', 'conversation_not_found'));
SELECT pg_temp.adds('SELECT agent_conversation_get(NULL)', pg_temp.call('agent_conversation_get', 'validation_failed'));
SELECT pg_temp.adds('SELECT agent_login(''mia.metrics@example.org'', ''wrong'')', pg_temp.call('agent_login', 'bad_credentials'));
SELECT pg_temp.adds('SELECT agent_register(''mia.metrics@example.org'', ''x y z'', ''secret'')', pg_temp.call('agent_register', 'email_taken'));
SELECT pg_temp.adds('SELECT agent_authenticate(''x'')', pg_temp.call('agent_authenticate', 'invalid_token'));
SET request.method = 'POST';
SELECT pg_temp.adds('SELECT agent_conversation_get(gen_random_uuid())', pg_temp.call('agent_conversation_get', 'conversation_not_found'));
SELECT pg_temp.adds('SELECT agent_login(''mia.metrics@example.org'', ''wrong'')', pg_temp.call('agent_login', 'bad_credentials'));
SELECT pg_temp.adds('SELECT agent_refresh(''x'')', pg_temp.call('agent_refresh', 'invalid_refresh_token'));
RESET request.method;
-- What is not of the table: by what it comes to, or as error.
SELECT pg_temp.adds($$DO 'BEGIN SET LOCAL transaction_read_only = on; PERFORM agent_conversation_create(''x''); END'$$, pg_temp.call('agent_conversation_create', 'read_only'));
BEGIN;
ALTER TABLE agent.conversations RENAME COLUMN title TO name;
SELECT pg_temp.adds($$SELECT agent_conversation_create('x')$$, pg_temp.call('agent_conversation_create', 'error'));
ROLLBACK;
-- An error that somebody caught is not that of the next one.
CREATE FUNCTION pg_temp.catches() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM agent_conversation_get(gen_random_uuid());
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    PERFORM agent_conversation_get(NULL);
END
$$;
SELECT pg_temp.adds('SELECT pg_temp.catches()', pg_temp.call('agent_conversation_get', 'conversation_not_found'),
    pg_temp.call('agent_conversation_get', 'validation_failed'));

-- What is taken back was called all the same.
CREATE FUNCTION pg_temp.takes_back() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM agent_conversation_create('Taken back');
    RAISE EXCEPTION 'taken back';
END
$$;
SELECT pg_temp.adds('SELECT pg_temp.takes_back()', pg_temp.call('agent_conversation_create', 'ok'));

-- Classic requests, with what they call; a path's template, whatever stands for its segment, and
-- nothing that a client makes up.
CREATE FUNCTION pg_temp.asks(method text, path text, token text DEFAULT NULL, body text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT agent_http(%L, %L, NULL, %L, %L)', method, path, jsonb_strip_nulls(jsonb_build_object('authorization', 'Bearer ' || token)), body::bytea)
$$;
SELECT pg_temp.adds(pg_temp.asks('GET', '/health'), pg_temp.call('agent_http', 'ok'), pg_temp.request('GET', '/health', '200'));
SELECT pg_temp.adds(pg_temp.asks('GET', '/conversations/' || :'talk', :'mia'), pg_temp.call('agent_http', 'ok'),
    pg_temp.call('agent_conversation_get', 'ok'), pg_temp.request('GET', '/conversations/{conversation_id}', '200'));
SELECT pg_temp.adds(pg_temp.asks('GET', '/conversations/' || :'mia_id', :'mia'), pg_temp.call('agent_http', 'ok'),
    pg_temp.call('agent_conversation_get', 'conversation_not_found'), pg_temp.request('GET', '/conversations/{conversation_id}', '404'));
SELECT pg_temp.adds(pg_temp.asks('GET', '/conversations/x', :'mia'), pg_temp.call('agent_http', 'ok'), pg_temp.request('GET', '/conversations/{conversation_id}', '422'));
SELECT pg_temp.adds(pg_temp.asks('GET', '/conversations/x'), pg_temp.call('agent_http', 'ok'), pg_temp.request('GET', '/conversations/{conversation_id}', '401'));
SELECT pg_temp.adds(pg_temp.asks('GET', '/conversations', :'mia'), pg_temp.call('agent_http', 'ok'), pg_temp.request('GET', '/conversations', '200'));
SELECT pg_temp.adds(format('SELECT agent_http(''GET'', ''/conversations'', ''cursor='', %L, NULL)', jsonb_build_object('authorization', 'Bearer ' || :'mia')),
    pg_temp.call('agent_http', 'ok'), pg_temp.call('agent_conversation_page', 'ok'), pg_temp.request('GET', '/conversations', '200'));
SELECT pg_temp.adds(pg_temp.asks('POST', '/auth/login', NULL, '{"email": "mia.metrics@example.org", "password": "wrong"}'),
    pg_temp.call('agent_http', 'ok'), pg_temp.call('agent_login', 'bad_credentials'), pg_temp.request('POST', '/auth/login', '401'));
SELECT pg_temp.adds(pg_temp.asks('GET', '/secret"path' || E'\n'), pg_temp.call('agent_http', 'ok'), pg_temp.request('other', 'other', '404'));
SELECT pg_temp.adds(pg_temp.asks('BREW', '/health'), pg_temp.call('agent_http', 'ok'), pg_temp.request('other', 'other', '405'));
SET request.headers = '{"x-agent-method": "GET", "x-agent-target": "/health"}';
SET request.method = 'GET';
SELECT pg_temp.adds('SELECT agent_postgrest_http()', pg_temp.call('agent_postgrest_http', 'ok'), pg_temp.request('GET', '/health', '200'));
RESET request.headers;
RESET request.method;

-- Not counted: SQL that is inlined, what policies ask, functions of somebody else's.
SELECT pg_temp.adds('SELECT agent_health(), agent_uid(), (SELECT count(*) FROM agent_conversation_list()), (SELECT count(*) FROM agent_messages)');
CREATE FUNCTION pg_temp.agent_me() RETURNS agent_users LANGUAGE C AS '$libdir/agent', 'agent_me';
SELECT pg_temp.adds('SELECT pg_temp.agent_me()');
SELECT pg_temp.reads('SELECT * FROM agent_conversation_list()') LIKE '% rows by %Scan%' AS inlined;

-- Every function of the API that is written in C is counted once it was called, but for one.
CREATE TEMP TABLE functions AS
SELECT p.oid, p.proname FROM pg_proc AS p
JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'agent'
JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'c'
WHERE p.pronamespace <> 'agent'::regnamespace;
BEGIN;
SELECT count(answer) > 30 AS called
FROM functions AS f JOIN pg_proc AS p USING (oid),
    LATERAL (SELECT string_agg('NULL::' || type::regtype, ', ') AS arguments FROM unnest(p.proargtypes) AS type) AS a,
    LATERAL pg_temp.answer(format('SELECT %s(%s)', f.oid::regproc, arguments)) AS answer;
ROLLBACK;
SELECT proname AS uncounted FROM functions WHERE :preloaded = 1 AND proname <> 'agent_uid'
    AND proname::text NOT IN (SELECT labels ->> 'function' FROM agent_metric_samples WHERE name = 'agent_calls_total') ORDER BY 1;
SELECT labels FROM agent_metric_samples WHERE labels ->> 'function' IN ('agent_uid', 'agent_conversation_list', 'agent_health');

-- Switched off, nothing is counted; only those who run the service do that.
SET agent.metrics = off;
SELECT pg_temp.adds(format('SELECT agent_conversation_get(%L)', :'talk'));
SELECT pg_temp.adds(pg_temp.asks('GET', '/health'));
RESET agent.metrics;
SELECT pg_temp.adds(format('SELECT agent_conversation_get(%L)', :'talk'), pg_temp.call('agent_conversation_get', 'ok'));
SELECT role, pg_temp.answer_as(role, 'SET LOCAL agent.metrics = off') FROM unnest('{agent_anon, agent_user, agent_admin, agent_owner}'::name[]) AS role;

-- The text: help and type of each metric, then its samples, each of one form and there once;
-- the rows are the same samples. Buckets are cumulative and end with all.
CREATE TEMP TABLE lines AS SELECT n, line FROM string_to_table(rtrim(agent_metrics(), E'\n'), E'\n') WITH ORDINALITY AS l (line, n);
SELECT right(agent_metrics(), 1) = E'\n' AS ends_well;
SELECT line FROM lines WHERE line !~ '^# HELP [a-z_]+ [^\\]+\.$' AND line !~ '^# TYPE [a-z_]+ (counter|gauge|histogram)$'
    AND line !~ '^[a-z_]+(\{[a-z]+="([^"\\]|\\["\\n])*"(,[a-z]+="([^"\\]|\\["\\n])*")*\})? \d+(\.\d+)?(e[+-]\d+)?$';
SELECT split_part(line, ' ', 3) AS metric, split_part(line, ' ', 4) AS type FROM lines
WHERE line LIKE '# TYPE agent_preloaded %' OR line LIKE '# TYPE agent_info %';
SELECT t.line FROM lines AS t LEFT JOIN lines AS h ON h.n = t.n - 1 AND split_part(h.line, ' ', 3) = split_part(t.line, ' ', 3)
WHERE t.line LIKE '# TYPE %' AND h.line NOT LIKE '# HELP %';
SELECT count(*) = count(DISTINCT regexp_replace(line, ' \S+$', '')) AS once,
    count(*) = (SELECT count(*) FROM agent_metric_samples) AS as_rows FROM lines WHERE line NOT LIKE '#%';
SELECT count(*) AS wrong FROM (
    SELECT value < lag(value) OVER w AS less, labels ->> 'le' = '+Inf' AND value <> (SELECT c.value FROM agent_metric_samples AS c
        WHERE c.name = 'agent_call_duration_seconds_count' AND c.labels ->> 'function' = s.labels ->> 'function') AS not_all
    FROM agent_metric_samples AS s WHERE name = 'agent_call_duration_seconds_bucket' AND labels ->> 'function' <> 'agent_metrics'
    WINDOW w AS (PARTITION BY labels ->> 'function' ORDER BY replace(labels ->> 'le', '+', '')::float8)) AS b WHERE less OR not_all;
-- Nobody's data is in it.
SELECT agent_metrics() ~* 'mia|example|secret|talk' OR strpos(agent_metrics(), :'mia_id') > 0 AS tells;

-- Without a token of its own, /metrics is not there, for any method, with any token.
SELECT method, status, convert_from(body, 'UTF8') AS body
FROM unnest('{GET, POST, HEAD, OPTIONS}'::text[]) AS method,
    LATERAL agent_http(method, '/metrics', NULL, jsonb_build_object('authorization', 'Bearer ' || :'mia'), NULL);
SELECT status FROM agent_http('GET', '/metrics', NULL, '{"authorization": "Bearer "}', NULL);

-- Ready is who can read what there is, with a key that signs; whether writes work is told.
SET ROLE agent_anon;
SELECT status, headers, convert_from(body, 'UTF8') AS body FROM agent_http('GET', '/ready', 'x=1', '{"authorization": "Bearer bad"}', NULL);
SELECT status, headers FROM agent_http('POST', '/ready', NULL, NULL, NULL);
SET default_transaction_read_only = on;
SELECT status, convert_from(body, 'UTF8') AS body FROM agent_http('GET', '/ready', NULL, NULL, NULL);
SET default_transaction_read_only = off;
BEGIN READ ONLY;
SELECT status, convert_from(body, 'UTF8') AS body FROM agent_http('GET', '/ready', NULL, NULL, NULL);
COMMIT;
RESET default_transaction_read_only;
RESET ROLE;
BEGIN;
UPDATE agent.signing_keys SET retires_at = now();
SELECT status, headers, convert_from(body, 'UTF8') AS body FROM agent_http('GET', '/ready', NULL, NULL, NULL);
SELECT status, convert_from(body, 'UTF8') AS body FROM agent_http('GET', '/health', NULL, NULL, NULL);
ROLLBACK;
BEGIN;
ALTER TABLE agent.messages RENAME TO letters;
SELECT status, convert_from(body, 'UTF8') AS body FROM agent_http('GET', '/ready', NULL, NULL, NULL);
ROLLBACK;
BEGIN;
REVOKE SELECT ON agent.sessions FROM agent_owner;
SELECT status, convert_from(body, 'UTF8') AS body FROM agent_http('GET', '/ready', NULL, NULL, NULL);
ROLLBACK;

RESET agent.token;
DELETE FROM agent.users WHERE id = :'mia_id';
