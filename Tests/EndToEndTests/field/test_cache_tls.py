"""A cache server that speaks TLS only, and certificates that are replaced while requests are answered."""

import subprocess

import pytest

from harness.nginx import free_port
from harness.redis_server import RedisServer
from harness.waiting import wait_for


def make_certificate(directory, name):
    """Self-signed, for this machine: a client trusts it by itself."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key


class TLSRedis(RedisServer):
    def __init__(self, directory):
        self._directory = directory
        certificate, key = make_certificate(directory, "first")
        self.authorities = directory / "authorities.pem"
        self.authorities.write_bytes(certificate.read_bytes())
        port = free_port()
        self.url = f"rediss://127.0.0.1:{port}/0"
        super().__init__(
            directory, "--port", "0", "--tls-port", str(port), "--tls-cert-file", certificate, "--tls-key-file", key,
            "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no")

    def connections(self):
        return len(self.cli("client", "list", "type", "normal").splitlines())

    def replace_certificate(self):
        certificate, key = make_certificate(self._directory, "second")
        assert self.cli("config", "set", "tls-cert-file", certificate, "tls-key-file", key) == "OK"
        self.cli("client", "kill", "type", "normal")
        return certificate


@pytest.fixture
def tls_redis(tmp_path):
    redis = TLSRedis(tmp_path)
    yield redis
    redis.stop()


def start(responders, redis):
    responder = responders().leave_out("CACHE_URL").start_on_own_sockets(
        NOVATUNE_CACHE_URL=redis.url, NOVATUNE_CACHE_CA_FILE=str(redis.authorities))
    wait_for(lambda: cache(responder)["status"] == "ok", 10, "the cache")
    return responder


def cache(responder):
    return responder.readiness()["cache"]


def assert_is_cached(responder, redis, track):
    key = f"stream:{track.owner.id}:{track.id}"
    assert responder.ask(track, track.owner.token)[0] == 200
    wait_for(lambda: redis.cli("exists", key) == "1", 10, "the entry")
    before = responder.metrics()["stream_url_cache_hits_total"]
    assert responder.ask(track, track.owner.token)[0] == 200
    assert responder.metrics()["stream_url_cache_hits_total"] == before + 1


def test_urls_are_cached_over_tls(responders, tls_redis, track):
    responder = start(responders, tls_redis)
    assert_is_cached(responder, tls_redis, track)
    assert responder.events("dependency failed") == []


def test_authorities_that_are_replaced_hold_for_the_next_connection(responders, tls_redis, world, user):
    responder = start(responders, tls_redis)
    connections = tls_redis.connections()
    certificate = tls_redis.replace_certificate()
    refused = wait_for(lambda: cache(responder)["status"] == "failed" and cache(responder), 10, "the refusal")
    assert "no known authority has issued the server's certificate" in refused["reason"]
    tls_redis.authorities.write_bytes(certificate.read_bytes())
    wait_for(lambda: cache(responder)["status"] == "ok", 10, "the cache with its new certificate")
    wait_for(lambda: tls_redis.connections() >= connections, 20, "the loop's own connections")
    assert_is_cached(responder, tls_redis, world.track(user))
