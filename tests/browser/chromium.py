"""Debian's chromium, driven headless: no other origin can be reached, and what the page does wrong is collected."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

AXE = Path(__file__).with_name("node") / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = (1280, 900), (390, 844)
DEADLINE = 120.0
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--force-device-scale-factor=1",
    # A colour on its way to another is neither.
    "--force-prefers-reduced-motion",
    # A second barrier beside the page's own policy: no name is found.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Collected from the first script on, in the page itself.
_WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
window.alerts = [];
for (const each of ['alert', 'confirm', 'prompt']) window[each] = (text) => window.alerts.push(String(text));
"""


class BrowserMissingError(RuntimeError):
    """Chromium or its driver is neither there nor to be had."""


def find_programs() -> tuple[str, str]:
    """Chromium and its driver; Debian's are installed where they are missing and we may. Raises BrowserMissingError."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if None in found and shutil.which("apt-get") and os.geteuid() == 0:
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium", "chromium-driver"]
        for command in (["apt-get", "update"], install):
            subprocess.run(command, check=False, capture_output=True, timeout=280)
        found = shutil.which("chromium"), shutil.which("chromedriver")
    chromium, driver = found
    if chromium is None or driver is None:
        raise BrowserMissingError(
            "the page is tested in Debian's chromium: apt-get install chromium chromium-driver (tried here as root)"
        )
    return chromium, driver


@dataclass
class Browser:
    """One window. Views are waited for, never slept for."""

    driver: webdriver.Chrome
    base: str
    key: str = ""

    # addresses and signing in

    def open(self, view: str = "", *, until: str | None = None) -> None:
        """The view at that address after the #, once `until` (a selector) is there and nothing is loading any more."""
        address = f"{self.base}/api/ui#/{view}"
        if self.driver.current_url.split("#")[0] == address.split("#")[0]:
            self.run("location.hash = arguments[0]", f"#/{view}")
        else:
            self.driver.get(address)
        self.wait_for(until or "main h1")
        self.wait_until_loaded()

    def start(self, *, key: str | None = None) -> None:
        """As a new tab: nothing is kept but, with `key`, that somebody has signed in with the master key."""
        self.driver.get(f"{self.base}/api/ui/icon.svg")
        self.run("sessionStorage.clear(); localStorage.clear()")
        if key is not None:
            kept = "sessionStorage.setItem('pigeonhole.key', arguments[0])"
            self.run(f"{kept}; sessionStorage.setItem('pigeonhole.may-change', 'yes')", key)

    def sign_in(self, key: str) -> None:
        self.open("", until="#key")
        self.find("#key").send_keys(key, Keys.ENTER)
        self.wait_for("nav.menu")
        self.wait_until_loaded()

    def theme(self, name: str) -> None:
        """By the page's own switch."""
        self.run(
            "const box = document.querySelector('.theme select'); box.value = arguments[0];"
            "box.dispatchEvent(new Event('change', {bubbles: true}))",
            name,
        )

    def resize(self, size: tuple[int, int]) -> None:
        """The viewport itself: a window is not made as narrow as a phone."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    # looking and acting

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements("css selector", selector)

    def text(self, selector: str = "main") -> str:
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def press(self, keys: str) -> None:
        """To whatever has the focus."""
        webdriver.ActionChains(self.driver).send_keys(keys).perform()

    def click(self, words: str, within: str = "main") -> None:
        """The button or link that says so."""
        found = [each for each in self.all(f"{within} button, {within} a") if each.text.strip().startswith(words)]
        assert found, f"nothing says {words!r} in: {self.text()}"
        found[0].click()

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        waiting = WebDriverWait(
            self.driver, DEADLINE, poll_frequency=0.05, ignored_exceptions=(StaleElementReferenceException,)
        )
        return waiting.until(lambda _: condition(), f"{what}; the page says: {self.text('body')[:2_000]}")

    def wait_for(self, selector: str) -> WebElement:
        self.wait(lambda: self.all(selector), f"{selector} to appear")
        return self.find(selector)

    def wait_for_text(self, words: str, within: str = "main") -> None:
        self.wait(lambda: words in self.text(within), f"{words!r} to appear")

    def wait_until_loaded(self) -> None:
        loading = "return [...document.querySelectorAll('[role=status]')].some((each) => each.innerText === 'Loading…')"
        self.wait(lambda: not self.run(loading), "the view to be loaded")

    # judging

    def axe(self) -> list[str]:
        """What axe-core finds, each with the first place."""
        if not self.run("return Boolean(window.axe)"):
            self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations'], preload: false})"
            ".then((each) => done(each.violations), (error) => done([{id: String(error), nodes: []}]))"
        )
        return [
            f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')}"
            if each["nodes"]
            else each["id"]
            for each in found
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def violations(self) -> list[str]:
        """Of the Content-Security-Policy, and dialogs that something opened, since the page was loaded."""
        return [*self.run("return window.violations || []"), *self.run("return window.alerts || []")]

    def requests(self) -> list[dict[str, Any]]:
        """What was sent since this was last asked: url and initiator, as the browser's network log has them."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [event["params"]["request"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [{"url": each["url"], "method": each["method"]} for each in sent]

    def foreign_requests(self) -> list[str]:
        ours = (self.base, "data:", "about:", "chrome:", "chrome-untrusted:")
        return [each["url"] for each in self.requests() if not each["url"].startswith(ours)]

    def _log(self, name: str) -> list[dict[str, Any]]:
        return list(self.driver.get_log(name))  # type: ignore[no-untyped-call]

    def errors(self) -> list[str]:
        """Errors of scripts since this was last asked; answers that are no 200 are the page's to show."""
        return [
            each["message"]
            for each in self._log("browser")
            if each["level"] == "SEVERE" and each["source"] != "network"
        ]


@contextmanager
def running_browser(base: str, folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in `folder`, ended at the end."""
    chromium, driver = find_programs()
    folder.mkdir(parents=True, exist_ok=True)  # chromedriver ends where its log cannot be written
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = webdriver.ChromeService(driver, log_output=str(folder / "chromedriver.log"))
    running = webdriver.Chrome(options, service)
    try:
        running.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        running.set_script_timeout(DEADLINE)
        yield Browser(running, base)
    finally:
        running.quit()
