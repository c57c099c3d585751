# Parallel workers see the rows of the person whose token their leader has.
#
# Failures this catches: an identity that does not reach a worker (rows are
# missing), one that a worker makes up (rows too many), an error in a worker that
# crashes it or is lost.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('parallel');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', q{
agent.password_hash_cost = 10
max_worker_processes = 16
max_parallel_workers = 16
max_parallel_workers_per_gather = 2
min_parallel_table_scan_size = 0
min_parallel_index_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', 'CREATE EXTENSION agent CASCADE;
    ALTER ROLE agent_authenticator LOGIN');

# Two people with many messages, written past the functions for speed.
my %count = (alice => 20_000, bob => 21_000);
my (%token, %conversation);
foreach my $name (sort keys %count)
{
    $node->safe_psql('agent', "SELECT agent_register('$name\@example.com', '$name', 'password')");
    $token{$name} = $node->safe_psql('agent',
        "SELECT access_token FROM agent_login('$name\@example.com', 'password')");
    $conversation{$name} = $node->safe_psql('agent',
        "SET ROLE agent_user; SET agent.token = '$token{$name}';
         SELECT id FROM agent_conversation_create('of $name')");
    $node->safe_psql('agent',
        "INSERT INTO agent.messages
             (user_id, id, conversation_id, seq, role, content, created_at)
         SELECT user_id, gen_random_uuid(), id, n, 'user', '$name ' || n, now()
         FROM agent.conversations, generate_series(1, $count{$name}) AS n
         WHERE id = '$conversation{$name}';
         UPDATE agent.conversations
         SET message_count = $count{$name}, next_seq = $count{$name} + 1
         WHERE id = '$conversation{$name}'");
}
$node->safe_psql('agent', 'VACUUM ANALYZE');

# Runs statements as a signed-in web client, in a transaction of their own.
sub as_user
{
    my ($set, $sql) = @_;
    my ($ret, $out, $err) = $node->psql('agent',
        "\\set VERBOSITY sqlstate
         BEGIN; SET LOCAL ROLE agent_user; $set $sql; COMMIT",
        extra_params => [ '-U', 'agent_authenticator' ], on_error_stop => 0);

    return $err =~ /ERROR:  (\w+)/ ? $1 : $out;
}

# How many workers ran a statement.
sub workers
{
    my ($set, $sql) = @_;
    my $plan = as_user($set, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $sql");

    return $plan =~ /Workers Launched: (\d+)/ ? $1 : "none:\n$plan";
}

# Both ways a token comes in: our setting, and PostgREST's copy of the headers.
# The leader counts nothing itself, so what is counted was seen by workers: two, or
# one where the planner sees no use in two and is forced.
my %how = (
    'agent.token' => sub { "SET LOCAL agent.token = '$_[0]';" },
    'request.headers' => sub {
        "SET LOCAL request.headers = '{\"authorization\":\"Bearer $_[0]\"}';"
    });
my $workers_only = 'SET LOCAL parallel_leader_participation = off;'
    . ($node->safe_psql('agent', 'SHOW server_version_num') >= 160000
        ? 'SET LOCAL debug_parallel_query = on;'
        : 'SET LOCAL force_parallel_mode = on;');
my %statement = (
    'the view' => sub { 'SELECT count(*) FROM agent_messages' },
    'the view, filtered' => sub { q{SELECT count(*) FROM agent_messages WHERE content LIKE '% %'} },
    'the list function' => sub {
        "SELECT count(*) FROM agent_message_list('$conversation{$_[0]}')"
    });

foreach my $way (sort keys %how)
{
    foreach my $name (sort keys %count)
    {
        my $set = $workers_only . $how{$way}->($token{$name});

        foreach my $what (sort keys %statement)
        {
            my $sql = $statement{$what}->($name);

            # Each person's own, all of them, and by workers.
            like(workers($set, $sql), $what eq 'the list function' ? qr/^[12]$/ : qr/^2$/,
                "$what as $name by $way: workers run");
            is(as_user($set, $sql), $count{$name}, "$what as $name by $way: rows");
        }

        # The other one's conversation is not there for a worker either.
        my ($other) = grep { $_ ne $name } keys %count;
        is(as_user($set, $statement{'the list function'}->($other)),
            'P0002', "the other's list as $name by $way");
    }
}

# No token: no rows, and lists say so.
like(workers($workers_only, 'SELECT count(*) FROM agent_messages'),
    qr/^[12]$/, 'without a token: workers run');
is(as_user($workers_only, 'SELECT count(*) FROM agent_messages'), '0', 'without a token: no rows');
is(as_user($workers_only, $statement{'the list function'}->('alice')),
    '28000', 'without a token: no list');

# A bad token is an error in a worker as it is in the leader.
is( as_user($workers_only . $how{'agent.token'}->("$token{alice}x"),
        'SELECT count(*) FROM agent_messages'),
    '28000', 'a bad token');

# Everything at once that a worker may run.
my $everything = q{SELECT agent_uid() = c.user_id, c.title, u.username
    FROM agent_conversations AS c, agent_users AS u};
like(workers($workers_only . $how{'agent.token'}->($token{bob}), $everything),
    qr/^[12]$/, 'everything: workers run');
is(as_user($workers_only . $how{'agent.token'}->($token{bob}), $everything),
    't|of bob|bob', 'everything in a worker');

# Two people in turn in one session: workers of the second are not the first.
is( as_user($workers_only,
        "SET LOCAL agent.token = '$token{alice}'; SELECT count(*) FROM agent_messages;
         SET LOCAL agent.token = '$token{bob}'; SELECT count(*) FROM agent_messages"),
    "20000\n21000", 'two people in turn');

# A session that has ended is refused by workers, and only that one.
$node->safe_psql('agent', q{UPDATE agent.sessions SET ended_at = now()
    WHERE user_id = (SELECT id FROM agent.users WHERE username = 'alice')});
foreach my $what (sort keys %statement)
{
    is(as_user($workers_only . $how{'agent.token'}->($token{alice}), $statement{$what}->('alice')),
        '28000', "$what in a session that has ended");
}
is(as_user($workers_only . $how{'agent.token'}->($token{bob}), $statement{'the view'}->('bob')),
    '21000', 'another session goes on');

# Nothing crashed on the way.
ok(!$node->log_contains('was terminated by signal'), 'no process crashed');

$node->stop;
done_testing();
