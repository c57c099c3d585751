-- The people of people_make.sql go on; :round is a number that was not there before. Says only what is the same each time.

SET client_min_messages = warning;
SET search_path = :"schema";
\set VERBOSITY terse
SET ROLE agent_anon;
SELECT username, is_active FROM agent_register('new' || :'round' || '@example.com', 'new' || :'round', 'secret') \gset new_
\echo registered :new_is_active
SELECT token_type, access_token AS new_token FROM agent_login('new' || :'round' || '@example.com', 'secret') \gset
\echo login :token_type
-- Told again, the first answer is given again: the key was used before the update.
SELECT username FROM agent_register('bob@example.com', 'bob', 'correct horse battery staple', 'registration-of-bob');
SET ROLE agent_user;
SET agent.token = :'ann_token';
SELECT id = :'trip' AS again FROM agent_conversation_create('A trip to Lisbon', 'Where should I start?', '{travel, 旅行}', '{"mood": "good"}', 'key-of-the-trip');
SELECT next_seq AS next FROM agent.conversations WHERE id = :'trip' \gset
SELECT seq = :next AS next_seq, role FROM agent_message_create(:'trip', 'user', 'round ' || :'round', NULL, 'message-' || :'round');
SELECT kind FROM agent_search('"round ' || :'round' || '"'), unnest(items);
SELECT title, is_pinned FROM agent_conversation_update((agent_conversation_create('To be deleted', 'x')).id, title => 'Changed', is_pinned => true);
SELECT agent_conversation_delete(id) FROM agent_conversation_list() WHERE title = 'Changed';
SELECT count(*) FROM agent_conversations;
SET agent.token = :'new_token';
SELECT message_count, is_archived FROM agent_conversation_create('Talk', 'Hello');
SELECT agent_password_change('secret', 'better secret');
SELECT agent_account_delete('better secret');
RESET agent.token;
RESET ROLE;
SET ROLE agent_authenticator;
CREATE FUNCTION pg_temp.ask(method text, target text, token text, body text) RETURNS text LANGUAGE sql AS $$
    SELECT status || ' ' || coalesce(array_to_string(ARRAY(SELECT jsonb_object_keys(v) ORDER BY 1), ' '), '')
    FROM agent_http(method, split_part(target, '?', 1), split_part(target, '?', 2),
            jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token), convert_to(body, 'UTF8')),
        LATERAL (SELECT CASE left(convert_from(body, 'UTF8'), 1) WHEN '{' THEN convert_from(body, 'UTF8')::jsonb END) AS j (v)
$$;
SELECT pg_temp.ask('GET', '/health', NULL, NULL);
SELECT pg_temp.ask('GET', '/ready', NULL, NULL);
SELECT pg_temp.ask('POST', '/auth/login', NULL, '{"email":"ann@example.com","password":"correct horse battery staple","refresh":true}');
SELECT pg_temp.ask('GET', '/auth/me', :'ann_token', NULL);
SELECT pg_temp.ask('POST', '/conversations', :'ann_token', '{"title":"By HTTP"}');
SELECT pg_temp.ask('GET', '/conversations?limit=2', :'ann_token', NULL);
SELECT pg_temp.ask('GET', '/conversations?cursor=', :'ann_token', NULL);
SELECT pg_temp.ask('POST', '/conversations/' || :'trip' || '/messages', :'ann_token', '{"role":"user","content":"by HTTP"}');
SELECT pg_temp.ask('GET', '/search?q=http', :'ann_token', NULL);
SELECT pg_temp.ask('GET', '/conversations/' || :'other', :'ann_token', NULL);
SELECT pg_temp.ask('GET', '/conversations', NULL, NULL);
RESET ROLE;
SET ROLE agent_user;
SET agent.token = :'ann_token';
SELECT agent_conversation_delete(id) FROM agent_conversation_list() WHERE title = 'By HTTP';
RESET agent.token;
RESET ROLE;
