-- Owners and privileges: every GRANT and REVOKE there is.

-- Owners. What runs as its owner (SECURITY DEFINER) belongs to agent_owner,
-- which is no superuser and bound by the policies.

ALTER SCHEMA agent OWNER TO agent_owner;
ALTER TABLE agent.users         OWNER TO agent_owner;
ALTER TABLE agent.sessions      OWNER TO agent_owner;
ALTER TABLE agent.signing_keys  OWNER TO agent_owner;
ALTER TABLE agent.conversations OWNER TO agent_owner;
ALTER TABLE agent.messages      OWNER TO agent_owner;

ALTER FUNCTION @extschema@.agent_register(text, text, text)                  OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_login(text, text)                           OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_key_rotate()                                OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_create(text, text)             OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_update(uuid, text, boolean)    OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_delete(uuid)                   OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_create(uuid, text, text)            OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_postgrest_config()                          OWNER TO agent_owner;

-- Nothing is for everybody.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA agent FROM PUBLIC;
REVOKE ALL ON FUNCTION
    @extschema@.agent_register(text, text, text),
    @extschema@.agent_login(text, text),
    @extschema@.agent_me(),
    @extschema@.agent_key_rotate(),
    @extschema@.agent_uid(),
    @extschema@.agent_authenticate(text),
    @extschema@.agent_conversation_create(text, text),
    @extschema@.agent_conversation_list(boolean),
    @extschema@.agent_conversation_get(uuid),
    @extschema@.agent_conversation_update(uuid, text, boolean),
    @extschema@.agent_conversation_delete(uuid),
    @extschema@.agent_message_create(uuid, text, text),
    @extschema@.agent_message_list(uuid),
    @extschema@.agent_health(),
    @extschema@.agent_postgrest_config()
FROM PUBLIC;
REVOKE ALL ON TYPE @extschema@.agent_token FROM PUBLIC;

-- The owner writes keys and cannot read their secrets: only the library does,
-- below the level of SQL.

REVOKE ALL ON agent.signing_keys FROM agent_owner;
GRANT INSERT, DELETE ON agent.signing_keys TO agent_owner;
GRANT SELECT (kid, created_at, retires_at), UPDATE (retires_at) ON agent.signing_keys TO agent_owner;

-- Anybody, signed in or not.

GRANT USAGE ON SCHEMA @extschema@ TO agent_anon, agent_user, agent_admin, agent_authenticator;
GRANT USAGE ON TYPE @extschema@.agent_token TO agent_anon, agent_user;
GRANT EXECUTE ON FUNCTION
    @extschema@.agent_register(text, text, text),
    @extschema@.agent_login(text, text),
    @extschema@.agent_authenticate(text),
    @extschema@.agent_uid(),
    @extschema@.agent_health()
TO agent_anon, agent_user;

-- A signed-in person reads through row-level security and writes through functions.
-- Of conversations and messages every column is theirs to see: a list of columns,
-- which is checked name by name at each statement, would cost a read 5 %.

GRANT USAGE ON SCHEMA agent TO agent_user;
GRANT SELECT (id, email, username, is_active, created_at) ON agent.users TO agent_user;
GRANT SELECT ON agent.conversations, agent.messages TO agent_user;
GRANT SELECT ON @extschema@.agent_users, @extschema@.agent_conversations, @extschema@.agent_messages TO agent_user;
GRANT EXECUTE ON FUNCTION
    agent.require_caller(),
    agent.require_conversation(uuid),
    @extschema@.agent_me(),
    @extschema@.agent_conversation_create(text, text),
    @extschema@.agent_conversation_list(boolean),
    @extschema@.agent_conversation_get(uuid),
    @extschema@.agent_conversation_update(uuid, text, boolean),
    @extschema@.agent_conversation_delete(uuid),
    @extschema@.agent_message_create(uuid, text, text),
    @extschema@.agent_message_list(uuid)
TO agent_user;

-- The policies are evaluated as the owner inside its functions.

GRANT EXECUTE ON FUNCTION @extschema@.agent_uid() TO agent_owner;

-- Those who run the service.

GRANT EXECUTE ON FUNCTION @extschema@.agent_key_rotate(), @extschema@.agent_health() TO agent_admin;
GRANT EXECUTE ON FUNCTION @extschema@.agent_postgrest_config() TO agent_authenticator;
