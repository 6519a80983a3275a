"""One track after the other, on two elements: what the loudspeaker plays where they meet."""

import contextlib

import numpy
import pytest

from browser import wait_until_still
from harness.waiting import wait_for
from noise import RATE, Original, joints
from test_page import SHORT, open_page, pair, pair_objects, queued


class Turn:
    """Where the second track follows the first; all in samples. Each is found alone; between them there is silence, or
    both together."""

    def __init__(self, pair, recorded):
        end = len(pair[0])
        passages = Original(numpy.concatenate(pair)).passages(recorded)
        former, later = next(two for two in zip(passages, passages[1:]) if two[1].end > end)
        between = recorded[former.recorded + former.length : later.recorded]
        self.between = len(between)
        self.is_both = numpy.abs(between.astype(int)).mean() > 1000 if self.between else False
        self.lost_of_first = 0 if self.is_both else max(0, end - former.end)
        self.lost_of_second = max(0, later.track - end) - (self.between if self.is_both else 0)

    def __repr__(self):
        return f"{vars(self)}"


def plays_directly(page):
    """As a browser that has found that it cannot use the worker; until its tests are over."""
    page.run("localStorage.setItem('novatune:direct', String(Date.now() + 1e9))")


@pytest.fixture(params=["worker", "direct"])
def paged(request, open_page, queued):
    """The page with both tracks, in each mode."""
    page = open_page(queued)
    if request.param == "direct":
        plays_directly(page)
    yield page
    page.run("localStorage.removeItem('novatune:direct')")


def test_next_track_follows_with_its_first_sample(paged, pair, loudspeaker):
    with loudspeaker.recording() as recording:
        paged.choose(1)
        paged.wait_for_position(SHORT - 3)
        paged.wait_for("title", "Title 2")
        paged.wait_for_position(3)
        assert paged.playing == 1
    turn = Turn(pair, recording.samples())
    # How long the gap is depends on the machine: Tests/PlayerTests/measure.
    assert turn.lost_of_first <= RATE // 50 and turn.lost_of_second <= RATE // 50, turn
    assert paged.text("problem-title") == ""


def turned(page):
    """In the second track, which was held back until the first one had ended."""
    page.choose(1)
    page.wait_for_position(0.5)
    page.seek(SHORT - 3)
    page.wait_for("title", "Title 2")
    page.wait_for_position(2)
    return page


def test_pause_in_a_track_that_was_held_back_loses_nothing(open_page, queued, pair, loudspeaker):
    page = turned(open_page(queued))
    with loudspeaker.recording() as recording:
        wait_for(lambda: recording.seconds > 0.5, 10, "half a second")
        page.click("#play")
        wait_for(lambda: page.playing == 0, 10, "a pause")
        paused, silent = page.position, recording.seconds
        wait_for(lambda: recording.seconds > silent + 0.5, 10, "half a second")
        page.click("#play")
        page.wait_for_position(paused + 2)
    found = joints(Original(pair[1]).passages(recording.samples()))
    # Firefox shows its position in steps, so that some is played again.
    assert found and all(-RATE // 10 <= joint.missing <= RATE // 50 for joint in found), found


def test_track_is_silent_as_soon_as_it_is_muted(open_page, queued, loudspeaker, browser):
    page = turned(open_page(queued))
    page.click("#mute")
    with loudspeaker.recording() as recording:
        wait_for(lambda: recording.seconds > 2, 10, "two seconds")
        assert page.playing == 1
    # The tests' Chromium has given the sound card up to three of its buffers before (browser.py).
    given = 3 * 8192 if browser.name == "chromium" else 0
    assert not recording.samples()[RATE // 2 + given :].any()
    page.click("#mute")
    with loudspeaker.recording() as recording:
        wait_for(lambda: recording.seconds > 1, 10, "a second")
    assert numpy.abs(recording.samples()[RATE // 2 :].astype(int)).mean() > 1000


def test_pause_before_the_end_forgets_the_next_track(open_page, queued, pair, loudspeaker, browser):
    """It has been started, and is still held back."""
    if browser.name != "firefox":
        pytest.skip("the page holds no track back in this browser")
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(0.5)
    page.seek(SHORT - 3)
    wait_for(lambda: page.playing == 2, 30, "the next track, held back")
    with loudspeaker.recording() as recording:
        page.run("document.querySelector('audio').pause()")
        wait_for(lambda: recording.seconds > 2, 10, "two seconds")
        assert page.playing == 0 and page.text("title") == "Title 1"
        page.click("#play")
        page.wait_for("title", "Title 2")
        page.wait_for_position(1)
    turn = Turn(pair, recording.samples())
    assert turn.lost_of_first <= RATE // 50 and turn.lost_of_second <= RATE // 50, turn


def test_end_that_comes_out_of_place_skips_nothing(open_page, queued):
    """As of a stream that a browser takes for complete: it places the element at the track's end."""
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(6)
    def jump():
        page.run("""
            const audio = document.querySelector('audio');
            Object.defineProperties(audio, {
                ended: {get: () => true, configurable: true}, currentTime: {get: () => given[0], configurable: true}});
            audio.dispatchEvent(new Event('timeupdate'));
            audio.dispatchEvent(new Event('ended'));
            delete audio.ended;
            delete audio.currentTime;""", SHORT)

    jump()
    page.wait_for_position(8)
    assert page.text("title") == "Title 1" and page.position < 12
    # Of an object that is cut short there is no more, however often it is asked for.
    jump()
    # The rest of it would be 17 s.
    wait_for(lambda: page.text("title") == "Title 2", 8, "the next track")


@contextlib.contextmanager
def unreadable(s3, bucket):
    """No page may read what the store answers."""
    rules = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    s3.delete_bucket_cors(Bucket=bucket)
    try:
        yield
    finally:
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})


def test_store_that_the_worker_cannot_read_is_played_on_another_element(
        open_page, song, queued, s3, stack, loudspeaker, original):
    """What the page sends to an output of its own would be silent with an address of another origin."""
    page = open_page([queued[0], song])
    page.choose(1)
    page.wait_for_position(1)
    with unreadable(s3, stack["S3_BUCKET"]), loudspeaker.recording() as recording:
        page.choose(2)
        page.wait_for_position(2)
    assert original.passages(recording.samples())[-1].end > RATE
    assert page.playing == 1 and page.text("title") == "Title 2" and page.text("problem-title") == ""
    page.run("localStorage.removeItem('novatune:direct')")


def test_store_that_pages_may_not_read_is_played_directly(
        open_page, song, queued, pair, s3, stack, loudspeaker, original):
    """And the next track as well, which nothing holds back then."""
    page = open_page([song, *queued])
    plays_directly(page)
    with unreadable(s3, stack["S3_BUCKET"]):
        with loudspeaker.recording() as recording:
            page.choose(1)
            page.wait_for_position(2)
        assert original.passages(recording.samples())[-1].end > RATE
        page.choose(2)
        page.wait_for_position(0.5)
        page.seek(SHORT - 8)
        with loudspeaker.recording() as recording:
            page.wait_for("title", "Title 3")
            page.wait_for_position(2)
        assert Original(pair[1]).passages(recording.samples())[-1].end > RATE
    assert page.run("return [...document.querySelectorAll('audio')].every((one) => one.crossOrigin === null)")
    assert page.playing == 1 and page.text("problem-title") == ""
    page.run("localStorage.removeItem('novatune:direct')")


def test_start_that_takes_too_long_is_not_held_back(open_page, queued, browser):
    """The page could not say when its first sample was played."""
    if browser.name != "firefox":
        pytest.skip("the page holds no track back in this browser")
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(0.5)
    page.run("""
        const [first] = document.querySelectorAll('audio');
        const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () {
            if (this === first) return play.call(this);
            // As one that waits for the network.
            window.isLate = true;
            setTimeout(() => play.call(this), 1500);
            return Promise.resolve();
        }""")
    page.seek(SHORT - 3)
    page.wait_for("title", "Title 2")
    page.wait_for_position(3)
    assert page.run("return window.isLate") and page.playing == 1 and page.label("play") == "Pause"


def test_rehearsal_that_is_cut_off_does_not_count_for_a_later_one(open_page, queued, s3, stack):
    """The second element plays a moment without sound; a listener changes the track meanwhile."""
    page = open_page([*queued, queued[0]])
    plays_directly(page)
    # Where a page may read the store, it rehearses in Chromium alone.
    with unreadable(s3, stack["S3_BUCKET"]):
        cut_a_rehearsal_off(page)


def cut_a_rehearsal_off(page):
    page.choose(1)
    volumes = lambda: sorted(page.run("return [...document.querySelectorAll('audio')].map((one) => one.volume)"))
    wait_for(lambda: page.playing == 2, 30, "a rehearsal")
    # In one step, so that the rehearsal has not ended meanwhile.
    seen = page.run("""
        const [slider, elements] = [document.getElementById('volume'), [...document.querySelectorAll('audio')]];
        const before = elements.map((one) => one.volume);
        slider.value = 50;
        slider.dispatchEvent(new Event('input'));
        return [elements.every((one) => !one.paused), before, elements.map((one) => one.volume)]""")
    assert seen[0] and sorted(seen[1]) == [1e-5, 1] and sorted(seen[2]) == [1e-5, 0.5]
    page.choose(2)
    page.wait_for_position(SHORT - 4)
    assert page.text("title") == "Title 2" and page.playing == 1 and volumes() == [0.5, 0.5]


def test_track_that_is_cut_off_is_not_taken_for_one_that_ended(open_page, song, queued, store):
    """Firefox ends such a track, and places it at its end."""
    page = open_page([song, *queued])
    plays_directly(page)
    page.choose(1)
    page.wait_for_position(3)
    for proxy in (store, page.service.proxy):
        proxy.set_mode("refuse")
    wait_for(lambda: page.run("return document.querySelector('audio').error !== null"), 120, "the end of what was read")
    # Chromium pauses what fails. Firefox plays what it had, and then stands still.
    wait_until_still(page.run)
    position = page.position
    assert page.text("title") == "Title 1" and 3 <= position < 120
    wait_for(lambda: page.text("status") not in ("Playing", "Finished"), 10, "what it waits for")
    for proxy in (store, page.service.proxy):
        proxy.set_mode("pass")
    page.run("dispatchEvent(new Event('online'))")
    page.wait_for_position(position + 2)
    assert page.text("title") == "Title 1" and page.position < position + 20
