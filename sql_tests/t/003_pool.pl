# A pool that gives one server connection to many clients, a transaction each, or a
# session each, with prepared statements, and agent-httpd behind it.
#
# Failures this catches: an identity that outlives its transaction, in a static,
# in a setting or in a plan, and is handed to the next client of the connection; one
# that a session leaves behind to the next session.

use strict;
use warnings;

use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'pgbouncer is not installed' unless defined $pgbouncer;

my $node = PostgreSQL::Test::Cluster->new('pool');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', 'CREATE EXTENSION agent CASCADE;
    ALTER ROLE agent_authenticator LOGIN');

my (%token, %uid);
foreach my $name (qw(alice bob))
{
    $uid{$name} = $node->safe_psql('agent',
        "SELECT id FROM agent_register('$name\@example.com', '$name', 'password')");
    $token{$name} = $node->safe_psql('agent',
        "SELECT access_token FROM agent_login('$name\@example.com', 'password')");
    $node->safe_psql('agent',
        "SET ROLE agent_user; SET agent.token = '$token{$name}';
         SELECT agent_conversation_create('of $name', 'message of $name')");
}

# From 1.21 on it carries prepared statements of the protocol through transactions.
my ($major, $minor) = (run_command([ $pgbouncer, '--version' ]))[0] =~ /(\d+)\.(\d+)/;
my $prepares = $major > 1 || $minor >= 21;
my $prepared = $prepares ? 'max_prepared_statements = 100' : '';

# The pool: one server connection, shared by the transaction; and another by the session.
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$dir/pgbouncer.ini",
    "[databases]
agent = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=agent
session = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=agent pool_mode=session
httpd = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=agent pool_mode=session pool_size=4
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users
pool_mode = transaction
default_pool_size = 1
$prepared
logfile = $dir/log
");
append_to_file("$dir/users", qq{"agent_authenticator" ""\n});
my $pool = IPC::Run::start([ $pgbouncer, '-q', "$dir/pgbouncer.ini" ], '<', \'', '>', "$dir/out",
    '2>', "$dir/err");

my $connstr = "host=$dir port=$port dbname=agent user=agent_authenticator";
my $up = 0;
foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
    last if $up = IPC::Run::run([ 'psql', '-X', '-q', '-d', $connstr, '-c', 'SELECT' ],
        '>', \my $out, '2>', \my $err);
    select(undef, undef, undef, 0.1);
}
ok($up, 'the pool is up') or BAIL_OUT(slurp_file("$dir/log"));

# A client of the pool: a psql that goes on after errors.
sub client
{
    my ($database) = @_;
    return $node->background_psql('agent', on_error_stop => 0,
        extra_params => [ '-d', $connstr . ($database ? " dbname=$database" : '') ]);
}

# Runs statements; an error is answered by its SQLSTATE.
sub run
{
    my ($client, $sql) = @_;
    my $answer = $client->query("\\set VERBOSITY sqlstate\n$sql");
    my ($state) = ($client->{stderr} // '') =~ /ERROR:  (\w+)/;

    $client->{stderr} = '';
    return defined $state ? $state : $answer;
}

# What a client sees that has said nothing: no identity, no rows, no lists.
sub sees_nothing
{
    my ($client, $when) = @_;

    is(run($client, 'BEGIN; SET LOCAL ROLE agent_user; SELECT agent_uid() IS NULL; COMMIT'),
        't', "$when: nobody");
    is( run($client, 'BEGIN; SET LOCAL ROLE agent_user;
            SELECT (SELECT count(*) FROM agent_messages),
                (SELECT count(*) FROM agent_conversations),
                (SELECT count(*) FROM agent_users); COMMIT'),
        '0|0|0', "$when: no rows");
    is(run($client, 'BEGIN; SET LOCAL ROLE agent_user; SELECT agent_me()'),
        '28000', "$when: not authenticated");
    run($client, 'ROLLBACK');
    is(run($client, 'BEGIN; SET LOCAL ROLE agent_user; SELECT * FROM agent_conversation_list()'),
        '28000', "$when: no list");
    run($client, 'ROLLBACK');
}

my %begin;
foreach my $name (qw(alice bob))
{
    $begin{$name} = "BEGIN; SET LOCAL ROLE agent_user; SET LOCAL agent.token = '$token{$name}';";
}
my $whoami = q{SELECT (SELECT string_agg(content, ',') FROM agent_messages),
    (agent_me()).username;};

my $one = client();
my $two = client();
my $pid = run($one, 'SELECT pg_backend_pid()');

# Without this the rest would prove nothing: they do share a connection.
is(run($two, 'SELECT pg_backend_pid()'), $pid, 'both clients have the same server connection');

# In turn: each is who they say, in plans they share, and nobody when they say nothing.
foreach my $round (1 .. 3)
{
    is(run($one, "$begin{alice} $whoami COMMIT"), 'message of alice|alice', "one is alice, $round");
    sees_nothing($two, "after a commit, $round");
    is(run($two, "$begin{bob} $whoami COMMIT"), 'message of bob|bob', "two is bob, $round");
    sees_nothing($one, "after the other's commit, $round");
}

# agent_authenticate() is for its transaction too.
is( run($one, "BEGIN; SET LOCAL ROLE agent_user; SELECT agent_authenticate('$token{alice}');
        $whoami COMMIT"),
    "$uid{alice}\nmessage of alice|alice", 'one is alice by agent_authenticate');
sees_nothing($two, 'after agent_authenticate');

# Outside a transaction block it verifies and leaves nothing behind.
is(run($one, "SELECT agent_authenticate('$token{alice}')"),
    '42501', 'a role with nothing of its own');
is( run($one, "BEGIN; SET LOCAL ROLE agent_anon;
        SELECT agent_authenticate('$token{alice}'); COMMIT"),
    $uid{alice}, 'agent_authenticate as agent_anon');
sees_nothing($two, 'after agent_authenticate of another role');

# A rollback, of all or to a savepoint, ends it.
is(run($one, "$begin{alice} $whoami ROLLBACK"), 'message of alice|alice', 'one before a rollback');
sees_nothing($two, 'after a rollback');
is( run($one, "BEGIN; SET LOCAL ROLE agent_user; SAVEPOINT s;
        SET LOCAL agent.token = '$token{alice}'; $whoami
        ROLLBACK TO s; SELECT agent_uid() IS NULL; COMMIT"),
    "message of alice|alice\nt", 'one before and after ROLLBACK TO');
sees_nothing($two, 'after ROLLBACK TO');

# An error ends it: outside our functions and inside them.
is(run($one, "$begin{alice} SELECT 1 / (count(*) - 1) FROM agent_messages"), '22012', 'an error');
run($one, 'ROLLBACK');
sees_nothing($two, 'after an error');
is(run($one, "$begin{alice} SELECT agent_conversation_get('$uid{alice}')"),
    'P0002', 'our own error');
run($one, 'ROLLBACK');
sees_nothing($two, 'after an error of ours');
is(run($one, "BEGIN; SET LOCAL ROLE agent_user; SET LOCAL agent.token = 'x'; SELECT agent_uid()"),
    '28000', 'a bad token');
run($one, 'ROLLBACK');
is(run($two, "$begin{bob} $whoami COMMIT"), 'message of bob|bob', 'two after a bad token');

is(run($two, 'SELECT pg_backend_pid()'), $pid, 'all of that was on the one connection');

# While one is in the middle of a transaction the other waits, and then is not one.
is(run($one, "$begin{alice} $whoami"),
    'message of alice|alice', 'one in the middle of a transaction');
$two->query_until(qr/asked/, "\\echo asked\nBEGIN; SET LOCAL ROLE agent_user;"
        . " SELECT coalesce(agent_uid()::text, 'nobody'); COMMIT;\n\\echo answered\n");
is(run($one, "$whoami COMMIT"), 'message of alice|alice', 'one still is alice, then commits');
like($two->query_until(qr/answered/, ''), qr/^nobody$/m, 'two waited and is nobody');

# One is cut off in the middle of a transaction.
my $lost = client();
is(run($lost, "$begin{alice} $whoami"),
    'message of alice|alice', 'a client that is about to be lost');
$lost->{run}->kill_kill(grace => 0);
sees_nothing($two, 'after a client was lost in its transaction');
is(run($two, "$begin{bob} $whoami COMMIT"), 'message of bob|bob', 'two is bob');

# A statement that one has prepared is another's too, who is not one by that.
is( run($one, "PREPARE mine AS SELECT (agent_me()).username, (SELECT string_agg(content, ',') FROM agent_messages);
        $begin{alice} EXECUTE mine; COMMIT"),
    'alice|message of alice', 'SQL PREPARE');
is(run($two, "$begin{bob} EXECUTE mine; COMMIT"), 'bob|message of bob', 'the same plan for another');
is(run($two, 'BEGIN; SET LOCAL ROLE agent_user; EXECUTE mine'), '28000', 'and for nobody');
run($two, 'ROLLBACK; DEALLOCATE mine');

$one->quit;
$two->quit;

# Runs a pgbench of both at a time, who prepare what they ask; each must see what is theirs.
sub bench
{
    my ($database, $mode, $clients, $name, @options) = @_;
    my @files;

    foreach my $who (qw(alice bob))
    {
        append_to_file("$dir/$mode-$database-$who", "BEGIN;
SET LOCAL ROLE agent_user;
SELECT agent_authenticate('$token{$who}');
SELECT 1 / ((SELECT username FROM agent_me()) = '$who'
    AND (SELECT string_agg(content, ',') FROM agent_messages) = 'message of $who')::integer;
COMMIT;
BEGIN;
SET LOCAL ROLE agent_user;
SELECT 1 / (agent_uid() IS NULL AND NOT EXISTS (SELECT FROM agent_messages))::integer;
COMMIT;
");
        push @files, '-f', "$dir/$mode-$database-$who";
    }
    # A thread for each: pgbench waits while it prepares, and in one thread for a transaction that it has open itself.
    my $done = IPC::Run::run([ 'pgbench', '-n', '-M', $mode, '-c', $clients, '-j', $clients, '-t', 25, @options, @files, "$connstr dbname=$database" ],
        '>', \my $out, '2>', \my $err);
    ok($done && $out =~ m{: @{[ 25 * $clients ]}/@{[ 25 * $clients ]}\b}, $name) or diag("$out\n$err");
}
bench('agent', 'extended', 4, 'transactions of the extended protocol');
SKIP:
{
    skip "PgBouncer $major.$minor has no prepared statements in transaction mode", 1 unless $prepares;
    bench('agent', 'prepared', 4, 'prepared statements of the protocol, in transactions');
}
bench('session', 'prepared', 1, 'prepared statements of the protocol, in sessions that follow each other', '-C');

# Sessions: one keeps its identity, and its statements, until it ends; the next has neither.
sub in_session
{
    my ($sql) = @_;
    my $client = client('session');
    my $answer = run($client, $sql);
    my $backend = run($client, 'RESET ROLE; SELECT pg_backend_pid()');

    $client->quit;
    return wantarray ? ($answer, $backend) : $answer;
}
my ($answer, $backend) = in_session("SET ROLE agent_user; SET agent.token = '$token{alice}';
    PREPARE mine AS $whoami EXECUTE mine");
is($answer, 'message of alice|alice', 'an identity for a session');
is_deeply([ in_session('SELECT current_user, coalesce(current_setting(\'agent.token\', true), \'\')') ],
    [ 'agent_authenticator|', $backend ], 'is gone in the next, on the same connection');
is(in_session('SET ROLE agent_user; EXECUTE mine'), '26000', 'with the statement that was prepared');
is(in_session("SET ROLE agent_user; $whoami"), '28000', 'and nobody is signed in');
is(in_session('SET ROLE agent_user; SELECT (SELECT count(*) FROM agent_messages), agent_uid() IS NULL'),
    '0|t', 'who sees anything');
is(in_session("SET ROLE agent_user; SET agent.token = '$token{bob}'; PREPARE mine AS $whoami EXECUTE mine"),
    'message of bob|bob', 'another person comes next');
is(in_session("BEGIN; SET ROLE agent_user; SET agent.token = '$token{alice}'; SELECT 1 / 0"),
    '22012', 'a session that ends in a transaction which failed');
is(in_session("SET ROLE agent_user; $whoami"), '28000', 'leaves nothing either');

# What makes it so is PgBouncer's server_reset_query: without it one is who was there before.
my $direct = $node->background_psql('agent', on_error_stop => 0);
run($direct, "SET ROLE agent_user; SET agent.token = '$token{alice}'; $whoami");
is(run($direct, $whoami), 'message of alice|alice', 'without a reset the identity stays');
run($direct, 'DISCARD ALL');
is(run($direct, "SET ROLE agent_user; $whoami"), '28000', 'DISCARD ALL ends it');
$direct->quit;

# agent-httpd, which prepares its statement once for a connection.
sub http
{
    my ($port, $method, $path, $body, $token) = @_;
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5) or return '';

    print $client join("\r\n", "$method $path HTTP/1.1", 'Host: test', 'Connection: close',
        'Content-Length: ' . length $body, $token ? "Authorization: Bearer $token" : (), '', $body);
    local $/;
    return <$client> =~ s{\AHTTP/1.1 (\d+).*?\r\n\r\n}{$1 }sr;
}
SKIP:
{
    my $program = $ENV{AGENT_HTTPD} || 'gateway/httpd/agent-httpd';

    skip "$program is not built", 1 unless -x $program;
    my ($http, @missing) = (PostgreSQL::Test::Cluster::get_free_port());
    foreach my $database ('httpd', $prepares ? 'agent' : ())
    {
        my $gateway = IPC::Run::start([ $program, '--schema', 'public', '--listen', "127.0.0.1:$http,connections=4",
                '--database', "$connstr dbname=$database options=''" ], '<', \'', '>', '/dev/null', '2>', "$dir/httpd.$database");

        foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
        {
            last if http($http, 'GET', '/ready', '') =~ /^200/;
            select(undef, undef, undef, 0.05);
        }
        foreach my $round (1 .. 8)
        {
            foreach my $name (qw(alice bob))
            {
                push @missing, "$database $name $round"
                  unless http($http, 'GET', '/auth/me', '', $token{$name}) =~ /^200 .*"username":"$name"/;
            }
            push @missing, "$database nobody $round" unless http($http, 'GET', '/auth/me', '') =~ /^401 /;
        }
        $gateway->signal('TERM');
        $gateway->finish;
    }
    is("@missing", '', 'agent-httpd: everybody is themselves') or diag(map { slurp_file($_) } glob "$dir/httpd.*");
}

$pool->signal('TERM');
$pool->finish;
$node->stop;
done_testing();
