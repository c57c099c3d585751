-- The beginning of every update: what is there before it, for 90_grants.sql and end.sql.

\echo Use "ALTER EXTENSION agent UPDATE" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

-- Members of the extension, as class:id. What is dropped is kept in mind with what a DBA has
-- granted on it, or revoked, since it was installed: whatever takes its name gets the same.
DO LANGUAGE plpgsql $$
DECLARE
    extension pg_catalog.oid := (SELECT e.oid FROM pg_catalog.pg_extension AS e
                                 WHERE e.extname OPERATOR(pg_catalog.=) 'agent');
BEGIN
    PERFORM pg_catalog.set_config('agent_update.members', (
        SELECT pg_catalog.string_agg(pg_catalog.format('%s:%s', d.classid, d.objid), ',')
        FROM pg_catalog.pg_depend AS d
        WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.refobjid OPERATOR(pg_catalog.=) extension
          AND d.deptype OPERATOR(pg_catalog.=) 'e'), true);

    PERFORM pg_catalog.set_config('agent_update.changes', coalesce((
        WITH objects (kind, name, now, installed) AS (
            SELECT 'FUNCTION', p.oid::pg_catalog.regproc::text, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)),
                i.initprivs
            FROM pg_catalog.pg_init_privs AS i
            JOIN pg_catalog.pg_depend AS d
                ON d.classid OPERATOR(pg_catalog.=) i.classoid AND d.objid OPERATOR(pg_catalog.=) i.objoid
            JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) i.objoid
            WHERE i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
              AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
              AND d.refobjid OPERATOR(pg_catalog.=) extension AND d.deptype OPERATOR(pg_catalog.=) 'e'
            UNION ALL
            SELECT 'TABLE', c.oid::pg_catalog.regclass::text, coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
                i.initprivs
            FROM pg_catalog.pg_init_privs AS i
            JOIN pg_catalog.pg_depend AS d
                ON d.classid OPERATOR(pg_catalog.=) i.classoid AND d.objid OPERATOR(pg_catalog.=) i.objoid
            JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.objoid
            WHERE i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND i.objsubid OPERATOR(pg_catalog.=) 0 AND c.relkind OPERATOR(pg_catalog.=) 'v'
              AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
              AND d.refobjid OPERATOR(pg_catalog.=) extension AND d.deptype OPERATOR(pg_catalog.=) 'e'
        ), changes AS (
            SELECT o.kind, o.name, 'GRANT' AS verb, a.privilege_type, a.grantee, a.is_grantable
            FROM objects AS o, pg_catalog.aclexplode(o.now) AS a
            EXCEPT
            SELECT o.kind, o.name, 'GRANT', a.privilege_type, a.grantee, a.is_grantable
            FROM objects AS o, pg_catalog.aclexplode(o.installed) AS a
            UNION ALL
            (SELECT o.kind, o.name, 'REVOKE', a.privilege_type, a.grantee, false
             FROM objects AS o, pg_catalog.aclexplode(o.installed) AS a
             EXCEPT
             SELECT o.kind, o.name, 'REVOKE', a.privilege_type, a.grantee, false
             FROM objects AS o, pg_catalog.aclexplode(o.now) AS a)
        )
        SELECT pg_catalog.json_agg(c)::text FROM changes AS c), '[]'), true);
END
$$;

