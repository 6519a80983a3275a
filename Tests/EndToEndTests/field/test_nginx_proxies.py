"""NovaTune behind a proxy: who the client is, and who may read the operations pages."""

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from harness.nginx import free_port, nginx_with
from harness.waiting import wait_for
from harness.wire import API, request_bytes
from support.problems import assert_problem

PAGES = ["/healthz", "/readyz", "/metrics", "/metrics/1", "/nginx_status"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:media.example", "-keyout",
            directory / "key.pem", "-out", directory / "certificate.pem"],
        check=True, capture_output=True)
    return directory


def tls_site(certificate, port, extra=""):
    """A function for `sites`: a TLS proxy on the same host."""

    def sites(behind):
        return {"tls.conf": f"""
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {certificate}/certificate.pem;
                ssl_certificate_key {certificate}/key.pem;
                location / {{ proxy_pass http://127.0.0.1:{behind}; {extra} }}
            }}"""}

    return sites


KINDS = {
    "all headers": "proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; proxy_http_version 1.1;"
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;",
    "address": "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_http_version 1.1;",
    "other address": "proxy_set_header X-Real-IP $remote_addr; proxy_http_version 1.1;",
    "scheme": "proxy_set_header X-Forwarded-Proto https; proxy_http_version 1.1;",
    "standard": "proxy_set_header Forwarded for=192.0.2.1; proxy_http_version 1.1;",
    "via": 'proxy_set_header Via "1.1 proxy"; proxy_http_version 1.1;',
    "host": "proxy_set_header Host $host; proxy_http_version 1.1;",
    "nginx's defaults until 1.29.6": "proxy_http_version 1.0;",
}


@pytest.mark.parametrize("kind", KINDS)
def test_tls_proxy_on_the_same_host_opens_no_operations_page(stack, tmp_path, certificate, user, track, kind):
    port = free_port()
    with nginx_with(stack, tmp_path, sites=tls_site(certificate, port, KINDS[kind])) as behind:
        context = ssl.create_default_context(cafile=certificate / "certificate.pem")
        outside, inside = API(f"https://127.0.0.1:{port}", tls=context), API(f"http://127.0.0.1:{behind}")
        named = {"Host": "media.example"}
        assert outside.stream(track.id, user.token, named).status == 200
        for page in PAGES:
            assert_problem(outside.request("GET", page, named), "forbidden", page)
            assert inside.request("GET", page).status == 200


@contextlib.contextmanager
def forwarder(port):
    """A proxy that passes bytes on; yields its port."""
    held, threads = [], []

    def copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def accept(server):
        with contextlib.suppress(OSError):
            while True:
                pair = server.accept()[0], socket.create_connection(("127.0.0.1", port))
                held.extend(pair)
                for ends in (pair, pair[::-1]):
                    threads.append(threading.Thread(target=copy, args=ends))
                    threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept, args=(server,))
        accepting.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        accepting.join()
    for connection in held:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    for connection in held:
        connection.close()


def test_proxy_that_passes_bytes_on_opens_no_page_for_the_services_name(stack, tmp_path):
    with nginx_with(stack, tmp_path) as behind, forwarder(behind) as port:
        for page in PAGES:
            answer = API(f"http://127.0.0.1:{port}").request("GET", page, {"Host": "media.example"})
            assert_problem(answer, "forbidden", page)


def test_loopback_may_be_closed_for_proxies_that_pass_bytes_on(stack, tmp_path):
    """Such a client can claim any name."""
    with nginx_with(stack, tmp_path, OPERATIONS_LOOPBACK="off") as behind, forwarder(behind) as port:
        for page in PAGES:
            assert_problem(API(f"http://127.0.0.1:{port}").request("GET", page), "forbidden", page)


def test_loopback_on_the_operators_list_is_open_through_a_proxy(stack, tmp_path):
    with nginx_with(stack, tmp_path, OPERATIONS_ALLOW="127.0.0.1 127.0.0.1") as port:
        headers = {"Host": "media.example", "X-Forwarded-For": "192.0.2.1"}
        assert API(f"http://127.0.0.1:{port}").request("GET", "/healthz", headers).status == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2:8080", "[::1]:80"])
def test_names_of_loopback_are_this_host(stack, api, host):
    assert api.request("GET", "/healthz", {"Host": host}).status == 200


@pytest.mark.parametrize("host", ["localhost.example", "127.0.0.1.example", "xlocalhost", "0.0.0.0", "10.0.0.1"])
def test_other_names_are_not(stack, api, host):
    assert_problem(api.request("GET", "/healthz", {"Host": host}), "forbidden", "/healthz")


# The PROXY protocol. https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt


def version_1(address, family="TCP4"):
    return f"PROXY {family} {address} 192.0.2.1 56324 443\r\n".encode()


def version_2(address):
    addresses = socket.inet_aton(address) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 56324, 443)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x11]) + struct.pack(">H", len(addresses)) + addresses


def behind_proxy_protocol(stack, directory, **settings):
    settings = {"LISTEN": "", "PROXY_PROTOCOL_LISTEN": "127.0.0.1:PORT", "TRUSTED_PROXIES": "127.0.0.1"} | settings
    return nginx_with(stack, directory, **settings)


def get(page, headers=()):
    return request_bytes("GET", page, headers)


@pytest.mark.parametrize("head", [version_1, version_2])
def test_client_is_the_one_that_the_proxy_protocol_names(stack, tmp_path, user, track, head):
    with behind_proxy_protocol(stack, tmp_path, OPERATIONS_ALLOW="198.51.100.0/24") as port:
        api = API(f"http://127.0.0.1:{port}")
        asked = request_bytes("POST", track.path, {"Authorization": f"Bearer {user.token}"})
        assert api.raw(head("203.0.113.7") + asked).status == 200
        assert_problem(api.raw(head("203.0.113.7") + get("/metrics")), "forbidden", "/metrics")
        assert api.raw(head("198.51.100.7") + get("/metrics"), "GET").status == 200
        lines = wait_for(lambda: (tmp_path / "access.log").read_text().splitlines()[2:]
            and (tmp_path / "access.log").read_text().splitlines())
    # Each of nginx's processes has lines of its own in hand.
    assert sorted(json.loads(line)["clientAddress"] for line in lines) == ["198.51.100.7"] + ["203.0.113.7"] * 2


def test_proxy_protocol_carries_ipv6_and_a_header_forges_no_address(stack, tmp_path):
    with behind_proxy_protocol(stack, tmp_path, OPERATIONS_ALLOW="2001:db8::/32") as port:
        api = API(f"http://127.0.0.1:{port}")
        head = b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"
        assert api.raw(head + get("/healthz"), "GET").status == 200
        forged = get("/healthz", {"X-Forwarded-For": "2001:db8::1"})
        assert_problem(api.raw(version_1("203.0.113.7") + forged), "forbidden", "/healthz")


def test_proxy_that_is_not_trusted_names_no_client(stack, tmp_path):
    settings = {"TRUSTED_PROXIES": "192.0.2.9", "OPERATIONS_ALLOW": "198.51.100.0/24", "OPERATIONS_LOOPBACK": "off"}
    with behind_proxy_protocol(stack, tmp_path, **settings) as port:
        answer = API(f"http://127.0.0.1:{port}").raw(version_1("198.51.100.7") + get("/healthz"))
    assert_problem(answer, "forbidden", "/healthz")


def test_monitors_of_this_host_have_an_address_without_proxy_protocol(stack, tmp_path):
    direct = free_port()
    with behind_proxy_protocol(stack, tmp_path, LISTEN=f"127.0.0.1:{direct}"):
        assert API(f"http://127.0.0.1:{direct}").request("GET", "/metrics").status == 200


def test_proxy_protocol_over_tls(stack, tmp_path, certificate, user, track):
    settings = {
        "SCHEME": "https", "CERTIFICATE": certificate / "certificate.pem", "CERTIFICATE_KEY": certificate / "key.pem"}
    context = ssl.create_default_context(cafile=certificate / "certificate.pem")
    with behind_proxy_protocol(stack, tmp_path, **settings) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(version_2("203.0.113.7"))
            with context.wrap_socket(connection, server_hostname="localhost") as tls:
                tls.sendall(request_bytes("POST", track.path, {"Authorization": f"Bearer {user.token}"}))
                assert tls.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_reason_of_a_closed_socket_is_logged_behind_any_address(stack, tmp_path, certificate, track, scheme):
    """nginx opens the sockets for a request of its own, by plain HTTP, though clients come otherwise."""
    settings = {"PROXY_PROTOCOL_LISTEN": "PORT", "STREAM_SOCKETS": f"unix:{tmp_path}/absent.sock"}
    if scheme == "https":
        settings |= {
            "SCHEME": "https", "CERTIFICATE": certificate / "certificate.pem",
            "CERTIFICATE_KEY": certificate / "key.pem"}
    context = ssl.create_default_context(cafile=certificate / "certificate.pem")
    with behind_proxy_protocol(stack, tmp_path, **settings) as port:
        with contextlib.ExitStack() as held:
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            connection.sendall(version_2("203.0.113.7"))
            if scheme == "https":
                connection = held.enter_context(context.wrap_socket(connection, server_hostname="localhost"))
            connection.sendall(request_bytes("POST", track.path))
            assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")
        wait_for(lambda: "absent.sock failed (2: No such file" in (tmp_path / "error.log").read_text())
