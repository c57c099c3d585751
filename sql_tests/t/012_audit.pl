# The audit: what is refused is there although the call failed; workers come and go.
#
# Failures this catches: an event that a rollback takes along, one that is there twice, a
# secret in an entry, a worker that keeps a database from being dropped, that does not come
# back, that somebody's lock stops for ever, that writes to the wrong database, entries
# that never go.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('audit');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 10
agent.login_account_interval = 0
agent.trusted_address_header = 'x-real-ip'
});
$node->start;
foreach my $database (qw(agent other plain))
{
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, 'CREATE EXTENSION agent CASCADE') unless $database eq 'plain';
}

sub log_in
{
    my ($database, $name, $password, $before) = @_;
    my (undef, $out, $err) = $node->psql($database,
        ($before // '') . "SELECT token_type FROM agent_login('$name\@example.com', '$password')");

    return $err =~ /ERROR:  (.*)/ ? $1 : $out;
}

# Waits for as many events of a kind as there should be, and a little for those there should not.
sub events_are
{
    my ($database, $count, $where, $what) = @_;

    $node->poll_query_until($database, "SELECT count(*) >= $count FROM agent_audit WHERE $where");
    sleep 0.5;
    is($node->safe_psql($database, "SELECT count(*) FROM agent_audit WHERE $where"), $count, $what);
    return;
}

$node->safe_psql('agent', "SELECT agent_register('ann\@example.com', 'ann', 'password')");
my $ann = $node->safe_psql('agent', 'SELECT id FROM agent.users');

# What is refused, however the transaction ends.
log_in('agent', 'ann', 's3cret-1');
log_in('agent', 'ann', 's3cret-2', 'BEGIN; ');
log_in('agent', 'ann', 's3cret-3', 'BEGIN; SAVEPOINT a; ');
log_in('agent', 'ann', 's3cret-4', q{SET request.headers = '{"x-real-ip": "203.0.113.5", "user-agent": "Brows\u00e9r"}'; });
log_in('agent', 'nobody', 's3cret-5');
log_in('agent', 'ann', 's3cret-6', q{SET request.headers = 'no JSON'; });
events_are('agent', 5, "event = 'login_failed' AND user_id = '$ann' AND detail = 'wrong password'", 'wrong passwords are told of, once each');
events_are('agent', 1, "event = 'login_failed' AND user_id IS NULL AND detail = 'no such account'", 'no such account');
events_are('agent', 1, "event = 'login_failed' AND address = '203.0.113.5' AND user_agent = 'Browsér'", 'where it came from');
is($node->safe_psql('agent', q{SELECT count(*) FROM agent.audit AS a WHERE a::text ~ 's3cret|example'}), '0', 'no password and no address of mail');
my $token = $node->safe_psql('agent', "SELECT access_token FROM agent_login('ann\@example.com', 'password')");
$node->psql('agent', "SET ROLE agent_user; SET agent.token = '$token'; SELECT agent_account_delete('s3cret')");
events_are('agent', 1, "event = 'password_failed' AND user_id = '$ann'", 'a wrong password at the deletion');
$node->safe_psql('agent', "UPDATE agent.users SET is_active = false");
log_in('agent', 'ann', 'password');
events_are('agent', 1, "event = 'login_failed' AND detail = 'inactive account'", 'an inactive account');
$node->safe_psql('agent', "UPDATE agent.users SET is_active = true");
is($node->safe_psql('other', "SELECT count(*) FROM agent_audit WHERE event = 'login_failed'"), '0', 'another database does not hear of it');
log_in('other', 'nobody', 'wrong');
events_are('other', 1, "event = 'login_failed'", 'it has its own');

# Reuse of a refresh token: the session is ended and told of, although the call fails.
my @tokens = ($node->safe_psql('agent', "SELECT refresh_token FROM agent_login('ann\@example.com', 'password')"));
push @tokens, $node->safe_psql('agent', "SELECT refresh_token FROM agent_refresh('$tokens[-1]')") foreach 1 .. 2;
my (undef, undef, $err) = $node->psql('agent',
    qq{BEGIN; SET request.headers = '{"x-real-ip": "203.0.113.6"}'; SELECT agent_refresh('$tokens[0]')});
like($err, qr/invalid refresh token/, 'an old token is refused');
events_are('agent', 1, "event = 'refresh_reuse' AND user_id = '$ann' AND address = '203.0.113.6'", 'and told of');
(undef, undef, $err) = $node->psql('agent', "SELECT agent_refresh('$tokens[-1]')");
like($err, qr/invalid refresh token/, 'the session is over');

# The last use of a session, to the minute, when it is not locked.
$token = $node->safe_psql('agent', "SELECT access_token FROM agent_login('ann\@example.com', 'password')");
my $session = "id = (SELECT max(id::text)::uuid FROM agent.sessions)";
$node->safe_psql('agent', "UPDATE agent.sessions SET last_used_at = now() - interval '5 minutes', created_at = now() - interval '6 minutes' WHERE $session");
my $use = "SET ROLE agent_user; SET agent.token = '$token'; SELECT * FROM agent_me(); SELECT * FROM agent_me(); SELECT * FROM agent_users";
$node->safe_psql('agent', $use);
ok($node->poll_query_until('agent', "SELECT last_used_at > now() - interval '1 minute' FROM agent.sessions WHERE $session"),
    'the last use of a session is kept');
my $version = $node->safe_psql('agent', "SELECT xmin FROM agent.sessions WHERE $session");
$node->safe_psql('agent', $use) foreach 1 .. 3;
sleep 0.7;
is($node->safe_psql('agent', "SELECT xmin FROM agent.sessions WHERE $session"), $version, 'once a minute, not at each use');
is($node->safe_psql('agent', "SET ROLE agent_user; SET agent.token = '$token'; SELECT last_used_at > now() - interval '1 minute' FROM agent_sessions WHERE is_current"),
    't', 'the person sees it');

# What is on its way about an account that is deleted meanwhile is not written any more; what is
# about one that stays after all, is. The writer waits for the deletion to end one way or the other.
foreach my $end (qw(ROLLBACK COMMIT))
{
    $node->safe_psql('agent', "SELECT agent_register('del\@example.com', 'del', 'password')") if $end eq 'ROLLBACK';
    my $del = $node->safe_psql('agent', "SELECT id FROM agent.users WHERE username = 'del'");
    my $failed = "event = 'login_failed' AND user_id = '$del'";
    my $deleter = $node->background_psql('agent', on_error_stop => 1);

    $token = $node->safe_psql('agent', "SELECT access_token FROM agent_login('del\@example.com', 'password')");
    $deleter->query_safe("BEGIN; SET LOCAL agent.token = '$token'; SET LOCAL ROLE agent_user; SELECT agent_account_delete('password')");
    log_in('agent', 'del', 'wrong');
    sleep 0.6;
    is($node->safe_psql('agent', "SELECT count(*) FROM agent.audit WHERE $failed"), $end eq 'ROLLBACK' ? '0' : '1',
        "$end: nothing is written yet");
    $deleter->query_safe($end);
    $deleter->quit;
    events_are('agent', $end eq 'ROLLBACK' ? 1 : 0, $failed, "$end: then it is, where the account stays");
    ok($node->poll_query_until('agent', 'SELECT pending = 0 FROM agent.shared_state()'), "$end: nothing is left behind");
    is($node->safe_psql('agent', "SELECT string_agg(event, ' ') FROM agent.audit WHERE user_id = '$del'"), 'delete',
        'of a deleted account one event is left') if $end eq 'COMMIT';
}

# Workers leave an idle database, so that it can be dropped, also with entries on their way.
log_in('other', 'nobody', 'wrong') foreach 1 .. 3;
$node->safe_psql('postgres', 'DROP DATABASE other');
pass('a database with entries on their way can be dropped');
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'agent writer'"), 'writers leave');
is($node->safe_psql('agent', 'SELECT pending, lost FROM agent.shared_state()'), '0|0', 'nothing is left over');

# A database without the extension by now: nothing to be written.
$node->safe_psql('plain', 'CREATE EXTENSION agent CASCADE');
log_in('plain', 'nobody', 'wrong');
$node->safe_psql('plain', 'SET client_min_messages = warning; DROP EXTENSION agent');
ok($node->poll_query_until('agent', 'SELECT pending = 0 FROM agent.shared_state()'), 'what nobody wants any more goes');

# Ended, the launcher and a writer are back soon.
my $launcher = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'agent launcher'");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($launcher)");
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'agent launcher' AND pid <> $launcher"),
    'the launcher comes back');
my $before = $node->safe_psql('agent', 'SELECT count(*) FROM agent.audit');
foreach (1 .. 5)
{
    log_in('agent', 'nobody', 'wrong');
    $node->poll_query_until('postgres', "SELECT count(pg_terminate_backend(pid)) >= 0 FROM pg_stat_activity WHERE backend_type = 'agent writer'");
}
events_are('agent', $before + 5, 'true', 'entries survive the end of their writer, and are there once');

# A lock on the table delays them.
my $blocker = $node->background_psql('agent', on_error_stop => 1);
$blocker->query_safe('BEGIN; LOCK TABLE agent.audit IN ACCESS EXCLUSIVE MODE');
log_in('agent', 'nobody', 'wrong');
sleep 2.5;
$blocker->query_safe('COMMIT');
$blocker->quit;
events_are('agent', $before + 6, 'true', 'and so does a lock: they are there afterwards');

# A shutdown writes what there is, or keeps it where no writer can.
$blocker = $node->background_psql('agent', on_error_stop => 0);
$blocker->query_safe('BEGIN; LOCK TABLE agent.audit IN ACCESS EXCLUSIVE MODE');
log_in('agent', 'nobody', 'wrong') foreach 1 .. 3;
my $kept = $node->data_dir . '/pg_stat/agent_ring.stat';
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'agent writer'");
$node->stop;
ok(-s $kept, 'a shutdown keeps what no writer has got to');
$node->start;
ok(!-e $kept, 'the next start takes it back');
events_are('agent', $before + 9, 'true', 'a shutdown loses nothing');
$blocker->{run}->kill_kill;

# What is no file of ours is left out, and said.
$node->stop;
append_to_file($kept, "\1\0\0\0nonsense");
my $offset = -s $node->logfile;
$node->start;
$node->wait_for_log(qr/could not read all of file "pg_stat\/agent_ring.stat"/, $offset);
is($node->safe_psql('agent', 'SELECT pending FROM agent.shared_state()'), '0', 'a file that is none is nothing');

# As does a crash of what was there a second before.
log_in('agent', 'nobody', 'wrong');
sleep 1.5;
$node->stop('immediate');
$node->start;
events_are('agent', $before + 10, 'true', 'nor does a crash, of what was written');

# What is too old, or too much, goes.
$node->append_conf('postgresql.conf', "agent.audit_max_rows = 100\nagent.audit_retention = '1d'");
$node->restart;
$node->safe_psql('agent', q{
    INSERT INTO agent.audit (id, created_at, event)
    SELECT ('01800000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '2022-04-06', 'login' FROM generate_series(1, 2500) AS n;
    INSERT INTO agent.audit (id, created_at, event)
    SELECT ('ffff0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now(), 'login' FROM generate_series(1, 500) AS n});
log_in('agent', 'nobody', 'wrong');
ok($node->poll_query_until('agent', "SELECT count(*) = 0 FROM agent.audit WHERE created_at = '2022-04-06'"), 'the old ones go');
ok($node->poll_query_until('agent', 'SELECT count(*) = 100 FROM agent.audit'), 'and what is too much');
is($node->safe_psql('agent', "SELECT min(id::text) FROM agent.audit"), 'ffff0000-0000-7000-8000-000000000401', 'the oldest first');

# A dump takes the audit along.
is($node->safe_psql('agent', "SELECT 'agent.audit'::regclass = ANY (extconfig) FROM pg_extension WHERE extname = 'agent'"), 't', 'it is in a dump');

# A standby refuses nothing it can serve, and writes nothing; promoted, it begins to.
$node->safe_psql('agent', 'TRUNCATE agent.audit');
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$token = $node->safe_psql('agent', "SELECT access_token FROM agent_login('ann\@example.com', 'password')");
$node->wait_for_catchup($standby);
is($standby->safe_psql('agent', "SET ROLE agent_user; SET agent.token = '$token'; SELECT username FROM agent_me(); SELECT username FROM agent_users"),
    "ann\nann", 'reads on a standby');
(undef, undef, $err) = $standby->psql('agent', "SELECT agent_login('ann\@example.com', 'wrong')");
like($err, qr/cannot execute agent_login\(\) in a read-only transaction/, 'a login there says why not');
is($standby->safe_psql('agent', q{SELECT status, detail FROM agent_doctor() WHERE "check" = 'worker'}),
    'ok|begins with the promotion of this standby', 'the doctor knows');
$node->stop;
$standby->promote;
$standby->psql('agent', "SELECT agent_login('nobody\@example.com', 'wrong')");
ok($standby->poll_query_until('agent', "SELECT count(*) = 1 FROM agent_audit WHERE event = 'login_failed'"),
    'promoted, it writes');
$standby->stop;

done_testing();
