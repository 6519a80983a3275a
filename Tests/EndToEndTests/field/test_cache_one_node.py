"""A URL of a single server that leads to one node of a Redis Cluster: the cause and the right form of the URL are
named, and that form works."""

import pytest

from caches import assert_is_named, assert_is_used, checked, start
from harness import redis_server

ADVICE = "another node of its cluster has the key; for a cluster, write redis+cluster:// with its nodes"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Three masters."""
    with redis_server.cluster(tmp_path_factory.mktemp("cluster"), replicas=0) as nodes:
        yield nodes


@pytest.fixture(params=range(3))
def node(request, nodes):
    """Each has some of the keys."""
    return nodes[request.param]


def test_single_servers_url_for_a_node_of_a_cluster_is_named(responders, command, node, track):
    url = f"redis://{node.address}/0"
    responder = start(responders, url)
    for words in ("MOVED", ADVICE):
        assert_is_named(responder, words, track)
    word, explanation = checked(command, responder, url)
    assert word == "warning" and "MOVED" in explanation and ADVICE in explanation


def is_stored(nodes, track):
    """By any of them, under the key that entries have in a cluster."""
    key = f"stream:{{{track.owner.id}}}:{track.id}"
    return any(node.cli("exists", key) == "1" for node in nodes)


def test_form_of_the_url_that_is_named_works_with_the_same_node(responders, command, nodes, node, track):
    url = f"redis+cluster://{node.address}"
    responder = start(responders, url)
    assert_is_used(responder, nodes, track, is_stored)
    assert checked(command, responder, url)[0] == "ok"
