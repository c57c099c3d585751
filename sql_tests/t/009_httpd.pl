# agent-httpd: from HTTP to agent_http() and back.
#
# Failures this catches: an answer that reaches another client, a request taken out
# of the body of another, bytes that change on the way, hashing that starves reads,
# a daemon that a dead connection, a client that leaves or garbage puts out of order,
# a request done twice, a crash that a request is sent back into, clients who do not
# read their answers, a log that quotes what clients send.

use strict;
use warnings;

use Cwd qw(abs_path);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Run;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# Who names a program means it; otherwise it is there if somebody has built it.
my $program = $ENV{AGENT_HTTPD} || 'gateway/httpd/agent-httpd';
-x $program
    or $ENV{AGENT_HTTPD}
    ? die "$program is missing"
    : plan(skip_all => "$program is not built: make -C gateway/httpd, or set AGENT_HTTPD");
$program = abs_path($program);
$SIG{PIPE} = 'IGNORE';

my $node = PostgreSQL::Test::Cluster->new('httpd');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf',
    "agent.password_hash_cost = 10\nrestart_after_crash = on\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('postgres', 'CREATE DATABASE stub');
$node->safe_psql('agent', 'CREATE SCHEMA api; CREATE EXTENSION pgcrypto;
    CREATE EXTENSION agent SCHEMA api; ALTER ROLE agent_authenticator LOGIN');

my $dir = PostgreSQL::Test::Utils::tempdir_short();
my %port = map { $_ => PostgreSQL::Test::Cluster::get_free_port() } qw(agent stub slow);
my $socket = "$dir/http";

# What the real function never does: it sleeps, raises, dies, or answers nonsense.
$node->safe_psql('stub', q{
    CREATE SCHEMA "A b";
    GRANT USAGE ON SCHEMA "A b" TO agent_authenticator;
    CREATE SEQUENCE calls;
    CREATE SEQUENCE once;
    CREATE TYPE response AS (status integer, headers jsonb, body bytea);
    CREATE FUNCTION "A b".agent_http(method text, path text, query text, headers jsonb, body bytea)
    RETURNS public.response LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        answer public.response := (200, '{"content-type": "application/json", "x-a": "b"}', body);
    BEGIN
        PERFORM nextval('public.calls');
        CASE path
            WHEN '/echo' THEN NULL;
            WHEN '/sleep' THEN
                PERFORM pg_sleep(query::float8);
            WHEN '/status' THEN
                answer.status := query::integer;
                answer.body := 'body';
            WHEN '/headers' THEN
                answer.headers := convert_from(body, 'UTF8')::jsonb;
            WHEN '/raise' THEN
                RAISE EXCEPTION USING ERRCODE = query, MESSAGE = 'the stub raises';
            WHEN '/raise-once' THEN
                IF nextval('public.once') = 1 THEN
                    RAISE EXCEPTION USING ERRCODE = query, MESSAGE = 'the stub raises';
                END IF;
            WHEN '/forget' THEN
                EXECUTE 'DEALLOCATE agent_http';
            WHEN '/die' THEN
                PERFORM pg_terminate_backend(pg_backend_pid());
            WHEN '/die-once' THEN
                IF nextval('public.once') = 1 THEN
                    PERFORM pg_terminate_backend(pg_backend_pid());
                END IF;
            WHEN '/crash' THEN
                PERFORM public.crash();
            WHEN '/big' THEN
                answer.body := convert_to(repeat('x', query::integer), 'UTF8');
            ELSE
                answer.body := convert_to(json_build_object('method', method, 'path', path,
                    'query', query, 'headers', headers, 'body', encode(body, 'hex'),
                    'pid', pg_backend_pid(),
                    'isolation', current_setting('transaction_isolation'))::text, 'UTF8');
        END CASE;
        RETURN answer;
    END $$;
});

# A backend that is killed leaves a line, which outlives the crash.
$node->safe_psql('stub', qq{
    CREATE FUNCTION public.crash() RETURNS void LANGUAGE plpgsql AS \$\$
    BEGIN
        COPY (SELECT 1) TO PROGRAM 'echo crash >>$dir/crashes; kill -9 \$PPID';
    END \$\$;
    ALTER DATABASE stub SET default_transaction_isolation = 'serializable';
});

# Starts the daemon for a database, and waits until it has connections.
my @daemons;

sub start
{
    my ($name, @options) = @_;
    my $daemon = { log => "$dir/$name." . scalar(@daemons) . '.log' };
    my $database = $node->connstr($name) . ' user=agent_authenticator';

    $daemon->{run} = IPC::Run::start([ $program, '--database', $database, @options ],
        '<', '/dev/null', '>', "$dir/out", '2>', $daemon->{log});
    foreach (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
    {
        last if $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity
            WHERE datname = '$name' AND application_name = 'agent-httpd'
              AND query LIKE '%agent_http%'") > 0;
        sleep(0.05);
    }
    push @daemons, $daemon;
    return $daemon;
}

# Opens a connection to a port, or to the socket.
sub client
{
    my ($to) = @_;

    return $to =~ m{^/}
        ? IO::Socket::UNIX->new(Peer => $to)
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to);
}

# The text of a request; a body gets its length.
sub request
{
    my ($method, $target, $body, @fields) = @_;

    push @fields, 'Content-Length: ' . length $body if defined $body;
    return join("\r\n", "$method $target HTTP/1.1", 'Host: test', @fields, '', $body // '');
}

sub send_all
{
    my ($client, $text) = @_;

    while (length $text)
    {
        my $sent = syswrite($client, $text, 1 << 20);
        return unless $sent;
        substr($text, 0, $sent, '');
    }
}

# Reads one answer: status, body, fields. 0 when the connection ends first.
sub answer
{
    my ($client, $no_body) = @_;
    my ($head, %fields) = ('');

    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm(20);
    until ($head =~ /\r\n\r\n\z/)
    {
        alarm(0), return (0, '', {}) unless sysread($client, $head, 1, length $head);
    }
    my ($status) = $head =~ m{\AHTTP/1\.1 (\d{3}) [^\r\n]*\r\n};
    $fields{ lc $1 } = $2 while $head =~ /^([^:\r\n]+): ([^\r\n]*)\r\n/mg;
    my ($body, $length) = ('', $no_body ? 0 : $fields{'content-length'} // 0);
    while (length $body < $length)
    {
        last unless sysread($client, $body, $length - length $body, length $body);
    }
    alarm(0);
    return answer($client, $no_body) if $status == 100;
    return ($status, $body, \%fields);
}

# One request over a connection of its own; returns what answer() does.
sub ask
{
    my ($to, @request) = @_;
    my $client = client($to);

    send_all($client, request(@request));
    return answer($client, $request[0] eq 'HEAD');
}

sub status
{
    return (ask(@_))[0];
}

sub sees
{
    return decode_json((ask(@_))[1]);
}

# Command line.
foreach my $case (
    [ [], qr/--listen is missing/ ],
    [ [ '--listen', 'nowhere' ], qr/neither unix:/ ],
    [ [ '--listen', '127.0.0.1:1,connections=0' ], qr/1 or more/ ],
    [ [ '--listen', '127.0.0.1:1,color=3' ], qr/bad option "color=3"/ ],
    [ [ '--listen', '127.0.0.1:1', '--wait', 'long' ], qr/"long" is no number/ ],
    [ [ '--listen', '127.0.0.1:1', '--database', 'password=secret1' ], qr/use PGPASSFILE/ ],
    [ [ '--listen', '127.0.0.1:1', '--database', 'passwort=secret1' ], qr/no connection string/ ])
{
    my ($options, $message) = @$case;

    ok(!IPC::Run::run([ $program, @$options ], '>', \my $out, '2>', \my $err), "refused: @$options");
    like($err, $message, 'with a message');
    unlike($err, qr/secret1/, 'and no secret in it');
}
ok(IPC::Run::run([ $program, '--help' ], '>', \my $help), '--help');
like($help, qr/^Usage: agent-httpd --listen/, 'says how to call it');

# The real function, over both kinds of sockets.
my $real = start('agent', '--listen', "127.0.0.1:$port{agent}", '--listen', "unix:$socket");
is((stat $socket)[2] & 07777, 0660, 'the socket is for owner and group');
foreach my $to ($port{agent}, $socket)
{
    my ($status, $body, $fields) = ask($to, 'GET', '/health');
    my $name = $to eq $socket ? 'bob' : 'alice';
    my $account = qq({"email":"$name\@example.com","username":"$name","password":"password"});

    is("$status $body", '200 {"status":"ok"}', 'health');
    is($fields->{'content-type'}, 'application/json', 'is JSON');
    is(status($to, 'POST', '/auth/register', $account), 201, 'register');
    my $token = sees($to, 'POST', '/auth/login', $account)->{access_token};
    my @token = (undef, "AUTHORIZATION: Bearer $token");
    is(sees($to, 'GET', '/auth/me', @token)->{username}, $name, 'the token says who one is');
    ($status, $body, $fields) = ask($to, 'GET', '/auth/me');
    is("$status $fields->{'www-authenticate'}", '401 Bearer', 'without it one is nobody');
    ($status, $body, $fields) = ask($to, 'BREW', '/auth/me');
    is("$status $fields->{allow}", '405 GET, DELETE', 'an unknown method is one that is not allowed');
    is(status($to, 'GET', '/nowhere'), 404, 'an unknown path');

    my $id = sees($to, 'POST', '/conversations', '{"title":"t"}', $token[1])->{id};
    my $content = "\x{e4}\x{1f600} " x 30_000;
    my $json = JSON::PP->new->utf8->encode({ role => 'user', content => $content });
    ok(sees($to, 'POST', "/conversations/$id/messages", $json, $token[1])->{content} eq $content,
        'a message of 210 kB');
    ok(sees($to, 'GET', "/conversations/$id/messages?limit=1", @token)->[0]{content} eq $content,
        'comes back as it was sent');
    is(status($to, 'DELETE', "/conversations/$id", @token), 204, 'DELETE');
}

# A socket that is in use is left alone; one that is left over is replaced.
ok( !IPC::Run::run([ $program, '--listen', "unix:$socket" ], '2>', \my $in_use),
    'a second daemon on the same socket');
like($in_use, qr/Address already in use/, 'says why it does not start');
is(status($socket, 'GET', '/health'), 200, 'and the first goes on');
$real->{run}->signal('KILL');
$real->{run}->finish;
ok(-S $socket, 'a daemon that is killed leaves its socket');

# The stub from here on.
my $stub = start('stub', '--schema', 'A b',
    '--listen', "127.0.0.1:$port{stub},connections=4", '--listen', "unix:$socket,mode=0600",
    '--listen', "127.0.0.1:$port{slow},connections=1,queue=2");
my $to = $port{stub};
is(status($socket, 'GET', '/'), 200, 'which the next one replaces');
is((stat $socket)[2] & 07777, 0600, 'with the mode it is told');

# What the function is told.
my $seen = sees($to, 'FROB', '/a%20b?c=d&e', "\0\xff", 'X-One: 1', "x-one:  2\t", 'Cookie: a=1',
    'Connection: close, x-hop', 'X-Hop: 1', 'TE: trailers', "X-Latin: caf\xe9", "X-Utf8: \xc3\xa9");
is("@$seen{qw(method path query body)}", 'FROB /a%20b c=d&e 00ff', 'method, path, query, body');
is_deeply($seen->{headers},
    { host => 'test', 'content-length' => 2, 'x-one' => '1, 2', cookie => 'a=1',
        'x-latin' => "caf\x{e9}", 'x-utf8' => "\x{e9}" },
    'header fields: joined, decoded, and those for the neighbour left out');
is_deeply([ @{ sees($to, 'GET', '/') }{qw(query body)} ], [ undef, undef ], 'no query, no body');
is(sees($to, 'GET', '/?')->{query}, '', 'an empty query');
is(sees($to, 'GET', "/\xe9\x7f?\xc3")->{path}, '/%E9%7F', 'bytes that are not ASCII are encoded');
is(join(' ', @{ sees($to, 'GET', 'http://h:1?x') }{qw(path query)}), '/ x', 'absolute form');
is(sees($to, 'OPTIONS', '*')->{path}, '*', 'asterisk form');
is(sees($to, 'GET', '/')->{isolation}, 'read committed', 'whatever the default of the database');

# Bytes, in all sizes and framings, over one connection.
my $one = client($to);
my $every = join('', map { chr } 0 .. 255);
foreach my $body ('', 'x', $every, $every x 32_768, $every x 65_536)
{
    send_all($one, request('POST', '/echo', $body));
    my ($status, $echo, $fields) = answer($one);
    ok($status == 200 && $echo eq $body, length($body) . ' bytes there and back');
}
send_all($one, request('PUT', '/echo', undef, 'Transfer-Encoding: chunked')
    . join('', map { sprintf("%X;a=b\r\n%s\r\n", length, $_) } 'first ', $every) . "0\r\nT: x\r\n\r\n");
is((answer($one))[1], "first $every", 'chunks');
send_all($one, request('POST', '/echo', 'one') . request('POST', '/echo', 'two'));
is((answer($one))[1] . (answer($one))[1], 'onetwo', 'two requests at once, answers in their order');
foreach my $byte (split(//, request('POST', '/echo', 'slow')))
{
    send_all($one, $byte);
}
is((answer($one))[1], 'slow', 'byte by byte');
send_all($one, request('HEAD', '/big?5') . request('GET', '/status?204') . request('GET', '/status?304'));
is(join(' ', map { (answer($one, 1))[0] } 1 .. 3), '200 204 304', 'HEAD, 204 and 304 have no body');
send_all($one, request('POST', '/echo', 'end', 'Expect: 100-continue', 'Connection: close'));
is((answer($one))[1], 'end', '100 Continue');
is((answer($one))[0], 0, 'the connection is closed when asked for');
foreach my $fields ([ 'Content-Length: 16900000' ], [ 'Content-Length: 9999999999999999' ])
{
    my ($status, $body, $got) = ask($to, 'POST', '/echo', undef, @$fields);
    is("$status $body", '413 {"detail":"Request body too large"}', "too large: @$fields");
}
my $too_large = client($to);
send_all($too_large, request('POST', '/echo', undef, 'Transfer-Encoding: chunked')
    . ("100000\r\n" . 'x' x (1 << 20) . "\r\n") x 17);
is((answer($too_large))[0], 413, 'too large in chunks, told to a client that is still sending');
is((ask($to, 'GET', '/', undef, 'A: ' . 'x' x 66_000))[1],
    '{"detail":"Request headers too large"}', 'so are header fields');

# A client that sends a body before it reads the answers that stand in the way of
# "100 Continue": how many of them do, is tried first.
sub unread
{
    my ($client, $wanted) = @_;
    my ($count, $before) = (0, -1);

    foreach (1 .. 100)
    {
        ioctl($client, 0x541b, my $bytes = pack('i', 0)); # FIONREAD
        $count = unpack('i', $bytes);
        last if defined $wanted ? $count >= $wanted : $count > 0 && $count == $before;
        $before = $count;
        sleep(0.2);
    }
    return $count;
}
my $small = request('GET', '/status?204');
my $single = client($socket);
send_all($single, $small);
my $each = unread($single);
my $reluctant = client($socket);
send_all($reluctant, $small x 2000);
my $fit = unread($reluctant) / $each;
cmp_ok($fit, '>', 10, "$fit answers fit into a socket");
close($reluctant);
foreach my $pieces ([300_000], [ 70_000, 1_000_000 ])
{
    my $client = client($socket);
    my $body = join('', map { 'x' x $_ } @$pieces);
    my $length = 'Content-Length: ' . length $body;

    send_all($client, $small x $fit);
    unread($client, $fit * $each);
    send_all($client, request('POST', '/echo', undef, $length, 'Expect: 100-continue'));
    sleep(0.2);
    my $sender = fork();
    if ($sender == 0)
    {
        foreach my $piece (@$pieces)
        {
            send_all($client, 'x' x $piece);
            sleep(0.2);
        }
        POSIX::_exit(0);
    }
    sleep(1);
    answer($client, 1) foreach 1 .. $fit;
    my ($status, $echo) = eval { answer($client) };
    is($status, 200, "@$pieces bytes that came before their time");
    ok(($echo // '') eq $body, 'are all there');
    kill('KILL', $sender);
    waitpid($sender, 0);
}

# What must not get through, in either direction.
foreach my $case (
    [ 400, "GET / HTTP/1.1\r\n\r\n" ],
    [ 400, "GET / HTTP/1.1\nHost: a\n\n" ],
    [ 400, "GET /\r\nHost: a\r\n\r\n" ],
    [ 400, "G T / HTTP/1.1\r\nHost: a\r\n\r\n" ],
    [ 400, "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n" ],
    [ 400, "GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n" ],
    [ 400, "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n" ],
    [ 400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n folded\r\n\r\n" ],
    [ 400, "GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n" ],
    [ 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" ],
    [ 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n" ],
    [ 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx" ],
    [ 400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" ],
    [ 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" ],
    [ 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx" ],
    [ 400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" ],
    [ 501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n" ],
    [ 417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n" ],
    [ 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n" ],
    [ 400, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n" ],
    [ 431, "GET / HTTP/1.1\r\nHost: a\r\n" . "A: b\r\n" x 5000 . "\r\n" ],
    [ 431, "GET / HTTP/1.1\r\nHost: a\r\nA: " . 'x' x 66_000 ])
{
    my ($wanted, $garbage) = @$case;
    my $client = client($to);

    send_all($client, $garbage . request('GET', '/smuggled'));
    my ($status, $body) = answer($client);
    is($status, $wanted, 'garbage: ' . substr($garbage =~ s/[^ -~]/./gr, 0, 60));
    is((answer($client))[0], 0, 'nothing after it is taken for a request');
}
my $inside = request('GET', '/smuggled');
foreach my $method (qw(GET HEAD DELETE OPTIONS TRACE BREW))
{
    my $client = client($to);

    send_all($client, request($method, '/', $inside) . request('POST', '/echo', 'next'));
    answer($client, $method eq 'HEAD');
    is((answer($client))[1], 'next', "the body of $method is no request");
}
foreach my $headers ('{"a": "b\r\nc: d"}', '{"a b": "c"}', '{"a": 1}', '{"": ""}', '[]')
{
    is(status($to, 'POST', '/headers', $headers), 500, "not sent: $headers");
}
my (undef, undef, $sent) = ask($to, 'POST', '/headers', '{"Content-Length": "1000", "b": "c"}');
is("$sent->{'content-length'} $sent->{b}", '36 c', 'the length is what it is');
is(status($to, 'GET', "/status?$_"), 500, "no status: $_") foreach 0, 100, 600, -1;

# Errors of the database.
is(status($to, 'GET', "/raise?$_"), 503, "$_ is 503") foreach qw(57014 57P03 53300 08006 40001 40P01);
is(status($to, 'GET', "/raise?$_"), 500, "$_ is 500") foreach qw(XX000 23505 42501);
my ($status, $body) = ask($to, 'POST', '/raise?P0001', 'secret2', 'X-Secret: secret3');
is("$status $body", '500 {"detail":"Internal Server Error"}', 'which tells nothing');
is(status($to, 'GET', '/forget'), 200, 'a statement that is gone');
is(status($to, 'GET', '/'), 200, 'is prepared again') foreach 1 .. 4;
sleep(1.1);
is(status($to, 'POST', '/raise-once?0A000'), 200, 'a plan that is out of date is made again');
$node->safe_psql('stub', 'ALTER SEQUENCE once RESTART');

# How often the function has been called.
sub calls
{
    return $node->safe_psql('stub', 'SELECT last_value FROM calls');
}

# Connections that break.
is(status($to, 'GET', '/die-once'), 200, 'a GET whose connection breaks is sent again');
$node->safe_psql('stub', 'ALTER SEQUENCE once RESTART');
my $before = calls();
($status, $body, $sent) = ask($to, 'POST', '/die-once', '');
is("$status $sent->{'retry-after'}", '503 1', 'a POST is not');
is(calls(), $before + 1, 'it was done once');
is(status($to, 'GET', '/die'), 503, 'a GET is sent twice and no more');
is(status($to, 'POST', '/echo', ''), 200, 'and the daemon goes on');

# A request that crashes the server is not sent again, nor are those beside it: which
# of them it was is not to be seen.
my $beside = client($to);
send_all($beside, request('GET', '/sleep?5'));
sleep(0.2);
is(status($to, 'GET', '/crash'), 503, 'a GET that crashes the server');
is((answer($beside))[0], 503, 'and one beside it');
ok($node->poll_query_until('stub', 'SELECT 1', '1'), 'it comes back');
foreach (1 .. 100)
{
    last if status($to, 'GET', '/') == 200 && status($socket, 'GET', '/') == 200;
    sleep(0.1);
}
is(status($to, 'POST', '/echo', ''), 200, 'and the daemon with it');
is(slurp_file("$dir/crashes"), "crash\n", 'it crashed once');

# Many clients, who leave when they like, on connections that are killed: every
# answer is the one to its own request.
my ($right, $wrong, $unavailable) = (0, 0, 0);
my $killer = $node->background_psql('stub');
foreach my $round (1 .. 25)
{
    my @clients = map { client($_ % 3 ? $to : $socket) } 1 .. 40;

    foreach my $n (0 .. $#clients)
    {
        send_all($clients[$n], request('POST', '/echo', "$round $n " . 'x' x (50 * $n)));
    }
    close($clients[$_]) foreach grep { $_ % 7 == $round % 7 } 0 .. $#clients;
    $killer->query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE application_name = 'agent-httpd' AND random() < 0.1");
    foreach my $n (grep { $_ % 7 != $round % 7 } reverse 0 .. $#clients)
    {
        my ($status, $body) = answer($clients[$n]);

        $unavailable++, next if $status == 503;
        $body eq "$round $n " . 'x' x (50 * $n) ? $right++ : $wrong++;
    }
}
$killer->quit;
note("$right answers, $unavailable without");
is($wrong, 0, 'no answer to another client');
cmp_ok($right, '>', 700, 'and most get theirs');

# A lane that is full: its queue is bounded, and the other lane does not notice.
my @busy = map { client($port{slow}) } 1 .. 4;
foreach my $client (@busy)
{
    send_all($client, request('GET', '/sleep?0.5'));
    sleep(0.1);
}
my $began = time;
is(status($to, 'GET', '/'), 200, 'another lane');
cmp_ok(time - $began, '<', 1, 'is not held up');
($status, $body, $sent) = answer($busy[3]);
is("$status $sent->{'retry-after'} $body", '503 1 {"detail":"Service Unavailable"}',
    'the fourth of a lane with one connection and a queue of two');
cmp_ok(time - $began, '<', 1, 'is told at once');
is((answer($busy[$_]))[0], 200, 'the others are served') foreach 0 .. 2;

# Clients who leave.
$before = calls();
@busy = map { client($port{slow}) } 1 .. 3;
send_all($busy[0], request('POST', '/sleep?1.5', ''));
sleep(0.1);
send_all($busy[1], request('POST', '/echo', ''));
sleep(0.1);
send_all($busy[2], request('POST', '/echo', ''));
sleep(0.1);
close($busy[0]);
close($busy[1]);
is((answer($busy[2]))[0], 200, 'who waits is served when those before have left');
is(calls(), $before + 2, 'what waited for a client that left is not done');

# Answers that nobody reads.
my $bounded = start('stub', '--schema', 'A b', '--max-answers', 8_000_000,
    '--listen', "127.0.0.1:$port{agent}");
@busy = map { client($port{agent}) } 1 .. 2;
foreach my $client (@busy)
{
    send_all($client, request('GET', '/big?' . 12_000_000));
    sleep(0.1) until IO::Select->new($client)->can_read(20);
}
($status, $body, $sent) = ask($port{agent}, 'GET', '/');
is("$status $sent->{'retry-after'}", '503 1', 'while there are too many, there are no more');
is(length((answer($busy[0]))[1]), 12_000_000, 'but these are good');
close($busy[1]);
sleep(0.2);
is(status($port{agent}, 'GET', '/'), 200, 'and then all is as before');
$bounded->{run}->signal('TERM');
$bounded->{run}->finish;

# Waiting has an end: in the queue, and for the database.
my $hasty = start('stub', '--schema', 'A b', '--wait', 1,
    '--listen', "127.0.0.1:$port{agent},connections=1");
is(status($port{agent}, 'GET', '/'), 200, 'one that does not wait long');
@busy = map { client($port{agent}) } 1 .. 2;
$began = time;
send_all($busy[0], request('POST', '/sleep?8', ''));
sleep(0.1);
send_all($busy[1], request('GET', '/'));
is((answer($busy[1]))[0], 503, 'too long in the queue');
cmp_ok(time - $began, '<', 1.9, 'is --wait');
is((answer($busy[0]))[0], 503, 'too long in the database');
cmp_ok(time - $began, '<', 5, 'is twice that');
is(status($port{agent}, 'GET', '/'), 200, 'and there is a connection again');
$hasty->{run}->signal('INT');
ok($hasty->{run}->finish, 'SIGINT: exit status 0');

# The server is started anew.
my $idle = client($to);
$node->stop('immediate');
send_all($idle, request('POST', '/echo', 'patience'));
sleep(0.3);
$node->start;
is((answer($idle))[1], 'patience', 'a request that comes while the server is away waits for it');
is(status($_, 'POST', '/echo', ''), 200, 'and all are well') foreach $to, $socket, $port{slow};

# The end: what is in flight is finished.
my $last = client($to);
send_all($last, request('GET', '/sleep?0.5'));
my $asleep = client($to);
sleep(0.2);
$stub->{run}->signal('TERM');
is((answer($asleep))[0], 0, 'an idle connection is closed');
ok(!client($to), 'no more are accepted');
is((answer($last))[0], 200, 'what is in flight is finished');
close($last);
ok($stub->{run}->finish, 'exit status 0');
ok(!-e $socket, 'the socket is removed');
is( $node->safe_psql('stub', "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'agent-httpd' AND state <> 'active'"),
    0, 'so are the connections');

# The log says what happened, and quotes nobody.
my $log = slurp_file($stub->{log});
like($log, qr/$_/, "logged: $_")
    foreach qr/SQL error P0001: the stub raises/, qr/database connection lost/,
    qr/all 4 database connections are back/, qr/the queue is full/, qr/stopped$/;
unlike($log, qr/secret|smuggled|patience|sleep/, 'no path, header or body');

$node->stop;
done_testing();
