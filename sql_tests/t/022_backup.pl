# A base backup taken while messages are written, and recovery to a point in time.
#
# Failures this catches: an acknowledged message that the backup has not, counters and
# computed columns that do not agree with the rows, a server made of it that nobody can
# use, one that goes past the point it was to stop at.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = PostgreSQL::Test::Cluster->new('source');
$source->init(allows_streaming => 1, has_archiving => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
$source->append_conf('postgresql.conf', "shared_preload_libraries = 'agent'\nagent.password_hash_cost = 10\n");
$source->start;
$source->safe_psql('postgres', 'CREATE DATABASE mydb');
$source->safe_psql('mydb', q{CREATE SCHEMA api; CREATE EXTENSION pgcrypto; CREATE EXTENSION agent SCHEMA api;
    SELECT api.agent_register('ann@example.com', 'ann', 'password')});
my $token = $source->safe_psql('mydb', q{SELECT access_token FROM api.agent_login('ann@example.com', 'password')});

sub as_ann
{
    my ($node, $sql) = @_;
    return $node->safe_psql('mydb', "SET ROLE agent_user; SET agent.token = '$token'; $sql");
}
my $conversation = as_ann($source, q{SELECT id FROM api.agent_conversation_create('busy')});

# One that writes without a pause, each message in a transaction, and says what was acknowledged.
my $dir = PostgreSQL::Test::Utils::tempdir();
my $one = "SELECT 'seq ' || (api.agent_message_create('$conversation', 'user', 'heron ' || :n)).seq;\n";
my $script = "SET ROLE agent_user;\nSET agent.token = '$token';\n" . join('', map { $one =~ s/:n/$_/r } 1 .. 20_000);
append_to_file("$dir/script", $script);
my $writer = IPC::Run::start([ 'psql', '-XAtq', '-d', $source->connstr('mydb'), '-f', "$dir/script" ],
    '>', "$dir/acknowledged", '2>', "$dir/err");

sub acknowledged
{
    my @seq = slurp_file("$dir/acknowledged") =~ /^seq (\d+)$/mg;
    return $seq[-1] // 0;
}
sub wait_for
{
    my ($count) = @_;

    foreach (1 .. 20 * $PostgreSQL::Test::Utils::timeout_default)
    {
        return 1 if -e "$dir/acknowledged" && acknowledged() >= $count;
        select(undef, undef, undef, 0.05);
    }
    return 0;
}
ok(wait_for(50), 'messages are written');
my $began = acknowledged();
$source->backup('base', backup_options => [ '--checkpoint=fast' ]);
# psql's file may be behind what was acknowledged, never ahead of it.
my $backed_up = acknowledged();
cmp_ok($backed_up, '>', $began, 'while the backup is made, too');
ok(wait_for($backed_up + 50), 'and after it');
$writer->kill_kill;
$source->poll_query_until('mydb', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%agent_message_create%'
    AND state = 'active' AND pid <> pg_backend_pid())") or die 'the writer does not end';

# A point to come back to, and what must not come back with it.
my $at_the_point = as_ann($source, 'SELECT count(*) FROM api.agent_messages');
$source->safe_psql('mydb', q{SELECT pg_create_restore_point('before the accident')});
as_ann($source, "SELECT api.agent_conversation_delete('$conversation')");
$source->safe_psql('mydb', 'SELECT pg_switch_wal()');

# All is in order in a server: counts, numbers, what searches look at, the token, a new message.
sub in_order
{
    my ($node, $what) = @_;

    is( $node->safe_psql('mydb', q{SELECT count(*) FROM agent.conversations AS c
            WHERE (message_count, next_seq - 1, message_count) IS DISTINCT FROM
                (SELECT (count(*), max(seq), count(DISTINCT seq)) FROM agent.messages AS m
                 WHERE m.user_id = c.user_id AND m.conversation_id = c.id)}),
        0, "$what: counters agree with the messages");
    is($node->safe_psql('mydb', 'SELECT count(*) FROM agent.messages WHERE search <> agent.search_document(content)'),
        0, "$what: so does what searches look at");
    is(as_ann($node, q{SELECT min(snippet) FROM api.agent_search('"heron 7"'), unnest(items)}),
        '<mark>heron</mark> <mark>7</mark>', "$what: which finds, with the token of before");
    is($node->safe_psql('mydb', q{SELECT string_agg("check" || detail, ', ') FROM api.agent_doctor() WHERE status = 'error'}),
        '', "$what: the doctor finds nothing that is wrong");
    my $last = $node->safe_psql('mydb', 'SELECT max(seq) FROM agent.messages');
    is(as_ann($node, "SELECT (api.agent_message_create('$conversation', 'user', 'next')).seq"), $last + 1,
        "$what: the next message has the next number");
}

my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($source, 'base');
$copy->start;
cmp_ok($copy->safe_psql('mydb', 'SELECT count(*) FROM agent.messages'), '>=', $began,
    'the backup has what was acknowledged before it');
in_order($copy, 'the backup');
$copy->stop('immediate');

my $point = PostgreSQL::Test::Cluster->new('point');
$point->init_from_backup($source, 'base', has_restoring => 1, standby => 0);
$point->append_conf('postgresql.conf', "recovery_target_name = 'before the accident'\nrecovery_target_action = 'promote'\n");
$point->start;
$point->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'recovery does not end';
is($point->safe_psql('mydb', 'SELECT count(*) FROM agent.messages'), $at_the_point,
    'the point has every message of its time, and the conversation that was deleted after it');
in_order($point, 'the point');
$point->stop('immediate');
$source->stop('immediate');
done_testing();
