# Rate limits: what is counted stays counted, and delays nobody else.
#
# Failures this catches: an attempt that a rollback, an error, a read-only transaction or
# another session takes back, a person kept from their sessions or locked out by somebody
# else's attempts, an address that anybody can claim, an account told by its limit, a
# setting that needs more than a reload, a limit without the library preloaded.
#
# Alone: it measures times.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('limits');
$node->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 10
agent.login_account_burst = 3
agent.login_account_interval = '1h'
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', 'CREATE EXTENSION agent CASCADE;
    ALTER ROLE agent_authenticator LOGIN');

# Runs SQL as a role in a session of its own; answers with rows, or SQLSTATE and message.
sub run_as
{
    my ($role, $sql) = @_;
    my ($status, $out, $err) = $node->psql('agent', "\\set VERBOSITY verbose\nSET ROLE $role;\n$sql");

    return $err =~ /ERROR:  (\w{5}: [^\n]*)/ ? $1 : $out;
}

sub try_login
{
    my ($name, $password, $before) = @_;
    return run_as('agent_anon', ($before // '')
          . "SELECT token_type FROM agent_login('$name\@example.com', '$password')");
}

# Sets settings for all, by a reload: sessions that are there take them over.
sub configure
{
    my %settings = @_;

    $node->safe_psql('postgres', "ALTER SYSTEM SET $_ = '$settings{$_}'") foreach keys %settings;
    $node->reload;
    foreach my $name (keys %settings)
    {
        next if $name =~ /header/;
        $node->poll_query_until('agent', "SELECT setting = '$settings{$name}' FROM pg_settings WHERE name = '$name'")
          or die "$name is not taken over";
    }
    return;
}

my %token;
foreach my $name (qw(ann bob cat dan eve))
{
    run_as('agent_anon', "SELECT username FROM agent_register('$name\@example.com', '$name', 'password')");
    $token{$name} = $node->safe_psql('agent',
        "SELECT access_token FROM agent_login('$name\@example.com', 'password')");
}

my $refused = qr/^53400: too many requests$/;
my $wrong = qr/^28P01: incorrect email or password$/;

# Three attempts, each in a session of its own, one of them taken back.
like(try_login('ann', 'wrong', 'BEGIN; '), $wrong, 'first attempt, in a transaction that is not committed');
like(try_login('ann', 'wrong', 'BEGIN; SAVEPOINT a; '), $wrong, 'second, after a savepoint');
like(try_login('ann', 'wrong'), $wrong, 'third');
like(try_login('ann', 'wrong'), $refused, 'the fourth is refused');
like(try_login('ann', 'password'), $refused, 'also with the right password: nobody tells which it is');
like(try_login('ANN', 'password'), $refused, 'also in capitals');
my ($status, $out, $err) = $node->psql('agent', "SELECT agent_login('ann\@example.com', 'wrong')");
like($err, qr/HINT:  Try again in (\d+) s\./, 'the hint says when');
my ($seconds) = $err =~ /again in (\d+)/;
cmp_ok($seconds, '>', 3500, 'which is an hour, not less');
cmp_ok($seconds, '<=', 3601, 'and not more');

# An account that does not exist is limited alike.
like(try_login('nobody', 'wrong'), $wrong, "attempt $_ at no account") foreach 1 .. 3;
like(try_login('nobody', 'wrong'), $refused, 'the fourth is refused there too');

# Others, and what lives already, go on.
is(try_login('bob', 'password'), 'bearer', 'somebody else logs in');
is(run_as('agent_user', "SET agent.token = '$token{ann}'; SELECT username FROM agent_me()"),
    'ann', 'a session that was there goes on');

# A right password gives its attempt back.
is(try_login('bob', 'password'), 'bearer', "bob logs in, for the ${_}th time") foreach 2 .. 6;

# Change and deletion check a password too, and count by themselves.
like(run_as('agent_user', "SET agent.token = '$token{cat}'; SELECT agent_password_change('wrong', 'password')"),
    qr/^28P01/, "wrong password at a change") foreach 1 .. 2;
like(run_as('agent_user', "SET agent.token = '$token{cat}'; SELECT agent_account_delete('wrong')"),
    qr/^28P01/, 'at a deletion');
like(run_as('agent_user', "SET agent.token = '$token{cat}'; SELECT agent_account_delete('password')"),
    $refused, 'then even the right one is refused');
is(try_login('cat', 'password'), 'bearer', 'while a login is not');

# Two databases do not know each other's accounts.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION agent CASCADE');
(undef, undef, $err) = $node->psql('other', "SELECT agent_login('ann\@example.com', 'wrong')");
like($err, qr/incorrect email/, 'the same address in another database');

# Without an address nobody is counted by one; a header that is not trusted says nothing.
my $from = sub { qq{SET request.headers = '{"x-real-ip": "$_[0]"}'; } };
configure('agent.login_address_burst' => 2, 'agent.login_address_interval' => 3600000,
    'agent.login_account_burst' => 1000);
is(try_login('bob', 'password', $from->('203.0.113.1')), 'bearer', 'no trusted header: not counted') foreach 1 .. 4;

configure('agent.trusted_address_header' => 'x-real-ip');
is(try_login('bob', 'password', $from->('203.0.113.1')), 'bearer', 'from an address') foreach 1 .. 2;
like(try_login('cat', 'password', $from->('203.0.113.1')), $refused, 'the third from there is refused, whoever it is');
like(run_as('agent_anon', $from->('203.0.113.1') . "SELECT username FROM agent_register('fay\@example.com', 'fay', 'password')"),
    $refused, 'a registration too');
is(try_login('cat', 'password', $from->('203.0.113.2')), 'bearer', 'from elsewhere it goes on');
is(try_login('cat', 'password'), 'bearer', 'without an address too');
like(try_login('cat', 'password', $from->('203.0.113.9, 203.0.113.1')), $refused, 'of a list the last one counts');

# Who has logged in from an address is not held up there by what others try elsewhere.
configure('agent.login_address_interval' => 0, 'agent.login_account_burst' => 3);
is(try_login('dan', 'password', $from->('198.51.100.1')), 'bearer', 'dan logs in at home');
like(try_login('dan', 'wrong', $from->("198.51.100.$_")), $wrong, 'others try to') foreach 2 .. 4;
like(try_login('dan', 'wrong', $from->('198.51.100.5')), $refused, 'until the account is at its limit');
like(try_login('dan', 'password', $from->('198.51.100.6')), $refused, 'also for dan, elsewhere');
is(try_login('dan', 'password', $from->('198.51.100.1')), 'bearer', 'and not at home');
like(try_login('dan', 'wrong', $from->('198.51.100.1')), $wrong, 'where wrong passwords count') foreach 1 .. 3;
like(try_login('dan', 'password', $from->('198.51.100.1')), $refused, 'as well');

# Requests of a person, also of those that only read: what is counted is over all sessions.
sub me { return run_as('agent_user', "SET agent.token = '$token{$_[0]}'; $_[1]") }
is(me('eve', 'SELECT username FROM agent_me()'), 'eve', 'by default nobody counts') foreach 1 .. 20;
configure('agent.request_burst' => 5, 'agent.request_interval' => 3600000);
is(me('eve', 'SELECT username FROM agent_me()'), 'eve', 'a call counts');
is(me('eve', 'SELECT username FROM agent_users'), 'eve', 'a view counts');
is(me('eve', 'BEGIN READ ONLY; SELECT username FROM agent_me(); ROLLBACK'), 'eve', 'what only reads and is taken back');
like(me('eve', "SELECT agent_conversation_get('00000000-0000-0000-0000-000000000000')"), qr/^P0002/, 'what fails');
is(me('eve', "SET max_parallel_workers_per_gather = 4; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
        SET min_parallel_table_scan_size = 0; SELECT count(*) FROM agent_users AS a, agent_users AS b, agent_conversations"),
    '0', 'a statement with many reads counts once');
like(me('eve', 'SELECT username FROM agent_me()'), $refused, 'then a call is refused');
like(me('eve', 'SELECT username FROM agent_users'), $refused, 'a view too');
like(me('eve', "SELECT agent_conversation_create('title')"), $refused, 'and a write');
is(me('bob', 'SELECT username FROM agent_me()'), 'bob', 'somebody else goes on');
like(me('eve', "DO \$\$ BEGIN LOOP BEGIN PERFORM agent_me(); EXIT; EXCEPTION WHEN invalid_password THEN NULL; END; END LOOP; END \$\$"),
    $refused, 'no block of a client gets around it');
is(me('bob', "SELECT count(a.me) FROM (SELECT agent_me() AS me FROM generate_series(1, 3) OFFSET 0) AS a"),
    '3', 'three calls in a statement');
like(me('bob', "SET request.method = 'agent_http'; SELECT username FROM agent_me(); SELECT username FROM agent_me()"),
    qr/too many requests/, 'nor does a client that takes itself for agent_http');

is($node->safe_psql('agent', qq{SELECT string_agg(DISTINCT status::text, ' ' ORDER BY status::text) FROM (
        SELECT (agent_http('GET', '/auth/me', NULL, '{"authorization": "Bearer $token{cat}"}', NULL)).status
        FROM generate_series(1, 6)) AS a}), '200 429', 'nor does calling agent_http many times in a statement');

# Of IPv6, a network counts.
configure('agent.login_address_interval' => 3600000, 'agent.login_account_interval' => 0);
is(try_login('bob', 'password', $from->("2001:db8:1:2::$_")), 'bearer', "from an address of a network") foreach 1 .. 2;
like(try_login('bob', 'password', $from->('2001:db8:1:2:ffff::3')), $refused, 'the third of the network is refused');
is(try_login('bob', 'password', $from->('2001:db8:1:3::1')), 'bearer', 'from another network it goes on');
is(try_login('bob', 'password', $from->('::ffff:203.0.113.40')), 'bearer', 'IPv4') foreach 1 .. 2;
like(try_login('bob', 'password', $from->('203.0.113.40')), $refused, 'is the same in both forms');
configure('agent.login_address_interval' => 0, 'agent.login_account_interval' => 3600000);

# Over HTTP: a status, when to come again, and nothing else.
my $http = sub {
    my ($method, $path, $headers, $body) = @_;
    return $node->safe_psql('agent', "SELECT status, headers ->> 'retry-after', convert_from(body, 'UTF8')
        FROM agent_http('$method', '$path', NULL, '$headers', convert_to('$body', 'UTF8'))");
};
like($http->('GET', '/auth/me', qq({"authorization": "Bearer $token{eve}"}), ''),
    qr/^429\|3[56]\d\d\|\{"detail":"Too many requests"\}$/, 'GET /auth/me');
like($http->('POST', '/auth/login', '{}', '{"email": "ann@example.com", "password": "password"}'),
    qr/^429\|3[56]\d\d\|\{"detail":"Too many requests"\}$/, 'POST /auth/login');
is($http->('POST', '/auth/login', '{"x-real-ip": "198.51.100.1"}', '{"email": "dan@example.com", "password": "password"}')
        =~ s/\|.*//r, '429', 'agent_http hands the address on');
like($http->('POST', '/auth/login', '{"x-real-ip": "192.0.2.77"}', '{"email": "cat@example.com", "password": "password"}'),
    qr/^200/, 'another address logs in');
is($node->safe_psql('agent', "SELECT count(*) FROM agent.sessions WHERE address = '192.0.2.77'"), '1', 'and the session keeps it');
my (undef, undef, $postgrest) = $node->psql('agent',
    "SET request.method = 'POST'; SELECT agent_login('ann\@example.com', 'wrong')");
like($postgrest, qr/"code":"rate_limited"/, 'for PostgREST: the code');
like($postgrest, qr/DETAIL:  \{"status":429,"headers":\{"Retry-After":"3[56]\d\d"\}\}/, 'and the header');

# Refusals are in the audit, once a minute each; the worker needs a moment.
$node->poll_query_until('agent', "SELECT count(*) > 3 FROM agent_audit WHERE event = 'rate_limit'");
is($node->safe_psql('agent', "SELECT count(*) FROM agent_audit AS a JOIN agent.users AS u ON u.id = a.user_id
    WHERE event = 'rate_limit' AND detail = 'user' AND username = 'eve'"), '1', 'the audit tells once that eve was refused');
is($node->safe_psql('agent', "SELECT string_agg(DISTINCT detail, ', ' ORDER BY detail) FROM agent_audit WHERE event = 'rate_limit'"),
    'account, account and address, address, user', 'and which limits there were');

# Shorter intervals hold at once; then the limits are off.
configure('agent.login_account_interval' => 100);
like(try_login('ann', 'password'), $refused, 'ann is still refused');
$node->safe_psql('agent', 'SELECT pg_sleep(0.4)');
is(try_login('ann', 'password'), 'bearer', 'ann logs in after a shorter delay');
configure('agent.login_account_interval' => 0, 'agent.request_interval' => 0);
like(try_login('ann', 'wrong'), $wrong, 'without a limit') foreach 1 .. 5;
is(me('eve', 'SELECT username FROM agent_me()'), 'eve', 'likewise');

# A client does not set them.
foreach my $name (qw(login_account_burst login_account_interval login_address_burst login_address_interval
    request_burst request_interval trusted_address_header hash_concurrency hash_queue audit_retention audit_max_rows))
{
    like(run_as('agent_user', "SET agent.$name = '1'"), qr/^(42501|55P02)/, "agent.$name is not for clients");
}

# What a check costs, in a backend that makes many: taken in turn with the same without a limit.
configure('agent.request_burst' => 1000000, 'agent.request_interval' => 1);
my $cost = $node->safe_psql('agent', <<"SQL");
SET agent.token = '$token{dan}';
CREATE TEMP TABLE times (is_on boolean, us float8);
DO \$\$
DECLARE began timestamptz; n integer := 20000;
BEGIN
    FOR round IN 1..8 LOOP
        PERFORM set_config('agent.request_interval', (round % 2)::text, false);
        began := clock_timestamp();
        PERFORM agent.require_caller() FROM generate_series(1, n) AS i WHERE i > 0 OR random() < 0;
        PERFORM count(agent_uid()) FROM generate_series(1, n) AS i;
        INSERT INTO times SELECT round % 2 = 1, extract(epoch FROM clock_timestamp() - began) * 1e6 / n;
    END LOOP;
END \$\$;
SELECT (min(us) FILTER (WHERE is_on) - min(us) FILTER (WHERE NOT is_on))::numeric(6, 3) FROM times;
SQL
note("a check of the limit takes $cost us");
cmp_ok($cost, '<', 1, 'a check of the limit takes less than a microsecond');

# Without preloading nothing is counted, and the doctor says so.
configure('agent.login_account_interval' => 3600000, 'agent.request_interval' => 3600000, 'agent.request_burst' => 1);
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
like(try_login('ann', 'wrong'), $wrong, 'not preloaded: not counted') foreach 1 .. 5;
is(me('eve', 'SELECT username FROM agent_me()'), 'eve', 'likewise') foreach 1 .. 3;
is($node->safe_psql('agent', q{SELECT "check", status FROM agent_doctor() WHERE "check" IN ('preload', 'worker', 'audit')}),
    "preload|warning\nworker|ok\naudit|ok", 'the doctor says so');

$node->stop;
done_testing();
