# Plans that are kept and shared by callers: whose rows they show is not kept.
#
# Failures this catches: a caller's id folded into a plan as a constant, a plan
# that outlives the extension it was made for, an oid or a row that is
# remembered when the extension has been dropped and created anew.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('plans');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');

# One session for everything, as a pool would keep it.
my $session = $node->background_psql('agent', on_error_stop => 0);
$session->query('SET client_min_messages = warning');
my %token;
my %conversation;

# Makes accounts with a conversation of as many messages as their number.
sub people
{
    my ($schema) = @_;
    my $messages = 0;

    foreach my $name (qw(alice bob))
    {
        $messages++;
        $session->query_safe(
            "SELECT $schema.agent_register('$name\@example.com', '$name', 'password')");
        $token{$name} = $session->query_safe(
            "SELECT access_token FROM $schema.agent_login('$name\@example.com', 'password')");
        $conversation{$name} = $session->query_safe(
            "SET agent.token = '$token{$name}';
             SET ROLE agent_user;
             SELECT id FROM $schema.agent_conversation_create('of $name')");
        foreach my $number (1 .. $messages)
        {
            $session->query_safe("SELECT $schema.agent_message_create(
                '$conversation{$name}', 'user', '$name $number')");
        }
        $session->query_safe('RESET ROLE; RESET agent.token');
    }
}

# Everything a caller sees through statements and functions that keep plans.
sub everything
{
    my ($schema, $name) = @_;

    return $session->query_safe(
        "BEGIN;
         SET LOCAL ROLE agent_user;
         SET LOCAL agent.token = '$token{$name}';
         EXECUTE titles;
         EXECUTE messages('$conversation{$name}');
         EXECUTE listed('$conversation{$name}');
         SELECT username FROM $schema.agent_me();
         SELECT (unnest(items)).title FROM $schema.agent_conversation_page();
         SELECT string_agg(i.content, ',') FROM $schema.agent_message_page('$conversation{$name}') AS p,
             unnest(p.items) AS i;
         SELECT count(*) FROM $schema.agent_search('$name') AS p, unnest(p.items);
         SELECT title FROM $schema.agent_conversation_get('$conversation{$name}');
         SELECT title FROM $schema.agent_conversation_update('$conversation{$name}', NULL, false);
         COMMIT");
}

# Prepares statements that run as one plan for all callers.
sub prepare
{
    my ($schema) = @_;

    $session->query_safe(
        "SET plan_cache_mode = force_generic_plan;
         PREPARE titles AS SELECT title FROM $schema.agent_conversations;
         PREPARE messages (uuid) AS
             SELECT string_agg(content, ',' ORDER BY seq) FROM $schema.agent_messages
             WHERE conversation_id = \$1;
         PREPARE listed (uuid) AS SELECT count(*) FROM $schema.agent_message_list(\$1)");
}

my %seen = (
    alice => "of alice\nalice 1\n1\nalice\nof alice\nalice 1\n2\nof alice\nof alice",
    bob => "of bob\nbob 1,bob 2\n2\nbob\nof bob\nbob 1,bob 2\n3\nof bob\nof bob");

$session->query_safe('CREATE EXTENSION agent CASCADE');
people('public');
prepare('public');

# Alone, in turn, and in turn again: each sees their own, and only that.
foreach my $round (1 .. 6)
{
    foreach my $name (qw(alice bob))
    {
        is(everything('public', $name), $seen{$name}, "$name, round $round");
    }
}

# It was one plan for both: made once, never for a caller.
is( $session->query_safe('SELECT bool_and(generic_plans >= 12 AND custom_plans = 0)
        FROM pg_prepared_statements'),
    't', 'the plans are generic');

# Within one transaction too, where nothing but the token changes.
is( $session->query_safe(
        "BEGIN; SET LOCAL ROLE agent_user;
         SET LOCAL agent.token = '$token{alice}'; EXECUTE titles;
         SET LOCAL agent.token = '$token{bob}'; EXECUTE titles;
         SET LOCAL agent.token = ''; EXECUTE titles;
         SET LOCAL agent.token = '$token{alice}'; EXECUTE titles; COMMIT"),
    "of alice\nof bob\nof alice", 'two callers and none in one transaction');

# Another's conversation is not found, whichever plan looks for it.
is( $session->query_safe(
        "SET ROLE agent_user; SET agent.token = '$token{alice}';
         EXECUTE messages('$conversation{bob}'); RESET ROLE; RESET agent.token"),
    '', 'the other one\'s conversation has no messages');

# A role that row security does not bind, and one that it binds, share no plan.
is($session->query_safe('SELECT count(*) FROM agent.messages'), '3', 'a superuser sees all');
is($session->query_safe("SET ROLE agent_user; EXECUTE titles; RESET ROLE"),
    '', 'without a token nothing');

# Dropped and created again in the same session: nothing of the old one is left.
my %old = %token;
$session->query_safe('DROP EXTENSION agent; CREATE EXTENSION agent');
is($session->query_safe('SELECT count(*) FROM agent.users'), '0', 'the extension is empty again');
my $answer = $session->query(
    "\\set VERBOSITY sqlstate
     SET ROLE agent_user; SET agent.token = '$old{alice}'; SELECT agent_uid();
     RESET ROLE; RESET agent.token");
like($session->{stderr}, qr/ERROR:  28000/, 'a token of before is refused');
is($answer, '', 'and says nothing');
$session->{stderr} = '';

people('public');
foreach my $round (1 .. 2)
{
    foreach my $name (qw(alice bob))
    {
        is(everything('public', $name), $seen{$name}, "$name after CREATE EXTENSION, round $round");
    }
}

# And once more, into another schema.
$session->query_safe('DROP EXTENSION agent; DEALLOCATE ALL;
    CREATE SCHEMA api; CREATE EXTENSION agent SCHEMA api');
people('api');
prepare('api');
foreach my $round (1 .. 2)
{
    foreach my $name (qw(alice bob))
    {
        is(everything('api', $name), $seen{$name}, "$name in another schema, round $round");
    }
}

$session->quit;
$node->stop;
done_testing();
