# Passwords and tokens stay out of the server log and of pg_stat_activity.
#
# The first cluster preloads the library and logs all that a server can log:
# there, no statement that names one of our functions or settings may be shown,
# not even when it fails before a function of ours runs. The second one does not
# preload and has the settings of a new cluster: there, the promise begins when
# the library is loaded in a session, which the first call of a function does.
#
# What no library can hide is the text of a statement that does not show that it
# holds a secret: a function of the application's own that takes a password must
# be called with parameters, and log_parameter_max_length must not be raised.

use strict;
use warnings;

# A client that speaks the wire protocol: psql cannot send parameters before
# PostgreSQL 16.
package Wire;

# Connects over the node's socket and waits until the server is ready.
sub new
{
    my ($class, $node, $db, $user) = @_;
    my $self = bless { socket => $node->raw_connect }, $class;
    my $body = pack('N', 196608) . "user\0$user\0database\0$db\0\0";

    $self->{socket}->syswrite(pack('N', 4 + length $body) . $body);
    $self->answer;
    return $self;
}

# Sends a message.
sub put
{
    my ($self, $type, $body) = @_;
    my $message = $type . pack('N', 4 + length $body) . $body;

    while (length $message)
    {
        my $sent = $self->{socket}->syswrite($message) // die "cannot write: $!";
        substr($message, 0, $sent, '');
    }
}

# Reads bytes.
sub get
{
    my ($self, $wanted) = @_;
    my $bytes = '';

    while (length $bytes < $wanted)
    {
        $self->{socket}->sysread($bytes, $wanted - length $bytes, length $bytes)
            or die 'the server closed the connection';
    }
    return $bytes;
}

# Reads until the server is ready; returns the values, or the SQLSTATE of an error.
sub answer
{
    my ($self) = @_;
    my @values;
    my $error;

    while (1)
    {
        my ($type, $length) = unpack 'a N', $self->get(5);
        my $body = $self->get($length - 4);

        if ($type eq 'D')
        {
            my ($count, $rest) = unpack 'n a*', $body;
            while ($count-- > 0)
            {
                my ($size, $after) = unpack 'N a*', $rest;
                $size = 0 if $size == 0xffffffff;
                push @values, substr($after, 0, $size);
                $rest = substr($after, $size);
            }
        }
        $error //= ($body =~ /\0C([^\0]+)/)[0] if $type eq 'E';
        last if $type eq 'Z';
    }
    return defined $error ? "ERROR $error" : join('|', @values);
}

# Runs statements by the simple protocol.
sub simple
{
    my ($self, $sql) = @_;
    $self->put('Q', "$sql\0");
    return $self->answer;
}

# Runs a statement by the extended protocol, with parameters.
sub extended
{
    my ($self, $sql, @values) = @_;
    $self->put('P', "\0$sql\0" . pack('n', 0));
    $self->put('B',
        "\0\0" . pack('n n', 0, scalar @values)
            . join('', map { pack('N', length) . $_ } @values)
            . pack('n', 0));
    $self->put('E', "\0" . pack('N', 0));
    $self->put('S', '');
    return $self->answer;
}

package main;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %secrets;    # step => what was used in it and must not be seen elsewhere

# Makes a password no other step uses, so that a leak names the step.
sub password
{
    my ($step) = @_;
    my $password = 'pw-' . ($step =~ s/\W+/-/gr) . '-' . (1000 + keys %secrets);

    push @{ $secrets{$step} }, $password;
    return $password;
}

# Notes what of a token gives it away: its claims and its signature.
sub note_token
{
    my ($token, $step) = @_;
    my ($header, $payload, $signature) = split /\./, $token;

    push @{ $secrets{$step} }, $payload, $signature;
    return $token;
}

# Returns the steps whose secrets are in a text.
sub leaks
{
    my ($text) = @_;
    return grep {
        grep { index($text, $_) >= 0 } @{ $secrets{$_} }
    } sort keys %secrets;
}

my $all_activity = q{SELECT string_agg(query, E'\n') FROM pg_stat_activity};

# No secret that was used until now is in pg_stat_activity, where a superuser
# sees what every session runs or ran last.
sub activity_is_clean
{
    my ($node, $step) = @_;
    is(join(', ', leaks($node->safe_psql('agent', $all_activity))),
        '', "secrets in pg_stat_activity: $step");
}

# None is in a text; the beginning of a line that has one is shown.
sub text_is_clean
{
    my ($text, $name) = @_;
    my %leaked = map { $_ => 1 } leaks($text);

    foreach my $step (sort keys %secrets)
    {
        ok(!$leaked{$step}, "no secret in $name: $step") or diag(
            map { substr($_, 0, 160) . "\n" }
            grep {
                my $line = $_;
                grep { index($line, $_) >= 0 } @{ $secrets{$step} }
            } split /\n/, $text);
    }
}

# Makes a cluster with the extension, and a login role that may become a person.
sub new_cluster
{
    my ($name, $settings) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);

    $node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
    $node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\n$settings");
    $node->start;
    $node->safe_psql('postgres', 'CREATE DATABASE agent');
    $node->safe_psql('agent', 'CREATE EXTENSION agent CASCADE;
        ALTER ROLE agent_authenticator LOGIN');
    return $node;
}

my $node = new_cluster('harsh', q{
shared_preload_libraries = 'auto_explain, pg_stat_statements, agent'
logging_collector = on
log_directory = 'log'
log_filename = 'server.log'
log_rotation_age = 0
log_rotation_size = 0
log_destination = 'stderr, csvlog, jsonlog'
log_min_messages = debug1
log_min_error_statement = debug5
log_error_verbosity = verbose
log_statement = all
log_duration = on
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_lock_waits = on
deadlock_timeout = 10ms
track_activity_query_size = 16kB
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
auto_explain.log_nested_statements = on
pg_stat_statements.track = all
});
if ($node->safe_psql('agent', q{SHOW server_version_num}) >= 160000)
{
    $node->safe_psql('postgres', q{ALTER SYSTEM SET auto_explain.log_parameter_max_length = -1});
    $node->reload;
}
$node->safe_psql('agent', 'CREATE EXTENSION pg_stat_statements');

# One session to be looked at, as a pool keeps it: as a person, not a superuser.
my $client = Wire->new($node, 'agent', 'agent_authenticator');
$client->simple('SET ROLE agent_anon');

# Everything below proves something only while the log shows what it can show.
$client->simple(q{SELECT 'shown-simple'});
$client->extended('SELECT $1::text', 'shown-parameter');
$client->extended('SELECT $1::int', 'shown-in-error');
$client->simple(q{SET application_name = 'shown-setting'});
like($node->safe_psql('agent', $all_activity), qr/shown-setting/,
    'pg_stat_activity shows ordinary statements');

# Registration, both protocols, with every outcome.

my %registered = (
    simple => password('register, simple'),
    extended => password('register, extended'));

isnt( $client->simple(
        "SELECT agent_register('simple\@example.com', 'simple', '$registered{simple}')"),
    '', 'register, simple protocol');
activity_is_clean($node, 'register, simple protocol');

isnt( $client->extended('SELECT agent_register($1, $2, $3)',
        'extended@example.com', 'extended', $registered{extended}),
    '', 'register, extended protocol');
activity_is_clean($node, 'register, extended protocol');

my $secret = password('register, address taken');
is($client->simple("SELECT agent_register('simple\@example.com', 'other', '$secret')"),
    'ERROR 23505', 'register, address taken');
$secret = password('register, username taken');
is($client->extended('SELECT agent_register($1, $2, $3)', 'other@example.com', 'simple', $secret),
    'ERROR 23505', 'register, username taken');
$secret = password('register, validation failed');
is($client->simple("SELECT agent_register('no address', 'x', '$secret')"),
    'ERROR 22023', 'register, validation failed');
activity_is_clean($node, 'register, refused');

# Login, both protocols, right and wrong.

my $token = note_token(
    $client->simple(
        "SELECT access_token FROM agent_login('simple\@example.com', '$registered{simple}')"),
    'login, simple');
note_token(
    $client->extended('SELECT access_token FROM agent_login($1, $2)',
        'extended@example.com', $registered{extended}),
    'login, extended');
is(scalar(map { @{ $secrets{$_} } } grep { /^login/ } keys %secrets), 4, 'logins gave two tokens');
activity_is_clean($node, 'login');

$secret = password('login, wrong, simple');
is($client->simple("SELECT agent_login('simple\@example.com', '$secret')"),
    'ERROR 28P01', 'login, wrong password, simple protocol');
activity_is_clean($node, 'login, wrong password, simple protocol');
$secret = password('login, wrong, extended');
is($client->extended('SELECT agent_login($1, $2)', 'simple@example.com', $secret),
    'ERROR 28P01', 'login, wrong password, extended protocol');
$secret = password('login, unknown address');
is($client->extended('SELECT agent_login($1, $2)', 'nobody@example.com', $secret),
    'ERROR 28P01', 'login, unknown address');

# In other spellings, and in a transaction that fails.
$secret = password('login, upper case');
is($client->simple("SELECT * FROM PUBLIC.AGENT_LOGIN(PASSWORD => '$secret', EMAIL => 'a')"),
    'ERROR 28P01', 'login, upper case, named arguments');
$secret = password('login, quoted name');
is($client->simple(qq{BEGIN; SELECT "agent_login"('simple\@example.com', '$secret'); COMMIT}),
    'ERROR 28P01', 'login, several statements at once');
$client->simple('ROLLBACK');
activity_is_clean($node, 'login, other spellings');

# A statement prepared in SQL: what is executed names neither function nor setting.
$client->simple('PREPARE sign_in (text, text) AS SELECT agent_login($1, $2)');
$secret = password('EXECUTE, wrong password');
is($client->simple("EXECUTE sign_in('simple\@example.com', '$secret')"),
    'ERROR 28P01', 'login by EXECUTE, wrong password');
activity_is_clean($node, 'login by EXECUTE, wrong password');
isnt($client->simple("EXECUTE sign_in('simple\@example.com', '$registered{simple}')"),
    '', 'login by EXECUTE');
activity_is_clean($node, 'login by EXECUTE');

# Dynamic SQL.
$secret = password('DO');
is( $client->simple("DO \$\$ BEGIN EXECUTE 'SELECT agent_login(\$1, \$2)'
        USING 'simple\@example.com', '$secret'; END \$\$"),
    'ERROR 28P01', 'login by EXECUTE USING in a DO block, wrong password');
activity_is_clean($node, 'login by EXECUTE USING in a DO block, wrong password');
is( $client->simple("DO \$\$ BEGIN PERFORM agent_login('simple\@example.com',
        '$registered{simple}'); END \$\$"),
    '', 'login in a DO block');
activity_is_clean($node, 'login in a DO block');

# An error in the same statement that is not ours: before, beside and instead of
# the function. The statement holds the password all the same.
$secret = password('division by zero');
is($client->simple("SELECT 1 / 0, agent_login('simple\@example.com', '$secret')"),
    'ERROR 22012', 'another error in the statement');
activity_is_clean($node, 'another error in the statement');
$secret = password('error in parameter');
is( $client->extended('SELECT $3::int, agent_login($1, $2)', 'simple@example.com', $secret, 'x'),
    'ERROR 22P02', 'a bad parameter beside the password');
activity_is_clean($node, 'a bad parameter beside the password');
$secret = password('wrong number of arguments');
is($client->simple("SELECT agent_login('simple\@example.com', '$secret', 1)"),
    'ERROR 42883', 'the function with an argument too many');
activity_is_clean($node, 'the function with an argument too many');
$secret = password('syntax error');
is($client->simple("SELECT agent_login('simple\@example.com', '$secret'"),
    'ERROR 42601', 'the function in a statement with a syntax error');
activity_is_clean($node, 'the function in a statement with a syntax error');

# Refresh, change of password, deletion, import: right and wrong, both protocols.
my $refresh = $client->simple(
    "SELECT refresh_token FROM agent_login('simple\@example.com', '$registered{simple}')");
push @{ $secrets{'refresh, simple'} }, substr($refresh, 68, 64);
my $next = $client->simple("SELECT refresh_token FROM agent_refresh('$refresh')");
push @{ $secrets{'refresh, extended'} }, substr($next, 68, 64);
like($next, qr/^agr_[0-9a-f]{168}$/, 'agent_refresh, simple protocol');
activity_is_clean($node, 'agent_refresh, simple protocol');
like($client->extended('SELECT refresh_token FROM agent_refresh($1)', $next),
    qr/^agr_/, 'agent_refresh, extended protocol');
is($client->simple("SELECT agent_refresh('${next}x')"), 'ERROR 28000', 'agent_refresh, refused');
activity_is_clean($node, 'agent_refresh, refused');
is($client->simple("SELECT agent_refresh('$refresh')"), 'ERROR 28000', 'agent_refresh, an old one');
activity_is_clean($node, 'agent_refresh, an old one');

my $access = $client->extended('SELECT access_token FROM agent_login($1, $2)',
    'extended@example.com', $registered{extended});
note_token($access, 'password change');
$client->simple('SET ROLE agent_user');
$client->extended(q{SELECT set_config('agent.token', $1, false)}, $access);
my @change = (password('password change, old'), password('password change, new'));
is($client->simple("SELECT agent_password_change('$change[0]', '$change[1]')"),
    'ERROR 28P01', 'agent_password_change, wrong');
activity_is_clean($node, 'agent_password_change, wrong');
is($client->extended('SELECT agent_password_change($1, $2)', $registered{extended}, $change[1]),
    '', 'agent_password_change');
$registered{extended} = $change[1];
activity_is_clean($node, 'agent_password_change');
is($client->simple(q{SELECT agent_account_delete('} . password('account delete') . q{')}),
    'ERROR 28P01', 'agent_account_delete, wrong');
activity_is_clean($node, 'agent_account_delete, wrong');
$client->simple('RESET agent.token');
$client->simple('RESET ROLE');
my $hash = '$2b$04$' . 'abcdefghijklmnopqrstuu' . 'ABCDEFGHIJKLMNOPQRSTUVWXYZ01234';
push @{ $secrets{'import'} }, $hash;
is($client->simple("SELECT username FROM agent_user_import('import\@example.com', 'import', '$hash')"),
    'ERROR 42501', 'agent_user_import, refused');
activity_is_clean($node, 'agent_user_import, refused');
$client->simple('SET ROLE agent_anon');

# The classic paths: a body is bytes, which a log would show as digits.
sub body
{
    my ($step, $password) = @_;
    my $hex = unpack 'H*', $password;

    push @{ $secrets{$step} }, $password, $hex;
    return '\\x' . unpack('H*', q({"email":"simple@example.com","password":")) . $hex . '227d';
}
my $http_login = q{SELECT (agent_http('POST', '/auth/login', '', '{}', %s)).status};

is( $client->simple(sprintf $http_login, q{'} . body('http, simple', 'pw-http-simple') . q{'}),
    '401', 'agent_http, simple protocol');
activity_is_clean($node, 'agent_http, simple protocol');
$secret = password('http, text');
is( $client->simple(
        sprintf $http_login, qq[convert_to('{"email":"x","password":"$secret"}', 'UTF8')]),
    '401', 'agent_http, a body made of text');
is( $client->extended(sprintf($http_login, '$1'), body('http, extended', 'pw-http-extended')),
    '401', 'agent_http, extended protocol');
activity_is_clean($node, 'agent_http, extended protocol');
is( $client->extended(
        sprintf($http_login, '$1') . ', 1 / $2::int',
        body('http, error', 'pw-http-error'), '0'),
    'ERROR 22012', 'agent_http, another error in the statement');
activity_is_clean($node, 'agent_http, another error');
like(
    $client->extended(
        q{SELECT convert_from((agent_http('GET', '/auth/me', '', $1::jsonb, NULL)).body, 'UTF8')},
        q({"authorization":"Bearer ) . $token . q("})),
    qr/"username":"simple"/, 'agent_http with a token');
activity_is_clean($node, 'agent_http with a token');
$client->simple(q{SELECT set_config('request.headers', '{"x-agent-method":"POST",'
    || '"x-agent-target":"/auth/login"}', false)});
is( $client->extended(q{SELECT convert_from(agent_postgrest_http($1::bytea), 'UTF8')},
        body('http, postgrest', 'pw-http-postgrest')),
    '{"detail":"Incorrect email or password"}', 'agent_postgrest_http');
activity_is_clean($node, 'agent_postgrest_http');
$client->simple('RESET request.headers');

# Tokens.

$client->simple('SET ROLE agent_user');
my $uid = $node->safe_psql('agent', q{SELECT id FROM agent.users WHERE username = 'simple'});

# Each step has a token of its own.
sub token
{
    my ($step) = @_;
    return note_token(
        $node->safe_psql('agent',
            "SELECT access_token FROM agent_login('simple\@example.com', '$registered{simple}')"),
        $step);
}

$client->simple(q{SET agent.token = '} . token('SET') . q{'});
activity_is_clean($node, 'SET agent.token');
is($client->simple('SELECT agent_uid()'), $uid, 'SET agent.token');
$client->simple('RESET agent.token');

$client->simple('BEGIN');
$client->simple(q{SET LOCAL agent.token TO '} . token('SET LOCAL') . q{'});
activity_is_clean($node, 'SET LOCAL agent.token');
is($client->simple('SELECT agent_uid()'), $uid, 'SET LOCAL agent.token');
$client->simple('COMMIT');

is( $client->simple(q{BEGIN; SET LOCAL agent.token = '} . token('SET LOCAL and more at once')
            . q{'; SELECT agent_uid(); COMMIT}),
    $uid, 'SET LOCAL agent.token and more in one message');
activity_is_clean($node, 'SET LOCAL agent.token and more in one message');

is( $client->simple(q{BEGIN; SET LOCAL agent.token = '} . token('SET LOCAL and an error')
            . q{'; SELECT 1 / 0}),
    'ERROR 22012', 'SET LOCAL agent.token and an error in one message');
activity_is_clean($node, 'SET LOCAL agent.token and an error in one message');
$client->simple('ROLLBACK');

$client->simple('BEGIN');
$client->simple(q{SELECT set_config('agent.token', '} . token('set_config') . q{', true)});
activity_is_clean($node, 'set_config');
$client->extended(q{SELECT set_config('agent.token', $1, true)}, token('set_config, parameter'));
$client->extended('SELECT set_config($1, $2, true)',
    'agent.token', token('set_config, parameters'));
is($client->simple('SELECT agent_uid()'), $uid, 'set_config with parameters');
$client->simple('COMMIT');

is( $client->simple(q{SELECT agent_authenticate('} . token('authenticate, simple') . q{')}),
    $uid, 'agent_authenticate, simple protocol');
activity_is_clean($node, 'agent_authenticate, simple protocol');
is( $client->extended('SELECT agent_authenticate($1)', token('authenticate, extended')),
    $uid, 'agent_authenticate, extended protocol');

# A bad one is hidden like a good one: it may be one character off.
is( $client->simple(q{SELECT agent_authenticate('} . token('authenticate, bad') . q{x')}),
    'ERROR 28000', 'agent_authenticate, bad token');
is( $client->simple(q{SET agent.token = '} . token('SET, too long') . ('x' x 9000) . q{'}),
    'ERROR 22023', 'SET agent.token, too long');
activity_is_clean($node, 'bad tokens');
$client->simple(q{SET agent.token = '} . token('SET, bad') . q{x'});
is($client->simple('SELECT agent_uid()'), 'ERROR 28000', 'SET agent.token, bad token');
$client->simple('RESET agent.token');

# The way PostgREST hands a request over: with parameters; and typed by hand.
my $headers = q{{"authorization":"Bearer %s"}};

$client->simple('BEGIN');
$client->extended(q{SELECT set_config('request.method', $1, true),
        set_config('request.headers', $2, true)},
    'GET', sprintf($headers, token('request.headers, parameter')));
is($client->simple('SELECT agent_uid()'), $uid, 'request.headers as a parameter');
activity_is_clean($node, 'request.headers as a parameter');
$client->simple('COMMIT');

$client->simple('BEGIN');
$client->simple(q{SELECT set_config('request.headers', '}
        . sprintf($headers, token('request.headers, simple')) . q{', true)});
activity_is_clean($node, 'request.headers by set_config, simple protocol');
is($client->simple('SELECT agent_uid()'), $uid, 'request.headers by set_config, simple protocol');
$client->simple('COMMIT');

$client->simple('BEGIN');
$client->simple(q{SET LOCAL request.headers = '}
        . sprintf($headers, token('SET request.headers')) . q{'});
activity_is_clean($node, 'SET LOCAL request.headers');
is($client->simple('SELECT agent_uid()'), $uid, 'SET LOCAL request.headers');
$client->simple('COMMIT');

# Parallel workers show the text of the statement they work for.
$node->safe_psql('agent', 'CREATE TABLE slow AS SELECT generate_series(1, 10000);
    GRANT SELECT ON slow TO agent_user');
$client->put('Q', q{BEGIN; SET LOCAL agent.token = '} . token('parallel workers') . q{';
    SET LOCAL min_parallel_table_scan_size = 0;
    SET LOCAL parallel_setup_cost = 0;
    SET LOCAL parallel_tuple_cost = 0;
    SELECT count(*) FROM slow WHERE pg_sleep(600) IS NULL} . "\0");
ok( $node->poll_query_until('agent',
        q{SELECT count(*) > 0 FROM pg_stat_activity
          WHERE backend_type = 'parallel worker' AND wait_event = 'PgSleep'}),
    'parallel workers run');
activity_is_clean($node, 'parallel workers');
$node->safe_psql('agent', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE usename = 'agent_authenticator' AND backend_type = 'client backend'});
is($client->answer, 'ERROR 57014', 'a statement with parallel workers is cancelled');
$client->simple('ROLLBACK');

# While it runs: a lock makes the call wait inside, where others can look at it
# and the server writes about it.
my $locker = Wire->new($node, 'agent', $node->safe_psql('agent', 'SELECT current_user'));
my $waiting = q{SELECT count(*) = 1 FROM pg_stat_activity
    WHERE usename = 'agent_authenticator' AND wait_event_type = 'Lock'};

foreach my $call (
    [ 'agent_login', q{SELECT agent_login('simple@example.com', '%s')}, '57014' ],
    [ 'agent_register', q{SELECT agent_register('new@example.com', 'new', '%s')}, '57014' ])
{
    my ($function, $sql, $state) = @$call;
    my $password = password("$function, while it waits");

    $client->simple('SET ROLE agent_anon');
    $locker->simple('BEGIN; LOCK TABLE agent.users IN ACCESS EXCLUSIVE MODE');
    $client->put('Q', sprintf($sql, $password) . "\0");
    ok($node->poll_query_until('agent', $waiting), "$function waits");
    activity_is_clean($node, "$function, while it waits");

    # What is shown instead says what runs.
    is( $node->safe_psql('agent', q{SELECT query FROM pg_stat_activity
            WHERE usename = 'agent_authenticator' AND state = 'active'}),
        "<$function>", "pg_stat_activity names $function");

    # Cancelled from outside, the server reports the statement, without its text.
    $node->safe_psql('agent', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE usename = 'agent_authenticator'});
    is($client->answer, "ERROR $state", "$function is cancelled");
    $locker->simple('ROLLBACK');
}

# Neither a signing key nor a password's hash is written anywhere.
$node->safe_psql('agent', 'SELECT agent_key_rotate()');
push @{ $secrets{'signing key'} }, split /\n/, $node->safe_psql('agent', q{
    SELECT encode(secret, format)
    FROM agent.signing_keys, unnest('{hex,base64}'::text[]) AS format});
push @{ $secrets{'password hash'} }, split /\n/,
    $node->safe_psql('agent', 'SELECT password_hash FROM agent.users');
is(@{ $secrets{'signing key'} } + @{ $secrets{'password hash'} }, 6, 'keys and hashes to look for');
activity_is_clean($node, 'key rotation');

# pg_stat_statements keeps what was run for anybody who may read all statistics.
my $statements = $node->safe_psql('agent',
    q{SELECT string_agg(query, E'\n') FROM pg_stat_statements});
like($statements, qr/shown-setting|SET application_name/,
    'pg_stat_statements shows ordinary statements');
text_is_clean($statements, 'pg_stat_statements');

# The log, in all its formats, after the server has written the last of it.
$node->stop;
foreach my $file ('server.log', 'server.csv', 'server.json')
{
    my $log = slurp_file($node->data_dir . "/log/$file");

    foreach my $shown ('shown-simple', 'shown-parameter', 'shown-in-error')
    {
        like($log, qr/$shown/, "$file shows ordinary statements: $shown");
    }
    like($log, qr/statement hidden/, "$file says where a statement was hidden");
    text_is_clean($log, $file);
}

# Without preloading, with the settings of a new cluster: a failed statement is
# logged (log_min_error_statement is error), but not one of ours, even the first
# of its session.

%secrets = ();
my $plain = new_cluster('plain', "log_statement = none\n");
$plain->safe_psql('agent', q{SELECT agent_register('a@example.com', 'somebody', 'right password')});
my $log_start = -s $plain->logfile;

# Runs one statement in a session of its own, as a web client.
sub first_statement
{
    my ($sql, @values) = @_;
    my $session = Wire->new($plain, 'agent', 'agent_authenticator');

    $session->simple('SET ROLE agent_anon');
    my $answer = @values ? $session->extended($sql, @values) : $session->simple($sql);
    activity_is_clean($plain, 'not preloaded');
    return $answer;
}

is( first_statement(q{SELECT agent_login('a@example.com', '}
            . password('not preloaded: login, wrong') . q{')}),
    'ERROR 28P01', 'not preloaded: login, wrong password');
is( first_statement('SELECT agent_login($1, $2)', 'a@example.com',
        password('not preloaded: login, wrong, extended')),
    'ERROR 28P01', 'not preloaded: login, wrong password, extended protocol');
is( first_statement(q{SELECT agent_register('no address', 'x', '}
            . password('not preloaded: register') . q{')}),
    'ERROR 22023', 'not preloaded: register, validation failed');
is( first_statement(q{SELECT agent_register('a@example.com', 'other', '}
            . password('not preloaded: register, taken') . q{')}),
    'ERROR 23505', 'not preloaded: register, address taken');
is( first_statement(q{SELECT agent_authenticate('}
            . password('not preloaded: authenticate') . q{')}),
    'ERROR 28000', 'not preloaded: agent_authenticate, bad token');

$plain->psql('agent', 'SELECT shown_in_log');
$plain->stop;
my $log = substr(slurp_file($plain->logfile), $log_start);
like($log, qr/STATEMENT:  SELECT shown_in_log/, 'failed statements are logged');
like($log, qr/incorrect email or password/, 'what failed is logged');
text_is_clean($log, 'log');

done_testing();
