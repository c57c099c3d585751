# A hundred clients that send the same request at once: it is done once, and all get the
# same answer.
#
# Failures this catches: two that both find no key and both create, one that is answered
# before the other's work is there, a failure of one that the others are told of, a key
# by which a password could be searched for.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 100;

my $node = PostgreSQL::Test::Cluster->new('idempotency');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'agent'
    agent.password_hash_cost = 10
    max_connections = 150\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', "CREATE EXTENSION agent CASCADE;
    SELECT agent_register('many\@example.com', 'many', 'password')");
my $token = $node->safe_psql('agent',
    q{SELECT access_token FROM agent_login('many@example.com', 'password')});
my $talk = $node->safe_psql('agent',
    "SET agent.token = '$token'; SELECT id FROM agent_conversation_create('Talk')");

# Sends a request from all clients at once, and returns the different answers with how
# many got each. They begin together, when a lock that all of them wait for is released.
sub answers
{
    my ($call) = @_;
    my $gate = $node->background_psql('agent');
    my $file = $node->basedir . '/request.sql';
    my (@runs, @outputs, %answers);

    unlink $file;
    append_to_file($file, "SET agent.token = '$token';
        SELECT pg_advisory_lock_shared(1) \\gset
        SELECT to_jsonb(a) FROM $call AS a;\n");
    $gate->query_safe('SELECT pg_advisory_lock(1)');
    foreach my $n (1 .. $clients)
    {
        my $output = '';
        push @outputs, \$output;
        push @runs, IPC::Run::start([ 'psql', '-XAtq', '-f', $file, '-d', $node->connstr('agent') ],
            '<', \undef, '>', \$output, '2>&1');
    }
    $node->poll_query_until('agent',
        q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'}, $clients);
    $gate->quit;
    $_->finish foreach @runs;
    $answers{$$_}++ foreach @outputs;
    return %answers;
}

# Asks all clients, and expects one answer that is an object.
sub one_answer
{
    my ($name, $call) = @_;
    my %answers = answers($call);

    is_deeply([ values %answers ], [$clients], "$name: all answers are the same")
      or diag(join "\n", %answers);
    like((keys %answers)[0], qr/^\{.*"id": /, "$name: the answer is what was created");
}

one_answer('agent_conversation_create',
    q{agent_conversation_create('Once', 'Hello', '{a}', '{"b": 1}', 'key 1')});
is($node->safe_psql('agent', q{SELECT count(*), sum(message_count) FROM agent.conversations WHERE title = 'Once'}),
    '1|1', 'agent_conversation_create: done once');

one_answer('agent_message_create', "agent_message_create('$talk', 'user', 'Once', '{}', 'key 2')");
is($node->safe_psql('agent', "SELECT count(*) FROM agent.messages WHERE conversation_id = '$talk'"),
    '1', 'agent_message_create: done once');
is($node->safe_psql('agent', "SELECT message_count, next_seq FROM agent.conversations WHERE id = '$talk'"),
    '1|2', 'agent_message_create: counted once');

one_answer('agent_register', q{agent_register('once@example.com', 'once', 'password', 'key 3')});
is($node->safe_psql('agent', q{SELECT count(*) FROM agent.users WHERE username = 'once'}),
    '1', 'agent_register: done once');
is($node->safe_psql('agent', q{SELECT count(*) FROM agent.audit WHERE event = 'register'}),
    '2', 'agent_register: told once');
is($node->safe_psql('agent', 'SELECT count(*) FROM agent.idempotency_keys'), '3', 'one row for each key');

# Requests that differ: one is done, and all others are refused.
my %answers = answers(q{agent_conversation_create('Of ' || pg_backend_pid(), idempotency_key => 'key 4')});
is($node->safe_psql('agent', q{SELECT count(*) FROM agent.conversations WHERE title LIKE 'Of %'}),
    '1', 'of different requests one is done');
is(scalar(grep { /^\{/ } keys %answers), 1, 'and one is answered');
my ($refusal) = grep { !/^\{/ } keys %answers;
like($refusal, qr/ERROR:  idempotency key was used for another request\nHINT:  Use a new key/, 'the others are refused');
is($answers{$refusal}, $clients - 1, 'all of them');

# Whoever knows a key cannot try passwords by it any faster than by logging in.
my $tries = '';
foreach my $n (1 .. 12)
{
    my ($rc, $out, $err) = $node->psql('agent',
        "SELECT agent_register('once\@example.com', 'once', 'guess $n', 'key 3')");
    $tries .= $err =~ /used for another/ ? 'm' : $err =~ /too many requests/ ? 'r' : '?';
}
like($tries, qr/^m{10}r+$/, 'guesses at a password by its key are limited');
my ($rc, $out, $err) = $node->psql('agent',
    q{SELECT agent_login('once@example.com', 'guess')});
like($err, qr/too many requests/, 'by the same count as logins');

# A key is gone after a crash only if what was done is gone, too.
$node->stop('immediate');
$node->start;
is($node->safe_psql('agent', "SET agent.token = '$token'; SELECT message_count FROM
        agent_conversation_create('Once', 'Hello', '{a}', '{\"b\": 1}', 'key 1');
        SELECT count(*) FROM agent.conversations WHERE title = 'Once'"),
    "1\n1", 'after a crash the key still gives its answer');

$node->stop;
done_testing();
