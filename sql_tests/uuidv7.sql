-- Ids: time-ordered UUIDs, as every table of the API gets them.
--
-- Catches: ids that are not of version 7, that repeat or run backwards, whose time is
-- wrong, or whose random part is not random.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- The parts of an id: 48 bits of milliseconds, 4 of version, 12 of the fraction of a
-- millisecond, 2 of variant, 62 random ones.
CREATE FUNCTION pg_temp.bits(id uuid, first int, length int) RETURNS bigint LANGUAGE sql AS $$
    SELECT lpad(substr(bits, first + 1, length), 64, '0')::bit(64)::bigint
    FROM CAST(('x' || replace(id::text, '-', ''))::bit(128) AS text) AS bits
$$;

-- The one that statements call: ids of version 7, each greater than the one before.
SELECT count(DISTINCT id) AS ids, bool_and(before IS NULL OR before < id) AS growing,
    bool_and(pg_temp.bits(id, 48, 4) = 7) AS version_7
FROM (SELECT id, lag(id) OVER () AS before
    FROM (SELECT agent.uuidv7() AS id FROM generate_series(1, 1000) OFFSET 0) AS i) AS l;

SET ROLE agent_anon;
SELECT id AS vera_id FROM agent_register('vera.uuidv7@example.org', 'uuidv7 vera', 'secret') \gset
SELECT access_token AS vera FROM agent_login('vera.uuidv7@example.org', 'secret') \gset
SET ROLE agent_user;
SET agent.token = :'vera';

-- Thousands in a row, in the order they were made.
SELECT clock_timestamp() AS began \gset
CREATE TEMP TABLE ids AS
SELECT n, (agent_conversation_create('Talk')).id, clock_timestamp() AS made
FROM generate_series(1, 5000) AS n;
SELECT count(*), count(DISTINCT id) AS distinct,
    bool_and(pg_temp.bits(id, 48, 4) = 7) AS version_7,
    bool_and(pg_temp.bits(id, 64, 2) = 2) AS variant
FROM ids;
SELECT count(*) AS not_greater
FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM ids) AS i WHERE id <= before;

-- The time in an id is the time it was made.
SELECT count(*) AS out_of_time FROM ids
WHERE to_timestamp(pg_temp.bits(id, 0, 48) / 1000.0)
    NOT BETWEEN :'began'::timestamptz - interval '1 second' AND made + interval '1 second';
-- With its fraction it is so fine that few ids need to be told apart by counting on.
SELECT count(DISTINCT pg_temp.bits(id, 52, 12)) > 1000 AS fraction FROM ids;

-- Each random bit is set in about half of them: 5000 throws of a coin give less than 2200
-- or more than 2800 heads once in 10^16 tries.
SELECT count(*) AS bits, count(*) FILTER (WHERE set_in NOT BETWEEN 2200 AND 2800) AS unfair
FROM (SELECT bit, sum(get_bit(bits, bit)) AS set_in
    FROM (SELECT ('x' || replace(id::text, '-', ''))::bit(128) AS bits FROM ids OFFSET 0) AS i,
        generate_series(66, 127) AS bit
    GROUP BY bit) AS b;

-- The same is true of accounts, sessions, messages and keys.
SELECT m.id AS message
FROM ids, LATERAL agent_message_create(ids.id, 'user', 'Hello') AS m WHERE n = 1 \gset
RESET ROLE;
SELECT DISTINCT what, pg_temp.bits(id, 48, 4) AS version, pg_temp.bits(id, 64, 2) AS variant,
    abs(extract(epoch FROM created_at) * 1000 - pg_temp.bits(id, 0, 48)) < 1000 AS same_time
FROM (SELECT 'account' AS what, id, created_at FROM agent.users WHERE id = :'vera_id'
    UNION ALL SELECT 'session', id, created_at FROM agent.sessions WHERE user_id = :'vera_id'
    UNION ALL SELECT 'message', id, created_at FROM agent.messages WHERE id = :'message'
    UNION ALL SELECT 'key', kid, created_at FROM agent.signing_keys) AS u
ORDER BY what;

RESET agent.token;
DELETE FROM agent.users WHERE id = :'vera_id';
