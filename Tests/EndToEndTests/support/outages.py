"""Requests that go on during an outage, and what they may be answered."""

from support.problems import assert_problem


def requests_for(world, users=60, each=1):
    """(track, token, tag) in an order in which no user comes again before all others have."""
    owners = world.users(users)
    tracks = world.tracks(owners, each)
    return [(track.id, track.owner.token, track) for start in range(each) for track in tracks[start::each]]


def assert_only_200_and_503(samples):
    for sample in samples:
        assert sample.error is None, sample.error
        if sample.status == 200:
            assert sample.tag.object_key in sample.answer.json()["streamUrl"]
        else:
            assert_problem(sample.answer, "service-unavailable", sample.tag.path)
            assert int(sample.answer.header("Retry-After")) >= 1
