-- Sessions: one per login. A token is good while its session is.

CREATE TABLE agent.sessions (
    user_id    uuid NOT NULL REFERENCES agent.users (id) ON DELETE CASCADE,
    id         uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    user_agent text CHECK (char_length(user_agent) <= 256),
    refreshed_at     timestamptz NOT NULL,
    refresh_hash     bytea NOT NULL CHECK (octet_length(refresh_hash) = 32),
    refresh_previous bytea CHECK (octet_length(refresh_previous) = 32),
    refresh_kid      uuid,
    refresh_key      bytea NOT NULL CHECK (octet_length(refresh_key) = 32),
    refresh_generation integer NOT NULL DEFAULT 0,
    last_used_at     timestamptz NOT NULL,
    address          inet,
    PRIMARY KEY (user_id, id)
) USING heap;

COMMENT ON TABLE agent.sessions IS 'One row per login. Rows that expired go at the account''s next login.';
COMMENT ON COLUMN agent.sessions.user_id IS 'Whose session.';
COMMENT ON COLUMN agent.sessions.id IS 'UUID version 7; the claim sid of the session''s tokens.';
COMMENT ON COLUMN agent.sessions.created_at IS 'Time of the login.';
COMMENT ON COLUMN agent.sessions.expires_at IS 'When it expires unless it is refreshed before.';
COMMENT ON COLUMN agent.sessions.ended_at IS 'When it was ended before its time; NULL while it lives.';
COMMENT ON COLUMN agent.sessions.user_agent IS 'The User-Agent header of the login, 256 characters at most; NULL outside HTTP.';

COMMENT ON COLUMN agent.sessions.refreshed_at IS 'Time of the login, or of the last refresh.';
COMMENT ON COLUMN agent.sessions.refresh_hash IS 'SHA-256 of the secret in the refresh token that is good now.';
COMMENT ON COLUMN agent.sessions.refresh_previous IS 'The same of the one before, which gives the current one again for agent.refresh_grace.';
COMMENT ON COLUMN agent.sessions.refresh_kid IS 'The signing key that made the current secret out of the one before.';
COMMENT ON COLUMN agent.sessions.refresh_key IS 'Tags refresh tokens of the session: tells an old one from one made up. No token that works can be made with it alone.';
COMMENT ON COLUMN agent.sessions.refresh_generation IS 'How many times the session was refreshed.';
COMMENT ON COLUMN agent.sessions.last_used_at IS 'Time of the login, of the last refresh, or, where the library is preloaded, of the last use, to the minute.';
COMMENT ON COLUMN agent.sessions.address IS 'Where the login came from, by agent.trusted_address_header; NULL when that is unknown.';

SELECT pg_extension_config_dump('agent.sessions', '');

CREATE FUNCTION agent.session_id()
RETURNS uuid
LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
AS 'MODULE_PATHNAME', 'agent_session_id';

COMMENT ON FUNCTION agent.session_id() IS
'Id of the session that the caller''s token belongs to; NULL without a token; an error with a bad one.';

CREATE VIEW @extschema@.agent_sessions WITH (security_invoker = true) AS
SELECT s.id, s.created_at, s.last_used_at, s.expires_at, s.user_agent, pg_catalog.host(s.address) AS address,
    s.id OPERATOR(pg_catalog.=) agent.session_id() AS is_current
FROM agent.sessions AS s
WHERE s.ended_at IS NULL AND s.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp();

COMMENT ON VIEW @extschema@.agent_sessions IS 'The caller''s sessions that live.';
COMMENT ON COLUMN @extschema@.agent_sessions.id IS 'Id of the session.';
COMMENT ON COLUMN @extschema@.agent_sessions.created_at IS 'Time of the login.';
COMMENT ON COLUMN @extschema@.agent_sessions.last_used_at IS 'Time of the login, of the last refresh, or, where the library is preloaded, of the last use, to the minute.';
COMMENT ON COLUMN @extschema@.agent_sessions.expires_at IS 'When it expires unless it is refreshed before.';
COMMENT ON COLUMN @extschema@.agent_sessions.user_agent IS 'The User-Agent header of the login.';
COMMENT ON COLUMN @extschema@.agent_sessions.address IS 'Where the login came from; NULL when that is unknown.';
COMMENT ON COLUMN @extschema@.agent_sessions.is_current IS 'Whether it is the one that asks.';

CREATE FUNCTION @extschema@.agent_refresh(refresh_token text)
RETURNS @extschema@.agent_token
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_refresh';

COMMENT ON FUNCTION @extschema@.agent_refresh(text) IS
'Gives a new pair of tokens for a refresh token, which is used up by it.

Used again within agent.refresh_grace it gives the same refresh token again. An older one ends the session, at once and whatever becomes of the transaction: somebody else may have it.
HTTP 200. Errors: invalid_refresh_token 401, user_inactive 403, validation_failed 422.';

CREATE FUNCTION @extschema@.agent_logout(scope text DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'agent_logout';

COMMENT ON FUNCTION @extschema@.agent_logout(text) IS
'Ends sessions of the caller; their access tokens are refused from the next statement on.

scope: local or NULL, this session; others, all but this one; global, all.
HTTP 204. Errors: not_authenticated 401, validation_failed 422.';
