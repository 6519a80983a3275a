"""WebKitGTK, which plays directly: what holds in the other engines holds there, too."""

import pytest

import test_renewals
from browser import WebKit
from noise import joints
from test_page import open_page, pair, pair_objects, queued

pytestmark = pytest.mark.parametrize("browser", [WebKit], indirect=True, ids=["webkit"])


def test_plain_play_loses_no_sample(player, song, loudspeaker, original):
    player = player("auto")
    with loudspeaker.recording() as recording:
        player.begin(song)
        player.wait_for_position(45)
    assert player.mode == "direct" and player.problem is None
    assert joints(original.passages(recording.samples())) == []


def test_paused_past_the_urls_end_it_goes_on_where_it_was(player, song, loudspeaker, original):
    test_renewals.test_paused_past_the_urls_end_it_goes_on_where_it_was(player, song, loudspeaker, original, "auto")


def test_seek_past_the_urls_end_is_exact(player, song, loudspeaker, original):
    test_renewals.test_seek_past_the_urls_end_is_exact(player, song, loudspeaker, original, "auto")


def test_last_of_many_seeks_wins(player, song):
    test_renewals.test_last_of_many_seeks_wins(player, song, "auto")


def test_page_plays_its_queue(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(1)
    page.click("#next")
    page.wait_for("title", "Title 2")
    page.wait_for_position(2)
    assert page.playing == 1 and page.text("problem-title") == ""
