# A base backup that is taken while people write, and the way back to a point in time.
#
# Failures this catches: a message that was acknowledged before the end of the backup and
# is not in it, counters, places or an index that do not agree with the messages, a token
# that is refused after the restore, a point in time that is missed, and what the README
# says about both.

use strict;
use warnings;

use File::Basename;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, has_archiving => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
$primary->append_conf('postgresql.conf', "agent.password_hash_cost = 10\nshared_preload_libraries = 'agent'\n");
$primary->start;
$primary->safe_psql('postgres', 'CREATE DATABASE agent');
$primary->safe_psql('agent', 'CREATE EXTENSION agent CASCADE');

my $dir = PostgreSQL::Test::Utils::tempdir();
my @people = qw(alice bob carol);
my (%token, %conversation, %writer);

# What the README says to do: the backup, and what goes into the configuration to go back.
my ($readme) = slurp_file(dirname(__FILE__) . '/../../README.md') =~ /^### Of a cluster\n(.*?)^##/ms;
my ($backup) = $readme =~ /^```console\n(.*?)^```/ms;
my ($recovery) = $readme =~ /^```ini\n(.*?)^```/ms;
my ($point) = $readme =~ /^```sql\n(.*?)^```/ms;

# Runs statements as somebody who is signed in.
sub as_person
{
    my ($node, $name, $sql) = @_;
    return $node->safe_psql('agent', "SET ROLE agent_user; SET agent.token = '$token{$name}'; $sql");
}

# Whoever writes: one message a transaction, and after each how far the log has come. What
# is printed was acknowledged, and committed before that place.
sub start_writer
{
    my ($name) = @_;

    append_to_file("$dir/$name.sql", "SET ROLE agent_user;\nSET agent.token = '$token{$name}';\n" . join '', map {
        "SELECT content FROM agent_message_create('$conversation{$name}', 'user', 'apple $name $_');\n"
          . "SELECT pg_current_wal_insert_lsn();\n"
    } 1 .. 50_000);
    $writer{$name} = IPC::Run::start([ 'psql', '-XAtq', '-d', $primary->connstr('agent'), '-f', "$dir/$name.sql" ],
        '>', "$dir/$name.out", '2>', '/dev/null');
    return;
}

# A place in the log as a number.
sub lsn
{
    my ($high, $low) = map { hex } split m{/}, $_[0];
    return $high * 2**32 + $low;
}

# What has been acknowledged until now: contents, and the place by which each was committed.
sub acknowledged
{
    my %place;
    foreach my $name (keys %writer)
    {
        my $out = slurp_file("$dir/$name.out");
        $place{$1} = lsn($2) while $out =~ m{^(apple \w+ \d+)\n([0-9A-F]+/[0-9A-F]+)\n}mg;
    }
    return %place;
}

# How many answers somebody has got.
sub answers
{
    my ($name) = @_;
    my %place = acknowledged();
    return scalar grep { / $name / } keys %place;
}

# Waits until everybody has got so many more answers.
sub wait_for_writers
{
    my ($more) = @_;
    my %goal = map { $_ => answers($_) + $more } keys %writer;

    foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
    {
        return unless grep { answers($_) < $goal{$_} } keys %writer;
        sleep 0.1;
    }
    die 'nobody writes';
}

# Which of some messages a cluster does not have.
sub missing
{
    my ($node, @contents) = @_;
    my %there = map { $_ => 1 } split /\n/, $node->safe_psql('agent', 'SELECT content FROM agent.messages');
    return join ', ', grep { !$there{$_} } @contents;
}

# Whether a cluster is whole: nothing counted wrong, no place left out, all of it found.
sub is_whole
{
    my ($node, $name) = @_;

    is( $node->safe_psql('agent', q{
            SELECT count(*) FROM agent.conversations AS c
            CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(seq), 0) AS last FROM agent.messages AS m
                WHERE m.user_id = c.user_id AND m.conversation_id = c.id) AS m
            WHERE c.message_count <> m.n OR c.next_seq <> m.last + 1 OR m.last <> m.n}),
        '0', "$name: counters and places agree with the messages");
    is( $node->safe_psql('agent', q{SELECT (SELECT count(*) FROM agent.messages AS m
                LEFT JOIN agent.conversations AS c ON (c.user_id, c.id) = (m.user_id, m.conversation_id) WHERE c.id IS NULL)
            + (SELECT count(*) FROM agent.conversations AS c LEFT JOIN agent.users AS u ON u.id = c.user_id WHERE u.id IS NULL)}),
        '0', "$name: everything belongs to somebody");
    is($node->safe_psql('agent', 'SELECT count(*) FROM agent.messages WHERE search <> agent.search_document(content)'),
        '0', "$name: what searches look at agrees with what is written");
    is( $node->safe_psql('agent', q{SELECT string_agg("check" || ': ' || detail, ', ') FROM agent_doctor() WHERE status = 'error'}),
        '', "$name: the doctor finds nothing that is wrong");

    # Of each person the last one, by the index; with the token of before: keys come along.
    foreach my $who (@people)
    {
        my $last = $node->safe_psql('agent', "SELECT content FROM agent.messages
            WHERE conversation_id = '$conversation{$who}' ORDER BY seq DESC LIMIT 1");
        my $found = as_person($node, $who, "SELECT (unnest(items)).snippet FROM agent_search('\"$last\"')");
        is($found =~ s/<\/?mark>//gr, $last, "$name: $who is signed in, and finds the last message");
    }
    my $seq = as_person($node, 'alice', "SELECT (SELECT message_count FROM agent_conversation_get('$conversation{alice}')) + 1
        = (SELECT seq FROM agent_message_create('$conversation{alice}', 'user', 'after the restore'))");
    is($seq, 't', "$name: and writing goes on");
    like($node->safe_psql('agent', "SET ROLE agent_anon; SELECT access_token FROM agent_login('bob\@example.com', 'password')"),
        qr/^[\w-]+\.[\w-]+\.[\w-]+$/, "$name: so do logins");
    return;
}

foreach my $name (@people)
{
    $primary->safe_psql('agent', "SELECT agent_register('$name\@example.com', '$name', 'password')");
    $token{$name} = $primary->safe_psql('agent', "SELECT access_token FROM agent_login('$name\@example.com', 'password')");
    $conversation{$name} = as_person($primary, $name, "SELECT id FROM agent_conversation_create('of $name', 'the first')");
    start_writer($name);
}
wait_for_writers(50);

# The backup, by the README's commands.
foreach my $command ($backup =~ /^\$ (.*)/mg)
{
    my $mine = $command =~ s{/backup/base}{$primary->backup_dir . '/base'}ger;
    $primary->command_ok([ 'bash', '-c', $mine ], "as the README says: $command");
}
my ($range) = @{ decode_json(slurp_file($primary->backup_dir . '/base/backup_manifest'))->{'WAL-Ranges'} };
my ($begin, $end) = map { lsn($range->{$_}) } qw(Start-LSN End-LSN);
wait_for_writers(10);

# The point to go back to, some more messages, and a mistake after it.
my %before = acknowledged();
my $place = lsn($primary->safe_psql('agent', $point));
wait_for_writers(50);
$_->signal('TERM') foreach values %writer;
$_->finish foreach values %writer;
my %all = acknowledged();
as_person($primary, 'carol', q{SELECT agent_account_delete('password')});
as_person($primary, 'bob', 'SELECT agent_logout()');
is(missing($primary, grep { !/carol/ } keys %all), '', 'what is acknowledged is there');
$primary->safe_psql('agent', 'SELECT pg_switch_wal()');

# The backup alone: all that was acknowledged before its end.
my @inside = grep { $all{$_} <= $end } keys %all;
my $during = grep { $all{$_} > $begin } @inside;
note(@inside . " messages were acknowledged before the end of the backup, $during while it was taken, " . keys(%all) . ' in all');
cmp_ok($during, '>', 0, 'people wrote while the backup was taken');
my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($primary, 'base');
$restored->append_conf('postgresql.conf', 'archive_mode = off');
$restored->start;
is(missing($restored, @inside), '', 'what was acknowledged before the end of the backup is in it');
is_whole($restored, 'the backup');
$restored->stop;

# The backup and the archive: what was there at the point, and nothing of what came later.
my $back = PostgreSQL::Test::Cluster->new('back');
$back->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
$back->append_conf('postgresql.conf', "archive_mode = off\n" . $recovery =~ s/^(?:restore_command|archive_\w+) .*\n//mgr);
$back->start;
$back->poll_query_until('agent', 'SELECT NOT pg_is_in_recovery()') or die 'the recovery does not end';
is(missing($back, keys %before), '', 'what was acknowledged before the point is there');
# Each was sent when the one before was acknowledged.
my @later = grep { my $previous = s/(\d+)$/$1 - 1/er; ($all{$previous} // 0) > $place } keys %all;
cmp_ok(scalar @later, '>', 0, 'people wrote after the point');
is(scalar(split /, /, missing($back, @later)), scalar(@later), 'none of that is there');
is( $back->safe_psql('agent', q{SELECT count(*) FROM agent.users WHERE username = 'carol'}), '1',
    'an account that was deleted later is there again');
is( $back->safe_psql('agent', q{SELECT count(*) FROM agent.audit WHERE event IN ('delete', 'logout')}), '0',
    'and the audit knows nothing of it');
# The last check is that bob is signed in again, who had signed out.
is_whole($back, 'the point in time');
$back->stop;
$primary->stop;
done_testing();
