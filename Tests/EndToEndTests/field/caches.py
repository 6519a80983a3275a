"""A responder on a server of the cache that a test starts: it uses the server, or it names why it cannot."""

from harness.waiting import wait_for


def start(responders, url, **options):
    """`options` are those of `Responder.start`."""
    return responders().leave_out("CACHE_URL").start_on_own_sockets(NOVATUNE_CACHE_URL=url, **options)


def cache(responder):
    return responder.readiness()["cache"]


def wait_until_ok(responder):
    wait_for(lambda: cache(responder)["status"] == "ok", 30, "the cache")


def is_stored(redis, track):
    return redis.cli("exists", f"stream:{track.owner.id}:{track.id}") == "1"


def ask(responder, track):
    """A cache that cannot be used ends no request."""
    assert responder.ask(track, track.owner.token)[0] == 200


def is_hit(responder, track):
    """Whether a request finds the track's URL in the cache."""
    hits = lambda: responder.metrics()["stream_url_cache_hits_total"]
    before = hits()
    ask(responder, track)
    return hits() > before


def assert_is_used(responder, redis, track, is_stored=is_stored):
    """The server gets the track's entry, and a request uses it."""
    wait_until_ok(responder)
    # Each event loop has a connection of its own, which may come later than that of /readyz.
    wait_for(lambda: ask(responder, track) or is_stored(redis, track), 20, "the entry")
    wait_for(lambda: is_hit(responder, track), 20, "a hit")


def assert_is_named(responder, cause, track):
    """In /readyz and in the log, while requests are answered; it does not take the responder out of service."""
    for _ in range(3):
        ask(responder, track)
    wait_for(lambda: cause in cache(responder).get("reason", ""), 20, f"{cause} in /readyz")
    unhealthy = lambda: [
        line for line in responder.events("dependency unhealthy")
        if line["dependency"] == "cache" and cause in line["reason"]]
    wait_for(unhealthy, 20, f"{cause} in the log")
    wait_for(lambda: responder.gate("/readyz")[0] == 200, 20, "/readyz")


def checked(command, responder, url, **settings):
    """What `check` finds with this URL: a word and its explanation."""
    done = command("check", "--config", responder.config, NOVATUNE_CACHE_URL=url, **settings)
    [line] = [line for line in done.stdout.splitlines() if line[:31].strip() == "cache"]
    return line[31:40].strip(), line[40:].strip()
