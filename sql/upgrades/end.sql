-- The end of every update: what was dropped and made again under its name, with other arguments
-- perhaps, is open to those it was open to, and to nobody whom a DBA had shut out.
DO LANGUAGE plpgsql $$
DECLARE
    extension pg_catalog.oid := (SELECT e.oid FROM pg_catalog.pg_extension AS e
                                 WHERE e.extname OPERATOR(pg_catalog.=) 'agent');
    change record;
BEGIN
    FOR change IN
        SELECT c.verb, c.kind, m.name, c.privilege_type, c.grantee, c.is_grantable
        FROM pg_catalog.json_to_recordset(pg_catalog.current_setting('agent_update.changes')::pg_catalog.json)
            AS c (verb text, kind text, name text, privilege_type text, grantee pg_catalog.oid, is_grantable boolean)
        JOIN (
            SELECT d.classid, d.objid, 'FUNCTION', p.oid::pg_catalog.regproc::text, p.oid::pg_catalog.regprocedure::text
            FROM pg_catalog.pg_depend AS d
            JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) d.objid
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
              AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
              AND d.refobjid OPERATOR(pg_catalog.=) extension AND d.deptype OPERATOR(pg_catalog.=) 'e'
            UNION ALL
            SELECT d.classid, d.objid, 'TABLE', r.oid::pg_catalog.regclass::text, r.oid::pg_catalog.regclass::text
            FROM pg_catalog.pg_depend AS d
            JOIN pg_catalog.pg_class AS r ON r.oid OPERATOR(pg_catalog.=) d.objid
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
              AND d.refobjid OPERATOR(pg_catalog.=) extension AND d.deptype OPERATOR(pg_catalog.=) 'e'
        ) AS m (classid, objid, kind, plain_name, name)
            ON m.kind OPERATOR(pg_catalog.=) c.kind AND m.plain_name OPERATOR(pg_catalog.=) c.name
        WHERE pg_catalog.format('%s:%s', m.classid::pg_catalog.oid, m.objid) OPERATOR(pg_catalog.<>) ALL (
            pg_catalog.string_to_array(pg_catalog.current_setting('agent_update.members'), ','))
          AND (c.grantee OPERATOR(pg_catalog.=) 0
               OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid OPERATOR(pg_catalog.=) c.grantee))
    LOOP
        EXECUTE pg_catalog.format('%s %s ON %s %s %s %s%s', change.verb, change.privilege_type, change.kind, change.name,
            CASE change.verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END,
            CASE WHEN change.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                 ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(change.grantee)) END,
            CASE WHEN change.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END
$$;
