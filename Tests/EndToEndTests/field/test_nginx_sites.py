"""NovaTune beside other sites of the same nginx."""

import re
from pathlib import Path

import pytest

from harness.nginx import nginx_with, render
from harness.waiting import wait_for
from harness.wire import API, request_bytes
from support.application import Application

# Its interfaces' addresses; there is no such file without IPv6.
ADDRESSES = Path("/proc/net/if_inet6")
HAS_IPV6 = ADDRESSES.exists() and bool(ADDRESSES.read_text())

# What may stand at the http level once. nginx takes the first two only before the first map.
BEFORE_MAPS = """
map_hash_bucket_size 128;
map_hash_max_size 4096;
"""
ONCE = """
variables_hash_bucket_size 128;
limit_conn_log_level warn;
limit_req_log_level warn;
limit_conn_status 503;
limit_req_status 503;
merge_slashes on;
absolute_redirect on;
real_ip_header X-Real-IP;
error_log /dev/null;
server_tokens off;
"""
OTHER = """
map $http_upgrade $connection_upgrade { default upgrade; "" close; }
map $http_origin $cors_origin { default "https://other.example"; }
map "" $hsts { default "max-age=1"; }
map "" $correlation_id { default "other"; }
limit_req_zone $binary_remote_addr zone=user_allowance:1m rate=1000r/s;
limit_conn_zone $binary_remote_addr zone=connections_per_address:1m;
"""


@pytest.mark.parametrize("name", ["a.conf", "z.conf"], ids=["read before", "read after"])
def test_site_with_the_same_directives_and_names_coexists(stack, tmp_path, user, track, name):
    def sites(port):
        server = f"""
            server {{
                listen 127.0.0.1:{port};
                server_name other.example;
                limit_req zone=user_allowance burst=10;
                limit_conn connections_per_address 10;
                return 200 "$cors_origin $hsts $correlation_id";
            }}"""
        return {name: (BEFORE_MAPS if name < "novatune.conf" else "") + ONCE + OTHER + server}

    with nginx_with(stack, tmp_path, sites=sites, CORS_ORIGINS="https://player.example") as port:
        api = API(f"http://127.0.0.1:{port}")
        other = api.request("GET", "/", {"Host": "other.example", "Origin": "https://player.example"})
        assert (other.status, other.body) == (200, b"https://other.example max-age=1 other")
        answer = api.stream(track.id, user.token, {"Origin": "https://player.example", "X-Correlation-Id": "kept"})
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") == "https://player.example"
    assert answer.header("X-Correlation-Id") == "kept"
    assert answer.header("Strict-Transport-Security") is None


def test_only_blocks_zones_formats_and_variables_stand_at_the_http_level(stack, tmp_path):
    """What the former test does not try: a directive that a later commit adds."""
    assert render(stack, tmp_path).returncode == 0
    main = (tmp_path / "conf.d/novatune.conf").read_text()
    files = [main] + [(tmp_path / name).read_text() for name in re.findall(r"^include (.*);", main, re.MULTILINE)]
    # Each begins in the first column; what is in a block is indented.
    directives = {word for text in files for word in re.findall(r"^(\w+) ", text, re.MULTILINE)}
    assert directives == {
        "include", "map", "geo", "upstream", "server", "log_format", "limit_req_zone", "limit_conn_zone"}


def test_long_origin_needs_no_larger_hash(stack, tmp_path, track):
    origin = "https://" + "a" * 60 + ".players.example.com:8443"
    with nginx_with(stack, tmp_path, CORS_ORIGINS=origin) as port:
        api = API(f"http://127.0.0.1:{port}")
        assert api.stream(track.id, headers={"Origin": origin}).header("Access-Control-Allow-Origin") == origin
        for other in (origin.replace(".", "x", 1), origin + ".evil.example", "x" + origin):
            assert api.stream(track.id, headers={"Origin": other}).header("Access-Control-Allow-Origin") is None


def test_another_site_is_the_default_server(stack, tmp_path, user, track):
    def sites(port):
        # With a socket option, which only one site of an address may set.
        return {"a.conf": f"server {{ listen 127.0.0.1:{port} default_server backlog=100; return 200 other; }}"}

    settings = {"DEFAULT_SERVER": "off", "BACKLOG": "off", "SERVER_NAME": "music.example"}
    with nginx_with(stack, tmp_path, sites=sites, **settings) as port:
        api = API(f"http://127.0.0.1:{port}")
        assert api.request("GET", "/", {"Host": "unknown.example"}).body == b"other"
        assert api.stream(track.id, user.token, {"Host": "music.example"}).status == 200


def test_site_that_is_no_default_server_must_be_named(stack, tmp_path):
    rendered = render(stack, tmp_path, DEFAULT_SERVER="off")
    assert rendered.returncode != 0
    assert "NOVATUNE_NGINX_DEFAULT_SERVER" in rendered.stderr and "NOVATUNE_NGINX_SERVER_NAME" in rendered.stderr


@pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
def test_ipv6_is_served_with_operations_pages_on_its_loopback(stack, tmp_path, user, track):
    with nginx_with(stack, tmp_path, LISTEN="127.0.0.1:PORT [::1]:PORT") as port:
        for host in ("127.0.0.1", "[::1]"):
            api, named = API(f"http://{host}:{port}"), {"Host": f"{host}:{port}"}
            assert api.stream(track.id, user.token, named).status == 200
            assert api.request("GET", "/healthz", named).status == 200


def test_default_addresses_have_ipv6_where_the_machine_has_it(stack, tmp_path):
    assert render(stack, tmp_path, LISTEN="").returncode == 0
    listens = re.findall(r"^listen (\S+) ", (tmp_path / "conf.d/listen-http.inc").read_text(), re.MULTILINE)
    assert listens == ["80", "[::]:80"] if HAS_IPV6 else ["80"]


def test_clients_of_one_ipv6_network_share_their_connections(stack, tmp_path):
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "CONNECTIONS_PER_ADDRESS": "1"}

    def ask(address):
        return request_bytes("POST", "/tracks/x/stream", {"X-Forwarded-For": address})

    with Application(tmp_path / "silent.sock", lambda _: None) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=responder.address, **settings) as port:
            api = API(f"http://127.0.0.1:{port}")
            with api.connection() as first, api.connection() as second:
                first.send(ask("2001:db8::1"))
                wait_for(lambda: len(responder.requests) == 1)
                assert api.raw(ask("2001:db8::ffff:1")).status == 429
                second.send(ask("2001:db8:0:1::1"))
                wait_for(lambda: len(responder.requests) == 2)


@pytest.mark.parametrize("version, parameter, directive", [
    ("1.22.1", True, False), ("1.25.0", True, False), ("1.25.1", False, True), ("1.30.6", False, True),
    ("2.0.0", False, True)])
def test_http_2_is_written_as_the_version_of_nginx_reads_it(stack, tmp_path, version, parameter, directive):
    settings = {"SCHEME": "https", "CERTIFICATE": "/c.pem", "CERTIFICATE_KEY": "/k.pem", "VERSION": version}
    assert render(stack, tmp_path, **settings).returncode == 0
    listen = (tmp_path / "conf.d/listen-https.inc").read_text()
    assert (" ssl http2" in listen, "http2 on;" in listen) == (parameter, directive)
