"""How long a listener waits, and how much is asked for: figures of the page, with those of a former one beside them.

FORMER_PLAYER names a folder with the former page's files. Times are of this machine and of this run; nothing is asserted
of them.
"""

import base64
import os
import statistics
import time
from pathlib import Path

import numpy
import pytest

from browser import ChromiumAsShipped, ChromiumByDevTools, Firefox
from formats import ffmpeg
from harness.ulids import ulid
from harness.waiting import wait_for
from noise import RATE, joints, wav
from test_next_track import Turn
from test_page import SHORT, open_page, pair, pair_objects, queued
from test_scenarios import AS_SHIPPED

FORMER = os.environ.get("FORMER_PLAYER")
PLAYERS = ["this", *(["former"] if FORMER else [])]
ROUND_TRIP = 0.05  # seconds

in_each_browser = pytest.mark.parametrize(
    "browser", [ChromiumAsShipped, Firefox], indirect=True, ids=lambda engine: engine.name)
of_each_player = pytest.mark.parametrize("which", PLAYERS)


def line(request, what, value):
    """One row of the table."""
    name = request.node.name.partition("[")[2].rstrip("]")
    print(f"\n| {what} | {name} | {value} |")


def ms(samples):
    return f"{samples * 1000 / RATE:.0f} ms"


@pytest.fixture
def opened(open_page, tmp_path, request):
    """The page of this player or of the former one, each with the same track."""

    def opened(which, tracks, mode="worker", **settings):
        page = open_page(tracks, html=Path(FORMER) if which == "former" else None, **settings)
        # As a browser that has found that it cannot use the worker.
        page.run("localStorage.setItem('novatune:direct', given[0] ? String(Date.now() + 1e9) : '0')", mode == "direct")
        page.choose(1)
        page.wait_for_position(1)
        return page

    return opened


def slow_network(page, store):
    for proxy in (store, page.service.proxy):
        proxy.delay_s = ROUND_TRIP / 2
        proxy.set_mode("delay")


MODES = pytest.mark.parametrize("which, mode", [("this", "worker"), ("this", "direct"), *(
    [("former", "direct")] if FORMER else [])])


@MODES
@in_each_browser
def test_renewals_in_plain_play(opened, song, store, loudspeaker, original, which, mode, request):
    page = opened(which, [song], mode)
    slow_network(page, store)
    before = page.service.proxy.requests
    with loudspeaker.recording() as recording:
        page.wait_for_position(60)
    found = joints(original.passages(recording.samples()))
    gaps = sorted(joint.gap for joint in found) or [0]
    line(request, "60 s with URLs of 5 s, 50 ms round trip: gaps, median and longest gap; samples lost and doubled; POSTs",
        f"{len(found)}; {ms(statistics.median(gaps))}, {ms(gaps[-1])}; {sum(max(0, j.missing) for j in found)},"
        f" {-sum(min(0, j.missing) for j in found)}; {page.service.proxy.requests - before}")


# By the browser's clock: a driver's own way to the page is no part of what a listener waits for.
NOTES_THE_PRESS = """
    addEventListener('click', ({timeStamp}) => { window.pressed = performance.timeOrigin + timeStamp; },
        {once: true, capture: true});"""


def seconds_until(sound, began, page):
    """From the last press to this passage of a recording."""
    return sound.recorded / RATE - (page.run("return pressed") / 1000 - began)


@MODES
@in_each_browser
def test_play_after_all_has_ended(opened, song, store, loudspeaker, original, which, mode, request):
    waits, posts = [], []
    page = opened(which, [song], mode)
    for _ in range(5):
        page.pause_past_the_urls_end()
        before = len(page.service.posts())
        with loudspeaker.recording() as recording:
            began = recording.began()
            position = page.position
            page.run(NOTES_THE_PRESS)
            page.click("#play")
            page.wait_for_position(position + 2)
        waits.append(seconds_until(original.passages(recording.samples())[0], began, page))
        posts.append(len(page.service.posts()) - before)
    line(request, "paused past the URL's end, Play: until sound, median and longest; POSTs",
        f"{statistics.median(waits) * 1000:.0f} ms, {max(waits) * 1000:.0f} ms; {max(posts)}")


@in_each_browser
def test_play_of_an_element_alone(browser, loudspeaker, original, request):
    """What browser and sound card take without this player, of a track in memory: the least that a press of Play can."""
    tab = browser.open("about:blank")
    tab.run("""
        const bytes = Uint8Array.from(atob(given[0]), (character) => character.charCodeAt(0));
        window.audio = new Audio(URL.createObjectURL(new Blob([bytes], {type: 'audio/wav'})))""",
        base64.b64encode(wav(original.samples[: 20 * RATE])).decode())
    waits = []
    for _ in range(5):
        tab.run("audio.pause()")
        began = tab.run("return performance.now()")
        wait_for(lambda: tab.run("return performance.now()") > began + 5500, 30, "the pause")
        with loudspeaker.recording() as recording:
            start = recording.began()
            position = tab.run("""
                const {currentTime} = audio;
                window.pressed = performance.timeOrigin + performance.now();
                await audio.play();
                return currentTime""")
            wait_for(lambda: tab.run("return audio.currentTime") > position + 2, 30, "sound")
        waits.append(seconds_until(original.passages(recording.samples())[0], start, tab))
    tab.close()
    line(request, "an element alone, Play after the same pause: until sound, median and longest",
        f"{statistics.median(waits) * 1000:.0f} ms, {max(waits) * 1000:.0f} ms")


@MODES
@in_each_browser
def test_seek_after_all_has_ended(opened, song, store, loudspeaker, original, which, mode, request):
    waits = []
    page = opened(which, [song], mode)
    slow_network(page, store)
    for second in (100, 30, 130, 60, 150):
        page.pause_past_the_urls_end()
        with loudspeaker.recording() as recording:
            began = recording.began()
            # In one step: the time is from the press of the button.
            page.run(NOTES_THE_PRESS + """
                const seek = document.getElementById('seek');
                seek.value = given[0];
                seek.dispatchEvent(new Event('input'));
                document.getElementById('play').click()""", second)
            page.wait_for_position(second + 2)
        passages = original.passages(recording.samples())
        there = next(passage for passage in passages if passage.track >= (second - 1) * RATE)
        waits.append(seconds_until(there, began, page))
    line(request, "sought past the URL's end, 50 ms round trip: until sound, median and longest",
        f"{statistics.median(waits) * 1000:.0f} ms, {max(waits) * 1000:.0f} ms")


@MODES
@in_each_browser
def test_dragging_for_two_seconds(opened, song, store, which, mode, request):
    page = opened(which, [song], mode)
    page.pause_past_the_urls_end()
    posts = len(page.service.posts())
    page.run("""
        const seek = document.getElementById('seek');
        for (let step = 0; step <= 40; step++) {
            seek.value = 20 + 3 * step;
            seek.dispatchEvent(new Event('input'));
            await new Promise((resolve) => setTimeout(resolve, 50));
        }""")
    gets = store.requests
    page.click("#play")
    page.wait_for_position(142)
    line(request, "2 s of dragging past the URL's end: POSTs; requests to the store after it",
        f"{len(page.service.posts()) - posts}; {store.requests - gets}")


@MODES
@in_each_browser
def test_three_minutes_offline(opened, song, store, loudspeaker, original, which, mode, request):
    page = opened(which, [song], mode)
    before = page.service.proxy.requests
    for proxy in (store, page.service.proxy):
        proxy.set_mode("refuse")
    began = page.run("return performance.now()")
    wait_for(lambda: page.run("return performance.now()") > began + 180_000, 240, "three minutes")
    with loudspeaker.recording() as recording:
        for proxy in (store, page.service.proxy):
            proxy.set_mode("pass")
        back = recording.seconds
        page.run("dispatchEvent(new Event('online'))")
        try:
            wait_for(lambda: original.passages(recording.samples()), 60, "sound")
        except AssertionError:
            return line(request, "3 min offline: until sound after it; POSTs", "no sound within 60 s")
    first = original.passages(recording.samples())[0]
    line(request, "3 min offline: until sound after it; POSTs that arrived",
        f"{(first.recorded / RATE - back) * 1000:.0f} ms; {page.service.proxy.requests - before}")


@pytest.mark.parametrize("mode", ["worker", "direct"])
@in_each_browser
def test_next_track(open_page, queued, pair, loudspeaker, mode, request):
    # With the lives that a listener's URLs have: the next track's has not ended when it is needed.
    page, turns = open_page(queued, **AS_SHIPPED), []
    page.run("localStorage.setItem('novatune:direct', given[0] ? String(Date.now() + 1e9) : '0')", mode == "direct")
    for _ in range(5):
        page.choose(1)
        page.wait_for_position(0.5)
        with loudspeaker.recording() as recording:
            # Early enough for the next track to be made ready.
            page.seek(SHORT - 14)
            page.wait_for("title", "Title 2")
            page.wait_for_position(3)
        turns.append(Turn(pair, recording.samples()))
    gaps = [turn.between * (-1 if turn.is_both else 1) for turn in turns]
    line(request, "next track (WAV), five times: silence between them (both: negative); most lost of the first, of the second",
        f"{', '.join(ms(gap) for gap in sorted(gaps))}; {ms(max(turn.lost_of_first for turn in turns))},"
        f" {ms(max(turn.lost_of_second for turn in turns))}")


@in_each_browser
def test_next_track_in_mp3(open_page, world, user, s3, stack, pair, loudspeaker, tmp_path, request):
    tracks = []
    for samples in pair:
        (tmp_path / "track.wav").write_bytes(wav(samples))
        ffmpeg("-i", str(tmp_path / "track.wav"), "-c:a", "libmp3lame", "-b:a", "192k", str(tmp_path / "track.mp3"))
        key = f"audio/player/{ulid()}.mp3"
        s3.upload_file(str(tmp_path / "track.mp3"), stack["S3_BUCKET"], key)
        tracks.append(world.track(
            user, object_key=key, mime_type="audio/mpeg", size=(tmp_path / "track.mp3").stat().st_size))
    page, silences = open_page(tracks), []
    for _ in range(5):
        page.choose(1)
        page.wait_for_position(0.5)
        page.seek(SHORT - 14)
        wait_for(lambda: page.position > SHORT - 5, 30, "nearly the end")
        with loudspeaker.recording() as recording:
            page.wait_for("title", "Title 2")
            page.wait_for_position(2)
        # Noise is quiet for some samples at most.
        loud = numpy.flatnonzero(numpy.abs(recording.samples().astype(int)) > 500)
        silences.append(int(numpy.diff(loud).max()))
    line(request, "next track (MP3), five times: longest silence", ", ".join(ms(silence) for silence in sorted(silences)))


# The page does it by itself, because a driver keeps for its own commands what a page has read or answered.
BY_ITSELF = """
    const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    const [track, token, mode] = given;
    async function worker() {
        for (source.load(track, {play: true}); ; await pause(500)) {
            // Before it has read all of the track: then it asks for nothing more.
            if (audio.currentTime > 100) source.load(track, {play: true});
        }
    }
    async function direct() {
        source.load(track, {play: true});
        for (let turn = 0; ; turn++) {
            await pause(1500);
            source.pause();
            await pause(5500);
            source.seek(10 + 7 * turn % 90);
            audio.play().catch(() => {});
        }
    }
    async function alone() {
        const headers = {Authorization: `Bearer ${token}`};
        const answer = await fetch(`/tracks/${track}/stream`, {method: 'POST', headers});
        audio.src = (await answer.json()).streamUrl;
        for (let turn = 0; ; turn++) {
            audio.play().catch(() => {});
            await pause(1500);
            audio.pause();
            await pause(5500);
            audio.currentTime = 10 + 7 * turn % 90;
        }
    }
    ({worker, direct, alone})[mode]();
    setInterval(() => { happened.length = 0; }, 1000)"""


@pytest.mark.parametrize("mode", ["worker", "direct", "alone"])
@pytest.mark.parametrize(
    "browser", [ChromiumByDevTools, Firefox], indirect=True, ids=lambda engine: engine.name)
def test_memory(player, browser, song, mint, mode, request):
    """Beside an element alone, whose URL does not end and which pauses and seeks as the direct one does."""
    token = mint.hs256(song.owner.id, exp=int(time.time()) + 7200)
    settings = {"NOVATUNE_PRESIGN_EXPIRY": "2h"} if mode == "alone" else {}
    player = player("worker" if mode == "worker" else "direct", token, settings=settings)
    player.run(BY_ITSELF, song.id, token, mode)
    sizes = []
    for _ in range(12):
        time.sleep(120)
        sizes.append((len(player.service.posts()), browser.memory() / 1e6))
    line(request, "memory of the browser every two minutes, MB (after so many requests for a URL)",
        ", ".join(f"{size:.0f} ({posts})" for posts, size in sizes))
