-- Everything that the catalogs know of the extension, a row for each thing: object, property, value.
--
-- Names instead of ids, so that two databases of one server can be compared: what differs between an extension that
-- was installed and one that was updated is an update that forgot something. For scripts/updatecheck and
-- t/019_upgrade.pl: psql -At, in the schemas' owner's eyes, a superuser.

SET search_path = pg_catalog;
SET client_min_messages = warning;

WITH RECURSIVE extension AS (
    SELECT * FROM pg_extension WHERE extname = 'agent'
), objects (classid, objid) AS (
    -- The members, and whatever goes with them: row types, indexes, constraints, defaults, policies, views' rules,
    -- operators and functions of operator classes, TOAST tables, statistics.
    SELECT d.classid, d.objid
    FROM pg_depend AS d, extension AS e
    WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    UNION
    SELECT d.classid, d.objid
    FROM objects AS o
    JOIN pg_depend AS d ON d.refclassid = o.classid AND d.refobjid = o.objid AND d.deptype IN ('a', 'i')
), named AS (
    -- A TOAST table is called after its table. Its index, and the triggers of foreign keys, have nothing of their own
    -- but a number in their names.
    SELECT o.classid, o.objid, coalesce('toast of ' || t.oid::regclass, i.type || ' ' || i.identity) AS name
    FROM objects AS o
    CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
    LEFT JOIN pg_class AS t ON o.classid = 'pg_class'::regclass AND t.reltoastrelid = o.objid
    WHERE (t.oid IS NOT NULL OR i.schema IS DISTINCT FROM 'pg_toast')
      AND NOT (o.classid = 'pg_trigger'::regclass
               AND (SELECT g.tgisinternal FROM pg_trigger AS g WHERE g.oid = o.objid))
), columns AS (
    SELECT n.name || ' column ' || a.attname AS name, a.*
    FROM named AS n
    JOIN pg_attribute AS a ON n.classid = 'pg_class'::regclass AND a.attrelid = n.objid
    JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v', 'c', 'i', 'p', 'm', 'f')
    WHERE a.attnum > 0
), facts (name, property, value) AS (
    SELECT 'extension agent', x.key, x.value
    FROM extension AS e, LATERAL (VALUES
        ('version', e.extversion), ('schema', e.extnamespace::regnamespace::text), ('owner', e.extowner::regrole::text),
        ('relocatable', e.extrelocatable::text)) AS x (key, value)
    UNION ALL
    SELECT 'extension agent', 'dumped ' || c.relation::regclass, coalesce(c.condition, '')
    FROM extension AS e, unnest(e.extconfig, e.extcondition) AS c (relation, condition)
    UNION ALL
    SELECT n.name, 'member', 'yes'
    FROM named AS n
    JOIN pg_depend AS d ON d.classid = n.classid AND d.objid = n.objid AND d.deptype = 'e'
    UNION ALL
    SELECT n.name, 'present', 'yes' FROM named AS n
    UNION ALL
    SELECT n.name, 'comment' || coalesce(' on ' || nullif(d.objsubid, 0), ''), d.description
    FROM named AS n JOIN pg_description AS d ON d.classoid = n.classid AND d.objoid = n.objid
    UNION ALL
    SELECT n.name, 'as installed' || coalesce(' on ' || nullif(i.objsubid, 0), ''),
        (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(i.initprivs) AS a)
    FROM named AS n JOIN pg_init_privs AS i ON i.classoid = n.classid AND i.objoid = n.objid
    UNION ALL
    -- Rows of the catalogs as they are, but for ids and what changes by use.
    SELECT n.name, x.key, x.value
    FROM named AS n
    JOIN pg_namespace AS s ON n.classid = 'pg_namespace'::regclass AND s.oid = n.objid,
        LATERAL (VALUES 
            ('owner', s.nspowner::regrole::text),
            ('privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(s.nspacl) AS a))) AS x (key, value)
    UNION ALL
    SELECT n.name, x.key, x.value
    FROM named AS n
    JOIN pg_proc AS p ON n.classid = 'pg_proc'::regclass AND p.oid = n.objid,
        LATERAL (VALUES
            ('definition', pg_get_functiondef(p.oid)), ('owner', p.proowner::regrole::text), ('support', p.prosupport::text),
            ('cost', p.procost::text), ('rows', p.prorows::text), ('library', p.probin), ('symbol', p.prosrc),
            ('result', pg_get_function_result(p.oid)), ('volatile', p.provolatile::text), ('parallel', p.proparallel::text),
            ('strict', p.proisstrict::text), ('leakproof', p.proleakproof::text), ('definer', p.prosecdef::text),
            ('settings', p.proconfig::text)) AS x (key, value)
    WHERE p.prokind <> 'a'
    UNION ALL
    SELECT n.name, 'privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(p.proacl) AS a)
    FROM named AS n JOIN pg_proc AS p ON n.classid = 'pg_proc'::regclass AND p.oid = n.objid
    UNION ALL
    SELECT n.name, 'aggregate', (to_jsonb(a) - 'aggfnoid')::text
    FROM named AS n JOIN pg_aggregate AS a ON n.classid = 'pg_proc'::regclass AND a.aggfnoid = n.objid
    UNION ALL
    SELECT n.name, x.key, x.value
    FROM named AS n
    JOIN pg_class AS c ON n.classid = 'pg_class'::regclass AND c.oid = n.objid
    LEFT JOIN pg_am AS m ON m.oid = c.relam,
        LATERAL (VALUES
            ('kind', c.relkind::text), ('persistence', c.relpersistence::text), ('owner', c.relowner::regrole::text),
            ('access method', m.amname), ('options', c.reloptions::text), ('row security', c.relrowsecurity::text),
            ('force', c.relforcerowsecurity::text), ('replica identity', c.relreplident::text),
            ('tablespace', c.reltablespace::text), ('toast', (c.reltoastrelid <> 0)::text),
            ('privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(c.relacl) AS a)),
            ('view', CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END),
            ('index', CASE c.relkind WHEN 'i' THEN pg_get_indexdef(c.oid) END)) AS x (key, value)
    UNION ALL
    SELECT n.name, 'index', (to_jsonb(i) - '{indexrelid,indrelid,indclass,indexprs,indpred,indcollation,indcheckxmin}'::text[])::text
    FROM named AS n JOIN pg_index AS i ON n.classid = 'pg_class'::regclass AND i.indexrelid = n.objid
    UNION ALL
    SELECT n.name, 'sequence', (to_jsonb(s) - 'seqrelid')::text
    FROM named AS n JOIN pg_sequence AS s ON n.classid = 'pg_class'::regclass AND s.seqrelid = n.objid
    UNION ALL
    -- The library reads columns by their place: one that was dropped moves nothing.
    SELECT c.name, x.key, x.value
    FROM columns AS c
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.attrelid AND d.adnum = c.attnum
    LEFT JOIN pg_collation AS l ON l.oid = c.attcollation,
        LATERAL (VALUES
            ('place', c.attnum::text), ('type', format_type(c.atttypid, c.atttypmod)), ('not null', c.attnotnull::text),
            ('default', pg_get_expr(d.adbin, d.adrelid)), ('generated', c.attgenerated::text), ('identity', c.attidentity::text),
            ('storage', c.attstorage::text), ('compression', c.attcompression::text), ('collation', l.collname),
            ('statistics', nullif(to_jsonb(c) ->> 'attstattarget', '-1')), 
            -- What the server keeps there for itself is its own.
            ('options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.attoptions) AS o WHERE o !~ '^pg_')),
            ('dropped', c.attisdropped::text),
            ('privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(c.attacl) AS a))) AS x (key, value)
    UNION ALL
    SELECT n.name, x.key, x.value
    FROM named AS n
    JOIN pg_constraint AS c ON n.classid = 'pg_constraint'::regclass AND c.oid = n.objid,
        LATERAL (VALUES
            ('definition', pg_get_constraintdef(c.oid)), ('validated', c.convalidated::text),
            ('deferrable', c.condeferrable::text), ('no inherit', c.connoinherit::text)) AS x (key, value)
    UNION ALL
    SELECT n.name, x.key, x.value
    FROM named AS n
    JOIN pg_policy AS p ON n.classid = 'pg_policy'::regclass AND p.oid = n.objid,
        LATERAL (VALUES
            ('command', p.polcmd::text), ('permissive', p.polpermissive::text),
            ('roles', (SELECT string_agg(r::regrole::text, ', ' ORDER BY r::regrole::text) FROM unnest(p.polroles) AS r)),
            ('using', pg_get_expr(p.polqual, p.polrelid)),
            ('check', pg_get_expr(p.polwithcheck, p.polrelid))) AS x (key, value)
    UNION ALL
    SELECT n.name, x.key, x.value
    FROM named AS n
    JOIN pg_type AS t ON n.classid = 'pg_type'::regclass AND t.oid = n.objid,
        LATERAL (VALUES
            ('owner', t.typowner::regrole::text), ('kind', t.typtype::text), ('category', t.typcategory::text),
            ('base', format_type(nullif(t.typbasetype, 0), t.typtypmod)), ('not null', t.typnotnull::text),
            ('default', t.typdefault),
            ('functions', format('%s %s %s %s', t.typinput, t.typoutput, t.typreceive, t.typsend)),
            ('labels', (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid)),
            ('privileges', (SELECT string_agg(a::text, ', ' ORDER BY a::text) FROM unnest(t.typacl) AS a))) AS x (key, value)
    UNION ALL
    SELECT n.name, x.key, x.value
    FROM named AS n
    JOIN pg_operator AS o ON n.classid = 'pg_operator'::regclass AND o.oid = n.objid,
        LATERAL (VALUES
            ('owner', o.oprowner::regrole::text), ('function', o.oprcode::text), ('result', o.oprresult::regtype::text),
            ('estimators', format('%s %s', o.oprrest, o.oprjoin)), ('hashes, merges', format('%s %s', o.oprcanhash, o.oprcanmerge)),
            ('commutator, negator', format('%s %s', o.oprcom::regoperator, o.oprnegate::regoperator))) AS x (key, value)
    UNION ALL
    SELECT n.name, 'operator class', format('%s %s %s %s', c.opcowner::regrole, c.opcintype::regtype, c.opcdefault, c.opckeytype::regtype)
    FROM named AS n JOIN pg_opclass AS c ON n.classid = 'pg_opclass'::regclass AND c.oid = n.objid
    UNION ALL
    SELECT n.name, 'operator family', f.opfowner::regrole::text
    FROM named AS n JOIN pg_opfamily AS f ON n.classid = 'pg_opfamily'::regclass AND f.oid = n.objid
    UNION ALL
    SELECT n.name, 'text search', (to_jsonb(p) - '{oid,prsnamespace}'::text[])::text
    FROM named AS n JOIN pg_ts_parser AS p ON n.classid = 'pg_ts_parser'::regclass AND p.oid = n.objid
    UNION ALL
    SELECT n.name, 'text search', (to_jsonb(t) - '{oid,tmplnamespace}'::text[])::text
    FROM named AS n JOIN pg_ts_template AS t ON n.classid = 'pg_ts_template'::regclass AND t.oid = n.objid
    UNION ALL
    SELECT n.name, 'text search', format('%s %s %s', d.dictowner::regrole, t.tmplname, d.dictinitoption)
    FROM named AS n
    JOIN pg_ts_dict AS d ON n.classid = 'pg_ts_dict'::regclass AND d.oid = n.objid
    JOIN pg_ts_template AS t ON t.oid = d.dicttemplate
    UNION ALL
    SELECT n.name, 'mapping ' || m.maptokentype, format('%s %s',
        c.cfgowner::regrole, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno))
    FROM named AS n
    JOIN pg_ts_config AS c ON n.classid = 'pg_ts_config'::regclass AND c.oid = n.objid
    JOIN pg_ts_config_map AS m ON m.mapcfg = c.oid
    GROUP BY n.name, m.maptokentype, c.cfgowner
    UNION ALL
    SELECT n.name, 'event trigger', format('%s %s %s %s %s',
        v.evtevent, v.evtowner::regrole, v.evtfoid::regproc, v.evtenabled, v.evttags)
    FROM named AS n JOIN pg_event_trigger AS v ON n.classid = 'pg_event_trigger'::regclass AND v.oid = n.objid
)
SELECT f.name || ' | ' || f.property || ' | ' || replace(f.value, E'\n', '\n') FROM facts AS f
WHERE f.value IS NOT NULL
ORDER BY 1;
