-- What the people of people_make.sql find, however often it is asked, and what is kept from them.

SET client_min_messages = warning;
SET search_path = :"schema";
SET timezone = 'UTC';
\set VERBOSITY terse
SET ROLE agent_user;
SET agent.token = :'ann_token';
SELECT agent_uid(), agent_me();
SELECT * FROM agent_conversation_list();
SELECT id, seq, role, md5(content), metadata, edited_at FROM agent_message_list(:'trip');
SELECT title, is_pinned, tags FROM agent_conversation_page(pinned => true), unnest(items);
SELECT seq, role FROM agent_message_page(:'trip', NULL, 2, 'backward'), unnest(items);
SELECT kind, title, seq, left(snippet, 80) FROM agent_search('lisbon'), unnest(items);
SELECT kind, title, seq FROM agent_search('学习'), unnest(items) ORDER BY title;
SELECT kind, title, seq FROM agent_search('"the trams" -never', role => 'assistant'), unnest(items) ORDER BY title;
SELECT id, created_at, expires_at, is_current FROM agent_sessions;
SELECT agent_export()::jsonb #- '{exported_at}' #- '{sessions,0,last_used_at}';
SELECT status, convert_from(body, 'UTF8')
FROM agent_http('GET', '/conversations/' || :'trip', NULL, jsonb_build_object('authorization', 'Bearer ' || :'ann_token'), NULL);
-- What is another's: the same errors as for what there is not.
SELECT agent_conversation_get(:'other');
SELECT seq FROM agent_message_list(:'other');
SET agent.token = :'bob_token';
SELECT title FROM agent_conversations;
SELECT seq, content FROM agent_messages;
SELECT count(*) FROM agent.users;
SELECT agent_message_list(:'trip');
RESET agent.token;
SELECT count(*) FROM agent_messages;
SELECT agent_me();
SELECT password_hash FROM agent.users;
SET ROLE agent_anon;
SELECT count(*) FROM agent_messages;
RESET ROLE;
SELECT count(*), count(DISTINCT event) FROM agent_audit;
-- What a DBA has granted and revoked.
SELECT has_function_privilege('pg_monitor', 'agent_user_list(text)', 'EXECUTE') AS granted,
    has_table_privilege('pg_monitor', 'agent_conversations', 'SELECT') AS granted,
    has_function_privilege('agent_anon', 'agent_authenticate(text)', 'EXECUTE') AS revoked;
