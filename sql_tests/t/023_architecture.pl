# doc/architecture.md says where everything is: the files of sql/NN_*, src/ and
# gateway/httpd/, the folders of the checkout, and nothing that is not there.
#
# Failures this catches: a source file or a folder that nobody finds, and one that is
# named and gone.

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(__FILE__) . '/../..';
my $text = slurp_file("$root/doc/architecture.md");
my ($section) = $text =~ /^## What is where\n(.*?)(?=^## )/ms;
my %table;

# The rows of the section's tables, by the heads of their first columns.
foreach my $table ($section =~ /^\|.*?(?=\n\n|\z)/msg)
{
    my ($head, undef, @rows) = split /\n/, $table;
    $table{ (split /\s*\|\s*/, $head)[1] } = \@rows;
}

# The names that a column of a table has.
sub named
{
    my ($table, $column) = @_;

    return [ sort map { /`([^`]+)`/g } map { (split /\|/)[$column] } @{ $table{$table} } ];
}

# The files that there are, without their folder.
sub present
{
    return [ sort map { basename $_ } glob "$root/$_[0]" ];
}

is_deeply(named('SQL', 1), present('sql/[0-9]*.sql'), 'every file of sql/NN_* has its place, once');
is_deeply(named('SQL', 2), present('src/*.c'), 'so has every C file of src/');
is_deeply(named('agent-httpd', 1), present('gateway/httpd/*.c'), 'and of gateway/httpd/');

# What is built is not what is there.
my %ignored = map { $_ => 1 } slurp_file("$root/.gitignore") =~ m{^/?(\w+)/$}mg;
my @folders = grep { !$ignored{$_} && !/^build-/ } map { basename $_ } grep { -d } glob "$root/*";
is_deeply(named('folder', 1), [ sort map { "$_/" } @folders ], 'and every folder');
is_deeply([ grep { !-e "$root/src/$_" && !-e "$root/gateway/httpd/$_" } $text =~ /`(\w+\.[ch])`/g ],
    [], 'what the rest names is there, too');

done_testing();
