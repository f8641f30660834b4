"""Tables of docs/operations.md that repeat numbers of the code are held to them."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.infra.bicep import INFRA, MAIN, ROOT, read_template
from tests.infra.evaluated import evaluated

TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]
PARAMETERS = read_template(MAIN).parameters

# https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/service-limits
SERVICE_REQUESTS_PER_MINUTE = 1000
# One POST, and the two polls that a job takes on average.
REQUESTS_PER_JOB = 3
DOCUMENTS_PER_JOB = 25


def rows(heading: str) -> list[list[str]]:
    section = TEXT.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]


def test_the_concurrency_of_host_json_is_documented_against_the_limit_of_the_service() -> None:
    table = {cells[0]: int(cells[1]) for cells in rows("## 7. Throttling and concurrency") if cells[1].isdigit()}
    queues = HOST["queues"]
    limit = PARAMETERS["languageRequestsPerMinute"].default
    assert table == {
        "Queue messages at once, each function of an instance": queues["batchSize"] + queues["newBatchThreshold"],
        "Uploads at once, each instance": HOST["blobs"]["maxDegreeOfParallelism"],
        "Threads for handlers, each process": int(evaluated("webhook").app_settings["PYTHON_THREADPOOL_THREAD_COUNT"]),
        "Instances at most": PARAMETERS["maximumInstanceCount"].default,
        "Analyze requests a minute, each process": limit,
        "Analyze requests a minute, the service": SERVICE_REQUESTS_PER_MINUTE,
        "Processes that use up the limit": SERVICE_REQUESTS_PER_MINUTE // limit,
        "Documents a minute at the limit": SERVICE_REQUESTS_PER_MINUTE * DOCUMENTS_PER_JOB // REQUESTS_PER_JOB,
    }


def test_every_alert_has_its_row() -> None:
    named = {cells[0].strip("`") for cells in rows("## 9. Alerts") if cells[0].startswith("`")}
    assert named == set(re.findall(r"name: '(pigeonhole-[\w-]+)'", (INFRA / "app" / "alerts.bicep").read_text()))


def test_every_parameter_that_is_named_exists() -> None:
    named = set(re.findall(r"`([a-z]+[A-Z]\w*)`", TEXT)) - {"newBatchThreshold", "batchSize", "maxDegreeOfParallelism"}
    known = set(PARAMETERS) | {"masterKey"}
    assert named <= known, named - known


def test_every_section_is_linked_from_the_first_table() -> None:
    headings = re.findall(r"^## (\d+\. .+)$", TEXT, re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
    assert re.findall(r"\(#([\w-]+)\)", TEXT.partition("\n## ")[0]) == anchors
