-- data.sql's rows into the peer's tables; hashes as chat/security.py makes them. :password, :quick and :cost are set outside.

CREATE EXTENSION pgcrypto;

CREATE FUNCTION pg_temp.hash(password text, cost integer) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT crypt(encode(digest(password, 'sha256'), 'base64'), gen_salt('bf', cost))
$$;

INSERT INTO users (id, email, username, password_hash)
SELECT a.id, a.email, a.username, CASE WHEN a.only_logs_in THEN h.costly ELSE h.quick END
FROM new_accounts AS a, (SELECT pg_temp.hash(:'password', :quick) AS quick, pg_temp.hash(:'password', :cost) AS costly OFFSET 0) AS h;

INSERT INTO conversations (user_id, id, title, created_at, updated_at, message_count, next_seq)
SELECT user_id, id, title, created_at, created_at, message_count, message_count + 1
FROM new_conversations;

INSERT INTO messages (id, conversation_id, seq, role, content, created_at)
SELECT id, conversation_id, seq, role, content, created_at
FROM new_messages;

VACUUM (ANALYZE, FREEZE);
