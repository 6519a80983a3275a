"""Stores that are busy while a listener seeks or begins a track."""

import pytest

from harness.waiting import wait_for
from test_scenarios import SLOW_DOWN, answering


def direct_for(player):
    """Seconds for which this browser will play directly from now on, where the source may choose."""
    return player.run("return (JSON.parse(localStorage.getItem('novatune:direct') ?? '0') - Date.now()) / 1000")


@pytest.mark.parametrize("status", [429, 503])
def test_seek_while_the_store_is_busy_is_held(player, song, store, s3_address, status):
    player = player("worker")
    player.begin(song)
    with answering(status, SLOW_DOWN) as (port, requests):
        store.point_at("127.0.0.1", port)
        player.run("source.seek(150)")
        # Each try of the worker is two.
        wait_for(lambda: len(requests) >= 8, 60, "requests that are refused")
        store.point_at(*s3_address)
        player.wait_for_position(152)
    assert player.mode == "worker" and player.problem is None
    assert player.happened("error", "emptied") == [] and direct_for(player) <= 0


def test_track_that_begins_while_the_store_is_busy_does_not_end_the_workers_use(player, song, store, s3_address):
    player = player("worker")
    with answering(429, SLOW_DOWN) as (port, requests):
        store.point_at("127.0.0.1", port)
        player.play(song)
        changes = "return happened.filter(({name}) => name === 'modechange').length"
        wait_for(lambda: player.run(changes) == 2, 30, "the worker, then none")
        store.point_at(*s3_address)
        player.wait_for_position(1)
    # A bucket without a CORS rule looks the same.
    assert player.mode == "direct" and player.problem is None and 0 < direct_for(player) <= 900
    player.run("localStorage.removeItem('novatune:direct')")
