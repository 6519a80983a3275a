"""URLs that players have already end with their track: novatune-streamd revoke, on the stack's store and database."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import versitygw
from harness.faulty_store import faulty_store
from harness.versitygw import Versitygw
from harness.waiting import wait_for
from support.database import Database
from support.revocations import (
    NAME, VALUE, audio, delete, is_given, is_refused, policy, recorded, restore, revoker, revokers, song, status,
    tags, until_done, waiting)


def test_a_url_ends_with_its_track_and_revives_with_it(stack, api, world, revoker, user, song):
    until_done(stack)
    before = revoker.metrics()
    url = api.stream_url(song.id, user.token)
    assert is_given(url) and status(url, Range="bytes=0-1") == 206
    delete(world, song)
    wait_for(lambda: is_refused(url), 10, "403 for a deleted track")
    assert status(url, Range="bytes=0-1") == 403
    assert api.stream(song.id, user.token).status == 409
    restore(world, song)
    wait_for(lambda: is_given(url), 10, "200 for a restored track")
    assert api.stream(song.id, user.token).status == 200
    until_done(stack)
    counted = {name: value - before[name] for name, value in revoker.metrics().items()}
    assert counted['novatune_revocation_objects_total{outcome="revoked"}'] == 1
    assert counted['novatune_revocation_objects_total{outcome="restored"}'] == 1
    assert counted["novatune_revocation_duration_seconds_count"] == 1
    assert not any(value for name, value in counted.items() if name.startswith("novatune_revocation_failures_total"))


def test_fifty_kills_forget_nothing(stack, api, world, revokers, user, song):
    """The process ends at any moment around the commit, and another takes its place."""
    revoker = revokers()
    random_moment = random.Random(21)
    for trial in range(50):
        # It lives for two minutes, and all trials may take longer.
        url = api.stream_url(song.id, user.token)
        revoker.start()
        # From before its first connection to well into its work.
        kill = threading.Timer(random_moment.uniform(0, 0.15), revoker.kill)
        kill.start()
        delete(world, song)
        kill.join()
        revoker.start()
        wait_for(lambda: is_refused(url), 20, f"403 in trial {trial}")
        restore(world, song)
        wait_for(lambda: is_given(url), 20, f"200 in trial {trial}")
        revoker.kill()
    revoker.start()
    until_done(stack)


def test_nothing_is_forgotten_while_the_store_or_the_process_is_away(stack, api, world, revoker, audio, user):
    first, second = audio(user, 2)
    urls = [api.stream_url(track.id, user.token) for track in (first, second)]
    until_done(stack)
    with stack.stopped("s3"):
        delete(world, first)
        wait_for(lambda: revoker.readiness()[0] == 503, 10, "503 of /readyz")
        assert revoker.readiness()[1]["object_store"]["status"] == "failed"
        wait_for(lambda: any(
            value > 0 for name, value in revoker.metrics().items()
            if name.startswith('novatune_revocation_failures_total{dependency="object_store"')), 10, "a failure")
        assert waiting(stack) == 1
        wait_for(lambda: revoker.metrics()['novatune_revocation_lag_seconds{action="revoke"}'] > 0, 10, "a lag")
    wait_for(lambda: is_refused(urls[0]), 20, "403 after the outage")
    wait_for(lambda: revoker.readiness()[0] == 200, 20, "readiness after the outage")
    assert revoker.stop() == 0
    delete(world, second)
    restore(world, first)
    assert is_given(urls[1]) and is_refused(urls[0])
    revoker.start()
    wait_for(lambda: is_refused(urls[1]) and is_given(urls[0]), 20, "what was done while the process was away")


def test_nothing_is_forgotten_while_the_database_is_away(stack, api, world, revoker, user, song):
    url = api.stream_url(song.id, user.token)
    with stack.stopped("postgres"):
        wait_for(lambda: revoker.readiness()[1]["database"]["status"] == "failed", 10, "a failed database")
    delete(world, song)
    wait_for(lambda: is_refused(url), 20, "403 after the database's restart")
    wait_for(lambda: revoker.readiness()[0] == 200, 20, "readiness after it")


def test_other_tags_stay(stack, world, s3, revoker, song):
    own = {"licence": "A & B <x> \"y\" 'z'", "mood": "", "blues": "é"}
    s3.put_object_tagging(
        Bucket=stack["S3_BUCKET"], Key=song.object_key,
        Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in own.items()]})
    delete(world, song)
    wait_for(lambda: tags(stack, s3, song.object_key) == own | {NAME: VALUE}, 10, "the tag beside the others")
    restore(world, song)
    wait_for(lambda: tags(stack, s3, song.object_key) == own, 10, "the others alone")


def test_tags_are_set_and_kept_at_another_store(world, revokers, user, tmp_path):
    """versitygw, whose policies know no tags."""
    if not versitygw.program():
        pytest.skip("no versitygw: neither $VERSITYGW nor PATH has it")
    store, key = Versitygw(tmp_path), versitygw.KEY
    there = lambda: {
        tag["Key"]: tag["Value"]
        for tag in store.client.get_object_tagging(Bucket=versitygw.BUCKET, Key=key)["TagSet"]}
    try:
        song = world.track(user, object_key=key)
        revokers().start(**store.settings(store.owner))
        delete(world, song)
        wait_for(lambda: there() == {NAME: VALUE}, 10, "the tag alone")
        restore(world, song)
        wait_for(lambda: there() == {}, 10, "no tag")
        store.client.put_object_tagging(
            Bucket=versitygw.BUCKET, Key=key, Tagging={"TagSet": [{"Key": "mood", "Value": "blue"}]})
        delete(world, song)
        wait_for(lambda: there() == {"mood": "blue", NAME: VALUE}, 10, "the tag beside another")
    finally:
        store.stop()


def test_an_object_with_ten_tags_is_reported_and_holds_up_no_other(stack, api, world, s3, revoker, audio, user):
    full, other = audio(user, 2)
    url = api.stream_url(other.id, user.token)
    ten = [{"Key": f"tag-{number}", "Value": "x"} for number in range(10)]
    s3.put_object_tagging(Bucket=stack["S3_BUCKET"], Key=full.object_key, Tagging={"TagSet": ten})
    delete(world, full, other)
    wait_for(lambda: is_refused(url), 10, "403 for the other")
    wait_for(lambda: stack.sql("select failure from novatune.revocations") == [["too_many_tags"]], 10, "its code")
    failures = 'novatune_revocation_failures_total{dependency="object_store",code="too_many_tags"}'
    wait_for(lambda: revoker.metrics()[failures] >= 1)
    s3.put_object_tagging(Bucket=stack["S3_BUCKET"], Key=full.object_key, Tagging={"TagSet": ten[:9]})
    until_done(stack)
    assert tags(stack, s3, full.object_key)[NAME] == VALUE


FAULTS = {
    "http_405": "405 MethodNotAllowed", "http_409": "409 OperationAborted", "http_412": "412 PreconditionFailed",
    "http_500": "500 InternalError", "http_503": "503 SlowDown", "signature_mismatch": "403 SignatureDoesNotMatch",
    "lost": "444",
}


def failures(stack):
    return {key: failure for key, failure in stack.sql("select object_key, failure from novatune.revocations")}


def test_objects_that_the_store_fails_for_hold_up_no_other(stack, api, world, revokers, audio, user, tmp_path):
    """Whatever it answers, and though one worker alone takes them first, again and again."""
    poisoned, good = audio(user, len(FAULTS)), audio(user, 10)
    urls = {track.id: api.stream_url(track.id, user.token) for track in poisoned + good}
    stack.sql("delete from novatune.revocations")
    expected = {track.object_key: code for track, code in zip(poisoned, FAULTS)}
    faults = {f"PUT {track.object_key}": fault for track, fault in zip(poisoned, FAULTS.values())}
    with faulty_store(stack, tmp_path, faults) as port:
        delete(world, *poisoned)
        revoker = revokers().start(NOVATUNE_S3_ENDPOINT=f"http://127.0.0.1:{port}", NOVATUNE_REVOKE_WORKERS="1")
        wait_for(lambda: failures(stack) == expected, 30, "a failure of each")
        delete(world, *good)
        wait_for(lambda: all(is_refused(urls[track.id]) for track in good), 30, "403 for the others")
        assert not any(is_refused(urls[track.id]) for track in poisoned)
        wait_for(lambda: failures(stack) == expected, 30, "rows of the failed ones alone")
        wait_for(lambda: revoker.readiness()[0] == 200, 20, "the store as a whole is well")
    # An outage forgets none of them, and is none of the objects'.
    wait_for(lambda: revoker.readiness()[0] == 503, 20, "503 of /readyz")
    wait_for(lambda: set(failures(stack).values()) == {"connect"}, 30, "the outage as their failure")
    with faulty_store(stack, tmp_path, {}, port):
        until_done(stack)
    assert all(is_refused(urls[track.id]) for track in poisoned)


def test_an_object_whose_current_version_is_a_delete_marker_is_done(
        stack, world, revokers, song, tmp_path):
    stack.sql("delete from novatune.revocations")
    with faulty_store(stack, tmp_path, {f"GET {song.object_key}": "405 MethodNotAllowed"}) as port:
        revoker = revokers().start(NOVATUNE_S3_ENDPOINT=f"http://127.0.0.1:{port}").until_ready()
        delete(world, song)
        until_done(stack)
        wait_for(lambda: revoker.metrics()['novatune_revocation_objects_total{outcome="gone"}'] == 1)


def test_a_store_that_takes_no_call_is_no_delete_marker(stack, world, s3, revokers, song, tmp_path):
    stack.sql("delete from novatune.revocations")
    with faulty_store(stack, tmp_path, {"~^GET ": "405 MethodNotAllowed"}) as port:
        delete(world, song)
        revoker = revokers().start(NOVATUNE_S3_ENDPOINT=f"http://127.0.0.1:{port}")
        wait_for(lambda: failures(stack) == {song.object_key: "http_405"}, 20, "a failure")
        wait_for(lambda: revoker.readiness()[1].get("object_store", {}).get("status") == "failed", 20, "readiness")
    with faulty_store(stack, tmp_path, {}, port):
        until_done(stack)
    assert tags(stack, s3, song.object_key)[NAME] == VALUE


def test_objects_that_others_work_on_hold_up_no_other(stack, api, world, revokers, audio, user):
    """Rows of an object that were committed after its claim come first, and wait for its end. One worker: among several, one
    may pass over a row in the moment in which another looks at it."""
    busy, good, again = audio(user, 3), audio(user, 3), audio(user, 1)
    urls = {track.id: api.stream_url(track.id, user.token) for track in busy + good + again}
    revoker = revokers().start(NOVATUNE_REVOKE_WORKERS="1").until_ready()
    until_done(stack)
    delete(world, *again)
    until_done(stack)
    with Database(stack["DATABASE_URL"]) as others:
        for track in busy:
            others("select pg_advisory_lock(1853781601, hashtext(%s))", track.object_key)
        delete(world, *busy)
        delete(world, *good)
        restore(world, *again)
        wait_for(lambda: all(is_refused(urls[track.id]) for track in good), 20, "403 for the others")
        wait_for(lambda: is_given(urls[again[0].id]), 20, "200 for a restored one, though revocations wait")
        wait_for(lambda: set(failures(stack)) == {track.object_key for track in busy}, 20, "rows of the busy ones alone")
        assert not any(is_refused(urls[track.id]) for track in busy)
    until_done(stack)
    assert all(is_refused(urls[track.id]) for track in busy)
    assert revoker.process.poll() is None


def test_an_object_that_another_track_streams_stays(stack, api, world, s3, revoker, user, song):
    other = world.track(user, object_key=song.object_key)
    url = api.stream_url(other.id, user.token)
    delete(world, song)
    until_done(stack)
    assert is_given(url) and NAME not in tags(stack, s3, song.object_key)
    delete(world, other)
    wait_for(lambda: is_refused(url), 10, "403 once no track streams it")


def test_a_replaced_object_is_refused_and_the_new_one_given(stack, api, world, revoker, user, song):
    former = api.stream_url(song.id, user.token)
    key = world.put(song.object_key + ".new", b"9876543210")
    world.set_track(song, f"object_key = '{key}'")
    wait_for(lambda: is_refused(former), 10, "403 for the former object")
    assert is_given(api.stream_url(song.id, user.token))


def test_an_object_that_is_gone_is_done(stack, world, s3, revoker, song):
    until_done(stack)
    gone = lambda: revoker.metrics()['novatune_revocation_objects_total{outcome="gone"}']
    before = gone()
    s3.delete_object(Bucket=stack["S3_BUCKET"], Key=song.object_key)
    delete(world, song)
    until_done(stack)
    assert gone() == before + 1


def test_a_removed_row_is_revoked_as_well(stack, api, world, revoker, user, song):
    url = api.stream_url(song.id, user.token)
    stack.sql(f"delete from novatune.tracks where track_id = '{song.id}'")
    wait_for(lambda: is_refused(url), 10, "403 for a removed track")


def test_several_processes_share_the_work(stack, api, world, revokers, audio, user):
    tracks = audio(user, 60)
    urls = [api.stream_url(track.id, user.token) for track in tracks[:3]]
    three = [revokers().start().until_ready() for _ in range(3)]
    stack.sql(f"update novatune.tracks set status = 'Deleted' where user_id = '{user.id}'")
    until_done(stack)
    assert all(is_refused(url) for url in urls)
    done = [revoker.metrics()['novatune_revocation_objects_total{outcome="revoked"}'] for revoker in three]
    assert sum(done) == 60


def revoked_version(database, track):
    """Of a track that is deleted and has nothing that waits; None for any other."""
    found = database(
        """select t.version from novatune.tracks t where t.track_id = %s and t.status = 'Deleted'
           and not exists (select from novatune.revocations r where r.object_key = t.object_key)""",
        track.id)
    return found[0][0] if found else None


def test_after_a_race_of_revoking_and_restoring_each_object_is_as_its_track(
        stack, api, world, s3, revokers, audio):
    """Many changes of few tracks, by several writers, with three processes of which one stops again and again. No URL
    opens once its track's deletion is done."""
    # Each has an owner, because a user has an allowance.
    tracks = [audio(owner)[0] for owner in world.users(4)]
    steady = [revokers().start() for _ in range(2)]
    restless, done = revokers(), threading.Event()

    def start_and_stop():
        moment = random.Random(3)
        while not done.is_set():
            restless.start().until_ready()
            done.wait(moment.uniform(0, 0.3))
            assert restless.stop() == 0

    issued, checked = {track.id: [] for track in tracks}, []

    def change(track):
        choice = random.Random(track.id)
        with Database(stack["DATABASE_URL"]) as database:
            for turn in range(60):
                choice.choice((delete, restore))(world, track)
                answer = api.stream(track.id, track.owner.token) if turn % 3 == 0 else None
                if answer and answer.status == 200:
                    issued[track.id].append(answer.json()["streamUrl"])
                # A fetch counts where the deletion was done before it, and no change came before its end.
                urls = dict.fromkeys(issued[track.id][-3:])
                if urls and (deletion := revoked_version(database, track)):
                    statuses = [status(url) for url in urls]
                    if revoked_version(database, track) == deletion:
                        checked.extend(statuses)

    with ThreadPoolExecutor(9) as pool:
        stopping = pool.submit(start_and_stop)
        try:
            list(pool.map(change, tracks * 2))
        finally:
            done.set()
        stopping.result()
    # What was issued last opens again with the track, and ends with it.
    restore(world, *tracks[:2])
    until_done(stack)
    last = [api.stream_url(track.id, track.owner.token) for track in tracks[:2]]
    delete(world, tracks[1])
    until_done(stack)
    assert is_given(last[0])
    checked.append(status(last[1]))
    assert set(checked) == {403}, f"{len(checked)} fetches after a deletion that was done"
    owners = ", ".join(f"'{track.owner.id}'" for track in tracks)
    expected = dict(stack.sql(f"select object_key, status from novatune.tracks where user_id in ({owners})"))
    for key, state in expected.items():
        assert (tags(stack, s3, key).get(NAME) == VALUE) == (state == "Deleted"), state
    assert {tracks[0].object_key: "Ready", tracks[1].object_key: "Deleted"}.items() <= expected.items()
    assert all(revoker.process.poll() is None for revoker in steady)


def test_an_object_that_is_still_tagged_is_one_tracks_failure(stack, api, world, s3, responders, audio, user):
    """A restored track before its object is: 503 for it, and the breaker stays closed for the others."""
    tagged, other = audio(user, 2)
    s3.put_object_tagging(
        Bucket=stack["S3_BUCKET"], Key=tagged.object_key, Tagging={"TagSet": [{"Key": NAME, "Value": VALUE}]})
    responder = responders().start_on_own_sockets(NOVATUNE_BREAKER_FAILURES="2")
    assert responder.ask(other, user.token)[0] == 200
    for _ in range(12):
        assert responder.ask(tagged, user.token)[0] == 503
    assert responder.metrics()['novatune_breaker_state{dependency="object_store"}'] == 0
    # The log is written by a thread of its own.
    wait_for(lambda: '"code":"refused_object"' in responder.log(), what="the log line")
    assert "novatune-revoked" in responder.log() and "are key, secret" not in responder.log()
    fresh = audio(user)[0]
    assert responder.ask(fresh, user.token)[0] == 200
