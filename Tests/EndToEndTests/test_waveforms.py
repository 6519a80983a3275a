"""The URL of a track's waveform: under the conditions of its stream, with an object and an entry of its own."""

import json

import pytest
from cryptography.exceptions import InvalidTag

from harness.metrics import metrics
from harness.nginx import nginx_with
from harness.ulids import ulid
from harness.waiting import wait_for
from harness.wire import API, fetch
from support.entries import entry, index, waveform_entry
from support.problems import assert_problem, path

PEAKS = json.dumps({"peaks": [0, 128, 255]}).encode()


def route(track):
    return path(track.id, "waveform")


@pytest.fixture
def drawn(world, user):
    """A track with a waveform."""
    return with_waveform(world, world.track(user))


def with_waveform(world, track):
    world.set_track(track, f"waveform_object_key = '{world.put(f'waveforms/{ulid()}.json', PEAKS)}'")
    return track


def url(answer):
    assert answer.status == 200, answer
    return answer.json()["waveformUrl"]


def test_answer_has_three_members_in_order_and_its_url_reads_the_waveform(api, user, drawn):
    answer = api.waveform(drawn.id, user.token)
    assert answer.status == 200 and answer.member_names() == ["waveformUrl", "expiresAt", "contentType"]
    assert answer.header("Cache-Control") == "private, no-store" and answer.header("RateLimit-Policy")
    assert answer.json()["contentType"] == "application/json"
    read = fetch(url(answer))
    assert (read.status, read.body, read.header("Content-Type")) == (200, PEAKS, "application/json")


def test_demo_track_has_a_waveform_and_another_has_none(api, stack):
    peaks = fetch(url(api.waveform(stack["TRACK_READY"], stack["TOKEN_ALICE"]))).json()["peaks"]
    assert len(peaks) == 400 and 0 < max(peaks) <= 255 and min(peaks) >= 0
    none = api.waveform(stack["TRACK_BOB"], stack["TOKEN_BOB"])
    assert_problem(none, "waveform-not-found", path(stack["TRACK_BOB"], "waveform"))


# Each check answers before those below it, also where there is no waveform.


@pytest.mark.parametrize("has_waveform", [True, False])
def test_checks_are_those_of_the_stream_in_the_same_order(api, world, user, has_waveform):
    def made(track):
        return with_waveform(world, track) if has_waveform else track

    track, other, processing = made(world.track(user)), world.user(), made(world.track(user, "Processing"))
    suspended = world.user("Suspended")
    for token in (None, "x"):
        assert_problem(api.waveform("x", token), "unauthorized", path("x", "waveform"))
    assert_problem(api.waveform("x", user.token), "invalid-track-id", path("x", "waveform"))
    assert_problem(api.waveform(track.id, suspended.token), "forbidden", route(track))
    assert_problem(api.waveform(track.id, world.stranger().token), "forbidden", route(track))
    missing = ulid()
    assert_problem(api.waveform(missing, user.token), "track-not-found", path(missing, "waveform"))
    assert_problem(api.waveform(track.id, other.token), "forbidden", route(track))
    assert_problem(api.waveform(processing.id, other.token), "forbidden", route(processing))
    answer = api.waveform(processing.id, user.token)
    assert answer.status == 409 and answer.json()["extensions"]["currentStatus"] == "Processing"
    last = api.waveform(track.id, user.token)
    if has_waveform:
        assert last.status == 200
    else:
        assert_problem(last, "waveform-not-found", route(track))


def test_grant_ends_for_both(api, world, user, drawn):
    friend = world.user()
    world.grant(drawn, friend)
    url(api.waveform(drawn.id, friend.token))
    world.grant(drawn, friend, "now() - interval '1 second'")
    assert api.waveform(drawn.id, friend.token).status == api.stream(drawn.id, friend.token).status == 403


def test_method_and_path_are_limited(api, user, drawn):
    answer = api.request("GET", route(drawn), {"Authorization": f"Bearer {user.token}"})
    assert (answer.status, answer.header("Allow")) == (405, "POST")
    for wrong in (route(drawn) + "/", route(drawn) + "s", route(drawn).replace("waveform", "Waveform"),
                  route(drawn).replace("/tracks/", "//tracks/")):
        assert api.request("POST", wrong, {"Authorization": f"Bearer {user.token}"}).status == 404
    too_large = api.request("POST", route(drawn), {"Authorization": f"Bearer {user.token}"}, b"x" * 16_385)
    assert_problem(too_large, "content-too-large", route(drawn))


def test_both_routes_spend_one_allowance(stack, tmp_path, world, user, drawn):
    with nginx_with(stack, tmp_path, NOVATUNE_RATE_LIMIT_PER_MINUTE=2) as port:
        api = API(f"http://127.0.0.1:{port}")
        statuses = [
            ask(drawn.id, user.token).status for ask in (api.stream, api.waveform, api.waveform, api.stream)]
        other = world.user()
        world.grant(drawn, other)
        assert api.waveform(drawn.id, other.token).status == 200
    assert statuses == [200, 200, 429, 429]


# The cache


def test_entry_is_of_its_own_and_used(api, user, drawn, redis, key_ring):
    first, audio = api.waveform(drawn.id, user.token), api.stream(drawn.id, user.token)
    keys = (waveform_entry(user, drawn), entry(user, drawn))
    assert wait_for(lambda: redis.has(*keys))
    before = metrics(api)["stream_url_cache_hits_total"]
    assert api.waveform(drawn.id, user.token).body == first.body
    assert api.stream(drawn.id, user.token).body == audio.body
    assert metrics(api)["stream_url_cache_hits_total"] == before + 2
    opened = {key: key_ring.open(redis.stored(key), key)[1] for key in keys}
    assert opened[keys[0]].url == url(first) and opened[keys[1]].url == audio.json()["streamUrl"]
    for key, other in (keys, keys[::-1]):
        with pytest.raises(InvalidTag):
            key_ring.open(redis.stored(key), other)


def test_entry_that_is_moved_to_the_other_key_is_a_miss(api, user, drawn, redis):
    audio, waveform = api.stream(drawn.id, user.token), api.waveform(drawn.id, user.token)
    keys = (waveform_entry(user, drawn), entry(user, drawn))
    wait_for(lambda: redis.has(*keys))
    values = [redis.stored(key) for key in keys]
    for key, value in zip(keys, reversed(values)):
        redis("SET", key, value)
    name = 'novatune_cache_open_failures_total{reason="not_authentic"}'
    before = metrics(api).get(name, 0)
    assert url(api.waveform(drawn.id, user.token)).partition("?")[0] == url(waveform).partition("?")[0]
    again = api.stream(drawn.id, user.token).json()["streamUrl"]
    assert again.partition("?")[0] == audio.json()["streamUrl"].partition("?")[0]
    assert metrics(api)[name] == before + 2


@pytest.mark.parametrize("change, status", [
    ("waveform_object_key = null", 404), ("status = 'Deleted'", 409), ("title = 'Another title that no log contains'", 200),
])
def test_change_of_the_row_holds_from_the_next_request_on(api, world, user, drawn, change, status):
    url(api.waveform(drawn.id, user.token))
    world.set_track(drawn, change)
    assert api.waveform(drawn.id, user.token).status == status
    assert api.stream(drawn.id, user.token).status == (409 if status == 409 else 200)


def test_replaced_waveform_has_another_url_and_the_audio_the_same(api, world, user, drawn):
    former, audio = url(api.waveform(drawn.id, user.token)), api.stream_url(drawn.id, user.token)
    other = world.put(f"waveforms/{ulid()}.json", b'{"peaks":[1]}')
    world.set_track(drawn, f"waveform_object_key = '{other}'")
    replaced = url(api.waveform(drawn.id, user.token))
    assert replaced.partition("?")[0] != former.partition("?")[0]
    assert fetch(replaced).json() == {"peaks": [1]}
    assert api.stream_url(drawn.id, user.token).partition("?")[0] == audio.partition("?")[0]


def test_invalidation_removes_both_entries(api, world, user, drawn, redis):
    api.stream_url(drawn.id, user.token)
    url(api.waveform(drawn.id, user.token))
    keys = (waveform_entry(user, drawn), entry(user, drawn))
    wait_for(lambda: redis.has(*keys))
    world.set_track(drawn, "status = 'Deleted'")
    wait_for(lambda: not any(redis("EXISTS", key) for key in keys), 10, "both entries' removal")
    assert redis("ZRANGE", index(user), 0, -1) == []


# The object store


def test_missing_object_is_503_for_the_waveform_alone(api, world, user, track):
    world.set_track(track, f"waveform_object_key = 'waveforms/{ulid()}.json'")
    answer = api.waveform(track.id, user.token)
    assert_problem(answer, "service-unavailable", route(track))
    assert answer.header("Retry-After")
    assert api.stream(track.id, user.token).status == 200


def test_look_ups_of_audio_and_waveform_are_remembered_beside_each_other(api, stack, world, user, drawn):
    friend = world.user()
    world.grant(drawn, friend)
    for ask in (api.stream, api.waveform):
        assert ask(drawn.id, user.token).status == 200
    # Entries of another user, of objects that are known.
    with stack.frozen("s3"):
        statuses = [ask(drawn.id, friend.token, timeout=3).status for ask in (api.waveform, api.stream)]
    assert statuses == [200, 200]


# What is said of it


def test_route_is_in_metrics_and_in_the_logs(api, stack, user, drawn):
    names = [f'novatune_route_requests_total{{route="{name}",code="{code}"}}'
             for name, code in (("stream", 200), ("waveform", 200), ("waveform", 400))]
    before = metrics(api)
    answers = [api.stream(drawn.id, user.token), api.waveform(drawn.id, user.token), api.waveform("x", user.token)]
    # A request is counted after its answer.
    wait_for(lambda: [metrics(api)[name] - before[name] for name in names] == [1, 1, 1])
    line = json.loads(stack.wait_for_log_line(f'"route":"waveform","track_id":"{drawn.id}"'))
    assert (line["event"], line["outcome"]) == ("stream url requested", "issued")
    assert line["correlation_id"] == answers[1].header("X-Correlation-Id")
    logged = json.loads(stack.wait_for_log_line(answers[1].header("X-Correlation-Id"), "NGINX_ACCESS_LOG"))
    assert logged["path"] == route(drawn) and logged["userId"] == user.id
