"""What the service worker answers to the element."""

import hashlib

import pytest

from harness.waiting import wait_for
from noise import wav


@pytest.fixture
def audio(original):
    return wav(original.samples)


ASKED = """
    const answer = await fetch(audio.src, {headers: given[0] ? {Range: given[0]} : {}});
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return {status: answer.status, range: answer.headers.get("Content-Range"), type: answer.headers.get("Content-Type"),
        length: bytes.length, digest: await sha256(bytes)}
"""


def test_ranges_are_answered_as_the_store_would(player, song, audio):
    player = player("worker")
    player.play(song, play=False)
    wait_for(lambda: player.run("return audio.readyState > 0"), 30, "the metadata")
    size = len(audio)
    for asked, status, first, end in (
            ("bytes=0-1", 206, 0, 2), ("bytes=0-", 206, 0, size), ("bytes=300000-2500000", 206, 300_000, 2_500_001),
            (f"bytes={size - 5}-", 206, size - 5, size), ("bytes=-1000", 206, size - 1000, size),
            (f"bytes=100-{size + 9}", 206, 100, size), (None, 200, 0, size)):
        answer = player.run(ASKED, asked)
        expected = f"bytes {first}-{end - 1}/{size}" if asked else None
        assert (answer["status"], answer["range"], answer["length"]) == (status, expected, end - first), asked
        assert answer["digest"] == hashlib.sha256(audio[first:end]).hexdigest() and answer["type"] == "audio/wav"
    beyond = player.run(ASKED, f"bytes={size}-")
    assert (beyond["status"], beyond["length"]) == (416, 0)
    assert player.service.past_the_worker() == []


def test_slow_reader_gets_each_byte_across_its_urls(player, browser, song, audio):
    player = player("worker")
    player.play(song, play=False)
    wait_for(lambda: player.run("return audio.readyState > 0"), 30, "the metadata")
    before = player.renewals
    answer = player.run("""
        const reader = (await fetch(audio.src)).body.getReader();
        const parts = [];
        for (;;) {
            const {done, value} = await reader.read();
            if (done) break;
            parts.push(value);
            // About as fast as an element plays it.
            await new Promise((resolve) => setTimeout(resolve, 1700 * value.length / (1 << 20)));
        }
        const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
        return {length: bytes.length, digest: await sha256(bytes)}
    """)
    assert answer == {"length": len(audio), "digest": hashlib.sha256(audio).hexdigest()}
    # Firefox takes the whole track, however slowly a page reads it.
    assert player.renewals - before >= (10 if browser.name == "chromium" else 0)
