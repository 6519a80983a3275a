"""The description of the API (nginx/html/openapi.json) and the service agree, in both directions."""

import contextlib
import json
import ssl

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from harness.certificates import self_signed
from harness.nginx import nginx_with
from harness.stack import REPOSITORY
from harness.ulids import ulid
from harness.waiting import wait_for
from harness.wire import API, request_bytes
from support.api_document import APIDocument
from support.application import Application, in_headers
from support.inputs import Inputs
from support.problem_types import all_types

DOCUMENT = APIDocument()
STREAM = "/tracks/{trackId}/stream"
WAVEFORM = "/tracks/{trackId}/waveform"
PAGES = ("/healthz", "/readyz", "/metrics")
ORIGIN = "https://player.example"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


# The document


def test_document_is_valid_openapi_3_1():
    assert DOCUMENT.tree["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT.tree).iter_errors()] == []


def test_document_is_served_as_json(api):
    answer = api.request("GET", "/player/openapi.json")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    assert answer.json() == DOCUMENT.tree
    assert answer.header("X-Content-Type-Options") == "nosniff"


def test_document_has_the_version_of_the_program():
    version = DOCUMENT.tree["info"]["version"]
    assert f'static let release = "{version}"' in (
        REPOSITORY / "Sources/novatune-streamd/Version.swift").read_text()


def test_types_are_those_of_nginx_and_the_responder():
    begin = "https://novatune.dev/errors/"
    assert DOCUMENT.tree["components"]["schemas"]["Problem"]["properties"]["type"]["enum"] == sorted(
        begin + slug for slug in all_types())
    in_answers = {kind: status for *_, status, kind in DOCUMENT.expected() if kind and "/" not in kind}
    # That one is an answer to requests for static files.
    assert in_answers == {
        slug: status for slug, (status, _) in all_types().items() if slug != "range-not-satisfiable"}


def examples():
    for path, method, operation in DOCUMENT.operations():
        for status, response in operation["responses"].items():
            for media, content in DOCUMENT.resolved(response).get("content", {}).items():
                values = [content["example"]] if "example" in content else [
                    example["value"] for example in content.get("examples", {}).values()]
                yield from (pytest.param(content["schema"], value, id=f"{method} {path} {status}") for value in values)
    for name, header in DOCUMENT.tree["components"]["headers"].items():
        if "example" in header:
            yield pytest.param(header["schema"], header["example"], id=name)


@pytest.mark.parametrize("schema, example", list(examples()))
def test_example_is_valid(schema, example):
    assert DOCUMENT.issues(schema, example) == []


def closed(node):
    """Each schema of an object that has members."""
    if isinstance(node, dict):
        if "properties" in node and "required" in node:
            yield node
        for child in node.values():
            yield from closed(child)


def test_another_member_is_an_error():
    """In all bodies, so that a new member of an answer fails here."""
    for name, schema in DOCUMENT.tree["components"]["schemas"].items():
        if name in ("Problem", "Readiness"):
            # Others are closed around them.
            continue
        for node in closed(schema):
            assert node.get("additionalProperties", node.get("unevaluatedProperties")) is False, name
    for schema, value in (parameter.values for parameter in examples() if isinstance(parameter.values[1], dict)):
        assert DOCUMENT.issues(schema, value | {"further": 1})


# Each answer of the document


@pytest.fixture(scope="module")
def players(stack, tmp_path_factory):
    """The service by TLS, for players of another origin, and with an allowance of one request a minute."""
    directory = tmp_path_factory.mktemp("players")
    certificate, key = self_signed(directory, "nginx")
    with nginx_with(
            stack, directory, SCHEME="https", CERTIFICATE=certificate, CERTIFICATE_KEY=key, CORS_ORIGINS=ORIGIN,
            NOVATUNE_RATE_LIMIT_PER_MINUTE=1) as port:
        yield API(f"https://127.0.0.1:{port}", tls=ssl.create_default_context(cafile=certificate))


@contextlib.contextmanager
def nginx_before(answer, stack, directory, **settings):
    """nginx before a responder that answers so, where no responder of ours would."""
    with Application(directory / "stream.sock", answer) as responder:
        with nginx_with(
                stack, directory, STREAM_SOCKETS=responder.address, CORS_ORIGINS=ORIGIN, **settings) as port:
            yield API(f"http://127.0.0.1:{port}"), responder


def absent(directory):
    return f"unix:{directory}/absent.sock"


class Client:
    """What a test has to provoke answers of one path and method."""

    def __init__(self, path, method, players, stack, world, mint, directory):
        self.players, self.stack, self.world, self.mint, self.directory = players, stack, world, mint, directory
        self.method = method.upper()
        self.user = world.user()
        self.track = world.track(self.user)
        self.template = path
        if path == WAVEFORM:
            world.set_track(self.track, f"waveform_object_key = '{self.track.object_key}'")
        self.path = path.replace("{trackId}", self.track.id)
        # What nginx needs to take the request for what it is.
        self.headers = dict(PREFLIGHT) if method == "options" else {"Origin": ORIGIN}

    def ask(self, headers=(), api=None, path=None, method=None, body=b""):
        return (api or self.players).request(
            method or self.method, path or self.path, self.headers | dict(headers), body)

    def raw(self, headers=(), path=None, version="HTTP/1.1"):
        headers = [*self.headers.items(), *headers]
        return self.players.raw(
            request_bytes(self.method, path or self.path, headers, version=version), self.method)

    def authorized(self, headers=(), user=None, track=None, **rest):
        token = (user or self.user).token
        path = self.template.replace("{trackId}", track) if track else None
        return self.ask({"Authorization": f"Bearer {token}", **dict(headers)}, path=path, **rest)

    def nginx(self, **settings):
        return nginx_with(self.stack, self.directory, CORS_ORIGINS=ORIGIN, **settings)

    def through(self, port):
        return API(f"http://127.0.0.1:{port}")


def used_up_allowance(client):
    first, second = client.authorized(), client.authorized()
    assert first.status == 200
    return second


def too_many_connections(client):
    with nginx_before(lambda _: None, client.stack, client.directory, CONNECTIONS_PER_ADDRESS=1) as (api, responder):
        with api.connection() as connection:
            connection.send(request_bytes("POST", client.track.path))
            wait_for(lambda: responder.requests)
            return client.ask(api=api)


def unknown_status_of_a_responder(client):
    with nginx_before(lambda _: in_headers(418, user=client.user.id), client.stack, client.directory) as (api, _):
        return client.ask(api=api)


def missing_object(client):
    lost = client.world.track(client.user, object_key=f"audio/{ulid()}.mp3")
    client.world.set_track(lost, f"waveform_object_key = 'waveforms/{ulid()}.json'")
    return client.authorized(track=lost.id)


def no_responder(client):
    sockets = absent(client.directory)
    with client.nginx(STREAM_SOCKETS=sockets, GATE_SOCKETS=sockets) as port:
        return client.ask(api=client.through(port))


def not_ready(client):
    with client.stack.stopped("postgres"):
        return wait_for(lambda: (answer := client.ask()).status == 503 and answer)


def not_an_operator(client):
    with client.nginx(OPERATIONS_LOOPBACK="off") as port:
        return client.ask(api=client.through(port))


def ready(client):
    """Once the subscriber has come back from what another test did."""
    return wait_for(lambda: (answer := client.ask()).status == 200 and answer)


# Of all paths.
EVERYWHERE = {
    (400, "bad-request"): lambda client: client.raw([("Host", "a"), ("Host", "b")]),
    (413, "content-too-large"): lambda client: client.ask({"Content-Length": "16385"}),
    (414, "uri-too-long"): lambda client: client.raw(path=client.path + "?" + "x" * 17_000),
    (431, "request-header-fields-too-large"): lambda client: client.ask({"X-Long": "x" * 17_000}),
    (501, "not-implemented"): lambda client: client.ask({"Transfer-Encoding": "gzip"}),
    (505, "http-version-not-supported"): lambda client: client.raw(version="HTTP/2.0"),
}
OF_STREAMS = {
    (200, "application/json"): lambda client: client.authorized(),
    (400, "invalid-track-id"): lambda client: client.authorized(track="x"),
    (401, "unauthorized"): lambda client: client.ask({"Authorization": "Bearer x"}),
    (403, "forbidden"): lambda client: client.authorized(track=client.world.track(client.world.user()).id),
    (404, "track-not-found"): lambda client: client.authorized(track=ulid()),
    (404, "not-found"): lambda client: client.authorized(track="a%2Fb"),
    (405, "method-not-allowed"): lambda client: client.ask(method="PUT"),
    (409, "track-not-ready"): lambda client: client.authorized(track=client.world.track(client.user, "Processing").id),
    (412, "precondition-failed"): lambda client: client.authorized({"If-None-Match": "*"}),
    (429, "rate-limit-exceeded"): used_up_allowance, (429, "too-many-connections"): too_many_connections,
    (500, "internal-error"): unknown_status_of_a_responder,
    (503, "service-unavailable"): missing_object,
}
OF_WAVEFORMS = OF_STREAMS | {
    (404, "waveform-not-found"): lambda client: client.authorized(track=client.world.track(client.user).id),
}
OF_PREFLIGHTS = {
    (204, None): lambda client: client.ask(),
    (404, "not-found"): lambda client: client.ask(path=client.template.replace("{trackId}", "a%2Fb")),
    (405, "method-not-allowed"): lambda client: client.ask({"Origin": "https://another.example"}),
}
OF_OPERATIONS = {
    (403, "forbidden"): not_an_operator,
    (405, "method-not-allowed"): lambda client: client.ask(method="POST"),
    (429, "too-many-connections"): too_many_connections,
    (503, "service-unavailable"): no_responder,
}
OF_PAGES = {
    "/healthz": {(200, "application/json"): ready},
    "/readyz": {(200, "application/json"): ready, (503, "application/json"): not_ready},
    "/metrics": {
        (200, "text/plain; version=0.0.4; charset=utf-8"): ready,
        (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"): lambda client: client.ask(
            {"Accept": "application/openmetrics-text"}),
    },
}
CASES = {
    (STREAM, "post"): EVERYWHERE | OF_STREAMS, (STREAM, "options"): EVERYWHERE | OF_PREFLIGHTS,
    (WAVEFORM, "post"): EVERYWHERE | OF_WAVEFORMS, (WAVEFORM, "options"): EVERYWHERE | OF_PREFLIGHTS,
} | {
    (page, "get"): EVERYWHERE | OF_OPERATIONS | OF_PAGES[page] for page in PAGES}
ALL_CASES = [(*operation, *case) for operation, cases in CASES.items() for case in cases]


def test_each_answer_of_the_document_has_a_case():
    assert sorted(ALL_CASES, key=str) == sorted(DOCUMENT.expected(), key=str)


@pytest.fixture(scope="module")
def headers_seen():
    """(path template, header): where the answers of the cases had it."""
    return set()


@pytest.mark.parametrize("path, method, status, kind", ALL_CASES)
def test_answer_is_as_the_document_says(
        stack, world, mint, players, tmp_path, headers_seen, path, method, status, kind):
    client = Client(path, method, players, stack, world, mint, tmp_path)
    answer = CASES[path, method][status, kind](client)
    assert answer.status == status, answer
    DOCUMENT.validate(answer, path, method.upper())
    if kind and "/" not in kind:
        assert answer.json()["type"] == f"https://novatune.dev/errors/{kind}"
    headers_seen |= {(path, name.lower()) for name, _ in answer.headers}


def test_each_header_of_the_document_has_been_seen(headers_seen):
    """By the test before, as a whole."""
    if not headers_seen:
        pytest.skip("the cases did not run")
    described = {
        (path, name.lower()) for path, _, operation in DOCUMENT.operations()
        for response in operation["responses"].values() for name in DOCUMENT.resolved(response)["headers"]}
    assert described - headers_seen == set()


def test_503_to_a_user_is_as_the_document_says(stack, world, tmp_path):
    """It has the policy of the user's allowance."""
    user = world.user()
    body = DOCUMENT.tree["components"]["responses"]["ServiceUnavailable"]["content"]["application/problem+json"]
    answer = in_headers(503, json.dumps(body["example"]), user.id, Retry_After="1")
    with nginx_before(lambda _: answer, stack, tmp_path) as (api, _):
        given = api.stream(ulid(), user.token)
    assert given.header("RateLimit-Policy")
    DOCUMENT.validate(given, STREAM, "POST")


def test_static_file_whose_range_is_outside_is_a_problem_of_the_document(api):
    answer = api.request("GET", "/player/openapi.json", {"Range": "bytes=9999999-"})
    assert (answer.status, answer.header("Content-Type")) == (416, "application/problem+json")
    assert DOCUMENT.issues("/components/schemas/Problem", answer.json()) == []
    assert answer.json()["type"] == "https://novatune.dev/errors/range-not-satisfiable"


# Each answer of the service


def test_no_request_gets_what_the_document_lacks(stack, world, tmp_path):
    users = world.users(2)
    tracks = world.tracks(users) + world.tracks(users, status="Processing")
    inputs, seen = Inputs(20260108, users, tracks, ORIGIN), set()
    with nginx_with(stack, tmp_path, CORS_ORIGINS=ORIGIN, NOVATUNE_RATE_LIMIT_PER_MINUTE=100_000) as port:
        api = API(f"http://127.0.0.1:{port}")
        for number in range(600):
            method, target, headers, body = inputs.request()
            answer = api.request(method, target, headers, body)
            try:
                DOCUMENT.validate(answer, STREAM, method)
            except AssertionError as error:
                raise AssertionError(f"request {number}: {method} {target[:200]} {sorted(headers)}") from error
            seen.add(answer.status)
    # The inputs reach all that they can.
    assert {200, 204, 400, 401, 403, 404, 405, 409, 412, 413} <= seen, seen


# Runs last.


def test_no_answer_of_the_run_is_missing_in_the_document(answers_of_the_run):
    """All that the tests of this run have seen on paths of the document, whatever they looked for."""
    lacking = set()
    for target, status, names, kind in answers_of_the_run:
        template = DOCUMENT.template(target)
        if template is None:
            continue
        responses = [
            response for method in ("GET", "POST", "OPTIONS")
            if (response := DOCUMENT.responses(template, method).get(status))]
        described = {name.lower() for response in responses for name in response["headers"]}
        types = {f"https://novatune.dev/errors/{slug}" for response in responses for slug in DOCUMENT.types(response)}
        if not responses or names - described or (kind and kind not in types):
            lacking.add((template, status, *(names - described), kind))
    assert lacking == set()
    assert any(DOCUMENT.template(target) for target, *_ in answers_of_the_run)
