# Pages: the last of a long list costs what the first one does, and nothing is missed or
# shown twice while others write.
#
# Failures this catches: a plan that reads what was shown before, sorts, or filters where it
# should begin behind a place; a cursor that moves when rows are added.
#
# Alone: it measures times.

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 100_000;

my $node = PostgreSQL::Test::Cluster->new('pages');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', "CREATE EXTENSION agent CASCADE;
    SELECT agent_register('deep\@example.com', 'deep', 'password')");
my $token = $node->safe_psql('agent',
    q{SELECT access_token FROM agent_login('deep@example.com', 'password')});
my $talk = $node->safe_psql('agent',
    "SET agent.token = '$token'; SELECT id FROM agent_conversation_create('Deep')");

# A person with many conversations, one of them with many messages; and many with a few, so
# that the planner takes everybody for one of those. Foreign keys need not be checked.
$node->safe_psql('agent', "
    SET session_replication_role = replica;
    INSERT INTO agent.users (id, email, email_key, username, password_hash, created_at)
    SELECT gen_random_uuid(), n || '\@example.com', n || '\@example.com', 'other' || n, '', now()
    FROM generate_series(1, $rows / 10) AS n;
    INSERT INTO agent.conversations (user_id, id, title, is_archived, created_at, updated_at, tags, metadata)
    SELECT u.id, gen_random_uuid(), 'Conversation ' || n, n % 2 = 0,
        timestamptz '2020-01-01 00:00+00' + n / 3 * interval '1 s', now(), '{tag}', '{\"a\": 1}'
    FROM generate_series(1, $rows) AS n, LATERAL (VALUES ('deep'), ('other' || n % ($rows / 10) + 1)) AS o (name)
    JOIN agent.users AS u ON u.username = o.name;
    INSERT INTO agent.messages (user_id, id, conversation_id, seq, role, content, created_at)
    SELECT user_id, gen_random_uuid(), id, n, 'user', 'Message ' || n, now()
    FROM generate_series(1, $rows) AS n, agent.conversations WHERE id = '$talk'
    UNION ALL SELECT user_id, gen_random_uuid(), id, 1, 'user', 'The only one', now()
    FROM agent.conversations WHERE id <> '$talk';
    UPDATE agent.conversations SET next_seq = $rows + 1, message_count = $rows WHERE id = '$talk';");
$node->safe_psql('agent', 'VACUUM ANALYZE');

my $session = $node->background_psql('agent', on_error_stop => 0);
$session->query_safe("SET agent.token = '$token'");

# Walks a list from page to page, and fills a table with what it showed.
$session->query_safe(q{
    CREATE FUNCTION walk(call text, shown regclass, pages int) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
        place text;
        more boolean;
    BEGIN
        FOR page IN 1 .. pages LOOP
            EXECUTE format('WITH p AS MATERIALIZED (SELECT * FROM %s),
                s AS (INSERT INTO %s (id) SELECT i.id FROM p, unnest(p.items) AS i)
                SELECT next_cursor, has_more FROM p', call, shown) INTO place, more USING place;
            EXIT WHEN NOT more;
        END LOOP;
        RETURN place;
    END
    $$});

# The lists, and a cursor at a depth of 10 and at one of nearly all rows of each.
my %call = (
    'conversations' => 'agent_conversation_page($1, %s)',
    'archived conversations' => 'agent_conversation_page($1, %s, true)',
    'tagged conversations' => q{agent_conversation_page($1, %s, NULL, false, 'tag', '{"a": 1}')},
    'messages' => "agent_message_page('$talk', \$1, %s)",
    'messages backward' => "agent_message_page('$talk', \$1, %s, 'backward')");
my %length = map { $_ => /archived/ ? $rows / 2 : $rows + ($_ eq 'conversations' ? 1 : 0) } keys %call;

foreach my $list (sort keys %call)
{
    my $shown = 'shown_' . ($list =~ s/\W/_/gr);
    my $pages = int($length{$list} / 100) - 1;
    my $by_100 = sprintf($call{$list}, 100) =~ s/'/''/gr;
    my $by_10 = sprintf($call{$list}, 10) =~ s/'/''/gr;

    # All the way: every row once, in the order of the list.
    $session->query_safe("CREATE TEMP TABLE $shown (n serial, id uuid);
        CREATE TEMP TABLE scratch (id uuid)");
    is($session->query_safe("SELECT walk('$by_100', '$shown', 2000) IS NULL;
            SELECT count(*), count(DISTINCT id) FROM $shown"),
        "t\n$length{$list}|$length{$list}", "$list: every row is shown once");

    my $near = $session->query_safe("SELECT walk('$by_10', 'scratch', 1)");
    my $far = $session->query_safe("SELECT walk('$by_100', 'scratch', $pages)");
    my $measure = sprintf($call{$list}, 20) =~ s/'/''/gr;
    my $ratio;

    # Both depths in turn, so that whatever else runs on the machine bears on both.
    $session->query_safe("CREATE OR REPLACE FUNCTION measure(near text, far text, calls int,
        OUT near_us float, OUT far_us float) LANGUAGE plpgsql AS \$\$
        DECLARE
            begun timestamptz;
            nears float[];
            fars float[];
        BEGIN
            FOR n IN 1 .. calls LOOP
                begun := clock_timestamp();
                PERFORM " . sprintf($call{$list} =~ s/\$1/near/r, 20) . ";
                nears[n] := extract(epoch FROM clock_timestamp() - begun) * 1e6;
                begun := clock_timestamp();
                PERFORM " . sprintf($call{$list} =~ s/\$1/far/r, 20) . ";
                fars[n] := extract(epoch FROM clock_timestamp() - begun) * 1e6;
            END LOOP;
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) INTO near_us FROM unnest(nears) AS v;
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) INTO far_us FROM unnest(fars) AS v;
        END
        \$\$");
    foreach my $try (1 .. 3)
    {
        my ($near_us, $far_us) = split /\|/, $session->query_safe(
            "SELECT near_us::numeric(9,1), far_us::numeric(9,1) FROM measure('$near', '$far', 2000)");

        $ratio = $far_us / $near_us;
        note(sprintf('%s: %.1f us at depth 10, %.1f us at depth %d: %.2f',
                $list, $near_us, $far_us, $pages * 100, $ratio));
        last if $ratio <= 1.3;
    }
    cmp_ok($ratio, '<=', 1.3, "$list: as fast at the end as at the beginning");

    # The plan: an index is entered behind the place, and nothing is sorted.
    $session->{stderr} = '';
    $session->query("LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0;
        SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = 'notice';
        DO \$\$ BEGIN PERFORM " . sprintf($call{$list} =~ s/\$1/'$far'/r, 20) . "; END \$\$;
        SET auto_explain.log_min_duration = -1");
    my ($plan) = $session->{stderr} =~ /(Query Text: SELECT [^;]*? FROM agent\.(?:conversations|messages)\b.*?)(?=^psql:|\z)/ms;
    $session->{stderr} = '';
    like($plan, $list =~ /conversations/
            ? qr/Index Scan using conversations_newest_idx.*\n\s*Index Cond: \(\(user_id = \$1\) AND \(ROW\(created_at, id\) < ROW\(\$2, \$3\)\)\)/
            : qr/Index Scan (?:Backward )?using messages_user_id_conversation_id_seq_key.*\n\s*Index Cond: \(\(user_id = \$1\) AND \(conversation_id = \$2\) AND \(seq [<>] \$3\)\)/,
        "$list: the index is entered at the place") or diag($plan);
    unlike($plan, qr/Sort|Bitmap|Seq Scan|Filter: .*(created_at|seq)/, "$list: nothing is sorted");
    $session->query_safe('DROP TABLE scratch');
}

# The order is the list's.
is($session->query_safe('SELECT bool_and(s.id = l.id) FROM shown_conversations AS s
        JOIN (SELECT row_number() OVER () AS n, id FROM agent_conversation_list()) AS l USING (n)'),
    't', 'conversations are in the order of the list');
is($session->query_safe("SELECT bool_and(s.id = l.id AND b.id = l.id) FROM shown_messages AS s
        JOIN (SELECT seq AS n, id FROM agent_messages WHERE conversation_id = '$talk') AS l USING (n)
        JOIN shown_messages_backward AS b ON b.n = $rows + 1 - l.n"),
    't', 'messages are in the order of the list, and backward in the other');

# While somebody writes: what was there is shown once, and nothing twice.
my $writer_file = $node->basedir . '/writer.sql';
append_to_file($writer_file, "SET agent.token = '$token';
    DO \$\$ BEGIN
        FOR n IN 1 .. 3000 LOOP
            PERFORM agent_conversation_create('New'), agent_message_create('$talk', 'user', 'New');
            COMMIT;
        END LOOP;
    END \$\$;");
my $out = '';
my $writer = IPC::Run::start(
    [ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $writer_file, '-d', $node->connstr('agent') ],
    '>', \$out, '2>&1');
$node->poll_query_until('agent', q{SELECT count(*) > 10 FROM agent.conversations WHERE title = 'New'});
foreach my $list (qw(conversations messages))
{
    my $by_100 = sprintf($call{$list}, 100) =~ s/'/''/gr;

    # Page by page in transactions of their own, as a client does.
    is($session->query_safe("CREATE TEMP TABLE old AS SELECT id FROM shown_$list;
            CREATE TEMP TABLE seen (id uuid);
            CREATE PROCEDURE walk_apart() LANGUAGE plpgsql AS \$\$
            DECLARE
                place text;
                page record;
            BEGIN
                LOOP
                    SELECT p.* INTO page FROM "
              . sprintf($call{$list} =~ s/\$1/place/r, 100) . " AS p;
                    INSERT INTO seen SELECT i.id FROM unnest(page.items) AS i;
                    COMMIT;
                    EXIT WHEN NOT page.has_more;
                    place := page.next_cursor;
                END LOOP;
            END
            \$\$;
            CALL walk_apart();
            SELECT count(*) - count(DISTINCT id), (SELECT count(*) FROM (SELECT id FROM old EXCEPT SELECT id FROM seen) AS missed)
            FROM seen;
            DROP PROCEDURE walk_apart; DROP TABLE old, seen"),
        '0|0', "$list: nothing twice and nothing missed while others write");
}
ok($writer->finish, 'the writer wrote') or diag($out);

$session->quit;
$node->stop;
done_testing();
