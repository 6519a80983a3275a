"""The judge of the races: it believes what can be true, and nothing else."""

import pytest

from support.facts import Facts, Grant, Listener, Outcome, TrackRow, UserRow
from support.judge import Judge, Observation
from support.timeline import Timeline

OWNER, FRIEND, TRACK = "owner", "friend", "track"
OBJECT_0, OBJECT_1 = Outcome(200, "object 0"), Outcome(200, "object 1")
DELETED = Outcome(409, "Deleted")
FACTS = Facts({OWNER: UserRow(), FRIEND: UserRow()}, {TRACK: TrackRow(OWNER)})


def after(*changes):
    """A judge who has seen changes, each (begun, finished, facts)."""
    timeline = Timeline(FACTS)
    for number, (begun, finished, facts) in enumerate(changes, start=1):
        timeline.append(begun, finished, f"change {number}", facts)
    return Judge(timeline)


def asked(started, ended, outcome, user=OWNER, issued_at=0):
    return Observation(Listener(user, issued_at), TRACK, started, ended, outcome)


NEW_OBJECT = FACTS.with_track(TRACK, TrackRow(OWNER, revision=1))
DELETION = FACTS.with_track(TRACK, TrackRow(OWNER, "Deleted", status_before_deletion="Ready"))


@pytest.mark.parametrize("started, ended, before, afterwards", [
    (0.0, 9.9, True, False),    # answered before the commit was sent
    (9.0, 10.0, True, True),    # answered when it was sent
    (10.2, 10.3, True, True),   # while it was on its way
    (9.0, 12.0, True, True),    # around it
    (10.9, 12.0, True, True),   # asked before it was answered
    (11.0, 12.0, False, True),  # asked when it was answered
    (15.0, 16.0, False, True),
])
def test_change_is_allowed_from_its_commits_begin_and_required_from_its_end(started, ended, before, afterwards):
    judge = after((10.0, 11.0, NEW_OBJECT))
    assert judge.is_explained(asked(started, ended, OBJECT_0)) == before
    assert judge.is_explained(asked(started, ended, OBJECT_1)) == afterwards


def test_stale_answer_is_reported_with_the_change_that_it_contradicts():
    judge = after((10.0, 11.0, NEW_OBJECT), (20.0, 21.0, NEW_OBJECT.with_user(FRIEND, UserRow("Suspended"))))
    sentence, = judge.contradictions([asked(11.5, 12.0, OBJECT_1), asked(21.002, 21.005, OBJECT_0)])
    assert "200 (object 0) instead of 200 (object 1)" in sentence
    assert "10002.00 ms after 'change 1' was committed, answered within 3.00 ms" in sentence


def test_contradiction_that_no_change_explains_is_reported_as_such():
    sentence, = after().contradictions([asked(1.0, 1.5, DELETED)])
    assert "409 (Deleted) instead of 200 (object 0)" in sentence
    assert "asked with nothing changed but the time" in sentence


def test_answer_between_two_changes_may_be_of_any_state_of_its_interval():
    judge = after((10.0, 11.0, DELETION), (12.0, 13.0, FACTS), (14.0, 15.0, NEW_OBJECT))
    assert judge.contradictions(asked(10.5, 14.5, outcome) for outcome in (OBJECT_0, DELETED, OBJECT_1)) == []
    assert not judge.is_explained(asked(11.5, 11.6, OBJECT_0))
    assert not judge.is_explained(asked(13.0, 13.5, DELETED))
    assert not judge.is_explained(asked(10.5, 13.9, OBJECT_1))


def test_answer_that_was_never_true_is_not_explained():
    judge = after((10.0, 11.0, DELETION))
    for outcome in (Outcome(503), Outcome(404), Outcome(403), Outcome(409, "Failed"), OBJECT_1, Outcome("OSError()")):
        assert not judge.is_explained(asked(9.0, 12.0, outcome))


def test_grant_is_allowed_until_it_has_certainly_ended():
    judge = after((1.0, 2.0, FACTS.with_grant(TRACK, FRIEND, Grant(ends=(10.0, 10.1)))))
    for started, ended, allowed, refused in [
        (3, 9.9, True, False), (9, 10.05, True, True), (10.05, 11, True, True), (10.2, 11, False, True)]:
        assert judge.is_explained(asked(started, ended, OBJECT_0, FRIEND)) == allowed
        assert judge.is_explained(asked(started, ended, Outcome(403), FRIEND)) == refused


def test_grant_that_is_replaced_before_its_end_has_no_end():
    facts = FACTS.with_grant(TRACK, FRIEND, Grant(ends=(10.0, 10.1)))
    judge = after((1.0, 2.0, facts), (5.0, 6.0, facts.with_grant(TRACK, FRIEND, Grant())))
    assert not judge.is_explained(asked(9.0, 11.0, Outcome(403), FRIEND))


def test_logout_ends_older_tokens_only():
    judge = after((10.0, 11.0, FACTS.with_user(OWNER, UserRow(tokens_valid_after=5_500_000))))
    for issued_at, refused in [(5, True), (6, False)]:
        assert judge.is_explained(asked(12, 13, Outcome(401), issued_at=issued_at)) == refused
        assert judge.is_explained(asked(12, 13, OBJECT_0, issued_at=issued_at)) != refused


@pytest.mark.parametrize("facts, user, outcome", [
    (FACTS, FRIEND, Outcome(403)), (FACTS, "unknown", Outcome(403)), (FACTS.without_track(TRACK), OWNER, Outcome(404)),
    (FACTS.with_grant(TRACK, FRIEND, Grant()).without_grant(TRACK, FRIEND), FRIEND, Outcome(403)),
    (FACTS.with_grant(TRACK, FRIEND, Grant()).without_track(TRACK).with_track(TRACK, TrackRow(OWNER)), FRIEND,
        Outcome(403)),
    (DELETION, FRIEND, Outcome(403)), (DELETION.with_grant(TRACK, FRIEND, Grant()), FRIEND, DELETED),
    (DELETION.with_user(OWNER, UserRow("Suspended", 10**18)), OWNER, Outcome(403)),
    (DELETION.with_user(OWNER, UserRow(tokens_valid_after=10**18)), OWNER, Outcome(401)),
    (FACTS.without_track(TRACK).with_user(OWNER, UserRow(tokens_valid_after=10**18)), OWNER, Outcome(401)),
    (FACTS.with_track(TRACK, TrackRow(FRIEND)), OWNER, Outcome(403)),
])
def test_checks_come_in_the_order_of_the_contract(facts, user, outcome):
    assert facts.outcomes(Listener(user, 0), TRACK, 0, 1) == {outcome}


def test_answers_during_a_change_and_those_right_after_one_are_distinguished():
    judge = after((10.0, 11.0, NEW_OBJECT))
    assert judge.is_undecided(asked(10.5, 12.0, OBJECT_0))
    assert not judge.is_undecided(asked(11.0, 12.0, OBJECT_1))
    assert judge.is_fresh(asked(11.4, 12.0, OBJECT_1), 0.5)
    assert not judge.is_fresh(asked(11.6, 12.0, OBJECT_1), 0.5)
    # Changes of something else do not make an answer either.
    assert not judge.is_undecided(asked(10.5, 12.0, Outcome(403), FRIEND))
    assert not judge.is_fresh(asked(11.4, 12.0, Outcome(403), FRIEND), 0.5)


def test_answer_later_than_the_deadline_is_not_explained():
    judge = after((10.0, 11.0, NEW_OBJECT))
    truth = asked(9.0, 9.5, OBJECT_0)
    assert judge.is_explained(truth) and judge.is_explained(truth.later(1.9)) and not judge.is_explained(
        truth.later(2.1))
