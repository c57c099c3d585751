# Other servers that have the data: logical replication and the switch to it, and a
# synchronous standby that is promoted when the primary is killed, with clients at work.
#
# Failures this catches: a table, a change or a computed column that does not arrive, a
# key that does, a subscriber that nobody can log in to or write to, commands of the
# README that do not work; an acknowledged message that is lost, one that is there twice,
# a gap in the numbers, a token that is no longer good, a client that does not find the
# new primary by itself.

use strict;
use warnings;

use Cwd qw(abs_path);
use IO::Socket::INET;
use IPC::Run;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $password = 'correct horse battery staple';

# The SQL of a section of the README, block by block.
sub readme
{
    my ($heading) = @_;
    my ($section) = slurp_file('README.md') =~ /^## \Q$heading\E\n(.*?)(?=^## |\z)/ms;

    return $section =~ /^```sql\n(.*?)^```$/msg;
}

sub configure
{
    my ($node) = @_;

    $node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 10
wal_retrieve_retry_interval = '100ms'
});
    $node->start;
    return $node;
}

sub install
{
    my ($node) = @_;

    $node->safe_psql('postgres', 'CREATE DATABASE mydb');
    $node->safe_psql('mydb', 'CREATE SCHEMA api; CREATE EXTENSION pgcrypto;
        CREATE EXTENSION agent SCHEMA api; ALTER ROLE agent_authenticator LOGIN');
}

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical', extra => [ '--encoding=UTF8', '--no-locale' ]);
install(configure($primary));

my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
install(configure($subscriber));

sub login
{
    my ($node, $name, $what) = @_;
    return $node->safe_psql('mydb', "SET ROLE agent_anon;
        SELECT @{[ $what // 'access_token' ]} FROM api.agent_login('$name\@example.com', '$password')");
}

# Statements of somebody who is signed in; an error is answered by its SQLSTATE.
sub as_user
{
    my ($node, $token, $sql) = @_;
    my ($ret, $out, $err) = $node->psql('mydb',
        "\\set VERBOSITY sqlstate\nSET ROLE agent_user;\nSET agent.token = '$token';\n$sql");

    return $err =~ /ERROR:  (\w+)/ ? $1 : $out;
}

sub found
{
    my ($node, $token, $query) = @_;
    return as_user($node, $token, "SELECT content FROM api.agent_search('$query'), unnest(items) AS h
        JOIN api.agent_messages AS m ON m.id = h.message_id ORDER BY 1");
}

# Logical replication, as the README has it.

my ($publish, $subscribe, $switch) = readme('Replicas and failover');
my $as_owner = $primary->pg_version >= 16 ? ' WITH (run_as_owner = true)' : '';
$subscribe =~ s/host=primary dbname=mydb user=postgres/@{[ $primary->connstr('mydb') =~ s{'}{''}gr ]}/
  or die 'the README has another connection string';
$subscribe =~ s/;/$as_owner;/;

my %token;
foreach my $name (qw(alice bob carol))
{
    $primary->safe_psql('mydb', "SELECT api.agent_register('$name\@example.com', '$name', '$password')");
    $token{$name} = login($primary, $name);
}
my $first = as_user($primary, $token{alice}, q{SELECT id FROM api.agent_conversation_create('A trip', 'Where is the castle?')});
as_user($primary, $token{alice}, qq{SELECT api.agent_message_create('$first', 'user', 'castle ' || string_agg(md5(n::text), ' '))
    FROM generate_series(1, 2000) AS n});
as_user($primary, $token{bob}, q{SELECT api.agent_conversation_create('of bob', 'castle of bob')});
as_user($primary, $token{carol}, q{SELECT api.agent_conversation_create('of carol', 'castle of carol')});

$primary->safe_psql('mydb', $publish);
$subscriber->safe_psql('mydb', $subscribe);
$subscriber->wait_for_subscription_sync($primary, 'agent', 'mydb') if $subscriber->can('wait_for_subscription_sync');
$subscriber->poll_query_until('mydb', q{SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel})
  or die 'the first copy does not end';

my @tables = qw(users sessions conversations messages);

# Every row and column, what is computed too, here as there.
sub same
{
    my ($when, @of) = @_;

    $primary->wait_for_catchup('agent');
    foreach my $table (@of)
    {
        my $rows = "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM agent.$table AS t";
        is($subscriber->safe_psql('mydb', $rows), $primary->safe_psql('mydb', $rows), "$when: $table");
    }
    # Of the audit there is more: what happened at the subscriber.
    my $events = $primary->safe_psql('mydb',
        q{SELECT string_agg(quote_literal(id), ',') FROM agent.audit WHERE event <> 'key_rotate'});
    is($subscriber->safe_psql('mydb', "SELECT count(*) FROM agent.audit WHERE id IN ($events)"),
        1 + ($events =~ tr/,//), "$when: the audit");
}
same('the first copy', @tables);
is($subscriber->safe_psql('mydb', 'SELECT count(*) FROM agent.messages WHERE search = agent.search_document(content)'),
    4, 'what searches look at is computed there');

# What is not published, is meant not to be: a new table must be thought of here.
is( $primary->safe_psql('mydb', q{SELECT string_agg(c.oid::regclass::text, ' ' ORDER BY c.relname)
        FROM pg_class AS c WHERE c.relnamespace = 'agent'::regnamespace AND c.relkind = 'r'
          AND c.oid NOT IN (SELECT prrelid FROM pg_publication_rel)}),
    'agent.idempotency_keys agent.signing_keys', 'all but two tables are published');
my $key = 'SELECT string_agg(kid::text, \',\') FROM agent.signing_keys';
isnt($subscriber->safe_psql('mydb', $key), $primary->safe_psql('mydb', $key), 'keys are not');

# Changes: all that the API can do to a row.
my $second = as_user($primary, $token{alice}, q{SELECT id FROM api.agent_conversation_create('second', 'about penguins')});
my $refresh = login($primary, 'alice', 'refresh_token');
as_user($primary, $token{alice}, qq{
    SELECT api.agent_conversation_update('$first', 'Another trip', false, true, ARRAY['a'], '{"k": 1}');
    SELECT api.agent_message_update(id, NULL, '{"model": "m"}') FROM api.agent_messages WHERE seq = 2;
    SELECT api.agent_message_update(id, 'Where is the harbour?', NULL) FROM api.agent_messages
        WHERE content = 'Where is the castle?';
    SELECT api.agent_conversation_fork('$first', NULL, 'fork');
    SELECT api.agent_message_delete(id) FROM api.agent_messages WHERE conversation_id = '$second'});
as_user($primary, $token{bob}, 'SELECT api.agent_conversation_delete(id) FROM api.agent_conversations');
as_user($primary, $token{carol}, "SELECT api.agent_account_delete('$password')");
same('changes', @tables);
is($subscriber->safe_psql('mydb', q{SELECT string_agg(username, ' ' ORDER BY 1),
        (SELECT count(*) FROM agent.conversations), (SELECT count(*) FROM agent.messages) FROM agent.users}),
    'alice bob|3|4', 'what was deleted is gone, with what belonged to it');

# There: the same password, another token, one's own rows, in a search too.
is(as_user($subscriber, $token{alice}, 'SELECT api.agent_me()'), '28000', 'a token of the publisher is none there');
my %there = map { $_ => login($subscriber, $_) } qw(alice bob);
is(found($subscriber, $there{alice}, 'harbour'), "Where is the harbour?\nWhere is the harbour?", 'what was edited is found');
is(found($subscriber, $there{alice}, 'penguins'), '', 'what was deleted is not');
like(found($subscriber, $there{alice}, 'castle'), qr/^castle c4ca4238\S* .*\ncastle /, 'nor what it said before');
is(found($subscriber, $there{bob}, 'harbour'), '', 'nor is anything by another');

# The subscription works for one who is not bound by row security, and stops for one who is.
SKIP:
{
    skip 'run_as_owner takes the place of that', 2 if $as_owner;
    my $log = -s $subscriber->logfile;

    $subscriber->safe_psql('mydb', 'CREATE ROLE mover SUPERUSER LOGIN; ALTER SUBSCRIPTION agent OWNER TO mover;
        ALTER ROLE mover NOSUPERUSER;
        GRANT USAGE ON SCHEMA agent TO mover;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA agent TO mover;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA agent TO mover');
    as_user($primary, $token{bob}, q{SELECT api.agent_conversation_create('for a role that is bound')});
    ok($subscriber->wait_for_log(qr/row-level security enabled: "\w+"/, $log), 'an owner that row security binds');
    $subscriber->safe_psql('mydb', 'ALTER ROLE mover BYPASSRLS');
    $primary->wait_for_catchup('agent');
    is(as_user($subscriber, $there{bob}, 'SELECT title FROM api.agent_conversations'),
        'for a role that is bound', 'goes on with BYPASSRLS');
    $subscriber->safe_psql('mydb', 'ALTER SUBSCRIPTION agent OWNER TO CURRENT_USER; DROP OWNED BY mover; DROP ROLE mover');
}

# Somebody who has logged in there deletes the account here.
my $gone = $primary->safe_psql('mydb', "SELECT id FROM api.agent_register('dave\@example.com', 'dave', '$password')");
$primary->wait_for_catchup('agent');
login($subscriber, 'dave');
as_user($primary, login($primary, 'dave'), "SELECT api.agent_account_delete('$password')");

# The switch: it takes writes, from where the other one was; clients refresh and go on.
same('before the switch', grep { $_ ne 'sessions' } @tables); # people logged in there
$subscriber->safe_psql('mydb', $switch);
is($primary->safe_psql('mydb', 'SELECT count(*) FROM pg_replication_slots'), 0, 'no slot is left behind');
is( $subscriber->safe_psql('mydb', "SELECT event FROM agent.audit WHERE user_id = '$gone'
        UNION ALL SELECT 'session' FROM agent.sessions WHERE user_id = '$gone'"),
    'delete', 'of an account that was deleted nothing is left there, though somebody logged in');
my $new = $subscriber->safe_psql('mydb', "SET ROLE agent_anon; SELECT access_token FROM api.agent_refresh('$refresh')");
is(as_user($subscriber, $new, qq{SELECT seq, content FROM api.agent_message_create('$first', 'user', 'after the switch')}),
    '3|after the switch', 'a message gets the number after the last one, by a session that was refreshed');
is(found($subscriber, $new, 'switch'), 'after the switch', 'and is found');
is($subscriber->safe_psql('mydb', q{SELECT string_agg("check" || detail, ', ') FROM api.agent_doctor() WHERE status = 'error'}),
    '', 'the doctor finds nothing that is wrong');
$subscriber->stop('immediate');

# Failover: a synchronous standby takes over from a primary that is killed.

$primary->backup('base', backup_options => [ '--checkpoint=fast' ]);
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{ALTER SYSTEM SET synchronous_standby_names = 'standby'});
$primary->reload;
$primary->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'})
  or die 'the standby does not become synchronous';

my ($agent_httpd) = map { abs_path($_) } grep { -x } $ENV{AGENT_HTTPD} || 'gateway/httpd/agent-httpd';
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $both = join(' ', 'host=' . join(',', map { $_->host } $primary, $standby),
    'port=' . join(',', map { $_->port } $primary, $standby),
    'dbname=mydb user=agent_authenticator target_session_attrs=read-write');
my $busy = as_user($primary, $token{alice}, q{SELECT id FROM api.agent_conversation_create('busy')});

# Those of agent-httpd that run.
my @gateways;

sub gateway
{
    my ($name, $database) = @_;
    my $port = PostgreSQL::Test::Cluster::get_free_port();

    push @gateways, IPC::Run::start([ $agent_httpd, '--database', $database,
            '--listen', "127.0.0.1:$port,connections=4" ], '<', '/dev/null', '>', '/dev/null', '2>', "$dir/$name.log");
    return { port => $port, log => "$dir/$name.log" };
}

# The answer to a request: status, and body.
sub http
{
    my ($port, $method, $path, $body, @fields) = @_;
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or return '';

    print $client join("\r\n", "$method $path HTTP/1.1", 'Host: test', 'Connection: close', @fields,
        'Content-Length: ' . length $body, '', $body);
    local $/;
    return (<$client> // '') =~ s{\AHTTP/1.1 (\d+).*?\r\n\r\n}{$1 }sr;
}

# A new message, by a client that knows both servers and gives no other thought to them.
my %send = (
    libpq => sub {
        my ($content) = @_;
        my $done = IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $both, '-c',
                "BEGIN; SET LOCAL ROLE agent_user; SET LOCAL agent.token = '$token{alice}';
                 SELECT api.agent_message_create('$busy', 'user', '$content', NULL, '$content');
                 COMMIT" ], '<', '/dev/null', '>', '/dev/null', '2>', "$dir/libpq.err");
        return $done;
    },
    http => sub {
        my ($content, $port) = @_;
        return http($port, 'POST', "/conversations/$busy/messages", qq({"role":"user","content":"$content"}),
            "Authorization: Bearer $token{alice}", "Idempotency-Key: $content") =~ /^201 /;
    });

# Sends one message after the other until it is told to stop; what got no answer is sent
# again. Writes down what was acknowledged, and when.
sub write_until_the_end
{
    my ($kind, $number, $port) = @_;
    my $n = 1;

    open(my $acknowledged, '>', "$dir/$kind-$number") or POSIX::_exit(1);
    $acknowledged->autoflush;
    until (-e "$dir/stop")
    {
        if ($send{$kind}->("$kind-$number-$n", $port))
        {
            printf $acknowledged "%s %.3f\n", "$kind-$number-$n", time;
            $n++;
        }
        else
        {
            sleep 0.02;
        }
    }
    POSIX::_exit(0);
}

sub acknowledged
{
    return map { [split] } map { split /\n/, slurp_file($_) } glob "$dir/{libpq,http}-*";
}

my $test = $$;
my $gateway = $agent_httpd ? gateway('both', $both) : undef;
my @kinds = ([ 'libpq', 1 ], [ 'libpq', 2 ], $gateway ? ([ 'http', 1, $gateway->{port} ]) : ());
my @writers;

# They end when the file `stop` appears: a test that dies must leave neither them nor agent-httpd at work.
END
{
    local $?;
    if (defined $test && $$ == $test)
    {
        kill 'KILL', @writers;
        waitpid $_, 0 foreach @writers;
        $_->kill_kill(grace => 0) foreach @gateways;
    }
}

foreach my $writer (@kinds)
{
    my $pid = fork // die "fork: $!";
    write_until_the_end(@$writer) unless $pid;
    push @writers, $pid;
}

# Waits until every writer has had so many more acknowledged than there were.
sub wait_for_writers
{
    my ($more, $since) = @_;

    foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
    {
        my %count;
        $count{ $_->[0] =~ s/-\d+$//r }++ foreach grep { $_->[1] > $since } acknowledged();
        return 1 if @kinds == grep { $_ >= $more } values %count;
        sleep 0.1;
    }
    return 0;
}

ok(wait_for_writers(10, 0), 'clients write');
SKIP:
{
    skip 'agent-httpd is not built: no client of it writes, and none is seen to go on', 1 unless $gateway;
    ok(-s "$dir/http-1", 'one of them over HTTP');
}
my $killed = time;
$primary->kill9;
my $promoted = do { $standby->promote; time };
ok(wait_for_writers(10, $promoted), 'all of them go on when the standby was promoted, with the tokens they had');
append_to_file("$dir/stop", '');
waitpid $_, 0 foreach splice @writers;

my @acknowledged = acknowledged();
note(sprintf 'promoted %.2f s after the kill; %d messages acknowledged', $promoted - $killed, scalar @acknowledged);
foreach my $kind (sort keys %{ { map { $_->[0] => 1 } @kinds } })
{
    # What was on its way when the primary was killed may have been answered yet.
    my ($next) = sort { $a <=> $b } map { $_->[1] } grep { $_->[0] =~ /^$kind/ && $_->[1] > $killed + 0.05 } @acknowledged;
    note(sprintf 'first success through %s: %.2f s after the kill', $kind, $next - $killed);
}
my %there_now = map { $_ => 1 } split /\n/,
  $standby->safe_psql('mydb', "SELECT content FROM agent.messages WHERE conversation_id = '$busy'");
is_deeply([ grep { !$there_now{$_} } map { $_->[0] } @acknowledged ], [], 'nothing that was acknowledged is lost');
is( $standby->safe_psql('mydb', "SELECT count(*) - count(DISTINCT content), max(seq) - count(*), min(seq),
        count(*) - (SELECT message_count FROM agent.conversations WHERE id = '$busy')
        FROM agent.messages WHERE conversation_id = '$busy'"),
    '0|0|1|0', 'nothing is there twice, and no number is left out');
is($standby->safe_psql('mydb', q{SELECT string_agg("check" || detail, ', ') FROM api.agent_doctor() WHERE status = 'error'}),
    '', 'the doctor finds nothing that is wrong');
$_->kill_kill foreach splice @gateways;

# A first host that takes connections and never says anything, as one whose disk hangs:
# agent-httpd comes to the others.
SKIP:
{
    skip 'agent-httpd is not built', 3 unless $agent_httpd;
    my $mute = IO::Socket::INET->new(Listen => 100, LocalAddr => '127.0.0.1') or die "listen: $!";
    my $began = time;
    my $patient = gateway('mute', join(' ', "host=127.0.0.1,@{[ $primary->host ]},@{[ $standby->host ]}",
            "port=@{[ $mute->sockport ]},@{[ $primary->port ]},@{[ $standby->port ]}",
            'dbname=mydb user=agent_authenticator target_session_attrs=read-write connect_timeout=1'));

    foreach (1 .. 200)
    {
        last if http($patient->{port}, 'GET', '/ready', '') =~ /^200 /;
        sleep 0.1;
    }
    is(http($patient->{port}, 'GET', '/ready', ''), '200 {"status":"ready","writable":true}',
        'a host that hangs is left behind');
    note(sprintf 'in %.2f s', time - $began);
    like(slurp_file($patient->{log}), qr/database connection failed: it takes too long/, 'and told of');
    my $run = pop @gateways;
    $run->signal('TERM');
    ok($run->finish, 'agent-httpd ends in order');
}

$standby->stop;
done_testing();
