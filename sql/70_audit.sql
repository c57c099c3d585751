-- Audit: who did what. Written by the library, read by those who run the service, and by
-- each person as far as it is about them.

-- user_id refers to nothing: whoever deletes their account takes their rows along, and
-- one stays that says when.
CREATE TABLE agent.audit (
    id         uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    event      text NOT NULL,
    user_id    uuid,
    session_id uuid,
    address    inet,
    user_agent text CHECK (char_length(user_agent) <= 256),
    detail     text CHECK (char_length(detail) <= 64)
) USING heap;

CREATE INDEX audit_user_id_id_idx ON agent.audit (user_id, id);

COMMENT ON TABLE agent.audit IS 'One row per event. Rows go when they are older than agent.audit_retention, or more than agent.audit_max_rows.';
COMMENT ON INDEX agent.audit_user_id_id_idx IS 'What an account did, in order.';
COMMENT ON COLUMN agent.audit.id IS 'UUID version 7: ordered by time.';
COMMENT ON COLUMN agent.audit.created_at IS 'When it happened.';
COMMENT ON COLUMN agent.audit.event IS 'register, login, login_failed, refresh, refresh_reuse, logout, password_change, password_failed, delete, import, activate, deactivate, session_end, purge, key_rotate, rate_limit or busy.';
COMMENT ON COLUMN agent.audit.user_id IS 'Whose account; of one that was deleted only the event delete is left, with neither address nor user_agent. NULL where none is known.';
COMMENT ON COLUMN agent.audit.session_id IS 'Which session, where it is about one.';
COMMENT ON COLUMN agent.audit.address IS 'Where the request came from, by agent.trusted_address_header; NULL when that is unknown.';
COMMENT ON COLUMN agent.audit.user_agent IS 'The User-Agent header, 127 bytes at most; NULL outside HTTP.';
COMMENT ON COLUMN agent.audit.detail IS 'Why a login failed, the scope of a logout, which limit was reached, how many conversations were purged, or the role an administrator had logged in as. Never a password, a token, a hash or an e-mail address.';

SELECT pg_extension_config_dump('agent.audit', '');

CREATE VIEW @extschema@.agent_audit WITH (security_invoker = true) AS
SELECT a.id, a.created_at, a.event, a.user_id, a.session_id, a.address, a.user_agent, a.detail
FROM agent.audit AS a;

COMMENT ON VIEW @extschema@.agent_audit IS
'Logins, refreshes, changes of accounts and keys, and what was refused. For agent_admin all of it, for a signed-in person what is about them.

What was refused is there after a moment, and only where the library is preloaded (shared_preload_libraries).';
COMMENT ON COLUMN @extschema@.agent_audit.id IS 'Ordered by time.';
COMMENT ON COLUMN @extschema@.agent_audit.created_at IS 'When it happened.';
COMMENT ON COLUMN @extschema@.agent_audit.event IS 'register, login, login_failed, refresh, refresh_reuse, logout, password_change, password_failed, delete, import, activate, deactivate, session_end, purge, key_rotate, rate_limit or busy.';
COMMENT ON COLUMN @extschema@.agent_audit.user_id IS 'Whose account; of one that was deleted only the event delete is left. NULL where none is known.';
COMMENT ON COLUMN @extschema@.agent_audit.session_id IS 'Which session, where it is about one.';
COMMENT ON COLUMN @extschema@.agent_audit.address IS 'Where the request came from; NULL when that is unknown.';
COMMENT ON COLUMN @extschema@.agent_audit.user_agent IS 'The User-Agent header; NULL outside HTTP.';
COMMENT ON COLUMN @extschema@.agent_audit.detail IS 'Why a login failed, the scope of a logout, which limit was reached, how many conversations were purged, or the role an administrator had logged in as.';
