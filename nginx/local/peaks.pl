# The loudness of a WAV file over its time, as JSON that the player draws: {"peaks":[...]}, each from 0 to 255.
# usage: perl peaks.pl COUNT <FILE     FILE is mono, 16 bits, with a head of 44 bytes, as synth.pl writes it
use strict;
use warnings;
use List::Util qw(max);

my ($count) = @ARGV;
binmode STDIN;
local $/;
my @samples = unpack 'x44 s<*', <STDIN>;
my @peaks = map {
    my ($first, $end) = map { int($_ * @samples / $count) } $_, $_ + 1;
    max 0, map { abs } @samples[$first .. $end - 1];
} 0 .. $count - 1;
print '{"peaks":[', join(',', map { int($_ * 255 / 32768) } @peaks), "]}\n";
