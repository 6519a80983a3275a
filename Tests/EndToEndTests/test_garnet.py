"""What Garnet does differently from Redis, on servers beside the stack's own: one error for a pipeline, a cluster of
its own kind, and users without patterns of keys."""

import pytest

from harness import canaries
from harness.garnet import Garnet, make_cluster
from harness.stack import REPOSITORY
from harness.waiting import wait_for

DEPLOYMENT = REPOSITORY / "Sources/novatune-streamd/Documentation.docc/Deployment.md"
PASSWORD = "password-of-the-documented-user"
canaries.add(PASSWORD, kind="password")
# Until its code is compiled, Garnet's first answers can take longer than the default.
PATIENT = "60s"


@pytest.fixture(scope="module")
def garnet(stack, tmp_path_factory):
    """Makes servers."""
    program = stack["GARNET_PROGRAM"]
    if not program:
        pytest.skip("the stack is not on Garnet: nginx/up --garnet")
    made = []

    def make(*options, **more):
        made.append(Garnet(program, tmp_path_factory.mktemp("garnet"), *options, **more))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def start(responders):
    """Starts a responder with this URL of the cache."""

    def start(url):
        return responders().leave_out("CACHE_URL").start_on_own_sockets(
            NOVATUNE_CACHE_URL=url, NOVATUNE_CACHE_TIMEOUT=PATIENT)

    return start


@pytest.fixture
def finding(command, stack):
    """What `check` says of this URL of the cache."""

    def finding(url):
        done = command(
            "check", "--config", stack.state / "responder.conf", NOVATUNE_CACHE_URL=url, NOVATUNE_CACHE_TIMEOUT=PATIENT)
        return [line for line in done.stdout.splitlines() if line.startswith("cache ")][-1]

    return finding


def wait_until_cached(responder):
    wait_for(lambda: responder.readiness()["cache"]["status"] == "ok", 30, "the cache")


def hits(responder):
    return responder.metrics()["stream_url_cache_hits_total"]


def failures(responder, code):
    return responder.metrics().get(f'novatune_dependency_errors_total{{dependency="cache",code="{code}"}}', 0)


# One error for a pipeline


def test_error_that_answers_a_whole_pipeline_is_named_and_not_waited_for(garnet, start, finding, world, user):
    url = f"redis://{garnet('--no-obj').wait().place}/0"
    assert "the server answered ERR to ZADD: " in finding(url) and "--no-obj" in finding(url)
    responder = start(url)
    wait_for(lambda: "ERR to ZADD" in responder.readiness()["cache"].get("reason", ""), 10, "/readyz names it")
    ask_for(responder, world.tracks([user], each=3))
    wait_for(lambda: failures(responder, "refused") > 0, 10, "the refusal of a write")
    event = responder.wait_for_event("dependency failed")
    assert event["dependency"] == "cache" and "ERR to ZADD" in event["reason"]
    assert failures(responder, "timeout") == 0


# Clusters


@pytest.fixture(scope="module")
def cluster(garnet):
    nodes = [garnet("--cluster", "--gossip-delay", "1") for _ in range(3)]
    for node in nodes:
        node.wait()
    make_cluster(nodes)
    return nodes


@pytest.fixture
def clustered(start, cluster):
    """A responder that knows one node, which names the others."""
    responder = start(f"redis+cluster://{cluster[0].place}")
    wait_until_cached(responder)
    return responder


def key(track):
    return f"stream:{{{track.owner.id}}}:{track.id}"


def holders(cluster, tracks):
    """The index of the node that has each entry, where one has it."""
    found = {name: index for index, node in enumerate(cluster) for name in node.cli("keys", "stream:*").splitlines()}
    return {track: found[key(track)] for track in tracks if key(track) in found}


def ask_for(responder, tracks):
    assert [responder.ask(track, track.owner.token)[0] for track in tracks] == [200] * len(tracks)


def fill(responder, cluster, tracks):
    ask_for(responder, tracks)
    return wait_for(
        lambda: len(found := holders(cluster, tracks)) == len(tracks) and found, 10, "the entries")


def test_each_node_of_a_cluster_has_its_users_entries(clustered, cluster, world):
    tracks = world.tracks(world.users(40))
    assert set(fill(clustered, cluster, tracks).values()) == {0, 1, 2}
    before = hits(clustered)
    ask_for(clustered, tracks)
    assert hits(clustered) == before + len(tracks)


def test_change_in_the_database_ends_the_entry_on_its_node(clustered, cluster, world):
    suspended, other = world.tracks(world.users(2))
    fill(clustered, cluster, [suspended, other])
    world.set_user(suspended.owner, "status = 'Suspended'")
    wait_for(lambda: suspended not in holders(cluster, [suspended]), 10, "the end of the entry")
    assert other in holders(cluster, [other])


def test_check_probes_a_cluster_and_names_the_scheme_where_it_is_missing(cluster, finding):
    assert finding(f"redis+cluster://{cluster[1].place}").split()[1] == "ok"
    # All but one node redirect the probe's key.
    assert any("redis+cluster://" in finding(f"redis://{node.place}/0") for node in cluster[:2])


def test_slots_that_move_between_nodes_lose_no_answer(clustered, cluster, world):
    tracks = world.tracks(world.users(60))
    moving = [track for track, index in fill(clustered, cluster, tracks).items() if index == 0]
    slots = {cluster[0].cli("cluster", "keyslot", key(track)) for track in moving}
    assert cluster[0].cli("migrate", "127.0.0.1", cluster[1].port, "", 0, 60_000, "SLOTS", *slots) == "OK"
    have_moved = lambda: holders(cluster, moving) == dict.fromkeys(moving, 1)
    wait_for(lambda: ask_for(clustered, tracks) or have_moved(), 60, "the entries on their new node")
    ask_for(clustered, tracks)
    before = hits(clustered)
    ask_for(clustered, tracks)
    assert hits(clustered) == before + len(tracks)


# Users


def documented_rules():
    """The line of the article, with a password."""
    lines = DEPLOYMENT.read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("user novatune on >PASSWORD -@all"))
    return line.replace("PASSWORD", PASSWORD)


def with_users(garnet, directory, rules):
    file = directory / "users.acl"
    file.write_text(f"user default off\nuser admin on >admin +@all\n{rules}\n")
    login = "--user", "admin", "--pass", "admin", "--no-auth-warning"
    return garnet("--auth", "ACL", "--acl-file", file, login=login).wait()


@pytest.fixture(scope="module")
def limited(garnet, tmp_path_factory):
    """A server with the documented user."""
    return with_users(garnet, tmp_path_factory.mktemp("users"), documented_rules())


def url(server, database=0):
    return f"redis://novatune:{PASSWORD}@{server.place}/{database}"


def test_documented_user_may_do_all_that_a_responder_does(stack, limited, start, finding, world):
    assert finding(url(limited)).split()[1] == finding(url(limited, 1)).split()[1] == "ok"
    responder = start(url(limited))
    wait_until_cached(responder)
    tracks = world.tracks(world.users(2))
    entries = [f"stream:{track.owner.id}:{track.id}" for track in tracks]
    ask_for(responder, tracks)
    wait_for(lambda: limited.cli("exists", *entries) == "2", 10, "the entries")
    before = hits(responder)
    ask_for(responder, tracks)
    assert hits(responder) == before + 2
    world.set_user(tracks[0].owner, "status = 'Suspended'")
    wait_for(lambda: limited.cli("exists", *entries) == "1", 10, "the end of the entry")
    # As a change of many rows does it: this needs SCAN.
    stack.sql("select pg_notify('novatune_invalidation', '* * logout')")
    wait_for(lambda: limited.cli("exists", *entries) == "0", 10, "the end of all entries")
    assert responder.events("dependency failed") == []


def test_each_command_of_the_documented_user_is_needed(limited, finding):
    commands = [rule.removeprefix("+") for rule in documented_rules().split() if rule.startswith("+")]
    # Without PING a connection is made all the same, and no probe scans.
    for command in set(commands) - {"ping", "scan"}:
        limited.cli("acl", "setuser", "novatune", f"-{command}")
        assert f"the server answered NOPERM to {command.upper()}" in finding(url(limited, 1))
        limited.cli("acl", "setuser", "novatune", f"+{command}")


def test_patterns_of_keys_end_the_start(garnet, tmp_path):
    with pytest.raises(AssertionError, match="~stream"):
        with_users(garnet, tmp_path, documented_rules().replace(" -@all", " ~stream:* -@all"))
