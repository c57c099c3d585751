-- Installation: where it goes, what it refuses, what it leaves behind.
--
-- Catches: a name that is not qualified or quoted, an installation into what somebody
-- else has prepared, a role that is more than it should be, leftovers of DROP EXTENSION.

\set VERBOSITY terse
\set SHOW_CONTEXT never
\set main :DBNAME

SET client_min_messages = warning;
DROP DATABASE IF EXISTS regress_agent_install;
DROP DATABASE IF EXISTS regress_agent_latin1;
DROP DATABASE IF EXISTS regress_agent_ascii;
DROP ROLE IF EXISTS regress_install_owner;
CREATE DATABASE regress_agent_install TEMPLATE template0 ENCODING 'UTF8'
    LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_agent_install
SET client_min_messages = warning;

-- Only a superuser installs it, as the control file says.
CREATE ROLE regress_install_owner;
GRANT ALL ON DATABASE regress_agent_install TO regress_install_owner;
SET ROLE regress_install_owner;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION agent;
RESET ROLE;
DROP EXTENSION pgcrypto;

-- A schema agent that was there before might still be somebody's: nothing is put into it.
SET ROLE regress_install_owner;
CREATE SCHEMA agent;
RESET ROLE;
CREATE EXTENSION agent CASCADE;
CREATE EXTENSION agent SCHEMA agent CASCADE;
SELECT extname FROM pg_extension WHERE extname <> 'plpgsql';
DROP SCHEMA agent;

-- A role with an attribute it must not have is refused, with the command that repairs it.
\set VERBOSITY default
ALTER ROLE agent_anon CREATEROLE;
CREATE EXTENSION agent CASCADE;
ALTER ROLE agent_anon NOCREATEROLE;
ALTER ROLE agent_authenticator INHERIT;
CREATE EXTENSION agent CASCADE;
ALTER ROLE agent_authenticator NOINHERIT;
\set VERBOSITY terse
CREATE FUNCTION pg_temp.with_role(damage text, repair text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text := 'installed';
BEGIN
    EXECUTE damage;
    BEGIN
        CREATE EXTENSION agent CASCADE;
        RAISE SQLSTATE 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN NULL;
        WHEN OTHERS THEN answer := SQLSTATE || ' ' || SQLERRM;
    END;
    EXECUTE repair;
    RETURN answer;
END
$$;
SELECT damage, role, pg_temp.with_role(format('ALTER ROLE %I %s', role, damage),
    format('ALTER ROLE %I NO%s', role, damage)) AS answer
FROM unnest(ARRAY['SUPERUSER', 'BYPASSRLS', 'CREATEDB', 'REPLICATION', 'LOGIN']) AS damage,
    unnest('{agent_owner, agent_anon, agent_user, agent_admin, agent_authenticator}'::name[])
        AS role
WHERE role <> 'agent_authenticator' OR damage <> 'LOGIN' ORDER BY damage, role;
-- So is a membership by which a web role could do more, or somebody could own the tables.
SELECT granted, member, pg_temp.with_role(format('GRANT %I TO %I', granted, member),
    format('REVOKE %I FROM %I', granted, member)) AS answer
FROM (VALUES ('pg_read_all_data', 'agent_anon'), ('pg_read_all_data', 'agent_user'),
    ('pg_read_all_data', 'agent_owner'), ('agent_owner', 'regress_install_owner'),
    ('pg_read_all_data', 'agent_authenticator'), ('agent_admin', 'agent_authenticator'))
    AS v (granted, member)
ORDER BY granted, member;

-- So is an owner of the tables who owns something already, which could run in its name, and
-- a setting that would choose what runs.
SELECT pg_temp.with_role(
    'CREATE SCHEMA regress_door AUTHORIZATION agent_owner', 'DROP SCHEMA regress_door') AS owned;
SELECT pg_temp.with_role('ALTER ROLE agent_user SET search_path = regress_door',
    'ALTER ROLE agent_user RESET search_path') AS setting;

-- Default privileges, which whoever set the database up may have made for all that is
-- created there, let nobody in.
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_install_owner;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_install_owner;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_install_owner, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO regress_install_owner;
CREATE EXTENSION agent CASCADE;
SELECT has_schema_privilege('regress_install_owner', 'agent', 'USAGE') AS schema,
    has_table_privilege('regress_install_owner', 'agent.messages', 'TRUNCATE') AS "table",
    has_table_privilege('regress_install_owner', 'agent_messages', 'SELECT') AS view,
    has_type_privilege('regress_install_owner', 'agent_token', 'USAGE') AS type,
    has_function_privilege('regress_install_owner', 'agent_key_rotate()', 'EXECUTE') AS function,
    has_function_privilege('regress_install_owner', 'agent_postgrest_config()', 'EXECUTE') AS keys;
DROP EXTENSION agent, pgcrypto;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_install_owner;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_install_owner;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_install_owner;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM regress_install_owner;

-- Whether agent_authenticator can log in is for the DBA to decide, and not looked at.
SELECT pg_temp.with_role('SELECT', 'SELECT') AS untouched;

-- Into another schema, whatever it is called: everything finds its parts.
\c regress_agent_install
SET client_min_messages = warning;
CREATE SCHEMA "Agent API, v1";
CREATE EXTENSION pgcrypto;
CREATE EXTENSION agent SCHEMA "Agent API, v1";
SET agent.password_hash_cost = 10;
SET search_path = pg_catalog;
SET ROLE agent_anon;
SELECT email FROM "Agent API, v1".agent_register('una@example.org', 'una', 'secret');
SELECT access_token AS una FROM "Agent API, v1".agent_login('una@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'una';
SELECT username FROM "Agent API, v1".agent_me();
SELECT id AS talk FROM "Agent API, v1".agent_conversation_create('Talk', 'Hello') \gset
SELECT title, message_count FROM "Agent API, v1".agent_conversation_list();
SELECT seq, content FROM "Agent API, v1".agent_message_create(:'talk', 'assistant', 'Hi');
SELECT seq, content FROM "Agent API, v1".agent_message_list(:'talk');
SELECT seq, content FROM "Agent API, v1".agent_messages ORDER BY seq;
SELECT "Agent API, v1".agent_health();
RESET ROLE;
-- Nothing of it is elsewhere than there and in the schema agent.
SELECT DISTINCT coalesce(relnamespace, pronamespace, typnamespace)::regnamespace AS schema
FROM pg_depend AS d LEFT JOIN pg_class AS c ON c.oid = objid AND classid = 'pg_class'::regclass
LEFT JOIN pg_proc AS p ON p.oid = objid AND classid = 'pg_proc'::regclass
LEFT JOIN pg_type AS t ON t.oid = objid AND classid = 'pg_type'::regclass
WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agent')
    AND coalesce(c.oid, p.oid, t.oid) IS NOT NULL ORDER BY 1;
-- It stays where it was put.
ALTER EXTENSION agent SET SCHEMA public;

-- DROP EXTENSION leaves no object of it, and leaves the roles.
DROP EXTENSION agent;
SELECT nspname FROM pg_namespace WHERE nspname = 'agent';
SELECT relname AS left_over FROM pg_class WHERE relname LIKE 'agent%'
UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'agent%'
UNION ALL SELECT typname FROM pg_type WHERE typname LIKE 'agent%'
UNION ALL SELECT polname FROM pg_policy;
SELECT rolname FROM pg_roles WHERE rolname LIKE 'agent\_%' ORDER BY rolname;
SELECT pg_catalog.current_setting('agent.token') = :'una' AS library_is_still_there;

-- Installed again in the same session: what this session remembers of the first time, plans
-- and a token that was good, does not hold; all of it works anew.
CREATE SCHEMA api;
CREATE EXTENSION agent SCHEMA api;
SET search_path = api;
SET ROLE agent_user;
SELECT agent_uid();
RESET agent.token;
SELECT email FROM agent_register('una@example.org', 'una', 'secret');
SELECT access_token AS una FROM agent_login('una@example.org', 'secret') \gset
SET agent.token = :'una';
SELECT title FROM agent_conversation_create('Again', 'Hello');
SELECT title, message_count FROM agent_conversation_list();
RESET agent.token;
RESET ROLE;
DROP EXTENSION agent;
DROP EXTENSION pgcrypto;

-- With CASCADE, pgcrypto comes along into the schema that PostgREST publishes: that is said,
-- with the cure. Moved away, the web's roles may call nothing there beside the API.
CREATE EXTENSION agent SCHEMA api CASCADE;
ALTER EXTENSION pgcrypto SET SCHEMA public;
SELECT role, p.oid::regprocedure AS function
FROM pg_proc AS p, unnest('{agent_anon, agent_user}'::name[]) AS role
WHERE pronamespace = 'api'::regnamespace AND has_function_privilege(role, p.oid, 'EXECUTE')
    AND proname NOT LIKE 'agent\_%' ORDER BY role, p.oid::regprocedure::text;

-- Only Unicode can hold what people write: another encoding is refused.
\c :main
CREATE DATABASE regress_agent_latin1 TEMPLATE template0 ENCODING 'LATIN1'
    LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_agent_latin1
\set VERBOSITY default
SET client_min_messages = warning;
CREATE EXTENSION agent CASCADE;
SELECT extname FROM pg_extension WHERE extname <> 'plpgsql';
\c :main
CREATE DATABASE regress_agent_ascii TEMPLATE template0 ENCODING 'SQL_ASCII'
    LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_agent_ascii
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION agent CASCADE;
\c :main
DROP DATABASE regress_agent_latin1;
DROP DATABASE regress_agent_ascii;
DROP DATABASE regress_agent_install;
DROP ROLE regress_install_owner;
