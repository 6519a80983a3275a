"""nginx in front of the stack's object store, as operators set it up, rightly and wrongly."""

import contextlib
import subprocess
from urllib.parse import urlsplit

from harness.nginx import free_port, program
from harness.waiting import wait_for

# Each server's port and certificate lines, and its location.
SERVERS = {
    "as it should be": "location / { proxy_pass http://STORE; proxy_set_header Host $http_host; }",
    "another host": "location / { proxy_pass http://STORE; proxy_set_header Host store.internal; }",
    "without range": 'location / { proxy_pass http://STORE; proxy_set_header Host $http_host; proxy_set_header Range ""; }',
    "path removed": "location /s3/ { proxy_pass http://STORE/; proxy_set_header Host $http_host; }",
    "no store": "location / { return 404; }",
    "client certificate":
        "ssl_certificate DIR/server.crt; ssl_certificate_key DIR/server.key; ssl_client_certificate DIR/ca.crt;"
        " ssl_verify_client on; location / { proxy_pass http://STORE; proxy_set_header Host $http_host; }",
}


def make_certificates(directory):
    """An authority, and certificates by it for a server on 127.0.0.1 and for a client."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=authority of the tests", "-keyout", "ca.key", "-out",
            "ca.crt")
    (directory / "server.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    (directory / "client.ext").write_text("extendedKeyUsage=clientAuth\n")
    for name in ("server", "client"):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")


@contextlib.contextmanager
def store_proxies(directory, store):
    """Yields the URL of each server by its name, while nginx runs."""
    make_certificates(directory)
    urls, servers = {}, []
    for name, lines in SERVERS.items():
        port, is_tls = free_port(), "ssl_certificate" in lines
        urls[name] = f"{'https' if is_tls else 'http'}://127.0.0.1:{port}"
        servers.append(f"server {{ listen 127.0.0.1:{port}{' ssl' if is_tls else ''}; {lines} }}")
    text = "\n".join(servers).replace("STORE", urlsplit(store).netloc).replace("DIR", str(directory))
    temporary = "\n".join(
        f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (directory / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {directory}/nginx.pid;\nworker_processes 1;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}\n{text}\n}}\n")
    with open(directory / "nginx.log", "wb") as log:
        process = subprocess.Popen(
            [program(), "-p", directory, "-c", directory / "nginx.conf", "-e", directory / "error.log"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for(lambda: process.poll() is not None or (directory / "nginx.pid").exists(), 10, "nginx")
        assert process.poll() is None, (directory / "error.log").read_text()
        yield urls
    finally:
        process.terminate()
        process.wait(10)
