# Turns at hashing: as many as may, in order, and every place is given back.
#
# Failures this catches: more hashes at once than may be, a queue without end, a place that
# a cancel, a time-out or a killed session keeps, a change of the settings that waits for a
# restart, reads that starve while logins come in floods.
#
# Alone: it measures times.

use strict;
use warnings;

use List::Util qw(max min);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('hashing');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
# A hash takes a second or so: long enough to be watched.
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 14
agent.hash_concurrency = 1
agent.hash_queue = 3
agent.login_account_interval = 0
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', 'CREATE EXTENSION agent CASCADE');

# Sets settings for all sessions, by a reload.
sub configure
{
    my %settings = @_;

    $node->safe_psql('postgres', "ALTER SYSTEM SET $_ = '$settings{$_}'") foreach keys %settings;
    $node->reload;
    foreach my $name (keys %settings)
    {
        $node->poll_query_until('agent', "SELECT setting = '$settings{$name}' FROM pg_settings WHERE name = '$name'")
          or die "$name is not taken over";
    }
    return;
}

sub state_is
{
    my ($wanted, $what) = @_;

    ok($node->poll_query_until('agent',
            'SELECT hash_running, hash_waiting FROM agent.shared_state()', $wanted), $what);
    return;
}

# Who only waits need not hash for long afterwards.
my $cheap = 'SET agent.password_hash_cost = 10; ';

# Begins a login in a session of its own, with settings of its own.
sub begin_login
{
    my ($before) = @_;
    my %run = (out => '', err => '', began => time);

    my $sql = ($before // '') . "SELECT 'pid ' || pg_backend_pid(); SELECT agent_login('nobody\@example.com', 'wrong');\n";
    $run{handle} = IPC::Run::start(
        [ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('agent'), '-f', '-' ],
        '<', \$sql, '>', \$run{out}, '2>', \$run{err});
    IPC::Run::pump($run{handle}) until $run{out} =~ /pid (\d+)/ || !$run{handle}->pumpable;
    ($run{pid}) = $run{out} =~ /pid (\d+)/;
    return \%run;
}

sub end_login
{
    my ($run) = @_;

    IPC::Run::finish($run->{handle});
    $run->{took} = time - $run->{began};
    return $run->{err} =~ /(?:ERROR|FATAL):  (\w{5})/ ? $1 : $run->{err};
}

# One hashes, three wait, the next is told to come again.
my @runs = (begin_login());
state_is('1|0', 'one hashes');
push @runs, map { begin_login($cheap) } 1 .. 3;
state_is('1|3', 'one hashes, three wait');
my (undef, undef, $err) = $node->psql('agent', "SELECT agent_login('nobody\@example.com', 'wrong')");
like($err, qr/ERROR:  too many passwords are being checked\n.*HINT:  Try again in \d+ s\./s, 'the next is told to come again');
like($node->safe_psql('agent', q{SELECT status, (headers ->> 'retry-after')::integer BETWEEN 1 AND 60, convert_from(body, 'UTF8')
        FROM agent_http('POST', '/auth/login', NULL, '{}', '{"email": "a@example.com", "password": "wrong"}')}),
    qr/^503\|t\|\{"detail":"Too many passwords are being checked"\}$/, 'over HTTP too, and when');
(undef, undef, $err) = $node->psql('agent', "SELECT agent_register('new\@example.com', 'new', 'password')");
like($err, qr/too many passwords/, 'a registration too');
is($node->safe_psql('agent', "SELECT count(*) FROM agent.users"), '0', 'of which nothing is left');
is(end_login($_), '28P01', 'those who waited got their answer') foreach @runs;
state_is('0|0', 'all places are free');

# Whoever is sent away has not tried: the attempt does not count.
configure('agent.hash_queue' => 0, 'agent.login_account_burst' => 2, 'agent.login_account_interval' => 3600000);
my $first = begin_login();
state_is('1|0', 'one hashes');
foreach (1 .. 4)
{
    (undef, undef, $err) = $node->psql('agent', "SELECT agent_login('somebody\@example.com', 'wrong')");
    like($err, qr/too many passwords/, 'somebody is sent away');
}
end_login($first);
(undef, undef, $err) = $node->psql('agent', "SELECT agent_login('somebody\@example.com', 'wrong')");
like($err, qr/incorrect email/, 'and may try afterwards');
configure('agent.hash_queue' => 8, 'agent.login_account_interval' => 0);

# In the order of arrival: each ends before the next one. Those that wait take long enough
# for a look at those that are left.
@runs = ();
foreach (0 .. 5)
{
    push @runs, begin_login(@runs ? 'SET agent.password_hash_cost = 12; ' : '');
    state_is('1|' . ($#runs), 'one more waits');
}
foreach my $run (@runs)
{
    end_login($run);
    $run->{ended} = $node->safe_psql('agent', 'SELECT hash_waiting FROM agent.shared_state()');
}
is_deeply([ map { $_->{ended} > 0 ? $_->{ended} : 0 } @runs ], [ 4, 3, 2, 1, 0, 0 ], 'they are let in in the order of arrival');
configure('agent.hash_queue' => 3);

# Nobody keeps a turn who waits for a lock: the hash of a login is stored afterwards.
configure('agent.password_hash_cost' => 10);
$node->safe_psql('agent', "SELECT agent_register('old\@example.com', 'old', 'password')");
configure('agent.password_hash_cost' => 11);
my $holder = $node->background_psql('agent', on_error_stop => 1);
$holder->query_safe("BEGIN; SELECT FROM agent.users WHERE username = 'old' FOR UPDATE");
my $out = '';
my $renewing = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('agent'),
        '-c', "SELECT token_type FROM agent_login('old\@example.com', 'password')" ], '>', \$out);
ok($node->poll_query_until('agent', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"),
    'a login waits for a lock');
state_is('0|0', 'and keeps no place');
$holder->query_safe('COMMIT');
$holder->quit;
IPC::Run::finish($renewing);
is($out, "bearer\n", 'it gets its answer afterwards');
configure('agent.password_hash_cost' => 14);

# Ways to leave: each gives its place back, whether it hashed or waited.
my %ways = (
    'a cancel' => sub { $node->safe_psql('agent', "SELECT pg_cancel_backend($_[0])") },
    'a termination' => sub { $node->safe_psql('agent', "SELECT pg_terminate_backend($_[0])") });
foreach my $way (sort keys %ways)
{
    foreach my $who (0, 1)
    {
        my @two = (begin_login());
        state_is('1|0', 'one hashes');
        push @two, begin_login($cheap);
        state_is('1|1', 'one waits');
        my $began = time;
        $ways{$way}->($two[$who]{pid});
        like(end_login($two[$who]), qr/^57/, "$way while " . ($who ? 'it waits' : 'it hashes'));
        is(end_login($two[ !$who ]), '28P01', 'the other one gets its answer');
        state_is('0|0', 'both places are free');
    }
}
my $hashing = begin_login();
state_is('1|0', 'one hashes');
my $waiting = begin_login("SET statement_timeout = '200ms'; ");
is(end_login($waiting), '57014', 'statement_timeout ends the waiting');
state_is('1|0', 'and the place in the queue is free');
my $hurried = begin_login("SET statement_timeout = '200ms'; ");
is(end_login($hashing), '28P01', 'the first one gets its answer');
end_login($hurried);
is(end_login(begin_login("SET statement_timeout = '200ms'; ")), '57014', 'it ends hashing as well');
state_is('0|0', 'all places are free');

# More places, and fewer, by a reload.
@runs = map { begin_login($_ == 3 ? $cheap : '') } 1 .. 3;
state_is('1|2', 'one hashes, two wait');
configure('agent.hash_concurrency' => 2);
push @runs, begin_login($cheap);
ok($node->poll_query_until('agent', 'SELECT hash_running = 2 FROM agent.shared_state()'), 'two hash after a reload');
configure('agent.hash_concurrency' => 1, 'agent.hash_queue' => 0);
is(end_login($_), '28P01', 'all get their answers') foreach @runs;
$hashing = begin_login();
state_is('1|0', 'one hashes');
is(end_login(begin_login()), '53000', 'without a queue nobody waits');
is(end_login($hashing), '28P01', 'the one that hashed gets its answer');

# The audit tells that somebody was sent away, once a minute.
ok($node->poll_query_until('agent', "SELECT count(*) = 1 FROM agent_audit WHERE event = 'busy'"), 'the audit tells of it once');

# A killed backend is a crash: all is counted anew afterwards.
configure('agent.hash_queue' => 16);
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;
$hashing = begin_login();
$waiting = begin_login();
state_is('1|1', 'one hashes, one waits');
kill 'KILL', $hashing->{pid};
end_login($_) foreach $hashing, $waiting;
ok($node->poll_query_until('agent', 'SELECT hash_running = 0 AND hash_waiting = 0 AND hash_places = 1 FROM agent.shared_state()'),
    'after a crash all places are free');
is(end_login(begin_login()), '28P01', 'and a login gets its answer');

# Reads while logins come in a flood: a core is theirs. Idle and flooded taken in turn.
configure('agent.password_hash_cost' => 10, 'agent.hash_concurrency' => 0, 'agent.hash_queue' => 16);
$node->safe_psql('agent', "SELECT agent_register('ann\@example.com', 'ann', 'password')");
my $token = $node->safe_psql('agent', "SELECT access_token FROM agent_login('ann\@example.com', 'password')");
configure('agent.password_hash_cost' => 12);
$node->safe_psql('agent', "SET ROLE agent_user; SET agent.token = '$token';
    SELECT agent_conversation_create('title ' || n, 'message') FROM generate_series(1, 20) AS n");
my $dir = PostgreSQL::Test::Utils::tempdir();
append_to_file("$dir/read.sql", "SET ROLE agent_user;\nSET agent.token = '$token';\n"
      . "SELECT id, title FROM agent_conversation_list() LIMIT 10;\n");
# An unknown address takes as long as a wrong password: medians, taken in turn. What the
# machine does besides may spoil one of three tries.
my $ratio;
foreach (1 .. 3)
{
    $ratio = $node->safe_psql('agent', <<'SQL');
SET agent.password_hash_cost = 10;
CREATE TEMP TABLE times (known boolean, time interval);
DO $$
DECLARE began timestamptz;
BEGIN
    FOR i IN 1..62 LOOP
        began := clock_timestamp();
        BEGIN
            PERFORM agent_login(CASE i % 2 WHEN 0 THEN 'ann@example.com' ELSE 'nobody@example.com' END, 'wrong');
        EXCEPTION WHEN invalid_password THEN
            INSERT INTO times VALUES (i % 2 = 0, clock_timestamp() - began);
        END;
    END LOOP;
END $$;
SELECT (extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY time) FILTER (WHERE known))
    / extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY time) FILTER (WHERE NOT known)))::numeric(6, 4) FROM times;
SQL
    last if abs($ratio - 1) < 0.05;
}
note("a wrong password takes $ratio times what an unknown address takes");
cmp_ok(abs($ratio - 1), '<', 0.05, 'an unknown address takes as long as a wrong password, within 5 %');

append_to_file("$dir/login.sql", "SELECT agent_login('ann\@example.com', 'password');\n");

# Returns the 99th percentile of reads of two clients, in ms.
sub p99
{
    unlink glob "$dir/log.*";
    run_log([ 'pgbench', '-n', '-c', 2, '-j', 1, '-T', 2, '-R', 300, '-l', '--log-prefix', "$dir/log", '-f', "$dir/read.sql",
            $node->connstr('agent') ]);
    my @times = sort { $a <=> $b } map { (split)[2] / 1000 } map { split /\n/, slurp_file($_) } glob "$dir/log.*";
    return $times[ int(@times * 0.99) ];
}

# The same while eight clients log in all the time.
sub flooded_p99
{
    my $out;
    my $flood = IPC::Run::start([ 'pgbench', '-n', '-c', 8, '-j', 1, '-T', 3, '-f', "$dir/login.sql", $node->connstr('agent') ],
        '>', \$out, '2>&1');
    sleep 0.5;
    my $p99 = p99();
    IPC::Run::finish($flood);
    return $p99;
}
sub median { return (sort { $a <=> $b } @_)[ @_ / 2 ] }

# Below a millisecond the scheduler's tick is all there is to see.
sub bearable { my ($in_turn, $idle) = @_; return $in_turn < 3 * max($idle, 1); }

# The medians of three rounds, each between those of the first two: where the worst of these
# is good enough, the third has nothing to say.
my (@idle, @in_turn, @at_once);
foreach (1 .. 3)
{
    push @idle, p99();
    configure('agent.hash_concurrency' => 0);
    push @in_turn, flooded_p99();
    configure('agent.hash_concurrency' => 8);
    push @at_once, flooded_p99();
    last if @idle == 2 && bearable(max(@in_turn), min(@idle)) && max(@in_turn) < min(@at_once) / 2;
}
my ($idle, $in_turn, $at_once) = (median(@idle), median(@in_turn), median(@at_once));
note(sprintf 'p99 of a list of 10: %.2f ms idle, %.2f ms while eight log in in turn (%.1f times), %.2f ms at once (%.1f times)',
    $idle, $in_turn, $in_turn / $idle, $at_once, $at_once / $idle);
ok(bearable($in_turn, $idle), 'a flood of logins makes the p99 of reads three times as long at most');
cmp_ok($in_turn, '<', $at_once / 2, 'reads suffer less than half from a flood of logins that takes turns');

$node->stop;
done_testing();
