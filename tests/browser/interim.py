"""INTERIM, to be removed when reviews and metrics are merged: answers of /api/reviews and /api/metrics, in the browser.

Everything else the page asks is answered by the app. What is here follows the contracts, so that the same tests go on
with the app's own answers.
"""

from __future__ import annotations

import json
from typing import Any

from tests.browser.chromium import Browser

_SCRIPT = """
(() => {
  const data = %s;
  window.interim = {puts: [], refuse: null};
  const real = window.fetch;
  const headers = {'Content-Type': 'application/json'};
  const answer = (body, status = 200) => Promise.resolve(new Response(JSON.stringify(body), {status, headers}));
  window.fetch = (address, options = {}) => {
    const url = new URL(address, location.href);
    const method = options.method || 'GET';
    if (url.pathname === '/api/metrics') return answer(data.metrics);
    if (url.pathname === '/api/reviews') {
      const limit = Number(url.searchParams.get('limit') || 50);
      const open = data.reviews.filter((each) => !each.review && !each.skipped);
      const wanted = url.searchParams.get('class');
      const fit = open.filter((each) => !wanted || each.classes.some((one) => one.name === wanted));
      return answer({reviews: fit.slice(0, limit), more: fit.length > limit});
    }
    const found = url.pathname.match(/^\\/api\\/reviews\\/(.+)$/);
    if (!found) return real(address, options);
    const item = data.reviews.find((each) => each.id === decodeURIComponent(found[1]));
    if (!item) return answer({title: 'Unknown review', status: 404, detail: 'no such review'}, 404);
    if (method === 'PUT') {
      const body = JSON.parse(options.body);
      const changed = {title: 'The document has changed', status: 409, detail: 'it was overwritten at noon'};
      if (window.interim.refuse === item.id) return answer(changed, 409);
      window.interim.puts.push({id: item.id, ...body});
      if (body.skip) item.skipped = true;
      const review = {classes: body.classes, by: 'a person', at: data.metrics.as_of};
      if (!body.skip) Object.assign(item, {review, state: 'decided'});
    }
    if (method === 'DELETE') {
      Object.assign(item, {review: null, skipped: false, state: 'open'});
      window.interim.puts.push({id: item.id, undone: true});
    }
    return answer(item);
  };
})();
"""


def answer(browser: Browser, *, reviews: list[dict[str, Any]], metrics: dict[str, Any]) -> None:
    """From the next load of the page on."""
    source = _SCRIPT % json.dumps({"reviews": reviews, "metrics": metrics})
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})


def review(number: int, text: str, choices: list[str], *, kind: str = "single_label") -> dict[str, Any]:
    sure = choices[number % len(choices)]
    return {
        "id": f"{number:04d}-{number:032x}",
        "name": f"inbox/letter-{number}.txt",
        "etag": '"0x1"',
        "model": "first",
        "reason": "audit" if number % 7 == 6 else "review",
        "confidence": 0.3 + number % 40 / 100,
        "classes": [{"name": sure, "confidence": 0.3 + number % 40 / 100}],
        "created": "2026-11-01T10:00:00Z",
        "text": text,
        "truncated": False,
        "kind": kind,
        "choices": choices,
        "state": "open",
        "review": None,
    }


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
