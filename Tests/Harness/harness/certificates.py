"""Certificates of servers that a test starts."""

import subprocess


def self_signed(directory, name, subject="IP:127.0.0.1"):
    """A certificate for the subject, `IP:…` or `DNS:…`, that a client trusts by itself; and its key."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", f"subjectAltName={subject}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key
