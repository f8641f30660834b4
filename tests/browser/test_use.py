"""The page in use: signing in, what a key allows, finding documents, sending again, and the keyboard."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import Browser
from tests.e2e.conftest import Cloud


def test_a_wrong_key_is_refused_in_words_and_kept_nowhere(browser: Browser) -> None:
    browser.open("", until="#key")
    browser.find("#key").send_keys("not a key", Keys.ENTER)
    browser.wait_for_text("The key is not accepted")
    assert browser.run("return {...sessionStorage}") == {}


def test_the_key_is_in_the_session_alone_and_in_no_address(browser: Browser) -> None:
    page = browser
    page.sign_in(page.key)
    page.open("documents")
    page.wait_for_text("Name begins with")
    assert page.run("return sessionStorage.getItem('pigeonhole.key')") == page.key
    assert page.key not in page.run("return JSON.stringify({...localStorage}) + document.cookie + location.href")
    assert [each["url"] for each in page.requests() if page.key in each["url"]] == []
    page.click("Sign out", "header")
    page.wait_for("#key")
    assert page.run("return sessionStorage.length") == 0


def test_a_key_that_was_renewed_leads_back_to_the_sign_in(page: Browser) -> None:
    page.run("sessionStorage.setItem('pigeonhole.key', 'an old one')")
    page.open("documents", until="#key")
    page.wait_for_text("The key is not accepted")


def test_with_a_function_key_the_page_reads_and_says_what_it_may_not(browser: Browser, cloud: Cloud) -> None:
    assert cloud.stack.host is not None
    browser.sign_in(cloud.stack.host.function_key)
    browser.open("failures")
    browser.wait_for_text("Your key may read")
    (button,) = [each for each in browser.all("main button") if each.text.startswith("Send these again")]
    assert not button.is_enabled()
    browser.open("models")
    browser.wait_for_text("Class by class")
    (button,) = [each for each in browser.all("main button") if each.text == "Retrain"]
    assert not button.is_enabled()
    browser.open("document?name=inbox/mail-0733.txt")
    browser.wait_for_text("Send again")
    (button,) = [each for each in browser.all("main button") if each.text == "Send again"]
    assert button.is_enabled()


def test_a_view_has_an_address_that_a_colleague_can_open(page: Browser) -> None:
    page.driver.get("about:blank")
    page.driver.get(f"{page.base}/api/ui#/document?name=inbox/mail-0733.txt")
    page.wait_for_text("inbox/mail-0733.txt", "h1")
    page.wait_for_text("History")
    assert page.driver.title == "Document – Pigeonhole"


def test_documents_are_found_by_the_beginning_of_their_name(page: Browser) -> None:
    page.open("documents")
    page.wait_for("[aria-label=Documents]")
    box = page.find("#prefix")
    box.send_keys("inbox/mail-", Keys.ENTER)
    page.wait(lambda: page.text("tbody").startswith("inbox/mail-"), "only these to be listed")
    assert all(each.text.startswith("inbox/mail-") for each in page.all("tbody td:first-child"))
    assert "prefix=inbox" in page.driver.current_url


def test_a_list_goes_on_where_its_page_ended(page: Browser) -> None:
    page.open("documents?prefix=hostile/")
    page.wait_for_text("Next 50")
    first = page.text("tbody a")
    page.click("Next 50")
    page.wait(lambda: page.text("tbody a") != first, "the next documents")
    page.click("Back to the first")
    page.wait(lambda: page.text("tbody a") == first, "the first documents")


def test_one_document_is_sent_again_from_its_view(page: Browser, cloud: Cloud) -> None:
    name = "inbox/mail-2207.txt"
    before = cloud.classification(name)
    assert before is not None
    page.open(f"document?name={name}")
    page.wait_for_text("Send again")
    page.click("Send again")
    page.wait_for_text("Sent again")
    page.wait(lambda: (now := cloud.classification(name)) and now.batch.id != before.batch.id, "another record")


def test_what_has_failed_is_counted_and_sent_again_by_the_filter(page: Browser, cloud: Cloud) -> None:
    page.open("failures?reason=empty&prefix=inbox/blank")
    page.wait_for_text("Send these again")
    page.click("Send these again")
    page.wait_for_text("3 documents go through the service once more")
    page.click("Send 3 again")
    page.wait_for_text("They are on their way")
    page.click("Watch the operation")
    page.wait_for_text("succeeded")
    page.wait_for_text("3 of 3")
    cloud.wait_until_settled("inbox/blank")


def test_the_keyboard_alone_gets_past_the_menu_and_through_it(page: Browser) -> None:
    page.open("")
    page.run("document.activeElement.blur(); window.focus()")
    page.press(Keys.TAB)
    assert page.driver.switch_to.active_element.text == "Skip to the content"
    page.press(Keys.ENTER)
    assert page.driver.switch_to.active_element.get_attribute("id") == "main"
    links = [each.text for each in page.all("nav.menu a")]
    assert links == ["Overview", "Review", "Documents", "Failures", "Work", "Models", "Classes"]
    page.run("document.querySelector('nav.menu a[href=\"#/failures\"]').focus()")
    page.press(Keys.ENTER)
    page.wait_for_text("Failures", "h1")
    assert page.driver.switch_to.active_element.get_attribute("id") == "main", "what is new is where the reader is"


def test_an_app_that_does_not_answer_is_said_and_tried_again(page: Browser) -> None:
    page.open("documents?prefix=inbox/")
    page.wait_for_text("inbox/mail-0733.txt")
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/api/failures*"]})
    page.open("failures")
    page.wait_for_text("The app does not answer")
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.click("Try again")
    page.wait_for_text("empty")
