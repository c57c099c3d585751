-- Administration: what those who run the service do, as members of agent_admin.

CREATE FUNCTION @extschema@.agent_user_import(
    email text, username text, password_hash text,
    is_active boolean DEFAULT NULL, created_at timestamptz DEFAULT NULL)
RETURNS @extschema@.agent_users
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_user_import';

COMMENT ON FUNCTION @extschema@.agent_user_import(text, text, text, boolean, timestamptz) IS
'Takes an account over from another application, with its password''s hash.

password_hash: bcrypt ($2a$, $2b$, $2y$, cost 4 to 15) or passlib''s bcrypt_sha256; the next login makes a new one of it. is_active: NULL is true. created_at: NULL is now.
HTTP 201. Errors: email_taken 400, username_taken 400, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_user_set_active(user_id uuid, active boolean)
RETURNS @extschema@.agent_users
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_user_set_active';

COMMENT ON FUNCTION @extschema@.agent_user_set_active(uuid, boolean) IS
'Deactivates an account, or activates it again.

Deactivated, login and every token of it are refused from the next statement on.
HTTP 200. Errors: account_not_found 404, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_user_list(search text DEFAULT NULL)
RETURNS SETOF @extschema@.agent_users
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT u.id, u.email, u.username, u.is_active, u.created_at
    FROM agent.users AS u
    -- Once, and not for every account: what is searched for may be long.
    CROSS JOIN (SELECT pg_catalog.lower(agent_user_list.search) AS part OFFSET 0) AS wanted
    WHERE wanted.part IS NULL
       OR pg_catalog.strpos(pg_catalog.lower(u.email), wanted.part) OPERATOR(pg_catalog.>) 0
       OR pg_catalog.strpos(pg_catalog.lower(u.username), wanted.part) OPERATOR(pg_catalog.>) 0
    ORDER BY u.created_at DESC, u.id DESC;
END;

COMMENT ON FUNCTION @extschema@.agent_user_list(text) IS
'Accounts, newest first.

search: a part of the address or of the name, in any case; NULL lists all. Page with LIMIT, or in PostgREST with limit and offset.
HTTP 200.';

CREATE FUNCTION @extschema@.agent_session_end(session_id uuid)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_session_end';

COMMENT ON FUNCTION @extschema@.agent_session_end(uuid) IS
'Ends a session, whosever it is; its tokens are refused from the next statement on.

HTTP 204. Errors: session_not_found 404 (also for one that has ended), validation_failed 422.';

CREATE FUNCTION agent.is_purged(updated_at timestamptz)
RETURNS boolean
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_is_purged';

COMMENT ON FUNCTION agent.is_purged(timestamptz) IS 'Whether agent_purge, in this session, is just now deleting what was last changed then: a policy stands on it.';

-- Runs as agent_admin, whose policy shows it everybody's conversations while agent_purge
-- calls it: three columns of them. A row that somebody has locked is in use.
CREATE FUNCTION agent.purge(before timestamptz, batch integer)
RETURNS bigint
LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH old AS (
        SELECT c.user_id, c.id
        FROM agent.conversations AS c
        WHERE c.updated_at OPERATOR(pg_catalog.<) purge.before
        LIMIT purge.batch
        FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM agent.conversations AS c
        USING old AS o
        WHERE c.user_id OPERATOR(pg_catalog.=) o.user_id AND c.id OPERATOR(pg_catalog.=) o.id
        RETURNING c.id
    )
    SELECT pg_catalog.count(*) FROM deleted AS d;
END;

COMMENT ON FUNCTION agent.purge(timestamptz, integer) IS
'Deletes up to so many conversations that were last changed before a time, and returns how many. For agent_purge.';

CREATE FUNCTION @extschema@.agent_purge(older_than interval, batch integer DEFAULT 1000)
RETURNS bigint
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_purge';

COMMENT ON FUNCTION @extschema@.agent_purge(interval, integer) IS
'Deletes conversations, whosever they are, whose updated_at is longer ago than older_than, with their messages, and returns how many.

older_than: 0 to 1000 years. batch: 1 to 100000, how many at most; call it again until it returns 0, each time in a transaction of its own. Those that somebody is just writing to are left out. It reads the whole table.
HTTP 200. Errors: account_in_use 409 (tables of your own refer to a conversation), validation_failed 422.';
