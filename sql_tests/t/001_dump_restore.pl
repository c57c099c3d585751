# A dump and its restore, into fresh clusters and beside the database it is of.
#
# Failures this catches: a table that pg_extension_config_dump forgot, data that
# is counted twice, a policy, owner or privilege that is lost on the way, a dump
# that carries the signing key or a token, roles that are there already and in the
# way, jobs that restore in an order which fails, a restored database that nobody
# can log in to or search.

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $password = 'correct horse battery staple';

# What a restored database must have exactly as the first one had it.
my %catalog = (
    'policies' => q{
        SELECT schemaname, tablename, policyname, permissive, roles, cmd, qual, with_check
        FROM pg_policies WHERE schemaname IN ('agent', 'app') ORDER BY 2, 3},
    'owners, row security and FORCE of relations' => q{
        SELECT c.oid::regclass, c.relkind, c.relowner::regrole, c.relrowsecurity,
            c.relforcerowsecurity, c.reloptions
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('agent', 'app') OR c.relname LIKE 'agent\_%'
        ORDER BY c.oid::regclass::text},
    'privileges on relations' => q{
        SELECT c.oid::regclass, a.grantee::regrole, a.privilege_type, a.is_grantable
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
        WHERE c.relkind IN ('r', 'v')
            AND (n.nspname IN ('agent', 'app') OR c.relname LIKE 'agent\_%')
        ORDER BY c.oid::regclass::text, a.grantee::regrole::text, 3},
    'privileges on columns' => q{
        SELECT t.attrelid::regclass, t.attname, a.grantee::regrole, a.privilege_type
        FROM pg_attribute AS t CROSS JOIN aclexplode(t.attacl) AS a
            JOIN pg_class AS c ON c.oid = t.attrelid
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('agent', 'app')
        ORDER BY t.attrelid::regclass::text, t.attname, a.grantee::regrole::text, 4},
    'functions' => q{
        SELECT p.oid::regprocedure, p.proowner::regrole, p.prosecdef, p.provolatile,
            p.proparallel, p.proconfig, a.grantee::regrole, a.privilege_type
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
            CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE n.nspname = 'agent' OR p.proname LIKE 'agent\_%'
        ORDER BY p.oid::regprocedure::text, a.grantee::regrole::text},
    'schemas' => q{
        SELECT n.nspname, n.nspowner::regrole = 'agent_owner'::regrole, a.grantee::regrole,
            a.privilege_type
        FROM pg_namespace AS n
            CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
        WHERE n.nspname IN ('agent', 'app', 'api', 'public')
        ORDER BY 1, a.grantee::regrole::text, 4},
    'constraints and indexes' => q{
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
        FROM pg_constraint WHERE connamespace = 'agent'::regnamespace
        UNION ALL
        SELECT tablename, indexname, indexdef, true FROM pg_indexes WHERE schemaname = 'agent'
        ORDER BY 1, 2, 3},
    'the extension and its tables that are dumped' => q{
        SELECT extname, extversion, n.nspname,
            (SELECT array_agg(t::regclass::text ORDER BY t::regclass::text)
             FROM unnest(extconfig) AS t)
        FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        ORDER BY 1});

my %tokens;
my %refresh;

# What the README says to do: a dump, and its restore.
my ($backup) = slurp_file(dirname(__FILE__) . '/../../README.md') =~ /^## Backup\n(.*?)^## /ms;
my @commands = map { [ /^\$ (.*)/mg ] } $backup =~ /^```console\n(.*?)^```/msg;

# What stays behind: keys are secrets, or good for a day. All other tables are compared.
my @left_behind = qw(agent.signing_keys agent.idempotency_keys);

# A cluster that speaks UTF-8 whatever the environment says.
sub new_cluster
{
    my ($name) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);

    $node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
    $node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\n");
    $node->start;
    return $node;
}

# Every row of each table in one number, and how many there are.
sub checksums
{
    return join ' UNION ALL ', map {
        "SELECT '$_', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM $_ AS t"
          # The key that a restored database makes is in its audit.
          . ($_ eq 'agent.audit' ? q{ WHERE event <> 'key_rotate'} : '')
    } @_;
}

# Logs in as a web client would, and returns the token.
sub login
{
    my ($node, $db, $schema, $email) = @_;
    return $node->safe_psql($db,
        "SET ROLE agent_anon;
         SELECT access_token FROM $schema.agent_login('$email', '$password')");
}

# What somebody finds, by title and by content.
sub search
{
    my ($node, $db, $schema, $token, $query) = @_;
    return $node->safe_psql($db,
        "SET ROLE agent_user;
         SET agent.token = '$token';
         SELECT string_agg((h).kind || ' ' || (h).snippet, ', ' ORDER BY (h).kind)
         FROM (SELECT unnest(items) AS h FROM $schema.agent_search('$query')) AS found");
}

# Two people with conversations, one archived, one empty, one forked; messages of all
# kinds; an application's own table that uses agent_uid() in its policy.
sub fill
{
    my ($node, $db, $schema) = @_;

    $node->safe_psql($db,
        "CREATE SCHEMA app;
         CREATE TABLE app.notes (user_id uuid NOT NULL DEFAULT $schema.agent_uid(), body text);
         ALTER TABLE app.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE POLICY notes_own ON app.notes TO agent_user
             USING (user_id = $schema.agent_uid()) WITH CHECK (user_id = $schema.agent_uid());
         GRANT USAGE ON SCHEMA app TO agent_user;
         GRANT SELECT, INSERT ON app.notes TO agent_user;");
    foreach my $name (qw(alice bob))
    {
        $node->safe_psql($db,
            "SELECT $schema.agent_register('$name\@example.com', '$name', '$password')");
        my $token = login($node, $db, $schema, "$name\@example.com");
        $node->safe_psql($db,
            "SET ROLE agent_user;
             SET agent.token = '$token';
             INSERT INTO app.notes (body) VALUES ('note of $name');
             SELECT $schema.agent_conversation_create('empty');
             SELECT $schema.agent_conversation_create(E'Caf\\u00e9 \\U0001F600', 'first');
             SELECT $schema.agent_message_create(c.id, r.role, r.content)
             FROM $schema.agent_conversations AS c,
                 (VALUES ('assistant', E'tab\\tline\\nback\\\\slash \\\\. \\u4F60\\u597D'),
                         ('system', repeat('long ', 5000)),
                         ('user', ' ')) AS r (role, content)
             WHERE c.message_count > 0;
             SELECT $schema.agent_conversation_update(
                 ($schema.agent_conversation_create('put away', 'old', ARRAY['a tag'], '{\"a\": 1}')).id, NULL, true);
             SELECT $schema.agent_conversation_fork(id) FROM $schema.agent_conversations WHERE title = 'put away';
             SELECT $schema.agent_message_create(id, 'user', 'sent once', NULL, 'a key of $name')
             FROM $schema.agent_conversations WHERE title = 'put away' AND is_archived;");
        push @{ $tokens{$db} }, $token;
        $refresh{$db} = $node->safe_psql($db, "SET ROLE agent_anon;
             SELECT refresh_token FROM $schema.agent_login('$name\@example.com', '$password')");
    }
}

my $source = new_cluster('source');
my %home = (in_public => 'public', in_api => 'api');

foreach my $db (sort keys %home)
{
    $source->safe_psql('postgres', "CREATE DATABASE $db");
    $source->safe_psql($db, "CREATE SCHEMA IF NOT EXISTS $home{$db};
        CREATE EXTENSION agent SCHEMA $home{$db} CASCADE");
    fill($source, $db, $home{$db});
}

# The data is what the comparison below needs to be worth anything.
is( $source->safe_psql('in_api',
        'SELECT (SELECT count(*) FROM agent.users), (SELECT count(*) FROM agent.sessions),
            (SELECT count(*) FROM agent.conversations WHERE is_archived),
            (SELECT count(*) FROM agent.conversations WHERE forked_from IS NOT NULL),
            (SELECT count(*) FROM agent.conversations),
            (SELECT count(*) FROM agent.messages),
            (SELECT count(*) FROM agent.idempotency_keys),
            (SELECT count(*) FROM app.notes)'),
    '2|4|2|2|8|14|2|2',
    'the source has accounts, sessions, archived and forked conversations, messages and keys');
my $tables = q{SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relkind = 'r' AND c.relnamespace IN ('agent'::regnamespace, 'app'::regnamespace)
        AND c.oid <> ALL ('{%s}'::regclass[]) ORDER BY 1};
my @tables = split /\n/, $source->safe_psql('in_api', sprintf $tables, join ',', @left_behind);
cmp_ok(scalar @tables, '>=', 6, 'tables to compare: ' . join ', ', @tables);
my $doctor = q{SELECT string_agg("check" || ': ' || detail, ', ') FROM %s.agent_doctor() WHERE status = 'error'};

my $dir = PostgreSQL::Test::Utils::tempdir();
my %answers;

# What the source answers, which does not change any more.
sub in_source
{
    my ($db, $sql) = @_;
    return $answers{$db}{$sql} //= $source->safe_psql($db, $sql);
}

# Whether all is in a restored database that was in the one it comes from.
sub is_restored
{
    my ($target, $db, $from, $name) = @_;
    my $schema = $home{$from};

    # Every row is there once, with its counters: nothing counts while loading.
    is($target->safe_psql($db, checksums(@tables)), in_source($from, checksums(@tables)), "$name: rows of @tables");

    # Who may do what is the same.
    foreach my $what (sort keys %catalog)
    {
        my $rows = in_source($from, $catalog{$what});
        isnt($rows, '', "$name: the source has $what");
        is($target->safe_psql($db, $catalog{$what}), $rows, "$name: $what");
    }

    # Signing keys stay behind: the new database made one of its own.
    my $key = 'SELECT kid, secret FROM agent.signing_keys';
    isnt($target->safe_psql($db, $key), in_source($from, $key), "$name: another signing key");
    is( $target->safe_psql($db, 'SELECT (SELECT count(*) FROM agent.signing_keys), (SELECT count(*) FROM agent.idempotency_keys)'),
        '1|0', "$name: one signing key, and no idempotency key");

    # A token of the old database means nothing in the new one: its key is gone.
    my ($ret, $out, $err) = $target->psql($db,
        "\\set VERBOSITY sqlstate
         SET ROLE agent_user; SET agent.token = '$tokens{$from}[0]'; SELECT $schema.agent_me();");
    is("$out$err" =~ s/^psql:<stdin>:\d+: //r, 'ERROR:  28000',
        "$name: a token of the old database is refused");

    # A session goes on with the refresh token that the dump knew.
    like( $target->safe_psql($db,
            "SET ROLE agent_user;
             SELECT set_config('agent.token', access_token, false) <> '' FROM $schema.agent_refresh('$refresh{$from}');
             SELECT (a).username FROM (SELECT $schema.agent_me() AS a) AS me"),
        qr/^bob$/m, "$name: a refresh token goes on");

    # The old password opens the account, which goes on where it was: seq
    # follows the last message, and the count with it.
    my $token = login($target, $db, $schema, 'alice@example.com');
    is( $target->safe_psql($db,
            "SET ROLE agent_user;
             SET agent.token = '$token';
             SELECT (m).seq, (m).content
             FROM (SELECT $schema.agent_message_create(id, 'user', 'after the restore') AS m
                   FROM $schema.agent_conversations WHERE message_count = 4) AS posted;
             SELECT message_count FROM $schema.agent_conversation_list(false)
             ORDER BY 1;
             SELECT body FROM app.notes;"),
        "5|after the restore\n0\n1\n5\nnote of alice",
        "$name: a person logs in with the old password and goes on");

    # What was there is found, as what came; and the index agrees with the table.
    is(search($target, $db, $schema, $token, 'tab'), search($source, $from, $schema, $tokens{$from}[0], 'tab'),
        "$name: a search finds what was there");
    is(search($target, $db, $schema, $token, 'restore'), 'message after the <mark>restore</mark>',
        "$name: and what came");

    # The next seq the table keeps is the next one that is free, in all of them.
    is( $target->safe_psql($db,
            'SELECT count(*) FROM agent.conversations AS c
             WHERE next_seq <> message_count + 1 OR message_count <>
                (SELECT count(*) FROM agent.messages AS m
                 WHERE m.user_id = c.user_id AND m.conversation_id = c.id)'),
        '0', "$name: counters agree with the messages");
    is($target->safe_psql($db, sprintf $doctor, $schema), '', "$name: the doctor finds nothing that is wrong");
    return;
}

# Neither the key, in any spelling, nor a password nor a token is in a dump.
sub tells_no_secret
{
    my ($text, $from, $name) = @_;

    like($text, qr/alice\@example\.com/, "$name: the dump holds the accounts");
    my @secrets = split /\|/, $source->safe_psql($from,
        "SELECT encode(secret, 'hex'), encode(secret, 'base64'),
            translate(encode(secret, 'base64'), '+/=', '-_') FROM agent.signing_keys");
    is(scalar(@secrets), 3, "$name: spellings of the key to look for");
    # Of a refresh token what only its owner has.
    push @secrets, $password, @{ $tokens{$from} }, 'a key of alice', substr($refresh{$from}, 68, 64);
    is(scalar(grep { index($text, $_) >= 0 } @secrets), 0, "$name: no secret is in the dump");
    unlike($text, qr/COPY agent\.(signing|idempotency)_keys/, "$name: no keys in the dump");
    return;
}

like(search($source, 'in_api', 'api', $tokens{in_api}[0], 'tab'), qr/^message .*<mark>tab<\/mark>/s, 'the source is searched');

# Runs commands of the README, which call the database mydb, in the folder of the dumps.
sub as_the_readme_says
{
    my ($node, $commands, $db) = @_;

    foreach my $command (@$commands)
    {
        my $mine = $command =~ s/\bmydb\b/$db/gr;

        local @ENV{qw(PGHOST PGPORT)} = ($node->host, $node->port);
        # The roles are restored as they can be: the superuser is there already.
        my (undef, $err) = run_command([ 'bash', '-c', "cd $dir && $mine || echo failed >&2" ]);
        is(join("\n", grep { !/role "\w+" already exists/ } $err =~ /^(?:.*ERROR:.*|.*error:.*|failed)$/mg), '',
            "as the README says: $mine");
    }
    return;
}

# The roles: with the password that the gateway logs in with. Settings of the database.
$source->safe_psql('postgres', 'ALTER DATABASE in_api SET agent.session_ttl = 3600');
$source->safe_psql('postgres', q{ALTER ROLE agent_authenticator LOGIN PASSWORD 'hidden'});
as_the_readme_says($source, $commands[0], 'in_api');
unlike(slurp_file("$dir/roles.sql"), qr/hidden/, 'the roles without the password in plain text');

foreach my $format (qw(plain custom))
{
    my $target = new_cluster("restored_$format");

    foreach my $db (sort keys %home)
    {
        my $file = "$dir/$db." . ($format eq 'plain' ? 'sql' : 'dump');
        my $name = "$format dump of the extension in schema $home{$db}";

        $source->command_ok([ 'pg_dump', "--format=$format", '--file', $file,
                '--dbname', $source->connstr($db) ], "$name: made") unless -e $file;

        # A restore must run through without one error: the first stops it here.
        # One goes into a cluster that has none of the roles, one after them.
        if ($file eq "$dir/in_api.dump")
        {
            as_the_readme_says($target, $commands[1], $db);
            my $settings = q{SELECT rolcanlogin, rolpassword, (SELECT setconfig FROM pg_db_role_setting AS s
                    JOIN pg_database AS d ON d.oid = s.setdatabase WHERE datname = 'in_api')
                FROM pg_authid WHERE rolname = 'agent_authenticator'};
            is($target->safe_psql('postgres', $settings), $source->safe_psql('postgres', $settings),
                "$name: the gateway's password, and the settings of the database");
        }
        elsif ($format eq 'plain')
        {
            $target->safe_psql('postgres', "CREATE DATABASE $db");
            $target->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null',
                    '-f', $file, '-d', $target->connstr($db) ], "$name: restored");
        }
        else
        {
            $target->safe_psql('postgres', "CREATE DATABASE $db");
            $target->command_ok([ 'pg_restore', '--exit-on-error', '-d', $target->connstr($db),
                    $file ], "$name: restored");
        }
        tells_no_secret($format eq 'plain' ? slurp_file($file) : (run_command([ 'pg_restore', '-f', '-', $file ]))[0],
            $db, $name);
        is_restored($target, $db, $db, $name);
    }
    $target->stop;
}

# Beside the database it is of, where every role is there and in use.
$source->safe_psql('postgres', 'CREATE DATABASE beside');
$source->command_ok([ 'pg_restore', '--exit-on-error', '-d', $source->connstr('beside'), "$dir/in_api.dump" ],
    'restored beside it');
is_restored($source, 'beside', 'in_api', 'beside it');

$source->stop;
done_testing();
