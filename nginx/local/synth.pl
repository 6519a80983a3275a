# A few bars of plucked chords as a WAV file: something to stream that has no owner.
# usage: perl synth.pl ROOT-NOTE BARS >FILE     ROOT-NOTE is a MIDI number, 60 is the middle C; a bar lasts 2 s
use strict;
use warnings;

my ($root, $bars) = @ARGV;
my $rate   = 44_100;
my $eighth = int($rate / 4);
my $ring   = int($rate * 1.2);
my @chords = ([0, 7, 12, 16, 19, 16, 12, 7], [-3, 4, 9, 12, 16, 12, 9, 4],
    [-7, 5, 9, 12, 17, 12, 9, 5], [-5, 2, 7, 11, 14, 11, 7, 2]);
my @mix    = (0) x ($eighth * 8 * $bars + $ring);
my %tone;

# A string: partials that fade, the higher the faster.
sub pluck {
    my ($note) = @_;
    my $step = 2 * 3.14159265358979 * 440 * 2 ** (($note - 69) / 12) / $rate;
    return [map {
        my $fade = exp(-3.2 * $_ / $rate);
        my $soft = $_ < 200 ? $_ / 200 : 1;
        $soft * $fade * (sin($step * $_) + 0.45 * $fade * sin(2 * $step * $_) + 0.2 * $fade * $fade * sin(3 * $step * $_))
    } 0 .. $ring - 1];
}

for my $bar (0 .. $bars - 1) {
    for my $beat (0 .. 7) {
        my $note   = $root + $chords[$bar % @chords][$beat];
        my $string = $tone{$note} //= pluck($note);
        my $start  = ($bar * 8 + $beat) * $eighth;
        $mix[$start + $_] += $string->[$_] for 0 .. $ring - 1;
    }
}

my $data = pack 's<*', map { int(7000 * $_) } @mix;
binmode STDOUT;
print pack('A4 V A4 A4 V v v V V v v A4 V',
    'RIFF', 36 + length $data, 'WAVE', 'fmt ', 16, 1, 1, $rate, 2 * $rate, 2, 16, 'data', length $data), $data;
