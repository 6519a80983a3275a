"""That the desktop's controls, the page's button and the sound agree."""

import pytest

from harness.waiting import wait_for
from media_keys import ChromiumWithKeys, FirefoxWithKeys
from test_page import SHORT, open_page, pair, pair_objects, queued

pytestmark = [pytest.mark.parametrize(
    "browser", [ChromiumWithKeys, FirefoxWithKeys], indirect=True, ids=lambda engine: engine.name)]


@pytest.fixture
def listening(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(1)
    return page


def assert_agreement(page, keys, label, status, playing):
    def agrees():
        return page.label("play") == label and page.playing == playing and keys.shown("PlaybackStatus") == status

    wait_for(agrees, 20, f"a button that says {label}, {playing} playing elements, and the desktop's {status}")


def test_pause_and_play_keys_do_what_the_button_does(listening, browser):
    keys = browser.keys
    assert_agreement(listening, keys, "Pause", "Playing", 1)
    assert keys.described("xesam:title") == "Title 1"
    for method, label, status, playing in [
        ("Pause", "Play", "Paused", 0), ("Play", "Pause", "Playing", 1),
        ("PlayPause", "Play", "Paused", 0), ("PlayPause", "Pause", "Playing", 1),
    ]:
        keys.press(method)
        assert_agreement(listening, keys, label, status, playing)
    before = listening.position
    listening.wait_for_position(before + 1)


def test_pause_that_the_page_did_not_ask_for_is_shown_by_the_desktop(listening, browser):
    listening.run("document.querySelector('audio').pause()")
    assert_agreement(listening, browser.keys, "Play", "Paused", 0)
    browser.keys.press("Play")
    assert_agreement(listening, browser.keys, "Pause", "Playing", 1)


def test_next_and_previous_keys_change_the_track(listening, browser):
    browser.keys.press("Next")
    listening.wait_for("title", "Title 2")
    wait_for(lambda: browser.keys.described("xesam:title") == "Title 2", 20, "the desktop's title")
    assert_agreement(listening, browser.keys, "Pause", "Playing", 1)
    browser.keys.press("Previous")
    listening.wait_for("title", "Title 1")
    assert_agreement(listening, browser.keys, "Pause", "Playing", 1)


def test_seek_from_the_desktop_moves_the_sound(listening, browser):
    browser.keys.seek(15)
    listening.wait_for_position(15.5)
    assert listening.position < SHORT - 1 and listening.text("title") == "Title 1"
    assert_agreement(listening, browser.keys, "Pause", "Playing", 1)


def test_seek_in_the_page_is_shown_by_the_desktop(listening, browser):
    browser.keys.press("Pause")
    assert_agreement(listening, browser.keys, "Play", "Paused", 0)
    listening.run("""
        const seek = document.getElementById('seek');
        seek.value = 12;
        seek.dispatchEvent(new Event('input'))""")
    wait_for(lambda: abs(browser.keys.shown("Position") / 1e6 - 12) < 0.5, 20, "second 12 on the desktop")
    assert browser.keys.described("mpris:length") == SHORT * 1_000_000
