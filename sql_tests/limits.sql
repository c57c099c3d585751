-- Limits: every argument of every function is given what nobody should send.
--
-- Catches: an internal error, a constraint's error with its row in it, a crash, a value
-- that is stored although it was refused, an argument that nobody thought of.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Where the library is preloaded, more wrong passwords than anybody may try.
SET agent.login_account_interval = 0;
SET ROLE agent_anon;
SELECT id AS lee_id FROM agent_register('lee.limits@example.org', 'limits lee', 'secret') \gset
SELECT access_token AS lee, refresh_token AS lee_refresh
FROM agent_login('lee.limits@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'lee';
SELECT id AS talk FROM agent_conversation_create('Talk', 'Hello') \gset
SELECT id AS message FROM agent_message_list(:'talk') \gset
RESET ROLE;

-- A good call of every function that takes arguments.
CREATE TEMP TABLE calls (function regproc, arguments text[]);
INSERT INTO calls VALUES
    ('agent_register', ARRAY['good.limits@example.org', 'limits good', 'secret', 'key']),
    ('agent_login', ARRAY['lee.limits@example.org', 'secret']),
    ('agent_authenticate', ARRAY[:'lee']),
    ('agent_refresh', ARRAY[:'lee_refresh']),
    ('agent_logout', ARRAY['others']),
    ('agent_password_change', ARRAY['secret', 'another secret']),
    ('agent_account_delete', ARRAY['secret']),
    ('agent_conversation_create', ARRAY['Title', 'First', '{tag}', '{"good": 1}', 'key']),
    ('agent_conversation_list', ARRAY['true']),
    ('agent_conversation_get', ARRAY[:'talk']),
    ('agent_conversation_update', ARRAY[:'talk', 'Title', 'true', 'true', '{tag}', '{"good": 1}']),
    ('agent_conversation_delete', ARRAY[:'talk']),
    ('agent_conversation_fork', ARRAY[:'talk', :'message', 'Title']),
    ('agent_message_create', ARRAY[:'talk', 'user', 'Content', '{"good": 1}', 'key']),
    ('agent_message_update', ARRAY[:'message', 'Content', '{"good": 1}']),
    ('agent_message_delete', ARRAY[:'message']),
    ('agent_message_list', ARRAY[:'talk']),
    ('agent_conversation_page', ARRAY[NULL, '20', 'true', 'false', 'tag', '{"good": 1}']),
    ('agent_message_page', ARRAY[:'talk', '', '50', 'backward']),
    ('agent_search', ARRAY['word', '', '20', :'talk', 'user', '2020-01-01', '2030-01-01', 'true', 'true', 'tag',
        '{"good": 1}', '<', '>']),
    ('agent_http', ARRAY['GET', '/conversations', 'limit=5',
        format('{"authorization": "Bearer %s"}', :'lee'), '{}']);
-- Each is called as the web does, by the names of its arguments and with text for all of
-- them, as PostgREST does with a body of JSON. What a call did is undone.
CREATE FUNCTION pg_temp.call(function regproc, arguments jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    result record;
BEGIN
    IF arguments ->> 'headers' LIKE '{"authorization%' THEN
        arguments := jsonb_set(arguments, '{headers}', (arguments ->> 'headers')::jsonb);
    END IF;
    IF arguments ->> 'metadata' LIKE '{"good%' THEN
        arguments := jsonb_set(arguments, '{metadata}', (arguments ->> 'metadata')::jsonb);
    END IF;
    EXECUTE (SELECT format('SELECT f.* FROM jsonb_to_record($1) AS a (%s), LATERAL %s(%s) AS f',
            string_agg(format('%I %s', name, type::regtype), ', '), function,
            string_agg(format('%I => a.%1$I', name), ', '))
        FROM pg_proc, unnest(proargnames[:pronargs], proargtypes::oid[]) AS p (name, type)
        WHERE oid = function) INTO result USING arguments;
    -- agent_http answers instead of raising.
    IF function = 'agent_http'::regproc THEN
        IF result.status >= 400 THEN
            RETURN 'status ' || result.status;
        END IF;
    END IF;
    RAISE SQLSTATE 'ZZ999';
EXCEPTION
    WHEN SQLSTATE 'ZZ999' THEN RETURN 'accepted';
    -- Without the value, which PostgreSQL quotes.
    WHEN OTHERS THEN RETURN SQLSTATE || ' ' || regexp_replace(split_part(SQLERRM, ':', 1), '"\w+" is ', '');
END
$$;
CREATE FUNCTION pg_temp.named(function regproc, arguments text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object(proargnames[:pronargs], arguments) FROM pg_proc WHERE oid = function
$$;
CREATE TEMP TABLE counts AS
SELECT (SELECT count(*) FROM agent.users) AS users,
    (SELECT count(*) FROM agent.sessions) AS sessions,
    (SELECT count(*) FROM agent.conversations) AS conversations,
    (SELECT count(*) FROM agent.messages) AS messages,
    (SELECT count(*) FROM agent.signing_keys) AS keys;

-- No function for people whose arguments have names is left out, and all these calls are good.
SELECT p.oid::regproc AS missing FROM pg_proc AS p
JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'agent'
WHERE pronargs > 0 AND proargnames IS NOT NULL AND pronamespace <> 'agent'::regnamespace
    AND has_function_privilege('agent_user', p.oid, 'EXECUTE')
    AND p.oid NOT IN (SELECT function FROM calls) ORDER BY 1;
GRANT SELECT ON calls TO agent_user;
SET ROLE agent_user;
SELECT pg_temp.call(function, pg_temp.named(function, arguments)), count(*) FROM calls GROUP BY 1;

-- Now each argument in turn is exchanged for each of these.
CREATE TEMP TABLE bad (name, value) AS VALUES ('null', NULL), ('empty', '""'::jsonb),
    ('1 MB', to_jsonb(repeat('x', 1000000))), ('9 MB', to_jsonb(repeat('x', 9000000))),
    ('newlines', to_jsonb(E'\n\n\n'::text)),
    ('tabs', to_jsonb(E'\t\t\t'::text)), ('blanks', to_jsonb('   '::text)),
    ('control', to_jsonb(E'\x01\x1f\x7f'::text)), ('emoji', to_jsonb('😀😀😀'::text)),
    ('no character', to_jsonb(U&'\FFFF\FFFE\+10FFFF'::text)),
    ('SQL', to_jsonb(''') OR true; DROP TABLE agent.users; --'::text)),
    ('format', to_jsonb('%s%n%1$s'::text)),
    ('uuid without hyphens', '"ffffffffffff4fffbfffffffffffffff"'),
    ('number', '1e400'), ('true', 'true'), ('object', '{"a": [1]}'), ('array', '[]');
CREATE TEMP TABLE answers AS
SELECT function, parameter, b.name AS value, answer
FROM calls, bad AS b,
    LATERAL pg_temp.named(function, arguments) AS good,
    LATERAL jsonb_object_keys(good) AS parameter,
    LATERAL pg_temp.call(function, jsonb_set(good, ARRAY[parameter], coalesce(b.value, 'null')))
        AS answer;
SELECT function, parameter, answer, string_agg(value, ', ' ORDER BY value) AS values
FROM answers GROUP BY function, parameter, answer
ORDER BY function::text, parameter, answer COLLATE "C";

-- No answer is an internal error, a constraint's, or that of a limit of the server: all
-- of them are the caller's fault and say so.
SELECT function, parameter, value, answer FROM answers
WHERE answer !~ '^(accepted|status 4|22003|22007|22023|22P02|28000|28P01|P0002) ?' ORDER BY 1, 2, 3;

-- Text that is not text never reaches a function: NUL and lone surrogates in JSON, bytes
-- that are no UTF-8.
SELECT pg_temp.answer($$SELECT f.* FROM json_to_record('{"title": "a\u0000b"}') AS a (title text),
    LATERAL agent_conversation_create(title) AS f$$);
SELECT pg_temp.answer($$SELECT f.* FROM json_to_record('{"title": "a\ud800b"}') AS a (title text),
    LATERAL agent_conversation_create(title) AS f$$);
SELECT pg_temp.answer($$SELECT agent_conversation_create(E'a\xffb')$$);
SELECT pg_temp.answer($$SELECT agent_conversation_create(E'a\xc0\x80b')$$);
SELECT pg_temp.answer($$SELECT agent_conversation_create(E'a\xed\xa0\x80b')$$);
SELECT pg_temp.answer($$SELECT agent_conversation_create(E'a\000b')$$);
SELECT pg_temp.answer($$SELECT agent_conversation_create(convert_from('\x61f5808080', 'UTF8'))$$);
SELECT pg_temp.answer($$SELECT agent_conversation_get('not a uuid')$$);
SELECT pg_temp.answer($$SELECT agent_message_list('')$$);

-- Of all that, nothing is there.
RESET ROLE;
SELECT (SELECT count(*) FROM agent.users) - users AS users,
    (SELECT count(*) FROM agent.sessions) - sessions AS sessions,
    (SELECT count(*) FROM agent.conversations) - conversations AS conversations,
    (SELECT count(*) FROM agent.messages) - messages AS messages,
    (SELECT count(*) FROM agent.signing_keys) - keys AS keys
FROM counts;
RESET agent.token;
