-- Health: whoever asks, with whatever they send, gets the same answer.
--
-- Catches: a health check that needs a token, minds a bad one, or needs to write.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Exactly this, as json.
SET ROLE agent_anon;
SELECT agent_health(), pg_typeof(agent_health());

-- For each role that a load balancer, a person or an operator comes as; agent_authenticator
-- becomes agent_anon first.
RESET ROLE;
SELECT role, pg_temp.answer_as(role, 'SELECT agent_health()') AS answer
FROM unnest('{agent_anon, agent_user, agent_admin, agent_authenticator}'::name[]) AS role
ORDER BY role;

-- A bad token, a foreign scheme, headers that are none: nothing of it is looked at.
SET ROLE agent_user;
SET agent.token = 'bad';
SET request.headers = '{"authorization": "Basic YTpi"}';
SELECT agent_uid();
SELECT agent_health();
SET request.headers = '{';
SELECT agent_health();
RESET request.headers;
RESET agent.token;

-- It is fit for a standby.
BEGIN READ ONLY;
SELECT agent_health();
COMMIT;

RESET ROLE;
