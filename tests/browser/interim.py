"""INTERIM, to be removed when /api/metrics is merged: its answer, given in the browser.

Everything else the page asks is answered by the app. What is here follows the contract, so that the same test goes on
with the app's own answer.
"""

from __future__ import annotations

import json
from typing import Any

from tests.browser.chromium import Browser

_SCRIPT = """
(() => {
  const body = JSON.stringify(%s);
  const real = window.fetch;
  window.fetch = (address, options = {}) => new URL(address, location.href).pathname === '/api/metrics'
    ? Promise.resolve(new Response(body, {headers: {'Content-Type': 'application/json'}}))
    : real(address, options);
})();
"""


def answer(browser: Browser, metrics: dict[str, Any]) -> None:
    """From the next load of the page on."""
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _SCRIPT % json.dumps(metrics)})


def metrics(classes: list[str], *, days: int = 7) -> dict[str, Any]:
    return {
        "as_of": "2026-11-08T10:00:00Z",
        "days": [
            {
                "day": f"2026-11-{day:02d}",
                "model": "first",
                "documents": 10 * len(classes),
                "classes": {name: 5 + (day * 7 + place * 3) % 11 for place, name in enumerate(classes)},
                "confidence": [0, 0, 0, 1, 2, 3, 5, 8, 13, 21],
                "accepted": 7 * len(classes),
                "review": 3 * len(classes),
                "estimated_accuracy": 0.91,
            }
            for day in range(1, days + 1)
        ],
        "models": [
            {
                "model": "first",
                "documents": 70 * len(classes),
                "estimated_accuracy": 0.91,
                "drift": {"has_left": True, "p_value": 0.0001, "documents": 300, "class": classes[0]},
            }
        ],
        "listed_all": True,
    }
