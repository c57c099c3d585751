# pg_upgrade: the extension and all that people keep, from one cluster to another.
#
# AGENT_UPGRADE_FROM is the folder with the programs of the old server, where the extension is installed too; without it
# both are the same (scripts/check-pg-upgrade and `make check-versions` go from one major version to another).
#
# Failures this catches: an object that a dump of the schema cannot make again, rows or keys that stay behind, a token that
# is refused afterwards, an index that answers otherwise, a policy, owner or privilege that is lost.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/../..');
my %vectors = map { basename($_, '.sql') => slurp_file($_) } glob "$root/sql_tests/vectors/*.sql";
my $from = $ENV{AGENT_UPGRADE_FROM};
my @tables = qw(users sessions signing_keys conversations messages audit idempotency_keys);

my ($old, $new, $same);

# A cluster that speaks UTF-8 whatever the environment says. Since 18 pages have checksums unless told otherwise.
sub new_cluster
{
    my ($name, @place) = @_;
    my $cluster = PostgreSQL::Test::Cluster->new($name, @place);

    $cluster->init(extra => [ '--encoding=UTF8', '--no-locale', $cluster->pg_version >= 18 ? '--no-data-checksums' : () ]);
    $cluster->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 10
agent.login_account_interval = 0
fsync = off
});
    return $cluster;
}

# The extension in a new database, as the README has it.
sub install
{
    my ($cluster, $database) = @_;

    $cluster->safe_psql('postgres', "CREATE DATABASE $database");
    $cluster->safe_psql($database, 'CREATE SCHEMA api; CREATE EXTENSION pgcrypto; CREATE EXTENSION agent SCHEMA api');
}

# What a file of vectors/ answers, its errors among it.
sub answers
{
    my ($cluster, $file, $before) = @_;
    my $out = '';

    IPC::Run::run([ 'psql', '-XAtq', '-d', $cluster->connstr('agent') ], '<', \"$before\n$vectors{$file}", '>&', \$out);
    return $out =~ s/^psql:<stdin>:\d+: //gmr;
}

# Every row of every table, in one number each. When a session was used last, a worker writes by itself.
sub rows
{
    my ($cluster) = @_;

    return $cluster->safe_psql('agent', join ' UNION ALL ',
        map { "SELECT '$_', count(*), md5(string_agg(r::text, E'\\n' ORDER BY r::text))
             FROM (SELECT to_jsonb(t) - 'last_used_at' FROM agent.$_ AS t) AS r" } @tables);
}

# Properties of the extension, without the text of SQL functions and views, in which the server names columns anew when it
# reads its own; and without those that major versions have their own ways with: an owner's privileges are spelled out,
# and got one more in 17.
sub catalog
{
    my ($cluster, $database) = @_;
    my $left_out = $same ? qr/definition|view/ : qr/definition|view|privileges|as installed/;

    return join "\n", grep { !/^[^|]* \| $left_out\b/ } split /\n/, $cluster->safe_psql($database, $vectors{catalog});
}

# The lines of one text that are not in the other, and the other way round.
sub differences
{
    my ($one, $other) = map { +{ map { $_ => 1 } split /\n/ } } @_;

    return join "\n", (map { "< $_" } grep { !$other->{$_} } sort keys %$one),
      map { "> $_" } grep { !$one->{$_} } sort keys %$other;
}

$old = new_cluster('old', $from ? (install_path => dirname($from)) : ());
$new = new_cluster('new');
$same = $old->pg_version->major == $new->pg_version->major;
my $name = sprintf 'from %s to %s', $old->pg_version->major, $new->pg_version->major;

note($name);
$old->start;
install($old, 'agent');
$old->safe_psql('agent', q{ALTER ROLE agent_authenticator LOGIN PASSWORD 'of the authenticator'});
my $made = "\\set schema api\n" . answers($old, 'people_make', "\\set schema api\n\\set ON_ERROR_STOP on");
my ($token) = $made =~ /ann_token (\S+)/;
my ($refresh) = $made =~ /ann_refresh (\S+)/;
like($made, qr/\\set other [0-9a-f-]{36}$/m, 'people and what they keep');

# A table of an application's own, with the identity in its policy and default.
$old->safe_psql('agent', q{SET search_path = api;
    CREATE TABLE public.notes (user_id uuid NOT NULL DEFAULT agent_uid() REFERENCES agent.users ON DELETE CASCADE, body text);
    CREATE INDEX ON public.notes (user_id);
    CREATE POLICY own ON public.notes TO agent_user USING (user_id = agent_uid());
    ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON public.notes TO agent_user;
    INSERT INTO public.notes SELECT id, username FROM agent.users});
my ($read, $rows, $properties) = (answers($old, 'people_read', $made), rows($old), catalog($old, 'agent'));
$old->stop;

# pg_upgrade leaves files where it is run.
chdir $PostgreSQL::Test::Utils::tmp_check;
command_ok([ 'pg_upgrade', '--no-sync', $same ? () : '--link', '-d', $old->data_dir, '-D', $new->data_dir,
        '-b', $old->config_data('--bindir'), '-B', $new->config_data('--bindir'),
        '-s', $new->host, '-p', $old->port, '-P', $new->port ], "pg_upgrade $name");
$new->start;

is(rows($new), $rows, 'every row, keys too');
is(answers($new, 'people_read', $made), $read, 'tokens are good, and people find what was there');
is($new->safe_psql('agent', "SET ROLE agent_user; SET agent.token = '$token'; SELECT body FROM public.notes"),
    'ann', 'a table of an application\'s own has its policy');
is($new->safe_psql('agent', "SET ROLE agent_anon; SELECT token_type FROM api.agent_refresh('$refresh')"),
    'bearer', 'a refresh token is good');
my $wrote = answers($new, 'people_write', "$made\\set round 1");
unlike($wrote, qr/ERROR|WARNING|^5/m, 'people go on');
like($wrote, qr/^200 status writable$/m, 'it is ready');

# What a DBA has granted is known as such still; hash_time depends on the machine.
is($new->safe_psql('agent', q{SELECT "check" FROM api.agent_doctor() WHERE status <> 'ok' AND "check" <> 'hash_time'}),
    'grants', 'the doctor finds nothing but what was granted');

# Properties are what they were; in another server, what they are when the extension is installed there.
install($new, 'fresh') unless $same;
is(differences($same ? $properties : catalog($new, 'fresh'), catalog($new, 'agent')), '', 'every property of the extension');

# Indexes answer as the tables do, without having been made anew.
$new->safe_psql('agent', 'CREATE EXTENSION amcheck');
is($new->safe_psql('agent', q{
        SELECT count(bt_index_check(i.indexrelid, true)::text) > 7 FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'agent'::regnamespace AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')}),
    't', 'no index is broken');
my $search = q{
    PREPARE messages AS SELECT m.seq, m.content FROM agent.messages AS m
        WHERE m.search OPERATOR(agent.@@) agent.search_query('lisbon trips') ORDER BY m.id;
    PREPARE titles AS SELECT c.title FROM agent.conversations AS c
        WHERE agent.search_document(c.title) OPERATOR(agent.@@) agent.search_query('trips') ORDER BY c.id;
    };
my $run = 'EXECUTE messages; EXECUTE titles';
my $by_index = 'SET enable_seqscan = off; SET enable_indexscan = off';
my $found = $new->safe_psql('agent', "$search $by_index; $run");
is($found, $new->safe_psql('agent', "$search SET enable_bitmapscan = off; SET enable_indexscan = off; $run"),
    'the indexes of searches answer as the tables do');
like($found, qr/^A trip to Lisbon$/m, 'and find something');
like($new->safe_psql('agent', "$search $by_index; " . $run =~ s/EXECUTE/EXPLAIN EXECUTE/gr),
    qr/messages_search_idx.*conversations_search_idx/s, 'they were asked');

# The roles of the cluster: what logs in, by what, and becomes whom by itself.
is($new->safe_psql('postgres', q{
        SELECT r.rolname, r.rolcanlogin, r.rolinherit, r.rolsuper OR r.rolbypassrls, r.rolpassword IS NOT NULL,
            ARRAY(SELECT m.roleid::regrole::text || ' ' || coalesce(to_jsonb(m) ->> 'inherit_option', 'false')
                  FROM pg_auth_members AS m WHERE m.member = r.oid ORDER BY 1)
        FROM pg_authid AS r WHERE r.rolname ~ '^agent_' ORDER BY 1}),
    "agent_admin|f|t|f|f|{}\nagent_anon|f|t|f|f|{}\n"
      . qq(agent_authenticator|t|f|f|t|{"agent_anon false","agent_user false"}\n)
      . "agent_owner|f|t|f|f|{}\nagent_user|f|t|f|f|{}", 'the roles are what they were');

$new->stop;
done_testing();
