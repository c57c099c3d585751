# A streaming standby: reads with a token work, writes say why they do not.
#
# Failures this catches: a read that writes, a write that fails late or with an
# obscure error, a function, a view or a path that nobody has tried there, a logout on
# the primary that a standby does not see, monitoring that is blind there, a standby that
# is promoted and not all of a primary.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--no-locale' ]);
my $metrics_token = 'scrape-token-of-this-test-0123456789';
$primary->append_conf('postgresql.conf', "agent.password_hash_cost = 10
shared_preload_libraries = 'agent'
agent.metrics_token = '$metrics_token'
agent.login_account_interval = 0
");
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
my $message = $primary->safe_psql('agent',
    q{SELECT id FROM agent.messages WHERE content = 'message of alice'});
my $account = $primary->safe_psql('agent', q{SELECT id FROM agent.users WHERE username = 'alice'});
my $login = $primary->safe_psql('agent', q{SELECT id FROM agent.sessions
    WHERE user_id = (SELECT id FROM agent.users WHERE username = 'alice')});
my $refresh = $primary->safe_psql('agent', q{SELECT refresh_token FROM agent_login('bob@example.com', 'password')});
$primary->wait_for_catchup($standby);

# Sessions on the standby: as a web client of a pool, and as somebody who may be agent_admin.
my $session = $standby->background_psql('agent', on_error_stop => 0,
    extra_params => [ '-U', 'agent_authenticator' ]);
my $admin = $standby->background_psql('agent', on_error_stop => 0);

# Runs a statement in a transaction; an error is answered by SQLSTATE and text.
sub on_standby
{
    my ($role, $token, $sql) = @_;
    my $session = $role eq 'agent_admin' ? $admin : $session;
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
    my ($method, $path, $body, $query) = @_;
    $query //= '';
    return on_standby('agent_anon', '',
        "SELECT status, convert_from(body, 'UTF8') FROM agent_http('$method', '$path', '$query',
         '{\"authorization\": \"Bearer $token{alice}\"}', convert_to('$body', 'UTF8'))");
}
like(http('GET', "/conversations/$conversation/messages", ''),
    qr/^200\|\[\{.*"content":"message of alice".*\}\]$/, 'a classic GET on the standby');
is(http('GET', '/health', ''), '200|{"status":"ok"}', 'classic health on the standby');
is(http('GET', '/ready', ''), '200|{"status":"ready","writable":false}', 'ready on the standby, but for writes');
my $only_reads = '503|{"detail":"This server only reads at present"}';

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

# Every function of the schema, as the catalogue has it, called as a role that may: what writes
# says that it cannot, and which one it is; what reads answers. One that is new must be added.
my %writes = (
    agent_register => q{('new@example.com', 'newcomer', 'password')},
    agent_login => q{('alice@example.com', 'password')},
    agent_refresh => "('$refresh')",
    agent_logout => '()',
    agent_password_change => q{('password', 'another password')},
    agent_account_delete => q{('password')},
    agent_conversation_create => q{('new')},
    agent_conversation_update => "('$conversation', 'new')",
    agent_conversation_delete => "('$conversation')",
    agent_conversation_fork => "('$conversation')",
    agent_message_create => "('$conversation', 'user', 'new')",
    agent_message_update => "('$message', 'new')",
    agent_message_delete => "('$message')",
    agent_key_rotate => '()',
    agent_user_import => q{('new@example.com', 'newcomer', '$2b$12$abcdefghijklmnopqrstuuKIk6d9Cr0Dz/kiIzQmOtd8RuH0b0tMW')},
    agent_user_set_active => "('$account', false)",
    agent_session_end => "('$login')",
    agent_purge => q{('1 day')});
my %reads = (
    agent_me => [ '()', qr/alice/ ],
    agent_uid => [ '()', qr/^$account$/ ],
    agent_authenticate => [ "('$token{alice}')", qr/^$account$/ ],
    agent_conversation_list => [ '()', qr/of alice/ ],
    agent_conversation_get => [ "('$conversation')", qr/of alice/ ],
    agent_conversation_page => [ '()', qr/of alice/ ],
    agent_message_list => [ "('$conversation')", qr/message of alice/ ],
    agent_message_page => [ "('$conversation')", qr/message of alice/ ],
    agent_search => [ q{('alice')}, qr/<mark>alice<\/mark>/ ],
    agent_export => [ '()', qr/message of alice/ ],
    agent_export_rows => [ '()', qr/message of alice/ ],
    agent_user_list => [ '()', qr/alice/ ],
    agent_health => [ '()', qr/ok/ ],
    agent_metrics => [ '()', qr/^agent_preloaded 1$/m ],
    agent_doctor => [ '()', qr/preload/ ],
    agent_http => [ q{('GET', '/health', NULL, NULL, NULL)}, qr/200/ ],
    agent_postgrest_config => [ '()', qr/^$/ ],
    agent_postgrest_request => [ '()', qr/^$/ ],
    agent_postgrest_http => [ '()', qr/"ok"/ ]);
my %may = map { split /\|/ } split /\n/, $primary->safe_psql('agent', q{
    SELECT proname, max(grantee::regrole::text) FROM pg_proc CROSS JOIN aclexplode(proacl)
    WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'agent\_%' AND grantee <> proowner
      AND grantee <> 'agent_owner'::regrole
    GROUP BY proname});
is_deeply([ sort keys %may ], [ sort keys %writes, keys %reads ], 'every function is tried on the standby');
foreach my $function (sort keys %writes)
{
    is( on_standby($may{$function}, $may{$function} eq 'agent_user' ? $token{alice} : '', "SELECT $function$writes{$function}"),
        "25006: cannot execute $function() in a read-only transaction", "$function on the standby");
}
foreach my $function (sort keys %reads)
{
    my ($arguments, $expected) = @{ $reads{$function} };
    my $token = $may{$function} eq 'agent_user' ? $token{alice} : '';
    # PostgREST says in settings what it was asked for.
    my $asked = $function eq 'agent_postgrest_http'
        ? q{SET LOCAL request.method = 'GET'; SET LOCAL request.headers = '{"x-agent-method": "GET", "x-agent-target": "/health"}';}
        : '';
    my ($answer) = on_standby($may{$function}, $token, $asked
        . ($asked ? "SELECT convert_from($function$arguments, 'UTF8')" : "SELECT $function$arguments"));

    like($answer, $expected, "$function on the standby");
    unlike($answer, qr/^\w{5}: /, "$function does not fail there");
}
foreach my $view (split /\n/, $primary->safe_psql('agent', q{
    SELECT relname || ' ' || CASE WHEN has_table_privilege('agent_user', oid, 'SELECT') THEN 'agent_user' ELSE 'agent_admin' END
    FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace AND relname LIKE 'agent\_%'}))
{
    my ($name, $role) = split / /, $view;
    like(on_standby($role, $role eq 'agent_user' ? $token{alice} : '', "SELECT count(*) > 0 FROM $name"), qr/^t$/, "the view $name on the standby");
}

# Every path, as the description has it: those that write are told 503, those that read answer.
my %body = (
    'post /auth/register' => '{"email": "new@example.com", "username": "newcomer", "password": "password"}',
    'post /auth/login' => '{"email": "alice@example.com", "password": "password"}',
    'post /auth/refresh' => qq{{"refresh_token": "$refresh"}},
    'post /auth/logout' => '',
    'post /auth/password' => '{"current_password": "password", "new_password": "another password"}',
    'delete /auth/me' => '{"password": "password"}',
    'post /conversations' => '{"title": "x"}',
    'patch /conversations/{conversation_id}' => '{"title": "x"}',
    'delete /conversations/{conversation_id}' => '',
    'post /conversations/{conversation_id}/messages' => '{"role": "user", "content": "x"}',
    'post /conversations/{conversation_id}/fork' => '{}',
    'patch /messages/{message_id}' => '{"content": "x"}',
    'delete /messages/{message_id}' => '');
my @operations = split /\n/, $primary->safe_psql('agent', q{
    SELECT method || ' ' || path
    FROM agent_http('GET', '/openapi.json', NULL, NULL, NULL) AS h,
        json_each(convert_from(h.body, 'UTF8')::json -> 'paths') AS p (path, methods), json_object_keys(methods) AS method});
is_deeply([ sort grep { !/^get / } @operations ], [ sort keys %body ], 'every path that writes is tried on the standby');
foreach my $operation (sort @operations)
{
    my ($method, $path) = split / /, $operation =~ s/\{conversation_id\}/$conversation/r =~ s/\{message_id\}/$message/r;
    my $answer = http(uc $method, $path, $body{$operation} // '', $path eq '/search' ? 'q=alice' : '');

    $method eq 'get' ? like($answer, qr/^200\|/, "$operation on the standby") : is($answer, $only_reads, "$operation on the standby");
}

# Monitoring: the standby counts what it does itself, tells it, and the doctor knows where it is.
my $calls = q{SELECT sum(value) FROM agent_metric_samples
    WHERE name = 'agent_calls_total' AND labels ->> 'function' = 'agent_me' AND labels ->> 'outcome' = 'ok'};
my $before = on_standby('agent_admin', '', $calls);
on_standby('agent_user', $token{alice}, 'SELECT agent_me()');
is(on_standby('agent_admin', '', $calls), $before + 1, 'a call on the standby is counted there');
sub scrape
{
    my ($authorization) = @_;
    return on_standby('agent_anon', '', "SELECT status, convert_from(body, 'UTF8')
        FROM agent_http('GET', '/metrics', NULL, '{\"authorization\": \"Bearer $authorization\"}', NULL)");
}
like(scrape($metrics_token), qr/^200\|.*^agent_calls_total\{function="agent_me",outcome="ok"\} [1-9]/ms, 'and scraped there');
like(scrape($token{alice}), qr/^401\|/, 'with the token of the scraper alone');
is( on_standby('agent_admin', '', q{SELECT string_agg("check" || ': ' || detail, ', ') FROM agent_doctor() WHERE status = 'error'}),
    '', 'the doctor finds nothing that is wrong with the standby');
is( on_standby('agent_admin', '', q{SELECT detail FROM agent_doctor() WHERE "check" = 'worker'}),
    'begins with the promotion of this standby', 'and why there is no writer of the audit');

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

# And the audit of what is refused begins.
like(on_standby('agent_anon', '', q{SELECT agent_login('alice@example.com', 'wrong')}), qr/^28P01: /, 'a wrong password after promotion');
ok($standby->poll_query_until('agent', q{SELECT EXISTS (SELECT FROM agent_audit WHERE event = 'login_failed')}),
    'is in the audit');
is( $standby->safe_psql('agent', q{SELECT string_agg("check" || ': ' || detail, ', ') FROM agent_doctor() WHERE status = 'error'}),
    '', 'the doctor finds nothing that is wrong after promotion');
is(http('GET', '/ready', ''), '200|{"status":"ready","writable":true}', 'ready for writes as well');

$admin->quit;
$session->quit;
$standby->stop;
$primary->stop;
done_testing();
