# doc/architecture.md says where everything is: all files, and nothing else.
#
# Failures this catches: a source file that nobody finds, and one that is named and gone.

use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = dirname(__FILE__) . '/../..';
my $text = slurp_file("$root/doc/architecture.md");
my ($section) = $text =~ /^## What is where\n(.*?)(?=^## )/ms;
my @rows = grep { /^\| / && !/^\| SQL / } split /\n/, $section;

# The files that a column of the table names.
sub named
{
    my ($column) = @_;

    return [ sort map { /`([^`]+)`/g } map { (split /\|/)[$column] } @rows ];
}

# The files that there are, without their folder.
sub present
{
    return [ sort map { basename $_ } glob "$root/$_[0]" ];
}

is_deeply(named(1), present('sql/[0-9]*.sql'), 'every file of sql/ has its place, once');
is_deeply(named(2), present('src/*.c'), 'so has every file of src/');
is_deeply([ grep { !-e "$root/src/$_" } $text =~ /`(\w+\.[ch])`/g ], [], 'what the rest names is there, too');
cmp_ok(scalar(split /\n/, $text), '<=', 120, 'and all of it is one page');

done_testing();
