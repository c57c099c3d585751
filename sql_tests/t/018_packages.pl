# What is published: META.json is what PGXN takes, and an installation for a package
# goes under DESTDIR.
#
# Failures this catches: a META.json that PGXN refuses or that names files or versions
# which are not there, a file that the installation forgets, one that it puts into the
# system itself, or into the sources.
#
# Alone: it looks for files that nobody else may make meanwhile.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename;
use File::Copy;
use File::Find;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/../..');
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $library = `$pg_config --pkglibdir`);
chomp(my $share = `$pg_config --sharedir`);
my ($version) = slurp_file("$root/agent.control") =~ /^default_version\s*=\s*'(.*)'/m;

# The scripts of this version, of those before, and those that lead here.
my @scripts = ("agent--$version.sql", slurp_file("$root/sql/released.sha256") =~ /(\S+)$/mg,
    map { 'agent--' . basename($_) } glob "$root/sql/upgrades/*--$version.sql");

# Every file below the folders, with its size and when it was changed last.
sub files
{
    my %files;

    find({ no_chdir => 1, wanted => sub { $files{$_} = join ' ', (lstat)[ 7, 9 ] if -f $_ || -l $_ } }, @_);
    return \%files;
}

# What scripts/meta says of META.json after a change to it.
sub faults
{
    my ($change) = @_;
    my $folder = PostgreSQL::Test::Utils::tempdir_short();
    my $meta = decode_json(slurp_file("$root/META.json"));

    copy("$root/$_", "$folder/$_") or die "$_: $!" foreach qw(agent.control README.md);
    $change->($meta);
    append_to_file("$folder/META.json", encode_json($meta));
    return scalar `$^X $root/scripts/meta $folder 2>&1`;
}

is(`$^X $root/scripts/meta 2>&1`, '', 'META.json is what PGXN takes');
is(faults(sub { }), '', 'and is wherever it is unpacked');
like(faults(sub { delete $_[0]{$_} }), qr/^META.json: \Q$_\E\b/m, "without $_ it is refused")
  foreach qw(name version abstract maintainer license provides meta-spec);
like(faults(sub { $_[0]{version} = '9.9.9' }), qr/agent.control says \Q$version\E/, 'so is another version');
like(faults(sub { $_[0]{provides}{agent}{version} = '9.9.9' }), qr/agent.control says/, 'also of the extension');
like(faults(sub { $_[0]{provides}{agent}{file} = 'sql/none.sql' }), qr/no file "sql\/none.sql"/, 'so is a file that is not there');
like(faults(sub { $_[0]{provides}{agent}{docfile} = '../META.json' }), qr/docfile: no file/, 'or is elsewhere');
like(faults(sub { delete $_[0]{prereqs}{runtime}{requires}{pgcrypto} }), qr/pgcrypto is wanted/, 'so is a missing prerequisite');
like(faults(sub { $_[0]{provides}{'a/b'} = $_[0]{provides}{agent} }), qr/"a\/b" is no term/, 'so is a name with a slash');
like(faults(sub { $_[0]{colour} = 'blue' }), qr/unknown key "colour"/, 'so is an unknown key');

# The extension is built here already: installing compiles nothing.
SKIP:
{
    skip 'the extension is not built here', 3 unless -e "$root/agent.so" && -e "$root/sql/agent--$version.sql";
    my $there = PostgreSQL::Test::Utils::tempdir();
    my $before = files($library, "$share/extension", "$root/src", "$root/sql");
    local @ENV{qw(MAKEFLAGS MFLAGS)};

    command_ok([ 'make', '-s', '-C', $root, 'install', "PG_CONFIG=$pg_config", 'with_llvm=no', "DESTDIR=$there" ],
        'the extension can be installed for a package');
    is_deeply([ map { substr $_, length $there } sort keys %{ files($there) } ],
        [ sort "$library/agent.so", map { "$share/extension/$_" } 'agent.control', @scripts ],
        'everything is under DESTDIR');
    is_deeply(files($library, "$share/extension", "$root/src", "$root/sql"), $before, 'and nothing elsewhere');
}

done_testing();
