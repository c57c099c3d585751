-- Two people and what they keep, made through the API of the schema :schema, for tests of updates and upgrades.
-- The answer is what people_read.sql and people_write.sql want to have set.

SET client_min_messages = warning;
SET search_path = :"schema";
SET ROLE agent_anon;
SELECT id AS ann FROM agent_register('ann@example.com', 'ann', 'correct horse battery staple') \gset
SELECT id AS bob FROM agent_register('bob@example.com', 'bob', 'correct horse battery staple', 'registration-of-bob') \gset
SELECT access_token AS ann_token, refresh_token AS ann_refresh FROM agent_login('ann@example.com', 'correct horse battery staple') \gset
SELECT access_token AS bob_token FROM agent_login('bob@example.com', 'correct horse battery staple') \gset

SET ROLE agent_user;
SET agent.token = :'ann_token';
SELECT id AS trip FROM agent_conversation_create('A trip to Lisbon', 'Where should I start?', '{travel, 旅行}', '{"mood": "good"}', 'key-of-the-trip') \gset
SELECT id AS answer FROM agent_message_create(:'trip', 'assistant', 'In Alfama, early in the morning. 周末学习 Python.', '{"model": "m"}') \gset
SELECT id AS gone FROM agent_message_create(:'trip', 'user', 'Never mind the trams.') \gset
SELECT id AS large FROM agent_message_create(:'trip', 'system', repeat('a long text about Lisbon ', 20000)) \gset
SELECT id AS edited FROM agent_message_update(:'answer', content => 'In Alfama, early: the trams are empty. 周末学习 Python.') \gset
SELECT agent_message_delete(:'gone');
SELECT id AS pinned FROM agent_conversation_update(:'trip', is_pinned => true) \gset
SELECT id AS fork FROM agent_conversation_fork(:'trip', :'answer', 'Another trip') \gset
SELECT id AS old FROM agent_conversation_update((agent_conversation_create('Put away')).id, is_archived => true) \gset
SET agent.token = :'bob_token';
SELECT id AS other FROM agent_conversation_create('Bob in Lisbon', 'Something about Lisbon that is Bob''s') \gset
RESET agent.token;
RESET ROLE;

-- What was signed before stays good with a second key, and what a DBA has granted or revoked stays so.
SELECT agent_key_rotate() AS key \gset
\o /dev/null
GRANT EXECUTE ON FUNCTION agent_user_list(text) TO pg_monitor;
GRANT SELECT ON agent_conversations TO pg_monitor;
REVOKE EXECUTE ON FUNCTION agent_authenticate(text) FROM agent_anon;
\o
SELECT format(E'\\set ann_token %s\n\\set ann_refresh %s\n\\set bob_token %s\n\\set trip %s\n\\set other %s',
    :'ann_token', :'ann_refresh', :'bob_token', :'trip', :'other');
