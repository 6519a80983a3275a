"""WCAG 2.2 AA, as far as axe can judge it, in what the page shows at different times."""

import os
from pathlib import Path

import pytest

from test_page import open_page, pair, pair_objects, queued

AXE = Path(os.environ.get("AXE", ""))
pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="AXE does not name axe-core's axe.min.js")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page):
    page.run(AXE.read_text())
    return page.run("""
        const {violations} = await axe.run(document, {runOnly: given[0]});
        return violations.map(({id, nodes}) => [id, nodes.map(({html}) => html)])""", RULES)


def test_no_state_of_the_page_violates_a_rule(open_page, world, queued):
    failed = world.track(queued[0].owner, status="Failed", object_key="uploads/raw")
    page = open_page([*queued, failed])
    found = {"empty": violations(page)}
    page.choose(1)
    page.wait_for_position(1)
    found["playing"] = violations(page)
    page.run("document.getElementById('language').value = 'de'; document.getElementById('language').dispatchEvent(new Event('change'))")
    found["in German"] = violations(page)
    page.choose(3)
    page.wait_for("problem-title", "Der Titel ist nicht abspielbar")
    page.run("document.getElementById('own').open = true")
    found["a problem, and the form"] = violations(page)
    page.tab.resize(320, 568)
    found["narrow"] = violations(page)
    assert found == {name: [] for name in found}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast(open_page, queued, scheme):
    page = open_page(queued)
    # As the browser's own setting would: rules of the other scheme do not match.
    page.run("""
        for (const rule of [...document.styleSheets[0].cssRules]) {
            if (rule.media?.mediaText.includes('color-scheme')) rule.media.mediaText = given[0] === 'dark' ? 'all' : 'not all';
        }""", scheme)
    page.choose(1)
    page.wait_for_position(1)
    assert violations(page) == []


def test_all_is_reached_by_the_keyboard_and_focus_is_seen(open_page, queued):
    page = open_page(queued)
    page.choose(1)
    page.wait_for_position(1)
    page.run("document.activeElement.blur()")
    reached = []
    for _ in range(30):
        page.press("\ue004")
        name, outline = page.run("""
            const one = document.activeElement;
            const {outlineStyle, outlineWidth} = getComputedStyle(one);
            return [one.id || one.value || one.tagName, outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2]""")
        if name in reached or name == "BODY":
            break
        assert outline, name
        reached.append(name)
    assert {"language", "seek", "previous", "play", "next", "mute", "volume", "0", "1", "SUMMARY", "shortcuts"} <= set(
        reached)


def test_only_what_matters_is_announced(open_page, queued):
    page = open_page(queued)
    page.run("""
        window.announced = [];
        for (const one of document.querySelectorAll('[role=status], [role=alert], [aria-live]')) {
            new MutationObserver(() => announced.push(one.textContent.trim())).observe(one, {childList: true, subtree: true, characterData: true});
        }""")
    page.choose(1)
    page.wait_for_position(10)
    assert len(page.run("return announced")) <= 3, page.run("return announced")
