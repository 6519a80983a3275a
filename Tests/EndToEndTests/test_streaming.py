"""A player gets its URL, and the URL gets the audio."""

import datetime
import re
import time
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import pytest

from harness.ulids import ulid
from harness.waiting import wait_for
from harness.wire import fetch
from support.problems import assert_problem, path

MEMBERS = ["streamUrl", "expiresAt", "contentType", "fileSizeBytes", "supportsRangeRequests"]


def test_answer_has_the_five_members_in_order(api, user, world):
    track = world.track(user, mime_type="audio/flac", size=15_728_640)
    answer = api.stream(track.id, user.token)
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "private, no-store"
    assert answer.header("X-Correlation-Id")
    assert answer.member_names() == MEMBERS
    body = answer.json()
    assert body["contentType"] == "audio/flac"
    assert body["fileSizeBytes"] == 15_728_640
    assert body["supportsRangeRequests"] is True
    assert answer.body == answer.body.strip() and b'": ' not in answer.body


def test_demo_track_of_the_stack_streams(api, stack):
    answer = api.stream(stack["TRACK_READY"], stack["TOKEN_ALICE"])
    assert answer.status == 200
    audio = fetch(answer.json()["streamUrl"])
    assert audio.status == 200
    assert len(audio.body) == answer.json()["fileSizeBytes"]
    assert audio.body[:3] == b"ID3" or audio.body[0] == 0xFF, "not an MP3"


def test_expiry_is_that_of_the_url(api, user, track):
    before = int(time.time())
    body = api.stream(track.id, user.token).json()
    after = int(time.time())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["expiresAt"])
    query = dict(parse_qsl(urlsplit(body["streamUrl"]).query))
    signed_at = datetime.datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    assert query["X-Amz-Expires"] == "120"
    assert datetime.datetime.fromisoformat(body["expiresAt"]) == signed_at + datetime.timedelta(seconds=120)
    assert before <= signed_at.timestamp() <= after


def test_url_is_signed_as_the_contract_requires(api, stack, user, track):
    parts = urlsplit(api.stream_url(track.id, user.token))
    query = parse_qs(parts.query, strict_parsing=True)
    assert f"{parts.scheme}://{parts.netloc}" == stack["S3_ENDPOINT"]
    assert parts.path == f"/{stack['S3_BUCKET']}/{track.object_key}"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert query["response-content-type"] == [track.mime_type]
    date = query["X-Amz-Date"][0][:8]
    assert query["X-Amz-Credential"] == [f"{stack['S3_ACCESS_KEY_ID']}/{date}/{stack['S3_REGION']}/s3/aws4_request"]


def test_url_returns_the_bytes_of_the_object(api, world, user, track, s3, stack):
    audio = fetch(api.stream_url(track.id, user.token))
    assert audio.status == 200
    assert audio.header("Content-Type") == track.mime_type
    assert audio.header("Accept-Ranges") == "bytes"
    assert audio.body == world.shared_content
    assert audio.body == s3.get_object(Bucket=stack["S3_BUCKET"], Key=track.object_key)["Body"].read()


@pytest.mark.parametrize("first, last", [(0, 1), (1000, 1999), (65_000, 65_535)])
def test_range_of_the_url_is_206_with_these_bytes(api, world, user, track, first, last):
    audio = fetch(api.stream_url(track.id, user.token), {"Range": f"bytes={first}-{last}"})
    assert audio.status == 206
    assert audio.header("Content-Range") == f"bytes {first}-{last}/{len(world.shared_content)}"
    assert audio.body == world.shared_content[first : last + 1]


def changed(url, **parameters):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | parameters)))


TAMPERINGS = {
    "longer life": lambda url, _: changed(url, **{"X-Amz-Expires": "86400"}),
    "later date": lambda url, _: changed(url, **{"X-Amz-Date": "20990101T000000Z"}),
    "other type": lambda url, _: changed(url, **{"response-content-type": "text/html"}),
    "other signature": lambda url, _: changed(url, **{"X-Amz-Signature": "0" * 64}),
    "additional parameter": lambda url, _: changed(url, **{"response-content-disposition": "attachment"}),
    "other object": lambda url, other: url.replace(urlsplit(url).path, urlsplit(other).path),
    "no signature": lambda url, _: url.split("?")[0],
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampered_url_is_refused_by_the_store(api, stack, user, track, tampering):
    url = api.stream_url(track.id, user.token)
    other = api.stream_url(stack["TRACK_READY"], stack["TOKEN_ALICE"])
    assert fetch(changed(url)).status == 200, "the URL, encoded again without a change, must open"
    assert fetch(TAMPERINGS[tampering](url, other)).status == 403


def test_url_does_not_write_or_delete(api, user, track):
    url = api.stream_url(track.id, user.token)
    assert fetch(url, method="PUT", body=b"mine").status == 403
    assert fetch(url, method="DELETE").status == 403


def test_expired_url_is_refused_by_the_store(api, stack, user, track):
    with stack.responder_with(NOVATUNE_PRESIGN_EXPIRY="2s", NOVATUNE_CACHE_TTL_BUFFER="1s"):
        body = api.stream(track.id, user.token).json()
    assert dict(parse_qsl(urlsplit(body["streamUrl"]).query))["X-Amz-Expires"] == "2"
    expires_at = datetime.datetime.fromisoformat(body["expiresAt"]).timestamp()
    wait_for(lambda: time.time() > expires_at + 1, 10)
    assert fetch(body["streamUrl"]).status == 403


AWKWARD_KEYS = [
    "with space", "a+b", "100%", "50%25", "a=b&c=d", "question?mark", "hash#tag", "semi;colon,comma", "at@colon:",
    "(round)'single'*star~tilde!", "étude", "🎧/🎵", "double//slash", "trailing/", "back\\slash\"quote",
    "[brackets]{braces}|pipe^`",
    "...dots/..a/.b", "long-name" * 100,
]


@pytest.mark.parametrize("name", AWKWARD_KEYS, ids=ascii)
def test_unusual_object_key_returns_its_bytes(api, world, user, name):
    content = name.encode() + ulid().encode()
    key = world.put(f"e2e/{ulid()}/{name}", content)
    track = world.track(user, object_key=key, size=len(content))
    answer = api.stream(track.id, user.token)
    assert answer.status == 200, answer
    audio = fetch(answer.json()["streamUrl"])
    assert (audio.status, audio.body) == (200, content)


def test_lower_case_track_id_is_the_same_track(api, user, track):
    upper = api.stream(track.id, user.token)
    lower = api.stream(track.id.lower(), user.token)
    assert (lower.status, lower.body) == (200, upper.body)


def test_missing_object_is_503_and_logged_with_the_track_only(api, stack, world, user):
    track = world.track(user, object_key=f"audio/missing/{ulid()}.mp3")
    answer = api.stream(track.id, user.token)
    assert_problem(answer, "service-unavailable", track.path)
    assert int(answer.header("Retry-After")) >= 1
    line = stack.wait_for_log_line(track.id)
    assert answer.header("X-Correlation-Id") in line
    assert track.object_key not in stack.log()


def test_many_missing_objects_are_reported_by_sixteen_lines_a_second_and_a_count(responders, world, user):
    tracks = world.tracks([user], each=60, object_key=lambda id: f"audio/missing/{id}.mp3")
    responder = responders().start_on_own_sockets()
    began = time.time()
    for track in tracks:
        assert responder.ask(track, user.token)[0] == 503

    def reported():
        return [line for line in responder.events("dependency failed") if line["code"] == "missing_object"]

    wait_for(lambda: sum(1 + int(line.get("occurrences_since_last", 0)) for line in reported())
        == len(tracks), 20, "the count")
    times = [datetime.datetime.fromisoformat(line["timestamp"]).timestamp() for line in reported()]
    # Seventeen with that count, and as many again for each second that it took.
    assert 16 <= len(reported()) <= 17 * (2 + int(times[-1] - began))


def test_body_is_read_and_ignored(api, user, track):
    answer = api.stream(track.id, user.token, {"Content-Type": "application/json"}, body=b'{"trackId":"another"}')
    assert answer.status == 200
    assert api.stream(track.id, user.token, body=b"x" * 16_384).status == 200


def test_kept_connection_serves_many_requests(api, user, track):
    with api.connection() as connection:
        for _ in range(20):
            answer = connection.exchange("POST", path(track.id), {"Authorization": f"Bearer {user.token}"}, b"body")
            assert answer.status == 200


def test_query_of_the_request_changes_nothing(api, user, track):
    plain = api.stream(track.id, user.token)
    assert api.stream(track.id, user.token, query="?expires=604800&X-Amz-Expires=604800").body == plain.body


def test_public_endpoint_is_in_the_url_and_signed(api, stack, world, user):
    track = world.track(user)
    with stack.responder_with(NOVATUNE_S3_PUBLIC_ENDPOINT="http://media.example.test:8443"):
        url = api.stream_url(track.id, user.token)
    assert urlsplit(url).netloc == "media.example.test:8443"
    audio = fetch(url, connect_to=stack["S3_ENDPOINT"])
    assert (audio.status, audio.body) == (200, world.shared_content)


def test_virtual_host_addressing_puts_the_bucket_into_the_host(api, stack, user, track):
    with stack.responder_with(
        NOVATUNE_S3_ADDRESSING="virtual", NOVATUNE_S3_PUBLIC_ENDPOINT="https://s3.example.test",
        NOVATUNE_S3_VERIFY="none"
    ):
        url = api.stream_url(track.id, user.token)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", f"{stack['S3_BUCKET']}.s3.example.test")
    assert parts.path == f"/{track.object_key}"
