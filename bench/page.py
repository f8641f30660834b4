"""The page with many documents: key to next document, first useful paint, bytes, and storage calls of each view."""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from selenium.webdriver.common.keys import Keys

from azurite_process.processes import wait_until
from bench.figures import median, percentile
from bench.report import Gate, report
from bench.transactions import requests_in
from local.settings import ROOT
from shared.web_files import WebFiles
from tests.browser.chromium import WIDE, Browser, running_browser
from tests.browser.scene import add_classified, running_scene
from tests.e2e.conftest import NO_NETS, Cloud

NAME = "page"
HELP = "the page: key to next document, first paint, bytes, storage calls of each view"
THREADS = 8
VIEWS = {
    "overview": "",
    "documents": "documents?prefix=many/",
    "document": "document?name=many/00100.txt",
    "failures": "failures",
    "work": "work",
    "models": "models",
    "review": "review",
}
# Its lock, its state, and the polls of its listeners.
_OF_THE_HOST = (re.compile(r"^[A-Z]+ azure-webjobs-"), re.compile(r"^GET [a-z-]+/messages\?.*visibilitytimeout="))
# What the page itself shows when it can be used.
_PAINTED = "return performance.getEntriesByName('useful').length && performance.getEntriesByName('useful')[0].startTime"
# Both ends in the page: from the key to the frame in which another name is shown.
_WATCH_KEYS = """
window.took = [];
addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  const began = performance.now();
  const name = () => document.querySelector('.paper h2 bdi')?.textContent ?? '';
  const before = name();
  const look = () => {
    if (name() === '' || name() === before) requestAnimationFrame(look);
    else window.took.push(performance.now() - began);
  };
  requestAnimationFrame(look);
}, true);
"""
_WATCH_PAINT = """
new MutationObserver((_, self) => {
  if (!document.querySelector('.tile-value')) return;
  self.disconnect();
  requestAnimationFrame(() => performance.mark('useful'));
}).observe(document, {childList: true, subtree: true});
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--documents", type=int, default=20_000, help="classified documents (default %(default)s)")
    parser.add_argument("--waiting", type=int, default=5_000, help="of them that wait for review (default %(default)s)")
    parser.add_argument("--keys", type=int, default=100, help="documents that are reviewed (default %(default)s)")
    parser.add_argument(
        "--read-seconds",
        type=float,
        default=0.5,
        help="between two keys: faster than anyone reads (default %(default)s)",
    )
    parser.add_argument("--loads", type=int, default=20, help="times that the page is loaded (default %(default)s)")


def run(arguments: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory(prefix="bench-page-") as folder:
        where = Path(folder)
        with running_scene(where / "cloud", changes=NO_NETS) as cloud:
            fill(cloud, range(arguments.waiting), waiting=True)
            host = cloud.stack.host
            assert host is not None
            with running_browser(host.url, where / "browser") as browser:
                browser.resize(WIDE)
                browser.start(key=host.master_key)
                keys = key_times(browser, arguments.keys, read_seconds=arguments.read_seconds)
                hurried = key_times(browser, arguments.keys, read_seconds=0)
                paints = [first_paint(browser) for _ in range(arguments.loads + 1)][1:]
                # Azurite looks at every blob for each call: from here on counts are true, and times are its own.
                fill(cloud, range(arguments.waiting, arguments.documents), waiting=False)
                calls = {name: storage_calls(cloud, browser, view) for name, view in VIEWS.items()}
    size = sum(len(each.compressed) for each in WebFiles(ROOT / "web").files.values())
    gates = [
        Gate(
            f"key to next document, {arguments.waiting:,} waiting: 95th percentile, ms",
            percentile(keys, 0.95),
            150,
            True,
        ),
        Gate("first useful paint, warm: median, ms", median(paints), 300, True),
        Gate("the page with everything, compressed, kB", size / 1_000, 60, True),
        Gate(f"storage calls of a view, {arguments.documents:,} documents: most", max(calls.values()), 10, True),
    ]
    details: dict[str, Any] = {f"storage calls: {name}": count for name, count in calls.items()}
    details |= {"key to next document: median, ms": median(keys), "first useful paint: worst, ms": max(paints)}
    details |= {
        "key held down: median, ms": median(hurried),
        "key held down: 95th percentile, ms": percentile(hurried, 0.95),
    }
    return report(NAME, gates, details)


def fill(cloud: Cloud, numbers: Iterable[int], *, waiting: bool) -> None:
    """More documents with records, all like one that was classified; they wait for review, or not."""

    def add(number: int) -> None:
        add_classified(cloud, f"many/{number:05d}.txt", b"about billing", waiting=waiting)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add, numbers))


def storage_calls(cloud: Cloud, browser: Browser, view: str) -> int:
    """Of the app, until the view is loaded and the log of storage is quiet."""
    browser.open("elsewhere")
    log = cloud.stack.azurite.process.log_path
    _settle(log)
    start = log.stat().st_size
    browser.open(view)
    browser.wait_until_loaded()
    _settle(log)
    lines = log.read_bytes()[start:].decode(errors="replace").splitlines()
    return _of_the_app(lines)


def _settle(log: Path) -> None:
    """Until nothing of the app was added for half a second. Only what is new is read: the log has a line for each of
    some hundred thousand requests."""
    at = {"size": log.stat().st_size, "since": time.monotonic()}

    def is_quiet() -> bool:
        with log.open("rb") as file:
            file.seek(int(at["size"]))
            added = file.read()
        at["size"] += len(added)
        if _of_the_app(added.decode(errors="replace").splitlines()):
            at["since"] = time.monotonic()
        return time.monotonic() - at["since"] > 0.5

    wait_until(is_quiet, seconds=30, what="storage to be quiet", poll_seconds=0.1)


def _of_the_app(lines: Iterable[str]) -> int:
    """All that is asked while nothing is classified, but for the host's own."""
    return sum(not any(pattern.search(request) for pattern in _OF_THE_HOST) for request in requests_in(lines))


def first_paint(browser: Browser) -> float:
    """Milliseconds from the navigation until the overview shows figures."""
    added = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH_PAINT})
    browser.driver.get("about:blank")
    browser.driver.get(f"{browser.base}/api/ui#/")
    browser.wait(lambda: browser.run(_PAINTED), "the first useful paint")
    browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    return float(browser.run(_PAINTED))


def _has_taken(browser: Browser, count: int) -> bool:
    return len(browser.run("return window.took")) >= count


def key_times(browser: Browser, count: int, *, read_seconds: float) -> list[float]:
    """Milliseconds from Enter to the frame that shows the next document, which is then read for so long: time that the
    page has for the one after it. With 0 it has none, as when the key is held down."""
    browser.open("overview")
    browser.open("review", until=".desk")
    browser.run(_WATCH_KEYS)
    for number in range(count):
        browser.press(Keys.ENTER)
        browser.wait(partial(_has_taken, browser, number + 1), "the next document")
        time.sleep(read_seconds)
    return [float(each) for each in browser.run("return window.took")]
