"""Every view, light and dark, narrow and wide: whole, without a finding of axe-core, and no wider than its window."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.browser.chromium import NARROW, WIDE, Browser
from tests.browser.scene import PROJECT
from tests.e2e.conftest import Cloud

# The view's address, and what it shows when it is there.
VIEWS: dict[str, tuple[str, str]] = {
    "overview": ("", "Model in use"),
    "documents": ("documents?prefix=inbox/mail-", "inbox/mail-0733.txt"),
    "no documents": ("documents?prefix=none", "No document begins like that"),
    "document": ("document?name=inbox/mail-0733.txt", "Classification"),
    "failures": ("failures", "empty"),
    "work": ("work", "retrain"),
    "models": (f"models?project={PROJECT}&first=second&second=first", "What is taken for what"),
    "classes": ("classes", "Classes by day"),
    "review": ("review", "Which classes?"),
    "nothing": ("elsewhere", "There is no such view"),
}


def look(page: Browser) -> list[str]:
    found = []
    for theme in ("light", "dark"):
        page.theme(theme)
        for size in (WIDE, NARROW):
            page.resize(size)
            found += [f"{theme} {size[0]}: {each}" for each in page.axe()]
            if page.overflow() > 0:
                found.append(f"{theme} {size[0]}: {page.overflow()} pixels too wide")
    return found


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_whole_and_has_no_barrier(page: Browser, name: str) -> None:
    address, words = VIEWS[name]
    page.open(address)
    page.wait_for_text(words)
    assert look(page) == []


def test_a_batch_and_an_operation_have_their_timelines(page: Browser) -> None:
    for words, expected in (("closed", "planned"), ("retrain", "train:")):
        page.open("work")
        page.wait_for_text(words)
        if words == "closed":
            page.find("[aria-label=Batches] a").click()
        else:
            page.click(words, within="[aria-label=Operations]")
        page.wait_for(".timeline li")
        page.wait_for_text(expected, ".timeline")
        assert look(page) == []


def test_signing_in_has_no_barrier(browser: Browser) -> None:
    browser.open("", until="#key")
    assert look(browser) == []


def test_the_page_fits_its_colours_to_the_system_and_keeps_a_choice(page: Browser) -> None:
    def background() -> str:
        return str(page.run("return getComputedStyle(document.body).backgroundColor"))

    def system(scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    page.open("")
    system("light")
    light = background()
    system("dark")
    assert background() != light
    page.theme("light")
    page.driver.refresh()
    page.wait_for("nav.menu")
    assert background() == light
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_view_without_data_says_what_to_do_first(page: Browser) -> None:
    page.open("failures?prefix=nothing-begins-so")
    page.wait_for_text("No failure record fits the filter")
    page.open("models?project=unheard-of")
    page.wait_for_text("Unknown project")


def test_the_verdict_on_the_last_retraining_is_said_in_words(page: Browser, cloud: Cloud) -> None:
    listed = cloud.api.call("GET", "/api/operations")["operations"]
    newest = next(each for each in listed if each["kind"] == "retrain")
    reason = cloud.api.call("GET", f"/api/operations/{newest['id']}")["gate"]["reason"]
    page.open("models")
    page.wait_for_text(reason)
    assert "Passed." in page.text(".note")


def test_what_is_sent_again_is_no_operation_of_a_project(page: Browser, cloud: Cloud) -> None:
    cloud.follow("/api/reclassify", {"prefix": "none/"})
    page.open("models")
    page.wait_for_text("The last retraining")
    assert "~reclassify" not in page.text("main")


def test_two_models_stand_beside_each_other_class_by_class(page: Browser) -> None:
    page.open(f"models?{urlencode({'project': PROJECT, 'first': 'second', 'second': 'first'})}")
    page.wait_for_text("Difference")
    table = page.text("[aria-label='Figures by class']")
    assert "F1, second" in table
    assert "F1, first" in table
    assert "billing" in table
