"""Stores that are busy or silent while a listener seeks or begins a track, and a track that needs none."""

import contextlib
import socket

import pytest

from harness.ulids import ulid
from harness.waiting import wait_for
from noise import RATE, joints, wav
from test_renewals import EXACT, MODES
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


@MODES
def test_store_that_falls_silent_is_asked_again(player, song, store, s3_address, mode):
    """No browser reports an error of it."""
    player = player(mode)
    player.begin(song)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        silent.settimeout(30)
        store.point_at(*silent.getsockname())
        player.run("source.seek(150)")
        connection, _ = silent.accept()
        with connection:
            store.point_at(*s3_address, breaks=False)
            player.wait_for_position(152)
    assert player.mode == mode and player.problem is None


@pytest.fixture
def short_song(world, user, s3, stack, original):
    key, audio = f"audio/player/{ulid()}.wav", wav(original.samples[: 6 * RATE])
    s3.put_object(Bucket=stack["S3_BUCKET"], Key=key, Body=audio)
    yield world.track(user, object_key=key, mime_type="audio/wav", size=len(audio))
    s3.delete_object(Bucket=stack["S3_BUCKET"], Key=key)


@MODES
def test_track_that_was_read_to_its_end_plays_offline(player, short_song, store, loudspeaker, original, mode):
    player = player(mode)
    with loudspeaker.recording() as recording:
        player.begin(short_song)
        player.run("audio.pause()")
        to_the_end = "return audio.buffered.end(audio.buffered.length - 1) >= audio.duration - 0.02"
        wait_for(lambda: player.run(to_the_end), 30, "the whole track")
        player.let_the_url_end()
        for proxy in (store, player.service.proxy):
            proxy.set_mode("refuse")
        player.run("audio.play()")
        player.wait_for(state="ended")
    passages = original.passages(recording.samples())
    assert all(abs(joint.missing) <= EXACT for joint in joints(passages)) and passages[-1].end >= 6 * RATE - EXACT
    assert player.happened("error", "emptied") == [] and player.renewals == 0
