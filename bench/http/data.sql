-- What both databases hold before they are measured, as temporary tables that agent.sql and fastapi.sql copy from.
--
-- 50 accounts with 31 conversations each: 30 of 20 messages, and before them one of 60. 16 more accounts only log in.

\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Ids ordered by time, n by n.
CREATE FUNCTION pg_temp.new_id(n bigint) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex(1700000000000 + n / 4096), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
        || '8' || right(md5(n::text || random()::text), 15))::uuid
$$;

CREATE TEMPORARY TABLE new_accounts AS
SELECT pg_temp.new_id(n) AS id, name AS username, name || '@bench.example' AS email, name LIKE 'login%' AS only_logs_in
FROM (SELECT n, CASE WHEN n <= 50 THEN 'user' || n ELSE 'login' || n - 50 END AS name FROM generate_series(1, 66) AS n) AS a;

CREATE TEMPORARY TABLE new_conversations AS
SELECT a.id AS user_id, pg_temp.new_id(10000 + c) AS id, 'About subject ' || c || ': 关于第' || c || '个问题' AS title,
    CASE c WHEN 0 THEN 60 ELSE 20 END AS message_count, timestamptz '2025-01-01 00:00+00' + c * interval '1 hour' AS created_at
FROM new_accounts AS a, generate_series(0, 30) AS c
WHERE NOT a.only_logs_in;

-- About 200 characters, 310 bytes.
CREATE TEMPORARY TABLE new_messages AS
SELECT c.user_id, pg_temp.new_id(20000 + s) AS id, c.id AS conversation_id, s AS seq,
    CASE s % 2 WHEN 1 THEN 'user' ELSE 'assistant' END AS role,
    'Message ' || s || ' of this conversation says something in "two" languages, and then it goes on a little. '
        || '这是对话中的第' || s || '条消息，用两种语言书写，内容不长也不短，正好可以用来测量。'
        || E'\n\nIt asks: what is the next step, and why? 请先说明理由，再给出下一步的做法，谢谢。' AS content,
    c.created_at + s * interval '1 second' AS created_at
FROM new_conversations AS c, generate_series(1, c.message_count) AS s;
