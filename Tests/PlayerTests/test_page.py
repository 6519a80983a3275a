"""The page that nginx serves: a queue of tracks, by mouse, keyboard and the system's own controls."""

import contextlib
import json
import time

import pytest

from harness.ulids import ulid
from harness.waiting import wait_for
from noise import noise, wav

# WebDriver, keyboard actions.
LEFT, UP, RIGHT, HOME = "\ue012", "\ue013", "\ue014", "\ue011"
SHORT = 25  # seconds; longer than 20, so that the next track's URL ends before that track begins


@pytest.fixture(scope="session")
def pair():
    """The samples of two tracks."""
    return noise(SHORT, seed=11), noise(SHORT, seed=12)


@pytest.fixture(scope="session")
def pair_objects(stack, s3, pair):
    keys = []
    for samples in pair:
        keys.append((f"audio/player/{ulid()}.wav", len(wav(samples))))
        s3.put_object(Bucket=stack["S3_BUCKET"], Key=keys[-1][0], Body=wav(samples))
    yield keys
    for key, _ in keys:
        s3.delete_object(Bucket=stack["S3_BUCKET"], Key=key)


@pytest.fixture
def queued(world, user, pair_objects):
    return [world.track(user, object_key=key, mime_type="audio/wav", size=size) for key, size in pair_objects]


@pytest.fixture
def open_page(bench, browser, tmp_path):
    """Opens the page with these tracks in its list."""
    with contextlib.ExitStack() as opened:

        def open_page(tracks, tokens=None, html=None, waveforms=(), **settings):
            listed = [
                {"title": f"Title {number}", "owner": "Owner", "format": "wav", "status": "Ready", "trackId": track.id,
                    "waveform": track in waveforms, "token": (tokens or {}).get(track.id, track.owner.token)}
                for number, track in enumerate(tracks, start=1)]
            file = tmp_path / "demo.json"
            file.write_text(json.dumps({"tracks": listed}))
            file.chmod(0o644)
            service = bench({"PLAYER_DEMO": file}, html, **settings)
            tab = browser.open(service.player_url)
            opened.callback(tab.close)
            return Page(tab, service, len(tracks))

        yield open_page


class Page:
    def __init__(self, tab, service, count):
        self.tab, self.run, self.press, self.service, self._count = tab, tab.run, tab.press, service, count
        self.wait_until_listed()

    def wait_until_listed(self):
        wait_for(lambda: self.run("return document.querySelectorAll('#tracks button').length") == self._count, 20,
            "the list")

    def click(self, selector):
        self.run("document.querySelector(given[0]).click()", selector)

    def choose(self, number):
        self.run("document.querySelectorAll('#tracks button')[given[0]].click()", number - 1)

    def text(self, name):
        return self.run("return document.getElementById(given[0]).innerText.trim()", name)

    def label(self, name):
        return self.run("return document.getElementById(given[0]).getAttribute('aria-label')", name)

    def value(self, name):
        return self.run("return document.getElementById(given[0]).value", name)

    def wait_for(self, name, text):
        wait_for(lambda: self.text(name) == text, 30, f"{name}: {text}")

    def picture(self, first, last):
        """Of a part of its width: how much of the height is filled, and by how many colours."""
        return self.run("""
            const canvas = document.getElementById('picture');
            const [from, to] = given.map((share) => Math.round(share * canvas.width));
            const {data} = canvas.getContext('2d').getImageData(from, 0, to - from, canvas.height);
            const [rows, colours] = [new Set(), new Set()];
            for (let at = 0; at < data.length; at += 4) {
                if (data[at + 3] < 255) continue;
                rows.add(Math.floor(at / 4 / (to - from)));
                colours.add(data.slice(at, at + 3).join());
            }
            return [rows.size / canvas.height, colours.size]""", first, last)

    def wait_for_picture(self):
        wait_for(lambda: not self.run("return document.getElementById('picture').hidden"), 20, "the picture")

    @property
    def position(self):
        return float(self.value("seek"))

    @property
    def playing(self):
        """How many elements play."""
        return self.run("return [...document.querySelectorAll('audio')].filter((one) => !one.paused).length")

    def seek(self, second):
        self.run("""
            const seek = document.getElementById('seek');
            seek.value = given[0];
            seek.dispatchEvent(new Event('input'))""", second)

    def wait_for_position(self, seconds):
        wait_for(lambda: self.position > seconds, 60, f"second {seconds}")

    def pause_past_the_urls_end(self):
        """The life of a URL is 5 s."""
        self.click("#play")
        wait_for(lambda: self.playing == 0, 10, "a pause")
        began = self.run("return performance.now()")
        wait_for(lambda: self.run("return performance.now()") > began + 5500, 30, "the end of the URL")


def test_last_track_ends_the_queue(open_page, queued):
    page = open_page(queued)
    page.choose(2)
    page.wait_for_position(0.5)
    page.seek(24)
    page.wait_for("status", "Finished")
    assert page.label("play") == "Play" and page.playing == 0 and page.run("return document.getElementById('next').disabled")
    # And again from its start.
    page.click("#play")
    wait_for(lambda: page.playing == 1 and 0 < page.position < 10, 20, "the start of the track")


def test_tracks_are_changed_by_their_buttons(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(1)
    page.click("#next")
    page.wait_for("title", "Title 2")
    page.wait_for_position(4)
    assert page.run("return document.querySelector('[aria-current=true]').innerText.split('\\n')[0]").startswith("Title 2")
    page.click("#previous")
    wait_for(lambda: page.position < 2, 10, "the start of the same track")
    assert page.text("title") == "Title 2"
    page.click("#previous")
    page.wait_for("title", "Title 1")
    wait_for(lambda: page.playing == 1, 10, "one that plays")


def test_keys_do_what_the_page_names(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(1)
    page.run("document.activeElement.blur()")
    page.press(" ")
    page.wait_for("status", "Paused")
    assert page.playing == 0 and page.label("play") == "Play"
    before = page.position
    page.press(RIGHT)
    wait_for(lambda: abs(page.position - before - 5) < 0.1, 10, "5 s more")
    page.press(LEFT)
    wait_for(lambda: abs(page.position - before) < 0.1, 10, "5 s less")
    page.press(HOME)
    wait_for(lambda: page.position == 0, 10, "the start")
    page.press("m")
    wait_for(lambda: page.label("mute") == "Unmute", 10, "silence")
    page.run("document.getElementById('volume').value = 50; document.getElementById('volume').dispatchEvent(new Event('input'))")
    page.press(UP)
    wait_for(lambda: page.value("volume") == "55" and page.label("mute") == "Mute", 10, "more volume")
    page.run("document.getElementById('shortcuts').click(); document.activeElement.blur()")
    page.press("m")
    page.press(" ")
    page.run("document.getElementById('shortcuts').click(); document.activeElement.blur()")
    page.press(" ")
    wait_for(lambda: page.playing == 1, 10, "sound after one of two presses")
    assert page.label("mute") == "Mute"


def test_pause_from_outside_is_shown(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(1)
    page.run("document.querySelector('audio').pause()")
    page.wait_for("status", "Paused")
    assert page.label("play") == "Play" and page.run("return navigator.mediaSession.playbackState") == "paused"
    assert page.run("return navigator.mediaSession.metadata.title") == "Title 1"
    page.click("#play")
    wait_for(lambda: page.playing == 1 and page.label("play") == "Pause", 10, "sound")


def test_place_is_shown_while_a_new_url_is_awaited(open_page, song):
    page = open_page([song])
    # As a browser that has found that it cannot use the worker.
    page.run("localStorage.setItem('novatune:direct', String(Date.now() + 1e9))")
    page.choose(1)
    page.wait_for_position(1)
    page.pause_past_the_urls_end()
    position = page.position
    page.service.proxy.delay_s = 0.5
    page.service.proxy.set_mode("delay")
    rate = page.run("""
        window.failures = [];
        addEventListener('error', ({message}) => failures.push(message));
        document.getElementById('play').click();
        await new Promise((resolve) => setTimeout(resolve, 200));
        dispatchEvent(new Event('resize'));
        return document.querySelector('audio').playbackRate""")
    page.wait_for_position(position + 1)
    assert (rate, page.run("return failures")) == (0, [])


def test_discarded_page_comes_back_paused_at_its_place(open_page, queued):
    page = open_page(queued)
    page.choose(2)
    page.wait_for_position(2)
    page.run("""
        document.getElementById('volume').value = 40;
        document.getElementById('volume').dispatchEvent(new Event('input'));
        document.getElementById('language').value = 'de';
        document.getElementById('language').dispatchEvent(new Event('change'));""")
    page.click("#play")
    page.wait_for("status", "Angehalten")
    position = page.position
    page.tab.reload()
    page.wait_until_listed()
    page.wait_for("title", "Title 2")
    page.wait_for("status", "Angehalten")
    assert abs(page.position - position) < 0.1 and page.playing == 0
    assert page.value("volume") == "40" and page.run("return document.documentElement.lang") == "de"
    kept = page.run("return JSON.stringify(localStorage)")
    assert queued[1].owner.token not in kept and "http" not in kept
    page.click("#play")
    page.wait_for_position(position + 1)
    page.run("localStorage.clear()")


def test_problems_are_named_and_the_queue_goes_past_them(open_page, world, queued):
    failed = world.track(queued[0].owner, status="Failed", object_key="uploads/raw")
    strangers = world.track(world.user())
    page = open_page([queued[0], failed, strangers, queued[1]], {strangers.id: queued[0].owner.token})
    for number, title in (2, "The track cannot be played"), (3, "You may not play this track"):
        page.choose(number)
        page.wait_for("problem-title", title)
        assert page.label("play") == "Play"
    page.choose(1)
    page.wait_for_position(0.5)
    page.seek(22)
    page.wait_for("title", "Title 4")
    page.wait_for_position(1)
    assert page.text("problem-title") == ""


def test_expired_token_is_replaced_by_another(open_page, mint, queued):
    track = queued[0]
    page = open_page([track], {track.id: mint.hs256(track.owner.id, exp=int(time.time()) - 60)})
    page.choose(1)
    page.wait_for("status", "The token is no longer valid. Enter another one, then play again.")
    page.run("""
        document.getElementById('track').value = given[0];
        document.getElementById('token').value = `Bearer ${given[1]}`;
        document.getElementById('form').requestSubmit();""", track.id, track.owner.token)
    page.wait_for("status", "Playing")
    assert page.text("title") == "Title 1"


def test_picture_is_of_the_tracks_loudness(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(1)
    page.wait_for_picture()
    # Noise is equally loud all the time: the bars are of two colours, and fill most of the height.
    heights, colours = page.picture(0, 1)
    assert heights > 0.9 and colours == 2


def test_picture_is_of_the_waveform_where_the_track_has_one(open_page, world, queued):
    """Not of the audio, which is as loud at its beginning as at its end."""
    key = world.put(f"waveforms/{ulid()}.json", json.dumps({"peaks": list(range(256))}).encode())
    world.set_track(queued[0], f"waveform_object_key = '{key}'")
    page = open_page(queued, waveforms=queued[:1])
    page.choose(1)
    page.wait_for_picture()
    assert page.picture(0, 0.1)[0] < 0.2 and 0.4 < page.picture(0.4, 0.5)[0] < 0.6 and page.picture(0.9, 1)[0] > 0.9


def test_picture_is_of_the_audio_where_the_waveform_cannot_be_read(open_page, world, queued):
    world.set_track(queued[0], f"waveform_object_key = 'waveforms/{ulid()}.json'")
    page = open_page(queued, waveforms=queued[:1])
    page.choose(1)
    page.wait_for_picture()
    assert page.picture(0, 0.1)[0] > 0.8


def test_narrow_and_wide_screens_show_all(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(0.5)
    for width, height in (320, 568), (768, 1024), (1440, 900):
        page.tab.resize(width, height)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth"), width
        small = page.run("""
            return [...document.querySelectorAll('button, input, select, summary')]
                .filter((one) => one.checkVisibility())
                .map((one) => [one.id || one.innerText, one.getBoundingClientRect()])
                .filter(([, {width, height}]) => width < 24 || height < 24).map(([name]) => name)""")
        assert small == [], width
