# README.zh-CN.md says what README.md says: the same parts in the same order, and the same names.
#
# Failures this catches: a section, a row, an example, a name or a link that was added, changed or removed in one of them
# alone, and a link that leads nowhere. Needs no server.

use strict;
use warnings;
use utf8;

use File::Basename;
use Test::More;

binmode Test::More->builder->$_, ':encoding(UTF-8)' foreach 'output', 'failure_output', 'todo_output';
my $root = dirname(__FILE__) . '/../..';

# Ends this file alone, when what is left of it cannot be compared.
sub give_up
{
    my ($why) = @_;

    fail($why);
    done_testing();
    exit;
}

# A file as its sections: level and text of the heading, code blocks, tables (lists of rows), and all text that is no code.
sub sections
{
    my ($name) = @_;
    my @sections;
    my $in_code = 0;
    my $last = '';

    open(my $file, '<:encoding(UTF-8)', "$root/$name") or give_up("$name: $!");
    while (my $line = <$file>)
    {
        my $is_fence = $line =~ /^```/;

        if ($in_code || $is_fence || $line =~ /^ {4}/)
        {
            push @{ $sections[-1]{blocks} }, '' unless $in_code || $last =~ /^ {4}/ && !$is_fence;
            $sections[-1]{blocks}[-1] .= $line;
            $in_code = !$in_code if $is_fence;
        }
        elsif ($line =~ /^(#+) (.*)/)
        {
            push @sections, { level => length $1, heading => $2, blocks => [], tables => [], text => '' };
        }
        else
        {
            push @{ $sections[-1]{tables} }, [] if $line =~ /^\|/ && $last !~ /^\|/;
            push @{ $sections[-1]{tables}[-1] }, $line if $line =~ /^\|/;
            $sections[-1]{text} .= $line;
        }
        $last = $line;
    }
    return @sections;
}

# The names in a text, each once: what is in backticks.
sub names
{
    my ($text) = @_;
    my %names = map { $_ => 1 } $text =~ /`([^`]+)`/g;

    return join "\n", sort keys %names;
}

# The places outside of the file that a text links to, each once; the two files link to each other by themselves.
sub places
{
    my ($text) = @_;
    my %places = map { $_ => 1 } grep { !/^README/ } $text =~ /\]\(([^#)]+)\)/g;

    return join "\n", sort keys %places;
}

# A row's first cell; what is Chinese is not compared.
sub first_cell
{
    my ($row, $other) = @_;
    my ($cell, $other_cell) = map { (split / *\| */, $_)[1] } $row, $other;

    return $other_cell =~ /\p{Han}/ ? names($cell) : $cell;
}

# The anchors that GitHub makes of headings.
sub anchors
{
    return map { ('#' . (lc($_->{heading}) =~ s/[^\w\- ]//gr =~ tr/ /-/r) => 1) } @_;
}

my @english = sections('README.md');
my @chinese = sections('README.zh-CN.md');

is(join("\n", map { $_->{level} } @chinese), join("\n", map { $_->{level} } @english), 'as many headings, of the same levels')
  or give_up('nothing else can be compared');
like($english[0]{text}, qr/^\s*\[中文\]\(README\.zh-CN\.md\)$/m, 'the English one leads to the Chinese one');
like($chinese[0]{text}, qr/^\s*\[English\]\(README\.md\)$/m, 'and back');

foreach my $i (0 .. $#english)
{
    my ($is, $wanted) = ($chinese[$i], $english[$i]);
    my $heading = $wanted->{heading};
    my $rows = sub { map { scalar @$_ } @{ $_[0]{tables} } };

    is_deeply($is->{blocks}, $wanted->{blocks}, "$heading: the same code");
    is(names($is->{text}), names($wanted->{text}), "$heading: the same names");
    is(places($is->{text}), places($wanted->{text}), "$heading: the same links");
    is_deeply([ $rows->($is) ], [ $rows->($wanted) ], "$heading: tables of the same size") or next;
    foreach my $table (0 .. $#{ $wanted->{tables} })
    {
        my ($these, $those) = ($is->{tables}[$table], $wanted->{tables}[$table]);

        foreach my $row (1 .. $#$those)
        {
            is(first_cell($these->[$row], $these->[$row]), first_cell($those->[$row], $these->[$row]),
                "$heading: row $row of table " . ($table + 1) . ' is about the same');
            is(names($these->[$row]), names($those->[$row]), "$heading: row $row of table " . ($table + 1) . ' has the same names');
        }
    }
}

foreach my $file (\@english, \@chinese)
{
    my %anchors = anchors(@$file);

    foreach my $section (@$file)
    {
        ok($anchors{$_}, "$section->{heading}: the link $_ leads somewhere") foreach $section->{text} =~ /\]\((#[^)]+)\)/g;
    }
}

done_testing();
