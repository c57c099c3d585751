-- Identity: the caller is whoever a token says that this server has verified.
--
-- Catches: a source of identity that is not a verified token, and an identity
-- that outlives its statement, savepoint, transaction or session. What a token
-- must look like is in token.sql.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS ann_id FROM agent_register('ann.identity@example.org', 'identity ann', 'secret') \gset
SELECT id AS ben_id FROM agent_register('ben.identity@example.org', 'identity ben', 'secret') \gset
SELECT access_token AS ann FROM agent_login('ann.identity@example.org', 'secret') \gset
SELECT access_token AS ben FROM agent_login('ben.identity@example.org', 'secret') \gset

-- The caller by name, by every path at once: a policy on a table, a SECURITY
-- DEFINER function and agent_uid() must agree.
CREATE FUNCTION pg_temp.caller() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    IF agent_uid() IS NULL THEN
        RETURN (SELECT 'nobody, ' || count(*) || ' rows' FROM agent_users);
    END IF;
    name := (SELECT username FROM agent_users WHERE id = agent_uid());
    RETURN CASE WHEN (SELECT m.username = name AND m.id = agent_uid() FROM agent_me() AS m)
        THEN name ELSE 'paths differ' END;
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s %s', SQLSTATE, SQLERRM);
END
$$;
SET ROLE agent_user;

-- Without a token: nobody, no row, and an error by name from whatever needs a caller.
SELECT pg_temp.caller();
CREATE TEMP TABLE calls AS
SELECT * FROM (VALUES
    ('agent_me()'),
    ('agent_logout()'),
    ('agent_logout(''x'')'),
    ('agent_password_change(NULL, NULL)'),
    ('agent_account_delete(NULL)'),
    ('agent_conversation_create(''title'')'),
    ('agent_conversation_list()'),
    ('agent_conversation_get(gen_random_uuid())'),
    ('agent_conversation_update(gen_random_uuid(), ''title'')'),
    ('agent_conversation_delete(gen_random_uuid())'),
    ('agent_export()'),
    ('agent_export_rows()'),
    ('agent_conversation_fork(gen_random_uuid())'),
    ('agent_message_create(gen_random_uuid(), ''user'', ''hello'')'),
    ('agent_message_update(gen_random_uuid(), ''hello'')'),
    ('agent_message_delete(gen_random_uuid())'),
    ('agent_message_list(gen_random_uuid())'),
    ('agent_conversation_page(''x'', 0)'),
    ('agent_message_page(gen_random_uuid(), ''x'')'),
    -- That nobody called is said before what is wrong with the arguments.
    ('agent_conversation_create(NULL)'),
    ('agent_conversation_get(NULL)'),
    ('agent_conversation_update(NULL, '''')'),
    ('agent_conversation_delete(NULL)'),
    ('agent_conversation_fork(NULL, NULL, '''')'),
    ('agent_message_create(NULL, ''robot'', '''')'),
    ('agent_message_update(NULL, '''')'),
    ('agent_message_delete(NULL)'),
    ('agent_message_list(NULL)')) AS c (call);
SELECT call, pg_temp.answer('SELECT * FROM ' || call) FROM calls ORDER BY call COLLATE "C";

-- Every function of the API is either in that list or works without a caller.
SELECT p.proname FROM pg_proc AS p
JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'agent'
WHERE p.pronamespace <> 'agent'::regnamespace
    AND NOT EXISTS (SELECT FROM calls WHERE split_part(call, '(', 1) = p.proname)
ORDER BY p.proname;

-- Claims that PostgREST or anybody has put there are not believed.
SELECT set_config('request.jwt.claims',
    json_build_object('sub', :'ann_id', 'role', 'agent_user', 'iss', 'agent')::text, false) \gset
SELECT set_config('request.jwt.claim.sub', :'ann_id', false) \gset
SELECT pg_temp.caller();

-- The setting comes before the header, and a bad one is not made up for by a good one.
SELECT json_build_object('authorization', 'Bearer ' || :'ann') AS ann_headers,
    json_build_object('authorization', 'Bearer ' || :'ben') AS ben_headers \gset
SET request.headers = :'ben_headers';
SELECT pg_temp.caller();
SET agent.token = :'ann';
SELECT pg_temp.caller();
SET agent.token = 'bad';
SELECT pg_temp.caller();
SET agent.token = ' ';
SELECT pg_temp.caller();
SET agent.token = '';
SELECT pg_temp.caller();
RESET agent.token;

-- Which headers name somebody, which say nobody, and which are an error: whoever
-- sent credentials must not get the answer of somebody who sent none.
CREATE FUNCTION pg_temp.caller_with(headers text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', headers, true);
    RETURN pg_temp.caller();
END
$$;
SELECT n, pg_temp.caller_with(replace(headers, '@', :'ann'))
FROM (VALUES
    (1, '{"authorization": "Bearer @"}'), (2, '{"authorization": "bearer @"}'),
    (3, '{"authorization": "BEARER @"}'), (4, '{"authorization": "Bearer    @"}'),
    (5, '{"accept": "*/*", "authorization": "Bearer @", "x": "' || repeat('y', 20000) || '"}'),
    (6, ''), (7, '{}'), (8, '{"authorization": ""}'), (9, '{"authorization": "Bearer"}'),
    (10, '{"authorization": "Bearer "}'), (11, '{"x-authorization": "Bearer @"}'),
    (12, '{"nested": {"authorization": "Bearer @"}}'),
    (13, '{"authorization": "Basic YTpi"}'), (14, '{"authorization": "@"}'),
    (15, '{"authorization": "Bearer@"}'), (16, '{"authorization": "Bearers @"}'),
    (17, '{"authorization": " Bearer @"}'), (18, '{"authorization": "Bearer @ "}'),
    (19, '{"authorization": "Bearer @, Bearer @"}'), (20, '{"authorization": "Bearer\t@"}'),
    (21, '{"authorization": "Bearer @", "authorization": "Bearer @"}'),
    (22, '{"authorization": "Bearer x", "authoriz\u0061tion": "Bearer @"}'),
    (23, '["authorization", "Bearer @"]'), (24, '"Bearer @"'), (25, 'Bearer @'), (26, '@'),
    (27, '{"authorization": "Bearer @"'), (28, '{"authorization": "Bearer @"} x'), (29, 'null'),
    (30, '{"authorization": "Bearer ' || repeat('A', 9000000) || '"}')) AS v (n, headers)
ORDER BY n;
RESET request.headers;

-- A text that was found good as headers is not thereby good as a token, or the
-- other way round: what something means does not depend on what came before it.
SELECT pg_temp.caller_with(:'ann_headers');
SET agent.token = :'ann_headers';
SELECT pg_temp.caller();
SET agent.token = :'ann';
SELECT pg_temp.caller();
RESET agent.token;
SELECT pg_temp.caller_with(:'ann');

-- SET LOCAL lasts as long as the transaction, and a rolled-back savepoint brings the
-- former identity back.
BEGIN;
SET LOCAL agent.token = :'ann';
SELECT pg_temp.caller();
SAVEPOINT other;
SET LOCAL agent.token = :'ben';
SELECT pg_temp.caller();
ROLLBACK TO other;
SELECT pg_temp.caller();
COMMIT;
SELECT pg_temp.caller();

-- agent_authenticate verifies and takes the identity for the transaction; one that
-- fails, or is rolled back, leaves the identity as it was.
BEGIN;
SELECT agent_authenticate(:'ann') = :'ann_id' AS id;
SELECT pg_temp.caller();
SELECT pg_temp.answer('SELECT agent_authenticate(''bad'')');
SELECT pg_temp.answer('SELECT agent_authenticate(NULL)');
SELECT pg_temp.caller();
SAVEPOINT other;
SELECT agent_authenticate(:'ben') = :'ben_id' AS id;
SELECT pg_temp.caller();
ROLLBACK TO other;
SELECT pg_temp.caller();
SELECT agent_authenticate(:'ben') = :'ben_id' AS id;
COMMIT;
SELECT pg_temp.caller();

-- Outside a transaction block it only verifies, and leaves a session's setting alone.
SELECT agent_authenticate(:'ben') = :'ben_id' AS id;
SELECT pg_temp.caller();
SET agent.token = :'ann';
SELECT agent_authenticate(:'ben') = :'ben_id' AS id;
SELECT pg_temp.caller();

-- A token that is over the limit is an error of its own, and changes nothing.
SELECT pg_temp.answer('SET agent.token = ''' || repeat('A', 8193) || '''');
SELECT pg_temp.answer('SET agent.token = ''' || repeat('A', 9000000) || '''');
SELECT pg_temp.answer(format('SELECT agent_authenticate(%L)', repeat('A', 9000000)));
SELECT pg_temp.answer(format('SELECT agent_authenticate(%L)', repeat('A', 9000000) || '.e30.x'));
SELECT pg_temp.caller();

-- Workers of a parallel query know the caller too: each compares its own rows.
RESET ROLE;
CREATE TABLE regress_identity_rows AS SELECT agent_uid() AS owner FROM generate_series(1, 20000);
GRANT SELECT ON regress_identity_rows TO agent_user;
ALTER TABLE regress_identity_rows SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET ROLE agent_user;
EXPLAIN (COSTS OFF) SELECT count(*) FROM regress_identity_rows WHERE owner = agent_uid();
SELECT count(*) FROM regress_identity_rows WHERE owner = agent_uid();
SET agent.token = :'ben';
SELECT count(*) FROM regress_identity_rows WHERE owner = agent_uid();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL agent.token = :'ann';
SELECT count(*) FROM regress_identity_rows WHERE owner = agent_uid();
SET LOCAL agent.token = 'bad';
SELECT count(*) FROM regress_identity_rows WHERE owner = agent_uid();
ROLLBACK;
RESET ROLE;
DROP TABLE regress_identity_rows;

-- What a pool does between two clients leaves nobody.
SET agent.token = :'ann';
DISCARD ALL;
SET ROLE agent_user;
SELECT agent_uid();
SELECT agent_me();
RESET ROLE;

-- A token cannot be a default of the database, of a role or of a function: others would act
-- as whoever set it.
SELECT current_database() AS database \gset
ALTER DATABASE :"database" SET agent.token = 'somebody';
ALTER ROLE agent_user SET agent.token = 'somebody';
CREATE FUNCTION pg_temp.as_somebody() RETURNS uuid LANGUAGE sql SET agent.token = 'somebody'
RETURN agent_uid();
