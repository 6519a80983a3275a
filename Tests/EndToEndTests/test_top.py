"""`novatune-streamd top`: live figures."""

import contextlib
import os
import re
import subprocess

import pytest


def figures(line):
    return dict(part.split("=", 1) for part in re.findall(r"\S+=[^=]*(?= \S+=|$)", line))


def test_lines_show_the_figures_of_the_responder(stack, command, api, user, track):
    for _ in range(5):
        assert api.stream(track.id, user.token).status == 200
    done = command("top", "--url", f"{stack['BASE_URL']}/metrics", "--count", "2", "--interval", "100ms")
    first, second = (figures(line) for line in done.stdout.splitlines())
    assert done.returncode == 0 and done.stderr == ""
    assert set(first) == set(second) == {
        "requests/s", "5xx/s", "p50", "p95", "p99", "hits", "busy", "cache", "database", "object_store", "cpu",
        "memory"}
    assert first["database"] == "closed" and first["hits"].endswith(" %") and first["p50"].endswith(" ms")


def on_a_terminal(stack, *arguments):
    """What `top` writes to one."""
    screen, terminal = os.openpty()
    written = b""
    with subprocess.Popen([stack["RESPONDER_BINARY"], "top", "--url", f"{stack['BASE_URL']}/metrics", *arguments],
        stdout=terminal) as process:
        os.close(terminal)
        # Linux ends a terminal that no process writes to any more with EIO.
        with contextlib.suppress(OSError):
            while part := os.read(screen, 65536):
                written += part
        assert process.wait(20) == 0
    os.close(screen)
    return written.decode()


def test_terminal_shows_the_figures(stack):
    text = on_a_terminal(stack, "--count", "1")
    for words in (
        "novatune-streamd", "requests", "latency", "loops", "database      answers", "keys       current", "process"):
        assert words in text


def test_terminal_is_redrawn(stack):
    """Each time from the top left on, each line to its end, and nothing is left below."""
    text = on_a_terminal(stack, "--count", "3", "--interval", "100ms")
    nothing, *screens = text.split("\x1b[H")
    assert nothing == "" and len(screens) == 3
    for screen in screens:
        *lines, end = screen.rstrip().split("\r\n")
        assert end == "\x1b[J" and "\x1b[J" not in "".join(lines)
        assert "novatune-streamd" in lines[0] and all(line.endswith("\x1b[K") for line in lines)


@pytest.mark.parametrize("arguments, code, words", [
    (["--url", "http://127.0.0.1:1/metrics"], 1, "connect"), (["--interval", "0s"], 64, "--interval"),
    (["--count", "0"], 64, "--count"),
])
def test_invalid_argument_or_unreachable_page_is_reported(command, arguments, code, words):
    done = command("top", *arguments)
    assert done.returncode == code and words in done.stderr and done.stdout == ""


def test_page_of_another_program_is_reported(stack, command):
    done = command("top", "--url", f"{stack['BASE_URL']}/healthz")
    assert done.returncode == 1 and "no responder's metrics there" in done.stderr
