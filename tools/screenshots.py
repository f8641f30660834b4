"""`make screenshots`: docs/page.png, the page over a local run with the sample documents, in Debian's chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import Browser, running_browser
from tests.browser.scene import running_scene

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "page.png"
SIZE = (1280, 800)
VIEW = "review"


def main(argv: list[str] | None = None) -> int:
    view = (argv or sys.argv[1:] or [VIEW])[0]
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        where = Path(folder)
        with running_scene(where / "cloud") as cloud:
            assert cloud.stack.host is not None
            with running_browser(cloud.stack.host.url, where / "browser") as browser:
                take(browser, cloud.stack.host.master_key, view=view)
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size:,} bytes")
    return 0


def take(browser: Browser, key: str, *, view: str) -> None:
    browser.resize(SIZE)
    browser.start(key=key)
    browser.open(view)
    browser.theme("light")
    browser.wait_until_loaded()
    browser.driver.save_screenshot(str(TARGET))


if __name__ == "__main__":
    sys.exit(main())
