"""Services that are away, devices that are offline, clocks that are wrong, allowances that are used up."""

import pytest

from browser import wait_until_still
from harness.waiting import wait_for
from noise import RATE, joints
from test_renewals import EXACT, MODES


def as_fast_as_it_plays(store):
    """Nothing is read far ahead. A packet of 64 KiB is a third of a second of sound."""
    store.delay_s = 0.25
    store.set_mode("delay")


@MODES
def test_device_that_is_offline_goes_on_when_it_is_back(player, song, store, loudspeaker, original, mode):
    player = player(mode)
    if mode == "direct":
        as_fast_as_it_plays(store)
    with loudspeaker.recording() as recording:
        player.begin(song)
        for proxy in (store, player.service.proxy):
            proxy.set_mode("refuse")
        # By then both engines have played what they had read.
        wait_for(lambda: player.state == "waiting", 90, "the end of what was read")
        for proxy in (store, player.service.proxy):
            proxy.set_mode("pass")
        player.run("window.dispatchEvent(new Event('online'))")
        player.wait_for(state="playing")
        player.wait_for_position(player.position + 2)
    missing = [joint.missing for joint in joints(original.passages(recording.samples()))]
    # Directly: the element's clock is behind what it has given to the sound card when it runs dry, and some of it is
    # there again.
    most_doubled = EXACT if mode == "worker" else RATE
    assert all(-most_doubled <= samples <= EXACT for samples in missing), missing
    assert player.problem is None


def test_pause_while_offline_is_kept(player, song, store):
    """By then a browser may have paused the element, and tells nothing of another pause."""
    player = player("direct")
    as_fast_as_it_plays(store)
    player.begin(song)
    for proxy in (store, player.service.proxy):
        proxy.set_mode("refuse")
    player.wait_for(state="waiting", waitingFor="offline")
    player.run("source.pause()")
    for proxy in (store, player.service.proxy):
        proxy.set_mode("pass")
    player.run("dispatchEvent(new Event('online'))")
    player.wait_for(state="paused")
    assert player.run("return audio.paused && audio.readyState > 0") and player.problem is None
    player.run("audio.play()")
    player.wait_for(state="playing")


def test_failed_element_that_plays_on_does_not_count_as_playing(player, song, store):
    """Firefox reports an error as soon as it can read no more, and plays what it has read."""
    player = player("direct")
    player.begin(song)
    for proxy in (store, player.service.proxy):
        proxy.set_mode("refuse")
    wait_for(lambda: player.run("return audio.error !== null"), 120, "the error")
    wait_until_still(player.run)
    happened = player.run("return happened")
    failed = [event["name"] for event in happened].index("error")
    states = [event["state"] for event in happened[failed:] if event["name"] == "statechange"]
    assert player.state == "waiting" and "playing" not in states, states
    for proxy in (store, player.service.proxy):
        proxy.set_mode("pass")
    player.run("dispatchEvent(new Event('online'))")
    player.wait_for(state="playing")


def test_service_that_hangs_is_given_up_and_asked_again(player, song):
    player = player("worker")
    player.service.proxy.set_mode("stall")
    player.play(song)
    # After the 15 s of a request.
    player.wait_for(state="waiting", waitingFor="offline")
    player.service.proxy.set_mode("pass")
    player.wait_for(state="playing")


@pytest.mark.parametrize("hours", [24, -24])
def test_clock_that_was_set_costs_one_request(player, song, hours):
    player = player("direct")
    player.begin(song)
    player.pause_past_the_urls_end()
    before = len(player.service.posts())
    player.run("const now = Date.now; Date.now = () => now() + given[0] * 3600000", hours)
    player.run("audio.currentTime = 100; audio.play()")
    player.wait_for_position(102)
    assert player.state == "playing" and len(player.service.posts()) - before == 1


def test_tabs_of_one_user_wait_for_the_allowance_together(bench, page, world, song):
    """15 requests may come together, then one in 4 s."""
    lasting = {"NOVATUNE_PRESIGN_EXPIRY": "120s", "NOVATUNE_CACHE_TTL_BUFFER": "30s"}
    service = bench({"NOVATUNE_RATE_LIMIT_PER_MINUTE": 15}, **lasting)
    tracks = [world.track(song.owner, object_key=song.object_key, mime_type=song.mime_type, size=song.size)
        for _ in range(20)]
    tabs = [page(service, song.owner.token, mode="direct", account="listener") for _ in tracks]
    for tab, track in zip(tabs, tracks):
        tab.play(track, play=False)
    wait_for(lambda: service.posts().count(200) == 20, 120, "a URL for each tab")
    requests = service.requests()
    for (refused, status), (following, _) in zip(requests, requests[1:]):
        # The log counts whole seconds.
        assert status == 200 or following - refused >= 3, requests
    assert set(service.posts()) == {200, 429}
