-- What scripts/sqlsmith works with, in a schema of its own: the roles it logs in as, some data, values that are likely to
-- do harm, and the function that makes calls of them. For a database with the extension in the schema api, as superuser.

\set ON_ERROR_STOP 1
SET client_min_messages = warning;

CREATE SCHEMA smith;

-- Two people with conversations and messages. The roles log in as the first one.
CREATE TABLE smith.person AS
SELECT n, 'smith' || n || '@example.com' AS email, 'smith' || n AS username, 'correct horse ' || n AS password,
    NULL::uuid AS id, NULL::text AS token, NULL::text AS refresh_token
FROM generate_series(1, 2) AS n;

-- The value is text, and a literal of the kind, which is the name of an argument or of a type.
CREATE TABLE smith.pool (kind text NOT NULL, value text);

CREATE FUNCTION smith.people() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p smith.person;
    t record;
    c uuid;
BEGIN
    FOR p IN SELECT * FROM smith.person ORDER BY n LOOP
        PERFORM api.agent_register(p.email, p.username, p.password);
        SELECT * INTO t FROM api.agent_login(p.email, p.password);
        UPDATE smith.person SET token = t.access_token, refresh_token = t.refresh_token,
            id = (SELECT u.id FROM agent.users AS u WHERE u.email = p.email) WHERE n = p.n;
        PERFORM set_config('agent.token', t.access_token, true);
        FOR i IN 1..20 LOOP
            SELECT id INTO c FROM api.agent_conversation_create('Trip ' || i, 'Where should I start?', ARRAY['a', 'b'],
                '{"a": 1}');
            PERFORM api.agent_message_create(c, 'assistant', repeat('In Alfama, early. 学习 ', i), '{"k": [1, 2]}')
            FROM generate_series(1, 5);
        END LOOP;
    END LOOP;
END $$;
SELECT smith.people() \g /dev/null

-- What the functions themselves give out: ids, tokens, cursors.
SELECT set_config('agent.token', token, false) FROM smith.person WHERE n = 1 \g /dev/null
INSERT INTO smith.pool
SELECT kind, id::text FROM (
    SELECT 'conversation_id', id FROM agent.conversations
    UNION ALL SELECT 'message_id', id FROM agent.messages WHERE seq < 3
    UNION ALL SELECT 'session_id', id FROM agent.sessions
    UNION ALL SELECT 'user_id', id FROM agent.users
    UNION ALL SELECT 'uuid', gen_random_uuid() FROM generate_series(1, 3)) AS ids (kind, id)
UNION ALL SELECT 'token', token FROM smith.person
UNION ALL SELECT 'token', replace(token, '.', '..') FROM smith.person
UNION ALL SELECT 'token', left(token, -1) FROM smith.person
UNION ALL SELECT 'token', translate(encode('{"alg":"none"}', 'base64'), '=', '') || '.' || split_part(token, '.', 2) || '.'
    FROM smith.person
UNION ALL SELECT 'refresh_token', refresh_token FROM smith.person
UNION ALL SELECT 'email', email FROM smith.person
UNION ALL SELECT 'username', username FROM smith.person
UNION ALL SELECT kind, password FROM smith.person, unnest(ARRAY['password', 'current_password']) AS kind
UNION ALL SELECT 'password_hash', password_hash FROM agent.users
UNION ALL SELECT 'cursor', next_cursor FROM unnest(ARRAY[1, 3, 10]) AS size, api.agent_conversation_page(page_size => size)
UNION ALL SELECT 'cursor', next_cursor FROM api.agent_search('alfama', page_size => 5)
UNION ALL SELECT 'cursor', next_cursor
    FROM (SELECT id FROM agent.conversations WHERE user_id = api.agent_uid() LIMIT 3) AS c,
    unnest(ARRAY['forward', 'backward']) AS way, api.agent_message_page(c.id, page_size => 2, direction => way);

INSERT INTO smith.pool VALUES
    ('role', 'user'), ('role', 'assistant'), ('role', 'system'), ('role', 'root'),
    ('direction', 'forward'), ('direction', 'backward'), ('direction', 'up'),
    ('scope', 'local'), ('scope', 'others'), ('scope', 'global'), ('scope', 'all'),
    ('page_size', '1'), ('page_size', '100'), ('page_size', '0'), ('page_size', '101'),
    ('batch', '0'), ('batch', '1'), ('batch', '1000'), ('older_than', '2 years'), ('older_than', '0'),
    ('tag', 'a'), ('tag', ''), ('title', 'A trip'), ('content', 'Lisbon'), ('first_message', 'Lisbon'), ('query', 'alfama'),
    ('email', 'new@example.com'), ('email', 'a@b'), ('email', '@'), ('email', 'ü@exämple.com'),
    ('email', '"a b"@example.com'),
    ('email', repeat('a', 64) || '@' || repeat('b.', 200) || 'com'), ('username', 'new'), ('username', 'ab'),
    ('password', 'secret'), ('new_password', 'another secret'), ('new_password', repeat('é', 40000)),
    ('password_hash', '$2b$12$'), ('password_hash', '$2b$31$' || repeat('.', 53)),
    ('password_hash', '$bcrypt-sha256$v=2,t=2b,r=99$x$y'),
    ('idempotency_key', 'one'), ('idempotency_key', 'two'), ('start_mark', '<b>'), ('stop_mark', '</b>'),
    ('query', '"the old'), ('query', '-'), ('query', '-a'), ('query', '*'), ('query', 'a*'), ('query', '""'),
    ('query', '"" -""*'),
    ('query', '学习 -计划 "开始'), ('query', '😀👍🏽'), ('query', 'a.b/c@d_e-f:g'), ('query', repeat('a ', 100)),
    ('query', repeat('"a', 67)),
    ('query', repeat('學', 200)), ('query', 'ﬁ ﷺ İ ß'), ('query', 'กขค'), ('query', '((a & b) | !c:*)'), ('query', '\'),
    ('method', 'GET'), ('method', 'POST'), ('method', 'PATCH'), ('method', 'DELETE'), ('method', 'HEAD'), ('method', 'get'),
    ('query', 'skip=0&limit=10'), ('query', 'cursor=&limit=2'), ('query', 'limit=-1&skip=99999999999999999999'),
    ('query', 'archived=maybe&tag=%00'),
    ('query', 'q=alfama&cursor='), ('query', 'q=%E5%AD%A6&role=user&since=2026-02-30T25:00:00Z'), ('query', '%'),
    ('query', '%zz=%f'), ('query', '&&==&=&'),
    ('query', 'q=' || repeat('%41', 5000)), ('query', repeat('limit=1&', 5000)),
    ('path', '/health'), ('path', '/ready'), ('path', '/metrics'), ('path', '/openapi.json'),
    ('path', '/conversations'), ('path', '/search'),
    ('path', '/auth/register'), ('path', '/auth/login'), ('path', '/auth/refresh'), ('path', '/auth/logout'),
    ('path', '/auth/password'),
    ('path', '/auth/sessions'), ('path', '/auth/export'), ('path', '/auth/me'), ('path', '/'), ('path', ''), ('path', '//'),
    ('path', '/conversations/x'), ('path', '/conversations/%00/messages'),
    ('path', '/conversations/' || repeat('a/', 5000)), ('path', '/messages/../auth/me');
INSERT INTO smith.pool
SELECT 'path', template FROM (SELECT value FROM smith.pool WHERE kind = 'conversation_id' LIMIT 30) AS c (id),
    unnest(ARRAY['/conversations/' || id, '/conversations/' || id || '/messages', '/conversations/' || id || '/fork']) AS template
UNION ALL SELECT 'path', '/messages/' || value FROM (SELECT value FROM smith.pool WHERE kind = 'message_id' LIMIT 20) AS m;

INSERT INTO smith.pool VALUES
    ('boolean', 'true'), ('boolean', 'false'),
    ('integer', '0'), ('integer', '-1'), ('integer', '1'), ('integer', '2147483647'), ('integer', '-2147483648'),
    ('integer', '50'),
    ('bigint', '0'), ('bigint', '9223372036854775807'), ('bigint', '-9223372036854775808'), ('bigint', '7'),
    ('double precision', 'NaN'), ('double precision', '-Infinity'), ('double precision', '1e308'),
    ('double precision', '0.5'), ('real', 'NaN'), ('real', '0.1'),
    ('uuid', '00000000-0000-0000-0000-000000000000'), ('uuid', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    ('timestamp with time zone', 'infinity'), ('timestamp with time zone', '-infinity'),
    ('timestamp with time zone', '2026-01-01'),
    ('timestamp with time zone', '4714-11-24 00:00:00 BC'), ('timestamp with time zone', '294276-12-31'),
    ('timestamp with time zone', 'now'),
    ('interval', '0'), ('interval', '-1 day'), ('interval', '178000000 years'), ('interval', '-178000000 years'),
    ('interval', '1 year -3 days 00:00:01'), ('interval', '2147483647 days'),
    ('text', ''), ('text', ' '), ('text', 'x'), ('text', 'A trip to Lisbon'), ('text', repeat('x', 200)),
    ('text', repeat('x', 201)), ('text', repeat('𝒳', 200)),
    ('text', repeat('y', 1000000)), ('text', repeat('学 ', 100000)), ('text', repeat(U&'e\0301\0308\200d', 3000)),
    ('text', U&'\202e\feff\fffe\+10ffff\d7ff\e000\0085'), ('text', E'\x01\x02\t\r\n\x7f'),
    ('text', '%s%n%p%1$*d'), ('text', ''';DROP TABLE agent.users;--'), ('text', '$1'), ('text', '{"a":1}'),
    ('text', '\'), ('text', '../../etc/passwd'), ('text', 'NULL'),
    ('text', '😀👍🏽👨‍👩‍👧'), ('text', repeat('<mark>&"', 1000)), ('text', repeat('(', 20000)),
    ('text', '-9223372036854775809'),
    ('text[]', '{}'), ('text[]', '{a,b}'), ('text[]', '{NULL}'), ('text[]', '{{a,b},{c,d}}'), ('text[]', '[5:6]={a,b}'),
    ('text[]', '{"",""}'), ('text[]', '{{{{{a}}}}}'),
    ('text[]', array_fill('a'::text, ARRAY[100000])::text), ('text[]', ARRAY[repeat('x', 1000000)]::text),
    ('text[]', (SELECT array_agg('t' || n) FROM generate_series(1, 21) AS n)::text),
    ('text[]', '[-2147483648:-2147483647]={a,b}'),
    ('jsonb', '{}'), ('jsonb', '{"a": 1}'), ('jsonb', '[]'), ('jsonb', 'null'), ('jsonb', '1'), ('jsonb', '"x"'),
    ('jsonb', '[[[{"a": [null]}]]]'),
    ('jsonb', '{"a": 1e100000}'), ('jsonb', '{"": {"": {"": ""}}}'), ('jsonb', repeat('[', 3000) || repeat(']', 3000)),
    ('jsonb', repeat('{"a":', 3000) || '1' || repeat('}', 3000)),
    ('jsonb', '{"a": "' || repeat('x', 16375) || '"}'), ('jsonb', '{"a": "' || repeat('x', 1000000) || '"}'),
    ('jsonb', '{"学": "\ud83d\ude00\u0001"}'),
    ('headers', '{}'), ('headers', '{"authorization": 1, "content-type": ["a"]}'),
    ('headers', '{"Authorization": "Bearer "}'), ('headers', '{"authorization": "Basic x"}'),
    ('headers', '{"authorization": null, "idempotency-key": {}, "user-agent": []}'),
    ('headers', '{"idempotency-key": "k", "user-agent": "' || repeat('é', 5000) || '"}'),
    ('body', '{}'), ('body', ''), ('body', '\xff'), ('body', '\x00'),
    ('body', '{"title": "A trip", "tags": ["a"], "metadata": {"a": 1}}'),
    ('body', '{"title": 1, "tags": {}, "metadata": []}'),
    ('body', '{"role": "user", "content": "Hi", "metadata": null}'), ('body', '{"refresh_token": "x"}'),
    ('body', '{"email": "smith1@example.com", "password": "correct horse 1", "refresh": true}'),
    ('body', '{"email": "b@example.com", "username": "bob", "password": "secret"}'), ('body', '{"scope": "others"}'),
    ('body', '{"password": "correct horse 1"}'),
    ('body', '{"title": "\ud800"}'), ('body', '{"title": "\u0000", "title": "b"'), ('body', repeat('[', 20000)),
    ('body', repeat('{"title":', 99) || '1' || repeat('}', 99)), ('body', '{"content": 1e999999999, "skip": -0}');
INSERT INTO smith.pool
SELECT 'headers', json_build_object('authorization', 'Bearer ' || value, 'user-agent', 'smith')::text
FROM smith.pool WHERE kind = 'token';
INSERT INTO smith.pool SELECT 'bytea', convert_to(value, 'UTF8')::text FROM smith.pool WHERE kind = 'body' AND value !~ '^\\x';
UPDATE smith.pool SET value = convert_to(value, 'UTF8')::text WHERE kind = 'body' AND value !~ '^\\x';
INSERT INTO smith.pool VALUES ('json', '{"a": 1}'), ('tsvector', '''a'':1 ''b'':2'), ('tsquery', '''a'' & !''b'':*'),
    ('tsquery', ''), ('regconfig', 'api.agent');

-- Characters of every kind side by side, with what queries and markup are made of: some texts of them, short and long.
CREATE FUNCTION smith.characters(count int) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT string_agg(CASE WHEN random() < 0.3 THEN substr(' "-*()&|<>:''\.@/_', 1 + floor(random() * 17)::int, 1)
        WHEN random() < 0.5 THEN chr(97 + floor(random() * 26)::int)
        ELSE chr((ARRAY[128, 768, 1488, 3584, 4352, 8192, 12352, 19968, 44032, 57344, 65024, 127744, 131072])
            [1 + floor(random() * 13)] + floor(random() * 250)::int) END, '')
    FROM generate_series(1, count)
$$;
INSERT INTO smith.pool
SELECT kind, smith.characters(length) FROM unnest(ARRAY['text', 'query', 'title', 'content']) AS kind,
    unnest(ARRAY[1, 2, 3, 5, 8, 20, 60, 150, 190, 2000]) AS length;

-- Functions of the extension, with the names and types of what they take; none that are called by PostgreSQL alone.
CREATE VIEW smith.functions AS
SELECT p.oid, nspname AS schema, proname AS name, proretset AS is_set,
    ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) WITH ORDINALITY AS a (t, n) ORDER BY n) AS types,
    coalesce(proargnames[1:pronargs], array_fill(''::text, ARRAY[pronargs::int])) AS names, pronargs - pronargdefaults AS needed
FROM pg_proc AS p JOIN pg_namespace AS s ON s.oid = pronamespace
JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e'
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agent')
WHERE NOT 'internal'::regtype = ANY (proargtypes)
    AND prorettype NOT IN ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype);

-- What is meant for an argument of that name, and does no harm; for an account, a new one now and then.
CREATE TABLE smith.fair AS
SELECT kind, value FROM smith.pool
WHERE kind IN ('conversation_id', 'message_id', 'session_id', 'user_id', 'refresh_token', 'current_password', 'cursor',
    'method', 'path', 'headers', 'body')
UNION ALL SELECT 'token', token FROM smith.person
UNION ALL SELECT kind, prefix || n || suffix FROM generate_series(1, 50) AS n,
    (VALUES ('email', 'new', '@example.com'), ('username', 'new', ''), ('idempotency_key', 'key', '')) AS v (kind, prefix, suffix)
UNION ALL SELECT 'password_hash', password_hash FROM agent.users
UNION ALL VALUES ('email', 'smith1@example.com'), ('password', 'correct horse 1'), ('new_password', 'another secret'), ('role', 'user'),
    ('direction', 'backward'), ('scope', 'others'), ('page_size', '2'), ('batch', '10'), ('older_than', '2 years'), ('tag', 'a'),
    ('tags', '{a,b}'), ('title', 'A trip'), ('content', 'Alfama 学习'),
    ('first_message', 'Lisbon'), ('query', 'alfama'), ('metadata', '{"a": 1}'), ('since', '2026-01-01'),
    ('created_at', '2026-01-01'), ('start_mark', '<b>');

-- A literal for an argument: what is meant for it, or anything of its type, rarely NULL.
CREATE FUNCTION smith.literal(type text, name text, is_fair boolean) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    dice float := random();
    result text;
BEGIN
    IF is_fair THEN
        SELECT value INTO result FROM smith.fair WHERE kind = name ORDER BY random() LIMIT 1;
    END IF;
    IF result IS NULL AND dice > 0.06 THEN
        SELECT value INTO result FROM smith.pool
        WHERE kind = CASE WHEN dice > 0.4 AND name IN (SELECT kind FROM smith.pool) THEN name ELSE type END
        ORDER BY random() LIMIT 1;
    END IF;
    RETURN CASE WHEN result IS NULL THEN format('NULL::%s', type)
        WHEN length(result) > 2000 AND type = 'text' AND result = repeat(left(result, 8), length(result) / 8)
            THEN format('repeat(%L, %s)', left(result, 8), length(result) / 8)
        ELSE format('%L::%s', result, type) END;
END $$;

-- Values that are stored, compressed, or out of line, a column for each type. They come out of a function that sqlsmith
-- does not see: PostgreSQL's own take their time over a megabyte, and some cannot be cancelled.
CREATE TABLE smith.large AS
SELECT value AS text, NULL::jsonb AS jsonb, NULL::text[] AS texts, NULL::bytea AS bytea FROM smith.pool WHERE kind = 'text'
UNION ALL SELECT NULL, value::jsonb, NULL, NULL FROM smith.pool WHERE kind IN ('jsonb', 'headers')
UNION ALL SELECT NULL, NULL, value::text[], NULL FROM smith.pool WHERE kind = 'text[]'
UNION ALL SELECT NULL, NULL, NULL, value::bytea FROM smith.pool WHERE kind IN ('bytea', 'body');
CREATE FUNCTION smith.stored() RETURNS SETOF smith.large LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT * FROM smith.large';

-- Three rows, of which an argument takes the column v.
CREATE FUNCTION smith.three_rows(type text, name text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN random() < 0.4 AND type IN ('text', 'jsonb', 'text[]', 'bytea')
        THEN format(' FROM (SELECT %1$I AS v FROM smith.stored() WHERE %1$I IS NOT NULL ORDER BY random() LIMIT 3) AS s',
            replace(type, '[]', 's'))
        ELSE format(' FROM (VALUES (%s), (%s), (%s)) AS s (v)',
            smith.literal(type, name, false), smith.literal(type, name, true), smith.literal(type, name, false)) END
$$;

-- A call: what has a default is left out now and then, and one argument may come from rows.
CREATE FUNCTION smith.call(f smith.functions, rows boolean) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    list text[] := '{}';
    is_fair boolean := random() < 0.4;
    varied int := CASE WHEN rows THEN 1 + floor(random() * cardinality(f.types)) END;
BEGIN
    FOR i IN 1..cardinality(f.types) LOOP
        CONTINUE WHEN i > f.needed AND i IS DISTINCT FROM varied AND random() < 0.5 AND f.names[i] <> '';
        list := list || (CASE WHEN f.names[i] = '' THEN '' ELSE quote_ident(f.names[i]) || ' => ' END
            || CASE WHEN i = varied THEN 's.v' ELSE smith.literal(f.types[i], f.names[i], is_fair) END);
    END LOOP;
    RETURN format('%I.%I(%s)', f.schema, f.name, array_to_string(list, ', '))
        || CASE WHEN varied IS NULL THEN '' ELSE smith.three_rows(f.types[varied], f.names[varied]) END;
END $$;

-- The same as a statement, or several, in one of the ways that functions are called.
CREATE FUNCTION smith.statement(f smith.functions) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    dice float := random();
BEGIN
    RETURN CASE WHEN dice < 0.05 THEN format('SAVEPOINT s; SELECT %s; ROLLBACK TO s;', smith.call(f, false))
        WHEN dice < 0.25 THEN format('SELECT * FROM %s;', smith.call(f, false))
        WHEN dice < 0.35 THEN format('SELECT count(*) FROM (SELECT %s OFFSET 0) AS t;', smith.call(f, false))
        WHEN dice < 0.45 THEN format('DECLARE c NO SCROLL CURSOR FOR SELECT * FROM %s; FETCH 1 FROM c; FETCH 2 FROM c; CLOSE c;',
            smith.call(f, false))
        WHEN dice < 0.75 AND cardinality(f.types) > 0 THEN format('SELECT %s;', smith.call(f, true))
        WHEN dice < 0.8 AND NOT f.is_set THEN format('SELECT FROM generate_series(1, 2) WHERE to_jsonb(%s)::text <> ''x'';',
            smith.call(f, false))
        ELSE format('SELECT %s;', smith.call(f, false)) END;
END $$;

-- Now and then somebody else, or PostgREST, before the first call of a transaction.
CREATE FUNCTION smith.beginning() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    dice float := random();
    token text := (SELECT value FROM smith.pool WHERE kind IN ('token', 'text') AND length(value) < 9000 ORDER BY random() LIMIT 1);
    headers text := (SELECT value FROM smith.pool WHERE kind IN ('headers', 'jsonb') AND length(value) < 9000 ORDER BY random() LIMIT 1);
BEGIN
    RETURN 'BEGIN' || (ARRAY[' READ ONLY', ' ISOLATION LEVEL REPEATABLE READ', ' ISOLATION LEVEL SERIALIZABLE', '', '', '', '', ''])
            [1 + floor(random() * 8)] || ';'
        || CASE WHEN dice < 0.08 THEN format(' SET LOCAL agent.token = %L;', token)
            WHEN dice < 0.16 THEN format(' SET LOCAL request.headers = %L; SET LOCAL request.method = ''POST'';', headers)
                || ' SET LOCAL request.path = ''/''; SELECT api.agent_postgrest_request();'
            WHEN dice < 0.2 THEN ' SET LOCAL "request.jwt.claims" = ''{"sub": "00000000-0000-0000-0000-000000000000"}'';'
            ELSE '' END;
END $$;

-- So many transactions for a role, each with calls of one to three functions: those it may call, and now and then one
-- that it may not. Half of them are rolled back, and always those after which there would be nothing more to do.
CREATE FUNCTION smith.transactions(web_role name, count int) RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    f smith.functions;
    ending text;
BEGIN
    RETURN NEXT '\set ON_ERROR_ROLLBACK on';
    FOR i IN 1..count LOOP
        ending := CASE WHEN random() < 0.5 THEN 'COMMIT;' ELSE 'ROLLBACK;' END;
        RETURN NEXT smith.beginning();
        FOR f IN SELECT * FROM smith.functions
            WHERE has_function_privilege(web_role, oid, 'EXECUTE') AND has_schema_privilege(web_role, schema, 'USAGE')
                OR random() < 0.015
            ORDER BY random() LIMIT 1 + floor(random() * 3) LOOP
            IF f.name IN ('agent_account_delete', 'agent_password_change', 'agent_logout', 'agent_refresh', 'agent_http',
                'agent_postgrest_http', 'agent_user_set_active', 'agent_session_end', 'agent_key_rotate', 'agent_purge') THEN
                ending := 'ROLLBACK;';
            END IF;
            RETURN NEXT smith.statement(f);
        END LOOP;
        RETURN NEXT ending;
    END LOOP;
END $$;

-- For sqlsmith. It looks up pg_proc by the search path: this one has the functions of the extension and a few of
-- PostgreSQL's that give values of the types they take; none that sleep, lock, or make large values.
CREATE VIEW smith.pg_proc AS
SELECT p.* FROM pg_catalog.pg_proc AS p
WHERE p.oid IN (SELECT oid FROM smith.functions) AND has_function_privilege(p.oid, 'EXECUTE')
    OR proname IN ('lower', 'upper', 'reverse', 'btrim', 'md5', 'left', 'right', 'replace', 'split_part', 'concat_ws',
        'quote_literal', 'translate', 'chr', 'length', 'gen_random_uuid', 'now', 'clock_timestamp', 'make_interval', 'age',
        'to_jsonb', 'jsonb_typeof', 'jsonb_strip_nulls', 'jsonb_set', 'array_append', 'array_cat', 'string_to_array',
        'convert_to', 'count', 'max', 'min', 'bool_and', 'abs', 'sign', 'texteq', 'boolne')
    AND pronamespace = 'pg_catalog'::regnamespace;

-- Values as relations, and what returns sets as views, with the rights of whoever reads.
CREATE VIEW smith.texts AS
SELECT kind, value FROM smith.pool WHERE kind NOT IN ('boolean', 'integer', 'uuid') AND length(value) < 5000;
CREATE TABLE smith.ids AS
SELECT value::uuid AS id FROM smith.pool WHERE kind IN ('uuid', 'conversation_id', 'message_id', 'user_id', 'session_id');
CREATE TABLE smith.documents AS
SELECT value::jsonb AS document FROM smith.pool WHERE kind IN ('jsonb', 'headers') AND length(value) < 20000;
CREATE TABLE smith.things AS
SELECT value::text[] AS tags, NULL::int AS n, NULL::timestamptz AS at, NULL::interval AS span, NULL::bytea AS bytes
FROM smith.pool WHERE kind = 'text[]' AND length(value) < 5000
UNION ALL SELECT NULL, value::int, NULL, NULL, NULL FROM smith.pool WHERE kind IN ('integer', 'page_size')
UNION ALL SELECT NULL, NULL, value::timestamptz, NULL, NULL FROM smith.pool WHERE kind = 'timestamp with time zone'
UNION ALL SELECT NULL, NULL, NULL, value::interval, NULL FROM smith.pool WHERE kind = 'interval'
UNION ALL SELECT NULL, NULL, NULL, NULL, value::bytea FROM smith.pool WHERE kind = 'body';
CREATE VIEW smith.conversation_list WITH (security_invoker) AS SELECT * FROM api.agent_conversation_list();
CREATE VIEW smith.message_list WITH (security_invoker) AS
SELECT m.* FROM api.agent_conversation_list() AS c, api.agent_message_list(c.id) AS m;
CREATE VIEW smith.user_list WITH (security_invoker) AS SELECT * FROM api.agent_user_list();
CREATE VIEW smith.export_rows WITH (security_invoker) AS SELECT * FROM api.agent_export_rows();
CREATE VIEW smith.hits WITH (security_invoker) AS SELECT h.* FROM api.agent_search('alfama'), unnest(items) AS h;

-- What the functions had done when a role's turn began and ended.
CREATE TABLE smith.counted (web_role text, at_end boolean, function text, outcome text, value float8);

CREATE ROLE smith_agent_user LOGIN IN ROLE agent_user;
CREATE ROLE smith_agent_anon LOGIN IN ROLE agent_anon;
CREATE ROLE smith_agent_admin LOGIN IN ROLE agent_admin;
GRANT USAGE ON SCHEMA smith TO PUBLIC;
GRANT SELECT ON smith.pg_proc, smith.texts, smith.ids, smith.documents, smith.things TO PUBLIC;
GRANT SELECT ON smith.conversation_list, smith.message_list, smith.export_rows, smith.hits TO agent_user;
GRANT SELECT ON smith.user_list TO agent_admin;
SELECT format('ALTER ROLE smith_%1$s SET %2$s', web_role, setting)
FROM unnest(ARRAY['agent_user', 'agent_anon', 'agent_admin']) AS web_role,
    unnest(ARRAY['role = ' || web_role, 'search_path = smith, api, pg_catalog', 'statement_timeout = ''2s''']) AS setting \gexec

-- Ranges and enumerations are nothing that the extension takes, and sqlsmith gets their operators wrong.
DELETE FROM pg_operator USING pg_type AS t WHERE t.oid IN (oprleft, oprright) AND typname ~ 'range$|^anyenum$';
