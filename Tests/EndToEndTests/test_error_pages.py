"""The `type` of each problem leads to a page that explains it."""

import re

import pytest

from harness.nginx import nginx_with
from harness.stack import REPOSITORY
from harness.wire import API
from support.problem_types import all_types, in_nginx, in_the_responder
from support.problems import assert_problem

PAGE = (REPOSITORY / "nginx/html/errors.html").read_text()
SECTIONS = dict(re.findall(r'<section id="([^"]+)">(.*?)</section>', PAGE, re.DOTALL))


def test_nginx_and_the_responder_name_a_type_alike():
    nginx, responder = in_nginx(), in_the_responder()
    assert nginx and responder
    assert {slug: nginx[slug] for slug in nginx.keys() & responder.keys()} == {
        slug: responder[slug] for slug in nginx.keys() & responder.keys()}


def test_page_has_one_section_for_each_type_in_order():
    slugs = re.findall(r'<section id="([^"]+)">', PAGE)
    assert slugs == sorted(all_types())


@pytest.mark.parametrize("slug", sorted(all_types()))
def test_section_says_what_happened_and_what_to_do(slug):
    status, title = all_types()[slug]
    section = SECTIONS[slug]
    assert f"<h2>{title}</h2>" in section
    assert f"<code>{status} {slug}</code>" in section
    assert re.findall(r"<dt>(\w+)</dt>\s*<dd>\s*\S", section) == ["Player", "Operator"]
    assert re.search(
        r'<a href="https://www\.rfc-editor\.org/rfc/rfc(\d+)#section-([\d.]+)">RFC \1, section \2</a>', section)


@pytest.mark.parametrize("slug", sorted(all_types()))
def test_path_of_a_type_leads_to_its_section(api, slug):
    answer = api.request("GET", f"/errors/{slug}")
    assert (answer.status, answer.header("Location")) == (308, f"/errors/#{slug}")
    assert answer.header("X-Content-Type-Options") == "nosniff"


def test_page_is_served_with_a_strict_policy(api):
    answer = api.request("GET", "/errors/")
    assert (answer.status, answer.body.decode()) == (200, PAGE)
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert answer.header("Content-Security-Policy") == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert answer.header("Cache-Control") == "no-cache"
    style = re.search(r'<link rel="stylesheet" href="([^"]+)">', PAGE)[1]
    assert api.request("GET", style).header("Content-Type") == "text/css; charset=utf-8"


@pytest.mark.parametrize("path", ["/errors/", "/errors/track-not-ready"])
def test_pages_are_read_only(api, path):
    assert api.request("HEAD", path).status == (200 if path == "/errors/" else 308)
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = api.request(method, path)
        assert_problem(answer, "method-not-allowed", path, "Only GET and HEAD are allowed here.")
        assert answer.header("Allow") == "GET, HEAD"


@pytest.mark.parametrize("path", [
    "/errors", "/errors/unknown", "/errors/client-gone", "/errors/Forbidden", "/errors/forbidden/",
    "/errors/forbidden.html", "/errors/errors.html", "/errors//", "//errors/", "/errors/./forbidden",
    "/errors/%66orbidden", "/errors%2fforbidden", "/errors/../metrics", "/errors/forbidden%0A"])
def test_any_other_path_is_404(api, path):
    assert_problem(api.request("GET", path), "not-found", path)


def test_page_that_is_not_installed_is_404(stack, tmp_path):
    with nginx_with(stack, tmp_path, PLAYER_ROOT=tmp_path) as port:
        assert_problem(API(f"http://127.0.0.1:{port}").request("GET", "/errors/"), "not-found", "/errors/")
