-- The classic REST API, called straight through SQL: routes, statuses, bodies, order of
-- checks, and what a request leaves behind.
--
-- Catches: an answer of another form or text, a fault that is not told, or tells a
-- password, an identity that comes from elsewhere than the header or stays afterwards,
-- a request that fails and is half done, an error of the database that gets out.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
SET agent.password_hash_cost = 10;

-- One line for an answer, with what differs from run to run named instead.
CREATE FUNCTION pg_temp.shown(answer agent_http_response) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', answer.status, nullif((answer.headers - '{content-type,cache-control,etag,vary}'::text[])::text, '{}'),
        regexp_replace(regexp_replace(regexp_replace(convert_from(answer.body, 'UTF8'),
            '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00', 'TIME', 'g'),
            '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'ID', 'g'),
            'eyJ[\w-]+\.[\w-]+\.[\w-]+', 'TOKEN', 'g'));
$$;
CREATE FUNCTION pg_temp.request(method text, target text, token text, body text)
RETURNS agent_http_response LANGUAGE sql AS $$
    SELECT agent_http(method, split_part(target, '?', 1), split_part(target, '?', 2),
        jsonb_strip_nulls(jsonb_build_object('authorization', 'Bearer ' || token)),
        convert_to(body, 'UTF8'));
$$;
CREATE FUNCTION pg_temp.http(method text, target text, token text DEFAULT NULL,
    body text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.shown(pg_temp.request(method, target, token, body));
$$;
\pset format unaligned
\pset tuples_only on

-- Anybody may call it, and needs no other privilege: it asks for the token itself.
SET ROLE agent_anon;
SELECT pg_temp.http('POST', '/auth/register', NULL,
    '{"email": "hana@Http.Example.org", "username": "http hana", "password": "secret", "id": 1}');
SELECT pg_temp.http('POST', '/auth/register', NULL,
    '{"email": "HANA@http.example.org", "username": "http hana", "password": "secret"}');
SELECT pg_temp.http('POST', '/auth/register', NULL,
    '{"email": "hugo@http.example.org", "username": "http hana", "password": "secret"}');
SELECT pg_temp.http('POST', '/auth/register', NULL,
    '{"email": "hugo@http.example.org", "username": "http hugo", "password": "secret"}');
SELECT pg_temp.http('POST', '/auth/login', NULL,
    '{"email": "hana@http.example.org", "password": "secret"}');
SELECT pg_temp.http('POST', '/auth/login', NULL,
    '{"email": "hana@http.example.org", "password": ""}');
SELECT pg_temp.http('POST', '/auth/login', NULL, '{"email": "", "password": "x"}');
SELECT access_token AS hana FROM agent_login('hana@http.example.org', 'secret') \gset
SELECT access_token AS hugo FROM agent_login('hugo@http.example.org', 'secret') \gset
SELECT pg_temp.http('GET', '/auth/me', :'hana');

-- Conversations and messages.
SELECT pg_temp.http('POST', '/conversations', :'hana', '{"title": " Blanks stay ", "first_message": "Hi"}');
SELECT pg_temp.http('POST', '/conversations', :'hana', '{"title": "二", "first_message": ""}');
SELECT pg_temp.http('POST', '/conversations', :'hana', '{"title": "3", "first_message": null}');
SELECT pg_temp.http('GET', '/conversations', :'hana');
SELECT pg_temp.http('GET', '/conversations?limit=1&skip=1', :'hana');
SELECT pg_temp.http('GET', '/conversations?limit=0', :'hana');
SELECT pg_temp.http('GET', '/conversations?skip=99999999999999999999', :'hana');
SELECT pg_temp.http('GET', '/conversations', :'hugo');
RESET ROLE;
SELECT '/conversations/' || id AS talk FROM agent.conversations WHERE title = ' Blanks stay ' \gset
SELECT '/conversations/' || id AS other FROM agent.conversations WHERE title = '3' \gset
SET ROLE agent_anon;
SELECT pg_temp.http('GET', :'talk', :'hana');
SELECT pg_temp.http('GET', upper(:'talk'), :'hana');
SELECT pg_temp.http('GET', replace(upper(:'talk'), 'CONVERSATIONS', 'conversations'), :'hana');
SELECT pg_temp.http('PATCH', :'talk', :'hana', '{"title": "New", "is_archived": "Yes"}');
SELECT pg_temp.http('PATCH', :'talk', :'hana', '{"title": null, "is_archived": null}');
SELECT pg_temp.http('GET', '/conversations?archived=on', :'hana');
SELECT pg_temp.http('GET', '/conversations?archived=0&limit=1', :'hana');
SELECT pg_temp.http('POST', :'talk' || '/messages', :'hana', '{"role": "assistant", "content": "\"é\n\t😀\u00e9"}');
SELECT pg_temp.http('GET', :'talk' || '/messages', :'hana');
SELECT pg_temp.http('GET', :'talk' || '/messages?skip=1', :'hana');
SELECT pg_temp.http('DELETE', :'other', :'hana');
SELECT pg_temp.http('DELETE', :'other', :'hana');
SELECT pg_temp.http('GET', '/health', 'garbage');

-- {} changes nothing, not even updated_at.
SELECT (pg_temp.request('PATCH', :'talk', :'hana', '{}')).body =
    (pg_temp.request('GET', :'talk', :'hana', NULL)).body AS "{} changes nothing";

-- Tags, pins and metadata are taken, and not told by the six classic keys; a fork tells all.
SELECT pg_temp.http('POST', '/conversations', :'hana',
    '{"title": "Tagged", "first_message": "One", "tags": ["b", "a", "b", "é\ud83d\ude00"], "metadata": {"x": [1, 2.50, null, {"y": "\u00e9"}]}}');
RESET ROLE;
SELECT '/conversations/' || id AS tagged FROM agent.conversations WHERE title = 'Tagged' \gset
SELECT '/messages/' || id AS message, id AS message_id FROM agent.messages WHERE content = 'One' \gset
SET ROLE agent_anon;
SELECT pg_temp.http('PATCH', :'tagged', :'hana', '{"is_pinned": true, "tags": null, "metadata": null}');
SELECT pg_temp.http('POST', :'tagged' || '/fork', :'hana', '');
SELECT pg_temp.http('PATCH', :'tagged', :'hana', '{"tags": [], "metadata": {}}');
SELECT pg_temp.http('POST', :'tagged' || '/fork', :'hana', format('{"message_id": "%s", "title": "Fork"}', :'message_id'));
SELECT pg_temp.http('POST', :'tagged' || '/fork', :'hana', body)
FROM (VALUES (1, '{"message_id": "00000000-0000-7000-8000-000000000000"}'), (2, '{"message_id": "x", "title": ""}'), (3, '{"message_id": 5}'),
    (4, '{"message_id": [1]}'), (5, '[]'), (6, '{'), (7, '{"message_id": null, "title": null}')) AS b (n, body) ORDER BY n;
SELECT pg_temp.http('POST', :'talk' || '/fork', :'hana', format('{"message_id": "%s"}', :'message_id'));
SELECT pg_temp.http('POST', '/conversations/x/fork', :'hana', '{"title": 5}');

-- What tags and metadata may be; what is sent comes back as it is read by PostgreSQL.
SELECT n, pg_temp.http('PATCH', :'tagged', :'hana', body)
FROM (VALUES (1, '{"tags": "x"}'), (2, '{"tags": {"x": 1}}'), (3, '{"tags": [""]}'), (4, '{"tags": ["x", 5]}'), (5, '{"tags": [null]}'),
    (6, '{"tags": [["x"]]}'), (7, '{"tags": [{"x": 1}]}'), (8, '{"tags": [1e999999]}'), (9, '{"tags": [true], "metadata": []}'),
    (10, '{"metadata": "x"}'), (11, '{"metadata": 5}'), (12, '{"metadata": {"x": 1e999999}}'), (13, '{"metadata": {"x": 1e-999999}}'),
    (14, '{"metadata": {"x": 1E99999999999999999999}}'), (15, '{"metadata": {"x": "\u0000"}}'), (16, '{"metadata": {"x": "1e999999 \" 1e999999"}}'),
    (17, '{"is_pinned": "maybe"}'), (18, '{"tags": ["x", "\ud800"]}')) AS b (n, body) ORDER BY n;
SELECT n, regexp_replace(pg_temp.http('PATCH', :'tagged', :'hana', body), ',"input":.*', '')
FROM (VALUES (1, format('{"tags": %s}', (SELECT json_agg('t' || n) FROM generate_series(1, 20) AS n))),
    (2, format('{"tags": %s}', (SELECT json_agg('t' || n) FROM generate_series(1, 21) AS n))),
    (3, format('{"tags": %s}', (SELECT json_agg('t' || n) FROM generate_series(1, 100000) AS n))),
    (4, format('{"tags": ["%s"]}', repeat('😀', 50))), (5, format('{"tags": ["%s"]}', repeat('😀', 51))),
    (6, format('{"metadata": {"x": "%s"}}', repeat('y', 16375))), (7, format('{"metadata": {"x": "%s"}}', repeat('y', 16376))),
    (8, format('{"metadata": {"x": "%s"}}', repeat('\u0079', 16375))), (9, format('{"metadata": {"x": "%s"}}', repeat('y', 9000000))),
    (10, format('{"metadata": {"x": %s}}', repeat('9', 20000))), (11, format('{"metadata": {"x": 0.%s}}', repeat('9', 20000))),
    (12, format('{"metadata": {"x": [%s1]}}', repeat('1e15000,', 1000))), (13, format('{"metadata": {"x": %s1%s}}', repeat('[', 97), repeat(']', 97))),
    (14, format('{"metadata": {"x": %s1%s}}', repeat('[', 100), repeat(']', 100))), (15, format('{"metadata": {"x": [%s1]}}', repeat('1,', 500000))),
    (16, format('{"tags": ["%s"]}', repeat('x', 1000000))), (17, format('{"tags": ["%s"]}', repeat('x', 1100000))),
    (18, format('{"tags": [%s1]}', repeat('1e1,', 200000))), (19, format('{"tags": [%s"x"]}', repeat('"x",', 200000)))) AS b (n, body) ORDER BY n;

-- A message is edited and deleted.
SELECT pg_temp.http('PATCH', :'message', :'hana', '{"content": "Two", "metadata": {"model": "m"}}');
SELECT pg_temp.http('PATCH', :'message', :'hana', '{"content": null}');
SELECT pg_temp.http('PATCH', :'message', :'hana', '{}') = pg_temp.http('PATCH', :'message', :'hana', '{"metadata": null}') AS same;
SELECT pg_temp.http('PATCH', :'message', :'hana', body)
FROM unnest(ARRAY['{"content": ""}', '{"content": 5, "metadata": 5}', '']) AS body;
SELECT count(*) AS requests, count(*) FILTER (WHERE pg_temp.request(method, :'message', :'hugo', body)
    = pg_temp.request(method, '/messages/00000000-0000-7000-8000-000000000000', :'hugo', body)
    AND (pg_temp.request(method, :'message', :'hugo', body)).status = 404) AS alike
FROM (VALUES ('PATCH', '{"content": "Mine"}'), ('PATCH', '{}'), ('DELETE', NULL)) AS r (method, body);
SELECT pg_temp.http('GET', :'tagged' || '/messages', :'hana');
SELECT pg_temp.http('DELETE', :'message', :'hana');
SELECT pg_temp.http('DELETE', :'message', :'hana');
SELECT pg_temp.http('PATCH', '/messages/x', :'hana', '{"content": ""}');
SELECT pg_temp.http('DELETE', '/messages/x', :'hana');
SELECT pg_temp.http('GET', :'message', :'hana');
SELECT pg_temp.http('GET', :'tagged', :'hana');

-- An export is the document of agent_export.
SELECT r.status, r.headers, d ->> 'format' AS format, d -> 'account' ->> 'username' AS username, d ->> 'conversations' AS conversations,
    ARRAY(SELECT e ->> 'event' FROM json_array_elements(d -> 'events') AS e) AS events
FROM pg_temp.request('GET', '/auth/export', :'hugo', NULL) AS r, LATERAL CAST(convert_from(r.body, 'UTF8') AS json) AS d;
SELECT pg_temp.http('GET', '/auth/export');
SELECT pg_temp.http('GET', '/auth/export', 'garbage');
SELECT count(*) AS conversations, sum((c ->> 'message_count')::int) = sum(json_array_length(c -> 'messages')) AS "all messages"
FROM pg_temp.request('GET', '/auth/export', :'hana', NULL) AS r, json_array_elements(convert_from(r.body, 'UTF8')::json -> 'conversations') AS c;
SELECT pg_temp.http('DELETE', '/conversations/' || (c ->> 'id'), :'hana')
FROM pg_temp.request('GET', '/conversations?limit=1000', :'hana', NULL) AS r, json_array_elements(convert_from(r.body, 'UTF8')::json) AS c
WHERE c ->> 'title' IN ('Tagged', 'Fork');

-- Somebody else's conversation and none at all answer alike, whatever is asked of it.
SELECT count(*) AS requests, count(*) FILTER (
    WHERE pg_temp.request(method, :'talk' || tail, :'hugo', body)
    = pg_temp.request(method, '/conversations/00000000-0000-7000-8000-000000000000' || tail, :'hugo', body)
    AND (pg_temp.request(method, :'talk' || tail, :'hugo', body)).status = 404) AS alike
FROM (VALUES ('GET', '', NULL), ('PATCH', '', '{"title": "Mine"}'), ('PATCH', '', '{}'),
    ('DELETE', '', NULL), ('GET', '/messages', NULL),
    ('POST', '/messages', '{"role": "user", "content": "Mine"}'), ('POST', '/fork', '{}')) AS r (method, tail, body);
SELECT pg_temp.http('GET', :'talk', :'hana');

-- Order of checks: path and method, token, faults of all places, look-up.
SELECT pg_temp.http('GET', '/nowhere', 'garbage');
SELECT pg_temp.http('PUT', '/conversations', 'garbage', '{');
SELECT pg_temp.http('DELETE', :'talk' || '/messages', 'garbage');
SELECT pg_temp.http('POST', '/conversations', 'garbage', '{');
SELECT pg_temp.http('POST', '/conversations', NULL, '{');
SELECT pg_temp.http('POST', '/conversations/x/messages', :'hana', '{"role": "x", "content": ""}');
SELECT pg_temp.http('POST', :'talk' || '/messages', :'hugo', '{"role": "x"}');
SELECT pg_temp.shown(agent_http('GET', '/auth/me', NULL, '{"authorization": "Basic eDp5"}', NULL));
SELECT pg_temp.shown(agent_http('GET', '/auth/me', NULL, '{"authorization": "bEARER"}', NULL));
SELECT pg_temp.shown(agent_http('GET', '/auth/me', NULL, '{"authorization": 5}', NULL));
SELECT pg_temp.shown(agent_http('GET', '/auth/me', NULL, '["authorization"]', NULL));
SELECT pg_temp.shown(agent_http(NULL, NULL, NULL, NULL, NULL));

-- Paths that are none: another case, a slash too many, dots, a part too many.
SELECT path, pg_temp.http('GET', path, :'hana') FROM unnest(ARRAY['', '/', '/Conversations',
    '/conversations/', '//conversations', '/conversations//messages', '/./conversations',
    '/conversations/x/messages/y', '/auth', '/auth/me/x', '/conversations/a%2Fb',
    '/conversations%00']) AS path;
-- Percent signs are taken away first, and what then is no text is taken as it stands.
SELECT pg_temp.http('GET', '/%61uth/%6De', :'hana');
SELECT pg_temp.http('GET', '/conversations/%ff%00', :'hana');
SELECT pg_temp.http('GET', '/conversations/%', :'hana');

-- A UUID may be written in any case and in its other forms.
SELECT pg_temp.http('GET', '/conversations/' || form, :'hana')
FROM (SELECT substr(:'talk', 16) AS id) AS t, unnest(ARRAY[id, upper(id), replace(id, '-', ''),
    'urn:uuid:' || id, '{' || id || '}', '%7B' || id || '%7d']) AS form;
SELECT form, pg_temp.http('GET', '/conversations/' || form, :'hana')
FROM unnest(ARRAY['00000000-0000-7000-8000-00000000000', '00000000-0000-7000-8000-0000000000000',
    '00000000_0000_7000_8000_000000000000', '000000000000-7000-8000-000000000000-', '-',
    ' 00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-00000000000é', '5']) AS form;

-- Numbers and booleans of a query.
SELECT query, regexp_replace(pg_temp.http('GET', '/conversations?' || query, :'hana'),
    '\[.*(int_parsing|bool_parsing|greater|less).*', '\1')
FROM unnest(ARRAY['limit=', 'limit=1.5', 'limit=0x10', 'limit=1e1', 'limit=1000&skip=9', 'limit=1001',
    'limit=-1', 'skip=-1', 'skip=%209&x=1', 'skip=%2B9', 'skip=+9', 'skip=9.0', 'skip=9.', 'skip=1_0',
    'skip=1__0', 'skip=_1', 'limit=x&limit=0', '%6Cimit=0', 'limit', '&&=&limit=0&', 'archived=TRUE&skip=9',
    'archived=2', 'archived=', 'skip=-0&limit=0', 'limit=%00', 'limit=%ff', 'Limit=-1&skip=9',
    'limit=-99999999999999999999']) AS query;

-- Bodies that are none, or not what they should be.
SELECT body, pg_temp.http('POST', '/conversations', :'hana', body)
FROM unnest(ARRAY[NULL, '', ' ', 'null', '[]', '"x"', '5', 'true', '{', '{"title"', '{"title": 1,}',
    '{"title": NaN}', '{"é": x}', '{"title": "\u0000"}', '{"title": "\ud800"}', '{}',
    '{"title": 5}', '{"title": null}', '{"title": {"a": [1, 2]}}', '{"title": ["x"], "first_message": false}',
    '{"title": ""}', '{"Title": "x"}']) AS body;
SELECT pg_temp.shown(agent_http('POST', '/conversations', '',
    jsonb_build_object('authorization', 'Bearer ' || :'hana'), body))
FROM unnest(ARRAY['\xff', '\x7b22c0af223a317d', '\x7b0022', convert_to(repeat('[', 100000), 'UTF8')]) AS body;
-- A mark of byte order is no part of it; of a name that stands twice the last counts; names
-- that are not known are no matter, however many, nor how many values are nested beside
-- each other.
SELECT pg_temp.shown(agent_http('POST', '/conversations', '',
    jsonb_build_object('authorization', 'Bearer ' || :'hana'),
    '\xefbbbf' || convert_to('{"title": 5, "title": "twice", "x": {"title": 6}, ' ||
        (SELECT string_agg(format('"x%s": [%s, {}]', n, n), ', ') FROM generate_series(1, 5000) AS n) || '}', 'UTF8')));
-- 16 MiB and no more.
SELECT body_size, pg_temp.http('POST', '/conversations', NULL, repeat(' ', body_size))
FROM unnest(ARRAY[16777216, 16777217]) AS body_size;
-- 64 kB of a value are told back, quotes included, and no more.
SELECT characters, (convert_from(body, 'UTF8')::json #>> '{detail,0,input}') = repeat('x', characters) AS told
FROM unnest(ARRAY[65534, 65535]) AS characters,
    pg_temp.request('POST', '/conversations', :'hana', format('{"title": "%s"}', repeat('x', characters)));
-- What is nested 100 deep is read, and nothing deeper.
SELECT depth, pg_temp.http('POST', '/conversations', :'hana',
    format('{"title": "", "x": %s1%s}', repeat('[', depth - 1), repeat(']', depth - 1)))
FROM unnest(ARRAY[100, 101]) AS depth;
-- A token has 8192 bytes at most.
SELECT bytes, pg_temp.http('GET', '/auth/me', rpad(:'hana', bytes, 'x'))
FROM unnest(ARRAY[8192, 8193, 1000000]) AS bytes;

-- A fault never tells a password, in whatever place or form it was sent.
SELECT pg_temp.http('POST', '/auth/register', NULL, body)
FROM unnest(ARRAY['{"password": "hush"}', '{"password": ["hush hush"], "email": {"password": "hush"}}',
    '["hush"]', '"hush"', '{"password": "hush", "password": 123456}', '{"password": "hush']) AS body;
SELECT pg_temp.http('POST', '/auth/login', NULL, '{"password": "hush", "email": 5}');
SELECT pg_temp.http('POST', '/auth/login', NULL, '{"passwort": "hush", "email": "x"}');

-- The header alone says who the caller is, and nothing of it stays.
SET agent.token = :'hugo';
SELECT set_config('request.headers', json_build_object('authorization', 'Bearer ' || :'hugo')::text, false) <> '' AS "set";
SELECT pg_temp.http('GET', '/auth/me');
SELECT pg_temp.http('GET', '/auth/me', :'hana');
SELECT pg_temp.http('GET', '/conversations/x', :'hana');
SELECT pg_temp.http('GET', '/auth/me', 'garbage');
SELECT pg_temp.http('GET', '/health', :'hana');
SELECT current_setting('agent.token') = :'hugo' AS "token as before",
    current_setting('request.headers') LIKE '%' || :'hugo' || '%' AS "headers as before";
RESET agent.token;
RESET request.headers;

-- Nor do headers that are no object, and of many it takes what it needs.
SELECT pg_temp.shown(agent_http('POST', '/auth/login', '', headers,
    '{"email": "hana@http.example.org", "password": "secret"}'))
FROM (VALUES ('[]'::jsonb), ('5'), ('null'), ('{"user-agent": 5}'), (jsonb_build_object('user-agent',
    repeat('😀', 300)) || (SELECT jsonb_object_agg('x' || n, n) FROM generate_series(1, 2000) AS n))) AS h (headers);
RESET ROLE;
SELECT char_length(user_agent) AS user_agent, count(*) FROM agent.sessions AS s
JOIN agent.users AS u ON u.id = s.user_id WHERE username = 'http hana' GROUP BY 1 ORDER BY 1;
SET ROLE agent_anon;

-- Whatever the session says of row security, it is on, and stays as it was.
SET row_security = off;
SELECT pg_temp.http('GET', '/conversations?limit=0', :'hana');
SHOW row_security;
RESET row_security;

-- After an error the session is whose it was, wherever the call stands.
DO $$
DECLARE
    answer agent_http_response;
BEGIN
    BEGIN
        answer := agent_http('GET', '/auth/me', '', '{"authorization": "Bearer x"}', NULL);
        RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
        answer := agent_http('GET', '/auth/me', '', NULL, NULL);
    END;
    RAISE NOTICE '% %, role %, row_security %, token "%"', answer.status,
        convert_from(answer.body, 'UTF8'), current_user, current_setting('row_security'),
        current_setting('agent.token');
END
$$;
BEGIN;
SAVEPOINT before;
SELECT pg_temp.http('POST', '/conversations', :'hana', '{"title": "Undone"}');
ROLLBACK TO before;
SELECT pg_temp.http('GET', '/conversations?limit=1', :'hana') LIKE '%Undone%' AS "still there";
DECLARE answers CURSOR FOR SELECT pg_temp.http('GET', path, :'hana')
    FROM unnest(ARRAY['/conversations/x', '/health', '/nowhere']) AS path;
FETCH ALL FROM answers;
COMMIT;

-- PostgREST's dialect of errors does not get in.
SET request.method = 'POST';
SELECT pg_temp.http('POST', '/auth/login', NULL, '{"email": "nobody", "password": "x"}');
SELECT pg_temp.http('POST', '/conversations', :'hana', '{"title": "Quiet"}');
SELECT current_setting('response.status', true) AS "status of PostgREST";
RESET request.method;

-- Where nothing can be written, what reads is served.
BEGIN READ ONLY;
SELECT pg_temp.http('GET', '/auth/me', :'hana');
SELECT pg_temp.http('POST', '/conversations', :'hana', '{"title": "x"}');
SELECT pg_temp.http('POST', '/auth/login', NULL, '{"email": "hana@http.example.org", "password": "secret"}');
COMMIT;

-- Behind PostgREST the same, told by its headers. GET is a read-only transaction, whatever
-- method the header names; without headers there is nothing to serve.
CREATE FUNCTION pg_temp.postgrest(headers jsonb, body bytea) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('request.method', CASE WHEN body IS NULL THEN 'GET' ELSE 'POST' END, true),
        set_config('request.headers', coalesce(headers::text, ''), true);
    SELECT concat_ws(' ', body, current_setting('response.status'),
        nullif(current_setting('response.headers'), '')) FROM (SELECT convert_from(CASE
            WHEN body IS NULL THEN agent_postgrest_http() ELSE agent_postgrest_http(body) END, 'UTF8')) AS r (body);
$$;
SELECT pg_temp.postgrest(headers, body) FROM (VALUES
    ('{"x-agent-method": "GET", "x-agent-target": "/health"}'::jsonb, NULL::bytea),
    ('{"x-agent-method": "POST", "x-agent-target": "/auth/login"}', '{}'),
    ('{"x-agent-method": "GET", "x-agent-target": "/auth/me", "authorization": "Bearer x"}', NULL),
    ('{"x-agent-method": "GET", "x-agent-target": "?x"}', NULL),
    ('{"x-agent-method": 5, "x-agent-target": []}', NULL),
    (NULL, NULL), (NULL, '')) AS r (headers, body);
SELECT regexp_replace(pg_temp.postgrest(jsonb_build_object('x-agent-method', 'GET', 'x-agent-target', '/conversations?limit=0',
    'x-agent-authorization', 'Bearer ' || :'hana'), NULL), '[0-9a-f]{32}', 'TAG');
BEGIN READ ONLY;
SELECT pg_temp.postgrest(jsonb_build_object('x-agent-method', 'POST', 'x-agent-target', '/conversations',
    'x-agent-authorization', 'Bearer ' || :'hana'), '{"title": "x"}');
COMMIT;

-- Who may not execute it gets no answer.
RESET ROLE;
CREATE ROLE regress_http_none;
SELECT call, pg_temp.answer_as('regress_http_none', 'SELECT ' || call) FROM unnest(ARRAY[
    'agent_http(NULL, NULL, NULL, NULL, NULL)', 'agent_postgrest_http()', $$agent_postgrest_http('')$$]) AS call;
DROP ROLE regress_http_none;

-- What fails halfway leaves nothing behind, and tells nothing of the database.
RESET ROLE;
CREATE FUNCTION agent.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'row of %', NEW.content USING ERRCODE = current_setting('regress.state');
END
$$;
CREATE TRIGGER fail BEFORE INSERT ON agent.messages FOR EACH ROW EXECUTE FUNCTION agent.fail();
SET client_min_messages = error;
CREATE FUNCTION pg_temp.failing(state text, token text) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('regress.state', state, true);
    SELECT pg_temp.http('POST', '/conversations', token, '{"title": "Half", "first_message": "done"}');
$$;
SELECT state, pg_temp.failing(state, :'hana')
FROM unnest('{40001, 40P01, 55P03, 23505, 23514, 42501, P0001, PGRST, PT404, 53100, 54000}'::text[]) AS state;
SELECT count(*) AS "left behind" FROM agent.conversations WHERE title = 'Half';
-- A statement that is cancelled is no answer.
\set VERBOSITY sqlstate
SELECT pg_temp.failing('57014', :'hana');
SELECT 'and the session goes on';
\set VERBOSITY terse
DROP TRIGGER fail ON agent.messages;
DROP FUNCTION agent.fail();
RESET client_min_messages;

-- An answer has 64 MiB at most, and a long query takes no longer than it must.
INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
SELECT user_id, gen_random_uuid(), id, 100 + n, 'user', repeat('x', 8388608), now()
FROM agent.conversations, generate_series(1, 9) AS n WHERE '/conversations/' || id = :'talk';
SELECT page_size, (r).status, length((r).body) > page_size * 8388608 AS complete,
    convert_from(substr((r).body, 1, 70), 'UTF8') LIKE '%too large%' AS "says why"
FROM (SELECT page_size, pg_temp.request('GET',
        format('%s/messages?skip=2&limit=%s', :'talk', page_size), :'hana', NULL) AS r
    FROM unnest(ARRAY[7, 9]) AS page_size OFFSET 0) AS answers;
SELECT pg_temp.http('GET', '/auth/export', :'hana');
SET statement_timeout = '10s';
SELECT pg_temp.http('GET', '/conversations?' || repeat('a&', 500000) || 'limit=0', :'hana');
RESET statement_timeout;

-- With a cursor in the query, and only then, a list answers with a page, its rows in detail.
CREATE FUNCTION pg_temp.page(target text, token text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(pg_temp.http('GET', target, token), '"[\w-]{50,}"', '"CURSOR"')
$$;
CREATE FUNCTION pg_temp.next_cursor(target text, token text) RETURNS text LANGUAGE sql AS $$
    SELECT convert_from((pg_temp.request('GET', target, token, NULL)).body, 'UTF8')::json ->> 'next_cursor'
$$;
SELECT pg_temp.http('POST', '/auth/register', NULL,
    '{"email": "ivo@http.example.org", "username": "http ivo", "password": "secret"}');
SELECT access_token AS ivo FROM agent_login('ivo@http.example.org', 'secret') \gset
SELECT pg_temp.page('/conversations?cursor=', :'ivo');
SELECT pg_temp.http('POST', '/conversations', :'ivo',
    format('{"title": "Ivo''s %s", "first_message": "Hi", "tags": ["t%s"], "metadata": {"n": %1$s}}', n, n % 2)) LIKE '201 %'
FROM generate_series(1, 3) AS n;
SELECT '/conversations/' || id || '/messages' AS ivos FROM agent.conversations WHERE title = 'Ivo''s 1' \gset
SELECT pg_temp.http('POST', :'ivos', :'ivo', '{"role": "assistant", "content": "Hello"}') LIKE '201 %';
SELECT query, pg_temp.page('/conversations?' || query, :'ivo') FROM unnest(ARRAY['cursor=&limit=1', 'cursor&limit=3',
    '%63ursor=&tag=t0', 'cursor=&archived=yes', 'cursor=&pinned=0&tag=t1&limit=1', 'cursor=&skip=5&limit=1',
    'Cursor=&limit=1', 'limit=1']) AS query;
SELECT pg_temp.page('/conversations?limit=2&cursor='
    || pg_temp.next_cursor('/conversations?cursor=&limit=1', :'ivo'), :'ivo');
SELECT query, pg_temp.page(:'ivos' || '?' || query, :'ivo') FROM unnest(ARRAY['cursor=', 'cursor=&limit=1',
    'cursor=&limit=1&direction=backward']) AS query;
SELECT pg_temp.page(:'ivos' || '?direction=backward&cursor='
    || pg_temp.next_cursor(:'ivos' || '?cursor=&limit=1&direction=backward', :'ivo'), :'ivo');
-- What is wrong with it.
SELECT pg_temp.page('/conversations?' || query, :'ivo') FROM unnest(ARRAY['cursor=x', 'cursor=%ff%00',
    'cursor=&limit=0', 'cursor=&limit=101', 'cursor=&limit=', 'cursor=x&pinned=2&archived=&tag=&limit=x',
    'cursor=' || repeat(' ', 1001), 'cursor=' || pg_temp.next_cursor('/conversations?cursor=&limit=1', :'ivo') || '&tag=t1',
    'cursor=' || pg_temp.next_cursor(:'ivos' || '?cursor=&limit=1', :'ivo')]) AS query;
SELECT pg_temp.page(:'ivos' || '?cursor=x&direction=up&limit=0', :'ivo');
SELECT pg_temp.page(:'ivos' || '?cursor=', :'hana');
SELECT pg_temp.page(:'ivos' || '?cursor=' || pg_temp.next_cursor(:'ivos' || '?cursor=&limit=1', :'ivo'), :'hana');
SELECT pg_temp.page('/conversations/00000000-0000-7000-8000-000000000000/messages?cursor=', :'ivo');
SELECT pg_temp.page('/conversations?cursor=', 'x');
-- A page of long messages ends early, so that none is ever too large.
SELECT n, json_array_length(page -> 'items') AS items, page ->> 'has_more' AS has_more
FROM (SELECT n, convert_from((pg_temp.request('GET', :'talk' || '/messages?limit=100&direction=' || direction || '&cursor=',
        :'hana', NULL)).body, 'UTF8')::json AS page
    FROM (VALUES (1, 'forward'), (2, 'backward')) AS d (n, direction)) AS p ORDER BY n;

-- The header Idempotency-Key: what is sent again is answered again, and done once.
CREATE FUNCTION pg_temp.keyed(method text, path text, token text, key text, body text) RETURNS text LANGUAGE sql AS $$
    SELECT answer.status || ' ' || convert_from(answer.body, 'UTF8') FROM agent_http(method, path, NULL,
        jsonb_strip_nulls(jsonb_build_object('authorization', 'Bearer ' || token, 'idempotency-key', key)),
        convert_to(body, 'UTF8')) AS answer
$$;
CREATE FUNCTION pg_temp.twice(method text, path text, token text, key text, body text, OUT status text, OUT same boolean)
LANGUAGE plpgsql AS $$
DECLARE
    answer text := pg_temp.keyed(method, path, token, key, body);
BEGIN
    status := split_part(answer, ' ', 1);
    same := pg_temp.keyed(method, path, token, key, body) = answer;
END
$$;
SELECT n, t.* FROM (VALUES (1, 'POST', '/conversations', :'ivo', 'key 1', '{"title": "Once", "first_message": "x", "tags": ["a"]}'),
    (2, 'POST', '/conversations', :'ivo', NULL, '{"title": "Twice"}'),
    (3, 'POST', :'ivos', :'ivo', 'key 2', '{"role": "user", "content": "Once"}'),
    (4, 'POST', '/auth/register', NULL, 'key of Jan', '{"email": "jan@http.example.org", "username": "http jan", "password": "secret"}'),
    (5, 'PATCH', replace(:'ivos', '/messages', ''), :'ivo', 'key 3', '{"title": "Changed"}'),
    (6, 'POST', '/conversations', :'ivo', 'key 4', '{"title": ""}'))
    AS r (n, method, path, token, key, body), LATERAL pg_temp.twice(method, path, token, key, body) AS t ORDER BY n;
SELECT title, count(*) FROM agent.conversations WHERE title IN ('Once', 'Twice') GROUP BY title ORDER BY title;
SELECT pg_temp.keyed('POST', '/conversations', :'ivo', 'key 1', '{"title": "Other"}');
SELECT pg_temp.keyed('POST', :'ivos', :'ivo', 'key 1', '{"role": "user", "content": "Once"}');
SELECT pg_temp.keyed('POST', '/auth/register', NULL, 'key of Jan',
    '{"email": "jan@http.example.org", "username": "http jan", "password": "guess 1"}');
SELECT pg_temp.keyed('POST', '/conversations', :'ivo', '', '{"title": 5}');
SELECT pg_temp.keyed('POST', '/conversations', :'ivo', repeat('é', 201), '{"title": "x"}') LIKE '422 {"detail":[{"type":"string_too_long","loc":["header","idempotency-key"],%';
SELECT pg_temp.keyed('POST', '/conversations', 'x', '', '{}');
-- A header of the call around it is not the request's own.
BEGIN;
SET LOCAL request.method = 'POST';
SELECT set_config('request.headers', '{"idempotency-key": "key 1"}', true);
SELECT pg_temp.keyed('POST', '/conversations', :'ivo', NULL, '{"title": "Another"}') LIKE '201 %';
ROLLBACK;
SELECT regexp_replace(pg_temp.postgrest(jsonb_build_object('x-agent-method', 'POST', 'x-agent-target', '/conversations',
    'x-agent-authorization', 'Bearer ' || :'ivo', 'idempotency-key', key), '{"title": "Other"}'), '"id":.*_count', '...')
FROM unnest(ARRAY['key 1', 'key 5', 'key 5']) AS key;
SELECT count(*) FROM agent.conversations WHERE title = 'Other';
DELETE FROM agent.users WHERE username IN ('http ivo', 'http jan');
DELETE FROM agent.idempotency_keys;

-- Search: what is found, by all that narrows it, and what is asked wrongly.
SELECT (agent_conversation_create('周末学习计划', 'Learn Python, then rest', '{work}')).id IS NOT NULL AS made
FROM set_config('agent.token', :'hugo', false);
RESET agent.token;
CREATE FUNCTION pg_temp.search(query text) RETURNS text LANGUAGE sql
RETURN regexp_replace(pg_temp.http('GET', '/search?' || query, current_setting('regress.hugo')),
    '"(conversation_id|message_id|created_at|rank|next_cursor)":("[^"]+"|[0-9.e-]+)', '"\1":...', 'g');
SELECT set_config('regress.hugo', :'hugo', false) IS NOT NULL AS kept;
SELECT pg_temp.search('q=%E5%AD%A6%E4%B9%A0');
SELECT pg_temp.search('q=python&role=user&tag=work&archived=false&pinned=false&since=2020-01-01&before=2100-01-01T00:00:00%2B01:00');
SELECT pg_temp.search('q=python+-rest'), pg_temp.search('q=%3F'), pg_temp.search('q=python&since=2100-01-01');
SELECT pg_temp.search('q=python&role=assistant'), pg_temp.search('q=python&tag=play'), pg_temp.search('q=python&archived=true');
SELECT pg_temp.search('q=learn|' || repeat('x', 200));
SELECT pg_temp.search('cursor=x&limit=0&conversation_id=1&role=boss&since=now&before=2026-02-30&archived=maybe&tag=');
SELECT pg_temp.search('q=python&cursor=x'), pg_temp.search('q=python&conversation_id=00000000-0000-4000-8000-000000000000');
SELECT value, pg_temp.search('q=python&before=' || value) LIKE '200 %' AS is_time
FROM unnest(ARRAY['2026-01-01', '2026-01-01T00:00', '2026-01-01T00:00:00Z', '2026-01-01%2000:00:00.123456789%2B02:00',
    '2026-01-01T00:00:00+0200', '2026-01-01t23:59:59-15:59', '2024-02-29', '0001-01-01', '9999-12-31T23:59:59Z',
    '2026-13-01', '2025-02-29', '2026-1-1', '2026-01-01T', '2026-01-01T24:00', '2026-01-01T00:60', '2026-01-01T00:00:60',
    '2026-01-01T00:00:00.', '2026-01-01T00:00:00%2B16:00', '2026-01-01T00:00:00%2B1', '2026-01-01Z', '0000-01-01', 'now',
    'infinity', '', '2026-01-01T00:00:00ZZ']) AS value;

-- Deleted and deactivated accounts.
UPDATE agent.users SET is_active = false WHERE username = 'http hugo';
SELECT pg_temp.http('GET', '/auth/me', :'hugo');
SELECT pg_temp.http('POST', '/auth/login', NULL, '{"email": "hugo@http.example.org", "password": "secret"}');
DELETE FROM agent.users WHERE username = 'http hugo';
SELECT pg_temp.http('GET', '/conversations', :'hugo');

-- The description is made of the same table: every operation in it exists.
CREATE TEMP TABLE api AS
SELECT convert_from(body, 'UTF8')::json AS document FROM agent_http('GET', '/openapi.json', '', '{}', '');
SELECT path, method, operation ->> 'operationId' AS name,
    (SELECT string_agg(code, ' ') FROM json_object_keys(operation -> 'responses') AS code) AS answers,
    (pg_temp.request(upper(method), regexp_replace(path, '{\w+}', 'x'), NULL, '')).status AS "without a token"
FROM api, json_each(document -> 'paths') AS p (path, methods), json_each(methods) AS m (method, operation);
SELECT document -> 'openapi' AS openapi, document -> 'info' -> 'version' AS version,
    document #> '{paths,/auth/register,post,requestBody}' AS body FROM api;
SELECT document #> '{paths,/conversations,get,parameters}' AS parameters FROM api;
SELECT document #> '{paths,/conversations,get,responses,200}' AS page FROM api;
SELECT document #> ARRAY['paths', '/conversations/{conversation_id}/messages', 'get', 'parameters'] AS parameters FROM api;
SELECT document #> '{paths,/auth/register,post,parameters}' AS parameters FROM api;
SELECT name, schema FROM api, json_each(document #> '{components,schemas}') AS s (name, schema);
