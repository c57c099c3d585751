# Loading libjwt beside other modules, and what a long life does to a backend.
#
# PostgreSQL and libjansson, on which libjwt is built, both export json_object:
# a libjwt that was loaded the plain way calls the server's and crashes it.
# Failures this catches: a crash instead of an error, a load that half succeeded,
# an over-long token on the stack, memory of libjwt that is never given back.

use strict;
use warnings;

use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('load');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', q{CREATE EXTENSION agent CASCADE;
    SELECT agent_register('alice@example.com', 'alice', 'password')});

my @tokens = map {
    $node->safe_psql('agent',
        q{SELECT access_token FROM agent_login('alice@example.com', 'password')})
} 1 .. 2;
my $started = 'SELECT pg_postmaster_start_time()';
my $start_time = $node->safe_psql('agent', $started);

# A module that links libjwt the plain way, and can call it.
my $dir = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
append_to_file("$dir/other.c", q{
#include "postgres.h"
#include "fmgr.h"
#include <jwt.h>
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(other_sign);
Datum
other_sign(PG_FUNCTION_ARGS)
{
    jwt_t *jwt;
    char *text;

    if (jwt_new(&jwt) != 0)
        PG_RETURN_BOOL(false);
    jwt_add_grant(jwt, "sub", "somebody");
    jwt_set_alg(jwt, JWT_ALG_HS256, (unsigned char *) "0123456789abcdef0123456789abcdef", 32);
    text = jwt_encode_str(jwt);
    jwt_free(jwt);
    PG_RETURN_BOOL(text != NULL);
}
});
chomp(my $include = `pg_config --includedir-server`);
my $built = IPC::Run::run(
    [ 'cc', '-shared', '-fPIC', "-I$include", '-o', "$dir/other.so", "$dir/other.c", '-ljwt' ],
    '>', \my $cc_out, '2>', \my $cc_err);

SKIP:
{
    skip 'no C compiler or no libjwt-dev: cannot build a module that links libjwt', 13
        unless $built;

    # The other module first: the library says what is wrong and does not load.
    # So it does at the second try in the same session, and at every later one.
    my ($ret, $out, $err) = $node->psql('agent',
        "LOAD '$dir/other.so';
         SELECT agent_uid(); SELECT agent_uid();
         SELECT agent_login('alice\@example.com', 'password');
         SELECT 'still here'", on_error_stop => 0);
    is(() = $err =~ /ERROR:  library "libjwt\.so\.\d" was loaded by another module/g,
        3, 'libjwt was loaded before: a clear error, each time');
    like($err, qr/HINT:  .*shared_preload_libraries/, 'and what to do about it');
    is($out, 'still here', 'the session goes on');
    is($node->safe_psql('agent', $started), $start_time, 'the server did not crash');

    # Other sessions are not touched by that.
    is($node->safe_psql('agent', "SET agent.token = '$tokens[0]'; SELECT agent_uid() IS NOT NULL"),
        't', 'another session is well');

    # We first: both work, each with the libjwt that does not crash.
    is( $node->safe_psql('agent',
            "LOAD 'agent';
             LOAD '$dir/other.so';
             CREATE FUNCTION other_sign() RETURNS boolean LANGUAGE C AS '$dir/other.so';
             SET agent.token = '$tokens[0]';
             SELECT agent_uid() IS NOT NULL, other_sign();
             SELECT agent_uid() IS NOT NULL, other_sign()"),
        "t|t\nt|t", 'we were loaded before: both work');
    is($node->safe_psql('agent', $started), $start_time, 'the server did not crash');

    # Preloaded in the wrong order, the server does not start and says why.
    $node->append_conf('postgresql.conf', "shared_preload_libraries = '$dir/other.so, agent'");
    $node->stop;
    is($node->start(fail_ok => 1), 0, 'preloaded after the other module: no start');
    like(slurp_file($node->logfile),
        qr/FATAL:  library "libjwt\.so\.\d" was loaded by another module/, 'with a clear error');

    # In the right order it does.
    $node->append_conf('postgresql.conf', "shared_preload_libraries = 'agent, $dir/other.so'");
    $node->start;
    is( $node->safe_psql('agent',
            "SET agent.token = '$tokens[0]'; SELECT agent_uid() IS NOT NULL, other_sign()"),
        't|t', 'preloaded before the other module: both work');
    is( $node->safe_psql('agent',
            q{SELECT token_type FROM agent_login('alice@example.com', 'password')}),
        'bearer', 'and tokens are made');
    $node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
    $node->restart;
    is($node->safe_psql('agent', "SET agent.token = '$tokens[0]'; SELECT agent_uid() IS NOT NULL"),
        't', 'the token is good after restarts');
    ok(!$node->log_contains('was terminated by signal'), 'nothing crashed');
}

# Tokens of 9 MB, which libjwt would copy to the stack, in every way one can
# come: refused, and the session lives.
my $big = q{repeat('A', 9000000)};
foreach my $call (
    [ 'agent_authenticate', "SELECT agent_authenticate($big || '.e30.x')", '28000' ],
    [ 'agent_authenticate, payload', "SELECT agent_authenticate('e30.' || $big || '.x')", '28000' ],
    [ 'agent_authenticate, one segment', "SELECT agent_authenticate($big)", '28000' ],
    [ 'agent.token', "SELECT set_config('agent.token', $big || '.e30.x', false)", '22023' ],
    [ 'request.headers',
        "SELECT set_config('request.headers',
             '{\"authorization\":\"Bearer ' || $big || '.e30.x\"}', false);
         SELECT agent_uid()", '28000' ])
{
    my ($name, $sql, $state) = @$call;
    my ($ret, $out, $err) = $node->psql('agent',
        "\\set VERBOSITY sqlstate
         SELECT pg_backend_pid() AS pid, agent_uid() IS NULL AS loaded \\gset
         \\o /dev/null
         $sql;
         \\o
         SELECT pg_backend_pid() = :pid", on_error_stop => 0);

    like($err, qr/ERROR:  $state/, "9 MB in $name: refused");
    is($out, 't', "9 MB in $name: the session lives");
}

# Verifying over and over takes no memory: agent_authenticate does it from scratch
# each time; and bad ones, whose error is caught.
SKIP:
{
    skip 'no /proc to read the memory of a process from', 3 unless -r '/proc/self/status';

    my $session = $node->background_psql('agent');
    my $pid = $session->query('SELECT pg_backend_pid()');

    # Private memory: what is touched of the shared buffers does not count.
    my $private = sub {
        return slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m ? $1 : undef;
    };
    my $verify = sub {
        my ($times) = @_;
        return $session->query(
            "CREATE TEMP TABLE IF NOT EXISTS outcome (good bigint, bad bigint);
             TRUNCATE outcome;
             DO \$\$
             DECLARE
                 good bigint := 0;
                 bad bigint := 0;
             BEGIN
                 FOR i IN 1 .. $times / 2 LOOP
                     good := good + (agent_authenticate('$tokens[0]') IS NOT NULL)::int;
                     good := good + (agent_authenticate('$tokens[1]') IS NOT NULL)::int;
                 END LOOP;
                 PERFORM set_config('agent.token', overlay('$tokens[0]' PLACING 'AAAA'
                     FROM length('$tokens[0]') - 20), true);
                 FOR i IN 1 .. $times / 10 LOOP
                     BEGIN
                         PERFORM agent_uid();
                     EXCEPTION WHEN invalid_authorization_specification THEN
                         bad := bad + 1;
                     END;
                 END LOOP;
                 INSERT INTO outcome VALUES (good, bad);
             END \$\$;
             SELECT good, bad FROM outcome");
    };

    is($verify->(2_000), '2000|200', 'warm-up');
    my $before = $private->();
    is($verify->(100_000), '100000|10000', '100 000 tokens verified, 10 000 refused');
    my $growth = $private->() - $before;
    cmp_ok($growth, '<', 2048, 'the backend did not grow by 2 MB');
    note("grew by $growth kB");
    $session->quit;
}

$node->stop;
done_testing();
