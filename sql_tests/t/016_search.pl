# Search: row security costs it little, it is answered by the index, and writing with the
# index costs at most twice what writing without it does.
#
# Failures this catches: an operator that is not leakproof, so that the index is not used; a
# plan that reads the messages of others, or all of one's own; an index that makes writing
# dear. SEARCH_MESSAGES says how many messages there are, 100 000 at least, 1 000 of them
# the caller's.
#
# Alone: it measures times.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $messages = $ENV{SEARCH_MESSAGES} // 100_000;
BAIL_OUT('SEARCH_MESSAGES is less than 100 000') if $messages < 100_000;

my $node = PostgreSQL::Test::Cluster->new('search');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\nautovacuum = off\n"
    . "shared_preload_libraries = 'agent'\nshared_buffers = 512MB\nmax_wal_size = 4GB\n"
    . "session_preload_libraries = 'auto_explain'\nauto_explain.log_min_duration = -1\n"
    . "auto_explain.log_nested_statements = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', "CREATE EXTENSION agent CASCADE;
    SELECT agent_register('seeker\@example.com', 'seeker', 'password')");
my $token = $node->safe_psql('agent',
    q{SELECT access_token FROM agent_login('seeker@example.com', 'password')});

# Sentences with words as frequent as in real texts: the n-th one every n-th time. Half are
# English, half Chinese.
srand(20);
my @english = (qw(the of and to in is you that it he was for on are with as they be at one have this),
    qw(from or had by hot word but what some we can out other were all there when up use your how),
    qw(python database index search token session client server function vector), map { "word$_" } 1 .. 3000);
my @characters = map { my $c = chr(0x4e00 + $_ * 7 % 6000); utf8::encode($c); $c } 1 .. 2500;
my @chinese = ('的', '我们', '学习', '数据库', map { join('', map { $characters[ int(2500 ** rand) - 1 ] } 1 .. $_ % 3 + 1) } 1 .. 5000);
sub pick { return $_[ int(@_ ** rand) - 1 ] }
my @sentences = map { $_ % 2 ? join(' ', map { pick(@english) } 1 .. 12) . '.' : join('', map { pick(@chinese) } 1 .. 14) . '。' } 1 .. 10_000;
my $file = $node->basedir . '/sentences';
open(my $out, '>', $file) or die;
print $out map { "$_\n" } @sentences;
close($out);

# As many others as it takes, 1 000 messages each. A rare word is the seeker's alone.
$node->safe_psql('agent', "
    SET maintenance_work_mem = '512MB';
    SET session_replication_role = replica;
    CREATE TABLE sentence (n serial PRIMARY KEY, s text);
    COPY sentence (s) FROM '$file' (ENCODING 'UTF8');
    CREATE FUNCTION text_of(a int) RETURNS text LANGUAGE sql AS \$\$
        SELECT string_agg(s, ' ') FROM sentence WHERE n IN (a::bigint * 7919 % 10000 + 1, a::bigint * 104729 % 10000 + 1, a % 9973)
    \$\$;
    INSERT INTO agent.users (id, email, email_key, username, password_hash, created_at)
    SELECT gen_random_uuid(), n || '\@example.com', n || '\@example.com', 'other' || n, '', now()
    FROM generate_series(1, $messages / 1000 - 1) AS n;
    INSERT INTO agent.conversations (user_id, id, title, created_at, updated_at, message_count, next_seq)
    SELECT id, gen_random_uuid(), 'About ' || n, now(), now(), 100, 101 FROM agent.users, generate_series(1, 10) AS n;
    DROP INDEX agent.messages_search_idx;
    INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
    SELECT c.user_id, gen_random_uuid(), c.id, n, 'user', text_of((c.i * 100 + n)::int), now()
    FROM (SELECT row_number() OVER () AS i, * FROM agent.conversations) AS c, generate_series(1, 100) AS n;
    CREATE INDEX messages_search_idx ON agent.messages USING gin (user_id agent.owner_ops, search agent.search_ops);
    ANALYZE");
my $session = $node->background_psql('agent', on_error_stop => 0);
$session->query_safe("VACUUM agent.messages; SET agent.token = '$token';
    CREATE FUNCTION measure(query text, calls int) RETURNS float LANGUAGE plpgsql AS \$\$
    DECLARE
        begun timestamptz;
        times float[];
    BEGIN
        FOR n IN 1 .. calls LOOP
            begun := clock_timestamp();
            PERFORM agent_search(query);
            times[n] := extract(epoch FROM clock_timestamp() - begun) * 1e3;
        END LOOP;
        RETURN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(times) AS t);
    END
    \$\$");
is($session->query_safe("SELECT count(*) FROM agent.messages WHERE user_id = agent_uid()"), '1000',
    "the seeker has 1 000 of $messages messages");
is($session->query_safe('SELECT (agent_message_create(id, \'user\', \'Serendipity 缘分\')).seq FROM agent_conversations WHERE user_id = agent_uid() LIMIT 1'),
    '101', 'and one with a rare word');

# The functions run as the owner. Not forced on the owner, row security is as good as off.
sub row_security
{
    my $forced = shift() ? 'FORCE' : 'NO FORCE';
    $session->query_safe("ALTER TABLE agent.messages $forced ROW LEVEL SECURITY;
        ALTER TABLE agent.conversations $forced ROW LEVEL SECURITY");
}

my %query = ('a common word' => 'the', 'a rare word' => 'serendipity', 'one character' => '的',
    'two characters' => '学习', 'three characters' => '数据库', 'a phrase' => '"the of"',
    'two words' => 'python 数据库', 'a beginning' => 'serend*', 'without' => 'python -database',
    'a common beginning' => 'wo*', 'nothing' => 'nobodywritesthis');
foreach my $what (sort keys %query)
{
    my $text = $query{$what} =~ s/'/''/gr;
    my ($with, $without, $ratio);

    # In turn; the machine may be busy with something else.
    for my $try (1 .. 4)
    {
        my (@with, @without);
        foreach my $round (1 .. 3)
        {
            row_security(1);
            $session->query_safe("SELECT measure('$text', 3)");
            push @with, $session->query_safe("SELECT measure('$text', 9)");
            row_security(0);
            $session->query_safe("SELECT measure('$text', 3)");
            push @without, $session->query_safe("SELECT measure('$text', 9)");
        }
        ($with, $without) = map { (sort { $a <=> $b } @$_)[1] } \@with, \@without;
        $ratio = $with / $without;
        last if $ratio <= 3;
    }
    note(sprintf('%s: %.2f ms with row security, %.2f ms without, ratio %.2f', $what, $with, $without, $ratio));
    cmp_ok($ratio, '<=', 3, "$what: at most three times the time without row security");
}
row_security(1);

# What ran is in the log: under row security, with the index, and whose rows in its condition.
my $begun = -s $node->logfile;
$session->query_safe("DISCARD PLANS; LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
    SET auto_explain.log_analyze = on; SELECT agent_search('学习 the'); SET auto_explain.log_min_duration = -1");
my $plan = slurp_file($node->logfile, $begun);
like($plan, qr/Bitmap Index Scan on messages_search_idx.*\n.*Index Cond: .*user_id = .*agent\.@@/,
    'the index answers, with the caller in its condition');
unlike($plan, qr/Seq Scan on (messages|conversations)/, 'and nothing is read from end to end');
like($plan, qr/agent_uid\(\)/, 'under row security');

# A statement of one's own, as oneself, reads one's own messages: the index is asked by the
# operator alone, which might tell of others when its arguments are anybody's.
$session->query_safe('SET ROLE agent_user');
my $own = $session->query_safe("EXPLAIN SELECT id FROM agent.messages
        WHERE user_id = agent_uid() AND search @@ agent.search_query('数据库')");
unlike($own, qr/Index Cond: .*@@/, 'the built-in operator does not ask the index');
like($own, qr/Index Cond: .*user_id/, 'but for whose messages they are');
$session->query_safe('RESET ROLE');

# Writing, with the index and without it, in turn, at a steady state: the list of what is
# still to be put into the index has been full several times. Short messages and long ones.
my $talk = $session->query_safe("SELECT id FROM agent_conversation_create('Writing')");
$session->query_safe("CREATE TABLE texts (size text, n int, t text, PRIMARY KEY (size, n));
    INSERT INTO texts SELECT 'short', n, text_of(n + 500000) FROM generate_series(1, 3000) AS n;
    INSERT INTO texts SELECT 'long', n, string_agg(text_of(n * 16 + i + 600000), ' ')
    FROM generate_series(1, 1000) AS n, generate_series(1, 16) AS i GROUP BY n;
    CREATE PROCEDURE write(sort text, messages int) LANGUAGE plpgsql AS \$\$
    DECLARE
        content text;
    BEGIN
        FOR i IN 1 .. messages LOOP
            SELECT t INTO content FROM texts WHERE size = sort AND n = i;
            PERFORM agent_message_create('$talk', 'user', content);
            COMMIT;
        END LOOP;
    END
    \$\$;
    SET synchronous_commit = off;
    SET maintenance_work_mem = '512MB'");
my %count = (short => 3000, long => 800);
sub writing
{
    my $size = shift;
    my $begun = $session->query_safe('SELECT extract(epoch FROM clock_timestamp()) * 1000');
    $session->query_safe("CALL write('$size', $count{$size})");
    return ($session->query_safe('SELECT extract(epoch FROM clock_timestamp()) * 1000') - $begun) * 1000 / $count{$size};
}
my $definition = $session->query_safe("SELECT pg_get_indexdef('agent.messages_search_idx'::regclass)");
my %ratios = (short => [], long => []);
sub median { return (sort { $a <=> $b } @_)[ @_ / 2 ] }
for my $round (1 .. 5)
{
    my %with = map { $_ => writing($_) } qw(short long);
    $session->query_safe('DROP INDEX agent.messages_search_idx');
    my %without = map { $_ => writing($_) } qw(short long);
    $session->query_safe($definition);
    foreach my $size (qw(short long))
    {
        push @{ $ratios{$size} }, $with{$size} / $without{$size};
        note(sprintf('a %s message: %.0f us with the index, %.0f us without, ratio %.2f',
                $size, $with{$size}, $without{$size}, $ratios{$size}[-1]));
    }
    last if $round >= 3 && median(@{ $ratios{short} }) <= 2 && median(@{ $ratios{long} }) <= 2;
}
note('characters: ' . $session->query_safe("SELECT string_agg(size || ' ' || chars, ', ')
    FROM (SELECT size, avg(octet_length(t))::int AS chars FROM texts GROUP BY size) AS s"));
cmp_ok(median(@{ $ratios{$_} }), '<=', 2, "writing $_ messages takes at most twice the time without the index")
  foreach qw(short long);

# The largest message is accepted, and found by what its beginning says.
my $large = $session->query_safe("SELECT octet_length(content) FROM agent_message_create('$talk', 'assistant',
    'Leviathan 巨鲸 ' || repeat('数据库 database, ', 400000) || left(repeat('x', 388591), 8388608 - 8000019))");
cmp_ok($large, '>', 8_000_000, 'a message of 8 MB is accepted');
is($session->query_safe("SELECT string_agg((SELECT count(*) FROM unnest(p.items) AS i WHERE i.snippet LIKE '%Leviathan%')::text, ',')
    FROM unnest(ARRAY['leviathan', '巨鲸', '巨', 'leviathan 数据库']) AS q, agent_search(q) AS p"), '1,1,1,1', 'and found');

$session->quit;
$node->stop;
done_testing();
