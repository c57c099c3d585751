# The README says what is so: its tables equal the code's, its examples run.
#
# Failures this catches: a function, an argument, an error or a setting that was
# added, renamed or removed without the README, and an example that no longer works.

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(__FILE__) . '/../..';
my $readme = slurp_file("$root/README.md");
my $errors = slurp_file("$root/src/error.c");

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "agent.password_hash_cost = 10\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE agent');

# The text between a heading and the next one.
sub section
{
    my ($heading) = @_;

    my ($text) = $readme =~ /^## \Q$heading\E\n(.*?)(?=^## |\z)/ms
      or BAIL_OUT("README has no section $heading");
    return $text;
}

# The rows of a section's tables whose first cell is code, as lists of cells.
sub rows
{
    my ($heading) = @_;
    my @rows;

    foreach my $line (split /\n/, section($heading))
    {
        next unless $line =~ /^\| /;
        my @cells = map { s/^\s+|\s+$|`//gr } split /\|/, substr($line, 1);
        push @rows, \@cells;
    }
    return @rows;
}

# The SQL of a section, block by block.
sub examples
{
    my ($heading) = @_;

    return section($heading) =~ /^```sql\n(.*?)^```/msg;
}

# The installation, as it is written, then the walk with psql.
my ($install) = examples('Install into a database of your own');
$node->safe_psql('agent', $install);
my ($walk) = examples('From psql');
my $output = $node->safe_psql('agent', $walk);
like($output, qr/^A trip to Lisbon\|1$/m, 'the example for psql shows the conversation');

my ($http) = examples('REST');
is( $node->safe_psql('agent', $http),
    '200|{"content-type": "application/json", "cache-control": "no-store"}|{"status":"ok"}',
    'the example for agent_http shows health');

$node->safe_psql('agent', $_) foreach examples('Audit'), (examples('Install into a database of your own'))[1];
pass('the audit and the doctor answer');
like($node->safe_psql('agent', "SET search_path = api; $_"), qr/^\z|^agent_/, 'the metrics answer') foreach examples('Monitoring');

like($node->safe_psql('agent', (examples('Own data'))[0]), qr/^account\|.*^message\|/ms, 'the export streams');
is($node->safe_psql('agent', (examples('Own data'))[1]), '0', 'the purge runs');

my @search = examples('Search');
like($node->safe_psql('agent', "$search[0]\n$search[1]"), qr/^title\|周末学习计划\|周末<mark>学习<\/mark>计划\n.*<mark>docs.python.org<\/mark>/ms,
    'the search finds');
like($node->safe_psql('agent', "$search[0]\n$search[1]"), qr/^1\|先学 Python，再读 docs\.python\.org$/m,
    'and so does a statement of one\'s own');

my ($deactivate) = examples('Who sees what');
$node->safe_psql('agent', $deactivate =~ s/'\.\.\.'/NULL/gr);
pass('the statements that deactivate and sign out run');

# Functions: what the table says, argument names and defaults included.
my @said = sort map { $_->[0] } grep { $_->[0] =~ /^agent_\w+\(/ } rows('Functions');
my @are = sort split /\n/, $node->safe_psql('agent', <<'SQL');
SELECT DISTINCT proname || '(' || coalesce((
        SELECT string_agg(name || coalesce(' = ' || regexp_replace(
                              pg_get_function_arg_default(p.oid, n::int), '::[a-z0-9 \[\]]+$', ''), ''),
                          ', ' ORDER BY n)
        FROM unnest(proargnames) WITH ORDINALITY AS a (name, n) WHERE n <= pronargs), '') || ')'
FROM pg_proc AS p WHERE pronamespace = 'api'::regnamespace
SQL
is_deeply(\@said, \@are, 'the table of functions is the list of functions');

# Errors: name, SQLSTATE, status and message of every entry.
my @error_rows = grep { $_->[0] =~ /^[a-z_]+$/ && $_->[0] ne 'code' } rows('Errors');
my %said_error = map { $_->[0] => join '|', $_->[1], $_->[2], $_->[3] =~ s/;.*//r } @error_rows;
my %error;
$error{$1} = "$2|$3|$4"
  while $errors =~ /\{\s*"(\w+)", "(\w{5})", (\d+),\s*"([^"]+)"/g;
cmp_ok(scalar keys %error, '>=', 10, 'the entries of error.c were found');
is_deeply(\%said_error, \%error, 'the table of errors is the table of error.c');

# Settings: names, defaults and ranges.
my @setting_rows = grep { $_->[0] =~ /^agent\./ } rows('Configuration');
my %said_default = map { $_->[0] => $_->[1] eq 'empty' ? '' : $_->[1] } @setting_rows;
my %default = map { split /\|/, $_, 2 } split /\n/, $node->safe_psql('agent', <<'SQL');
SELECT api.agent_uid();
SELECT name || '|' || boot_val FROM pg_settings WHERE name LIKE 'agent.%'
SQL
$default{$_} = '' foreach 'agent.token', 'agent.metrics_token';    # hidden from pg_settings: SHOW tells of them
delete $default{''};
is_deeply(\%said_default, \%default, 'the table of settings has their names and defaults');
foreach my $row (@setting_rows)
{
    my ($name, $range) = ($row->[0], $row->[2]);

    next unless $range =~ /(\d+) to (\d+)/;
    is("$1|$2",
        $node->safe_psql('agent',
            "LOAD 'agent'; SELECT min_val || '|' || max_val FROM pg_settings WHERE name = '$name'"),
        "the range of $name");
}

$node->stop;
done_testing();
