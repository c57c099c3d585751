# Monitoring: what is counted in all sessions together, who may see it, and whether a real
# Prometheus can use it with the files of gateway/.
#
# Failures this catches: calls that come at the same time and are counted once, a count that
# an end of a session takes along, a token that the log or a view tells, or that a reload
# does not change, a text that Prometheus refuses, a balancer that is told to go on although
# tables cannot be read, a rule or a panel that names what is not measured, another module
# that is left without its hook.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename;
use File::Spec;
use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $root = abs_path(dirname(__FILE__) . '/../..');
my $token = 'scrape-token-of-this-test-0123456789';

my $node = PostgreSQL::Test::Cluster->new('metrics');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 10
agent.login_account_interval = 0
log_statement = all
log_min_duration_statement = 0
});
$node->start;
foreach my $database (qw(agent other))
{
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, 'CREATE SCHEMA api; CREATE EXTENSION pgcrypto; CREATE EXTENSION agent SCHEMA api');
    $node->safe_psql('postgres', "ALTER DATABASE $database SET search_path = api, public");
}
$node->safe_psql('postgres', 'ALTER ROLE agent_authenticator LOGIN');
$node->safe_psql('agent', "SELECT agent_register('ann\@example.com', 'ann', 'password')");
my $ann = $node->safe_psql('agent', "SELECT access_token FROM agent_login('ann\@example.com', 'password')");

# The value of a sample, or 0.
sub sample
{
    my ($name, %labels) = @_;
    my $json = encode_json(\%labels);

    return $node->safe_psql('agent',
        "SELECT coalesce(sum(value), 0) FROM agent_metric_samples WHERE name = '$name' AND labels @> '$json'");
}

sub calls
{
    my ($function, $outcome) = @_;
    return sample('agent_calls_total', function => $function, outcome => $outcome);
}

# From both databases.
my $before = calls('agent_authenticate', 'invalid_token');
foreach my $database (qw(agent other))
{
    my ($status) = $node->psql($database, "SELECT agent_authenticate('x')");
    isnt($status, 0, "a call in database $database");
}
is(calls('agent_authenticate', 'invalid_token') - $before, 2, 'databases are counted together');

# At the same time: nothing gets lost, and a session that is killed takes nothing along.
$before = calls('agent_authenticate', 'ok');
my @sessions = map {
    IPC::Run::start(
        [ 'psql', '-XAtqd', $node->connstr('agent'), '-c', "SELECT count(agent_authenticate('$ann')) FROM generate_series(1, 20000)" ],
        '>', '/dev/null');
} 1 .. 4;
$_->finish foreach @sessions;
is(calls('agent_authenticate', 'ok') - $before, 80000, 'no call gets lost');
is( $node->safe_psql('agent', "SELECT count(*) FROM agent_metric_samples AS s
        WHERE name = 'agent_call_duration_seconds_count'
          AND value <> (SELECT sum(value) FROM agent_metric_samples AS c
                        WHERE c.name = 'agent_calls_total' AND c.labels ->> 'function' = s.labels ->> 'function')"),
    0, 'the histograms have as many');
$node->psql('agent', "SELECT agent_authenticate('$ann'); SELECT pg_terminate_backend(pg_backend_pid())");
is(calls('agent_authenticate', 'ok') - $before, 80001, 'what a session has counted stays');

# Durations: in the bucket they belong to, and in the sum.
my $slow = sample('agent_call_duration_seconds_bucket', function => 'agent_login', le => '0.001');
is($slow, 0, 'no login takes less than a millisecond');
my $sum = sample('agent_call_duration_seconds_sum', function => 'agent_login');
my $start = time;
$node->safe_psql('agent', "SELECT agent_login('ann\@example.com', 'password') FROM generate_series(1, 5)");
my $took = time - $start;
$sum = sample('agent_call_duration_seconds_sum', function => 'agent_login') - $sum;
ok($sum > $took / 3 && $sum <= $took, "five logins took $sum s of $took s");

# The doctor, and the token: too short, then good; a reload is enough, and nothing tells it.
sub doctor
{
    return $node->safe_psql('agent', q{SELECT status, detail FROM agent_doctor() WHERE "check" = 'metrics'});
}
sub set_token
{
    my ($value) = @_;
    $node->safe_psql('agent', "ALTER SYSTEM SET agent.metrics_token = '$value'");
    $node->reload;
    sleep 0.5;
    return;
}
sub ask
{
    my ($authorization, $path) = @_;
    my $headers = defined $authorization ? encode_json({ authorization => $authorization }) : '{}';

    $path //= '/metrics';
    return $node->safe_psql('agent', "SELECT status FROM agent_http('GET', '$path', NULL, '$headers', NULL)");
}
is(ask("Bearer $token"), 404, 'without a token set the path is not there');
is(ask('Bearer '), 404, 'nor for an empty one');
like(doctor(), qr/^ok\|.*is not there/, 'the doctor says so');
set_token('short-token-x1');
like(doctor(), qr/^warning\|.*fewer than 16/, 'the doctor finds a short one');
is(ask('Bearer short-token-x1'), 200, 'which works all the same');
set_token($token);
like(doctor(), qr/^ok\|GET/, 'and is content with a long one');
is(ask("Bearer $token"), 200, 'a reload has changed it');
is(ask('Bearer short-token-x1'), 401, 'the old one is good no more');
is(ask("bearer  $token"), 200, 'the scheme in any case');
is(ask($_), 401, 'refused: ' . ($_ // 'nothing'))
    foreach undef, '', 'Bearer', 'Bearer ', "Basic $token", $token, "Bearer $ann", "Bearer ${token}x", 'Bearer ' . substr($token, 1);
is(ask("Bearer $token", '/auth/me'), 401, 'it is nobody\'s access token');
is($node->safe_psql('agent', "SELECT count(*) FROM pg_settings WHERE name = 'agent.metrics_token'"), 0, 'pg_settings does not have it');
is($node->safe_psql('agent', 'SHOW agent.metrics_token'), $token, 'a superuser may see it');
my ($status, $out, $err) = $node->psql('agent', 'SET ROLE agent_admin; SHOW agent.metrics_token');
isnt($status, 0, 'and nobody else');
my ($text) = $node->safe_psql('agent', 'SELECT agent_metrics()');
unlike($text, qr/\Q$token\E|example\.com|\Q$ann\E/, 'nothing of it, and of nobody, is in the metrics');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'scrape-tok' AND pid <> pg_backend_pid()"),
    0, 'no session shows it');
my $log = slurp_file($node->logfile);
unlike($log, qr/\Q$token\E|short-token-x1/, 'the log does not tell it');
like($log, qr/hidden/, 'although it has the statements');

# A metrics that is off for a database, and on again.
$node->safe_psql('postgres', 'ALTER DATABASE other SET agent.metrics = off');
$before = calls('agent_authenticate', 'invalid_token');
$node->psql('other', "SELECT agent_authenticate('x')");
is(calls('agent_authenticate', 'invalid_token') - $before, 0, 'off for a database');
$node->safe_psql('postgres', 'ALTER DATABASE other RESET agent.metrics');

# Ready: not while a table cannot be read, and nobody waits for long.
is(ask(undef, '/ready'), 200, 'ready');
my $locker = $node->background_psql('agent');
$locker->query_safe('BEGIN; LOCK agent.messages');
$start = time;
is(ask(undef, '/ready'), 503, 'not ready while a table is locked');
cmp_ok(time - $start, '<', 4, 'said soon');
is(ask(undef, '/health'), 200, 'health is another thing');
$locker->query_safe('ROLLBACK');
$locker->quit;
is(ask(undef, '/ready'), 200, 'and ready again');

# From here on through agent-httpd, and with Prometheus.
my $program = $ENV{AGENT_HTTPD} || "$root/gateway/httpd/agent-httpd";
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(http prometheus);
my $url = "http://127.0.0.1:$port{http}";
my $http = HTTP::Tiny->new(timeout => 20);
my @running;

END
{
    my $exit_status = $?;
    $_->kill_kill foreach grep { defined } @running;
    $? = $exit_status;
}

# Asks again until an answer is as wanted, and returns it.
sub wait_for
{
    my ($what, $ask) = @_;

    foreach (1 .. 4 * $PostgreSQL::Test::Utils::timeout_default)
    {
        my $answer = $ask->();
        return $answer if $answer;
        sleep 0.25;
    }
    die "timed out waiting for $what\n";
}

# Whether a program can be run.
sub has
{
    my ($name) = @_;
    return scalar grep { -x "$_/$name" } split /:/, $ENV{PATH};
}

# Runs promtool; returns whether it is content, and what it says.
sub promtool
{
    my ($input, @arguments) = @_;
    my $output = '';
    my $good = IPC::Run::run([ 'promtool', @arguments ], '<', \$input, '>', \$output, '2>&1');

    return ($good, $output);
}

SKIP:
{
    skip("$program is not built: make -C gateway/httpd, or set AGENT_HTTPD", 1) unless -x $program;
    push @running, IPC::Run::start(
        [ $program, '--database', $node->connstr('agent') . ' user=agent_authenticator', '--schema', 'api', '--listen', "127.0.0.1:$port{http}" ],
        '<', '/dev/null', '>&', "$dir/httpd.log");
    wait_for('agent-httpd', sub { $http->get("$url/health")->{success} });

    is($http->get("$url/metrics")->{status}, 401, 'without the token');
    my $answer = $http->get("$url/metrics", { headers => { Authorization => "Bearer $token" } });
    is($answer->{status}, 200, 'with the token');
    is($answer->{headers}->{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', 'in the text format');
    like($answer->{content}, qr/^agent_http_requests_total\{method="GET",path="\/metrics",status="401"\} \d+$/m,
        'requests are in it');
    is($http->get("$url/ready")->{content}, '{"status":"ready","writable":true}', 'ready');

    # What may be named, by rules and panels: samples, of metrics that there are.
    my %type = $answer->{content} =~ /^# TYPE (\S+) (\S+)$/mg;
    my %sampled = (map { $_ => 1 } $answer->{content} =~ /^(agent_\w+)/mg);
    my $alerts = slurp_file("$root/gateway/alerts.yml");
    my $board = decode_json(slurp_file("$root/gateway/grafana/agent.json"));
    my @panels = grep { $_->{type} ne 'row' } @{ $board->{panels} };
    my @board = map { $_->{expr} } map { @{ $_->{targets} } } @panels;
    my @rules = map { s/^ +//gmr } $alerts =~ /^ +expr: (?:\|\n)?(.+?)\n +(?:for|labels):/msg;

    cmp_ok(scalar @board, '>=', 15, 'the expressions of the dashboard');
    is(scalar @rules, scalar(() = $alerts =~ /^ +- alert:/mg), 'and of the rules');
    push @board, map { $_->{query} } grep { $_->{type} eq 'query' } @{ $board->{templating}->{list} };
    foreach my $expression (@board, @rules)
    {
        my $bare = $expression =~ s/"[^"]*"//gr;
        my @unknown = grep { !$sampled{$_} } $bare =~ /\b(agent_\w+)/g;
        is("@unknown", '', "measured is all of: $expression");
    }
    foreach my $name (sort keys %type)
    {
        ok("@board @rules" =~ /\b$name(?:_bucket|_sum|_count)?\b/, "$name is on the dashboard or in a rule");
    }

    skip('prometheus and promtool are not installed', 1) unless has('prometheus') && has('promtool');
    my ($good, $said) = promtool($answer->{content}, 'check', 'metrics');
    ok($good, 'promtool check metrics') or diag($said);
    is($said, '', 'has nothing to say');

    # The files as they are, with what must be other here.
    my $config = slurp_file("$root/gateway/prometheus.yml");
    $config =~ s/127\.0\.0\.1:8000/127.0.0.1:$port{http}/ or die 'no target';
    $config =~ s/(scrape|evaluation)_interval: 15s/$1_interval: 1s/g or die 'no interval';
    append_to_file("$dir/prometheus.yml", $config);
    append_to_file("$dir/alerts.yml", $alerts);
    append_to_file("$dir/agent-token", "$token\n");
    ($good, $said) = promtool('', 'check', 'config', "$dir/prometheus.yml");
    ok($good, 'promtool check config') or diag($said);
    ($good, $said) = promtool('', 'check', 'rules', "$dir/alerts.yml");
    ok($good, 'promtool check rules') or diag($said);

    # Rules fire when they should, and not else.
    append_to_file("$dir/alerts_test.yml", slurp_file("$root/sql_tests/vectors/alerts_test.yml"));
    ($good, $said) = promtool('', 'test', 'rules', "$dir/alerts_test.yml");
    ok($good, 'promtool test rules') or diag($said);

    push @running, IPC::Run::start(
        [ 'prometheus', "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data", "--web.listen-address=127.0.0.1:$port{prometheus}" ],
        '<', '/dev/null', '>&', "$dir/prometheus.log");
    my $api = "http://127.0.0.1:$port{prometheus}/api/v1";

    # What Prometheus answers to a query.
    my $query = sub {
        my ($expression) = @_;
        my $got = $http->get("$api/query?" . $http->www_form_urlencode({ query => $expression }));

        return {} unless $got->{headers}->{'content-type'} // '' eq 'application/json';
        return decode_json($got->{content});
    };
    my $value = sub {
        my ($expression) = @_;
        my $result = $query->($expression)->{data}->{result} // [];
        return @$result ? $result->[0]->{value}->[1] : undef;
    };

    $node->psql('agent', "SELECT agent_login('ann\@example.com', 'wrong')");
    my $wrong = calls('agent_login', 'bad_credentials');
    wait_for('a scrape', sub { ($value->('up{job="agent"}') // 0) == 1 });
    is(wait_for('the counts', sub { $value->('agent_calls_total{function="agent_login",outcome="bad_credentials"}') }),
        $wrong, 'Prometheus has what was counted');
    $node->psql('agent', "SELECT agent_login('ann\@example.com', 'wrong')") foreach 1 .. 3;
    wait_for('the next counts',
        sub { $value->('agent_calls_total{function="agent_login",outcome="bad_credentials"}') == $wrong + 3 });
    pass('and what is counted later');
    wait_for('a quantile',
        sub { ($value->('histogram_quantile(0.99, sum by (le) (rate(agent_call_duration_seconds_bucket{function="agent_login"}[1m])))') // 'NaN') =~ /^[\d.]+$/ });
    pass('a quantile can be made of the buckets');
    is($value->('agent_info{job="agent"}'), 1, 'and the version is told');

    foreach my $expression (grep { !/^label_values/ } @board, @rules)
    {
        my $plain = $expression =~ s/\$__rate_interval/1m/gr =~ s/\$\w+/.*/gr;
        is($query->($plain)->{status} // 'no answer', 'success', "Prometheus understands: $plain");
    }
    my $alerting = decode_json($http->get("$api/rules")->{content});
    is_deeply([ map { $_->{name} } grep { $_->{state} ne 'inactive' || $_->{health} eq 'err' } @{ $alerting->{data}->{groups}->[0]->{rules} } ],
        [], 'no alert of a service that is well');

    # A wrong token is seen.
    set_token('another-token-of-this-test');
    wait_for('the failure', sub { ($value->('up{job="agent"}') // 1) == 0 });
    pass('a scrape with a wrong token fails');
    $running[1]->kill_kill;
}

# Beside another module that has such a hook, whichever is loaded first: each sees every call,
# and finds what it has kept of it.
my $module = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
append_to_file("$module/other.c", q{
#include "postgres.h"
#include "fmgr.h"
#include "miscadmin.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(other_seen);
extern void _PG_init(void);
static fmgr_hook_type previous_hook = NULL;
static needs_fmgr_hook_type previous_needs_hook = NULL;
static int seen[4];
static void
at_call(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
    struct { Oid oid; Datum next; } *mine;

    if (*private == 0)
    {
        mine = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(*mine));
        mine->oid = flinfo->fn_oid;
        *private = PointerGetDatum(mine);
    }
    mine = (void *) DatumGetPointer(*private);
    seen[mine->oid == flinfo->fn_oid ? event : 3]++;
    if (previous_hook != NULL)
        previous_hook(event, flinfo, &mine->next);
}
static bool
needs_hook(Oid oid)
{
    return previous_needs_hook != NULL && previous_needs_hook(oid);
}
void
_PG_init(void)
{
    previous_hook = fmgr_hook;
    fmgr_hook = at_call;
    previous_needs_hook = needs_fmgr_hook;
    needs_fmgr_hook = needs_hook;
}
Datum
other_seen(PG_FUNCTION_ARGS)
{
    PG_RETURN_INT32(seen[PG_GETARG_INT32(0)]);
}
});
chomp(my $include = `pg_config --includedir-server`);
SKIP:
{
    skip('there is no compiler', 1)
      unless has('cc')
      && IPC::Run::run([ 'cc', '-shared', '-fPIC', "-I$include", '-o', "$module/other.so", "$module/other.c" ]);
    foreach my $libraries ("agent, $module/other", "$module/other, agent")
    {
        my ($first) = $libraries =~ m{(\w+),};

        $node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'$libraries'");
        $node->restart;
        is( $node->safe_psql('agent', "
                CREATE FUNCTION pg_temp.seen(integer) RETURNS integer LANGUAGE C AS '$module/other', 'other_seen';
                SELECT count(agent_authenticate('$ann')) FROM generate_series(1, 3);
                DO 'BEGIN PERFORM agent_refresh(''x''); EXCEPTION WHEN OTHERS THEN END';
                SELECT concat_ws(' ', pg_temp.seen(0), pg_temp.seen(1), pg_temp.seen(2), pg_temp.seen(3));"),
            "3\n4 3 1 0", "$first loaded first: the other module sees all");
        is(calls('agent_authenticate', 'ok') . ' ' . calls('agent_refresh', 'invalid_refresh_token'), '3 1', 'and so does agent');
    }
    $node->adjust_conf('postgresql.conf', 'shared_preload_libraries', q{'agent'});
    $node->restart;
    $node->safe_psql('agent', "SELECT count(agent_authenticate('$ann')) FROM generate_series(1, 10)");
}

# A crash begins anew, with all at zero.
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;
cmp_ok(calls('agent_authenticate', 'ok'), '>=', 10, 'before a crash');
$node->psql('agent', q{COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'});
ok($node->poll_query_until('agent', 'SELECT 1', '1'), 'the server is back');
is(calls('agent_authenticate', 'ok'), 0, 'counts begin anew, as a counter may');

# Without preloading nothing is counted, and that is said.
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', q{''});
$node->restart;
is( $node->safe_psql('agent', 'SELECT agent_metrics()') =~ s/^#.*\n//gmr =~ s/version="[^"]*"/version/r =~ s/\n\z//r,
    "agent_preloaded 0\nagent_info{version} 1",
    'not preloaded');
like($node->safe_psql('agent', q{SELECT detail FROM agent_doctor() WHERE "check" = 'preload'}), qr/no metrics/, 'and the doctor says so');
is(ask(undef, '/ready'), 200, 'ready all the same');

$node->stop;
done_testing();
