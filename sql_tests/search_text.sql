-- The text-search configuration "agent": parser, dictionaries, documents and queries.
--
-- Catches: a token that the default parser has and this one has not, characters that
-- cannot be found, a document or a query that fails, an index that a text outgrows,
-- a mark-up that lets a text's own tags through.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

-- Tokens. ASCII has those of the default parser, addresses their words besides.
CREATE FUNCTION pg_temp.tokens(document text) RETURNS text LANGUAGE sql RETURN (
    SELECT string_agg(alias || ' ' || token || coalesce(' = ' || array_to_string(lexemes, '+'), ''), E'\n')
    FROM ts_debug('agent', document) WHERE alias <> 'blank');
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.tokens('Running (quickly), don''t; 42 3.14 -7 v1.2 user_name well-known');
SELECT pg_temp.tokens('bob@example.com http://example.com/docs/intro.html /usr/local <b>bold</b>');
SELECT pg_temp.tokens('naïve ÉCOLE Ærø Straße Привет Ёлка Αθήνας');
SELECT pg_temp.tokens('ผมรักประเทศไทย 我喜欢学习，Python很好 バス ﾊﾞｽ 학교에서 Ｐｙ３');
SELECT pg_temp.tokens('👍🏽 👨‍👩‍👧 🇨🇳🇫🇷 ❤️ → 1️⃣ e' || U&'\0301' || 'te');

-- What is simple is read without the default parser, and gives the same.
SELECT count(*) FROM (
    SELECT alias, token FROM ts_debug('agent', 'It is (what) it "is", isn''t it? 12, 13. [x] {y} a! ''quoted'' e.g. U.S.')
    WHERE alias <> 'blank'
    EXCEPT
    SELECT alias, token FROM ts_debug('english', 'It is (what) it "is", isn''t it? 12, 13. [x] {y} a! ''quoted'' e.g. U.S.')
) AS different WHERE alias NOT IN ('part');

-- What PostgreSQL builds on a configuration works with it.
SELECT to_tsvector('agent', '学习 Python, 机器学习');
SELECT websearch_to_tsquery('agent', '学习 "machine learning" -foo');
SELECT to_tsvector('agent', '我在学习') @@ websearch_to_tsquery('agent', '学习');
SELECT ts_headline('agent', 'Ask bob@example.com about 机器学习', websearch_to_tsquery('agent', '学习 ask'));
SELECT tokid, alias FROM ts_token_type('agent') WHERE tokid > 23;

-- Queries.
CREATE FUNCTION pg_temp.query(query text) RETURNS text LANGUAGE sql
RETURN coalesce(agent.search_query(query)::text, 'nothing');
SELECT pg_temp.query('Running shoes');
SELECT pg_temp.query('"the running man" -slow -"bad shoes"');
SELECT pg_temp.query('python学习 db* x* C++');
SELECT pg_temp.query('“curly quotes” ＂wide＂ －wide-minus　blank');
SELECT pg_temp.query('bob@example.com node.js');
SELECT pg_temp.query('it''s \ ''quoted'' back\slash');
SELECT pg_temp.query(q) FROM unnest(ARRAY['', ' ', '???', '-foo', '- - *', '""', '"', '-', '*', '，。']) AS q;

-- A text of any kind makes a document; the client is told nothing of it.
SELECT length(agent.search_document(document)) > 0 AS found
FROM unnest(ARRAY[
    repeat('a', 8000000), repeat('学', 2700000), repeat('<', 100000) || ' x', repeat('a-', 500000),
    repeat('a@b.c ', 100000), repeat('http://a.b/c?d=e ', 50000), repeat('"', 100000) || 'x',
    'e' || repeat(U&'\0301', 60000) || ' x', repeat('👨‍', 100000), repeat(U&'\FDFA', 40000) || ' x', repeat('é', 50000) || ' x', '学' || repeat(' ', 10000) || '习',
    (SELECT string_agg(md5(n::text), ' ') FROM generate_series(1, 100000) AS n),
    (SELECT string_agg(chr(19968 + n % 20000) || chr(19968 + n / 7 % 20000), '') FROM generate_series(1, 200000) AS n)
]) AS document;
SELECT length(agent.search_document(document)), agent.search_document(document)::text
FROM unnest(ARRAY['', ' ', '.', U&'\0301', U&'\200D', repeat('a', 256)]) AS document;
SELECT agent.search_document(NULL) IS NULL, agent.search_query(NULL) IS NULL;
SELECT agent.search_document('ผมรักประเทศไทย') OPERATOR(agent.@@) agent.search_query('ประเทศไทย') AS thai;
SELECT to_tsvector('agent', v) = agent.search_document(v) AS same FROM (VALUES ('Same, 一样 user@example.com')) AS t (v);

-- A long text is found as far as it is searched: its words, and words of a script without
-- blanks, which a tsvector has no places for there.
CREATE TEMP TABLE long_text AS
SELECT (SELECT string_agg('的学库' || chr(19968 + n % 5000), '') FROM generate_series(1, 10000) AS n)
    || '数据终点 finish' || repeat('尾', 1000) AS document;
SELECT octet_length(document) FROM long_text;
SELECT q, agent.search_document(document) OPERATOR(agent.@@) agent.search_query(q) AS found
FROM long_text, unnest(ARRAY['终点', '数据终点', 'finish', '终数', '"数据终点 finish"', '据', '学库', '库学']) AS q;

-- The same of words, addresses and names of code, which are often in a text.
CREATE TEMP TABLE long_words AS
SELECT repeat('the new cat of ada@example.org has user_name and self.port set; ', 1500) || 'the old town, user_id and self.host of bob@example.org'
    AS document;
SELECT octet_length(document) FROM long_words;
SELECT q, agent.search_document(document) OPERATOR(agent.@@) agent.search_query(q) AS found
FROM long_words, unnest(ARRAY['"the old town"', '"the new town"', 'user_id', 'user_port', 'self.host', 'self.id', 'bob@example.org',
    'bob@example.com', '"old town user"', 'cat -"the old town"', 'to*', '"the ol*']) AS q;

-- Nobody waits long for a query, however long it is.
SELECT pg_temp.answer($$SELECT agent.search_query(repeat('x', 4097))$$);
SELECT length(agent.search_query('"' || repeat('ab ', 1300))::text) > 0 AS made;

-- Snippets: HTML of the text around what was found.
CREATE FUNCTION pg_temp.snippet(document text, query text) RETURNS text LANGUAGE sql
RETURN agent.search_snippet(document, agent.search_query(query), '[', ']');
SELECT pg_temp.snippet('a <b>bold</b> & "quoted" ''word''', 'word');
SELECT pg_temp.snippet('学校里的机会，还有机器学习和学习', '机器学习');
SELECT pg_temp.snippet('学校里的机会，还有机器学习和学习', '学习');
SELECT pg_temp.snippet('mail bob@example.com or al@example.org', 'example.com');
SELECT pg_temp.snippet('well-known facts, known well', '"well-known"');
SELECT pg_temp.snippet('run, runner, running; not ran', 'run');
SELECT pg_temp.snippet('none of it', 'else');
SELECT pg_temp.snippet(repeat('before ', 5000) || 'here is the needle' || repeat(' after', 100), 'needle');
SELECT pg_temp.snippet(repeat('前', 5000) || '针' || repeat('后', 300), '针');
SELECT pg_temp.snippet('first needle ' || repeat('hay ', 100) || 'needle in a haystack', 'needle haystack');
SELECT pg_temp.snippet(repeat('x', 300000) || ' needle', 'needle');
SELECT bool_and(pg_temp.snippet(repeat('x', n) || ' 机器学习' || repeat(' y', 2000), '机器学习') LIKE '%[机器学习]%') FROM generate_series(1990, 2060) AS n;
SELECT bool_and(pg_temp.snippet(repeat('前', n) || '机器学习' || repeat('后', 2000), '机器学习') LIKE '%[机器学习]%') FROM generate_series(660, 690) AS n;
-- Where the part that is searched ends within a character; and with a query of one word, many times.
SELECT bool_and(pg_temp.snippet(repeat('x ', 65520) || repeat('y', n) || ' needle ' || repeat('中', 300), 'needle') LIKE '%[needle]%')
FROM generate_series(0, 5) AS n;
SELECT length(pg_temp.snippet(repeat(repeat('一', 31) || '丁', 1364), repeat('一', 200)));
SELECT pg_temp.snippet('', 'x') = '', pg_temp.snippet('  ', 'x');
\pset tuples_only off
\pset format aligned

-- Ranks: more of a word, and fewer others; a word's beginning; nothing of what is not there.
SELECT d, q, round(agent.search_rank(agent.search_document(d), agent.search_query(q))::numeric, 3) AS rank
FROM (VALUES ('cat', 'cat'), ('cat dog', 'cat'), ('cat cat dog', 'cat'), ('cat dog', 'cat dog'), ('category', 'cat*'),
    ('dog', 'cat'), ('', 'cat'), ('学习', '学习')) AS v (d, q);

-- The dictionary's options.
SELECT pg_temp.answer('CREATE TEXT SEARCH DICTIONARY pg_temp.d (TEMPLATE = agent_fold, Result = other)');
SELECT pg_temp.answer('CREATE TEXT SEARCH DICTIONARY pg_temp.d (TEMPLATE = agent_fold, Colour = red)');
