# From a released version to this one, with people signed in.
#
# Failures this catches: an update that forgets something, loses rows or somebody's token, undoes what a DBA has
# granted or revoked, or locks tables; a library that does not serve the objects of the version before, as it must
# between the restart and ALTER EXTENSION agent UPDATE; a released script that was changed.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/../..');
my ($version) = slurp_file("$root/agent.control") =~ /^default_version\s*=\s*'(.*)'/m;
my %released = reverse slurp_file("$root/sql/released.sha256") =~ /^(\S+)\s+(\S+)$/mg;
my %vectors = map { basename($_, '.sql') => slurp_file($_) } glob "$root/sql_tests/vectors/*.sql";

# Tables that an update locks so that nobody reads or writes meanwhile: what sql/upgrades/ and the README say.
my @locked = ();
my %installed;

# What is released never changes.
is(Digest::SHA->new(256)->addfile("$root/sql/$_")->hexdigest, $released{$_}, "$_ is as it was released")
  foreach sort keys %released;

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 10
agent.login_account_interval = 0
fsync = off
});
$node->start;

# A database with that version in a schema, as the README has it.
sub install
{
    my ($database, $schema, $which) = @_;

    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, "CREATE SCHEMA IF NOT EXISTS $schema;
        CREATE EXTENSION pgcrypto;
        CREATE EXTENSION agent SCHEMA $schema VERSION '$which'");
}

# What a file of vectors/ answers, its errors among it.
sub answers
{
    my ($database, $file, $before) = @_;
    my $out = '';

    IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr($database) ], '<', \"$before\n$vectors{$file}", '>&', \$out);
    return $out =~ s/^psql:<stdin>:\d+: //gmr;
}

# The lines of one text that are not in the other, and the other way round.
sub differences
{
    my ($one, $other) = map { +{ map { $_ => 1 } split /\n/ } } @_;

    return join "\n", (map { "< $_" } grep { !$other->{$_} } sort keys %$one),
      map { "> $_" } grep { !$one->{$_} } sort keys %$other;
}

foreach my $old (map { /^agent--([\d.]+)\.sql$/ } sort keys %released)
{
    my $people = $old =~ s/\W/_/gr;
    install("people_$people", 'api', $old);

    # The new library, the old objects: everything that there was works.
    my $made = "\\set schema api\n" . answers("people_$people", 'people_make', "\\set schema api\n\\set ON_ERROR_STOP on");
    like($made, qr/\\set other [0-9a-f-]{36}$/m, "$old: people and what they keep");
    my $wrote = answers("people_$people", 'people_write', "$made\\set round 1");
    unlike($wrote, qr/ERROR|WARNING|^5/m, "$old: the library serves its objects");
    like($wrote, qr/^200 status writable$/m, "$old: it is ready");
    my ($status, $out, $err) = $node->psql("people_$people", 'SELECT count(*) FROM api.agent_doctor()');
    like($err, qr/objects of extension "agent" are of version \Q$old\E, its library is \Q$version\E.*ALTER EXTENSION agent UPDATE/s,
        "$old: the doctor says that an update is to be done");
    my $grants = q{SELECT detail FROM api.agent_doctor() WHERE "check" = 'grants'};
    my $granted = $node->safe_psql("people_$people", $grants);
    like($granted, qr/agent_user_list/, "$old: it sees what a DBA has granted");

    # One session that has prepared its statements, and one in the middle of a transaction that has written.
    my ($token) = $made =~ /ann_token (\S+)/;
    my ($trip) = $made =~ /trip (\S+)/;
    my $read = answers("people_$people", 'people_read', $made);
    my $open = $node->background_psql("people_$people", on_error_stop => 1);
    my $busy = $node->background_psql("people_$people", on_error_stop => 1);
    $_->query_safe("SET search_path = api; SET ROLE agent_user; SET agent.token = '$token'; PREPARE list AS SELECT seq FROM agent_message_list('$trip'); EXECUTE list")
      foreach $open, $busy;
    $busy->query_safe("BEGIN; SELECT agent_message_update((SELECT id FROM agent_messages WHERE content = 'round 1'), content => 'round one')") unless @locked;
    my $newest = $node->safe_psql("people_$people", q{SELECT max(oid::text::bigint) FROM pg_class WHERE relnamespace = 'agent'::regnamespace});
    is($node->safe_psql("people_$people", qq{
            BEGIN;
            SET LOCAL lock_timeout = '3s';
            ALTER EXTENSION agent UPDATE;
            SELECT relation::regclass FROM pg_locks
            WHERE pid = pg_backend_pid() AND mode ~ '^(Access|Share|ShareRow)?Exclusive|^ShareLock'
              AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = relation AND relkind = 'r' AND relnamespace = 'agent'::regnamespace
                          AND c.oid <= $newest)
            ORDER BY relation::regclass::text;
            COMMIT}),
        join("\n", @locked), "$old: updated while it is used, and no other table is locked");
    is(answers("people_$people", 'people_read', $made), $read, "$old: everything is there, for the same people");
    is($open->query_safe('EXECUTE list; SELECT username FROM agent_me()'),
        $busy->query_safe('EXECUTE list; SELECT username FROM agent_me(); COMMIT'), "$old: sessions go on");
    $_->quit foreach $open, $busy;
    my ($refresh) = $made =~ /ann_refresh (\S+)/;
    is($node->safe_psql("people_$people", "SET ROLE agent_anon; SELECT token_type FROM api.agent_refresh('$refresh')"),
        'bearer', "$old: a refresh token is good");
    is(answers("people_$people", 'people_write', "$made\\set round 2"), $wrote, "$old: people go on");
    is($node->safe_psql("people_$people", q{SELECT status FROM api.agent_doctor() WHERE "check" = 'version'}),
        'ok', "$old: the update is done");
    is($node->safe_psql("people_$people", $grants), $granted, "$old: what a DBA has changed is still known as such");

    # The same as a new installation, wherever it is.
    foreach my $schema (qw(api public))
    {
        install("installed_$schema", $schema, $version) unless $installed{$schema}++;
        install("updated_${schema}_$people", $schema, $old);
        $node->safe_psql("updated_${schema}_$people", 'ALTER EXTENSION agent UPDATE');
        is(differences($node->safe_psql("installed_$schema", $vectors{catalog}), $node->safe_psql("updated_${schema}_$people", $vectors{catalog})),
            '', "$old: updated in the schema $schema is the same as installed there");
    }
}

# The comparison sees what an update could forget.
my $installed = $node->safe_psql('installed_api', $vectors{catalog});
cmp_ok(scalar(() = $installed =~ / \| present \| /g), '>', 200, 'the comparison is of everything');
my %changes = (
    q{COMMENT ON COLUMN agent.users.email IS 'Another.'} => 'table agent.users | comment on 2 | Another.',
    q{ALTER TABLE agent.messages ALTER COLUMN search SET STATISTICS 10} => 'table agent.messages column search | statistics | 10',
    q{ALTER TABLE agent.messages ALTER COLUMN metadata SET STORAGE EXTERNAL} => 'table agent.messages column metadata | storage | e',
    q{ALTER TABLE agent.conversations ALTER COLUMN is_pinned SET DEFAULT true} => 'table agent.conversations column is_pinned | default | true',
    q{ALTER TABLE agent.conversations NO FORCE ROW LEVEL SECURITY} => 'table agent.conversations | force | false',
    q{ALTER TABLE agent.users ADD CONSTRAINT mine CHECK (email <> '')} => 'table constraint mine on agent.users | present | yes',
    q{ALTER TABLE agent.audit SET (fillfactor = 50)} => 'table agent.audit | options | {fillfactor=50}',
    q{ALTER TABLE agent.messages SET (toast.autovacuum_enabled = off)} => 'toast of agent.messages | options | {autovacuum_enabled=off}',
    q{ALTER TABLE agent.messages ADD COLUMN more text} => 'table agent.messages column more | place | 11',
    q{ALTER FUNCTION api.agent_me() VOLATILE} => 'function api.agent_me() | volatile | v',
    q{ALTER FUNCTION api.agent_login(text, text) SET search_path = api} => 'function api.agent_login(pg_catalog.text,pg_catalog.text) | settings | {search_path=api}',
    q{ALTER FUNCTION api.agent_refresh(text) OWNER TO agent_admin} => 'function api.agent_refresh(pg_catalog.text) | owner | agent_admin',
    q{GRANT EXECUTE ON FUNCTION agent.hash_time() TO PUBLIC} => qr/function agent.hash_time\(\) \| privileges \| =X.*/,
    q{GRANT SELECT (email_key) ON agent.users TO agent_user} => 'table agent.users column email_key | privileges | agent_user=r/agent_owner',
    q{ALTER POLICY users_own ON agent.users USING (true)} => 'policy users_own on agent.users | using | true',
    q{CREATE INDEX mine ON agent.messages (role)} => 'index agent.mine | index | CREATE INDEX mine ON agent.messages USING btree (role)',
    q{ALTER VIEW api.agent_users SET (security_invoker = false)} => 'view api.agent_users | options | {security_invoker=false}',
    q{ALTER TYPE api.agent_token ADD ATTRIBUTE more text} => 'composite type api.agent_token column more | type | text',
    q{ALTER OPERATOR agent.@@ (tsvector, tsquery) SET (RESTRICT = NONE)} => 'operator agent.@@(pg_catalog.tsvector,pg_catalog.tsquery) | estimators | - tsmatchjoinsel',
    q{ALTER TEXT SEARCH CONFIGURATION agent.search ALTER MAPPING FOR cjk_break WITH simple}
        => qr/text search configuration agent.search \| mapping \d+ \| \S+ simple/,
    q{ALTER TEXT SEARCH DICTIONARY api.agent_exact (Result = stop)}
        => qr/text search dictionary api.agent_exact \| text search \| \S+ agent_fold result = 'stop'/,
    q{UPDATE pg_extension SET extcondition[1] = 'WHERE true' WHERE extname = 'agent'} => 'extension agent | dumped agent.users | WHERE true',
    q{ALTER EXTENSION agent ADD FUNCTION api.mine()} => 'function api.mine() | member | yes');
my $changed = $node->safe_psql('installed_api', join "\n", 'BEGIN;',
    'CREATE FUNCTION api.mine() RETURNS integer LANGUAGE sql RETURN 1;', (map { "$_;" } sort keys %changes), $vectors{catalog});
my $differences = differences($installed, $changed);
foreach my $change (sort keys %changes)
{
    my $seen = ref $changes{$change} ? $changes{$change} : qr/\Q$changes{$change}\E/;
    like($differences, qr/^> $seen$/m, "seen: $change");
}

# What is dropped and made again, with another argument, has the privileges that a DBA gave it, and not those taken away.
my ($begin, $end) = map { slurp_file("$root/sql/upgrades/$_.sql") =~ s/^\\.*\n//mgr } qw(begin end);
is($node->safe_psql('installed_api', qq{
        GRANT EXECUTE ON FUNCTION api.agent_register(text, text, text, text) TO pg_monitor WITH GRANT OPTION;
        REVOKE EXECUTE ON FUNCTION api.agent_register(text, text, text, text) FROM agent_anon;
        CREATE FUNCTION api.agent_register(boolean) RETURNS integer LANGUAGE sql RETURN 1;
        REVOKE ALL ON FUNCTION api.agent_register(boolean) FROM PUBLIC;
        ALTER EXTENSION pgcrypto ADD FUNCTION api.agent_register(boolean);
        BEGIN;
        $begin
        ALTER EXTENSION agent DROP FUNCTION api.agent_register(text, text, text, text);
        DROP FUNCTION api.agent_register(text, text, text, text);
        CREATE FUNCTION api.agent_register(integer) RETURNS integer LANGUAGE sql RETURN 1;
        REVOKE ALL ON FUNCTION api.agent_register(integer) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION api.agent_register(integer) TO agent_anon, agent_user;
        ALTER EXTENSION agent ADD FUNCTION api.agent_register(integer);
        $end
        SELECT r, has_function_privilege(r, 'api.agent_register(integer)', 'EXECUTE'),
            has_function_privilege(r, 'api.agent_register(boolean)', 'EXECUTE')
        FROM unnest('{agent_anon, agent_user, agent_admin, pg_monitor}'::text[]) AS r;}),
    "agent_anon|f|f\nagent_user|t|f\nagent_admin|f|f\npg_monitor|t|f",
    'privileges go from what is dropped to what takes its name, and to nothing of another extension');

# How the script is built: by what the sources have, and the released one has not.
my $folder = PostgreSQL::Test::Utils::tempdir();
mkdir "$folder/upgrades";
append_to_file("$folder/agent--1.sql", q{
CREATE TABLE a.t (x integer);
CREATE VIEW s.v AS SELECT 1;
CREATE FUNCTION s.f(x integer, y integer) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT 1;
    SELECT ';''';
END;
CREATE FUNCTION s.gone() RETURNS integer LANGUAGE sql RETURN 1;
COMMENT ON TABLE a.t IS 'A table; -- of things';
GRANT EXECUTE ON FUNCTION s.f(integer, integer), s.gone() TO one, two;
DO $$ BEGIN END $$;
SELECT once();
});
append_to_file("$folder/upgrades/1--2.sql", "-- By hand.\nALTER TABLE a.t ADD COLUMN y integer;\nDROP FUNCTION s.gone();\n");
append_to_file("$folder/10_a.sql", q{-- A table.
\echo no
SET LOCAL search_path = elsewhere;
CREATE TABLE a.t (x integer, y "odd; name"); -- wider
COMMENT ON TABLE a.t IS 'A table; -- of things';
CREATE TABLE a.t2 (x integer);
CREATE   VIEW s.v AS
SELECT 1;
CREATE FUNCTION s.f(x integer, y integer) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT 1;
    SELECT ';''';
END;
CREATE FUNCTION s.gone() RETURNS text LANGUAGE sql RETURN 1;
COMMENT ON FUNCTION s.f(integer, integer) IS 'Two
lines; here.';
DO $$ BEGIN 'once;'; END $$;
SELECT once();
});
append_to_file("$folder/90_b.sql", q{
GRANT EXECUTE ON FUNCTION s.f(integer, integer), s.gone() TO one, two, three;
DO $$ BEGIN; END $$;
NOTIFY it;
});
my ($built) = run_command([ "$root/scripts/upgrade-script", map { "$folder/$_" } qw(agent--1.sql upgrades/1--2.sql 10_a.sql 90_b.sql) ]);
is($built =~ s/\n+/\n/gr, q{-- By hand.
ALTER TABLE a.t ADD COLUMN y integer;
DROP FUNCTION s.gone();
-- From the sources.
-- Changed by hand, above: TABLE a.t
CREATE TABLE a.t2 (x integer);
CREATE OR REPLACE FUNCTION s.f(x integer, y integer) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    SELECT 1;
    SELECT ';''';
END;
CREATE OR REPLACE FUNCTION s.gone() RETURNS text LANGUAGE sql RETURN 1;
COMMENT ON FUNCTION s.f(integer, integer) IS 'Two
lines; here.';
GRANT EXECUTE ON FUNCTION s.f(integer, integer) TO three;
GRANT EXECUTE ON FUNCTION s.gone() TO one;
GRANT EXECUTE ON FUNCTION s.gone() TO two;
GRANT EXECUTE ON FUNCTION s.gone() TO three;
DO $$ BEGIN; END $$;
NOTIFY it;
}, 'the script that updates');

# What has changed and is not said by hand, and what cannot be compared, is no silent loss.
append_to_file("$folder/upgrades/other.sql", "DROP FUNCTION s.gone(); ALTER TABLE x_a.t ADD COLUMN z integer;\n");
append_to_file("$folder/30_c.sql", "CREATE UNLOGGED TABLE a.fresh (x integer);\nCREATE UNIQUE INDEX same ON a.fresh (x);\n");
append_to_file("$folder/31_d.sql", "CREATE SOMETHING new;\n");
append_to_file("$folder/32_e.sql", "CREATE INDEX ON a.t (x);\n");
foreach my $case (
    [ 'upgrades/other.sql', '10_a.sql', qr/TABLE a\.t has changed, and no statement .* names it/ ],
    [ 'upgrades/1--2.sql', '31_d.sql', qr/this cannot be compared: CREATE SOMETHING new/ ],
    [ 'upgrades/1--2.sql', '32_e.sql', qr/an index needs a name/ ])
{
    my ($hand, $source, $why) = @$case;
    my ($out, $err) = run_command([ "$root/scripts/upgrade-script", map { "$folder/$_" } 'agent--1.sql', $hand, $source ]);
    like($err, $why, "$source with $hand ends with a message");
}
($built) = run_command([ "$root/scripts/upgrade-script", map { "$folder/$_" } 'agent--1.sql', '30_c.sql' ]);
like($built, qr/^CREATE UNLOGGED TABLE a\.fresh.*^CREATE UNIQUE INDEX same/ms, 'a new table of another sort is new');

$node->stop;
done_testing();
