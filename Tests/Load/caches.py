"""Ways to the cache, on one Redis: a socket, TCP, TLS, and copies in the responder's own memory in front of it."""

import subprocess

from harness.nginx import free_port

WAYS = ("socket", "tcp", "tls", "copies")
# Of the responder; as many as the entries that a run asks for, or more.
COPIES = 100_000


def settings(servers, directory):
    """The responder's, by way."""
    return {
        "socket": {}, "tcp": {"NOVATUNE_CACHE_URL": servers["CACHE_URL"]}, "tls": over_tls(servers, directory),
        "copies": {"NOVATUNE_CACHE_COPIES": str(COPIES)}}


def over_tls(servers, directory):
    """Opens a port for TLS 1.3 in the stack's Redis."""
    certificate, key, port = directory / "redis.crt", directory / "redis.key", free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=cache", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    done = subprocess.run(
        ["redis-cli", "-e", "-s", servers["REDIS_SOCKET"], "config", "set", "tls-cert-file", certificate,
         "tls-key-file", key, "tls-ca-cert-file", certificate, "tls-auth-clients", "no", "tls-port", str(port)],
        capture_output=True, text=True)
    if done.stdout.strip() != "OK":
        raise RuntimeError(f"Redis opens no port for TLS: {done.stdout}{done.stderr}")
    return {"NOVATUNE_CACHE_URL": f"rediss://127.0.0.1:{port}", "NOVATUNE_CACHE_CA_FILE": str(certificate)}
