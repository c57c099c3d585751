-- data.sql's rows into the extension's tables. :password, :quick and :cost are set outside.

SET agent.password_hash_cost = :quick;
SELECT FROM api.agent_register('quick@bench.example', 'quick', :'password');
SET agent.password_hash_cost = :cost;
SELECT FROM api.agent_register('costly@bench.example', 'costly', :'password');

INSERT INTO agent.users (id, email, email_key, username, password_hash, created_at)
SELECT a.id, a.email, a.email, a.username, u.password_hash, u.created_at
FROM new_accounts AS a
JOIN agent.users AS u ON u.username = CASE WHEN a.only_logs_in THEN 'costly' ELSE 'quick' END;

-- Foreign keys are checked as the tables' owner, to whom row security applies. They hold by construction.
SET session_replication_role = replica;

INSERT INTO agent.conversations (user_id, id, title, created_at, updated_at, message_count, next_seq)
SELECT user_id, id, title, created_at, created_at, message_count, message_count + 1
FROM new_conversations;

INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
SELECT user_id, id, conversation_id, seq, role, content, created_at
FROM new_messages;

RESET session_replication_role;
VACUUM (ANALYZE, FREEZE);
