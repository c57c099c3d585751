-- Row-level security: who sees and writes which rows, directly and by functions.
--
-- Catches: a table without it, a policy that is too wide, an error that tells
-- another's row from one that does not exist, a rule of the schema that was broken.
-- Ways around it are in policies_doors.sql.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;
SELECT id AS ida_id FROM agent_register('ida.policies@example.org', 'policies ida', 'secret') \gset
SELECT access_token AS ida FROM agent_login('ida.policies@example.org', 'secret') \gset
SELECT id AS jon_id FROM agent_register('jon.policies@example.org', 'policies jon', 'secret') \gset
SELECT access_token AS jon FROM agent_login('jon.policies@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'jon';
SELECT id AS jons FROM agent_conversation_create('Jon''s', 'Private to Jon') \gset
SET agent.token = :'ida';
SELECT id AS idas FROM agent_conversation_create('Ida''s', 'Private to Ida') \gset
RESET agent.token;
RESET ROLE;

-- How many rows a command of some role's, with some token, shows or changes, or that it
-- is denied. Whatever it did is undone.
CREATE FUNCTION pg_temp.attempt(role name, token text, command text,
    VARIADIC parts text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    done bigint;
BEGIN
    PERFORM set_config('agent.token', token, true);
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE format(command, VARIADIC parts);
    GET DIAGNOSTICS done = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'ZZ999', MESSAGE = done;
EXCEPTION
    WHEN SQLSTATE 'ZZ999' THEN RETURN SQLERRM;
    WHEN insufficient_privilege THEN RETURN 'denied';
    WHEN OTHERS THEN RETURN SQLSTATE;
END
$$;
CREATE TEMP TABLE relations (n serial, relation text, key text);
INSERT INTO relations (relation, key) VALUES
    ('agent.users', 'id'), ('agent.sessions', 'user_id'), ('agent.signing_keys', 'kid'),
    ('agent.conversations', 'user_id'), ('agent.messages', 'user_id'),
    ('agent_users', 'id'), ('agent_conversations', 'user_id'), ('agent_messages', 'user_id');
CREATE TEMP TABLE callers (n serial, caller text, role name, token text, id text);
INSERT INTO callers (caller, role, token, id) VALUES
    ('Ida', 'agent_user', :'ida', :'ida_id'), ('Jon', 'agent_user', :'jon', :'jon_id'),
    ('without token', 'agent_user', '', :'ida_id'), ('anonymous', 'agent_anon', :'ida', :'ida_id'),
    ('before SET ROLE', 'agent_authenticator', :'ida', :'ida_id'),
    ('operator', 'agent_admin', :'ida', :'ida_id');

-- People see their own rows, and write none but by functions; all others see none.
-- idas are the rows of Ida's that are seen, others those of anybody else than the caller.
SELECT caller, relation,
    pg_temp.attempt(role, token, 'SELECT FROM %s WHERE %s = %L', relation, key, :'ida_id') AS idas,
    pg_temp.attempt(role, token, 'SELECT FROM %s WHERE %s <> %L', relation, key, id) AS others,
    pg_temp.attempt(role, token, 'INSERT INTO %s DEFAULT VALUES', relation) AS insert,
    pg_temp.attempt(role, token, 'UPDATE %1$s SET %2$s = %2$s', relation, key) AS update,
    pg_temp.attempt(role, token, 'DELETE FROM %s', relation) AS delete,
    pg_temp.attempt(role, token, 'TRUNCATE %s CASCADE', relation) AS truncate,
    pg_temp.attempt(role, token, 'LOCK TABLE %s IN ROW EXCLUSIVE MODE', relation) AS lock
FROM callers, relations ORDER BY callers.n, relations.n;

-- The columns of an account that are nobody's business stay so, also of one's own row.
SELECT what, pg_temp.attempt('agent_user', :'ida', 'SELECT ' || what) AS answer
FROM unnest(ARRAY['password_hash FROM agent.users', 'email_key FROM agent.users',
    '* FROM agent.users', 'u FROM agent.users AS u', 'xmin FROM agent.users',
    'FROM agent.users WHERE password_hash > ''a''', 'FROM agent.users ORDER BY email_key']) AS what
ORDER BY what COLLATE "C";

-- agent_owner, in whose name the functions write, is bound too: in conversations and
-- messages to the caller's rows. In users and sessions it is not, because a login has
-- no caller yet; and of keys it cannot read the secrets.
SELECT caller, relation,
    pg_temp.attempt('agent_owner', token, 'SELECT FROM %s WHERE user_id = %L', relation, :'ida_id')
        AS idas,
    pg_temp.attempt('agent_owner', token, 'SELECT FROM %s WHERE user_id <> %L', relation, id)
        AS others,
    pg_temp.attempt('agent_owner', token, 'UPDATE %s SET id = id WHERE user_id = %L', relation,
        :'ida_id') AS update,
    pg_temp.attempt('agent_owner', token, 'UPDATE %s SET user_id = %L', relation, :'jon_id')
        AS give_to_jon,
    pg_temp.attempt('agent_owner', token, 'DELETE FROM %s WHERE user_id = %L', relation, :'ida_id')
        AS delete
FROM callers, relations
WHERE role = 'agent_user' AND relation IN ('agent.conversations', 'agent.messages')
ORDER BY callers.n, relations.n;
SELECT caller, pg_temp.attempt('agent_owner', token, 'INSERT INTO agent.conversations
    (user_id, id, title, created_at, updated_at)
    VALUES (%L, gen_random_uuid(), ''x'', now(), now())', :'ida_id') AS insert_for_ida
FROM callers WHERE role = 'agent_user' ORDER BY callers.n;

-- Every function that takes an id answers for another's as for an unknown one: in
-- SQLSTATE, message, detail and hint, and in both dialects.
CREATE FUNCTION pg_temp.error_of(command text, id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint text;
BEGIN
    EXECUTE format('SELECT * FROM ' || command, id);
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s/%s/%s/%s', SQLSTATE, SQLERRM, detail, hint);
END
$$;
SET ROLE agent_user;
SET agent.token = :'jon';
SELECT set_config('request.method', method, false) AS method, command,
    pg_temp.error_of(command, :'idas') = pg_temp.error_of(command, gen_random_uuid()) AS same,
    pg_temp.error_of(command, :'idas') ~ 'conversation.not.found' AS named,
    pg_temp.error_of(command, :'jons') AS own
FROM unnest(ARRAY['', 'POST']) AS method, unnest(ARRAY['agent_conversation_get(%L)',
    'agent_conversation_update(%L)', 'agent_conversation_update(%L, ''x'')',
    'agent_conversation_fork(%L)', 'agent_message_create(%L, ''user'', ''x'')', 'agent_message_list(%L)', 'agent_message_page(%L)',
    'agent_search(''x'', conversation_id => %L)']) AS command
ORDER BY method, command COLLATE "C";
RESET request.method;
SELECT pg_temp.error_of('agent_conversation_delete(%L)', :'idas')
    = pg_temp.error_of('agent_conversation_delete(%L)', gen_random_uuid()) AS same;
RESET agent.token;
RESET ROLE;
SELECT title, message_count FROM agent.conversations WHERE id = :'idas';
-- Likewise those that take the id of a message.
SELECT id AS idas_message FROM agent.messages WHERE conversation_id = :'idas' \gset
SET ROLE agent_user;
SET agent.token = :'jon';
SELECT set_config('request.method', method, false) AS method, replace(command, :'jons', 'jons') AS command,
    pg_temp.error_of(command, :'idas_message') = pg_temp.error_of(command, gen_random_uuid()) AS same,
    pg_temp.error_of(command, :'idas_message') ~ 'message.not.found' AS named
FROM unnest(ARRAY['', 'POST']) AS method, unnest(ARRAY['agent_message_update(%L)', 'agent_message_update(%L, ''x'')',
    'agent_message_update(%L, NULL, ''{}'')', 'agent_message_delete(%L)',
    format('agent_conversation_fork(%L, ', :'jons') || '%L)']) AS command
ORDER BY method, command COLLATE "C";
RESET request.method;
RESET agent.token;
RESET ROLE;
SELECT role, content, metadata, edited_at FROM agent.messages WHERE id = :'idas_message';

-- Every policy there is. None is for everybody, and only what has no caller yet is open
-- to agent_owner.
SELECT polrelid::regclass AS table, polname, polcmd AS command,
    ARRAY(SELECT rolname FROM pg_roles WHERE oid = ANY (polroles) ORDER BY rolname) AS roles,
    pg_get_expr(polqual, polrelid) AS using,
    pg_get_expr(polwithcheck, polrelid) = pg_get_expr(polqual, polrelid) AS same_check
FROM pg_policy WHERE polrelid::regclass::text LIKE 'agent.%'
ORDER BY polrelid::regclass::text, polname;

-- What breaks a rule that all this rests upon, by rule: nothing does. The first line
-- counts what was looked at.
SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'agent'::regnamespace AND relkind = 'r')
        AS tables,
    (SELECT count(*) FROM pg_class WHERE relnamespace = 'agent'::regnamespace AND relkind = 'i')
        AS indexes,
    (SELECT count(*) FROM pg_constraint WHERE connamespace = 'agent'::regnamespace
        AND contype IN ('p', 'u', 'f')) AS keys;
WITH tables AS (
    SELECT c.*, attnum AS user_id FROM pg_class AS c
    LEFT JOIN pg_attribute ON attrelid = c.oid AND attname = 'user_id'
    WHERE relnamespace = 'agent'::regnamespace AND relkind IN ('r', 'p', 'f', 'm')),
keys AS (
    SELECT t.user_id, k.* FROM tables AS t JOIN pg_constraint AS k ON k.conrelid = t.oid)
SELECT 'row security is enabled and forced' AS rule, relname AS object
FROM tables WHERE NOT (relrowsecurity AND relforcerowsecurity)
UNION ALL SELECT 'every table of users'' data has user_id', relname
FROM tables WHERE user_id IS NULL AND relname NOT IN ('users', 'signing_keys')
UNION ALL SELECT 'user_id comes first in every key', conname -- but for events, of which some are about nobody
FROM keys WHERE contype IN ('p', 'u', 'f') AND conkey[1] <> user_id AND conname <> 'audit_pkey'
UNION ALL SELECT 'an index leads with every foreign key', conname
FROM keys WHERE contype = 'f' AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = conrelid
    AND i.indpred IS NULL AND (i.indkey::int2[])[0:cardinality(conkey) - 1] = conkey)
UNION ALL SELECT 'every foreign key cascades', conname
FROM keys WHERE contype = 'f' AND confdeltype <> 'c'
UNION ALL SELECT 'no triggers', tgname
FROM pg_trigger JOIN tables AS t ON t.oid = tgrelid WHERE NOT tgisinternal
UNION ALL SELECT 'no rules', rulename
FROM pg_rewrite JOIN tables AS t ON t.oid = ev_class
UNION ALL SELECT 'no sub-select in a policy', polname
FROM pg_policy JOIN tables AS t ON t.oid = polrelid
WHERE concat(polqual, polwithcheck) ~ 'SUBLINK'
UNION ALL SELECT 'no policy for everybody', polname
FROM pg_policy JOIN tables AS t ON t.oid = polrelid WHERE 0 = ANY (polroles)
UNION ALL SELECT 'no index on what a message changes', indexrelid::regclass::name
FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
WHERE indrelid = 'agent.conversations'::regclass
    AND attname IN ('updated_at', 'message_count', 'next_seq')
UNION ALL SELECT 'no index on user_id alone', indexrelid::regclass::name
FROM pg_index WHERE indrelid = 'agent.messages'::regclass AND indnatts = 1
UNION ALL SELECT 'views ask with the caller''s rights', relname
FROM pg_class WHERE relname IN ('agent_users', 'agent_conversations', 'agent_messages')
    AND NOT coalesce(reloptions @> '{security_invoker=true}', false)
UNION ALL SELECT 'times have a zone', attname
FROM pg_attribute JOIN tables AS t ON t.oid = attrelid WHERE atttypid = 'timestamp'::regtype
UNION ALL SELECT 'users'' data is dumped, keys of either kind are not', relname
FROM tables AS t, pg_extension WHERE extname = 'agent'
    AND (t.oid = ANY (extconfig)) = (relname IN ('signing_keys', 'idempotency_keys'))
ORDER BY 1, 2;
