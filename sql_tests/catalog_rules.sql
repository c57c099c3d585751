-- 27 rules that an extension keeps, asked of the catalogue, and a proof that each of
-- them finds who breaks it.
--
-- Catches: an object of a new kind, or one more of an old kind, made without what its
-- neighbours have. privileges.sql lists what there is; here is what must not be.

-- The extension's own objects, without the types that PostgreSQL makes for rows and arrays.
CREATE TEMP VIEW members AS
SELECT d.classid, d.objid FROM pg_depend AS d
LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
LEFT JOIN pg_class AS c ON c.oid = typrelid
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agent')
    AND coalesce(typelem = 0 AND (typrelid = 0 OR relkind = 'c'), true);
CREATE TEMP VIEW functions AS
SELECT oid::regprocedure::text AS object, p.* FROM members
JOIN pg_proc AS p ON oid = objid AND classid = 'pg_proc'::regclass;
CREATE TEMP VIEW relations AS
SELECT oid::regclass::text AS object, c.* FROM members
JOIN pg_class AS c ON oid = objid AND classid = 'pg_class'::regclass;
CREATE TEMP VIEW tables AS SELECT * FROM relations WHERE relkind IN ('r', 'p');
-- What tables and views are made of.
CREATE TEMP VIEW parts AS
SELECT classid, objid, pg_describe_object(classid, objid, 0) AS object FROM members
UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, object FROM pg_rewrite AS r JOIN relations AS c ON c.oid = ev_class
UNION ALL SELECT 'pg_policy'::regclass, p.oid, polname || ' on ' || object
FROM pg_policy AS p JOIN tables AS t ON t.oid = polrelid
UNION ALL SELECT 'pg_constraint'::regclass, c.oid, conname || ' on ' || object
FROM pg_constraint AS c JOIN tables AS t ON t.oid = conrelid
UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, 'a default of ' || object
FROM pg_attrdef AS d JOIN tables AS t ON t.oid = adrelid
UNION ALL SELECT 'pg_class'::regclass, indexrelid, indexrelid::regclass::text FROM pg_index JOIN tables AS t ON t.oid = indrelid;
-- Policies, each with its expressions as trees, one row for each role; 0 is everybody.
CREATE TEMP VIEW policies AS
SELECT polname || ' on ' || object AS object, polrelid, polpermissive, polcmd, role,
    concat(polqual, polwithcheck) AS tree,
    pg_get_expr(polqual, polrelid) AS qual, pg_get_expr(polwithcheck, polrelid) AS "check"
FROM pg_policy AS p JOIN tables AS t ON t.oid = polrelid, unnest(polroles) AS role;
-- The functions that a tree calls, by themselves and as operators.
CREATE FUNCTION pg_temp.called(tree text, kind text) RETURNS SETOF oid LANGUAGE sql AS $$
    SELECT m[1]::oid FROM regexp_matches(tree, format(':%s (\d+)', kind), 'g') AS m
$$;
-- Who asks over the web or runs the service; whoever they are members of counts.
CREATE TEMP VIEW callers AS
SELECT oid, rolname FROM pg_roles WHERE rolname IN ('agent_anon', 'agent_user', 'agent_admin', 'agent_authenticator');

-- Each rule is a view of those that break it, and its comment is the rule.

-- Functions.
CREATE TEMP VIEW rule_01 AS
SELECT object FROM functions
WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
COMMENT ON VIEW rule_01 IS 'What runs as its owner has a search_path of its own: pg_catalog, and pg_temp last.';
CREATE TEMP VIEW rule_02 AS
SELECT object FROM functions JOIN pg_roles AS r ON r.oid = proowner
WHERE prosecdef AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin);
COMMENT ON VIEW rule_02 IS 'What runs as its owner belongs to a role without powers that cannot log in.';
CREATE TEMP VIEW rule_03 AS
SELECT object FROM functions
WHERE prosecdef AND has_function_privilege('agent_anon', oid, 'EXECUTE')
    AND proname NOT IN ('agent_register', 'agent_login', 'agent_refresh', 'agent_http', 'agent_postgrest_http');
COMMENT ON VIEW rule_03 IS 'What runs as its owner is not for agent_anon, but for what comes before there is an identity.';
CREATE TEMP VIEW rule_04 AS
SELECT object FROM functions JOIN pg_language AS l ON l.oid = prolang
WHERE lanname NOT IN ('c', 'internal') AND prosqlbody IS NULL
    AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
COMMENT ON VIEW rule_04 IS 'No body is read with the caller''s search_path: it was read when it was made, or has its own.';
CREATE TEMP VIEW rule_05 AS
SELECT object || ' by ' || rolname AS object FROM functions AS f, callers AS c
WHERE proleakproof AND has_function_privilege(c.oid, f.oid, 'EXECUTE');
COMMENT ON VIEW rule_05 IS 'Nobody calls what is leakproof: it is given rows of others, with arguments of the caller''s.';
CREATE TEMP VIEW rule_06 AS
SELECT object FROM functions
WHERE CASE provolatile WHEN 'i' THEN proparallel <> 's' WHEN 's' THEN proparallel = 'u'
    ELSE proparallel = 's' AND proname <> 'shared_state' END;
COMMENT ON VIEW rule_06 IS 'PARALLEL is what volatility lets it be: what writes is not SAFE, what only reads is not UNSAFE.';

-- All of it.
CREATE TEMP VIEW rule_07 AS
SELECT pg_describe_object(classid, objid, 0) AS object FROM members,
    pg_identify_object(classid, objid, 0) AS i
WHERE i.type <> 'schema' AND i.schema IS DISTINCT FROM 'agent'
    AND i.schema IS DISTINCT FROM (SELECT nspname FROM pg_extension
        JOIN pg_namespace AS n ON n.oid = extnamespace WHERE extname = 'agent')
    OR i.type = 'schema' AND i.name <> 'agent';
COMMENT ON VIEW rule_07 IS 'Everything is in the schema agent or in the one it was installed into.';
CREATE TEMP VIEW rule_08 AS
WITH objects AS (
    SELECT classid, objid, 0 AS sub FROM members
    UNION ALL SELECT classid, objid, 0 FROM parts WHERE classid = 'pg_policy'::regclass
    UNION ALL SELECT 'pg_class'::regclass, c.oid, attnum
    FROM pg_class AS c JOIN members ON objid IN (c.oid, c.reltype)
    JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relkind IN ('r', 'p', 'v', 'c'))
SELECT pg_describe_object(classid, objid, sub) AS object
FROM objects LEFT JOIN pg_description AS d ON d.classoid = classid AND objoid = objid AND objsubid = sub
WHERE coalesce(description, '') = '';
COMMENT ON VIEW rule_08 IS 'Every object and every column has a comment.';
CREATE TEMP VIEW rule_09 AS
SELECT p.object || ' needs ' || pg_describe_object(refclassid, refobjid, refobjsubid) AS object
FROM parts AS p JOIN pg_depend AS d USING (classid, objid),
    pg_identify_object(refclassid, refobjid, 0) AS i
WHERE deptype = 'n' AND i.schema IS NOT NULL AND i.schema NOT IN ('agent', 'pg_catalog')
    AND (refclassid, refobjid) NOT IN (SELECT classid, objid FROM parts)
    AND (refclassid <> 'pg_type'::regclass OR refobjid NOT IN (
        SELECT reltype FROM relations UNION ALL SELECT typarray FROM members JOIN pg_type AS t
            ON t.oid = objid AND classid = 'pg_type'::regclass
        UNION ALL SELECT typarray FROM relations JOIN pg_type AS t ON t.oid = reltype));
COMMENT ON VIEW rule_09 IS 'Nothing is made of what somebody else made: all of it is the extension''s or the server''s.';
CREATE TEMP VIEW rule_10 AS
SELECT object FROM relations WHERE relkind NOT IN ('r', 'v', 'i', 'c') OR relpersistence <> 'p';
COMMENT ON VIEW rule_10 IS 'There are tables and views only: what is foreign, materialized, unlogged or a sequence has no row security.';

-- Row security.
CREATE TEMP VIEW rule_11 AS
SELECT object FROM tables WHERE NOT (relrowsecurity AND relforcerowsecurity);
COMMENT ON VIEW rule_11 IS 'Row security is on for every table, and holds for its owner too.';
CREATE TEMP VIEW rule_12 AS
SELECT object FROM tables AS t WHERE NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = t.oid);
COMMENT ON VIEW rule_12 IS 'Every table has a policy.';
CREATE TEMP VIEW rule_13 AS
SELECT DISTINCT p.object FROM policies AS p JOIN policies AS o USING (polrelid)
WHERE p.object > o.object AND p.polpermissive AND o.polpermissive
    AND (p.polcmd = o.polcmd OR '*' IN (p.polcmd, o.polcmd)) AND (p.role = o.role OR 0 IN (p.role, o.role));
COMMENT ON VIEW rule_13 IS 'One policy lets a role do a thing: two are the sum of both.';
CREATE TEMP VIEW rule_14 AS
SELECT object FROM policies
WHERE 'true' IN (qual, "check") AND pg_get_userbyid(role) <> 'agent_owner'
    AND object <> 'audit_admin on agent.audit';
COMMENT ON VIEW rule_14 IS 'What lets everything pass is for agent_owner, and for agent_admin''s reading of the audit.';
CREATE TEMP VIEW rule_15 AS
SELECT DISTINCT object FROM policies
WHERE tree ~ '\{(SQLVALUEFUNCTION|SUBLINK) '
    OR EXISTS (SELECT FROM pg_temp.called(tree, 'funcid') AS called
        WHERE called NOT IN (SELECT oid FROM functions WHERE proname IN ('agent_uid', 'is_purged')));
COMMENT ON VIEW rule_15 IS 'Who asks is known by agent_uid(): no policy looks at a setting, at the role, or at other rows.';
CREATE TEMP VIEW rule_16 AS
SELECT DISTINCT object FROM policies, pg_temp.called(tree, '(?:op)?funcid') AS called JOIN pg_proc ON oid = called
WHERE provolatile = 'v'
UNION ALL SELECT indexrelid::regclass::text FROM pg_index JOIN tables AS t ON t.oid = indrelid,
    pg_temp.called(concat(indexprs, indpred), '(?:op)?funcid') AS called JOIN pg_proc AS p ON p.oid = called
WHERE provolatile <> 'i';
COMMENT ON VIEW rule_16 IS 'What an index is made of is immutable, and what a policy asks is not volatile.';

-- Tables.
CREATE TEMP VIEW rule_17 AS
SELECT object FROM tables AS t
WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t.oid AND contype = 'p');
COMMENT ON VIEW rule_17 IS 'Every table has a primary key.';
CREATE TEMP VIEW rule_18 AS
SELECT object FROM tables AS t
JOIN pg_attribute AS a ON attrelid = t.oid AND attname = 'user_id' AND NOT attisdropped
WHERE object <> 'agent.audit' AND (NOT attnotnull OR NOT EXISTS (
    SELECT FROM pg_constraint WHERE conrelid = t.oid AND contype = 'p' AND conkey[1] = attnum));
COMMENT ON VIEW rule_18 IS 'What is somebody''s has that person first in its key; in the audit there may be nobody.';
CREATE TEMP VIEW rule_19 AS
SELECT conname || ' of ' || object AS object FROM tables AS t
JOIN pg_constraint AS c ON conrelid = t.oid AND contype = 'f'
WHERE NOT EXISTS (SELECT FROM pg_index
    WHERE indrelid = t.oid AND indisvalid AND indpred IS NULL
        AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey);
COMMENT ON VIEW rule_19 IS 'An index leads with the columns of every foreign key: deleting reads no table from end to end.';
CREATE TEMP VIEW rule_20 AS
SELECT i.indexrelid::regclass::text AS object FROM tables AS t
JOIN pg_index AS i ON i.indrelid = t.oid JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE EXISTS (SELECT FROM pg_index AS o JOIN pg_class AS d ON d.oid = o.indexrelid
    WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND d.relam = c.relam AND NOT i.indisunique
        AND o.indkey::text || ' ' LIKE i.indkey::text || ' %' AND 0 <> ALL (i.indkey)
        AND o.indpred IS NULL AND i.indpred IS NULL);
COMMENT ON VIEW rule_20 IS 'No index is what another one begins with.';
CREATE TEMP VIEW rule_21 AS
SELECT object FROM tables
WHERE object NOT IN ('agent.signing_keys', 'agent.idempotency_keys')
    AND oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'agent');
COMMENT ON VIEW rule_21 IS 'Every table is in a dump, but for secrets and for what is of use for a day.';
CREATE TEMP VIEW rule_22 AS
SELECT tgname || ' on ' || object AS object FROM pg_trigger JOIN relations AS r ON r.oid = tgrelid WHERE NOT tgisinternal
UNION ALL SELECT rulename || ' on ' || object FROM pg_rewrite JOIN relations AS r ON r.oid = ev_class
WHERE rulename <> '_RETURN';
COMMENT ON VIEW rule_22 IS 'No trigger and no rule does what a statement does not say.';
CREATE TEMP VIEW rule_23 AS
SELECT object FROM relations
WHERE relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false);
COMMENT ON VIEW rule_23 IS 'A view shows what the caller may see, not what its owner may.';

-- Privileges.
CREATE TEMP VIEW granted AS
SELECT pg_describe_object(classid, objid, sub) AS object, (aclexplode(acl)).*
FROM (SELECT m.*, 0 AS sub, coalesce(proacl, acldefault('f', proowner)) AS acl
    FROM members AS m JOIN pg_proc ON oid = objid AND classid = 'pg_proc'::regclass
    UNION ALL SELECT m.*, 0, coalesce(relacl, acldefault('r', relowner))
    FROM members AS m JOIN pg_class ON oid = objid AND classid = 'pg_class'::regclass WHERE relkind <> 'c'
    UNION ALL SELECT m.*, attnum, attacl
    FROM members AS m JOIN pg_attribute ON attrelid = objid AND classid = 'pg_class'::regclass WHERE attacl IS NOT NULL
    UNION ALL SELECT m.*, 0, coalesce(typacl, acldefault('T', typowner))
    FROM members AS m JOIN pg_type ON oid = objid AND classid = 'pg_type'::regclass
    UNION ALL SELECT m.*, 0, coalesce(nspacl, acldefault('n', nspowner))
    FROM members AS m JOIN pg_namespace ON oid = objid AND classid = 'pg_namespace'::regclass) AS a;
CREATE TEMP VIEW rule_24 AS
SELECT DISTINCT object FROM granted WHERE grantee = 0;
COMMENT ON VIEW rule_24 IS 'Nothing is for everybody: not to call, to read, to use or to enter.';
CREATE TEMP VIEW rule_25 AS
SELECT DISTINCT object || ' to ' || grantee::regrole::text AS object FROM granted WHERE is_grantable
UNION ALL SELECT 'what ' || defaclrole::regrole::text || ' makes' FROM pg_default_acl
WHERE defaclrole IN (SELECT oid FROM callers) OR pg_get_userbyid(defaclrole) = 'agent_owner';
COMMENT ON VIEW rule_25 IS 'Nobody hands a privilege on, and no future object comes with one.';
CREATE TEMP VIEW rule_26 AS
SELECT object || ' by ' || rolname AS object FROM relations AS r, callers AS c
WHERE relkind IN ('r', 'p', 'v') AND (object, rolname) <> ('agent.conversations', 'agent_admin')
    AND (has_table_privilege(c.oid, r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        OR has_any_column_privilege(c.oid, r.oid, 'INSERT, UPDATE, REFERENCES'));
COMMENT ON VIEW rule_26 IS 'Tables are written by functions alone, but for what agent_admin''s purge deletes.';
CREATE TEMP VIEW rule_27 AS
SELECT format('%s.%s by %s', object, attname, r.rolname) AS object
FROM relations AS t JOIN pg_attribute AS a ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped,
    (SELECT oid, rolname FROM callers UNION ALL SELECT oid, rolname FROM pg_roles WHERE rolname = 'agent_owner') AS r
WHERE relkind IN ('r', 'p', 'v') AND attname ~ 'password|secret|hash|refresh_(key|previous)'
    AND (r.rolname <> 'agent_owner' OR attname = 'secret')
    AND has_column_privilege(r.oid, t.oid, attnum, 'SELECT');
COMMENT ON VIEW rule_27 IS 'No secret, and no hash of one, can be read; the keys'' not even by their owner.';

CREATE TEMP VIEW rules AS
SELECT relname::text AS name, obj_description(oid, 'pg_class') AS rule
FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relname LIKE 'rule\___';
CREATE FUNCTION pg_temp.broken(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    objects text;
BEGIN
    EXECUTE format('SELECT string_agg(object, '', '' ORDER BY object COLLATE "C") FROM %I', name) INTO objects;
    RETURN objects;
END
$$;

-- Nothing breaks one.
SELECT name, rule, pg_temp.broken(name) FROM rules ORDER BY name;

-- And each of them finds who does: something is made that breaks it, and undone.
CREATE FUNCTION pg_temp.found(name text, offence text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        EXECUTE offence;
        found := pg_temp.broken(name);
        RAISE SQLSTATE 'ZZ999';
    EXCEPTION WHEN SQLSTATE 'ZZ999' THEN RETURN found;
    END;
END
$$;
CREATE TEMP TABLE offences (n serial, name text, offence text);
INSERT INTO offences (name, offence) VALUES
    ('rule_01', 'ALTER FUNCTION agent_login(text, text) RESET search_path'),
    ('rule_01', 'ALTER FUNCTION agent_login(text, text) SET search_path = pg_catalog, public, pg_temp'),
    ('rule_01', 'ALTER FUNCTION agent_me() SECURITY DEFINER'),
    ('rule_02', 'ALTER FUNCTION agent_login(text, text) OWNER TO CURRENT_USER'),
    ('rule_02', 'ALTER ROLE agent_admin LOGIN'),
    ('rule_03', 'GRANT EXECUTE ON FUNCTION agent_key_rotate() TO agent_anon'),
    ('rule_04', 'CREATE FUNCTION agent.lint() RETURNS integer LANGUAGE sql AS ''SELECT 1'';
        ALTER EXTENSION agent ADD FUNCTION agent.lint()'),
    ('rule_05', 'GRANT EXECUTE ON FUNCTION agent.search_matches(tsvector, tsquery) TO agent_user'),
    ('rule_06', 'ALTER FUNCTION agent_key_rotate() PARALLEL SAFE'),
    ('rule_06', 'ALTER FUNCTION agent_me() PARALLEL UNSAFE'),
    ('rule_06', 'ALTER FUNCTION agent.search_query(text) PARALLEL RESTRICTED'),
    ('rule_07', 'CREATE SCHEMA lint; CREATE TABLE lint.lint (); ALTER EXTENSION agent ADD TABLE lint.lint'),
    ('rule_07', 'CREATE SCHEMA lint; ALTER EXTENSION agent ADD SCHEMA lint'),
    ('rule_08', 'CREATE TABLE agent.lint (a integer); ALTER EXTENSION agent ADD TABLE agent.lint'),
    ('rule_08', 'COMMENT ON COLUMN agent_users.email IS NULL; COMMENT ON POLICY messages_own ON agent.messages IS NULL'),
    ('rule_09', 'CREATE TABLE lint (a integer); CREATE VIEW agent.lint AS SELECT a FROM lint;
        ALTER EXTENSION agent ADD VIEW agent.lint'),
    ('rule_09', 'CREATE FUNCTION lint(uuid) RETURNS boolean LANGUAGE sql AS ''SELECT true'';
        CREATE POLICY lint ON agent.users USING (lint(id)); ALTER TABLE agent.users ADD CONSTRAINT lint CHECK (lint(id))'),
    ('rule_10', 'CREATE MATERIALIZED VIEW agent.lint AS SELECT 1 AS a; ALTER EXTENSION agent ADD MATERIALIZED VIEW agent.lint'),
    ('rule_10', 'CREATE UNLOGGED TABLE agent.lint (); ALTER EXTENSION agent ADD TABLE agent.lint'),
    ('rule_11', 'ALTER TABLE agent.messages NO FORCE ROW LEVEL SECURITY; ALTER TABLE agent.users DISABLE ROW LEVEL SECURITY'),
    ('rule_12', 'DROP POLICY idempotency_keys_owner ON agent.idempotency_keys'),
    ('rule_13', 'CREATE POLICY lint ON agent.messages FOR SELECT USING (user_id = agent_uid())'),
    ('rule_14', 'CREATE POLICY lint ON agent.users FOR INSERT TO agent_user WITH CHECK (true)'),
    ('rule_14', 'CREATE POLICY lint ON agent.users FOR UPDATE USING (true)'),
    ('rule_15', 'CREATE POLICY lint ON agent.users USING (username = current_setting(''lint''))'),
    ('rule_15', 'CREATE POLICY lint ON agent.users USING (username = CURRENT_USER)'),
    ('rule_15', 'CREATE POLICY lint ON agent.users USING (EXISTS (SELECT FROM agent.sessions))'),
    ('rule_16', 'CREATE POLICY lint ON agent.users USING (random() < 1)'),
    ('rule_16', 'ALTER FUNCTION agent.search_document(text) STABLE'),
    ('rule_17', 'ALTER TABLE agent.audit DROP CONSTRAINT audit_pkey'),
    ('rule_18', 'ALTER TABLE agent.sessions DROP CONSTRAINT sessions_pkey, ADD PRIMARY KEY (id)'),
    ('rule_18', 'CREATE TABLE agent.lint (user_id uuid); ALTER EXTENSION agent ADD TABLE agent.lint'),
    ('rule_19', 'ALTER TABLE agent.messages DROP CONSTRAINT messages_user_id_conversation_id_seq_key'),
    ('rule_20', 'CREATE INDEX lint ON agent.messages (user_id)'),
    ('rule_20', 'CREATE INDEX lint ON agent.messages (user_id, id)'),
    ('rule_21', 'CREATE TABLE agent.lint (); ALTER EXTENSION agent ADD TABLE agent.lint'),
    ('rule_22', 'CREATE TRIGGER lint BEFORE UPDATE ON agent.users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()'),
    ('rule_22', 'CREATE RULE lint AS ON DELETE TO agent.users DO INSTEAD NOTHING'),
    ('rule_23', 'ALTER VIEW agent_users RESET (security_invoker)'),
    ('rule_24', 'GRANT EXECUTE ON FUNCTION agent_me() TO PUBLIC; GRANT USAGE ON TYPE agent_token TO PUBLIC;
        GRANT SELECT ON agent_users TO PUBLIC; GRANT SELECT (id) ON agent.users TO PUBLIC; GRANT USAGE ON SCHEMA agent TO PUBLIC'),
    ('rule_24', 'CREATE FUNCTION agent.lint() RETURNS integer LANGUAGE sql RETURN 1; ALTER EXTENSION agent ADD FUNCTION agent.lint()'),
    ('rule_25', 'GRANT SELECT ON agent_users TO agent_user WITH GRANT OPTION'),
    ('rule_25', 'ALTER DEFAULT PRIVILEGES FOR ROLE agent_owner GRANT SELECT ON TABLES TO agent_user'),
    ('rule_26', 'GRANT UPDATE (title) ON agent.conversations TO agent_user'),
    ('rule_26', 'GRANT TRUNCATE ON agent.audit TO agent_admin'),
    ('rule_27', 'GRANT SELECT (password_hash) ON agent.users TO agent_user; GRANT SELECT ON agent.signing_keys TO agent_owner');
SELECT name, offence, pg_temp.found(name, offence) FROM offences ORDER BY n;
-- None is left out.
SELECT name AS unproven FROM rules WHERE name NOT IN (SELECT name FROM offences);
