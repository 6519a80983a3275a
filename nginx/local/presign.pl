# Prints a URL that is signed for 60 seconds. AWS Signature Version 4, query parameters, path-style.
# usage: perl presign.pl METHOD ENDPOINT REGION /bucket[/key][?subresource]
#        with S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY in the environment
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use POSIX qw(strftime);

my ($method, $endpoint, $region, $target) = @ARGV;
my ($path, $subresource) = split /\?/, $target;
my ($host) = $endpoint =~ m{^https?://([^/]+)};

sub encoded { my ($text, $safe) = @_; $text =~ s/([^A-Za-z0-9._~$safe-])/sprintf '%%%02X', ord $1/ge; return $text }

my $time  = strftime('%Y%m%dT%H%M%SZ', gmtime);
my $scope = substr($time, 0, 8) . "/$region/s3/aws4_request";
my %query = (
    'X-Amz-Algorithm'     => 'AWS4-HMAC-SHA256',
    'X-Amz-Credential'    => "$ENV{S3_ACCESS_KEY_ID}/$scope",
    'X-Amz-Date'          => $time,
    'X-Amz-Expires'       => 60,
    'X-Amz-SignedHeaders' => 'host',
    defined $subresource ? ($subresource => '') : (),
);
my $query     = join '&', map { encoded($_, '') . '=' . encoded($query{$_}, '') } sort keys %query;
my $canonical = join "\n", $method, encoded($path, '/'), $query, "host:$host", '', 'host', 'UNSIGNED-PAYLOAD';
my $to_sign   = join "\n", 'AWS4-HMAC-SHA256', $time, $scope, sha256_hex($canonical);
my $key       = "AWS4$ENV{S3_SECRET_ACCESS_KEY}";
$key = hmac_sha256($_, $key) for split m{/}, $scope;
print $endpoint, encoded($path, '/'), "?$query&X-Amz-Signature=", hmac_sha256_hex($to_sign, $key), "\n";
