-- Privileges: who may do what, as a snapshot of every object of the extension.
--
-- Catches: a GRANT that was widened or forgotten, something left to PUBLIC, an owner or
-- a property of a function that changed, an object without a comment.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- The extension's own objects, without the types that PostgreSQL makes for rows and
-- arrays, which are members by themselves since PostgreSQL 17.
CREATE TEMP VIEW members AS
SELECT d.classid, d.objid FROM pg_depend AS d
LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
LEFT JOIN pg_class AS c ON c.oid = typrelid
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agent')
    AND coalesce(typelem = 0 AND (typrelid = 0 OR relkind = 'c'), true);
-- Whoever installed it is called installer.
CREATE FUNCTION pg_temp.role_name(role oid) RETURNS text LANGUAGE sql
RETURN CASE WHEN role = 0 THEN 'PUBLIC'
    WHEN role = (SELECT extowner FROM pg_extension WHERE extname = 'agent') THEN 'installer'
    ELSE role::regrole::text END;
-- An access list, with what the owner has by default; MAINTAIN is new in PostgreSQL 17.
CREATE FUNCTION pg_temp.grants(acl aclitem[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(grantee || ': ' || privileges, '; ' ORDER BY grantee) FROM (
        SELECT pg_temp.role_name(grantee) AS grantee,
            string_agg(privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END, ', '
                ORDER BY privilege_type) AS privileges
        FROM aclexplode(acl) WHERE privilege_type <> 'MAINTAIN' GROUP BY grantee) AS g
$$;

-- The roles themselves: none is more than it must be. Whether agent_authenticator can log
-- in is for the DBA to decide.
SELECT rolname, rolcanlogin AND rolname <> 'agent_authenticator' AS login, rolinherit AS inherit,
    rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS more,
    ARRAY(SELECT DISTINCT roleid::regrole::text FROM pg_auth_members
        WHERE member = r.oid ORDER BY 1) AS member_of
FROM pg_roles AS r WHERE rolname LIKE 'agent\_%' ORDER BY rolname;

-- Schemas.
SELECT nspname, pg_temp.role_name(nspowner) AS owner, pg_temp.grants(nspacl) AS grants
FROM pg_namespace WHERE nspname = 'agent';

-- Tables and views, then single columns.
SELECT objid::regclass AS relation, pg_temp.role_name(relowner) AS owner,
    pg_temp.grants(coalesce(relacl, acldefault('r', relowner))) AS grants
FROM members JOIN pg_class ON oid = objid AND classid = 'pg_class'::regclass
WHERE relkind IN ('r', 'v', 'S', 'f', 'm', 'p') ORDER BY objid::regclass::text;
SELECT attrelid::regclass AS relation, grants, string_agg(attname, ', ' ORDER BY attnum) AS columns
FROM members JOIN pg_attribute ON attrelid = objid AND classid = 'pg_class'::regclass,
    LATERAL pg_temp.grants(attacl) AS grants
WHERE attacl IS NOT NULL GROUP BY attrelid, grants ORDER BY attrelid::regclass::text, grants;

-- Types.
SELECT objid::regtype AS type, pg_temp.role_name(typowner) AS owner,
    pg_temp.grants(coalesce(typacl, acldefault('T', typowner))) AS grants
FROM members JOIN pg_type ON oid = objid AND classid = 'pg_type'::regclass
ORDER BY objid::regtype::text;

-- Functions: who owns them and may call them, then what they are. definer: as their
-- owner; v, s, i: volatile, stable, immutable; u, r, s: parallel unsafe, restricted, safe.
SELECT objid::regprocedure AS function, pg_temp.role_name(proowner) AS owner,
    pg_temp.grants(coalesce(proacl, acldefault('f', proowner))) AS grants
FROM members JOIN pg_proc ON oid = objid AND classid = 'pg_proc'::regclass
ORDER BY objid::regprocedure::text COLLATE "C";
SELECT objid::regproc AS function, lanname AS language, prosecdef AS definer, proconfig AS settings,
    provolatile AS volatile, proparallel AS parallel, proisstrict AS strict,
    proleakproof AS leakproof, proretset AS set, prorettype::regtype AS returns
FROM members JOIN pg_proc ON oid = objid AND classid = 'pg_proc'::regclass
JOIN pg_language AS l ON l.oid = prolang ORDER BY objid::regprocedure::text COLLATE "C";

-- What runs as its owner has its search_path pinned, and pg_temp last in it.
SELECT objid::regprocedure
FROM members JOIN pg_proc ON oid = objid AND classid = 'pg_proc'::regclass
WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);

-- No two functions have one name: PostgREST could not tell which is meant.
SELECT proname FROM members JOIN pg_proc ON oid = objid AND classid = 'pg_proc'::regclass
GROUP BY proname HAVING count(*) > 1;

-- Every function that SQL can call is called by every role, with arguments that are NULL. Without EXECUTE
-- it is refused, by its name; what is listed is not. agent_user gets an error of the
-- function's own, because there is no token.
CREATE ROLE regress_privileges_none;
GRANT USAGE ON SCHEMA agent TO regress_privileges_none;
CREATE TEMP TABLE answers AS
SELECT role, proname::text AS function,
    pg_temp.answer_as(role, format('SELECT %s(%s)', oid::regproc, arguments)) AS answer
FROM members JOIN pg_proc ON oid = objid AND classid = 'pg_proc'::regclass,
    LATERAL (SELECT string_agg('NULL::' || type::regtype, ', ') AS arguments
        FROM unnest(proargtypes) AS type) AS a,
    unnest('{regress_privileges_none, agent_anon, agent_user, agent_admin,
        agent_authenticator}'::name[]) AS role
WHERE 'internal'::regtype <> ALL (proargtypes);
SELECT role, count(*) AS called, count(*) FILTER (WHERE answer = ANY (ARRAY[
        format('42501 | permission denied for function %s', function),
        CASE WHEN function LIKE 'require%' THEN '42501 | permission denied for schema agent' END]))
        AS refused
FROM answers GROUP BY role ORDER BY role;
SELECT role, function, split_part(answer, ' | ', 2) AS answer
FROM answers WHERE answer NOT LIKE '42501%' ORDER BY role, function;
DROP OWNED BY regress_privileges_none;
DROP ROLE regress_privileges_none;

-- Settings: the token is anybody's to set, the others are not.
SELECT name, context FROM pg_settings WHERE name LIKE 'agent.%' ORDER BY name;
SELECT role, setting, pg_temp.answer_as(role, format('SET LOCAL %s', setting)) AS answer
FROM unnest('{agent_anon, agent_user, agent_owner}'::name[]) AS role,
    unnest(ARRAY['agent.token = ''''', 'agent.access_token_ttl = 86400',
        'agent.password_hash_cost = 15', 'agent.postgrest_max_rows = 0', 'agent.unheard_of = 1'])
        AS setting ORDER BY role, setting;
-- One of them is a secret.
SELECT role, left(pg_temp.answer_as(role, 'SHOW agent.metrics_token'), 5) AS answer
FROM unnest('{agent_anon, agent_user, agent_admin, agent_owner, agent_authenticator}'::name[]) AS role ORDER BY role;

-- Everything has a comment: what is listed has none.
WITH objects AS (
    SELECT classid, objid, 0 AS sub FROM members
    UNION ALL SELECT 'pg_class'::regclass, c.oid, attnum
    FROM pg_class AS c JOIN members ON objid IN (c.oid, c.reltype)
    JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relkind IN ('r', 'v', 'c')
    UNION ALL SELECT 'pg_policy'::regclass, p.oid, 0
    FROM pg_policy AS p JOIN members ON objid = polrelid
    UNION ALL SELECT 'pg_extension'::regclass, oid, 0 FROM pg_extension WHERE extname = 'agent')
SELECT pg_describe_object(classid, objid, sub) AS without_comment
FROM objects LEFT JOIN pg_description AS d
    ON d.classoid = classid AND objoid = objid AND objsubid = sub
WHERE coalesce(description, '') = '' ORDER BY 1;
