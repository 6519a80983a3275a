"""The stack's object store behind a proxy that answers some calls itself."""

import contextlib
import subprocess

from harness import evidence
from harness.nginx import answers, command, free_port
from harness.waiting import wait_for

CONFIGURATION = """
user root;
worker_processes 1;
pid {directory}/nginx.pid;
events {{}}
http {{
    access_log off;
    default_type application/xml;
    client_body_temp_path {directory}/bodies;
    # A key is longer than a line of the processor's cache.
    map_hash_bucket_size 512;
    map "$request_method $uri" $fault {{
        default "";
        {faults}
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            {answers}
            proxy_pass {endpoint};
            # It is signed.
            proxy_set_header Host $http_host;
            proxy_http_version 1.1;
        }}
    }}
}}
"""


def answer(fault):
    status, _, code = fault.partition(" ")
    body = f" '<Error><Code>{code}</Code></Error>'" if code else ""
    return f'if ($fault = "{fault}") {{ return {status}{body}; }}'


@contextlib.contextmanager
def faulty_store(stack, directory, faults, port=None):
    """Yields the port. `faults` are a status and a code of S3, such as "500 InternalError", by what is asked:
    "GET key" of the stack's bucket, or a regular expression of method and path, begun by ~. 444 closes the connection."""
    port = port or free_port()
    asked = lambda key: key if key.startswith("~") else key.replace(" ", f" /{stack['S3_BUCKET']}/", 1)
    (directory / "nginx.conf").write_text(CONFIGURATION.format(
        directory=directory, port=port, endpoint=stack["S3_ENDPOINT"],
        faults=" ".join(f'"{asked(key)}" "{fault}";' for key, fault in faults.items()),
        answers=" ".join(answer(fault) for fault in dict.fromkeys(faults.values()))))
    evidence.keep_file(directory / "error.log")
    process = subprocess.Popen(
        command(directory, "-g", "daemon off;"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(port) or process.poll() is not None, 10, "the faulty store")
        assert process.poll() is None, (directory / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(10)
