-- Sessions: one per login. A token is good while its session is.

CREATE TABLE agent.sessions (
    user_id    uuid NOT NULL REFERENCES agent.users (id) ON DELETE CASCADE,
    id         uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    user_agent text CHECK (char_length(user_agent) <= 256),
    PRIMARY KEY (user_id, id)
) USING heap;

COMMENT ON TABLE agent.sessions IS 'One row per login. Rows that expired go at the account''s next login.';
COMMENT ON COLUMN agent.sessions.user_id IS 'Whose session.';
COMMENT ON COLUMN agent.sessions.id IS 'UUID version 7; the claim sid of the session''s tokens.';
COMMENT ON COLUMN agent.sessions.created_at IS 'Time of the login.';
COMMENT ON COLUMN agent.sessions.expires_at IS 'When the session''s last token expires.';
COMMENT ON COLUMN agent.sessions.ended_at IS 'When it was ended before its time; NULL while it lives.';
COMMENT ON COLUMN agent.sessions.user_agent IS 'The User-Agent header of the login, 256 characters at most; NULL outside HTTP.';

SELECT pg_extension_config_dump('agent.sessions', '');
