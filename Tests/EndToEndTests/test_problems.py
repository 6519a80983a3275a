"""Errors are problem details, from nginx and from the responder; correlation; what is logged of a request."""

import json
import uuid
from urllib.parse import quote

import pytest

from harness.nginx import nginx_with
from harness.tokens import base64url
from harness.ulids import ulid
from harness.wire import API, request_bytes
from support.application import Application, in_headers
from support.problems import assert_problem, assert_problem_headers, path

A_TRACK = "01HXK5V7Q2W3E4R5T6Y7Z8A9B0"

MALFORMED_IDS = [
    "01HXK5V7Q2W3E4R5T6Y7Z8A9B", "01HXK5V7Q2W3E4R5T6Y7Z8A9B00", "81HXK5V7Q2W3E4R5T6Y7Z8A9B0",
    "01HXK5V7Q2W3E4R5T6Y7Z8A9BI",
    "01HXK5V7Q2W3E4R5T6Y7Z8A9BL", "01HXK5V7Q2W3E4R5T6Y7Z8A9BO", "01HXK5V7Q2W3E4R5T6Y7Z8A9BU", str(uuid.UUID(int=1)),
    "01HXK5V7Q2W3E4R5T6Y7Z8A9-0", quote("01HXK5V7Q2W3E4R5T6Y7Z8A9é"), "01HXK5V7Q2W3E4R5T6Y7Z8A9%20", "%0A" + A_TRACK,
    A_TRACK + "%0A",
    "%22%3E%3Cscript%3E", quote("' or 1=1 --"), "null", "0", "x" * 2000, quote("０１HXK5V7Q2W3E4R5T6Y7Z8A9"),
    A_TRACK + ";v=1",
]


@pytest.mark.parametrize("malformed", MALFORMED_IDS, ids=lambda text: ascii(text[:32]))
def test_malformed_track_id_is_400(api, user, malformed):
    assert_problem(api.stream(malformed, user.token), "invalid-track-id", path(malformed))


def test_percent_encoded_track_id_is_the_same_track(api, user, track):
    encoded = f"%{ord(track.id[0]):02X}{track.id[1:]}"
    assert api.stream(encoded, user.token).body == api.stream(track.id, user.token).body


def test_malformed_id_without_a_good_token_is_401(api):
    assert_problem(api.stream("x"), "unauthorized", path("x"))


@pytest.mark.parametrize(
    "target",
    ["/", "/tracks", "/tracks/", f"/tracks/{A_TRACK}", f"/tracks/{A_TRACK}/stream/", f"/tracks/{A_TRACK}/stream/x",
               f"/tracks/{A_TRACK}/Stream", f"/Tracks/{A_TRACK}/stream", "/tracks//stream", "/tracks/a/b/stream",
               "/tracks/a%2Fb/stream",
               "/_problem", "/_exchange", "/_request", "/_body/", "/_mirror", "/favicon.ico", "/.git/config"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_path_is_404(api, user, method, target):
    answer = api.request(method, target, {"Authorization": f"Bearer {user.token}"})
    assert_problem(answer, "not-found", target)


@pytest.mark.parametrize("target", ["/%2e%2e/etc/passwd", "//etc/passwd", "/tracks/../stream", "/tracks/%2e%2e/stream"])
def test_path_tricks_are_400_or_404(api, user, target):
    answer = api.request("POST", target, {"Authorization": f"Bearer {user.token}"})
    assert answer.status in (400, 404)
    assert_problem_headers(answer)


STREAM = f"/tracks/{A_TRACK}/stream"


@pytest.mark.parametrize("target", [
    "/" + STREAM, STREAM.replace("/stream", "//stream"), f"/.{STREAM}", f"/x/..{STREAM}",
    f"/tracks/x/../{A_TRACK}/stream", STREAM + "/.", STREAM + "/x/..", f"/tracks/./{A_TRACK}/stream", f"/tracks/{A_TRACK}/./stream",
    f"/tracks%2f{A_TRACK}/stream", f"/tracks/{A_TRACK}%2Fstream", f"%2ftracks/{A_TRACK}/stream",
    f"/tracks/x%2f..%2f{A_TRACK}/stream", f"/tracks/x/%2e%2e/{A_TRACK}/stream", f"/tracks/%2e%2f{A_TRACK}/stream",
    f"/%74racks/{A_TRACK}/stream", f"/tracks/{A_TRACK}/strea%6d", STREAM + "#fragment",
    "//healthz", "/./metrics", "/x/../readyz", "/%6detrics", "/metrics%2f1", "/metrics//1", "/%2e/nginx_status",
    "//player/", "/player//", "/player/./player.js", "/player/x/../player.js", "/player/%70layer.js", "/player%2f",
    "//player", "/player/../metrics", "/player/%2e%2e/metrics"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_path_that_nginx_normalises_is_404(api, user, method, target):
    answer = api.request(method, target, {"Authorization": f"Bearer {user.token}"})
    # nginx takes what has no slash in front for no path.
    assert_problem(answer, *(("not-found", target) if target[0] == "/" else ("bad-request", "/")))


def test_path_of_an_absolute_target_is_the_same(api, user, track):
    headers = {"Authorization": f"Bearer {user.token}"}
    for path, status in ((track.path, 200), ("/" + track.path, 404)):
        assert api.request("POST", f"http://media.example{path}", headers).status == status


@pytest.mark.parametrize("id", ["%41%2e%2e", "%41" * 5000], ids=["short", "long"])
def test_escaped_id_is_one_segment(api, user, id):
    assert_problem(api.stream(id, user.token), "invalid-track-id", path(id))


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("track", [A_TRACK, "not-a-ulid"])
def test_any_other_method_is_405_with_allow(api, method, track):
    answer = api.stream(track, method=method)
    assert_problem(answer, "method-not-allowed", path(track))
    assert answer.header("Allow") == "POST"


def test_head_is_405_with_allow_and_no_body(api):
    answer = api.stream(A_TRACK, method="HEAD")
    assert (answer.status, answer.header("Allow"), answer.body) == (405, "POST", b"")
    assert_problem_headers(answer)


def test_body_over_16_kib_is_413_by_content_length(api, user, track):
    # Only announced: nothing of it need be sent.
    headers = {"Authorization": f"Bearer {user.token}", "Content-Length": "16385"}
    assert_problem(api.stream(track.id, headers=headers), "content-too-large", track.path)


def chunked(length, chunk=1000):
    sizes = [chunk] * (length // chunk) + [length % chunk] * bool(length % chunk)
    return b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in sizes) + b"0\r\n\r\n"


def test_body_over_16_kib_is_413_in_chunks(api, user, track):
    headers = {"Authorization": f"Bearer {user.token}", "Transfer-Encoding": "chunked"}
    assert_problem(api.stream(track.id, headers=headers, body=chunked(16_385)), "content-too-large", track.path)
    assert api.stream(track.id, headers=headers, body=chunked(16_384)).status == 200


def test_chunked_body_over_16_kib_is_413_before_the_request_is_handled(stack, tmp_path, track):
    with Application(tmp_path / "stream.sock", lambda _: in_headers(401)) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            api = API(f"http://127.0.0.1:{port}")
            answer = api.stream(track.id, headers={"Transfer-Encoding": "chunked"}, body=chunked(200_000, 10_000))
            assert_problem(answer, "content-too-large", track.path)
            assert not responder.requests
            assert api.stream(track.id, headers={"Transfer-Encoding": "chunked"}, body=chunked(16_384)).status == 401


@pytest.mark.parametrize("headers, body", [
    ({"Content-Length": "16384"}, b"x" * 16_384), ({"Transfer-Encoding": "chunked"}, chunked(16_384)),
    ({"Content-Length": "0"}, b""),
    ({"Transfer-Encoding": "chunked"}, b"0\r\n\r\n")], ids=["length", "chunks", "no length", "no chunks"])
def test_connection_is_kept_after_a_request_with_a_body(api, user, track, headers, body):
    with api.connection() as connection:
        for _ in range(3):
            answer = connection.exchange("POST", track.path, {"Authorization": f"Bearer {user.token}", **headers}, body)
            assert (answer.status, answer.header("Connection")) == (200, "keep-alive")


def test_client_that_expects_100_continue_gets_it(api, user, track):
    headers = {"Authorization": f"Bearer {user.token}", "Expect": "100-continue", "Content-Length": "5"}
    with api.connection() as connection:
        connection.send(request_bytes("POST", track.path, headers))
        # http.client passes over the 100.
        connection.send(b"12345")
        assert connection.answer().status == 200


def test_request_whose_body_never_arrives_is_not_handled(stack, tmp_path, track):
    with Application(tmp_path / "stream.sock", lambda _: in_headers(401)) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            api = API(f"http://127.0.0.1:{port}")
            with api.connection() as connection:
                connection.send(request_bytes("POST", track.path, {"Content-Length": "5"}))
                assert api.stream(track.id).status == 401
                assert len(responder.requests) == 1
                connection.send(b"12345")
                assert connection.answer().status == 401


def test_request_line_over_16_kib_is_414(api):
    answer = api.raw(request_bytes("POST", f"/tracks/{'x' * 17_000}/stream"))
    assert_problem(answer, "uri-too-long", "/")


def test_header_over_16_kib_is_431(api, mint, user):
    answer = api.stream(A_TRACK, mint.hs256(user.id, note="x" * 13_000))
    assert_problem(answer, "request-header-fields-too-large", path(A_TRACK))


BAD_REQUESTS = {
    "space in the path": b"POST /tracks/a b/stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"POST /tracks/x/stream HTTP\r\nHost: x\r\n\r\n",
    "no path": b"POST  HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"POST /tracks/x/stream HTTP/1.1\r\n\r\n",
    "two hosts": b"POST /tracks/x/stream HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "lower-case method": b"post /tracks/x/stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character": b"POST /tracks/\x01/stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "zero byte": b"POST /tracks/%00/stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "broken escape": b"POST /tracks/%zz/stream HTTP/1.1\r\nHost: x\r\n\r\n",
    "escape from the root": b"POST /../../x HTTP/1.1\r\nHost: x\r\n\r\n",
    "length is no number": b"POST /tracks/x/stream HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "negative length": b"POST /tracks/x/stream HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /tracks/x/stream HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length and chunks": b"POST /tracks/x/stream HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding:"
        b" chunked\r\n\r\n0\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_bad_request_is_400(api, kind):
    answer = api.raw(BAD_REQUESTS[kind])
    assert answer.status == 400
    assert answer.json() | {"instance": ""} == {
        "type": "https://novatune.dev/errors/bad-request", "title": "Bad request", "status": 400,
        "detail": "The request is not valid HTTP.", "instance": "",
    }
    assert answer.member_names() == ["type", "title", "status", "detail", "instance"]
    assert_problem_headers(answer)


def test_bad_chunk_is_400(api, user, track):
    headers = {"Authorization": f"Bearer {user.token}", "Transfer-Encoding": "chunked"}
    assert_problem(api.stream(track.id, headers=headers, body=b"zz\r\nxx\r\n0\r\n\r\n"), "bad-request", track.path)


@pytest.mark.parametrize("precondition", [
    {"If-None-Match": "*"}, {"If-Match": '"x"'}, {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}], ids=str)
def test_precondition_that_does_not_hold_is_412(api, user, track, precondition):
    assert_problem(api.stream(track.id, user.token, precondition), "precondition-failed", track.path)


def test_unknown_transfer_coding_is_501(api, user, track):
    headers = {"Authorization": f"Bearer {user.token}", "Transfer-Encoding": "gzip"}
    assert_problem(api.stream(track.id, headers=headers), "not-implemented", track.path)


def test_http_2_by_request_line_is_505(api):
    # nginx gives up on such a line before it knows its path.
    answer = api.raw(request_bytes("POST", path(A_TRACK), version="HTTP/2.0"))
    assert_problem(answer, "http-version-not-supported", "/")


def test_http_1_0_is_served(api, user, track):
    answer = api.raw(request_bytes("POST", track.path, {"Authorization": f"Bearer {user.token}"}, version="HTTP/1.0"))
    assert answer.status == 200


def absent_socket(tmp_path):
    return f"unix:{tmp_path}/absent.sock"


def test_unreachable_responder_is_503(stack, tmp_path, user, track):
    with nginx_with(stack, tmp_path, STREAM_SOCKETS=absent_socket(tmp_path)) as port:
        answer = API(f"http://127.0.0.1:{port}").stream(track.id, user.token, query="?x")
    assert_problem(answer, "service-unavailable", track.path)
    assert int(answer.header("Retry-After")) >= 1


def test_unreachable_gate_affects_no_request(stack, tmp_path, user, track):
    with nginx_with(stack, tmp_path, GATE_SOCKETS=absent_socket(tmp_path)) as port:
        assert API(f"http://127.0.0.1:{port}").stream(track.id, user.token).status == 200


def test_stopped_responder_is_503(stack, api, user, track):
    with stack.stopped("responder"):
        answer = api.stream(track.id, user.token)
    assert_problem(answer, "service-unavailable", track.path)
    assert int(answer.header("Retry-After")) >= 1
    assert api.stream(track.id, user.token).status == 200


def test_silent_responder_is_503(stack, tmp_path, user, track):
    """nginx waits 15 s."""
    with Application(tmp_path / "silent.sock", lambda _: None) as silence:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=silence.address) as port:
            answer = API(f"http://127.0.0.1:{port}").stream(track.id, user.token, timeout=30)
    assert_problem(answer, "service-unavailable", track.path)
    assert answer.header("Retry-After")
    # A timeout is not repeated.
    assert len(silence.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [b"no header at all", b"Status: abc\r\n\r\n", b"Status: 500 Nonsense\r\n\r\n", b"Status: 418 Nonsense\r\n\r\n"],
    ids=["no header", "no status", "500", "418"])
def test_responder_that_answers_garbage_is_503(stack, tmp_path, user, track, answer):
    with Application(tmp_path / "stream.sock", lambda _: answer) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address) as port:
            assert_problem(
                API(f"http://127.0.0.1:{port}").stream(track.id, user.token), "service-unavailable", track.path)


# instance


@pytest.mark.parametrize("query", ["?", "?a=b", "?a?b", "?access_token=x"])
def test_instance_is_the_path_without_its_query(api, user, query):
    missing = ulid()
    assert_problem(api.stream(missing, query=query), "unauthorized", path(missing))
    assert_problem(api.stream(missing, user.token, query=query), "track-not-found", path(missing))
    assert_problem(api.request("POST", "/nothing" + query), "not-found", "/nothing")


@pytest.mark.parametrize("segment", ['a"b', "a\\b", 'a","status":200,"x":"', "a\x7fb", "\xe9"], ids=ascii)
def test_path_that_is_no_legal_uri_leaves_the_json_valid(api, segment):
    for target in (f"/{segment}", f"/tracks/{segment}/stream"):
        answer = api.request("POST", target)
        assert answer.status in (400, 401, 404)
        assert answer.json()["status"] == answer.status
        assert answer.member_names() == ["type", "title", "status", "detail", "instance"]
        assert_problem_headers(answer)


@pytest.mark.parametrize("character", ['"', "\\", "\xe9", "x"], ids=ascii)
def test_instance_may_be_as_long_as_a_request_line(api, user, character):
    """The answer is in headers on its way through nginx, and must fit there, escaped or replaced."""
    answer = api.stream(character * 15_000, user.token)
    assert answer.status == 400
    assert answer.json()["type"] == "https://novatune.dev/errors/invalid-track-id"
    replaced = "\ufffd" if character == "\xe9" else character
    assert answer.json()["instance"] == path(replaced * 15_000)
    assert_problem_headers(answer)


# Correlation


@pytest.mark.parametrize("sent", ["a", "A-z_0.9", "x" * 128, str(uuid.uuid4())])
def test_good_correlation_id_is_kept(api, user, track, sent):
    for answer in (
        api.stream(track.id, user.token, {"X-Correlation-Id": sent}),
        api.stream(track.id, headers={"X-Correlation-Id": sent}),
        api.stream(ulid(), user.token, {"X-Correlation-Id": sent}), api.request("GET", "/", {"X-Correlation-Id": sent}),
    ):
        assert answer.header("X-Correlation-Id") == sent


@pytest.mark.parametrize(
    "sent", ["", "x" * 129, "two words", 'quo"te', "semi;colon", "é", "a/b", "<b>", "a,b", "tab\tb"], ids=ascii)
def test_bad_correlation_id_is_replaced(api, user, track, sent):
    answers = [api.stream(track.id, user.token, {"X-Correlation-Id": sent}),
        api.stream(track.id, headers={"X-Correlation-Id": sent})]
    made = [answer.header("X-Correlation-Id") for answer in answers]
    assert all(len(id) >= 16 and id.isalnum() for id in made)
    assert made[0] != made[1]


def test_two_correlation_ids_are_no_header_injection(api):
    answer = api.request("POST", path(A_TRACK), [("X-Correlation-Id", "one"), ("X-Correlation-Id", "two")])
    assert answer.header("X-Correlation-Id") not in (None, "one, two")


def test_correlation_id_is_in_the_access_log_line(api, stack, user, track):
    sent = f"e2e-{ulid()}"
    api.stream(track.id, user.token, {"X-Correlation-Id": sent}, query="?secret=in-the-query")
    line = stack.wait_for_log_line(sent, "NGINX_ACCESS_LOG")
    logged = json.loads(line)
    assert logged["correlationId"] == sent
    assert (logged["method"], logged["path"], logged["status"]) == ("POST", track.path, 200)
    assert logged["userId"] == user.id
    assert (logged["upstreamStatus"], logged["upstreamAddress"]) == ("204", stack["STREAM_SOCKET"])
    # nginx takes one from the monotonic clock and the other from the wall clock, each in whole milliseconds.
    assert 0 <= round(float(logged["upstreamSeconds"]) * 1000) <= round(logged["seconds"] * 1000) + 1
    assert "in-the-query" not in line and "?" not in line


@pytest.mark.parametrize("status", [401, 404, 405])
def test_errors_are_logged_with_their_path_and_method(api, stack, user, status):
    sent, missing = f"e2e-{ulid()}", ulid()
    method = "PUT" if status == 405 else "POST"
    answer = api.stream(missing, None if status == 401 else user.token, {"X-Correlation-Id": sent}, method, "?q")
    assert answer.status == status
    logged = json.loads(stack.wait_for_log_line(sent, "NGINX_ACCESS_LOG"))
    assert (logged["method"], logged["path"], logged["status"]) == (method, path(missing), status)


@pytest.mark.parametrize(
    "value", ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-0000000000000000-00",
              "garbage", "x" * 8000, base64url(bytes(range(256)))], ids=["valid", "zeros", "garbage", "long", "bytes"])
def test_any_traceparent_is_accepted(api, user, track, value):
    assert api.stream(track.id, user.token, {"traceparent": value}).status == 200
