"""The types of problems, as the programs that send them have them."""

import re

from harness.stack import REPOSITORY


def in_nginx():
    """{type: (status, title)} of nginx's own answers."""
    text = (REPOSITORY / "nginx/include/problem-details.conf").read_text()
    found = re.findall(r'"type":"https://novatune\.dev/errors/([a-z-]+)","title":"([^"]+)","status":(\d+)', text)
    return {slug: (int(status), title) for slug, title, status in found}


def in_the_responder():
    """{type: (status, title)} of the responder's answers."""
    text = (REPOSITORY / "Sources/StreamIssuing/Problem.swift").read_text()
    kinds = re.findall(
        r'let (\w+) = Kind\(\s*status: (\d+), slug: "([a-z-]+)", title: "([^"]+)"\)', text)
    sent = set(re.findall(r"\w+", re.search(r"static let all = \[(.*?)\]", text, re.DOTALL)[1]))
    assert sent <= {name for name, *_ in kinds}
    return {slug: (int(status), title) for name, status, slug, title in kinds if name in sent}


def all_types():
    return in_nginx() | in_the_responder()
