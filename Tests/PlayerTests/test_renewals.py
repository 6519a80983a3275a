"""That a listener hears nothing of URLs that end while a track plays."""

import pytest

from harness.ulids import ulid
from harness.waiting import wait_for
from noise import RATE, joints

# 20 ms.
EXACT = RATE // 50
MODES = pytest.mark.parametrize("mode", ["worker", "direct"])


def test_ten_renewals_lose_no_sample(player, song, loudspeaker, original):
    player = player("worker")
    with loudspeaker.recording() as recording:
        player.begin(song)
        wait_for(lambda: player.renewals >= 10, 120, "ten renewals")
        player.wait_for_position(player.position + 2)
    assert player.mode == "worker" and player.service.past_the_worker() == []
    assert player.happened("waiting", "stalled", "error", "seeking", "emptied") == []
    assert [event["state"] for event in player.happened("statechange")] == ["playing"]
    passages = original.passages(recording.samples())
    # Some browsers raise the volume in the first 20 ms.
    assert joints(passages) == [] and passages[0].track < EXACT


@MODES
def test_paused_past_the_urls_end_it_goes_on_where_it_was(player, song, loudspeaker, original, mode):
    player = player(mode)
    with loudspeaker.recording() as recording:
        player.begin(song)
        player.pause_past_the_urls_end()
        position = player.position
        player.run("await audio.play()")
        player.wait_for(state="playing")
        # Farther than what was read before.
        player.wait_for_position(position + 15)
    passages = original.passages(recording.samples())
    assert all(abs(joint.missing) <= EXACT for joint in joints(passages))
    assert player.problem is None and set(player.service.posts()) == {200}


@pytest.mark.parametrize("rate", [1, 1.25])
def test_element_waits_for_the_new_url_at_its_place_and_rate(player, song, loudspeaker, original, rate):
    """A browser takes samples long before they sound: those of a source that is replaced meanwhile would be lost."""
    player = player("direct")
    with loudspeaker.recording() as recording:
        player.begin(song)
        player.pause_past_the_urls_end()
        player.service.proxy.delay_s = 0.15
        player.service.proxy.set_mode("delay")
        player.run("audio.playbackRate = given[0]; await audio.play()", rate)
        wait_for(lambda: player.renewals == 1, 30, "a new URL")
        renewed = player.position
        player.wait_for_position(renewed + 2)
    assert player.run("return audio.playbackRate") == rate
    if rate == 1:
        assert all(abs(joint.missing) <= EXACT for joint in joints(original.passages(recording.samples())))


def test_pause_while_a_new_url_is_awaited_is_kept(player, song):
    player = player("direct")
    player.begin(song)
    player.pause_past_the_urls_end()
    player.service.proxy.delay_s = 0.3
    player.service.proxy.set_mode("delay")
    player.run("await audio.play(); audio.pause()")
    wait_for(lambda: player.renewals == 1, 30, "a new URL")
    player.wait_for(state="paused")
    wait_for(lambda: player.run("return audio.readyState") >= 3, 30, "data")
    assert player.run("return audio.paused") and player.state == "paused"
    player.run("await audio.play()")
    player.wait_for(state="playing")


@pytest.mark.parametrize("service", ["refuse", "blackhole"])
def test_what_was_read_plays_on_until_a_new_url_is_needed(player, song, loudspeaker, original, service):
    player = player("direct")
    player.begin(song)
    player.pause_past_the_urls_end()
    player.service.proxy.set_mode(service)
    with loudspeaker.recording() as recording:
        player.run("await audio.play()")
        player.wait_for_position(3)
        player.service.proxy.set_mode("pass")
        # A request that hangs is given up after 15 s.
        wait_for(lambda: player.service.posts() == [200, 200], 30, "the new URL in nginx's log")
        player.wait_for_position(player.position + 2)
    assert player.happened("emptied", "error") == [] and player.renewals == 0
    assert all(abs(joint.missing) <= EXACT for joint in joints(original.passages(recording.samples())))


def test_play_is_not_held_again_while_a_new_url_is_awaited(player, song):
    player = player("direct")
    player.begin(song)
    player.pause_past_the_urls_end()
    player.service.proxy.set_mode("refuse")
    player.run("await audio.play()")
    player.wait_for_position(3)
    player.run("audio.pause()")
    player.wait_for(state="paused")
    rate = player.run("""
        await audio.play();
        await new Promise((resolve) => setTimeout(resolve, 100));
        return audio.playbackRate""")
    assert rate == 1
    player.wait_for_position(5)


def test_track_that_was_never_played_does_not_wait_for_the_store(player, song):
    player = player("direct")
    player.play(song, play=False)
    player.wait_for(state="paused")
    player.let_the_url_end()
    player.run("await audio.play()")
    player.wait_for_position(1)
    assert player.renewals == 1
    assert not any(event.get("waitingFor") == "store" for event in player.run("return happened"))


@MODES
def test_url_that_was_prepared_and_has_ended_is_replaced(player, song, loudspeaker, original, mode):
    player = player(mode)
    player.run("source.prepare(given[0])", song.id)
    assert_posts(player, 200)
    player.let_the_url_end()
    with loudspeaker.recording() as recording:
        player.begin(song)
    assert original.passages(recording.samples())[0].track < EXACT
    assert player.problem is None and player.service.posts()[:2] == [200, 200]


@MODES
def test_seek_past_the_urls_end_is_exact(player, song, loudspeaker, original, mode):
    player = player(mode)
    player.begin(song)
    player.pause_past_the_urls_end()
    with loudspeaker.recording() as recording:
        player.run("audio.currentTime = 150; audio.play()")
        player.wait_for_position(153)
    # A browser may still have given some of the former place to the sound card.
    first = next(passage for passage in original.passages(recording.samples()) if passage.length > RATE // 10)
    assert abs(first.track - 150 * RATE) <= EXACT and first.length > RATE


@MODES
def test_last_of_many_seeks_wins(player, song, mode):
    player = player(mode)
    player.begin(song)
    player.pause_past_the_urls_end()
    before = len(player.service.posts())
    player.run("""
        audio.play();
        for (let step = 0; step <= 20; step++) {
            source.seek(60 + 4 * step);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }""")
    player.wait_for_position(141)
    assert player.position < 170 and player.problem is None
    assert len(player.service.posts()) - before <= 2


def assert_posts(player, *statuses):
    """All that were sent. nginx writes its log a moment later."""
    wait_for(lambda: player.service.posts() == list(statuses), 10, f"{statuses} in nginx's log")


@MODES
def test_token_that_has_ended_is_replaced_unnoticed(player, mint, song, mode):
    ended = mint.hs256(song.owner.id, exp=1_700_000_000, iat=1_699_990_000)
    player = player(mode, ended, song.owner.token)
    player.begin(song)
    assert player.tokens() == [False, True]
    wait_for(lambda: player.service.posts()[:2] == [401, 200], 10, "one refusal in nginx's log")


def test_token_that_stays_refused_asks_for_a_sign_in(player, mint, song):
    player = player("direct", mint.hs256(song.owner.id, exp=1_700_000_000, iat=1_699_990_000))
    player.play(song)
    player.wait_for(state="waiting", waitingFor="sign-in")
    assert_posts(player, 401)
    player.run("window.tokens = [given[0]]; source.retry()", song.owner.token)
    player.wait_for(state="playing")


@MODES
def test_store_that_breaks_connections_loses_no_sample(player, song, store, loudspeaker, original, mode):
    player = player(mode)
    with loudspeaker.recording() as recording:
        player.begin(song)
        store.set_mode("reset")
        player.let_the_url_end()
        store.set_mode("pass")
        # Farther than what was read before.
        player.wait_for_position(30)
    assert all(abs(joint.missing) <= EXACT for joint in joints(original.passages(recording.samples())))
    assert player.problem is None


def test_track_that_is_processed_is_waited_for(player, world, stack, song):
    player = player("worker")
    raw = world.track(song.owner, status="Processing", object_key="uploads/raw")
    player.play(raw)
    player.wait_for(state="waiting", waitingFor="processing")
    stack.sql(f"select novatune.mark_ready('{raw.id}', '{song.object_key}', '{song.mime_type}', {song.size})")
    player.wait_for(state="playing")
    wait_for(lambda: player.service.posts()[-1:] == [200] and player.service.posts()[0] == 409, 10, "409, then 200")


def test_other_conflicts_are_final(player, world, stack, song):
    player = player("worker")
    stack.sql(f"update novatune.tracks set status = 'Deleted' where track_id = '{song.id}'")
    for count, track in enumerate((world.track(song.owner, status="Failed"), song), start=1):
        player.play(track)
        player.wait_for(state="failed")
        assert player.problem["status"] == 409
        assert_posts(player, *[409] * count)


def test_what_the_browser_cannot_play_is_refused_without_a_request(player, song):
    player = player("worker")
    player.play(song, type="audio/x-no-browser-plays-this")
    player.wait_for(state="failed")
    assert player.problem["reason"] == "unsupported" and player.tokens() == []


@MODES
def test_object_that_is_no_audio_is_named(player, world, user, s3, stack, mode):
    key = f"audio/player/{ulid()}.wav"
    s3.put_object(Bucket=stack["S3_BUCKET"], Key=key, Body=b"no audio" * 1000)
    player = player(mode)
    player.play(world.track(user, object_key=key, mime_type="audio/wav", size=8000))
    player.wait_for(state="failed")
    assert player.problem["reason"] == "unsupported" and set(player.service.posts()) == {200}


def test_store_that_the_page_does_not_allow_is_named(player, song):
    player = player("direct", nginx={"MEDIA_ORIGINS": "https://media.example"})
    player.play(song)
    player.wait_for(state="failed")
    assert player.problem["reason"] == "policy" and player.state == "failed"
