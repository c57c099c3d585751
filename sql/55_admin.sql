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
    WHERE agent_user_list.search IS NULL
       OR pg_catalog.strpos(pg_catalog.lower(u.email), pg_catalog.lower(agent_user_list.search)) OPERATOR(pg_catalog.>) 0
       OR pg_catalog.strpos(pg_catalog.lower(u.username), pg_catalog.lower(agent_user_list.search)) OPERATOR(pg_catalog.>) 0
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
