-- The doctor: what may be wrong with an installation, and what to do about it.

CREATE TYPE agent.shared_state AS (
    preloaded    boolean,
    launcher_pid integer,
    pending      integer,
    lost         bigint,
    hash_places  integer,
    hash_running integer,
    hash_waiting integer,
    hash_refused bigint,
    metrics_served boolean,
    metrics_token_is_short boolean
);

COMMENT ON TYPE agent.shared_state IS 'What is in the module''s shared memory, and in settings that are not shown; counts are since the start of the server.';
COMMENT ON COLUMN agent.shared_state.preloaded IS 'Whether there is any.';
COMMENT ON COLUMN agent.shared_state.launcher_pid IS 'Process that starts the writers of the audit; 0: there is none.';
COMMENT ON COLUMN agent.shared_state.pending IS 'Entries that are still to be written.';
COMMENT ON COLUMN agent.shared_state.lost IS 'Entries that were lost because nobody wrote them in time.';
COMMENT ON COLUMN agent.shared_state.hash_places IS 'How many passwords may be hashed at once.';
COMMENT ON COLUMN agent.shared_state.hash_running IS 'How many are.';
COMMENT ON COLUMN agent.shared_state.hash_waiting IS 'How many callers wait for their turn.';
COMMENT ON COLUMN agent.shared_state.hash_refused IS 'How many were sent away with the error busy.';
COMMENT ON COLUMN agent.shared_state.metrics_served IS 'Whether there is an agent.metrics_token.';
COMMENT ON COLUMN agent.shared_state.metrics_token_is_short IS 'Whether it has fewer than 16 characters.';

CREATE FUNCTION agent.shared_state()
RETURNS agent.shared_state
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_shared_state';

COMMENT ON FUNCTION agent.shared_state() IS 'What is in the module''s shared memory.';

CREATE FUNCTION agent.hash_time()
RETURNS double precision
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_hash_time';

COMMENT ON FUNCTION agent.hash_time() IS 'Milliseconds that a password hash takes here, at agent.password_hash_cost. It waits for its turn, as a login does.';

CREATE FUNCTION @extschema@.agent_doctor()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH members AS (
        SELECT d.classid, d.objid
        FROM pg_depend AS d
        JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
        WHERE e.extname = 'agent' AND d.deptype = 'e'
    ), tables AS (
        SELECT c.*
        FROM pg_class AS c
        JOIN members AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
        WHERE c.relkind = 'r'
    ), functions AS (
        SELECT p.*
        FROM pg_proc AS p
        JOIN members AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    ), objects (classid, objid, objsubid, name, acl) AS (
        SELECT m.classid, c.oid, 0, c.oid::regclass::text,
            coalesce(c.relacl, acldefault('r', c.relowner))
        FROM members AS m JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
        WHERE c.relkind IN ('r', 'v')
        UNION ALL
        SELECT m.classid, a.attrelid, a.attnum::integer, format('%s.%I', a.attrelid::regclass, a.attname),
            a.attacl
        FROM members AS m JOIN pg_attribute AS a ON m.classid = 'pg_class'::regclass AND m.objid = a.attrelid
        WHERE a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT m.classid, p.oid, 0, p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM members AS m JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
        UNION ALL
        SELECT m.classid, n.oid, 0, 'schema ' || quote_ident(n.nspname), coalesce(n.nspacl, acldefault('n', n.nspowner))
        FROM members AS m JOIN pg_namespace AS n ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
    ), regranted AS (
        -- What CREATE EXTENSION left behind is kept by the server.
        SELECT o.name
        FROM objects AS o
        LEFT JOIN pg_init_privs AS i
            ON i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = o.objsubid
        WHERE EXISTS (
            (SELECT g.grantee, g.privilege_type FROM aclexplode(o.acl) AS g
             EXCEPT SELECT g.grantee, g.privilege_type FROM aclexplode(i.initprivs) AS g)
            UNION ALL
            (SELECT g.grantee, g.privilege_type FROM aclexplode(i.initprivs) AS g
             EXCEPT SELECT g.grantee, g.privilege_type FROM aclexplode(o.acl) AS g))
          AND (i.initprivs IS NOT NULL OR o.objsubid <> 0)
    ), state AS (
        SELECT * FROM agent.shared_state()
    ), findings (number, name, bad, severity, good_detail, bad_detail, hint) AS (
        SELECT 1, 'preload', NOT s.preloaded, 'warning', 'the library is preloaded',
            'the library is not preloaded: there are no rate limits, no turns at hashing, no metrics, and no audit of what is refused',
            'Add agent to shared_preload_libraries and restart the server.'
        FROM state AS s
        UNION ALL
        SELECT 2, 'worker',
            s.preloaded AND NOT pg_is_in_recovery()
                AND NOT EXISTS (SELECT FROM pg_stat_get_activity(s.launcher_pid) AS a WHERE a.pid = s.launcher_pid),
            'error',
            CASE WHEN NOT s.preloaded THEN 'none without preloading'
                 WHEN pg_is_in_recovery() THEN 'begins with the promotion of this standby'
                 ELSE format('the launcher is process %s', s.launcher_pid) END,
            'the launcher of the audit''s writers is not there',
            'It comes back within a second: if not, look for "agent launcher" in the server log.'
        FROM state AS s
        UNION ALL
        SELECT 3, 'audit', s.lost > 0 OR s.pending > 2048, 'warning',
            format('%s entries to be written, none lost', s.pending),
            format('%s entries to be written, %s lost since the start of the server', s.pending, s.lost),
            'Look for "agent writer" in the server log, and raise max_worker_processes if it cannot start.'
        FROM state AS s
        UNION ALL
        SELECT 4, 'row_security',
            bool_or(NOT (t.relrowsecurity AND t.relforcerowsecurity)), 'error',
            format('enabled and forced on %s tables', count(*)),
            'not enabled and forced on ' || string_agg(t.oid::regclass::text, ', ' ORDER BY t.relname)
                FILTER (WHERE NOT (t.relrowsecurity AND t.relforcerowsecurity)),
            'ALTER TABLE ... ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;'
        FROM tables AS t
        UNION ALL
        SELECT 5, 'grants', count(*) > 0, 'warning', 'as installed',
            'not as installed: ' || string_agg(r.name, ', ' ORDER BY r.name),
            'See what was granted with \dp and \df+, and REVOKE what nobody meant to.'
        FROM regranted AS r
        UNION ALL
        SELECT 6, 'functions', count(*) > 0, 'error', 'what runs as its owner belongs to agent_owner and pins search_path',
            'run as somebody else, or find what a caller''s search_path says: '
                || string_agg(f.oid::regprocedure::text, ', ' ORDER BY f.proname),
            'ALTER FUNCTION ... OWNER TO agent_owner, SET search_path = pg_catalog, pg_temp;'
        FROM functions AS f
        WHERE f.prosecdef
          AND (pg_get_userbyid(f.proowner)
                   <> CASE f.oid WHEN 'agent.purge'::regproc THEN 'agent_admin' ELSE 'agent_owner' END
               OR NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (f.proconfig), false))
        UNION ALL
        SELECT 7, 'roles', count(*) > 0, 'error', 'without attributes or memberships they must not have',
            'with attributes or memberships they must not have: ' || string_agg(r.rolname, ', ' ORDER BY r.rolname),
            'ALTER ROLE ... NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION; REVOKE what is in pg_auth_members.'
        FROM pg_roles AS r
        WHERE r.rolname IN ('agent_owner', 'agent_anon', 'agent_user', 'agent_admin', 'agent_authenticator')
          AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication
               OR (r.rolcanlogin AND r.rolname <> 'agent_authenticator')
               OR EXISTS (
                   SELECT FROM pg_auth_members AS m
                   WHERE (m.member = r.oid AND r.rolname IN ('agent_owner', 'agent_anon', 'agent_user'))
                      OR (m.roleid = r.oid AND r.rolname IN ('agent_owner', 'agent_authenticator')
                          AND m.member <> m.grantor)))
        UNION ALL
        SELECT 8, 'hash_time', h.ms NOT BETWEEN 50 AND 1000, 'warning',
            format('%s ms at cost %s', round(h.ms), current_setting('agent.password_hash_cost')),
            format('%s ms at cost %s', round(h.ms), current_setting('agent.password_hash_cost')),
            'A step of agent.password_hash_cost halves or doubles it: 100 to 500 ms are usual.'
        FROM agent.hash_time() AS h (ms)
        UNION ALL
        SELECT 9, 'signing_key', coalesce(max(k.created_at), '-infinity') < clock_timestamp() - interval '180 days',
            CASE WHEN count(*) = 0 THEN 'error' ELSE 'warning' END,
            format('%s days old', extract(day FROM clock_timestamp() - max(k.created_at))),
            CASE WHEN count(*) = 0 THEN 'there is none'
                 ELSE format('%s days old', extract(day FROM clock_timestamp() - max(k.created_at))) END,
            'SELECT agent_key_rotate();'
        FROM agent.signing_keys AS k
        WHERE k.retires_at IS NULL
        UNION ALL
        SELECT 10, 'postgrest',
            NOT (r.rolcanlogin
                 AND has_schema_privilege(r.oid, f.pronamespace, 'USAGE')
                 AND has_function_privilege(r.oid, f.oid, 'EXECUTE')
                 AND pg_has_role(r.oid, 'agent_anon', 'MEMBER') AND pg_has_role(r.oid, 'agent_user', 'MEMBER')),
            'warning',
            format('agent_authenticator may log in, and call %s', f.oid::regprocedure),
            CASE WHEN r.rolcanlogin
                THEN format('agent_authenticator may not call %s, or not become agent_anon and agent_user', f.oid::regprocedure)
                ELSE 'agent_authenticator may not log in: neither PostgREST nor agent-httpd can' END,
            'ALTER ROLE agent_authenticator LOGIN PASSWORD ''...'', and see check "grants".'
        FROM functions AS f, pg_roles AS r
        WHERE f.proname = 'agent_postgrest_config' AND r.rolname = 'agent_authenticator'
        UNION ALL
        SELECT 11, 'clock', latest.time > clock_timestamp() + interval '5 s', 'error',
            'not behind what it was',
            format('behind what it was: something was written at %s UTC',
                to_char(latest.time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')),
            'Tokens and sessions go by it: set the clock of the server, and keep it with NTP.'
        FROM (SELECT greatest(
                  pg_postmaster_start_time(),
                  (SELECT max(k.created_at) FROM agent.signing_keys AS k),
                  (SELECT a.created_at FROM agent.audit AS a ORDER BY a.id DESC LIMIT 1))) AS latest (time)
        UNION ALL
        SELECT 12, 'foreign_keys', count(*) > 0, 'warning', 'an index leads with every one of them',
            'no index leads with ' || string_agg(format('%s of %s', c.conname, c.conrelid::regclass), ', ' ORDER BY c.conname),
            'CREATE INDEX on their columns: the deletion of an account reads the whole table else.'
        FROM pg_constraint AS c
        WHERE c.contype = 'f'
          AND (c.conrelid IN (SELECT t.oid FROM tables AS t) OR c.confrelid IN (SELECT t.oid FROM tables AS t))
          AND NOT EXISTS (
              SELECT FROM pg_index AS i
              WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL
                AND (string_to_array(i.indkey::text, ' ')::smallint[])[1:cardinality(c.conkey)] @> c.conkey)
        UNION ALL
        SELECT 13, 'addresses', false, 'warning',
            coalesce('from the header ' || nullif(current_setting('agent.trusted_address_header'), ''),
                'unknown: limits are by account alone'),
            NULL, 'agent.trusted_address_header, where a proxy sets it.'
        UNION ALL
        SELECT 14, 'metrics', s.metrics_served AND s.metrics_token_is_short, 'warning',
            CASE WHEN s.metrics_served THEN 'GET /metrics is for whoever has agent.metrics_token'
                 ELSE 'GET /metrics is not there: agent.metrics_token is empty' END,
            'agent.metrics_token has fewer than 16 characters: it can be guessed',
            'ALTER SYSTEM SET agent.metrics_token = ''...'', with 32 random characters, and reload.'
        FROM state AS s
        UNION ALL
        SELECT 15, 'version', e.extversion <> a.default_version, 'warning',
            format('%s, as installed on this server', e.extversion),
            format('%s, and %s is installed on this server', e.extversion, a.default_version),
            'ALTER EXTENSION agent UPDATE; or, where the files on this server are the older ones, install the newer.'
        FROM pg_extension AS e
        JOIN pg_available_extensions() AS a ON a.name = e.extname
        WHERE e.extname = 'agent'
    )
    SELECT f.name, CASE WHEN f.bad THEN f.severity ELSE 'ok' END,
        CASE WHEN f.bad THEN f.bad_detail ELSE f.good_detail END,
        CASE WHEN f.bad OR (f.name = 'addresses' AND current_setting('agent.trusted_address_header') = '') THEN f.hint END
    FROM findings AS f
    ORDER BY f.number;
END;

COMMENT ON FUNCTION @extschema@.agent_doctor() IS
'Checks the installation: a row for each check, with what to do about it. For agent_admin.

status: ok, warning or error. Computes a password hash, to tell how long that takes.
HTTP 200. Errors: busy 503.';
