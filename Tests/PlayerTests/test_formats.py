"""Each format that browsers play, ten minutes long, across the ends of its URLs."""

import shutil

import pytest

from formats import FORMATS, RATE, Reference, decoded
from harness.ulids import ulid
from harness.waiting import wait_for

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="there is no ffmpeg")


@pytest.fixture(scope="session", ids=lambda format: format.name, params=FORMATS)
def encoded(request, stack, s3, tmp_path_factory):
    """The format, its object's key and size, and what a decoder makes of it."""
    file = request.param.encode(tmp_path_factory.mktemp("formats"))
    key = f"audio/player/{ulid()}.{request.param.suffix}"
    s3.upload_file(str(file), stack["S3_BUCKET"], key)
    yield request.param, key, file.stat().st_size, Reference(decoded(file))
    s3.delete_object(Bucket=stack["S3_BUCKET"], Key=key)
    file.unlink()


@pytest.fixture
def song(world, user, encoded):
    format, key, size, _ = encoded
    return world.track(user, object_key=key, mime_type=format.type, size=size)


def test_each_format_is_played_across_its_urls_without_a_loss(player, song, encoded, loudspeaker):
    format, _, _, reference = encoded
    player = player("worker")
    if not player.run("return audio.canPlayType(given[0])", format.type):
        pytest.skip(f"this browser does not play {format.type}")
    with loudspeaker.recording() as recording:
        player.begin(song)
        # A piece of 1 MiB lasts long in some of them. Without a table of positions Firefox reads a file as a whole first.
        wait_for(lambda: player.renewals >= 1 or player.position > 60, 120, "another URL, or a minute")
        player.wait_for_position(max(player.position + 2, 8))
    assert player.happened("waiting", "stalled", "error", "seeking", "emptied") == []
    offsets = reference.offsets(recording.samples(), 0)
    found = [number for number, offset in enumerate(offsets) if offset is not None]
    # From the first sound to the last each moment is there, and none of them is late or early. Some browsers raise the
    # volume at the start, and the last window is cut.
    inner = offsets[found[0] + 2 : found[-1]]
    holes = [number for number, offset in enumerate(inner) if offset is None]
    assert len(inner) > 100 and holes == []
    assert max(inner) - min(inner) <= 1, (min(inner), max(inner))


def test_seek_past_the_urls_end_is_at_its_place(player, song, encoded, loudspeaker):
    format, _, _, reference = encoded
    if format.name == "mp3-vbr":
        pytest.skip("without a table of positions a browser estimates where a second is")
    player = player("worker")
    if not player.run("return audio.canPlayType(given[0])", format.type):
        pytest.skip(f"this browser does not play {format.type}")
    player.begin(song)
    player.run("audio.pause()")
    player.let_the_url_end()
    with loudspeaker.recording() as recording:
        player.run("audio.currentTime = 400; audio.play()")
        player.wait_for_position(403)
    samples = recording.samples()
    offsets = reference.offsets(samples, 400)
    first = next(number for number, offset in enumerate(offsets) if offset is not None)
    position = first * Reference.WINDOW + offsets[first]
    wrong = (position - 400 * RATE) / RATE
    # One frame of MP3 is 24 ms, and the first window may begin with silence.
    assert -0.03 <= wrong <= 0.08, wrong
    assert player.problem is None
