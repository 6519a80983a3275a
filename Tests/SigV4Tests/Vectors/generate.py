#!/usr/bin/env python3
"""Presigned URLs and signed requests made by botocore, one JSON object a line, for SigV4Tests.

    generate.py           writes presigned.jsonl, signed.jsonl, tagging.jsonl and windows.jsonl beside this file
    generate.py --check   exits 1 where one of them is not what this botocore makes

Needs boto3. Nothing is sent anywhere. The clock is set for each URL, so that the output never changes.
"""
import datetime
import hashlib
import itertools
import json
import pathlib
import sys
from unittest import mock

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

# Nothing of the machine's own AWS settings.
SESSION = boto3.session.Session(region_name="us-east-1")
PRESIGNED = pathlib.Path(__file__).with_name("presigned.jsonl")
SIGNED = pathlib.Path(__file__).with_name("signed.jsonl")
TAGGING = pathlib.Path(__file__).with_name("tagging.jsonl")
WINDOWS = pathlib.Path(__file__).with_name("windows.jsonl")

# Every character that some client, proxy or signer is known to treat in its own way.
KEYS = [
    "audio/track.mp3",
    "audio/a b.mp3",
    "audio/a+b.mp3",
    "audio/100%.mp3",
    "audio/100%25.mp3",
    "audio/%2Fnot-a-slash.mp3",
    "audio/a=b&c=d.mp3",
    "audio/what?.mp3",
    "audio/a?X-Amz-Expires=604800",
    "audio/#1.mp3",
    "audio/a;b.mp3",
    "audio/12:30:00.mp3",
    "audio/me@example.com.mp3",
    "audio/(live).mp3",
    "audio/don't.mp3",
    "audio/*.mp3",
    "audio/~user.mp3",
    "audio/loud!.mp3",
    "audio/$5.mp3",
    "audio/a,b.mp3",
    "audio/back\\slash.mp3",
    'audio/"quoted".mp3',
    "audio/<tag>.mp3",
    "audio/caret^.mp3",
    "audio/grave`.mp3",
    "audio/{braces}.mp3",
    "audio/pipe|.mp3",
    "audio/[brackets].mp3",
    "audio/caf\u00e9.mp3",
    "audio/cafe\u0301.mp3",
    "audio/\u97f3\u697d/\u66f2.mp3",
    "audio/\U0001f3b5.mp3",
    "audio/\U0001f469\u200d\U0001f3a4.mp3",
    "audio/\u0646\u063a\u0645\u0629.mp3",
    "audio//double//slash.mp3",
    "/leading-slash.mp3",
    "//two-leading.mp3",
    "trailing-slash/",
    "trailing space ",
    " leading space",
    "audio/tab\there.mp3",
    "audio/line\nbreak.mp3",
    "audio/nul\x01control.mp3",
    "audio/del\x7f.mp3",
    "audio/.hidden",
    "audio/...mp3",
    "audio/a..b/c.mp3",
    "UPPER/lower/MiXeD.Mp3",
    "-_.~",
    "0",
    "a" * 1024,
    "/".join(["deep"] * 100),
    "\u00e9" * 400,
    "users/01HXK5Z8J3QW9R7N2M4P6T8V0B/tracks/01HXK5Z8J3QW9R7N2M4P6T8V0C/original.flac",
]

# Endpoints for path-style and for virtual-host addressing; no port, the scheme's own port, another port.
PATH_ENDPOINTS = [
    "https://media.example.com",
    "https://media.example.com:443",
    "https://media.example.com:8443",
    "http://media.example.com",
    "http://media.example.com:80",
    "http://127.0.0.1:9000",
    "http://[::1]:9000",
    "https://media.example.com:80",
    "http://media.example.com:443",
]
VIRTUAL_ENDPOINTS = [
    "https://media.example.com",
    "https://media.example.com:443",
    "https://media.example.com:8443",
    "http://media.example.com",
    "http://media.example.com:80",
    "http://s3.internal:9000",
    "https://s3.eu-central-1.amazonaws.com",
]
TOKENS = [
    None,
    "IQoJb3JpZ2luX2VjEHoaCXVzLWVhc3QtMSJHMEUCIQD+abc/def==",
    "plain-token",
    "a+b/c=d e%f&g",
]
CONTENT_TYPES = [None, "audio/mpeg", "audio/ogg; codecs=\"opus\"", "audio/x-m4a+special", "audio/mpeg;x=\u00e9"]
EXPIRIES = [120, 1, 604800, 60, 3600, 86399]
REGIONS = ["eu-central-1", "us-east-1", "garage", "ap-southeast-2", "local-1"]
TIMES = [
    "2026-01-08T12:30:00",
    "2013-05-24T00:00:00",
    "2024-02-29T23:59:59",
    "2025-12-31T23:59:59",
    "2026-01-01T00:00:00",
    "2099-11-30T09:08:07",
]
CREDENTIALS = [
    ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("minio/admin+1", "secret with spaces/and+plus="),
    ("key", "s\u00e9cret"),
]
BUCKETS = ["audio", "media.tracks", "my-bucket-2"]


def inputs():
    """The awkward keys each in both styles, then every combination of the other dimensions, keys taken in turn."""
    turn = itertools.count()

    def vector(**chosen):
        n = next(turn)
        key_id, secret = CREDENTIALS[n % len(CREDENTIALS)]
        bucket = chosen.get("bucket", BUCKETS[n // 5 % len(BUCKETS)])
        if chosen["addressing"] == "virtual" and chosen["endpoint"].startswith("https:"):
            # botocore goes back to path style for these, because no wildcard certificate covers two labels.
            bucket = bucket.replace(".", "-")
        return {
            "method": "get_object",
            "addressing": chosen["addressing"],
            "endpoint": chosen["endpoint"],
            "bucket": bucket,
            "key": chosen.get("key", KEYS[n * 7 % len(KEYS)]),
            "region": chosen.get("region", REGIONS[n % len(REGIONS)]),
            "time": chosen.get("time", TIMES[n // 3 % len(TIMES)]),
            "expiresInSeconds": chosen.get("expires", EXPIRIES[n // 2 % len(EXPIRIES)]),
            "accessKeyID": key_id,
            "secretAccessKey": secret,
            "sessionToken": chosen.get("token", TOKENS[n % len(TOKENS)]),
            "responseContentType": chosen.get("content_type", CONTENT_TYPES[n % len(CONTENT_TYPES)]),
        }

    for key in KEYS:
        yield vector(addressing="path", endpoint="https://media.example.com", key=key, token=None)
        yield vector(addressing="virtual", endpoint="https://media.example.com", key=key)
    for addressing, endpoints in (("path", PATH_ENDPOINTS), ("virtual", VIRTUAL_ENDPOINTS)):
        for endpoint, token, content_type in itertools.product(endpoints, TOKENS, CONTENT_TYPES[:3]):
            yield vector(addressing=addressing, endpoint=endpoint, token=token, content_type=content_type)
    for region, time, expires in itertools.product(REGIONS, TIMES, EXPIRIES):
        yield vector(addressing="path", endpoint="http://127.0.0.1:9000", region=region, time=time, expires=expires)
    for key in KEYS[:20]:
        yield vector(addressing="path", endpoint="http://127.0.0.1:9000", key=key) | {"method": "head_object"}
    for bucket, addressing in itertools.product(BUCKETS, ("path", "virtual")):
        yield vector(addressing=addressing, endpoint="https://media.example.com", bucket=bucket)


def presign(vector):
    client = SESSION.client(
        "s3",
        endpoint_url=vector["endpoint"],
        region_name=vector["region"],
        aws_access_key_id=vector["accessKeyID"],
        aws_secret_access_key=vector["secretAccessKey"],
        aws_session_token=vector["sessionToken"],
        config=Config(signature_version="s3v4", s3={"addressing_style": vector["addressing"]}),
    )
    parameters = {"Bucket": vector["bucket"], "Key": vector["key"]}
    if vector["responseContentType"] is not None:
        parameters["ResponseContentType"] = vector["responseContentType"]
    moment = datetime.datetime.fromisoformat(vector["time"])
    with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
        return client.generate_presigned_url(vector["method"], Params=parameters, ExpiresIn=vector["expiresInSeconds"])


def presigned_lines():
    for vector in inputs():
        moment = datetime.datetime.fromisoformat(vector["time"]).replace(tzinfo=datetime.timezone.utc)
        output = {**vector, "method": "HEAD" if vector["method"] == "head_object" else "GET"}
        output["unixTime"] = int(moment.timestamp())
        output["url"] = presign(vector)
        yield json.dumps(output, ensure_ascii=True, sort_keys=True) + "\n"


def signed_lines():
    """POST requests to AWS KMS, signed by their headers."""
    endpoints = ["https://kms.eu-central-1.amazonaws.com", "https://127.0.0.1:4566", "http://localhost:80", "https://kms.internal:443"]
    payloads = ["", "{}", '{"KeyId":"alias/k\u00e9y","EncryptionContext":{"a":"b"}}', "x" * 4096]
    combinations = itertools.product(endpoints, payloads, TOKENS[:2], TIMES[:3])
    for number, (endpoint, payload, token, time) in enumerate(combinations):
        key_id, secret = CREDENTIALS[number % len(CREDENTIALS)]
        region = REGIONS[number % len(REGIONS)]
        moment = datetime.datetime.fromisoformat(time)
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"TrentService.{['Decrypt', 'Encrypt'][number % 2]}"}
        request = AWSRequest("POST", endpoint + "/", headers=headers, data=payload.encode())
        with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
            SigV4Auth(Credentials(key_id, secret, token), "kms", region).add_auth(request)
        yield json.dumps(
            {
                "endpoint": endpoint, "payload": payload, "region": region, "accessKeyID": key_id, "secretAccessKey": secret,
                "sessionToken": token, "unixTime": int(moment.replace(tzinfo=datetime.timezone.utc).timestamp()), "headers": headers,
                "authorization": request.headers["Authorization"],
            }, ensure_ascii=True, sort_keys=True) + "\n"


def tagging_lines():
    """Calls of S3 for the tags of each awkward key, signed by their headers, as botocore sends them."""
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    calls = [("get_object_tagging", {}), ("put_object_tagging", {"Tagging": tags}), ("delete_object_tagging", {})]
    combinations = itertools.product(KEYS, ("path", "virtual"))
    for number, (key, addressing) in enumerate(combinations):
        if key.startswith("/"):
            continue
        key_id, secret = CREDENTIALS[number % len(CREDENTIALS)]
        endpoints = PATH_ENDPOINTS if addressing == "path" else [url for url in VIRTUAL_ENDPOINTS if url[:5] == "https"]
        vector = {
            "addressing": addressing, "endpoint": endpoints[number % len(endpoints)], "bucket": "audio", "key": key,
            "region": REGIONS[number % len(REGIONS)], "accessKeyID": key_id, "secretAccessKey": secret,
            "sessionToken": TOKENS[number % 2],
        }
        client = SESSION.client(
            "s3", endpoint_url=vector["endpoint"], region_name=vector["region"], aws_access_key_id=key_id,
            aws_secret_access_key=secret, aws_session_token=vector["sessionToken"],
            config=Config(
                signature_version="s3v4", s3={"addressing_style": addressing, "payload_signing_enabled": True},
                request_checksum_calculation="when_required"))
        sent = []
        client.meta.events.register("before-send.s3", lambda request, **_: sent.append(request) or _answer())
        time = TIMES[number % len(TIMES)]
        moment = datetime.datetime.fromisoformat(time)
        name, parameters = calls[number % len(calls)]
        with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: moment):
            getattr(client, name)(Bucket="audio", Key=key, **parameters)
        request = sent[0]
        signed = {header: value.decode() if isinstance(value, bytes) else value for header, value in request.headers.items()}
        names = signed["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        added = {"host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
        lower = {header.lower(): value for header, value in signed.items()}
        yield json.dumps(vector | {
            "method": request.method, "url": request.url, "payload": (request.body or b"").decode(),
            "unixTime": int(moment.replace(tzinfo=datetime.timezone.utc).timestamp()),
            "headers": {header: lower[header] for header in names if header not in added},
            "authorization": signed["Authorization"],
        }, ensure_ascii=True, sort_keys=True) + "\n"


def _answer():
    """An answer in the place of a server's."""
    class Raw:
        def stream(self, *_, **__):
            return [b"<Tagging><TagSet/></Tagging>"]

    return AWSResponse("", 200, {}, Raw())


def window_start(key, length, second):
    """When the window of a key that holds this second began."""
    phase = 0xCBF29CE484222325
    for byte in key.encode():
        phase = (phase ^ byte) * 0x100000001B3 % 2**64
    return second - (second - phase % length) % length


def window_lines():
    """For a thousand keys, the seconds at the edges of the windows around a midnight, and the hash of the URL that each
    host signs then."""
    midnight = int(datetime.datetime(2026, 1, 9, tzinfo=datetime.timezone.utc).timestamp())
    client = SESSION.client(
        "s3", endpoint_url="https://media.example.com", region_name="eu-central-1", aws_access_key_id=CREDENTIALS[0][0],
        aws_secret_access_key=CREDENTIALS[0][1],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    for number in range(1000):
        key = KEYS[number] if number < len(KEYS) else f"audio/{number}/{KEYS[number % len(KEYS)][:200]}"
        length = (1, 30, 90, 3600, 86400, 604000)[number % 6]
        start = window_start(key, length, midnight)
        signed = {}
        for second in (start - 1, start, start + length - 1, start + length, midnight - 1, midnight):
            moment = datetime.datetime.fromtimestamp(window_start(key, length, second), datetime.timezone.utc)
            with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: moment.replace(tzinfo=None)):
                url = client.generate_presigned_url("get_object", Params={"Bucket": "audio", "Key": key}, ExpiresIn=604800)
            signed[str(second)] = hashlib.sha256(url.encode()).hexdigest()[:16]
        yield json.dumps({"key": key, "length": length, "signed": signed}, ensure_ascii=True, sort_keys=True) + "\n"


def main():
    outputs = (
        (PRESIGNED, presigned_lines()), (SIGNED, signed_lines()), (TAGGING, tagging_lines()), (WINDOWS, window_lines()))
    for output, lines in outputs:
        made = "".join(lines)
        if sys.argv[1:] == ["--check"]:
            if output.read_text("ascii") != made:
                sys.exit(
                    f"{output.name} is not what this botocore makes; run {pathlib.Path(__file__).name} and look at the difference")
            print(f"{output.name}: {made.count(chr(10))} vectors are as botocore makes them")
        else:
            output.write_text(made, "ascii")
            print(f"{output.name}: {made.count(chr(10))} vectors")


if __name__ == "__main__":
    main()
