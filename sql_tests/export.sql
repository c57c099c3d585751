-- One's own data: all of it comes out, all of it goes.
--
-- Catches: a column that somebody added and nobody decided about, a secret or another's row
-- in an export, two forms of it that differ, a row of a deleted account that stays.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
SET timezone = 'UTC';

-- Eva, of whom there is something in every column, and Fay.
SET agent.trusted_address_header = 'X-Real-IP';
SELECT set_config('request.headers', '{"user-agent": "Browser of Eva", "x-real-ip": "203.0.113.7"}', false) IS NOT NULL AS over_http;
SET ROLE agent_anon;
SELECT id AS eva_id FROM agent_register('eva.export@example.org', 'export eva', 'secret') \gset
SELECT access_token AS eva FROM agent_login('eva.export@example.org', 'secret') \gset
SELECT access_token AS ended FROM agent_login('eva.export@example.org', 'secret') \gset
SELECT id AS fay_id FROM agent_register('fay.export@example.org', 'export fay', 'secret') \gset
SELECT access_token AS fay FROM agent_login('fay.export@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'ended';
SELECT agent_logout();
SET agent.token = :'fay';
SELECT id AS fays FROM agent_conversation_create('Fay''s', 'Secret of Fay''s') \gset
SET agent.token = :'eva';
SELECT id AS talk FROM agent_conversation_create('Talk', 'Hello', '{a, b}', '{"x": {"y": [1, 1e30]}}') \gset
SELECT seq FROM agent_message_create(:'talk', 'assistant', 'Grüße, 密码 😀 "quoted"', '{"model": "m"}');
SELECT agent_message_update(id, 'Hello again') IS NOT NULL AS edited FROM agent_message_list(:'talk') WHERE seq = 1;
SELECT forked_from IS NOT NULL AS forked FROM agent_conversation_fork(:'talk', title => 'Fork');
SELECT title FROM agent_conversation_create('Empty', idempotency_key => 'key');

-- Rows: so many of each kind, which are the caller's.
SELECT kind, count(*) FROM agent_export_rows() GROUP BY kind ORDER BY kind;
SELECT kind, record ->> 'event' AS event, record ->> 'address' AS address, record ->> 'user_agent' AS user_agent, record ->> 'detail' AS detail
FROM agent_export_rows() WHERE kind = 'event';
SELECT record ->> 'seq' AS seq, record ->> 'role' AS role, record ->> 'content' AS content, record -> 'metadata' AS metadata,
    record ->> 'edited_at' IS NOT NULL AS edited
FROM agent_export_rows() WHERE kind = 'message' AND record ->> 'conversation_id' = :'talk';
SELECT record -> 'title' AS title, record -> 'tags' AS tags, record -> 'metadata' AS metadata, record -> 'message_count' AS count,
    record ->> 'forked_from' = :'talk' AS forked
FROM agent_export_rows() WHERE kind = 'conversation';

-- The document has the same, and nothing else.
SELECT json_object_keys(agent_export());
CREATE TEMP TABLE document AS SELECT agent_export() AS d;
SELECT d ->> 'format' AS format, d -> 'version' AS version FROM document;
BEGIN;
SELECT (agent_export() ->> 'exported_at')::timestamptz = now() AS now;
ROLLBACK;
SELECT kind, jsonb_agg(record ORDER BY record ->> 'id') = CASE kind
        WHEN 'account' THEN (SELECT jsonb_build_array(d -> 'account') FROM document)
        WHEN 'message' THEN (SELECT jsonb_agg(m ORDER BY m ->> 'id') FROM document,
            json_array_elements(d -> 'conversations') AS c, json_array_elements(c -> 'messages') AS m)
        ELSE (SELECT jsonb_agg(e::jsonb - 'messages' ORDER BY e ->> 'id') FROM document,
            json_array_elements(d -> (kind || 's')) AS e) END AS same
FROM agent_export_rows() GROUP BY kind ORDER BY kind;
SELECT c ->> 'title' AS title, json_array_length(c -> 'messages') AS messages,
    (SELECT array_agg(m ->> 'seq') FROM json_array_elements(c -> 'messages') AS m) AS seqs
FROM document, json_array_elements(d -> 'conversations') AS c;
-- Its times are in UTC, wherever the caller is.
SET timezone = 'Asia/Tokyo';
SELECT agent_export() -> 'account' ->> 'created_at' LIKE '%+00:00' AS in_utc, current_setting('timezone') AS still;
SET timezone = 'UTC';

-- Every column of every table that is about somebody is in it, or here with the reason why
-- it is not: whoever adds one decides. Neither names what there is not.
RESET ROLE;
CREATE TEMP TABLE kinds (relation text, kind text);
INSERT INTO kinds VALUES ('users', 'account'), ('sessions', 'session'), ('conversations', 'conversation'),
    ('messages', 'message'), ('audit', 'event');
CREATE TEMP TABLE left_out (relation text, attribute text, reason text);
INSERT INTO left_out VALUES
    ('users', 'email_key', 'made of email'),
    ('users', 'password_hash', 'a secret'),
    ('sessions', 'user_id', 'id of the account'),
    ('sessions', 'refresh_hash', 'a secret'),
    ('sessions', 'refresh_previous', 'a secret'),
    ('sessions', 'refresh_kid', 'tells of a secret'),
    ('sessions', 'refresh_key', 'a secret'),
    ('sessions', 'refresh_generation', 'tells of a secret'),
    ('conversations', 'user_id', 'id of the account'),
    ('conversations', 'next_seq', 'one more than the last message had'),
    ('messages', 'user_id', 'id of the account'),
    ('messages', 'search', 'made of content'),
    ('audit', 'user_id', 'id of the account');
INSERT INTO left_out
SELECT 'idempotency_keys', attribute, 'kept for a day, of what is exported anyway'
FROM unnest('{user_id,key_hash,operation,request_hash,created_at,result_id,result_seq,result_at}'::text[]) AS attribute;
SET ROLE agent_user;
CREATE TEMP TABLE exported AS
SELECT DISTINCT kind, key FROM agent_export_rows(), json_object_keys(record) AS key;
RESET ROLE;
CREATE TEMP TABLE attributes AS
SELECT relname::text AS relation, attname::text AS attribute FROM pg_class AS c JOIN pg_attribute AS a ON attrelid = c.oid
WHERE relnamespace = 'agent'::regnamespace AND relkind IN ('r', 'p', 'f', 'm') AND attnum > 0 AND NOT attisdropped
    AND (relname = 'users' OR EXISTS (SELECT FROM pg_attribute AS u WHERE u.attrelid = c.oid AND u.attname = 'user_id'));
SELECT count(*) > 30 AS found FROM attributes;
SELECT relation, attribute AS undecided FROM attributes
EXCEPT SELECT relation, key FROM exported JOIN kinds USING (kind)
EXCEPT SELECT relation, attribute FROM left_out ORDER BY 1, 2;
SELECT relation, attribute AS unknown
FROM (SELECT relation, attribute FROM left_out UNION ALL SELECT relation, key FROM exported JOIN kinds USING (kind)) AS n
EXCEPT SELECT relation, attribute FROM attributes ORDER BY 1, 2;
SELECT relation, attribute AS left_out_and_exported FROM left_out
INTERSECT SELECT relation, key FROM exported JOIN kinds USING (kind) ORDER BY 1, 2;
SELECT kind FROM exported EXCEPT SELECT kind FROM kinds;

-- No secret is in it, and nothing of Fay's.
SELECT d::text ~ 'bcrypt|\$2|eyJ|agr_|refresh_(hash|key|previous)|Fay|fay\.' AS secret_or_foreign,
    strpos(d::text, :'fay_id') > 0 OR strpos(d::text, :'fays') > 0 AS fays
FROM document;

-- For nobody else: without a token, with another's, for other roles.
SET ROLE agent_user;
SET agent.token = :'fay';
SELECT kind, count(*) FROM agent_export_rows() GROUP BY kind ORDER BY kind;
SELECT strpos(agent_export()::text, :'talk') > 0 AS evas;
RESET agent.token;
SELECT pg_temp.answer('SELECT agent_export()');
SELECT pg_temp.answer('SELECT * FROM agent_export_rows()');
SELECT pg_temp.answer('SELECT * FROM agent_export_rows() LIMIT 0');
RESET ROLE;
SET agent.token = :'eva';
SELECT role, call, pg_temp.answer_as(role, 'SELECT * FROM ' || call)
FROM unnest('{agent_anon, agent_authenticator, agent_admin}'::name[]) AS role,
    unnest('{agent_export(), agent_export_rows()}'::text[]) AS call ORDER BY role, call;
-- It only reads.
BEGIN READ ONLY;
SELECT pg_temp.answer_as('agent_user', 'SELECT agent_export()');
SELECT pg_temp.answer_as('agent_user', 'SELECT * FROM agent_export_rows()');
ROLLBACK;

-- The events of one's own account are all that a person sees of the audit.
SET ROLE agent_user;
SELECT event, user_id = :'eva_id' AS own FROM agent_audit ORDER BY id;
SELECT count(*) FROM agent.audit WHERE user_id IS DISTINCT FROM :'eva_id';
RESET ROLE;

-- A cursor gets a large account row by row: no function collects it, and messages come out
-- of their index.
INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
SELECT :'eva_id', gen_random_uuid(), :'talk', n, 'user', repeat('Message ', 20), now() FROM generate_series(10, 20000) AS n;
ANALYZE agent.messages;
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan;
    RETURN plan::text;
END
$$;
SET ROLE agent_user;
SELECT plan ~ 'Function Scan' AS collects, plan ~ 'messages_user_id_conversation_id_seq_key' AS by_index,
    plan ~ '"m.seq"' AS sorts
FROM pg_temp.plan('DECLARE rows CURSOR FOR SELECT * FROM agent_export_rows()') AS plan;
RESET ROLE;

-- An account that is deleted leaves one row, which says when.
CREATE FUNCTION pg_temp.rows_of(relation text, account uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM agent.%I WHERE %I = %L', relation,
        CASE relation WHEN 'users' THEN 'id' ELSE 'user_id' END, account) INTO rows;
    RETURN rows;
END
$$;
SELECT DISTINCT relation, pg_temp.rows_of(relation, :'eva_id') > 0 AS has FROM attributes ORDER BY relation;
SET ROLE agent_user;
SELECT agent_account_delete('secret');
RESET agent.token;
RESET ROLE;
SELECT event, created_at > now() - interval '1 minute' AS fresh, session_id, address, user_agent, detail
FROM agent.audit WHERE user_id = :'eva_id';
SELECT DISTINCT relation, pg_temp.rows_of(relation, :'eva_id') AS rows FROM attributes ORDER BY relation;
SELECT count(*) FROM agent.audit WHERE user_id = :'fay_id';
-- What Fay has is there still; taken back, a deletion erased nothing.
BEGIN;
SET LOCAL agent.token = :'fay';
SELECT agent_account_delete('secret');
ROLLBACK;
SELECT count(*) FROM agent.audit WHERE user_id = :'fay_id';
SELECT set_config('request.headers', '', false);
DELETE FROM agent.users WHERE id = :'fay_id';
DELETE FROM agent.audit WHERE user_id IN (:'eva_id', :'fay_id');
