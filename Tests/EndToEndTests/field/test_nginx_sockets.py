"""nginx and the sockets of its responders: why one cannot be opened, and a responder whose address changes."""

import grp
import os
import re
import shutil
import socket
import stat
import time
from http.client import HTTPException

import pytest

from harness.nginx import free_port, nginx_with, render, version
from harness.waiting import wait_for
from harness.wire import API
from support.application import Application, in_headers
from support.names import Names
from support.problems import assert_problem

SECRET = "canary-of-a-careless-client"
OWN_LINE = r'request: "GET /(stream|gate) HTTP/1\.[01]"'


def reasons(directory, text):
    """The lines of nginx's error log with this reason."""
    return [line for line in (directory / "error.log").read_text().splitlines() if text in line]


def absent(directory):
    return directory / "absent.sock"


def refusing(directory):
    path = directory / "refusing.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return path


@pytest.mark.parametrize("kind, reason", [(absent, "No such file or directory"), (refusing, "Connection refused")])
@pytest.mark.parametrize("page, setting, method", [
    ("/tracks/x/stream", "STREAM_SOCKETS", "POST"), ("/readyz", "GATE_SOCKETS", "GET"),
    ("/metrics/1", "GATE_SOCKETS", "GET")])
def test_reason_of_a_closed_socket_is_logged_without_the_request(
        stack, tmp_path, kind, reason, page, setting, method):
    path = kind(tmp_path)
    with nginx_with(stack, tmp_path, **{setting: f"unix:{path}"}) as port:
        headers = {"Authorization": f"Bearer {SECRET}", "Referer": f"https://{SECRET}.example/"}
        answer = API(f"http://127.0.0.1:{port}").request(method, f"{page}?access_token={SECRET}", headers)
        assert_problem(answer, "service-unavailable", page)
        line = wait_for(lambda: reasons(tmp_path, reason))[0]
    assert f"connect() to unix:{path} failed" in line and re.search(OWN_LINE, line)
    log = (tmp_path / "error.log").read_text()
    assert SECRET not in log and "/tracks/" not in log and "referrer" not in log


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start nginx as another account")
def test_socket_that_nginx_may_not_open_is_named(stack, tmp_path_factory, user, track):
    directory = tmp_path_factory.mktemp("refused")
    with Application(directory / "stream.sock", lambda _: None) as responder:
        os.chmod(directory / "stream.sock", 0o660)
        # The workers need the way to the socket, and the log is opened by the master.
        for parent in [directory, *directory.parents[:2]]:
            parent.chmod(0o711)
        with nginx_with(stack, directory, account="www-data", STREAM_SOCKETS=responder.address) as port:
            assert API(f"http://127.0.0.1:{port}").stream(track.id, user.token).status == 503
            line = wait_for(lambda: reasons(directory, "Permission denied"))[0]
    assert f"connect() to {responder.address} failed (13: Permission denied)" in line
    assert not responder.requests


def test_operator_can_have_all_sockets_opened(stack, tmp_path):
    """Where another responder answers, no request looks for the reason."""
    with Application(tmp_path / "b.sock", lambda _: b"Status: 404\r\n\r\n") as b:
        sockets = f"unix:{absent(tmp_path)} {b.address} unix:{refusing(tmp_path)}"
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=sockets) as port:
            API(f"http://127.78.84.1:{port}").request("GET", "/stream")
            assert wait_for(lambda: reasons(tmp_path, str(absent(tmp_path))))
            assert wait_for(lambda: reasons(tmp_path, "Connection refused"))
    assert [request["REQUEST_URI"] for request in b.requests] == ["/"]


def test_many_failures_are_a_few_lines(stack, tmp_path, track):
    with nginx_with(stack, tmp_path, STREAM_SOCKETS=f"unix:{absent(tmp_path)}") as port:
        began = time.monotonic()
        with API(f"http://127.0.0.1:{port}").connection() as connection:
            for _ in range(100):
                assert connection.exchange("POST", track.path).status == 503
        seconds = time.monotonic() - began
        wait_for(lambda: reasons(tmp_path, "No such file"))
    assert len(reasons(tmp_path, "No such file")) <= seconds + 2


@pytest.mark.parametrize("target", ["/stream", "/stream?x", "/", "/tracks/x/stream"])
def test_another_process_of_this_host_writes_nothing_to_the_log(stack, tmp_path, target):
    with nginx_with(stack, tmp_path, STREAM_SOCKETS=f"unix:{absent(tmp_path)}") as port:
        api = API(f"http://127.78.84.1:{port}")
        for headers in ({"Referer": SECRET}, {"Referer": SECRET, "Host": SECRET}):
            with pytest.raises((OSError, HTTPException)):
                api.request("GET", target, headers)
        with pytest.raises((OSError, HTTPException)):
            api.request("POST", target)
    assert SECRET not in (tmp_path / "error.log").read_text()


def test_log_is_empty_where_all_is_well(stack, tmp_path, user, track):
    with nginx_with(stack, tmp_path) as port:
        api = API(f"http://127.0.0.1:{port}")
        assert api.stream(track.id, user.token).status == 200
        assert api.request("GET", "/nothing").status == 404
        assert api.request("GET", "/_sockets").status == 404 and api.request("GET", "/_unanswered/").status == 404
    assert not reasons(tmp_path, "novatune_sockets")


# A responder behind a name

FOLLOWS_NAMES = version() >= (1, 27, 3)


@pytest.mark.skipif(not FOLLOWS_NAMES, reason="nginx 1.27.3 and newer look a name up again")
def test_responder_whose_name_gets_another_address_is_followed(stack, tmp_path, user, track):
    port = free_port()
    hosts = ["127.0.0.2", "127.0.0.3"]

    def answer(request):
        return in_headers(200, user=user.id) if "ANSWER_IN" in request else b"Content-Type: text/plain\r\n\r\n"

    first, second = (Application((host, port), answer) for host in hosts)
    with first as a, second as b, Names(hosts[0]) as names:
        named = f"responder.example:{port}"
        settings = {"STREAM_SOCKETS": named, "GATE_SOCKETS": named, "RESOLVER": names.address}
        with nginx_with(stack, tmp_path, **settings) as nginx:
            api = API(f"http://127.0.0.1:{nginx}")
            wait_for(lambda: api.stream(track.id, user.token).status == 200)
            assert a.requests and not b.requests
            names.host = hosts[1]
            wait_for(lambda: api.stream(track.id, user.token).status == 200 and b.requests)
            for page in ("/metrics", "/metrics/1"):
                before = len(b.requests)
                wait_for(lambda: api.request("GET", page).status == 200 and len(b.requests) > before)


def test_resolver_is_refused_where_nginx_cannot_use_it(stack, tmp_path):
    settings = {"STREAM_SOCKETS": "responder.example:9000", "RESOLVER": "10.0.0.2"}
    rendered = render(stack, tmp_path, VERSION="1.27.2", **settings)
    assert rendered.returncode != 0
    assert "NOVATUNE_NGINX_RESOLVER" in rendered.stderr and "1.27.3" in rendered.stderr and "reload" in rendered.stderr
    assert render(stack, tmp_path, VERSION="1.27.3", **settings).returncode == 0
    main = (tmp_path / "conf.d/novatune.conf").read_text()
    assert "server responder.example:9000 max_fails=1 fail_timeout=5s resolve max_conns=256;" in main


def test_name_without_resolver_is_mentioned(stack, tmp_path):
    rendered = render(stack, tmp_path, STREAM_SOCKETS="responder.example:9000 localhost:9001 10.0.0.1:9000")
    assert rendered.returncode == 0
    (line,) = rendered.stderr.splitlines()
    assert "responder.example:9000" in line and "NOVATUNE_NGINX_RESOLVER" in line


@pytest.mark.parametrize("host, is_sent", [("127.0.0.1", True), ("elsewhere", False)])
def test_time_of_arrival_counts_on_one_host_only(stack, tmp_path, user, track, host, is_sent):
    """A responder with another clock would take the difference for a wait."""
    port = free_port()
    sockets = f"127.0.0.1:{port}" if is_sent else f"127.0.0.1:{port} 192.0.2.1:{port}"
    with Application(("127.0.0.1", port), lambda _: in_headers(200, user=user.id)) as responder:
        with nginx_with(stack, tmp_path, STREAM_SOCKETS=sockets) as nginx:
            wait_for(lambda: API(f"http://127.0.0.1:{nginx}").stream(track.id, user.token).status == 200)
    assert all(("RECEIVED_AT" in request) == is_sent for request in responder.requests)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another group")
def test_socket_of_a_responder_has_the_group_of_its_setgid_directory(responders, tmp_path):
    directory = tmp_path / "run"
    directory.mkdir()
    shutil.chown(directory, group="www-data")
    directory.chmod(0o2750)
    responders().start(NOVATUNE_LISTEN=f"unix:{directory}/s", NOVATUNE_GATE_LISTEN=f"unix:{directory}/g")
    for name in "sg":
        status = wait_for(lambda: (directory / name).exists() and (directory / name).stat())
        assert (stat.S_IMODE(status.st_mode), grp.getgrgid(status.st_gid).gr_name) == (0o660, "www-data")
