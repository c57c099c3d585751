# A dump and its restore into a fresh cluster.
#
# Failures this catches: a table that pg_extension_config_dump forgot, data that
# is counted twice, a policy, owner or privilege that is lost on the way, a dump
# that carries the signing key, a restored database that nobody can log in to.

use strict;
use warnings;

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

my @tables = qw(agent.users agent.sessions agent.conversations agent.messages app.notes);
my %tokens;

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

# Every row of a table in one number, and how many there are.
sub checksum
{
    my ($node, $db, $table) = @_;
    return $node->safe_psql($db,
        "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM $table AS t");
}

# Logs in as a web client would, and returns the token.
sub login
{
    my ($node, $db, $schema, $email) = @_;
    return $node->safe_psql($db,
        "SET ROLE agent_anon;
         SELECT access_token FROM $schema.agent_login('$email', '$password')");
}

# Two people with conversations, one archived, one empty; messages of all kinds;
# an application's own table that uses agent_uid() in its policy.
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
                 ($schema.agent_conversation_create('put away', 'old')).id, NULL, true);");
        push @{ $tokens{$db} }, $token;
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
            (SELECT count(*) FROM agent.conversations),
            (SELECT count(*) FROM agent.messages),
            (SELECT count(*) FROM app.notes)'),
    '2|2|2|6|10|2',
    'the source has accounts, sessions, archived conversations and messages');

my $dir = PostgreSQL::Test::Utils::tempdir();

foreach my $format (qw(plain custom))
{
    my $target = new_cluster("restored_$format");

    foreach my $db (sort keys %home)
    {
        my $schema = $home{$db};
        my $file = "$dir/$db.$format";
        my $name = "$format dump of the extension in schema $schema";

        $target->safe_psql('postgres', "CREATE DATABASE $db");
        $source->command_ok([ 'pg_dump', "--format=$format", '--file', $file,
                '--dbname', $source->connstr($db) ], "$name: made");

        # A restore must run through without one error: the first stops it here.
        if ($format eq 'plain')
        {
            $target->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null',
                    '-f', $file, '-d', $target->connstr($db) ], "$name: restored");
        }
        else
        {
            $target->command_ok([ 'pg_restore', '--exit-on-error', '-d', $target->connstr($db),
                    $file ], "$name: restored");
        }

        # Every row is there once, with its counters: nothing counts while loading.
        foreach my $table (@tables)
        {
            is( checksum($target, $db, $table), checksum($source, $db, $table),
                "$name: rows of $table");
        }

        # Who may do what is the same.
        foreach my $what (sort keys %catalog)
        {
            my $rows = $source->safe_psql($db, $catalog{$what});
            isnt($rows, '', "$name: the source has $what");
            is($target->safe_psql($db, $catalog{$what}), $rows, "$name: $what");
        }

        # Signing keys stay behind: the new database made one of its own.
        my $key = 'SELECT kid, secret FROM agent.signing_keys';
        isnt($target->safe_psql($db, $key), $source->safe_psql($db, $key),
            "$name: another signing key");
        is($target->safe_psql($db, 'SELECT count(*) FROM agent.signing_keys'), '1',
            "$name: one signing key");

        # Neither the key, in any spelling, nor a password nor a token is in the dump.
        my $text = $format eq 'plain' ? slurp_file($file)
            : (run_command([ 'pg_restore', '-f', '-', $file ]))[0];
        like($text, qr/alice\@example\.com/, "$name: the dump holds the accounts");
        my @secrets = split /\|/, $source->safe_psql($db,
            "SELECT encode(secret, 'hex'), encode(secret, 'base64'),
                translate(encode(secret, 'base64'), '+/=', '-_') FROM agent.signing_keys");
        is(scalar(@secrets), 3, "$name: spellings of the key to look for");
        foreach my $secret (@secrets, $password, @{ $tokens{$db} })
        {
            is(index($text, $secret), -1, "$name: a secret is not in the dump");
        }
        unlike($text, qr/COPY agent\.signing_keys/, "$name: no signing keys in the dump");

        # A token of the old database means nothing in the new one: its key is gone.
        my ($ret, $out, $err) = $target->psql($db,
            "\\set VERBOSITY sqlstate
             SET ROLE agent_user; SET agent.token = '$tokens{$db}[0]'; SELECT $schema.agent_me();");
        is("$out$err" =~ s/^psql:<stdin>:\d+: //r, 'ERROR:  28000',
            "$name: a token of the old database is refused");

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
            "5|after the restore\n0\n5\nnote of alice",
            "$name: a person logs in with the old password and goes on");

        # The next seq the table keeps is the next one that is free, in all of them.
        is( $target->safe_psql($db,
                'SELECT count(*) FROM agent.conversations AS c
                 WHERE next_seq <> message_count + 1 OR message_count <>
                    (SELECT count(*) FROM agent.messages AS m
                     WHERE m.user_id = c.user_id AND m.conversation_id = c.id)'),
            '0', "$name: counters agree with the messages");
    }
    $target->stop;
}

$source->stop;
done_testing();
