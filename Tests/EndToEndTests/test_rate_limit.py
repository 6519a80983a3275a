"""One allowance for each verified user, spent by nobody else."""

import time

import pytest

from support.fastcgi import Application
from support.nginx import nginx_with
from support.problems import assert_problem, path
from support.ulids import ulid
from support.waiting import at_once
from support.wire import API

POLICY = '"stream-url";q=60;w=60'


def spend(api, track, token, count, connections=20):
    """Statuses of `count` requests at once, and the seconds that they took."""
    started = time.monotonic()
    statuses = at_once(count, lambda _: api.stream(track, token).status, connections)
    return statuses, time.monotonic() - started


def assert_exactly_60_pass(statuses, seconds):
    """The bucket lets one more out each second."""
    assert set(statuses) == {200, 429}
    assert 60 <= statuses.count(200) <= 60 + int(seconds)


def test_60_at_once_pass_and_the_61st_waits_one_second(api, world):
    for _ in range(5):
        user = world.user()
        track = world.track(user)
        started = time.monotonic()
        statuses, _ = spend(api, track.id, user.token, 60)
        answer = api.stream(track.id, user.token, query="?x=y")
        assert statuses == [200] * 60
        # A busy machine may take longer, and then the bucket has let one more out: again with another user.
        if time.monotonic() - started < 1:
            break
    else:
        raise AssertionError("61 requests take more than a second")
    assert_problem(answer, "rate-limit-exceeded", track.path)
    assert answer.header("Retry-After") == "1"
    assert answer.header("RateLimit-Policy") == POLICY
    assert answer.header("RateLimit") == '"stream-url";r=0;t=1'
    # The contract's own time: after Retry-After one passes, and one only.
    time.sleep(1)
    assert [api.stream(track.id, user.token).status for _ in range(2)] == [200, 429]


def test_another_user_is_untouched(api, world, user, track):
    assert_exactly_60_pass(*spend(api, track.id, user.token, 70))
    other = world.user()
    statuses, _ = spend(api, world.track(other).id, other.token, 60)
    assert statuses == [200] * 60


def test_two_tokens_of_one_user_share_the_allowance(api, mint, user, track):
    started = time.monotonic()
    tokens = [user.token, mint.hs256(user.id, jti=ulid()), mint.hs256(user.id.lower(), jti=ulid())]
    statuses = at_once(75, lambda index: api.stream(track.id, tokens[index % 3]).status, 20)
    assert_exactly_60_pass(statuses, time.monotonic() - started)


def test_forged_tokens_spend_nothing(api, mint, user, track):
    forged = [
        mint.hs256(user.id, secret=b"another secret of at least 32 bytes."), mint.hs256(user.id, exp=int(time.time()) - 1),
        mint.unsigned(user.id), mint.hs256(user.id, aud="another-service"),
    ]
    statuses = at_once(100, lambda index: api.stream(track.id, forged[index % 4]).status)
    assert statuses == [401] * 100
    statuses, _ = spend(api, track.id, user.token, 60)
    assert statuses == [200] * 60


def test_tokens_without_the_role_spend_nothing(api, mint, user, track):
    listless = mint.hs256(user.id, roles=["admin"])
    assert at_once(70, lambda _: api.stream(track.id, listless).status) == [403] * 70
    statuses, _ = spend(api, track.id, user.token, 60)
    assert statuses == [200] * 60


def test_client_cannot_name_the_user_it_is_limited_as(api, mint, user, track):
    def request(index):
        headers = {"X-User-Id": ulid(), "X_User_Id": ulid(), "X-Forwarded-For": f"203.0.113.{index}"}
        return api.stream(track.id, user.token, headers).status

    started = time.monotonic()
    assert_exactly_60_pass(at_once(70, request, 20), time.monotonic() - started)


def test_all_requests_with_a_good_token_count_also_malformed_ids(api, user):
    started = time.monotonic()
    statuses = at_once(70, lambda _: api.stream("malformed", user.token).status, 20)
    assert set(statuses) == {400, 429}
    assert 60 <= statuses.count(400) <= 60 + int(time.monotonic() - started)


def test_policy_is_on_every_authenticated_answer_and_on_no_other(api, mint, world, user, track):
    processing, other = world.track(user, "Processing"), world.track(world.user())
    authenticated = {
        200: api.stream(track.id, user.token), 400: api.stream("x", user.token), 403: api.stream(other.id, user.token),
        404: api.stream(ulid(), user.token), 409: api.stream(processing.id, user.token),
    }
    for status, answer in authenticated.items():
        assert answer.status == status
        assert answer.header("RateLimit-Policy") == POLICY
        assert answer.header("RateLimit") is None and answer.header("Retry-After") is None
    without_role = api.stream(track.id, mint.hs256(user.id, roles=None))
    assert (without_role.status, without_role.header("RateLimit-Policy")) == (403, POLICY)
    for answer in (api.stream(track.id), api.stream(track.id, "garbage"), api.stream(track.id, method="GET")):
        assert answer.header("RateLimit-Policy") is None
        assert answer.header("RateLimit") is None


@pytest.mark.parametrize("per_minute, wait", [(1, 63), (20, 4), (7, 9)])
def test_rate_burst_and_words_come_from_one_setting(stack, tmp_path, user, track, per_minute, wait):
    with nginx_with(stack, tmp_path, NOVATUNE_RATE_LIMIT_PER_MINUTE=per_minute) as port:
        api = API(f"http://127.0.0.1:{port}")
        answers = [api.stream(track.id, user.token) for _ in range(per_minute + 1)]
    assert [answer.status for answer in answers] == [200] * per_minute + [429]
    assert answers[0].header("RateLimit-Policy") == f'"stream-url";q={per_minute};w=60'
    retry_after = int(answers[-1].header("Retry-After"))
    # nginx counts thousandths of a request a second, so it may be somewhat slower than the setting says; never faster.
    assert 60 / per_minute <= retry_after <= wait
    assert answers[-1].header("RateLimit") == f'"stream-url";r=0;t={retry_after}'
    assert answers[-1].json()["detail"] == f"The allowance of {per_minute} requests a minute is used up."


def test_empty_key_fails_closed(stack, tmp_path, user, track):
    """nginx does not limit an empty key: a gate that names nobody must lead to no answer at all."""
    for number, header in enumerate((b"", b"X-User-Id: \r\n")):
        directory = tmp_path / str(number)
        directory.mkdir()
        with Application(directory / "gate.sock", lambda _: b"Status: 204 No Content\r\n" + header + b"\r\n") as gate:
            with nginx_with(stack, directory, GATE_SOCKETS=gate.address) as port:
                api = API(f"http://127.0.0.1:{port}")
                assert_problem(api.stream(track.id, user.token), "internal-error", path(track.id))
                assert len(gate.requests) == 1
