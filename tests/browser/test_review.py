"""Review by keyboard: one person decides on one document after the other, without the mouse and without waiting."""

from __future__ import annotations

from typing import Any

from selenium.webdriver.common.keys import Keys

from tests.browser import hostile
from tests.browser.chromium import NARROW, Browser
from tests.browser.conftest import CLASSES

REVIEWED = 50


def begin(page: Browser) -> None:
    page.driver.get("about:blank")
    page.open("review", until=".desk")


def shown(page: Browser) -> str:
    return str(page.run("return document.querySelector('.paper h2 bdi').textContent"))


def sent(page: Browser) -> list[dict[str, Any]]:
    return list(page.run("return window.interim.puts"))


def press_and_go_on(page: Browser, keys: str) -> None:
    """Until another document is shown."""
    before = shown(page)
    page.press(keys)
    page.wait(lambda: page.all(".paper h2 bdi") and shown(page) != before, "the next document")


def test_a_person_reviews_50_documents_by_keyboard(page: Browser) -> None:
    begin(page)
    expected = []
    for number in range(REVIEWED):
        name = shown(page)
        chosen = number * 3 % len(CLASSES)
        press_and_go_on(page, f"{chosen + 1}{Keys.ENTER}")
        expected.append((name, [CLASSES[chosen]]))
    page.wait(lambda: len(sent(page)) == REVIEWED, "all decisions to be sent")
    assert [(f"inbox/letter-{int(each['id'][:4])}.txt", each["classes"]) for each in sent(page)] == expected
    page.wait_for_text(f"{REVIEWED} decisions of yours")


def test_enter_takes_the_models_answer_and_a_digit_another(page: Browser) -> None:
    begin(page)
    pressed = page.run("return document.querySelector('.choice[aria-pressed=true] bdi').textContent")
    press_and_go_on(page, Keys.ENTER)
    press_and_go_on(page, f"7{Keys.ENTER}")
    page.wait(lambda: len(sent(page)) == 2, "both to be sent")
    assert [each["classes"] for each in sent(page)] == [[pressed], [CLASSES[6]]]


def test_a_decision_is_undone_and_its_document_comes_back(page: Browser) -> None:
    begin(page)
    first = shown(page)
    press_and_go_on(page, f"2{Keys.ENTER}")
    press_and_go_on(page, "u")
    assert shown(page) == first
    page.wait(lambda: "undone" in sent(page)[-1], "the undoing to be sent")
    press_and_go_on(page, f"3{Keys.ENTER}")
    page.wait(lambda: len(sent(page)) == 3, "the second decision")
    assert sent(page)[-1]["classes"] == [CLASSES[2]]


def test_a_document_is_skipped(page: Browser) -> None:
    begin(page)
    press_and_go_on(page, "s")
    page.wait(lambda: len(sent(page)) == 1, "the skip")
    assert sent(page)[0]["skip"] is True


def test_what_was_refused_is_said_with_the_reason_and_the_work_goes_on(page: Browser) -> None:
    begin(page)
    name = shown(page)
    page.run("window.interim.refuse = '0000-00000000000000000000000000000000'")
    press_and_go_on(page, f"1{Keys.ENTER}")
    page.wait_for_text("it was overwritten at noon")
    assert name in page.text(".note.bad")
    press_and_go_on(page, f"1{Keys.ENTER}")


def test_the_shortcuts_can_be_switched_off_and_leave_fields_and_links_alone(page: Browser) -> None:
    begin(page)
    page.run("document.querySelector('.paper h2 a').focus()")
    page.press(Keys.ENTER)
    page.wait_for_text("Document", "body")
    assert sent(page) == []
    page.open("review", until=".desk")
    page.find(".check input").click()
    page.press("s")
    page.press("1")
    assert sent(page) == []
    assert page.all("kbd") == []


def test_hostile_texts_are_shown_as_letters(page: Browser) -> None:
    begin(page)
    page.resize(NARROW)
    for number in range(20):
        assert page.run("return document.querySelector('pre.text').textContent") == hostile.texts()[number]
        assert page.run("return document.querySelectorAll('pre.text *').length") == 0
        assert page.overflow() <= 0
        press_and_go_on(page, Keys.ENTER)
