-- Search over titles and messages.
--
-- Catches: what should be found and is not, what is found and should not be, another
-- person's words, a hit on two pages or on none, filters that let through.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set search_set :abs_srcdir '/sql/vectors/search_set.sql'
\set ECHO none
\i :helpers
\i :search_set
\set ECHO all

SET ROLE agent_anon;
SELECT id AS tess_id FROM agent_register('tess.search@example.org', 'search tess', 'secret') \gset
SELECT access_token AS tess FROM agent_login('tess.search@example.org', 'secret') \gset
SELECT id AS ugo_id FROM agent_register('ugo.search@example.org', 'search ugo', 'secret') \gset
SELECT access_token AS ugo FROM agent_login('ugo.search@example.org', 'secret') \gset
RESET ROLE;

-- Both have every text of the set: Tess as it is, Ugo with the word "ugo" before it.
GRANT SELECT ON corpus, queries TO agent_user;
CREATE TEMP TABLE written (person text, number int, id uuid);
GRANT SELECT, INSERT ON written TO agent_user;
SET ROLE agent_user;
SET agent.token = :'ugo';
SELECT id AS talk FROM agent_conversation_create('-') \gset
INSERT INTO written SELECT 'ugo', number, (agent_message_create(:'talk', 'user', 'ugo ' || body)).id
FROM corpus ORDER BY number;
SELECT id AS ugos FROM agent_conversation_create('Ugo''s', 'unmistakable') \gset
SELECT next_cursor AS ugos_cursor FROM agent_search('python', page_size => 1) \gset
SET agent.token = :'tess';
SELECT id AS talk FROM agent_conversation_create('-') \gset
INSERT INTO written SELECT 'tess', number, (agent_message_create(:'talk', 'user', body)).id
FROM corpus WHERE kind = 'message' ORDER BY number;
INSERT INTO written SELECT 'tess', number, (agent_conversation_create(body)).id
FROM corpus WHERE kind = 'title' ORDER BY number;

-- Every query of the set finds what it must, and nothing else.
CREATE TEMP TABLE answers AS
SELECT q.number, q.topic, q.query, q.expected, coalesce(found.numbers, '{}') AS found
FROM queries AS q
CROSS JOIN LATERAL (
    SELECT array_agg(w.number ORDER BY w.number) AS numbers
    FROM agent_search(q.query, page_size => 100) AS p, unnest(p.items) AS h
    JOIN written AS w ON w.id = coalesce(h.message_id, h.conversation_id) AND w.person = 'tess'
) AS found;
SELECT count(*) AS queries, count(*) FILTER (WHERE found = expected) AS right_answers, sum(cardinality(expected)) AS expected,
    round(100.0 * sum(hits) / sum(cardinality(expected)), 1) AS recall_percent,
    round(100.0 * sum(hits) / sum(cardinality(found)), 1) AS precision_percent
FROM answers CROSS JOIN LATERAL (
    SELECT count(*) AS hits FROM unnest(expected) AS e WHERE e = ANY (found)) AS h;
SELECT number, query, expected, found FROM answers WHERE found <> expected ORDER BY number;

-- What a hit says.
SELECT * FROM agent_search('x') \gdesc
SELECT id AS pets FROM agent_conversation_create('Tigers & <b>cats</b>', 'The tiger is a <i>cat</i>.') \gset
SELECT (agent_message_create(:'pets', 'assistant', 'A tiger is no pet.', '{"model": "m1"}')).id IS NOT NULL AS done;
SELECT h.kind, h.conversation_id = :'pets' AS here, h.title, h.message_id IS NOT NULL AS is_message, h.seq, h.role,
    h.created_at <= now() AS past, h.rank > 0 AS ranked, h.snippet
FROM agent_search('tiger') AS p, unnest(p.items) AS h;
SELECT h.snippet FROM agent_search('cat', start_mark => '**', stop_mark => '') AS p, unnest(p.items) AS h;
SELECT to_jsonb(p) FROM agent_search('nothingofthekind') AS p;
SELECT to_jsonb(p) FROM agent_search('...') AS p;

-- Filters.
SELECT (agent_conversation_update(:'pets', tags => ARRAY['zoo'], metadata => '{"project": 7}')).id IS NOT NULL AS done;
CREATE FUNCTION pg_temp.hits(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hits text;
BEGIN
    EXECUTE 'SELECT coalesce(string_agg(h.kind || coalesce('' '' || h.seq, ''''), '', '' ORDER BY h.kind, h.seq), ''none'')
        FROM agent_search(' || arguments || ') AS p, unnest(p.items) AS h' INTO hits;
    RETURN hits;
END
$$;
SELECT pg_temp.hits($$'tiger', role => 'assistant'$$);
SELECT pg_temp.hits($$'tiger', role => 'system'$$);
SELECT pg_temp.hits(format($$'tiger', conversation_id => %L$$, :'pets'));
SELECT pg_temp.hits(format($$'tiger', conversation_id => %L$$, :'talk'));
SELECT pg_temp.hits($$'tiger', since => now() - interval '1 hour', before => now() + interval '1 hour'$$);
SELECT pg_temp.hits($$'tiger', since => now() + interval '1 hour'$$);
SELECT pg_temp.hits($$'tiger', before => '2020-01-01'$$);
SELECT pg_temp.hits($$'tiger', archived => true$$);
SELECT pg_temp.hits($$'tiger', archived => false$$);
SELECT pg_temp.hits($$'tiger', tag => 'zoo'$$);
SELECT pg_temp.hits($$'tiger', tag => 'zo'$$);
SELECT pg_temp.hits($$'tiger', pinned => true$$), pg_temp.hits($$'tiger', pinned => false$$);
SELECT pg_temp.hits($$'tiger', metadata => '{"model": "m1"}'$$);
SELECT pg_temp.hits($$'tiger', metadata => '{"project": 7}'$$);
SELECT pg_temp.hits($$'tiger', tag => 'zoo', metadata => '{"model": "m1"}', archived => false$$);
SELECT (agent_conversation_update(:'pets', is_archived => true)).id IS NOT NULL AS done;
SELECT pg_temp.hits($$'tiger', archived => true$$);
SELECT pg_temp.hits($$'tiger', archived => false$$);

-- What is written or changed is found at once, what is gone no more.
SELECT id AS edited FROM agent_message_create(:'pets', 'user', 'first wording quokka') \gset
SELECT pg_temp.hits($$'quokka'$$);
SELECT (agent_message_update(:'edited', 'second wording wombat')).id IS NOT NULL AS done;
SELECT pg_temp.hits($$'quokka'$$), pg_temp.hits($$'wombat'$$);
SELECT agent_message_delete(:'edited');
SELECT pg_temp.hits($$'wombat'$$);
SELECT (agent_conversation_update(:'pets', title => 'Numbats')).id IS NOT NULL AS done;
SELECT pg_temp.hits($$'cats'$$), pg_temp.hits($$'numbat'$$);
SELECT agent_conversation_delete(:'pets');
SELECT pg_temp.hits($$'tiger'$$), pg_temp.hits($$'numbat'$$);

-- Pages: every hit once, in the order of one large page; what is written meanwhile moves nothing.
SELECT count(agent_message_create(:'talk', 'user', 'gnu ' || repeat('and more ', n % 7))) FROM generate_series(1, 60) AS n;
CREATE FUNCTION pg_temp.walk(query text, size int) RETURNS TABLE (page int, id uuid, rank real) LANGUAGE plpgsql AS $$
DECLARE
    p agent_hits_page;
BEGIN
    page := 0;
    LOOP
        p := agent_search(query, p.next_cursor, size);
        page := page + 1;
        RETURN QUERY SELECT page, h.message_id, h.rank FROM unnest(p.items) AS h;
        IF p.has_more IS DISTINCT FROM (p.next_cursor IS NOT NULL) OR page > 100 THEN
            RAISE 'page % is wrong', page;
        END IF;
        EXIT WHEN NOT p.has_more;
    END LOOP;
END
$$;
CREATE TEMP TABLE once AS SELECT row_number() OVER () AS n, w.id FROM pg_temp.walk('gnu', 100) AS w;
SELECT size, max(w.page) AS pages, count(*) AS hits, count(DISTINCT w.id) AS different, bool_and(w.id = o.id) AS same_order
FROM unnest(ARRAY[1, 7, 30, 59, 60, 61]) AS size
CROSS JOIN LATERAL (SELECT row_number() OVER () AS n, * FROM pg_temp.walk('gnu', size)) AS w
JOIN once AS o ON o.n = w.n
GROUP BY size ORDER BY size;
SELECT next_cursor AS cursor FROM agent_search('gnu', page_size => 30) \gset
SELECT (agent_message_create(:'talk', 'user', 'gnu')).id IS NOT NULL AS done;
SELECT count(*), bool_and(h.message_id IN (SELECT id FROM once WHERE n > 30)) AS the_rest
FROM agent_search('gnu', :'cursor', 100) AS p, unnest(p.items) AS h;

-- A cursor is good for the same person and the same search.
SELECT pg_temp.answer(format('SELECT agent_search(%L, %L)', query, cursor))
FROM (VALUES ('gnu', overlay(:'cursor' PLACING 'x' FROM 30)), ('gnu', 'nonsense'), ('gnus', :'cursor'),
    ('python', :'ugos_cursor'), ('gnu', left(:'cursor', -1)), ('gnu', :'cursor' || 'A')) AS v (query, cursor);
SELECT pg_temp.answer(format('SELECT agent_search(''gnu'', %L, tag => ''x'')', :'cursor'));
SELECT pg_temp.answer(format('SELECT agent_search(''gnu'', %L, role => ''user'')', :'cursor'));
SELECT pg_temp.answer(format('SELECT agent_search(''gnu'', %L, 5)', :'cursor'));

-- What is asked wrongly, all at once; what is foreign is as what is not there.
SELECT pg_temp.answer($$SELECT agent_search(NULL)$$);
SELECT pg_temp.answer($$SELECT agent_search('')$$);
SELECT pg_temp.answer($$SELECT agent_search(repeat('x', 201), 'y', 0, role => 'boss', start_mark => repeat('x', 65), stop_mark => repeat('x', 65), tag => '', metadata => '[1]')$$);
SELECT pg_temp.answer($$SELECT agent_search('x', page_size => 101)$$);
SELECT pg_temp.answer(format($$SELECT agent_search('x', conversation_id => %L)$$, :'ugos'));
SELECT pg_temp.answer($$SELECT agent_search('x', conversation_id => '00000000-0000-4000-8000-000000000000')$$);
SELECT pg_temp.hits($$repeat('学', 200)$$), pg_temp.hits($$repeat('a ', 100)$$), pg_temp.hits($$repeat('"a b" ', 33)$$);
SELECT pg_temp.hits($$repeat('-x ', 60) || 'y'$$), pg_temp.hits($$repeat('''\" ', 50)$$);

-- Nobody finds another's words, by any door.
SELECT pg_temp.hits($$'unmistakable'$$), pg_temp.hits($$'ugo'$$);
SELECT count(*) FROM agent.messages WHERE search @@ 'unmistak';
SELECT count(*) FROM agent.messages WHERE search @@ agent.search_query('ugo');
SELECT count(*) FROM agent.conversations WHERE to_tsvector('agent', title) @@ 'ugo';
RESET agent.token;
SELECT pg_temp.answer($$SELECT agent_search('python')$$);
SET agent.token = 'nonsense';
SELECT pg_temp.answer($$SELECT agent_search('python')$$);
RESET agent.token;
RESET ROLE;
SELECT role, pg_temp.answer_as(role, $$SELECT agent_search('python')$$)
FROM unnest(ARRAY['agent_anon', 'agent_admin', 'agent_authenticator']::name[]) AS role;
SELECT role, pg_temp.answer_as(role, $$SELECT agent.search_query('python')$$)
FROM unnest(ARRAY['agent_anon', 'agent_admin', 'agent_authenticator']::name[]) AS role;

-- Ugo finds his own.
SET ROLE agent_user;
SET agent.token = :'ugo';
SELECT pg_temp.hits($$'unmistakable'$$);
SELECT cardinality(items) FROM agent_search('ugo python', page_size => 100);
RESET ROLE;
RESET agent.token;
DELETE FROM agent.users WHERE email LIKE '%.search@example.org';
