"""Tokens of identity providers: users without ULIDs, claims of other names, and the reason for each refusal."""

import json
import secrets
import time

import pytest

from harness import canaries
from harness.ulids import ulid
from harness.waiting import wait_for

SUBJECT = "auth0|{}"


@pytest.fixture
def identity(stack, database, user):
    """The issuer and subject of `user`, linked."""
    subject = SUBJECT.format(secrets.token_hex(12))
    canaries.add(subject, kind="subject")
    database("select novatune.link_identity(%s, %s, %s)", stack["JWT_ISSUER"], subject, user.id)
    return stack["JWT_ISSUER"], subject


def test_linked_identity_streams_and_is_counted_as_its_user(api, stack, mint, user, track, identity):
    _, subject = identity
    sent = f"e2e-{ulid()}"
    answer = api.stream(track.id, mint.hs256(subject), {"X-Correlation-Id": sent})
    assert answer.status == 200
    assert json.loads(stack.wait_for_log_line(sent, "NGINX_ACCESS_LOG"))["userId"] == user.id
    lines = wait_for(
        lambda: [line for line in stack.log().splitlines() if sent in line and '"stream url requested"' in line],
        10, "the line of the audit trail")
    line = json.loads(lines[0])
    assert (line["user_id"], line["outcome"]) == (user.id, "issued") and subject not in stack.log()


def test_unknown_identity_is_403(api, mint, track):
    assert api.stream(track.id, mint.hs256(SUBJECT.format("unknown"))).status == 403


def test_link_and_unlink_hold_for_the_next_request(api, database, mint, user, track, identity):
    issuer, subject = identity
    token = mint.hs256(subject)
    for _ in range(5):
        assert api.stream(track.id, token).status == 200
        assert database("select novatune.unlink_identity(%s, %s)", issuer, subject) == [(True,)]
        assert api.stream(track.id, token).status == 403
        database("select novatune.link_identity(%s, %s, %s)", issuer, subject, user.id)


def test_suspension_and_logout_hold_for_an_identity(api, database, mint, user, track, identity):
    token = mint.hs256(identity[1], iat=int(time.time()) - 10)
    assert api.stream(track.id, token).status == 200
    database("select novatune.logout_all(%s, 'a stolen phone')", user.id)
    assert api.stream(track.id, token).status == 401
    database("update novatune.users set status = 'Suspended' where user_id = %s", user.id)
    assert api.stream(track.id, mint.hs256(identity[1])).status == 403


def test_identity_of_another_issuer_is_another_user(api, database, mint, user, track):
    subject = SUBJECT.format(secrets.token_hex(12))
    database("select novatune.link_identity('https://another.example', %s, %s)", subject, user.id)
    assert api.stream(track.id, mint.hs256(subject)).status == 403


def test_claims_of_other_names_are_read(responders, mint, user, track):
    responder = responders().leave_out("JWT_AUDIENCE").start_on_own_sockets(
        NOVATUNE_JWT_CLIENTS="player,another", NOVATUNE_JWT_USER_CLAIM="/ids/user",
        NOVATUNE_JWT_ROLES_CLAIM="realm_access.roles", NOVATUNE_JWT_LISTENER_ROLE="Stream")
    good = {"aud": None, "client_id": "player", "ids": {"user": user.id}, "realm_access": {"roles": ["x", "stream"]}}
    assert responder.ask(track, mint.hs256("ignored", **good))[0] == 200
    for name, change, status in (
            ("client", {"client_id": "foreign"}, 401), ("user", {"ids": {}}, 401),
            ("role", {"realm_access": {"roles": ["listener"]}}, 403)):
        assert responder.ask(track, mint.hs256("ignored", **{**good, **change}))[0] == status, name


def test_fraction_of_a_second_is_accepted(api, mint, user, track):
    now = time.time()
    assert api.stream(track.id, mint.hs256(user.id, iat=now - 0.5, nbf=now - 0.5, exp=now + 600.25)).status == 200


def test_each_user_of_a_provider_may_listen_where_no_role_is_asked_for(responders, mint, user, track):
    responder = responders().start_on_own_sockets(NOVATUNE_JWT_LISTENER_ROLE="none")
    assert responder.ask(track, mint.hs256(user.id, roles=None))[0] == 200


REASONS = {
    "missing": (401, lambda mint, user: ""),
    "malformed": (401, lambda mint, user: "garbage"),
    "too_long": (401, lambda mint, user: mint.hs256(user, note="x" * 12_500)),
    "forbidden_header": (401, lambda mint, user: mint.hs256(user, header={"alg": "HS256", "crit": ["exp"]})),
    "wrong_type": (401, lambda mint, user: mint.hs256(user, header={"alg": "HS256", "typ": "logout+jwt"})),
    "unknown_key": (401, lambda mint, user: mint.hs256(user, header={"alg": "HS256", "kid": "unknown"})),
    "bad_signature": (401, lambda mint, user: mint.hs256(user, secret=b"0" * 32)),
    "wrong_issuer": (401, lambda mint, user: mint.hs256(user, iss="https://another.example")),
    "wrong_audience": (401, lambda mint, user: mint.hs256(user, aud="another")),
    "expired": (401, lambda mint, user: mint.hs256(user, exp=int(time.time()) - 60)),
    "not_yet_valid": (401, lambda mint, user: mint.hs256(user, nbf=int(time.time()) + 600)),
    "issued_in_future": (401, lambda mint, user: mint.hs256(user, iat=int(time.time()) + 600)),
    "no_user": (401, lambda mint, user: mint.hs256(None)),
    "no_role": (403, lambda mint, user: mint.hs256(user, roles=["admin"])),
}


@pytest.fixture(scope="module")
def alone(stack, tmp_path_factory):
    """A responder whose metrics no other test changes."""
    from harness.responder import Responder

    responder = Responder(stack, tmp_path_factory.mktemp("reasons")).start_on_own_sockets()
    yield responder
    responder.kill()


def rejections(responder):
    metrics = responder.metrics()
    return {reason: metrics[f'novatune_token_rejections_total{{reason="{reason}"}}'] for reason in REASONS}


@pytest.mark.parametrize("reason", REASONS)
def test_refusal_has_its_reason_in_log_and_metric_and_not_in_the_answer(alone, mint, user, track, reason):
    status, token = REASONS[reason]
    before, lines = rejections(alone), len(alone.events("stream url requested"))
    answered, body = alone.ask(track, token(mint, user.id))
    assert answered == status and reason.encode() not in body
    line = alone.wait_for_event("stream url requested", lines + 1)
    assert (line["reason"], line["status"]) == (reason, status)
    after = rejections(alone)
    assert {name for name in REASONS if after[name] != before[name]} == {reason} and after[reason] == before[reason] + 1


def test_ended_session_has_its_reason(alone, database, mint, user, track):
    token = mint.hs256(user.id, iat=int(time.time()) - 10)
    database("select novatune.logout_all(%s, 'a stolen phone')", user.id)
    lines = len(alone.events("stream url requested"))
    assert alone.ask(track, token)[0] == 401
    assert alone.wait_for_event("stream url requested", lines + 1)["reason"] == "session_ended"
