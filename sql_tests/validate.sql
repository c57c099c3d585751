-- The rules of the fields of an account, each from both sides of its bound.
--
-- Catches: a bound that moved, a length counted in bytes, an address that no mail
-- could be delivered to, a refusal that quotes what it refused.

\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/sql/vectors/helpers.sql'
\set ECHO none
\i :helpers
\set ECHO all

SET ROLE agent_anon;

-- Each bound, from both sides, in characters: an emoji is four bytes and one character.
SELECT n, pg_temp.register('bounds' || n || '.validate@example.org', username, password)
FROM (VALUES
    (1, 'ab', 'secret'),
    (2, 'ac1', 'secret'),
    (3, '账户', 'secret'),
    (4, '😀账户', 'secret'),
    (5, repeat('😀', 50), 'secret'),
    (6, repeat('😀', 51), 'secret'),
    (7, repeat('a', 51), 'secret'),
    (8, 'validate 8', '12345'),
    (9, 'validate 9', '123456'),
    (10, 'validate 10', '密码密码密'),
    (11, 'validate 11', '密码密码密码'),
    (12, 'validate 12', repeat('密', 65536)),
    (13, 'validate 13', repeat('p', 65537)),
    (14, NULL, NULL),
    (15, E' \t\n ', '      ')) AS v (n, username, password) ORDER BY n;

-- All faults are named at once, in the order of the fields.
SELECT pg_temp.register('x', 'y', 'z');
SELECT pg_temp.register(NULL, NULL, NULL);
SELECT pg_temp.login(NULL, NULL);

-- An address is valid when mail could be delivered to it.
SELECT n, pg_temp.register(email, 'validate valid ' || n, 'secret')
FROM (VALUES
    (1, 'validate+tag@example.org'),
    (2, 'first.middle.last.validate@sub.example.co.uk'),
    (3, '!#$%&''*+/=?^_`{|}~-validate@example.org'),
    (4, 'validate@1.example.org'),
    (5, 'validate@xn--bcher-kva.example'),
    (6, '账户@例子.中国'),
    (7, 'josé.validate@bücher.example'),
    (8, rpad('validate', 64, '.8') || '@example.org'),
    (9, repeat('ü', 32) || '@validate.example.org'),
    (10, 'validate@' || repeat('b', 63) || '.org'),
    (11, repeat('c', 64) || '@' || repeat('d', 31) || '.org'),
    (12, 'c@' || repeat(repeat('ü', 31) || '.', 3) || 'de')) AS v (n, email) ORDER BY n;

-- The others are refused, each with its reason. The answer does not quote the address.
SELECT n, split_part(pg_temp.register(email, 'validate invalid', 'secret'),
    'valid email address: ', 2) AS fault
FROM (VALUES
    (1, ''), (2, 'validate'), (3, '@example.org'), (4, 'validate@'), (5, 'validate@localhost'),
    (6, 'validate@example.'), (7, 'validate@.example.org'), (8, 'validate@example..org'),
    (9, '.validate@example.org'), (10, 'validate.@example.org'), (11, 'vali..date@example.org'),
    (12, 'vali@date@example.org'), (13, 'vali date@example.org'), (14, ' validate@example.org'),
    (15, 'validate@example.org '), (16, E'validate@example.org\n'), (17, E'vali\tdate@example.org'),
    (18, E'validate\x7f@example.org'), (19, U&'validate\0085@example.org'),
    (20, U&'vali\00A0date@example.org'), (21, U&'vali\200Bdate@example.org'),
    (22, U&'vali\202Edate@example.org'),
    (23, '"validate"@example.org'), (24, 'validate(comment)@example.org'),
    (25, 'Validate <validate@example.org>'), (26, 'validate@example.org,b@example.org'),
    (27, 'validate;b@example.org'), (28, 'vali\date@example.org'),
    (29, 'validate@[127.0.0.1]'), (30, 'validate@[IPv6:::1]'), (31, 'validate@127.0.0.1'),
    (32, 'validate@-example.org'), (33, 'validate@example-.org'), (34, 'validate@exam_ple.org'),
    (35, 'validate@example.org/path'), (36, repeat('a', 65) || '@example.org'),
    (37, repeat('ü', 33) || '@example.org'), (38, 'validate@' || repeat('b', 64) || '.org'),
    (39, repeat('c', 64) || '@' || repeat('d', 32) || '.org'),
    (40, 'validate@exa' || E'\x01' || 'mple.org'), (41, 'validate@example.123'),
    (42, repeat('a', 100000) || '@example.org')) AS v (n, email) ORDER BY n;

RESET ROLE;
