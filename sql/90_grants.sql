-- Owners and privileges: every GRANT and REVOKE there is.

-- Owners. What runs as its owner (SECURITY DEFINER) belongs to agent_owner,
-- which is no superuser and bound by the policies.

ALTER SCHEMA agent OWNER TO agent_owner;
ALTER TABLE agent.users         OWNER TO agent_owner;
ALTER TABLE agent.sessions      OWNER TO agent_owner;
ALTER TABLE agent.signing_keys  OWNER TO agent_owner;
ALTER TABLE agent.conversations OWNER TO agent_owner;
ALTER TABLE agent.messages      OWNER TO agent_owner;
ALTER TABLE agent.audit         OWNER TO agent_owner;
ALTER TABLE agent.idempotency_keys OWNER TO agent_owner;

ALTER FUNCTION @extschema@.agent_register(text, text, text, text)               OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_login(text, text)                           OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_password_change(text, text)                 OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_account_delete(text)                        OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_refresh(text)                               OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_logout(text)                                OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_user_import(text, text, text, boolean, timestamptz) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_user_set_active(uuid, boolean)              OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_user_list(text)                             OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_session_end(uuid)                           OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_key_rotate()                                OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_doctor()                                    OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_create(text, text, text[], jsonb, text) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_update(uuid, text, boolean, boolean, text[], jsonb) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_delete(uuid)                   OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_fork(uuid, uuid, text)         OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_create(uuid, text, text, jsonb, text)     OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_update(uuid, text, jsonb)           OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_delete(uuid)                        OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_conversation_page(text, integer, boolean, boolean, text, jsonb) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_message_page(uuid, text, integer, text)     OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_search(text, text, integer, uuid, text, timestamptz, timestamptz, boolean, boolean, text, jsonb, text, text) OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_postgrest_config()                          OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_http(text, text, text, jsonb, bytea)        OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_postgrest_http()                            OWNER TO agent_owner;
ALTER FUNCTION @extschema@.agent_postgrest_http(bytea)                       OWNER TO agent_owner;

ALTER FUNCTION @extschema@.agent_purge(interval, integer)                    OWNER TO agent_owner;

-- This alone runs as agent_admin.
ALTER FUNCTION agent.purge(timestamptz, integer) OWNER TO agent_admin;

-- Nothing is for everybody, nor for those whom ALTER DEFAULT PRIVILEGES of the
-- database or the schema would have let in: only what follows is granted. What was there
-- before an update stays as it is: a DBA may have granted it to others since.

DO LANGUAGE plpgsql $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT o.kind, o.name, a.grantee
        FROM pg_catalog.pg_depend AS d
        CROSS JOIN LATERAL (
            SELECT 'FUNCTION', p.oid::pg_catalog.regprocedure::text, p.proacl, 'f'::"char", p.proowner
            FROM pg_catalog.pg_proc AS p
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
              AND p.oid OPERATOR(pg_catalog.=) d.objid
            UNION ALL
            SELECT 'TABLE', c.oid::pg_catalog.regclass::text, c.relacl, 'r', c.relowner
            FROM pg_catalog.pg_class AS c
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND c.oid OPERATOR(pg_catalog.=) d.objid
              AND c.relkind IN ('r', 'v')
            UNION ALL
            SELECT 'TYPE', t.oid::pg_catalog.regtype::text, t.typacl, 'T', t.typowner
            FROM pg_catalog.pg_type AS t
            LEFT JOIN pg_catalog.pg_class AS r ON r.oid OPERATOR(pg_catalog.=) t.typrelid
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
              AND t.oid OPERATOR(pg_catalog.=) d.objid
              AND (t.typtype OPERATOR(pg_catalog.=) 'd' OR r.relkind OPERATOR(pg_catalog.=) 'c')
            UNION ALL
            SELECT 'SCHEMA', pg_catalog.quote_ident(n.nspname), n.nspacl, 'n', n.nspowner
            FROM pg_catalog.pg_namespace AS n
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
              AND n.oid OPERATOR(pg_catalog.=) d.objid
        ) AS o (kind, name, acl, class, owner)
        CROSS JOIN LATERAL pg_catalog.aclexplode(
            coalesce(o.acl, pg_catalog.acldefault(o.class, o.owner))) AS a
        WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.refobjid OPERATOR(pg_catalog.=) (
              SELECT e.oid FROM pg_catalog.pg_extension AS e
              WHERE e.extname OPERATOR(pg_catalog.=) 'agent')
          AND d.deptype OPERATOR(pg_catalog.=) 'e'
          AND a.grantee OPERATOR(pg_catalog.<>) o.owner
          AND pg_catalog.format('%s:%s', d.classid, d.objid) OPERATOR(pg_catalog.<>) ALL (
              pg_catalog.string_to_array(pg_catalog.current_setting('agent_update.members'), ','))
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', granted.kind, granted.name,
            CASE WHEN granted.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
                 ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantee)) END);
    END LOOP;
END
$$;

-- The owner writes keys and cannot read their secrets: only the library does,
-- below the level of SQL.

REVOKE ALL ON agent.signing_keys FROM agent_owner;
GRANT INSERT, DELETE ON agent.signing_keys TO agent_owner;
GRANT SELECT (kid, created_at, retires_at), UPDATE (retires_at) ON agent.signing_keys TO agent_owner;

-- Anybody, signed in or not.

GRANT USAGE ON SCHEMA @extschema@ TO agent_anon, agent_user, agent_admin, agent_authenticator, agent_owner;
GRANT USAGE ON TYPE @extschema@.agent_token TO agent_anon, agent_user;
GRANT EXECUTE ON FUNCTION
    @extschema@.agent_register(text, text, text, text),
    @extschema@.agent_login(text, text),
    @extschema@.agent_refresh(text),
    @extschema@.agent_authenticate(text),
    @extschema@.agent_uid(),
    @extschema@.agent_health(),
    @extschema@.agent_postgrest_request()
TO agent_anon, agent_user;

-- The classic paths: whoever calls for a client, with or without becoming anybody.

GRANT USAGE ON TYPE @extschema@.agent_http_response, @extschema@."*/*" TO agent_anon, agent_user, agent_authenticator;
GRANT EXECUTE ON FUNCTION
    @extschema@.agent_http(text, text, text, jsonb, bytea),
    @extschema@.agent_postgrest_http(),
    @extschema@.agent_postgrest_http(bytea)
TO agent_anon, agent_user, agent_authenticator;

-- A signed-in person reads through row-level security and writes through functions.
-- Of conversations and messages every column is theirs to see: a list of columns,
-- which is checked name by name at each statement, would cost a read 5 %.

GRANT USAGE ON SCHEMA agent TO agent_user;
GRANT SELECT (id, email, username, is_active, created_at) ON agent.users TO agent_user;
GRANT SELECT (user_id, id, created_at, expires_at, ended_at, user_agent, address, last_used_at, refreshed_at) ON agent.sessions TO agent_user;
GRANT SELECT (id, created_at, event, user_id, session_id, address, user_agent, detail) ON agent.audit TO agent_user;
GRANT SELECT ON agent.conversations, agent.messages TO agent_user;
GRANT SELECT ON @extschema@.agent_users, @extschema@.agent_conversations, @extschema@.agent_messages, @extschema@.agent_sessions, @extschema@.agent_audit TO agent_user;
GRANT USAGE ON TYPE
    @extschema@.agent_conversations_page, @extschema@.agent_messages_page,
    @extschema@.agent_hit, @extschema@.agent_hits_page
TO agent_user;
GRANT EXECUTE ON FUNCTION
    agent.require_caller(),
    agent.session_id(),
    agent.require_conversation(uuid),
    @extschema@.agent_me(),
    @extschema@.agent_logout(text),
    @extschema@.agent_password_change(text, text),
    @extschema@.agent_account_delete(text),
    @extschema@.agent_conversation_create(text, text, text[], jsonb, text),
    @extschema@.agent_conversation_list(boolean),
    @extschema@.agent_conversation_get(uuid),
    @extschema@.agent_conversation_update(uuid, text, boolean, boolean, text[], jsonb),
    @extschema@.agent_conversation_delete(uuid),
    @extschema@.agent_search(text, text, integer, uuid, text, timestamptz, timestamptz, boolean, boolean, text, jsonb, text, text),
    @extschema@.agent_conversation_fork(uuid, uuid, text),
    @extschema@.agent_message_create(uuid, text, text, jsonb, text),
    @extschema@.agent_message_update(uuid, text, jsonb),
    @extschema@.agent_message_delete(uuid),
    @extschema@.agent_message_list(uuid),
    @extschema@.agent_conversation_page(text, integer, boolean, boolean, text, jsonb),
    @extschema@.agent_message_page(uuid, text, integer, text),
    @extschema@.agent_export(),
    @extschema@.agent_export_rows()
TO agent_user;

-- The policies are evaluated as the owner inside its functions.

GRANT EXECUTE ON FUNCTION @extschema@.agent_uid(), agent.session_id(), agent.require_caller() TO agent_owner;

-- What a search is made of; messages are written with it too. Not for people: what is
-- leakproof is given rows that are not theirs, with arguments that they choose.

GRANT EXECUTE ON FUNCTION
    agent.search_document(text),
    agent.search_matches(tsvector, tsquery),
    agent.search_rank(tsvector, tsquery),
    agent.search_snippet(text, tsquery, text, text)
TO agent_owner;
GRANT EXECUTE ON FUNCTION agent.search_query(text) TO agent_owner, agent_user;

-- What statements of the owner's call.

GRANT EXECUTE ON FUNCTION agent.uuidv7(), agent.purge(timestamptz, integer) TO agent_owner;

-- What the doctor asks the library runs as the owner too.

GRANT USAGE ON TYPE agent.shared_state TO agent_owner;
GRANT EXECUTE ON FUNCTION agent.shared_state(), agent.hash_time() TO agent_owner;

-- Those who run the service.

GRANT USAGE ON SCHEMA agent TO agent_admin;
GRANT SELECT ON agent.audit, @extschema@.agent_audit, @extschema@.agent_metric_samples TO agent_admin;

GRANT EXECUTE ON FUNCTION
    @extschema@.agent_user_import(text, text, text, boolean, timestamptz),
    @extschema@.agent_user_set_active(uuid, boolean),
    @extschema@.agent_user_list(text),
    @extschema@.agent_session_end(uuid),
    @extschema@.agent_key_rotate(),
    @extschema@.agent_purge(interval, integer),
    @extschema@.agent_doctor(),
    @extschema@.agent_metrics(),
    agent.metric_samples(),
    @extschema@.agent_health()
TO agent_admin;

-- What agent_purge deletes, it deletes as agent_admin, whom the policy shows no row else.
-- Nothing can be updated (the policy's check): locking a row asks for that privilege.

REVOKE ALL ON FUNCTION agent.purge(timestamptz, integer) FROM agent_admin;
GRANT EXECUTE ON FUNCTION agent.is_purged(timestamptz) TO agent_admin;
GRANT SELECT (user_id, id, updated_at), UPDATE (id), DELETE ON agent.conversations TO agent_admin;

GRANT EXECUTE ON FUNCTION @extschema@.agent_postgrest_config() TO agent_authenticator;
