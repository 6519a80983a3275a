"""Fixtures. The stack must be up; harness.fixtures says how it is found."""

import contextlib
import json
import shutil
from datetime import datetime
from urllib.parse import urlsplit

import pytest

pytest.register_assert_rewrite("harness", "support")

from browser import Chromium, Firefox
from harness.fixtures import api, mint, stack
from harness.nginx import nginx_with
from harness.stack import REPOSITORY
from harness.ulids import ulid
from harness.waiting import wait_for
from loudspeaker import MISSING, Loudspeaker
from noise import Original, noise, wav
from proxy import Proxy
from support.fixtures import responders, s3, shared_object, track, user, world


@pytest.fixture(scope="session")
def loudspeaker():
    if MISSING:
        pytest.skip(f"there is no {MISSING}")
    loudspeaker = Loudspeaker()
    yield loudspeaker
    loudspeaker.stop()


@pytest.fixture(scope="session", params=[Chromium, Firefox], ids=lambda engine: engine.name)
def browser(request, loudspeaker):
    if request.param.missing:
        pytest.skip(f"there is no {request.param.missing}")
    browser = request.param(loudspeaker.environment)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def original():
    return Original(noise(180))


@pytest.fixture
def proxied():
    """Puts a proxy that misbehaves on command in front of an address."""
    proxies = []

    def proxied(name, host, port):
        proxies.append(Proxy(name, host, port))
        proxies[-1].listen()
        return proxies[-1]

    yield proxied
    for proxy in proxies:
        proxy.set_mode("refuse")


@pytest.fixture
def s3_address(stack):
    parts = urlsplit(stack["S3_ENDPOINT"])
    return parts.hostname, parts.port


@pytest.fixture
def store(s3_address, proxied):
    """The object store behind a proxy."""
    return proxied("store", *s3_address)


class Bench:
    """A page with one element, in front of a responder whose URLs end soon."""

    def __init__(self, proxy, access_log):
        self.proxy, self._access_log = proxy, access_log
        self.player_url = f"http://127.0.0.1:{proxy.port}/player/"
        self.url = self.player_url + "bench.html"

    def _lines(self):
        return [json.loads(line) for line in self._access_log.read_text().splitlines()]

    def requests(self):
        """The time in seconds and the status of each request for a URL."""
        return [(datetime.fromisoformat(line["time"]).timestamp(), int(line["status"]))
            for line in self._lines() if line["method"] == "POST"]

    def posts(self):
        """The statuses of all requests for URLs."""
        return [status for _, status in self.requests()]

    def past_the_worker(self):
        """Requests for what the worker answers that reached nginx."""
        return [line for line in self._lines() if "/player/stream/" in json.dumps(line)]


@pytest.fixture
def bench(stack, s3, store, proxied, responders, tmp_path):
    """Starts one; `nginx` are nginx's settings, `html` another player's files, the others the responder's."""
    root = tmp_path / "html"
    with contextlib.ExitStack() as running:

        def start(nginx={}, html=None, **settings):
            shutil.copytree(html or REPOSITORY / "nginx/html", root)
            for name in ("bench.html", "bench.js"):
                shutil.copy(REPOSITORY / "Tests/PlayerTests" / name, root)
            origin = f"http://127.0.0.1:{store.port}"
            responder = responders().start_on_own_sockets(**{
                "NOVATUNE_PRESIGN_EXPIRY": "5s", "NOVATUNE_CACHE_TTL_BUFFER": "4s",
                "NOVATUNE_S3_PUBLIC_ENDPOINT": origin} | settings)
            port = running.enter_context(nginx_with(stack, tmp_path, **{
                "PLAYER_ROOT": root, "MEDIA_ORIGINS": origin, "STREAM_SOCKETS": f"unix:{responder.stream_socket}",
                "GATE_SOCKETS": f"unix:{responder.gate_socket}", "NOVATUNE_RATE_LIMIT_PER_MINUTE": 100_000} | nginx))
            service = Bench(proxied("service", "127.0.0.1", port), tmp_path / "access.log")
            allow(s3, stack["S3_BUCKET"], f"http://127.0.0.1:{service.proxy.port}", running)
            return service

        yield start


def allow(s3, bucket, origin, running):
    """The bucket's CORS rules with one more origin, for as long as the test runs."""
    rules = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    more = {
        "AllowedOrigins": [origin], "AllowedMethods": ["GET", "HEAD"], "AllowedHeaders": ["Range"],
        "ExposeHeaders": ["Accept-Ranges", "Content-Range", "Content-Length", "ETag"]}
    put = lambda rules: s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    put([*rules, more])
    running.callback(put, rules)


@pytest.fixture(scope="session")
def noise_object(stack, s3, original):
    """One for all tests: the stack's store keeps what is deleted for hours, in memory. Returns its key and size."""
    key, audio = f"audio/player/{ulid()}.wav", wav(original.samples)
    s3.put_object(Bucket=stack["S3_BUCKET"], Key=key, Body=audio)
    yield key, len(audio)
    s3.delete_object(Bucket=stack["S3_BUCKET"], Key=key)


@pytest.fixture
def song(world, user, noise_object):
    """A track of noise; its owner listens."""
    key, size = noise_object
    return world.track(user, object_key=key, mime_type="audio/wav", size=size)


@pytest.fixture
def page(browser):
    """Opens a bench."""
    with contextlib.ExitStack() as opened:

        def open(bench, *tokens, **options):
            """`tokens` are what the page has, in their order: it takes the next one when one is refused."""
            tab = browser.open(bench.url)
            opened.callback(tab.close)
            wait_for(lambda: tab.run("return window.isReady === true"), 20, "the page")
            tab.run("begin(given[0], given[1])", tokens, options)
            return Player(tab)

        yield open


@pytest.fixture
def player(bench, page, song):
    """Opens a bench with the listener's token."""

    def player(mode, *tokens, settings={}, nginx={}):
        service = bench(nginx, **settings)
        player = page(service, *(tokens or [song.owner.token]), mode=mode)
        player.service = service
        return player

    return player


class Player:
    def __init__(self, tab):
        self.run, self.tab = tab.run, tab

    def play(self, track, **start):
        self.run("source.load(given[0], given[1])", track.id, {"play": True} | start)

    def __getattr__(self, name):
        """Of the source: state, mode, waitingFor, renewals, …"""
        return self.run(f"return source.{name} ?? null")

    @property
    def position(self):
        return self.run("return audio.currentTime")

    @property
    def problem(self):
        return self.run("const p = source.problem; return p && {title: p.title, status: p.status, reason: p.reason}")

    def begin(self, track):
        """Plays its first second."""
        self.play(track)
        self.wait_for(state="playing")
        self.wait_for_position(1)

    def let_the_url_end(self):
        """The life of a URL is 5 s."""
        began = self.run("return performance.now()")
        wait_for(lambda: self.run("return performance.now()") > began + 5500, 30, "the end of the URL")

    def pause_past_the_urls_end(self):
        """As a listener who comes back later."""
        self.run("audio.pause()")
        self.wait_for(state="paused")
        self.let_the_url_end()

    def wait_for(self, **wanted):
        """Until the source has these values."""
        wait_for(lambda: all(getattr(self, name) == value for name, value in wanted.items()), 30, f"{wanted}")

    def wait_for_position(self, seconds):
        wait_for(lambda: self.position > seconds, 60, f"second {seconds}")

    def happened(self, *names):
        """Events since sound first flowed."""
        events = self.run("return happened")
        first = next((index for index, event in enumerate(events) if event["name"] == "playing"), len(events))
        return [event for event in events[first:] if event["name"] in names]

    def tokens(self):
        """For each token that was asked for, whether the former one had been refused."""
        return [event["refresh"] for event in self.run("return happened") if event["name"] == "token"]
