"""A Redis without TLS behind stunnel, as operators run it: which versions of TLS are spoken, and which name the
responder sends."""

import pytest

from caches import assert_is_named, assert_is_used, checked, is_stored, start
from harness import stunnel
from harness.certificates import self_signed
from harness.hosts import Hosts
from harness.nginx import free_port
from harness.redis_server import RedisServer
from harness.stunnel import Stunnel

pytestmark = pytest.mark.skipif(not stunnel.program(), reason="stunnel: not installed")
NAMES = ("tracks.test", "others.test")


@pytest.fixture
def redis(tmp_path):
    server = RedisServer(tmp_path / "redis")
    yield server
    server.stop()


@pytest.fixture
def tunnel(tmp_path, redis):
    """Starts stunnel in front of the server, with these lines; returns it, the URL, and the responder's settings."""
    made = []

    def start(**lines):
        certificate, key = self_signed(tmp_path, "stunnel")
        service = {"connect": redis.address, "cert": certificate, "key": key} | lines
        made.append(Stunnel(tmp_path, {"cache": service}))
        return made[0], f"rediss://127.0.0.1:{made[0].port}/0", {"NOVATUNE_CACHE_CA_FILE": str(certificate)}

    yield start
    for server in made:
        server.stop()


@pytest.mark.parametrize(("version", "lines"), [("TLSv1.3", {}), ("TLSv1.2", {"sslVersion": "TLSv1.2"})])
def test_urls_are_cached_through_stunnel(responders, command, tunnel, redis, track, version, lines):
    server, url, settings = tunnel(**lines)
    responder = start(responders, url, **settings)
    assert_is_used(responder, redis, track)
    assert responder.gate("/readyz")[0] == 200 and responder.events("dependency failed") == []
    assert checked(command, responder, url, **settings)[0] == "ok"
    assert server.versions() == {version}


def test_server_that_offers_tls_1_1_alone_is_refused(responders, command, tunnel, redis, track):
    # OpenSSL signs a handshake of TLS 1.1 at this level only.
    server, url, settings = tunnel(sslVersion="TLSv1.1", ciphers="DEFAULT:@SECLEVEL=0")
    responder = start(responders, url, **settings)
    cause = "the server supports neither TLS 1.2 nor 1.3"
    assert_is_named(responder, cause, track)
    word, explanation = checked(command, responder, url, **settings)
    assert word == "warning" and cause in explanation
    assert not is_stored(redis, track) and server.versions() == set()


@pytest.fixture
def servers(tmp_path):
    """A Redis for each of the names; only they lead to it."""
    made = {name: RedisServer(tmp_path / name) for name in NAMES}
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture
def start_at(tmp_path, servers, responders):
    """Starts a responder with this host in its URL. It knows the names, and stunnel chooses a service by what it sends;
    the one without a name leads to no server."""
    certificates = {name: self_signed(tmp_path, name, f"DNS:{name}") for name in NAMES}
    certificates["default"] = self_signed(tmp_path, "default")
    services = {"default": {"connect": f"127.0.0.1:{free_port()}"}}
    services |= {name: {"sni": f"default:{name}", "connect": server.address} for name, server in servers.items()}
    for name, (certificate, key) in certificates.items():
        services[name] |= {"cert": certificate, "key": key}
    authorities, hosts = tmp_path / "authorities.pem", Hosts(tmp_path)
    authorities.write_bytes(b"".join(certificate.read_bytes() for certificate, _ in certificates.values()))
    for name in NAMES:
        hosts.set(name, "127.0.0.1")
    server = Stunnel(tmp_path, services)
    yield lambda host: start(
        responders, f"rediss://{host}:{server.port}/0", command=hosts.command, NOVATUNE_CACHE_CA_FILE=str(authorities))
    server.stop()


@pytest.mark.skipif(bool(Hosts.reason_against()), reason=Hosts.reason_against())
@pytest.mark.parametrize("name", NAMES)
def test_name_of_the_url_chooses_the_server_behind_stunnel(start_at, servers, track, name):
    assert_is_used(start_at(name), servers[name], track)
    assert [is_stored(server, track) for server in servers.values()].count(True) == 1


@pytest.mark.skipif(bool(Hosts.reason_against()), reason=Hosts.reason_against())
def test_address_in_the_url_leads_to_no_server_that_has_a_name(start_at, servers, track):
    assert_is_named(start_at("127.0.0.1"), "before its first answer", track)
    assert not any(is_stored(server, track) for server in servers.values())
