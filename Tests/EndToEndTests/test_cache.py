"""What is in Redis: sealed, bound to its key, and never more than speed."""

import dataclasses
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.exceptions import InvalidTag

from harness import canaries
from harness.metrics import metrics
from harness.waiting import concurrently, wait_for
from support.sealing import KeyRing

TTL = 90_000


def cache_key(track, user=None):
    return f"stream:{(user or track.owner).id}:{track.id}"


def marked(ring, value, key, **changes):
    """The entry with a URL that only it can give, so that an answer shows whether it was used."""
    _, entry = ring.open(value, key)
    return dataclasses.replace(entry, url="https://marked.example/", **changes)


def is_hit(api, track, user=None):
    answer = api.stream(track.id, (user or track.owner).token)
    assert answer.status == 200
    return answer.json()["streamUrl"] == "https://marked.example/"


def open_failures(api, reason):
    return metrics(api).get(f'novatune_cache_open_failures_total{{reason="{reason}"}}', 0)


def test_second_request_is_the_same_url_and_does_not_touch_the_store(api, stack, user, cached):
    first = api.stream(cached.id, user.token)
    with stack.frozen("s3"):
        answers = [api.stream(cached.id, user.token, timeout=3) for _ in range(5)]
    assert {answer.body for answer in answers} == {first.body}


def test_hits_are_counted(api, user, cached):
    before = metrics(api)["stream_url_cache_hits_total"]
    api.stream(cached.id, user.token)
    assert metrics(api)["stream_url_cache_hits_total"] == before + 1


def test_users_do_not_share_an_entry(api, world, user, cached, redis):
    friend = world.user()
    world.grant(cached, friend)
    api.stream_url(cached.id, friend.token)
    assert redis.has(cache_key(cached), cache_key(cached, friend))


def test_time_to_live_is_expiry_less_buffer_and_reading_does_not_extend_it(api, user, cached, redis):
    first = redis("PTTL", cache_key(cached))
    # Above what it would be with the buffer taken away twice.
    assert TTL - 25_000 < first <= TTL
    wait_for(lambda: redis("PTTL", cache_key(cached)) < first - 50)
    before = redis("PTTL", cache_key(cached))
    api.stream_url(cached.id, user.token)
    assert redis("PTTL", cache_key(cached)) <= before


def test_entry_opens_with_an_independent_implementation(api, user, cached, redis, key_ring):
    body = api.stream(cached.id, user.token).json()
    value = redis.stored(cache_key(cached))
    version, entry = key_ring.open(value, cache_key(cached))
    assert version == key_ring.current
    assert entry.url == body["streamUrl"]
    assert entry.object_key == cached.object_key
    assert entry.track_version == 1 and entry.user_epoch == 0
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.expires_at)) == body["expiresAt"]


def test_value_does_not_contain_the_url(api, stack, user, cached, redis):
    parts = urlsplit(api.stream_url(cached.id, user.token))
    value = redis.stored(cache_key(cached))
    for secret in (
        parts.geturl(), parts.scheme + "://", parts.netloc, parts.hostname, parts.path, parts.query, cached.object_key,
                   stack["S3_BUCKET"], stack["S3_ACCESS_KEY_ID"], "X-Amz", "audio", user.id, cached.id):
        assert secret.encode() not in value


def test_each_seal_has_a_nonce_of_its_own(api, world, user, redis):
    tracks = world.tracks([user], each=20)
    for track in tracks:
        api.stream_url(track.id, user.token)
    values = [redis.stored(cache_key(track)) for track in tracks]
    nonces = {value[2 + value[1] : 14 + value[1]] for value in values}
    assert len(nonces) == len(tracks)


def test_entry_does_not_open_under_another_key(cached, redis, key_ring):
    value = redis.stored(cache_key(cached))
    with pytest.raises(InvalidTag):
        key_ring.open(value, cache_key(cached) + "x")


def test_entry_sealed_by_the_documented_format_is_used(api, cached, redis, key_ring):
    """The control of all that follow: with everything right, what is in the cache is what the listener gets."""
    key = cache_key(cached)
    redis("SET", key, key_ring.seal(marked(key_ring, redis.stored(key), key), key))
    assert is_hit(api, cached)


def test_entry_of_another_user_does_not_open(api, world, cached, redis, key_ring):
    friend = world.user()
    world.grant(cached, friend)
    api.stream_url(cached.id, friend.token)
    key, other = cache_key(cached), cache_key(cached, friend)
    before = open_failures(api, "not_authentic")
    redis("SET", other, key_ring.seal(marked(key_ring, redis.stored(key), key), key))
    assert not is_hit(api, cached, friend)
    assert open_failures(api, "not_authentic") == before + 1


def test_entry_moved_to_another_track_leads_to_the_right_object(api, world, user, cached, redis):
    other = world.track(user, object_key=world.put(f"audio/other/{cached.id}.mp3", b"other"))
    redis("SET", cache_key(other), redis.stored(cache_key(cached)))
    assert urlsplit(api.stream_url(other.id, user.token)).path.endswith(other.object_key)


DAMAGES = {
    "empty": (lambda value: b"", "truncated"),
    "one byte": (lambda value: value[:1], "truncated"),
    "cut in the nonce": (lambda value: value[:10], "truncated"),
    "cut by one": (lambda value: value[:-1], "not_authentic"),
    "longer by one": (lambda value: value + b"x", "not_authentic"),
    "format flipped": (lambda value: bytes([value[0] ^ 1]) + value[1:], "unknown_format"),
    "length of the version flipped": (
        lambda value: value[:1] + bytes([value[1] ^ 1]) + value[2:], "unknown_key_version"),
    "version flipped": (lambda value: value[:2] + bytes([value[2] ^ 1]) + value[3:], "unknown_key_version"),
    "nonce flipped": (lambda value: value[:8] + bytes([value[8] ^ 1]) + value[9:], "not_authentic"),
    "ciphertext flipped": (lambda value: value[:60] + bytes([value[60] ^ 1]) + value[61:], "not_authentic"),
    "tag flipped": (lambda value: value[:-1] + bytes([value[-1] ^ 1]), "not_authentic"),
    "plain text": (lambda value: b'{"streamUrl":"https://marked.example/"}', "unknown_format"),
    "zeros": (lambda value: bytes(200), "unknown_format"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_value_is_a_counted_miss_and_is_replaced(api, cached, redis, key_ring, damage):
    change, reason = DAMAGES[damage]
    key = cache_key(cached)
    before = open_failures(api, reason)
    damaged = change(key_ring.seal(marked(key_ring, redis.stored(key), key), key))
    redis("SET", key, damaged)
    assert not is_hit(api, cached)
    assert open_failures(api, reason) == before + 1
    wait_for(lambda: redis("GET", key) not in (None, damaged), what="another value")
    key_ring.open(redis.stored(key), key)


@pytest.mark.parametrize(
    "changes", [{"track_version": 2}, {"track_version": 0}, {"user_epoch": 1}, {"fingerprint": 1},
        {"object_key": "other"}], ids=str)
def test_entry_with_another_validator_is_a_miss(api, cached, redis, key_ring, changes):
    key = cache_key(cached)
    redis("SET", key, key_ring.seal(marked(key_ring, redis.stored(key), key, **changes), key))
    assert not is_hit(api, cached)


@pytest.mark.parametrize("seconds_left, hit", [(-100, False), (0, False), (29, False), (60, True)])
def test_entry_is_used_only_while_more_than_the_buffer_is_left(api, cached, redis, key_ring, seconds_left, hit):
    key = cache_key(cached)
    entry = marked(key_ring, redis.stored(key), key, expires_at=int(time.time()) + seconds_left)
    redis("SET", key, key_ring.seal(entry, key))
    assert is_hit(api, cached) == hit


def test_value_of_another_type_is_a_miss(api, user, cached, redis):
    redis("DEL", cache_key(cached))
    redis("LPUSH", cache_key(cached), "x")
    assert api.stream(cached.id, user.token).status == 200


def test_flushed_redis_is_still_200(api, user, cached, redis):
    redis("FLUSHALL")
    assert api.stream(cached.id, user.token).status == 200


@pytest.mark.not_on_garnet("its memory is not set while it runs")
def test_redis_that_refuses_to_write_is_still_200(api, user, track, redis):
    before = redis("CONFIG", "GET", "maxmemory")[1]
    policy = redis("CONFIG", "GET", "maxmemory-policy")[1]
    redis("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis("CONFIG", "SET", "maxmemory", "1")
    try:
        assert [api.stream(track.id, user.token).status for _ in range(3)] == [200] * 3
    finally:
        redis("CONFIG", "SET", "maxmemory", before)
        redis("CONFIG", "SET", "maxmemory-policy", policy)


def test_lost_cache_connections_lose_no_request(api, user, cached, redis):
    redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert concurrently(30, lambda _: api.stream(cached.id, user.token).status) == [200] * 30


def test_new_key_version_opens_old_entries_and_seals_new_ones(
        api, stack, world, user, cached, redis, key_ring, tmp_path):
    ring = json.loads(Path(stack["CACHE_KEYS_FILE"]).read_text())
    ring["keys"]["next"] = "bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE="
    ring["current"] = "next"
    canaries.add_key(ring["keys"]["next"])
    file = tmp_path / "ring.json"
    file.write_text(json.dumps(ring))
    key = cache_key(cached)
    redis("SET", key, key_ring.seal(marked(key_ring, redis.stored(key), key), key))
    with stack.responder_with(NOVATUNE_CACHE_KEYS_FILE=str(file)):
        assert is_hit(api, cached)
        fresh = world.track(user)
        api.stream_url(fresh.id, user.token)
        assert KeyRing(file).open(redis.stored(cache_key(fresh)), cache_key(fresh))[0] == "next"
    # Back with the old ring the new version is unknown: a miss.
    assert api.stream(fresh.id, user.token).status == 200


def test_changed_presign_settings_make_entries_stale(api, stack, cached, redis, key_ring):
    key = cache_key(cached)
    redis("SET", key, key_ring.seal(marked(key_ring, redis.stored(key), key), key))
    with stack.responder_with(NOVATUNE_PRESIGN_EXPIRY="180s"):
        assert not is_hit(api, cached)


def test_url_is_not_served_beyond_the_secret_that_signed_it(api, stack, cached, user):
    before = api.stream(cached.id, user.token).json()["streamUrl"]
    with stack.responder_with(NOVATUNE_S3_SECRET_ACCESS_KEY="another", NOVATUNE_S3_VERIFY="none"):
        assert api.stream(cached.id, user.token).json()["streamUrl"] != before


def test_prefix_is_a_setting(api, stack, user, track, redis):
    with stack.responder_with(NOVATUNE_CACHE_PREFIX="other"):
        api.stream_url(track.id, user.token)
    assert redis.has(cache_key(track).replace("stream:", "other:", 1))
    assert redis("EXISTS", cache_key(track)) == 0


def test_memory_cache_serves_all_loops(api, stack, user, track, redis):
    hits = lambda: metrics(api)["stream_url_cache_hits_total"]
    with stack.responder_with(NOVATUNE_CACHE_URL="memory:", NOVATUNE_LOOPS="2"):
        # A responder writes to the cache after its answer.
        wait_for(lambda: api.stream_url(track.id, user.token) and hits() > 0, what="a hit")
        first = api.stream(track.id, user.token)
        with stack.frozen("s3"):
            answers = concurrently(30, lambda _: api.stream(track.id, user.token, timeout=3))
        assert {answer.body for answer in answers} == {first.body}
    assert redis("EXISTS", cache_key(track)) == 0
