-- Roles are shared by all databases of a cluster and outlive the extension,
-- so an existing one is accepted, but only with the attributes it should have:
-- anybody with CREATEROLE could have made it.
DO LANGUAGE plpgsql $$
DECLARE
    wanted record;
    present pg_catalog.pg_roles;
BEGIN
    IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'extension "agent" needs a database with the encoding UTF8, this one has %',
                pg_catalog.current_setting('server_encoding')
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;

    FOR wanted IN
        SELECT * FROM (VALUES
            ('agent_owner'::name, true),
            ('agent_anon', true),
            ('agent_user', true),
            ('agent_admin', true),
            ('agent_authenticator', false)) AS roles (name, nologin)
    LOOP
        SELECT * INTO present FROM pg_catalog.pg_roles AS r
            WHERE r.rolname OPERATOR(pg_catalog.=) wanted.name;

        IF NOT FOUND THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN %s', wanted.name,
                CASE WHEN wanted.nologin THEN 'INHERIT' ELSE 'NOINHERIT' END);
        ELSIF present.rolsuper OR present.rolbypassrls OR present.rolcreaterole
                OR present.rolcreatedb OR present.rolreplication
                OR (wanted.nologin AND present.rolcanlogin)
                OR (present.rolinherit AND NOT wanted.nologin) THEN
            RAISE EXCEPTION 'role "%" exists with attributes it must not have', wanted.name
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = pg_catalog.format(
                        'Drop it, or run: ALTER ROLE %I NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION %s;',
                        wanted.name,
                        CASE WHEN wanted.nologin THEN 'NOLOGIN' ELSE 'NOINHERIT' END);
        END IF;
    END LOOP;

    -- Nothing made in their name beforehand may be a back door: what the owner owns
    -- could run as it, what search_path finds runs as whoever calls.
    IF EXISTS (SELECT FROM pg_catalog.pg_shdepend AS d
               WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass
                 AND d.refobjid OPERATOR(pg_catalog.=) 'agent_owner'::pg_catalog.regrole
                 AND d.deptype OPERATOR(pg_catalog.=) 'o'
                 AND d.dbid IN (0, (SELECT b.oid FROM pg_catalog.pg_database AS b
                                    WHERE b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()))) THEN
        RAISE EXCEPTION 'role "agent_owner" owns objects in this database already'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Look at them, then run: REASSIGN OWNED BY agent_owner TO CURRENT_USER;';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_db_role_setting AS s,
                   pg_catalog.unnest(s.setconfig) AS setting
               WHERE s.setrole IN ('agent_owner'::pg_catalog.regrole, 'agent_anon'::pg_catalog.regrole,
                                   'agent_user'::pg_catalog.regrole, 'agent_admin'::pg_catalog.regrole,
                                   'agent_authenticator'::pg_catalog.regrole)
                 AND pg_catalog.split_part(setting, '=', 1) IN ('search_path', 'row_security', 'role')) THEN
        RAISE EXCEPTION 'roles of the extension "agent" have settings they must not have'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Run ALTER ROLE ... RESET search_path, and likewise row_security and role.';
    END IF;

    -- What these roles may do must not reach beyond this extension, nobody may act
    -- as the owner of the tables, and what PostgREST logs in as is nothing by itself.
    -- (WITH INHERIT is a property of the membership since PostgreSQL 16.)
    IF EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m
               WHERE m.member IN ('agent_owner'::pg_catalog.regrole, 'agent_anon'::pg_catalog.regrole,
                                  'agent_user'::pg_catalog.regrole)
                  OR m.roleid IN ('agent_owner'::pg_catalog.regrole,
                                  'agent_authenticator'::pg_catalog.regrole)
                  OR (m.member OPERATOR(pg_catalog.=) 'agent_authenticator'::pg_catalog.regrole
                      AND (m.roleid NOT IN ('agent_anon'::pg_catalog.regrole, 'agent_user'::pg_catalog.regrole)
                           OR coalesce((pg_catalog.to_jsonb(m) OPERATOR(pg_catalog.->>) 'inherit_option')::boolean,
                                       false)))) THEN
        RAISE EXCEPTION 'roles of the extension "agent" have memberships they must not have'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'agent_owner, agent_anon and agent_user are members of no role, agent_authenticator of agent_anon and agent_user without INHERIT, and neither agent_owner nor agent_authenticator has members.',
                  HINT = 'See the memberships in pg_auth_members and REVOKE the others.';
    END IF;
END
$$;

-- What PostgREST, or a pool, logs in as: it has nothing of its own and becomes
-- one of the two. Roles are the cluster's, so this grant may exist already.
GRANT agent_anon, agent_user TO agent_authenticator;
