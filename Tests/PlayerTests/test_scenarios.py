"""What listeners of other players reported, in a page of any site. The tests beside have the others."""

import contextlib
import http.server
import threading
import time

import pytest

from browser import ChromiumByDevTools, ChromiumThatAsks, Firefox, FirefoxThatEndsWorkers
from harness.waiting import wait_for
from noise import RATE, joints
from test_renewals import EXACT, MODES, assert_posts


@contextlib.contextmanager
def answering(status, body):
    """A store that answers each request with this, and with no header that lets a page read it. Yields its port, and
    the requests."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            requests.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, requests
    finally:
        server.shutdown()
        server.server_close()


# The service gives a listener the same URL for 90 s.
AS_SHIPPED = {"NOVATUNE_PRESIGN_EXPIRY": "120s", "NOVATUNE_CACHE_TTL_BUFFER": "30s"}
SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>"


@MODES
@pytest.mark.parametrize("status", [429, 503])
def test_store_that_asks_for_patience_gets_it(player, song, store, s3_address, loudspeaker, original, mode, status):
    player = player(mode)
    with loudspeaker.recording() as recording, answering(status, SLOW_DOWN) as (port, requests):
        player.begin(song)
        store.point_at("127.0.0.1", port)
        wait_for(lambda: len(requests) >= 3, 90, "requests that are refused")
        store.point_at(*s3_address)
        player.wait_for_position(30)
    assert player.problem is None
    passages = original.passages(recording.samples())
    # Directly, what a browser had given to the sound card ahead of its own clock may come again.
    assert all(joint.missing <= EXACT for joint in joints(passages))
    if mode == "worker":
        assert all(joint.missing >= -EXACT for joint in joints(passages))


@MODES
@pytest.mark.parametrize("status", [403, 503])
def test_same_url_is_tried_again_while_it_has_time_left(player, song, store, s3_address, mode, status):
    player = player(mode, settings=AS_SHIPPED)
    player.begin(song)
    with answering(status, SLOW_DOWN) as (port, requests):
        store.point_at("127.0.0.1", port)
        player.run("source.seek(120)")
        wait_for(lambda: len(requests) >= 4, 30, "requests that are refused")
        store.point_at(*s3_address)
        player.wait_for_position(121)
    assert player.problem is None and player.renewals == 0


@MODES
def test_store_that_refuses_all_is_named_after_a_few_requests(player, song, store, mode):
    # The store verifies signatures, and these are by another key.
    player = player(
        mode, settings=AS_SHIPPED | {"NOVATUNE_S3_SECRET_ACCESS_KEY": "another", "NOVATUNE_S3_VERIFY": "none"})
    player.play(song)
    wait_for(lambda: player.run("return performance.now()") > 60_000 or player.state == "failed", 90, "a minute")
    assert len(player.service.posts()) <= 8 and store.requests <= 8
    # This store's refusals have no CORS headers: a source that plays by the worker plays directly after some of them.
    assert player.mode == "direct"
    # Each time the device comes back the source tries without a pause.
    wait_for(lambda: player.run("dispatchEvent(new Event('online'))") or player.state == "failed", 120, "the end")
    assert player.problem["reason"] == "store"
    assert [event["name"] for event in player.run("return happened")].count("problem") == 1


@pytest.mark.parametrize("settings", [{}, AS_SHIPPED], ids=["short", "as-shipped"])
def test_bucket_without_cors_rules_is_played_directly(player, song, s3, stack, settings):
    player = player("worker", settings=settings)
    s3.delete_bucket_cors(Bucket=stack["S3_BUCKET"])
    player.begin(song)
    assert player.mode == "direct" and player.problem is None


def test_browser_that_reports_no_error_is_watched(player, song):
    player = player("direct")
    player.begin(song)
    player.run("for (const name of ['error', 'ended', 'waiting', 'stalled']) "
        "addEventListener(name, (event) => event.stopImmediatePropagation(), true)")
    player.pause_past_the_urls_end()
    player.run("source.seek(100); audio.play()")
    player.wait_for_position(102)
    assert player.state == "playing"


def test_position_that_the_element_forgets_is_set_again(player, song):
    player = player("direct")
    player.run("""
        const {get, set} = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'currentTime');
        Object.defineProperty(audio, 'currentTime', {get, set(seconds) { if (this.readyState > 0) set.call(this, seconds); }})""")
    player.play(song, position=90)
    player.wait_for(state="playing")
    assert player.position >= 90


@MODES
@pytest.mark.parametrize("service", ["delay", "refuse"])
def test_three_seeks_while_the_service_is_slow_or_away_end_at_the_last(player, song, mode, service):
    player = player(mode)
    player.begin(song)
    player.pause_past_the_urls_end()
    player.service.proxy.set_mode(service)
    player.run("""
        audio.play();
        for (const seconds of [60, 90, 120]) {
            source.seek(seconds);
            await new Promise((resolve) => setTimeout(resolve, 100));
        }""")
    player.service.proxy.set_mode("pass")
    player.wait_for_position(121)
    assert player.position < 150 and player.problem is None


@pytest.mark.parametrize("mode", ["worker", "direct"])
@pytest.mark.parametrize("browser", [ChromiumThatAsks], indirect=True, ids=["chromium"])
def test_browser_that_wants_a_gesture_is_ready_for_it(player, song, mode):
    player = player(mode)
    player.play(song)
    player.wait_for(state="paused")
    wait_for(lambda: player.run("return audio.readyState") > 0, 20, "the metadata")
    assert player.problem is None and player.state == "paused"
    player.run("audio.play()", is_gesture=True)
    player.wait_for(state="playing")
    assert_posts(player, 200)


@MODES
@pytest.mark.parametrize("browser", [ChromiumByDevTools, Firefox], indirect=True, ids=lambda engine: engine.name)
def test_tab_that_was_frozen_past_the_urls_end_goes_on_with_one_request(player, song, loudspeaker, original, mode):
    player = player(mode)
    with loudspeaker.recording() as recording:
        player.begin(song)
        player.run("audio.pause()")
        player.wait_for(state="paused")
        position = player.position
        player.tab.freeze()
        thawed_at = time.monotonic() + 6  # The life of a URL is 5 s.
        wait_for(lambda: time.monotonic() > thawed_at, 30, "the end of the URL")
        before = player.service.proxy.requests
        player.tab.thaw()
        player.run("await audio.play()")
        player.wait_for(state="playing")
        # A browser in worker mode plays from its buffer, and asks beside it.
        assert player.service.proxy.requests - before <= 1
        player.wait_for_position(position + 15)
    passages = original.passages(recording.samples())
    # Chromium closes the sound card of a frozen tab: what it had given to the card ahead of its clock comes again.
    assert all(joint.missing <= EXACT for joint in joints(passages))
    assert abs(passages[-1].track - position * RATE) <= EXACT
    assert player.problem is None and set(player.service.posts()) == {200}


@pytest.mark.parametrize("browser", [ChromiumByDevTools], indirect=True, ids=["chromium"])
def test_worker_that_the_browser_ends_is_not_missed(player, song, loudspeaker, original):
    player = player("worker")
    with loudspeaker.recording() as recording:
        player.begin(song)
        for second in range(2, 42, 2):
            player.tab.stop_workers()
            player.wait_for_position(second)
    assert player.mode == "worker" and player.problem is None and player.service.past_the_worker() == []
    assert player.happened("waiting", "stalled", "error", "seeking", "emptied") == []
    assert joints(original.passages(recording.samples())) == []


@pytest.mark.parametrize("browser", [FirefoxThatEndsWorkers], indirect=True, ids=["firefox"])
def test_workers_that_end_after_each_answer_are_not_missed(player, song, loudspeaker, original):
    player = player("worker")
    with loudspeaker.recording() as recording:
        player.begin(song)
        player.wait_for_position(25)
    assert player.mode == "worker" and player.problem is None and player.service.past_the_worker() == []
    assert player.renewals >= 3 and joints(original.passages(recording.samples())) == []


def test_store_that_the_workers_policy_does_not_allow_is_named(player, song):
    player = player("worker", nginx={"MEDIA_ORIGINS": "https://media.example"})
    player.play(song)
    player.wait_for(state="failed")
    assert player.problem["reason"] == "policy" and player.mode == "worker"
