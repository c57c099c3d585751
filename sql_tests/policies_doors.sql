-- Ways around row-level security, each tried by a person against another's rows.
--
-- Catches: a query, command or setting by which Olga reads, writes, or finds out about
-- what is Paul's. She is who PostgREST or a pool makes her: agent_authenticator that
-- became agent_user, with a good token of her own.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS olga_id FROM agent_register('olga.doors@example.org', 'doors olga', 'secret') \gset
SELECT access_token AS olga FROM agent_login('olga.doors@example.org', 'secret') \gset
SELECT id AS paul_id FROM agent_register('paul.doors@example.org', 'doors paul', 'secret') \gset
SELECT access_token AS paul FROM agent_login('paul.doors@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'olga';
SELECT id AS olgas FROM agent_conversation_create('Olga''s', 'Secret of Olga''s') \gset
SET agent.token = :'paul';
SELECT id AS pauls FROM agent_conversation_create('Paul''s', 'Secret of Paul''s') \gset
RESET agent.token;
RESET ROLE;
ANALYZE agent.messages, agent.conversations;

-- A schema of Olga's own, where she may create what she likes: more than any person has.
CREATE SCHEMA regress_doors;
GRANT ALL ON SCHEMA regress_doors TO agent_user;

SET SESSION AUTHORIZATION agent_authenticator;
SET ROLE agent_user;
SET agent.token = :'olga';

-- Settings that only PostgREST should make are nothing without a token that verifies.
SELECT set_config('request.jwt.claims', json_build_object('sub', :'paul_id')::text, false) \gset
SELECT title FROM agent_conversations;
RESET agent.token;
SELECT title FROM agent_conversations;
SELECT set_config('request.headers',
    json_build_object('authorization', 'Bearer ' || :'paul_id')::text, false) \gset
SELECT title FROM agent_conversations;
RESET request.headers;
RESET request.jwt.claims;
SET agent.token = :'olga';

-- Nor does another role help: these two are all there are to become.
SELECT role, pg_temp.answer(format('SET LOCAL ROLE %I', role))
FROM unnest('{agent_owner, agent_admin, agent_anon, agent_user, pg_read_all_data}'::name[]) AS role
ORDER BY role;
BEGIN;
SET LOCAL ROLE agent_anon;
SELECT pg_temp.answer('SELECT * FROM agent_conversations');
ROLLBACK;

-- Row security cannot be switched off: with it off, a query fails.
SET row_security = off;
SELECT title FROM agent_conversations;
SELECT title FROM agent_conversation_list();
SELECT title FROM agent_conversation_get(:'olgas');
SELECT (unnest(items)).title FROM agent_conversation_page();
SELECT (unnest(items)).content FROM agent_message_page(:'olgas');
SELECT (unnest(items)).snippet FROM agent_search('secret');
RESET row_security;

-- A function that tells everything it is given, cheap enough to be asked first, is given
-- Olga's rows only.
CREATE FUNCTION regress_doors.tell(what text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    RAISE NOTICE 'told: %', what;
    RETURN true;
END
$$;
SELECT count(*) FROM agent.users WHERE regress_doors.tell(username);
SELECT count(*) FROM agent.conversations WHERE regress_doors.tell(title);
SELECT count(*) FROM agent.messages WHERE regress_doors.tell(content);
SELECT count(*) FROM agent_users WHERE regress_doors.tell(email);
SELECT count(*) FROM agent_conversations WHERE regress_doors.tell(title);
SELECT count(*) FROM agent_messages WHERE regress_doors.tell(content);
SELECT count(*) FROM agent_conversation_list() WHERE regress_doors.tell(title);
SELECT count(*) FROM agent_message_list(:'olgas') WHERE regress_doors.tell(content);
SELECT count(*) FROM agent_message_list(:'pauls') WHERE regress_doors.tell(content);
SELECT count(*) FROM agent_export_rows() WHERE kind = 'message' AND regress_doors.tell(record ->> 'content');
SELECT count(*) FROM agent.audit WHERE regress_doors.tell(event || ' of ' || (user_id = agent_uid())::text);
SELECT count(*) FROM agent_audit WHERE regress_doors.tell(event);
SELECT count(*) FROM agent_conversation_page() AS p, unnest(p.items) AS i WHERE regress_doors.tell(i.title);
SELECT count(*) FROM agent_message_page(:'olgas') AS p, unnest(p.items) AS i WHERE regress_doors.tell(i.content);
SELECT count(*) FROM agent_message_page(:'pauls') AS p, unnest(p.items) AS i WHERE regress_doors.tell(i.content);
SELECT count(*) FROM agent_search('paul olga') AS p, unnest(p.items) AS i WHERE regress_doors.tell(i.snippet);
SELECT count(*) FROM agent.messages WHERE search @@ 'paul | olga' AND regress_doors.tell(content);
SELECT count(*) FROM agent.messages WHERE search @@ 'paul | olga | secret' AND regress_doors.tell(content);
SELECT count(*) FROM agent_conversations AS c JOIN agent_messages AS m
    ON regress_doors.tell(c.title || ', ' || m.content);
-- What searches may ask of rows before the policies have had their say is nobody's to call
-- with arguments of their own; and estimates are alike for Paul's word and for nobody's.
SELECT proname, has_function_privilege('agent_user', oid, 'EXECUTE') AS callable FROM pg_proc
WHERE pronamespace = 'agent'::regnamespace AND proleakproof ORDER BY 1;
SELECT pg_temp.answer($$SELECT FROM agent.messages WHERE search OPERATOR(agent.@@) 'paul'$$);
SELECT pg_temp.answer($$SELECT FROM agent.messages
    WHERE agent.search_document(CASE WHEN content >= 'S' THEN 'x' ELSE '' END) IS NOT NULL$$);
CREATE FUNCTION regress_doors.estimate(word text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM agent.messages WHERE search @@ %L', word) INTO plan;
    RETURN plan #>> '{0,Plan,Plan Rows}';
END
$$;
SELECT regress_doors.estimate('paul') = regress_doors.estimate('nobody') AS alike;
-- An error made of a value, and an operator of one's own, are given no more.
SELECT count(*) FROM agent_messages WHERE content::int = 1;
CREATE FUNCTION regress_doors.always(a uuid, b uuid) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT true';
CREATE OPERATOR regress_doors.= (FUNCTION = regress_doors.always, LEFTARG = uuid, RIGHTARG = uuid);
CREATE FUNCTION regress_doors.agent_uid() RETURNS uuid LANGUAGE sql AS $$ SELECT NULL::uuid $$;
CREATE TEMP TABLE conversations AS SELECT 'shadow' AS title;
CREATE TEMP TABLE users AS SELECT 'shadow' AS username;
SET search_path = regress_doors, pg_temp, public, pg_catalog;
SELECT title FROM agent_conversations WHERE user_id = :'paul_id';
SELECT title FROM agent_conversation_list();
SELECT title FROM agent_conversation_get(:'olgas');
SELECT username FROM agent_me();
SELECT pg_temp.answer(format('SELECT agent_conversation_get(%L)', :'pauls'));
SELECT pg_temp.answer(format('SELECT agent_conversation_fork(%L)', :'pauls'));
SELECT pg_temp.answer(format('SELECT agent_message_list(%L)', :'pauls'));
SELECT kind, count(*) FROM agent_export_rows() GROUP BY kind ORDER BY kind COLLATE "C";
SELECT json_array_length(agent_export() -> 'conversations');
SELECT (unnest(items)).title FROM agent_conversation_page();
SELECT pg_temp.answer(format('SELECT agent_message_page(%L)', :'pauls'));
SELECT cardinality(items) FROM agent_search('paul');
RESET search_path;

-- COPY is a query like others, and copying in is a write like others.
COPY agent.conversations (title) TO STDOUT;
COPY (SELECT content FROM agent_messages) TO STDOUT;
COPY (SELECT title FROM agent_conversation_list()) TO STDOUT;
COPY agent.users TO STDOUT;
COPY agent.users (password_hash) TO STDOUT;
\copy agent.messages FROM '/dev/null'
\copy agent_conversations (title) FROM '/dev/null'
COPY (DELETE FROM agent.conversations RETURNING title) TO STDOUT;
\set VERBOSITY sqlstate
COPY agent.users (username) TO PROGRAM 'cat';
\set VERBOSITY terse

-- Nothing that ties another's row to one's own can be made, and so nothing can be found
-- out by it: no foreign key, trigger, rule, index, policy, view that asks as its owner.
SELECT command, pg_temp.answer(command) FROM unnest(ARRAY[
    'CREATE TABLE regress_doors.probe (u uuid REFERENCES agent.users)',
    'CREATE TABLE regress_doors.heir () INHERITS (agent.conversations)',
    'CREATE TRIGGER p AFTER DELETE ON agent.messages EXECUTE FUNCTION tsvector_update_trigger()',
    'CREATE RULE probe AS ON INSERT TO agent.messages DO ALSO NOTHING',
    'CREATE INDEX probe ON agent.messages ((regress_doors.tell(content)))',
    'CREATE POLICY probe ON agent.messages USING (true)',
    'ALTER TABLE agent.messages DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE agent.messages NO FORCE ROW LEVEL SECURITY',
    'ALTER FUNCTION agent_uid() RESET ALL',
    'CREATE OR REPLACE FUNCTION agent_uid() RETURNS uuid LANGUAGE sql AS ''SELECT NULL::uuid''',
    'CREATE FUNCTION agent.probe() RETURNS int LANGUAGE sql AS ''SELECT 1''',
    'CREATE STATISTICS regress_doors.probe ON title, is_archived FROM agent.conversations',
    'SELECT * FROM agent.conversations FOR UPDATE',
    'SELECT * FROM agent_conversations FOR SHARE',
    'SELECT * FROM agent_audit FOR UPDATE',
    'DELETE FROM agent.audit',
    'SELECT agent.purge(now(), 1)',
    'SELECT agent.uuidv7()',
    'GRANT SELECT ON agent.messages TO PUBLIC',
    'SET session_replication_role = replica']) AS command;
CREATE VIEW regress_doors.mine AS SELECT title FROM agent.conversations;
SELECT title FROM regress_doors.mine;
SELECT count(*) FROM pg_stats WHERE schemaname = 'agent';

-- A statement prepared, and a plan made, for one person shows the next one their own rows.
SET plan_cache_mode = force_generic_plan;
PREPARE list AS SELECT title FROM agent_conversation_list();
PREPARE rows (uuid) AS SELECT content FROM agent_messages WHERE user_id = $1;
PREPARE get (uuid) AS SELECT title FROM agent_conversation_get($1);
EXECUTE list;
EXECUTE rows (:'olga_id');
EXECUTE get (:'olgas');
SET agent.token = :'paul';
EXECUTE list;
EXECUTE rows (:'olga_id');
EXECUTE rows (:'paul_id');
EXECUTE get (:'olgas');
EXECUTE get (:'pauls');
SELECT title FROM regress_doors.mine;
SET agent.token = :'olga';
EXECUTE list;
RESET agent.token;
EXECUTE list;
EXECUTE rows (:'paul_id');
RESET plan_cache_mode;

-- A cursor is nobody's: a row is shown by the token that is set when it is read. A scan
-- of the whole table asks at each row, one by index asked when it began. So what Paul
-- opened may go on with his rows, or with Olga's after she has set her token; both
-- tokens were given in this very transaction. It never shows a third person's.
SET agent.token = :'paul';
SELECT count(*)
FROM generate_series(1, 2) AS n, agent_message_create(:'pauls', 'user', 'More ' || n);
SET agent.token = :'olga';
SELECT count(*) FROM agent_message_create(:'olgas', 'user', 'Last of Olga''s');
CREATE TEMP TABLE names AS VALUES (:'paul_id'::uuid, 'Paul'), (:'olga_id', 'Olga');
CREATE FUNCTION pg_temp.owner(id uuid) RETURNS text LANGUAGE sql
RETURN coalesce((SELECT column2 FROM names WHERE column1 = id), 'a third person');
SET agent.token = :'paul';
BEGIN;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
DECLARE whole CURSOR FOR SELECT pg_temp.owner(user_id) FROM agent_messages;
DECLARE unread CURSOR FOR SELECT pg_temp.owner(user_id) FROM agent_messages;
SET LOCAL enable_indexscan = on;
SET LOCAL enable_seqscan = off;
DECLARE by_index CURSOR FOR SELECT pg_temp.owner(user_id) FROM agent_messages
    ORDER BY user_id, conversation_id, seq;
FETCH 1 FROM whole;
FETCH 1 FROM by_index;
SET LOCAL agent.token = :'olga';
FETCH 1 FROM whole;
FETCH 1 FROM by_index;
FETCH ALL FROM unread;
SET LOCAL agent.token = '';
FETCH ALL FROM whole;
ROLLBACK;

RESET agent.token;
RESET SESSION AUTHORIZATION;
DROP SCHEMA regress_doors CASCADE;
