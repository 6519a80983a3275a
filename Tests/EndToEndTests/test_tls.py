"""The TLS server block, switched on in a second nginx."""

import contextlib
import json
import socket
import ssl
import subprocess

import pytest

from harness.nginx import nginx_with
from harness.wire import API
from support.problems import assert_problem, assert_problem_headers


@contextlib.contextmanager
def https_with(stack, directory, **further):
    """The port, a context that trusts the certificate, and the certificate."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", directory / "key.pem", "-out",
         directory / "certificate.pem"],
        check=True, capture_output=True)
    settings = {
        "SCHEME": "https", "CERTIFICATE": directory / "certificate.pem", "CERTIFICATE_KEY": directory / "key.pem",
    } | further
    with nginx_with(stack, directory, **settings) as port:
        yield port, ssl.create_default_context(cafile=directory / "certificate.pem"), directory / "certificate.pem"


@pytest.fixture(scope="module")
def https(stack, tmp_path_factory):
    with https_with(stack, tmp_path_factory.mktemp("tls")) as served:
        yield served


@pytest.fixture(scope="module")
def intermediate(stack, tmp_path_factory):
    with https_with(stack, tmp_path_factory.mktemp("intermediate"), TLS="intermediate") as served:
        yield served


@pytest.fixture
def tls_api(https):
    port, context, _ = https
    return API(f"https://127.0.0.1:{port}", tls=context)


def test_stream_url_over_tls(tls_api, user, track):
    answer = tls_api.stream(track.id, user.token)
    assert answer.status == 200
    assert answer.header("Strict-Transport-Security").startswith("max-age=")


def test_errors_over_tls_have_the_header_too(tls_api, track):
    answer = tls_api.stream(track.id)
    assert_problem(answer, "unauthorized", track.path)
    assert answer.header("Strict-Transport-Security")


def test_plain_http_has_no_strict_transport_security_header(api, track):
    assert api.stream(track.id).header("Strict-Transport-Security") is None


@pytest.mark.parametrize("version", ["TLSv1_1", "TLSv1_2"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_older_tls_is_refused(https, version):
    port, context, certificate = https
    context = ssl.create_default_context(cafile=certificate)
    context.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_hostname="localhost")


def negotiated(served, newest="TLSv1_3", ciphers="DEFAULT"):
    """Version and suite, for a client that knows these."""
    port, _, certificate = served
    context = ssl.create_default_context(cafile=certificate)
    context.maximum_version = ssl.TLSVersion[newest]
    context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        with context.wrap_socket(connection, server_hostname="localhost") as tls:
            return tls.version(), tls.cipher()[0]


def test_tls_1_3_is_supported(https):
    assert negotiated(https)[0] == "TLSv1.3"


def test_intermediate_serves_tls_1_2_with_forward_secrecy(intermediate, user, track):
    assert negotiated(intermediate)[0] == "TLSv1.3"
    version, suite = negotiated(intermediate, "TLSv1_2")
    assert version == "TLSv1.2" and suite.startswith("ECDHE-")
    port, context, _ = intermediate
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert API(f"https://127.0.0.1:{port}", tls=context).stream(track.id, user.token).status == 200


@pytest.mark.parametrize("newest, ciphers", [("TLSv1_2", "AES128-GCM-SHA256"), ("TLSv1_2", "ECDHE-ECDSA-AES128-SHA"), (
    "TLSv1_1", "DEFAULT")], ids=["no forward secrecy", "CBC", "TLS 1.1"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_intermediate_refuses_what_is_weaker(intermediate, newest, ciphers):
    with pytest.raises(ssl.SSLError):
        negotiated(intermediate, newest, ciphers)


def curl(https, *arguments):
    port, _, certificate = https
    config = "\n".join(f'header = "{text[2:]}"' if text.startswith("H:") else text for text in arguments)
    done = subprocess.run(
        ["curl", "-sS", "--cacert", certificate, "--max-time", "10", "--http2", "-i", "-w",
            "\n%{http_version} %{http_code}", "-K", "-"],
        input=config.replace("BASE", f"https://127.0.0.1:{port}"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    head, _, rest = done.stdout.replace("\r\n", "\n").partition("\n\n")
    body, _, last = rest.rpartition("\n")
    version, status = last.split()
    headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
    return version, int(status), headers, body


def test_stream_url_over_http_2(https, user, track):
    version, status, headers, body = curl(
        https, f'url = "BASE{track.path}"', "request = POST", f"H:Authorization: Bearer {user.token}")
    assert (version, status) == ("2", 200)
    assert headers["cache-control"] == "private, no-store"
    assert track.object_key in json.loads(body)["streamUrl"]


# A length without its body is malformed in HTTP/2 (RFC 9113 §8.1.1), so the third is not about size.
@pytest.mark.parametrize(
    "lines, expected",
    [(["request = POST"], 401), (["request = GET"], 405), (["request = POST", 'header = "Content-Length: 99999"'], 400),
                        (["request = POST", 'data = "' + "x" * 16_385 + '"'], 413)])
def test_errors_over_http_2_are_problem_details(https, track, lines, expected):
    version, status, headers, body = curl(https, f'url = "BASE{track.path}?q"', *lines)
    assert (version, status) == ("2", expected)
    assert headers["content-type"] == "application/problem+json"
    assert headers["cache-control"] == "no-store" and headers["x-correlation-id"]
    problem = json.loads(body)
    assert list(problem) == ["type", "title", "status", "detail", "instance"]
    assert (problem["status"], problem["instance"]) == (expected, track.path)


@pytest.mark.parametrize("announced", [True, False], ids=["length", "no length"])
@pytest.mark.parametrize("length, expected", [(1, 200), (1000, 200), (16_384, 200), (16_385, 413), (100_000, 413)])
def test_body_over_http_2_is_read_and_measured_before_the_answer(
        https, tmp_path, user, track, length, expected, announced):
    (tmp_path / "body").write_bytes(b"x" * length)
    lines = ["request = POST", f'data-binary = "@{tmp_path}/body"'] + ["H:Transfer-Encoding: chunked"] * (not announced)
    for _ in range(5):
        version, status, headers, body = curl(
            https, f'url = "BASE{track.path}"', *lines, f"H:Authorization: Bearer {user.token}")
        assert (version, status) == ("2", expected)
        assert ("streamUrl" in json.loads(body)) == (expected == 200)


def test_plain_http_on_the_tls_port_is_400(https):
    answer = API(f"http://127.0.0.1:{https[0]}").request("POST", "/")
    assert answer.status == 400
    assert answer.json()["type"] == "https://novatune.dev/errors/bad-request"
    assert_problem_headers(answer)


def test_http_2_is_offered_first(https):
    port, _, certificate = https
    context = ssl.create_default_context(cafile=certificate)
    context.set_alpn_protocols(["http/1.1", "h2"])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        with context.wrap_socket(connection, server_hostname="localhost") as tls:
            assert tls.selected_alpn_protocol() == "h2"
