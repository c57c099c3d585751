-- What the tests have in common. A test reads this file as superuser; everything is
-- temporary.
--
--     pg_temp.answer(command)             ok, or the error's SQLSTATE, message and detail
--     pg_temp.answer_as(role, command)    the same, asked by a role
--     pg_temp.register(email, username, password), pg_temp.login(email, password)
--                                         the answer to a call
--     pg_temp.reads(query)                how many rows a query reads, and by which index
--     pg_temp.token(header, payload)      signs two texts with the key that signs
--     pg_temp.sign(segments)              signs "header.payload", encoded already
--     pg_temp.opened(segment)             what is in a segment of a token
--     pg_temp.verdict(token)              what the server says to a token

\set VERBOSITY terse
-- The least there is: tests hash many passwords.
SET agent.password_hash_cost = 10;

CREATE FUNCTION pg_temp.answer(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE command;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(replace(detail, E'\n', '; '), ''));
END
$$;

CREATE FUNCTION pg_temp.answer_as(role name, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    answer := pg_temp.answer(command);
    RESET ROLE;
    RETURN answer;
END
$$;

CREATE FUNCTION pg_temp.register(email text, username text, password text) RETURNS text
LANGUAGE sql
RETURN pg_temp.answer(format('SELECT agent_register(%L, %L, %L)', email, username, password));
CREATE FUNCTION pg_temp.login(email text, password text) RETURNS text LANGUAGE sql
RETURN pg_temp.answer(format('SELECT agent_login(%L, %L)', email, password));

-- By the first scan of a table in the plan; to be called as the person asking.
CREATE FUNCTION pg_temp.reads(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
    scan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query
        INTO plan;
    scan := jsonb_path_query_first(plan, '$.** ? (exists (@."Relation Name"))');
    RETURN format('%s rows by %s on %s%s',
        (scan ->> 'Actual Rows')::numeric::int
            + coalesce((scan ->> 'Rows Removed by Filter')::numeric::int, 0),
        scan ->> 'Node Type', coalesce(scan ->> 'Index Name', 'no index'),
        CASE WHEN plan::text ~ '"Sort Key"' THEN ', sorted' END);
END
$$;

CREATE FUNCTION pg_temp.base64url(data bytea) RETURNS text LANGUAGE sql AS $$
    SELECT rtrim(translate(encode(data, 'base64'), E'+/\n', '-_'), '=')
$$;
CREATE FUNCTION pg_temp.opened(segment text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT convert_from(decode(rpad(part, (length(part) + 3) / 4 * 4, '='), 'base64'),
        'UTF8')::jsonb
    FROM translate(segment, '-_', '+/') AS part
$$;
-- Signs "header.payload", both encoded already, with the key that signs.
CREATE FUNCTION pg_temp.sign(segments text, algorithm text DEFAULT 'sha256') RETURNS text
LANGUAGE sql AS $$
    SELECT segments || '.' || pg_temp.base64url(hmac(segments::bytea, secret, algorithm))
    FROM agent.signing_keys ORDER BY retires_at DESC, created_at DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.token(header text, payload text, algorithm text DEFAULT 'sha256')
RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.sign(pg_temp.base64url(convert_to(header, 'UTF8')) || '.'
        || pg_temp.base64url(convert_to(payload, 'UTF8')), algorithm)
$$;

-- The answer to a token, through both doors, which must agree: agent_authenticate
-- and the setting.
CREATE FUNCTION pg_temp.verdict(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    by_function text := 'accepted';
    by_setting text := 'accepted';
BEGIN
    PERFORM set_config('agent.token', '', true);
    BEGIN
        PERFORM agent_authenticate(token);
    EXCEPTION WHEN invalid_authorization_specification THEN
        by_function := SQLERRM;
    END;
    BEGIN
        PERFORM set_config('agent.token', token, true);
        IF agent_uid() IS NULL THEN
            by_setting := 'nobody';
        END IF;
    EXCEPTION WHEN invalid_authorization_specification OR invalid_parameter_value THEN
        by_setting := SQLERRM;
    END;
    PERFORM set_config('agent.token', '', true);
    RETURN CASE WHEN by_function = by_setting THEN by_function
        ELSE format('%s by function, %s by setting', by_function, by_setting) END;
END
$$;
