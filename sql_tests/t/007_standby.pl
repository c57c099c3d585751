# A streaming standby: reads with a token work, writes say why they do not.
#
# Failures this catches: a read that writes, a write that fails late or with an
# obscure error, a logout on the primary that a standby does not see.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
$primary->append_conf('postgresql.conf', "agent.password_hash_cost = 10\n");
$primary->start;
$primary->safe_psql('postgres', 'CREATE DATABASE agent');
$primary->safe_psql('agent', 'CREATE EXTENSION agent CASCADE;
    ALTER ROLE agent_authenticator LOGIN');
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

my %token;
foreach my $name (qw(alice bob))
{
    $primary->safe_psql('agent',
        "SELECT agent_register('$name\@example.com', '$name', 'password')");
    $token{$name} = $primary->safe_psql('agent',
        "SELECT access_token FROM agent_login('$name\@example.com', 'password')");
    $primary->safe_psql('agent',
        "SET ROLE agent_user; SET agent.token = '$token{$name}';
         SELECT agent_conversation_create('of $name', 'message of $name')");
}
my $conversation = $primary->safe_psql('agent',
    q{SELECT id FROM agent.conversations WHERE title = 'of alice'});
$primary->wait_for_catchup($standby);

# One session on the standby, as a web client of a pool.
my $session = $standby->background_psql('agent', on_error_stop => 0,
    extra_params => [ '-U', 'agent_authenticator' ]);

# Runs a statement in a transaction; an error is answered by SQLSTATE and text.
sub on_standby
{
    my ($role, $token, $sql) = @_;
    my $answer = $session->query(
        "\\set VERBOSITY verbose
         BEGIN; SET LOCAL ROLE $role; SET LOCAL agent.token = '$token';
         $sql;
         \\set VERBOSITY terse
         COMMIT");
    my ($error) = $session->{stderr} =~ /ERROR:  (.*)/;

    $session->{stderr} = '';
    return $error // $answer;
}

# Reads, by the views and by every function that reads.
is( on_standby('agent_user', $token{alice}, 'SELECT content FROM agent_messages'),
    'message of alice', 'messages on the standby');
is( on_standby('agent_user', $token{alice}, 'SELECT title FROM agent_conversation_list(false)'),
    'of alice', 'conversations on the standby');
is( on_standby('agent_user', $token{alice},
        "SELECT (agent_conversation_get('$conversation')).message_count"),
    '1', 'one conversation on the standby');
is( on_standby('agent_user', $token{alice},
        "SELECT seq, content FROM agent_message_list('$conversation')"),
    '1|message of alice', 'its messages on the standby');
is( on_standby('agent_user', $token{alice},
        'SELECT (unnest(items)).title, has_more FROM agent_conversation_page(page_size => 1)'),
    'of alice|f', 'a page of conversations on the standby');
is( on_standby('agent_user', $token{alice},
        "SELECT (unnest(items)).content, has_more FROM agent_message_page('$conversation', '', 1)"),
    'message of alice|f', 'a page of messages on the standby');
is( on_standby('agent_user', $token{alice},
        "SELECT (unnest(items)).snippet FROM agent_search('message')"),
    '<mark>message</mark> of alice', 'a search on the standby');
is(on_standby('agent_user', $token{bob}, 'SELECT username FROM agent_me()'),
    'bob', 'one\'s own account on the standby');
is( on_standby('agent_user', '', "SELECT agent_authenticate('$token{bob}') = agent_uid()"),
    't', 'agent_authenticate on the standby');
is(on_standby('agent_anon', '', 'SELECT agent_health()'),
    '{"status":"ok"}', 'health on the standby');

# The classic paths: what reads is served, what writes is told that it cannot be.
sub http
{
    my ($method, $path, $body) = @_;
    return on_standby('agent_anon', '',
        "SELECT status, convert_from(body, 'UTF8') FROM agent_http('$method', '$path', '',
         '{\"authorization\": \"Bearer $token{alice}\"}', convert_to('$body', 'UTF8'))");
}
like(http('GET', "/conversations/$conversation/messages", ''),
    qr/^200\|\[\{.*"content":"message of alice".*\}\]$/, 'a classic GET on the standby');
is(http('GET', '/health', ''), '200|{"status":"ok"}', 'classic health on the standby');
is(http('GET', '/ready', ''), '200|{"status":"ready","writable":false}', 'ready on the standby, but for writes');
my $only_reads = '503|{"detail":"This server only reads at present"}';
is(http('POST', '/conversations', '{"title": "x"}'), $only_reads, 'a classic POST on the standby');
is(http('PATCH', "/conversations/$conversation", '{"title": "x"}'),
    $only_reads, 'a classic PATCH on the standby');
is(http('DELETE', "/conversations/$conversation", ''),
    $only_reads, 'a classic DELETE on the standby');
is(http('POST', '/auth/login', '{"email": "alice@example.com", "password": "password"}'),
    $only_reads, 'a classic login on the standby');

# PostgREST can start on a standby: its settings are read, not written.
is( $session->query("BEGIN; SELECT agent_postgrest_config();
        SELECT current_setting('pgrst.jwt_secret') LIKE '{\"keys\":[{%'; COMMIT"),
    "\nt", 'agent_postgrest_config on the standby');

# Row security holds there as well.
is( on_standby('agent_user', $token{bob},
        "SELECT count(*) FROM agent_message_list('$conversation')"),
    'P0002: conversation not found', 'another\'s conversation on the standby');
is(on_standby('agent_user', '', 'SELECT count(*) FROM agent_messages'),
    '0', 'no rows without a token on the standby');

# Every function that writes says that it cannot, and which one it is.
foreach my $call (
    [ 'agent_anon', q{agent_register('new@example.com', 'newcomer', 'password')} ],
    [ 'agent_anon', q{agent_login('alice@example.com', 'password')} ],
    [ 'agent_user', q{agent_conversation_create('new')} ],
    [ 'agent_user', "agent_conversation_update('$conversation', 'new')" ],
    [ 'agent_user', "agent_conversation_delete('$conversation')" ],
    [ 'agent_user', "agent_message_create('$conversation', 'user', 'new')" ])
{
    my ($role, $sql) = @$call;
    my ($function) = $sql =~ /^(\w+)/;

    is( on_standby($role, $role eq 'agent_user' ? $token{alice} : '', "SELECT $sql"),
        "25006: cannot execute $function() in a read-only transaction", "$function on the standby");
}

# A wrong password is not told from a right one there: nothing is looked up.
is( on_standby('agent_anon', '', q{SELECT agent_login('alice@example.com', 'wrong')}),
    '25006: cannot execute agent_login() in a read-only transaction',
    'a wrong password on the standby');

# What is written on the primary is seen by the session that is open there.
$primary->safe_psql('agent',
    "SET ROLE agent_user; SET agent.token = '$token{alice}';
     SELECT agent_message_create('$conversation', 'assistant', 'an answer')");
$primary->wait_for_catchup($standby);
is( on_standby('agent_user', $token{alice},
        "SELECT string_agg(content, ',') FROM agent_message_list('$conversation')"),
    'message of alice,an answer', 'a new message arrives');

# A session that ended on the primary has ended on the standby when that is
# replayed, in a backend that verified the token a moment ago; others go on.
$primary->safe_psql('agent', q{UPDATE agent.sessions SET ended_at = now()
    WHERE user_id = (SELECT id FROM agent.users WHERE username = 'alice')});
$primary->wait_for_catchup($standby);
like(on_standby('agent_user', $token{alice}, 'SELECT count(*) FROM agent_messages'),
    qr/^28000: /, 'a session that has ended');
is(on_standby('agent_user', $token{bob}, 'SELECT content FROM agent_messages'),
    'message of bob', 'another session');

# So has that of an account that was deactivated.
$primary->safe_psql('agent', q{UPDATE agent.users SET is_active = false WHERE username = 'bob'});
$primary->wait_for_catchup($standby);
is(on_standby('agent_user', $token{bob}, 'SELECT count(*) FROM agent_messages'),
    '28000: user is inactive', 'a deactivated account');

# After promotion the same session can write.
$standby->promote;
like(
    on_standby('agent_anon', '',
        q{SELECT access_token FROM agent_login('alice@example.com', 'password')}),
    qr/^[\w-]+\.[\w-]+\.[\w-]+$/, 'login after promotion');

$session->quit;
$standby->stop;
$primary->stop;
done_testing();
