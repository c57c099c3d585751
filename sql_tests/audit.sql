-- Audit: what is done is there exactly if it commits, for those who run the service, and for
-- each person what is about them, as long as they stay.
--
-- Catches: an event that nobody finds, one of something that was taken back, a secret or an
-- address in an entry, an entry that a person reads or an administrator changes, entries
-- that never go.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all
SET client_min_messages = warning;
CREATE ROLE regress_audit_admin IN ROLE agent_admin;
RESET client_min_messages;
SELECT now() AS began \gset

-- A life, with a proxy that says where it is led.
SET agent.trusted_address_header = 'X-Real-IP';
SELECT set_config('request.headers', '{"user-agent": "Browser", "x-real-ip": "203.0.113.7"}', false) IS NOT NULL AS over_http;
SET ROLE agent_anon;
SELECT id AS ann FROM agent_register('ann.audit@example.org', 'audit ann', 's3cret') \gset
SELECT refresh_token AS refresh FROM agent_login('ann.audit@example.org', 's3cret') \gset
SELECT access_token AS token FROM agent_refresh(:'refresh') \gset
SET ROLE agent_user;
SET agent.token = :'token';
SELECT address, user_agent FROM agent_sessions;
SELECT agent_password_change('s3cret', 's3cret too');
SELECT agent_logout('others');
RESET ROLE;
SELECT set_config('request.headers', '', false);
SET ROLE regress_audit_admin;
SELECT is_active FROM agent_user_set_active(:'ann', false);
SELECT is_active FROM agent_user_set_active(:'ann', true);
RESET ROLE;
SELECT id AS session FROM agent.sessions WHERE user_id = :'ann' \gset
SET ROLE regress_audit_admin;
SELECT agent_session_end(:'session');
SELECT username FROM agent_user_import('ida.audit@example.org', 'audit ida',
    '$2b$04$abcdefghijklmnopqrstuuDhJ5b1NDLNGxYyV7sbZ0rqKkNjb5J2e');
SELECT agent_key_rotate() IS NOT NULL AS rotated;
RESET ROLE;
RESET agent.token;
SET ROLE agent_anon;
SELECT access_token AS token FROM agent_login('ann.audit@example.org', 's3cret too') \gset

SET ROLE agent_admin;
SELECT event, user_id = :'ann' AS of_ann, session_id IS NOT NULL AS of_a_session, host(address) AS address, user_agent,
    CASE WHEN event IN ('import', 'activate', 'deactivate', 'session_end', 'key_rotate')
        THEN (detail = session_user)::text ELSE detail END AS detail
FROM agent_audit WHERE created_at >= :'began' ORDER BY id;
RESET ROLE;

-- Ann sees what is about her, and nothing else.
SET ROLE agent_user;
SET agent.token = :'token';
SELECT count(*), count(*) FILTER (WHERE user_id = :'ann') AS own FROM agent_audit;
RESET agent.token;
SELECT count(*) FROM agent_audit;
SET agent.token = :'token';

-- When she deletes her account, all of it goes; what stays says when, and not from where.
SELECT set_config('request.headers', '{"user-agent": "Browser", "x-real-ip": "203.0.113.7"}', false) IS NOT NULL AS over_http;
SELECT agent_account_delete('s3cret too');
SELECT set_config('request.headers', '', false);
RESET ROLE;
RESET agent.token;
SELECT event, created_at >= :'began' AS fresh, session_id, address, user_agent, detail FROM agent.audit WHERE user_id = :'ann';

-- Nothing of it stays when it is taken back, in part or as a whole.
BEGIN;
SELECT username FROM agent_register('bob.audit@example.org', 'audit bob', 'secret');
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT username FROM agent_register('cat.audit@example.org', 'audit cat', 'secret');
ROLLBACK TO a;
COMMIT;
SELECT count(*) AS left_behind FROM agent.audit
WHERE created_at >= :'began' AND event = 'register' AND user_id NOT IN (SELECT :'ann'::uuid);

-- No password, token, hash or e-mail address is in any entry.
SELECT count(*) AS secrets FROM agent.audit AS a
WHERE created_at >= :'began' AND a::text ~* 's3cret|example\.org|audit ann|\$2|agr_|eyJ';

-- Nobody else reads it, and nobody changes it.
SELECT role, statement, pg_temp.answer_as(role, statement)
FROM (VALUES ('agent_anon'::name), ('agent_user'), ('agent_authenticator'), ('agent_admin')) AS roles (role),
(VALUES
    ('SELECT count(*) >= 0 FROM agent_audit'),
    ('SELECT count(*) >= 0 FROM agent.audit'),
    ('DELETE FROM agent_audit'),
    ('DELETE FROM agent.audit'),
    ('TRUNCATE agent.audit'),
    ('UPDATE agent_audit SET event = ''login'''),
    ('INSERT INTO agent.audit (id, created_at, event) SELECT gen_random_uuid(), now(), ''login'''))
    AS statements (statement)
ORDER BY role, statement;

-- Entries go when they are too old: two with each that comes.
INSERT INTO agent.audit (id, created_at, event)
SELECT ('018f0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '2024-04-20', 'login' FROM generate_series(1, 5) AS n;
SELECT agent_key_rotate() IS NOT NULL AS rotated;
SELECT count(*) AS old FROM agent.audit WHERE created_at = '2024-04-20';
SET agent.audit_retention = 0;
SELECT agent_key_rotate() IS NOT NULL AS rotated;
SELECT count(*) AS old FROM agent.audit WHERE created_at = '2024-04-20';
RESET agent.audit_retention;
SELECT agent_key_rotate() IS NOT NULL, agent_key_rotate() IS NOT NULL AS rotated;
SELECT count(*) AS old FROM agent.audit WHERE created_at = '2024-04-20';
SELECT unit, boot_val, min_val FROM pg_settings WHERE name = 'agent.audit_retention';

-- An address is one, in its one form, or it is not told; of a list the last one counts.
CREATE FUNCTION pg_temp.address_of(value text) RETURNS inet LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', json_build_object('x-real-ip', value)::text, false);
    PERFORM agent_key_rotate();
    RETURN (SELECT address FROM agent.audit ORDER BY id DESC LIMIT 1);
END $$;
SELECT left(value, 30) AS value, pg_temp.address_of(value) FROM (VALUES (1, '203.0.113.9'), (2, ' 2001:DB8:0::1 '),
    (3, '203.0.113.9, 198.51.100.2'), (4, 'unknown'), (5, ''), (6, '203.0.113.9:80'), (7, '203.0.113.9/8'), (8, '1.2.3'),
    (9, 'fe80::1%eth0'), (10, repeat('1', 100000)), (11, '203.0.113.9,'), (12, '::ffff:203.0.113.9')) AS headers (n, value) ORDER BY n;
SELECT set_config('request.headers', '', false);
SET agent.trusted_address_header = 'X Real IP';

DROP ROLE regress_audit_admin;
