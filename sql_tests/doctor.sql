-- The doctor: a healthy installation, and each thing that may be wrong with it.
--
-- Catches: a check that finds nothing, one that finds what is not there, a hint that is none,
-- a call by whom it is not for.

CREATE FUNCTION pg_temp.findings() RETURNS TABLE ("check" text, status text, detail text) LANGUAGE sql AS $$
    SELECT "check", status, regexp_replace(detail, '\d+(-\d+-\d+ [\d:]+)?', 'N', 'g') FROM agent_doctor()
    WHERE status <> 'ok' AND "check" <> 'preload' AND "check" <> 'hash_time'
$$;
-- Another database may have let it log in.
ALTER ROLE agent_authenticator LOGIN;

SELECT "check", status IN ('ok', 'warning') AS fine, detail <> '' AS says, status = 'ok' OR hint <> '' AS helps FROM agent_doctor();
SELECT * FROM pg_temp.findings();
-- The doctor hashes, to say how long that takes: from here on as quickly as may be.
SET agent.password_hash_cost = 10;

-- As those who run the service; nobody else may.
SET ROLE agent_admin;
SELECT count(*) FROM agent_doctor();
SET ROLE agent_user;
SELECT count(*) FROM agent_doctor();
SET ROLE agent_anon;
SELECT count(*) FROM agent_doctor();
SET ROLE agent_admin;
SELECT agent.shared_state();
SELECT agent.hash_time();
RESET ROLE;

-- What it finds.
BEGIN;
ALTER TABLE agent.messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE agent.audit DISABLE ROW LEVEL SECURITY;
SELECT * FROM pg_temp.findings();
ROLLBACK;
BEGIN;
GRANT SELECT (password_hash) ON agent.users TO agent_user;
GRANT EXECUTE ON FUNCTION agent_key_rotate() TO PUBLIC;
REVOKE SELECT ON agent_messages FROM agent_user;
GRANT CREATE ON SCHEMA agent TO agent_admin;
SELECT * FROM pg_temp.findings();
ROLLBACK;
BEGIN;
ALTER FUNCTION agent_logout(text) OWNER TO CURRENT_USER;
ALTER FUNCTION agent_refresh(text) RESET search_path;
SELECT * FROM pg_temp.findings() WHERE "check" = 'functions';
ROLLBACK;
BEGIN;
ALTER FUNCTION agent.purge(timestamptz, integer) OWNER TO agent_owner;
SELECT * FROM pg_temp.findings() WHERE "check" = 'functions';
ROLLBACK;
BEGIN;
ALTER ROLE agent_user BYPASSRLS;
GRANT agent_owner TO agent_admin;
SELECT * FROM pg_temp.findings();
ROLLBACK;
BEGIN;
UPDATE agent.signing_keys SET created_at = now() - interval '200 days';
SELECT * FROM pg_temp.findings();
DELETE FROM agent.signing_keys;
SELECT * FROM pg_temp.findings();
ROLLBACK;
BEGIN;
REVOKE agent_user FROM agent_authenticator;
SELECT * FROM pg_temp.findings();
ALTER ROLE agent_authenticator NOLOGIN;
SELECT * FROM pg_temp.findings();
ROLLBACK;
BEGIN;
INSERT INTO agent.audit (id, created_at, event) VALUES ('ffffffff-ffff-7fff-bfff-ffffffffffff', now() + interval '1 hour', 'login');
SELECT * FROM pg_temp.findings();
ROLLBACK;
BEGIN;
CREATE TABLE notes (a integer, b uuid REFERENCES agent.users ON DELETE CASCADE);
CREATE INDEX ON notes (a, b);
CREATE INDEX ON notes (b) WHERE a > 0;
SELECT * FROM pg_temp.findings();
CREATE INDEX ON notes (b, a);
SELECT * FROM pg_temp.findings();
ROLLBACK;
BEGIN;
SET LOCAL client_min_messages = error;
UPDATE pg_extension SET extversion = '0.9.0' WHERE extname = 'agent';
SELECT "check", status, detail ~ '^0.9.0, and ' AS detail, hint FROM agent_doctor() WHERE "check" = 'version';
ROLLBACK;
SET agent.trusted_address_header = 'x-real-ip';
SELECT * FROM agent_doctor() WHERE "check" = 'addresses';
ALTER ROLE agent_authenticator NOLOGIN;
