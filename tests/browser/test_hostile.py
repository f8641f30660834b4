"""Names and texts with markup, scripts, foreign directions and the greatest length are letters to the page."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

import pytest

from tests.browser import hostile
from tests.browser.chromium import NARROW, WIDE, Browser

NAMES = hostile.names()
# Nothing of the page's own.
_FOREIGN = "main :is(img, script, iframe, style, math, base, [onerror], [onload])"
_MADE = f"return document.querySelectorAll('{_FOREIGN}').length"


def shown_names(page: Browser) -> list[str]:
    found = page.run(
        "return [...document.querySelectorAll('tbody td:first-child bdi')].map((each) => each.textContent)"
    )
    return list(found)


def _are_others(page: Browser, names: list[str]) -> bool:
    return shown_names(page) not in ([], names)


def test_200_hostile_names_are_listed_as_they_are_and_do_nothing(page: Browser) -> None:
    assert len(set(NAMES)) == hostile.COUNT
    assert max(len(name) for name in NAMES) == hostile.LONGEST
    seen: list[str] = []
    page.open(f"documents?{urlencode({'prefix': hostile.FOLDER})}")
    while True:
        page.wait_for("tbody td")
        here = shown_names(page)
        seen += here
        assert page.run(_MADE) == 0
        for size in (NARROW, WIDE):
            page.resize(size)
            assert page.overflow() <= 0
        following = [each for each in page.all("main nav a") if each.text.startswith("Next")]
        if not following:
            break
        following[0].click()
        page.wait(partial(_are_others, page, here), "the next names")
    assert sorted(seen) == sorted(NAMES)


@pytest.mark.parametrize("name", [*NAMES[:11:5], *NAMES[91::37]], ids=range(6))
def test_a_hostile_document_has_a_view_of_its_own(page: Browser, name: str) -> None:
    page.open(f"document?{urlencode({'name': name})}")
    page.wait_for_text("History")
    assert page.run("return document.querySelector('h1 bdi').textContent") == name
    assert page.run(_MADE) == 0
    page.resize(NARROW)
    assert page.overflow() <= 0
    assert page.axe() == []


def test_hostile_names_among_failures_do_nothing(page: Browser) -> None:
    page.open(f"failures?{urlencode({'prefix': hostile.FOLDER})}")
    page.wait_for("tbody td")
    assert len(shown_names(page)) == 20
    assert page.run(_MADE) == 0


def test_a_hostile_address_is_an_address_and_nothing_more(page: Browser) -> None:
    for attack in ("<img src=x onerror=alert(1)>", "javascript:alert(1)", "__proto__", "constructor", "toString"):
        for view in (f"documents?{urlencode({'prefix': attack})}", f"batch?{urlencode({'id': attack})}", attack):
            page.open(view)
            assert page.run(_MADE) == 0
            assert page.violations() == []
