-- One's own data: all that is kept of the caller, to take away.

-- Plain SQL, which the planner can inline: a cursor gets one row after the other.
CREATE FUNCTION @extschema@.agent_export_rows()
RETURNS TABLE (kind text, record json)
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE SECURITY INVOKER
BEGIN ATOMIC
    SELECT 'account', pg_catalog.row_to_json(r)
    FROM (
        SELECT u.id, u.email, u.username, u.is_active, u.created_at
        FROM agent.users AS u
        WHERE agent.require_caller() AND u.id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
    ) AS r
    UNION ALL
    SELECT 'session', pg_catalog.row_to_json(r)
    FROM (
        SELECT s.id, s.created_at, s.refreshed_at, s.last_used_at, s.expires_at, s.ended_at, s.address, s.user_agent
        FROM agent.sessions AS s
        WHERE agent.require_caller() AND s.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY s.created_at, s.id
    ) AS r
    UNION ALL
    SELECT 'conversation', pg_catalog.row_to_json(r)
    FROM (
        SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
            c.is_pinned, c.tags, c.metadata, c.forked_from
        FROM agent.conversations AS c
        WHERE agent.require_caller() AND c.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY c.created_at, c.id
    ) AS r
    UNION ALL
    SELECT 'message', pg_catalog.row_to_json(r)
    FROM (
        SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata, m.edited_at
        FROM agent.messages AS m
        WHERE agent.require_caller() AND m.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY m.conversation_id, m.seq
    ) AS r
    UNION ALL
    SELECT 'event', pg_catalog.row_to_json(r)
    FROM (
        SELECT a.id, a.created_at, a.event, a.session_id, a.address, a.user_agent, a.detail
        FROM agent.audit AS a
        WHERE agent.require_caller() AND a.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
        ORDER BY a.id
    ) AS r;
END;

COMMENT ON FUNCTION @extschema@.agent_export_rows() IS
'All that is kept of the caller, a row for each thing, for accounts of any size: read it through a cursor.

kind: account, session, conversation, message or event; in this order, sessions, conversations and events oldest first, messages by conversation and seq. record: a JSON object with the keys that agent_export tells of.
HTTP 200. Errors: not_authenticated 401.';

-- Times are told in UTC, whoever asks.
CREATE FUNCTION @extschema@.agent_export()
RETURNS json
LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED SECURITY INVOKER
SET timezone = 'UTC'
BEGIN ATOMIC
    SELECT pg_catalog.json_build_object(
        'format', 'agent-export',
        'version', 1,
        'exported_at', pg_catalog.now(),
        'account', (
            SELECT pg_catalog.row_to_json(r)
            FROM (
                SELECT u.id, u.email, u.username, u.is_active, u.created_at
                FROM agent.users AS u
                WHERE u.id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
            ) AS r),
        'sessions', (
            SELECT coalesce(pg_catalog.json_agg(r), '[]')
            FROM (
                SELECT s.id, s.created_at, s.refreshed_at, s.last_used_at, s.expires_at, s.ended_at, s.address,
                    s.user_agent
                FROM agent.sessions AS s
                WHERE s.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                ORDER BY s.created_at, s.id
            ) AS r),
        'conversations', (
            SELECT coalesce(pg_catalog.json_agg(r), '[]')
            FROM (
                SELECT c.id, c.title, c.is_archived, c.created_at, c.updated_at, c.message_count,
                    c.is_pinned, c.tags, c.metadata, c.forked_from, (
                        SELECT coalesce(pg_catalog.json_agg(n), '[]')
                        FROM (
                            SELECT m.id, m.conversation_id, m.seq, m.role, m.content, m.created_at, m.metadata,
                                m.edited_at
                            FROM agent.messages AS m
                            WHERE m.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                              AND m.conversation_id OPERATOR(pg_catalog.=) c.id
                            ORDER BY m.seq
                        ) AS n) AS messages
                FROM agent.conversations AS c
                WHERE c.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                ORDER BY c.created_at, c.id
            ) AS r),
        'events', (
            SELECT coalesce(pg_catalog.json_agg(r), '[]')
            FROM (
                SELECT a.id, a.created_at, a.event, a.session_id, a.address, a.user_agent, a.detail
                FROM agent.audit AS a
                WHERE a.user_id OPERATOR(pg_catalog.=) @extschema@.agent_uid()
                ORDER BY a.id
            ) AS r))
    WHERE agent.require_caller();
END;

COMMENT ON FUNCTION @extschema@.agent_export() IS
'All that is kept of the caller, as one document, but for the password''s hash and the secrets of sessions.

format: agent-export. version: 1; another one when a key goes or changes its meaning, not when one is added. exported_at: when. All times are in UTC.
account: id, email, username, is_active, created_at.
sessions, oldest first: id, created_at, refreshed_at, last_used_at, expires_at, ended_at (NULL while it lives), address, user_agent (both NULL where they are unknown).
conversations, oldest first: id, title, is_archived, created_at, updated_at, message_count, is_pinned, tags, metadata, forked_from, and messages, by seq: id, conversation_id, seq, role, content, created_at, metadata, edited_at.
events, oldest first, of the audit: id, created_at, event, session_id, address, user_agent, detail.
It is made in memory and ends at 1 GB: use agent_export_rows for what may be large.
HTTP 200. Errors: not_authenticated 401.';
