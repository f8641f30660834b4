"""What `.vscode` starts exists, and says what its tasks wait for."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.architecture.source import ROOT


def read(name: str) -> Any:
    return json.loads((ROOT / ".vscode" / name).read_text(encoding="utf-8"))


def test_every_task_that_something_waits_for_exists() -> None:
    tasks = {task["label"]: task for task in read("tasks.json")["tasks"]}
    wanted = [task["dependsOn"] for task in tasks.values() if "dependsOn" in task]
    wanted += [each["preLaunchTask"] for each in read("launch.json")["configurations"] if "preLaunchTask" in each]
    assert wanted
    assert set(wanted) <= set(tasks)


def test_the_cloud_is_up_when_it_says_what_the_task_waits_for() -> None:
    (cloud,) = [task for task in read("tasks.json")["tasks"] if "--no-host" in task.get("args", [])]
    ends = cloud["problemMatcher"]["background"]["endsPattern"]
    said = re.findall(r'print\(f?"(Waiting [^"]+)"', (ROOT / "local" / "up.py").read_text(encoding="utf-8"))
    assert [bool(re.search(ends, line)) for line in said] == [True]
