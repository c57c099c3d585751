-- Sessions: a token is good while its session and its account are.
--
-- Catches: a token that outlives logout, deactivation or deletion by even one
-- statement, because of something remembered or of a transaction's old snapshot.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Who the caller is: a name, nobody, or the error.
CREATE FUNCTION pg_temp.caller() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce((SELECT username FROM agent_users WHERE id = agent_uid()), 'nobody');
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s %s', SQLSTATE, SQLERRM);
END
$$;

SET ROLE agent_anon;
SELECT id AS sam_id
FROM agent_register('sam.sessions@example.org', 'sessions sam', 'secret') \gset
SELECT access_token AS one FROM agent_login('sam.sessions@example.org', 'secret') \gset
SELECT access_token AS two FROM agent_login('sam.sessions@example.org', 'secret') \gset
RESET ROLE;
SELECT min(id::text) AS session_one, max(id::text) AS session_two
FROM agent.sessions WHERE user_id = :'sam_id' \gset

-- One row per login, for as long as nobody refreshes it; outside HTTP there is no user agent.
SELECT count(*), count(ended_at) AS ended, count(user_agent) AS agents,
    bool_and(expires_at - created_at = current_setting('agent.session_ttl')::interval) AS ttl
FROM agent.sessions WHERE user_id = :'sam_id';

-- The end of a session ends its token at the very next statement, and no other one's.
SET agent.token = :'one';
SET ROLE agent_user;
SELECT pg_temp.caller();
RESET ROLE;
UPDATE agent.sessions SET ended_at = now() WHERE id = :'session_one';
SET ROLE agent_user;
SELECT pg_temp.caller();
SELECT agent_uid();
SET agent.token = :'two';
SELECT pg_temp.caller();
RESET ROLE;

-- Taken back, it is good again: nothing but the row decides.
UPDATE agent.sessions SET ended_at = NULL WHERE id = :'session_one';
SET agent.token = :'one';
SET ROLE agent_user;
SELECT pg_temp.caller();
RESET ROLE;

-- An account that was deactivated, and activated again.
UPDATE agent.users SET is_active = false WHERE id = :'sam_id';
SET ROLE agent_user;
SELECT pg_temp.caller();
RESET ROLE;
UPDATE agent.users SET is_active = true WHERE id = :'sam_id';
SET ROLE agent_user;
SELECT pg_temp.caller();
RESET ROLE;

-- The same inside one transaction, where a kept snapshot must not keep an identity,
-- and with savepoints, where what was rolled back must not count.
CREATE PROCEDURE pg_temp.as_person(what text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE agent_user;
    RAISE NOTICE '%: %', what, pg_temp.caller();
    RESET ROLE;
END
$$;

BEGIN ISOLATION LEVEL READ COMMITTED;
CALL pg_temp.as_person('before');
SAVEPOINT logout;
UPDATE agent.sessions SET ended_at = now() WHERE id = :'session_one';
CALL pg_temp.as_person('session ended');
ROLLBACK TO logout;
CALL pg_temp.as_person('rolled back');
DELETE FROM agent.sessions WHERE id = :'session_one';
CALL pg_temp.as_person('session deleted');
ROLLBACK TO logout;
UPDATE agent.users SET is_active = false WHERE id = :'sam_id';
CALL pg_temp.as_person('deactivated');
ROLLBACK TO logout;
DELETE FROM agent.users WHERE id = :'sam_id';
CALL pg_temp.as_person('user deleted');
ROLLBACK TO logout;
CALL pg_temp.as_person('rolled back');
ROLLBACK;

-- Preloaded, the library has the use of a session noted by another process: that is awaited, for it would be a
-- concurrent change here.
DO $$
BEGIN
    FOR n IN 1 .. 1000 LOOP
        EXIT WHEN (SELECT pending FROM agent.shared_state()) = 0;
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL pg_temp.as_person('before');
SAVEPOINT logout;
UPDATE agent.sessions SET ended_at = now() WHERE id = :'session_one';
CALL pg_temp.as_person('session ended');
ROLLBACK TO logout;
CALL pg_temp.as_person('rolled back');
DELETE FROM agent.sessions WHERE id = :'session_one';
CALL pg_temp.as_person('session deleted');
ROLLBACK TO logout;
UPDATE agent.users SET is_active = false WHERE id = :'sam_id';
CALL pg_temp.as_person('deactivated');
ROLLBACK TO logout;
DELETE FROM agent.users WHERE id = :'sam_id';
CALL pg_temp.as_person('user deleted');
ROLLBACK TO logout;
CALL pg_temp.as_person('rolled back');
ROLLBACK;

-- The other way round: a session that was only ever alive in what was rolled back.
UPDATE agent.sessions SET ended_at = now() WHERE id = :'session_one';
BEGIN;
SAVEPOINT revival;
UPDATE agent.sessions SET ended_at = NULL WHERE id = :'session_one';
CALL pg_temp.as_person('revived');
ROLLBACK TO revival;
CALL pg_temp.as_person('revival rolled back');
ROLLBACK;
UPDATE agent.sessions SET ended_at = NULL WHERE id = :'session_one';

-- What an exception took back within a statement, and what a savepoint that was released
-- left standing.
DO $$
BEGIN
    UPDATE agent.sessions SET ended_at = now()
    FROM agent.users AS u WHERE u.id = user_id AND username = 'sessions sam';
    CALL pg_temp.as_person('ended');
    RAISE SQLSTATE 'ZZ999';
EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
    CALL pg_temp.as_person('end taken back');
END
$$;
BEGIN;
SAVEPOINT logout;
CALL pg_temp.as_person('before');
UPDATE agent.sessions SET ended_at = now() WHERE id = :'session_one';
RELEASE logout;
CALL pg_temp.as_person('released');
ROLLBACK;
CALL pg_temp.as_person('rolled back');

-- A table that was emptied or rewritten has other pages: what was read from the former
-- ones does not count any more, in this transaction already.
BEGIN;
CALL pg_temp.as_person('before');
SAVEPOINT rewriting;
TRUNCATE agent.sessions;
CALL pg_temp.as_person('sessions truncated');
ROLLBACK TO rewriting;
TRUNCATE agent.signing_keys;
CALL pg_temp.as_person('keys truncated');
ROLLBACK TO rewriting;
CLUSTER agent.sessions USING sessions_pkey;
CALL pg_temp.as_person('rewritten');
UPDATE agent.sessions SET ended_at = now() WHERE id = :'session_one';
CALL pg_temp.as_person('rewritten and ended');
ROLLBACK;
CALL pg_temp.as_person('rolled back');
VACUUM FULL agent.sessions;
UPDATE agent.sessions SET ended_at = now() WHERE id = :'session_one';
CALL pg_temp.as_person('vacuumed and ended');
UPDATE agent.sessions SET ended_at = NULL WHERE id = :'session_one';

-- A session that is made to expire earlier expires then, although its token was
-- found good before and no row has changed since.
UPDATE agent.sessions SET expires_at = clock_timestamp() + interval '1 second'
WHERE id = :'session_one';
CALL pg_temp.as_person('still alive');
SELECT pg_sleep(1.1);
CALL pg_temp.as_person('expired');

-- The account's next login removes its expired sessions, not the others, and not
-- other people's.
SET ROLE agent_anon;
SELECT id AS tom_id
FROM agent_register('tom.sessions@example.org', 'sessions tom', 'secret') \gset
SELECT access_token IS NOT NULL AS logged_in
FROM agent_login('tom.sessions@example.org', 'secret');
RESET ROLE;
UPDATE agent.sessions SET expires_at = clock_timestamp() - interval '1 second'
WHERE user_id = :'tom_id';
SET ROLE agent_anon;
-- The caller's own bad token, which is still set, does not keep them from logging in.
SELECT access_token AS three FROM agent_login('sam.sessions@example.org', 'secret') \gset
RESET ROLE;
SELECT username, count(*), bool_or(s.id = :'session_one') AS one,
    bool_or(s.id = :'session_two') AS two
FROM agent.sessions AS s JOIN agent.users AS u ON u.id = s.user_id
WHERE username LIKE 'sessions %' GROUP BY username ORDER BY username;

-- A deleted session is no session.
SET agent.token = :'two';
DELETE FROM agent.sessions WHERE id = :'session_two';
CALL pg_temp.as_person('deleted');
SET agent.token = :'three';
CALL pg_temp.as_person('another');

-- A token of one person's with the session of another's is nobody's: the key of a
-- session has both.
UPDATE agent.sessions SET user_id = :'tom_id' WHERE user_id = :'sam_id';
CALL pg_temp.as_person('session of another');
RESET agent.token;

-- The User-Agent header is kept, 256 characters of it at most, of whatever width.
CREATE FUNCTION pg_temp.kept(headers jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', headers::text, true);
    PERFORM agent_login('tom.sessions@example.org', 'secret');
    RETURN (SELECT s.user_agent FROM agent.sessions AS s JOIN agent.users AS u ON u.id = s.user_id
        WHERE u.username = 'sessions tom' ORDER BY s.id DESC LIMIT 1);
END
$$;
SELECT pg_temp.kept('{"user-agent": "curl/8.0 \"quoted\""}');
SELECT pg_temp.kept('{"accept": "*/*"}') IS NULL AS none,
    pg_temp.kept('{"user-agent": 5}') IS NULL AS no_text;
SELECT n, pg_temp.kept(jsonb_build_object('user-agent', repeat(char, n))) = repeat(char, 256) AS kept
FROM (VALUES ('a', 256), ('😀', 256), ('密', 100000)) AS v (char, n) ORDER BY n, char COLLATE "C";

-- With its account, every session goes.
DELETE FROM agent.users WHERE username LIKE 'sessions %';
SELECT count(*) FROM agent.sessions WHERE user_id IN (:'sam_id', :'tom_id');

RESET ROLE;
