# Crashes in the middle of refreshes: kill -9 of a backend, and of the whole server.
#
# Failures this catches: a person signed out because a crash came between a refresh and its
# answer, a session with two tokens that are both good, an audit that does not agree with
# what was done, shared memory that does not come back in order.

use strict;
use warnings;

use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $clients = 4;
my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'agent'
agent.password_hash_cost = 10
agent.refresh_grace = 300
restart_after_crash = on
});
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');
$node->safe_psql('agent', q{CREATE EXTENSION agent CASCADE;
    SELECT agent_register('ann@example.com', 'ann', 'password')});

my $dir = PostgreSQL::Test::Utils::tempdir();

sub new_token
{
    return $node->safe_psql('agent', "SELECT refresh_token FROM agent_login('ann\@example.com', 'password')");
}

# Which token of its session a text is, by its generation.
sub generation { return hex substr($_[0], 4 + 2 * (16 + 16 + 32), 8) }
sub session { return lc($_[0] =~ s/^agr_.{32}(.{8})(.{4})(.{4})(.{4})(.{12}).*/$1-$2-$3-$4-$5/r) }

# Refreshes until the server is gone, or has been, and keeps the last token that was answered.
sub refresh_until_the_end
{
    my ($file, $token) = @_;

    until (-e "$file.stop")
    {
        my $answer = '';
        my $sql = "SELECT refresh_token FROM agent_refresh('$token');";
        IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('agent'), '-c', $sql ], '>', \$answer, '2>', '/dev/null')
          or last;
        chomp $answer;
        last unless $answer =~ /^agr_/;
        $token = $answer;
        open my $out, '>', "$file.new" or last;
        print $out $token;
        close $out;
        rename "$file.new", $file;
    }
    POSIX::_exit(0);
}

# Starts the server as soon as the last process of the one before is gone.
sub start_again
{
    foreach (1 .. 100)
    {
        return $node->_update_pid(1)
          if system('pg_ctl', '-s', '-w', '-D', $node->data_dir, '-l', $node->logfile, 'start') == 0;
        sleep 0.1;
    }
    die 'the server does not start';
}

my %crash = (
    'a backend' => sub {
        # One that has refreshed, and not committed.
        my $token = new_token();
        my $session = $node->background_psql('agent', on_error_stop => 0);
        my $pid = $session->query('SELECT pg_backend_pid()');
        $session->query("BEGIN; SELECT agent_refresh('$token')");
        kill 'KILL', $pid or die "no process $pid";
        $session->{run}->finish;
    },
    'the server' => sub { $node->kill9; },
);

my ($new, $old) = (0, 0);
foreach my $round (1 .. 3)
{
    foreach my $victim (sort keys %crash)
    {
        my @first = map { new_token() } 1 .. $clients;
        my @children;
        foreach my $i (0 .. $clients - 1)
        {
            append_to_file("$dir/$round-$victim-$i", $first[$i]);
            my $pid = fork // die "fork: $!";
            refresh_until_the_end("$dir/$round-$victim-$i", $first[$i]) unless $pid;
            push @children, $pid;
        }
        sleep 0.5 + rand 0.3;
        $crash{$victim}->();
        append_to_file("$dir/$round-$victim-$_.stop", '') foreach 0 .. $clients - 1;
        waitpid $_, 0 foreach @children;
        start_again() if $victim eq 'the server';
        $node->poll_query_until('agent', 'SELECT true') or die 'the server does not come back';

        my @bad;
        foreach my $i (0 .. $clients - 1)
        {
            my $answered = slurp_file("$dir/$round-$victim-$i");
            my $session = session($answered);
            my $stored = $node->safe_psql('agent', "SELECT refresh_generation FROM agent.sessions WHERE id = '$session'");
            my $told = $node->safe_psql('agent',
                "SELECT count(*) FROM agent_audit WHERE session_id = '$session' AND event = 'refresh'");
            my $next = $node->safe_psql('agent', "SELECT refresh_token FROM agent_refresh('$answered')");

            $stored == generation($answered) ? $old++ : $new++;
            push @bad, "$i: stored $stored, answered " . generation($answered)
              unless $stored == generation($answered) || $stored == generation($answered) + 1;
            push @bad, "$i: $told in the audit, $stored stored" unless $told == $stored;
            push @bad, "$i: the next is " . generation($next) unless generation($next) == generation($answered) + 1;
            push @bad, "$i: no refresh at all" unless $stored > 0;
            # The one before what is good now gives the same, and nothing else.
            push @bad, "$i: two are good"
              unless $next eq $node->safe_psql('agent', "SELECT refresh_token FROM agent_refresh('$answered')");
        }
        is_deeply(\@bad, [], "kill -9 of $victim: each token is the old one or the new one");
    }
}
note("after the crashes $old sessions were at the token that was answered, $new one further");

# All is in order afterwards.
is($node->safe_psql('agent', q{SELECT string_agg("check", ', ') FROM agent_doctor() WHERE status = 'error'}), '',
    'the doctor finds nothing that is wrong');
is($node->safe_psql('agent', 'SELECT hash_running, hash_waiting, pending FROM agent.shared_state()'), '0|0|0',
    'shared memory is in order');
$node->psql('agent', "SELECT agent_login('ann\@example.com', 'wrong')");
ok($node->poll_query_until('agent', "SELECT count(*) = 1 FROM agent_audit WHERE event = 'login_failed'"), 'and written from');

# Two tokens are never good: the one before the one before ends the session.
my @tokens = (new_token());
push @tokens, $node->safe_psql('agent', "SELECT refresh_token FROM agent_refresh('$tokens[-1]')") foreach 1 .. 2;
$node->psql('agent', "SELECT agent_refresh('$tokens[0]')");
my (undef, undef, $err) = $node->psql('agent', "SELECT agent_refresh('$tokens[2]')");
like($err, qr/invalid refresh token/, 'reuse ends the session');

$node->stop;
done_testing();
