"""Review by keyboard: one person decides on one document after the other, without the mouse and without waiting."""

from __future__ import annotations

import re

import pytest
from selenium.webdriver.common.keys import Keys

from shared.documents.record_schema import RecordReview
from tests.browser import hostile
from tests.browser.chromium import NARROW, Browser
from tests.browser.conftest import CLASSES
from tests.e2e.conftest import Cloud

REVIEWED = 50
TEXTS = dict(zip(hostile.names(), hostile.texts(), strict=True))


def begin(page: Browser) -> None:
    page.open("review", until=".desk")
    page.find(".by").send_keys("Ada")
    page.run("document.activeElement.blur()")


def shown(page: Browser) -> str:
    """Nothing while a document is loaded."""
    return str(page.run("return document.querySelector('.paper h2 bdi')?.textContent ?? ''"))


def chosen(page: Browser) -> list[str]:
    script = "return [...document.querySelectorAll('.choice[aria-pressed=true] bdi')].map((each) => each.textContent)"
    return list(page.run(script))


def press_and_go_on(page: Browser, keys: str) -> None:
    """Until another document is shown."""
    before = shown(page)
    page.press(keys)
    page.wait(lambda: shown(page) not in ("", before), "the next document")


def only(page: Browser, name: str) -> str:
    """The keys after which that class is chosen, and no other."""
    names = page.run("return [...document.querySelectorAll('.choice bdi')].map((each) => each.textContent)")
    return "".join(str(names.index(each) + 1) for each in sorted({*chosen(page)} ^ {name}))


def wait_until_saved(page: Browser) -> None:
    page.wait(lambda: "saving" not in page.text(".desk-head"), "everything to be saved")
    assert page.all(".note.bad") == []


def review_of(cloud: Cloud, name: str) -> RecordReview | None:
    record = cloud.classification(name)
    return record.review if record else None


def imported(cloud: Cloud, label: str | None = None) -> int:
    """How many labelled documents the service was given by the newest retraining, or that of one model."""
    for each in cloud.api.call("GET", "/api/operations")["operations"]:
        record = cloud.api.call("GET", f"/api/operations/{each['id']}") if each["kind"] == "retrain" else {}
        if record and label in (None, record["label"]):
            found = re.search(r"of (\d+) documents", " ".join(event["what"] for event in record["history"]))
            assert found, record["history"]
            return int(found[1])
    raise AssertionError("there was no retraining")


def test_a_person_reviews_50_documents_and_the_next_model_learns_from_them(page: Browser, cloud: Cloud) -> None:
    before = imported(cloud, "second")
    begin(page)
    expected: dict[str, str] = {}
    for number in range(REVIEWED):
        name, wanted = shown(page), CLASSES[number * 3 % len(CLASSES)]
        press_and_go_on(page, f"{only(page, wanted)}{Keys.ENTER}")
        expected[name] = wanted
    wait_until_saved(page)
    assert len(expected) == REVIEWED
    for name, wanted in expected.items():
        review = review_of(cloud, name)
        assert review is not None, name
        assert (review.classes, review.by) == ((wanted,), "Ada"), name
    page.open("models")
    page.wait_for_text("Class by class")
    page.click("Retrain")
    page.wait_for(".timeline")
    page.wait(lambda: page.all(".state.good, .state.bad"), "the operation to end")
    page.wait_for_text("Verdict")
    assert imported(cloud) == before + REVIEWED


def test_enter_takes_the_models_answer(page: Browser, cloud: Cloud) -> None:
    begin(page)
    name, answer = shown(page), chosen(page)
    press_and_go_on(page, Keys.ENTER)
    wait_until_saved(page)
    review = review_of(cloud, name)
    assert review is not None
    assert sorted(review.classes) == sorted(answer)


def test_a_decision_is_undone_and_its_document_comes_back(page: Browser, cloud: Cloud) -> None:
    begin(page)
    first = shown(page)
    press_and_go_on(page, f"{only(page, 'billing')}{Keys.ENTER}")
    press_and_go_on(page, "u")
    assert shown(page) == first
    assert review_of(cloud, first) is None
    press_and_go_on(page, f"{only(page, 'contract')}{Keys.ENTER}")
    wait_until_saved(page)
    review = review_of(cloud, first)
    assert review is not None
    assert review.classes == ("contract",)


def test_a_document_is_skipped_and_does_not_come_back(page: Browser, cloud: Cloud) -> None:
    begin(page)
    name = shown(page)
    press_and_go_on(page, "s")
    wait_until_saved(page)
    assert name not in [each["name"] for each in cloud.api.call("GET", "/api/reviews?limit=200")["reviews"]]


def test_what_was_refused_is_said_with_the_reason_and_the_work_goes_on(page: Browser, cloud: Cloud) -> None:
    begin(page)
    name = shown(page)
    cloud.container("documents").put(name, b"another text about billing")
    press_and_go_on(page, Keys.ENTER)
    page.wait_for(".note.bad")
    assert name in page.run("return document.querySelector('.note.bad').textContent")
    press_and_go_on(page, "s")


def test_the_shortcuts_can_be_switched_off_and_leave_fields_and_links_alone(page: Browser) -> None:
    begin(page)
    name = shown(page)
    page.find(".by").send_keys("s1u")
    assert shown(page) == name
    page.run("document.querySelector('.paper h2 a').focus()")
    page.press(Keys.ENTER)
    page.wait_for_text("History")
    page.open("review", until=".desk")
    page.find(".check [type=checkbox]").click()
    before = shown(page), chosen(page)
    page.press("s")
    page.press("1")
    assert (shown(page), chosen(page)) == before
    assert page.all("kbd") == []


def test_hostile_texts_are_shown_as_letters(page: Browser) -> None:
    page.start(key=page.key)
    begin(page)
    page.resize(NARROW)
    seen = 0
    for _ in range(15):
        name = shown(page)
        if name in TEXTS:
            seen += 1
            assert page.run("return document.querySelector('pre.text').textContent") == TEXTS[name]
            assert page.run("return document.querySelectorAll('pre.text *').length") == 0
            assert page.overflow() <= 0
        press_and_go_on(page, "s")
    assert seen > 0


@pytest.mark.parametrize("wanted", ["billing"])
def test_the_queue_can_be_that_of_one_class(page: Browser, wanted: str) -> None:
    page.open(f"review?class={wanted}", until=".desk")
    assert wanted in chosen(page)


_AT_ONCE = """
const done = arguments[arguments.length - 1];
const press = (key) =>
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
const name = () => document.querySelector('.paper h2 bdi')?.textContent ?? '';
const pressed = () => document.querySelector('.choice').getAttribute('aria-pressed');
const before = name();
new MutationObserver((_, self) => {
  if (name() === '' || name() === before) return;
  self.disconnect();
  const drawn = pressed();
  press('1');
  setTimeout(() => done([drawn, pressed()]), 200);
}).observe(document.body, {childList: true, subtree: true, characterData: true});
press('Enter');
"""


def test_no_key_is_lost_between_two_documents(page: Browser) -> None:
    begin(page)
    page.wait(lambda: page.run("return document.querySelectorAll('.choice').length"), "the classes")
    drawn, then = page.driver.execute_async_script(_AT_ONCE)
    assert {drawn, then} == {"true", "false"}
