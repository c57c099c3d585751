-- Row-level security: every policy there is.
--
-- FORCE makes the policies hold for the owner too, so they hold inside the
-- SECURITY DEFINER functions: identity comes from the token, not from the role.

ALTER TABLE agent.users         ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.sessions      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.signing_keys  ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.conversations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.messages      ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.audit         ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- One's own rows.

CREATE POLICY users_own ON agent.users FOR SELECT TO agent_user
    USING (id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY users_own ON agent.users IS 'A signed-in person sees their own account.';

CREATE POLICY sessions_own ON agent.sessions FOR SELECT TO agent_user
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY sessions_own ON agent.sessions IS 'A signed-in person sees their own sessions.';

CREATE POLICY conversations_own ON agent.conversations TO agent_user, agent_owner
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid())
    WITH CHECK (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY conversations_own ON agent.conversations IS 'One''s own conversations, in every path.';

CREATE POLICY messages_own ON agent.messages TO agent_user, agent_owner
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid())
    WITH CHECK (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY messages_own ON agent.messages IS 'One''s own messages, in every path.';

-- What happens before there is an identity: register and login look accounts
-- up, login starts a session, key rotation works without one.

CREATE POLICY users_owner ON agent.users TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY users_owner ON agent.users IS 'register and login have no identity yet.';

CREATE POLICY sessions_owner ON agent.sessions TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY sessions_owner ON agent.sessions IS 'login has no identity yet.';

CREATE POLICY idempotency_keys_owner ON agent.idempotency_keys TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY idempotency_keys_owner ON agent.idempotency_keys IS 'register has no identity yet, and whoever comes next deletes what has expired.';

CREATE POLICY signing_keys_owner ON agent.signing_keys TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY signing_keys_owner ON agent.signing_keys IS 'Rotation adds and deletes keys; the secrets are kept back by column privileges.';

-- The audit is about everybody.

CREATE POLICY audit_owner ON agent.audit TO agent_owner
    USING (true) WITH CHECK (true);
COMMENT ON POLICY audit_owner ON agent.audit IS 'Events are written before there is an identity, and by workers.';

CREATE POLICY audit_admin ON agent.audit FOR SELECT TO agent_admin
    USING (true);
COMMENT ON POLICY audit_admin ON agent.audit IS 'Those who run the service read all of it, and change nothing.';

CREATE POLICY audit_own ON agent.audit FOR SELECT TO agent_user
    USING (user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid());
COMMENT ON POLICY audit_own ON agent.audit IS 'A signed-in person sees the events of their own account.';

-- What is too old goes, whosever it is. Not for agent_owner, whom the policy above binds to
-- the caller: a second one would let everything it does reach everybody's rows.

CREATE POLICY conversations_purge ON agent.conversations TO agent_admin
    USING (agent.is_purged(updated_at)) WITH CHECK (false);
COMMENT ON POLICY conversations_purge ON agent.conversations IS 'While agent_purge runs, and never else; nothing can be changed, or given to anybody.';
