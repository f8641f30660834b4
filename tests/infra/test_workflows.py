"""GitHub's workflows: valid, pinned by commit, least rights, no long-lived secrets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.bicep import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
IDS = [path.name for path in WORKFLOWS]

# Every action used, with the commit that was looked up for its version.
PINNED = {
    "actions/checkout": "08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0",
    "actions/setup-python": "e797f83bcb11b83ae66e0230d6156d7c80228e7c # v6.0.0",
    "azure/login": "a457da9ea143d694b1b9c7c869ebb04ebe844ef5 # v2.3.0",
    "Azure/setup-azd": "c495e71ba59e44bfaaac10a32c8ee90d191ca4a3 # v2.2.1",
}


def read(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_the_workflow_has_the_form_github_documents(path: Path) -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    run = subprocess.run(
        [str(program), "--builtin-schema", "vendor.github-workflows", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)@(.+)", path.read_text(encoding="utf-8"))
    assert used
    for action, pin in used:
        assert PINNED[action] == pin


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_the_workflow_reads_and_no_more_unless_a_job_asks(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {}).items() <= {"contents": "read", "id-token": "write"}.items()
        assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_no_workflow_needs_a_secret(path: Path) -> None:
    assert "secrets." not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=IDS)
def test_what_others_can_write_never_enters_a_script(path: Path) -> None:
    for job in read(path)["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step


def test_zizmor_finds_nothing_unsafe_in_workflows_and_updates() -> None:
    program = Path(sys.executable).parent / "zizmor"
    places = [str(ROOT / ".github" / name) for name in ("workflows", "dependabot.yml")]
    run = subprocess.run(
        [str(program), "--offline", "--no-progress", "--color=never", *places],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_audits_look_at_what_ships_and_at_what_is_developed_with() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for lock in ("requirements.txt", "requirements/dev.txt"):
        assert f"pip-audit --require-hashes --disable-pip -r {lock}\n" in text
    jobs = read(ROOT / ".github" / "workflows" / "audit.yml")["jobs"]
    assert {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step} == {
        "make audit-python",
        "make audit-node",
    }


def stages_of_ci_run() -> dict[str, list[str]]:
    """The make targets of each stage."""
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    return {name: targets.split() for name, targets in re.findall(r"^ +(\w+)\) make ([\w -]+) ;;$", text, re.MULTILINE)}


def targets_of_make() -> dict[str, list[str]]:
    """What each target is made of."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return {name: needs.split() for name, needs in re.findall(r"^([a-z-]+):([^#=\n]*)", text, re.MULTILINE)}


def test_the_workflow_runs_the_stages_of_ci_run_and_nothing_else() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "check.yml")["jobs"]
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert commands == {name: [f".ci/run {name}"] for name in ("code", "portable", "once")}
    assert set(commands) < set(stages_of_ci_run())


def test_every_push_is_checked_on_every_python_the_app_may_run_on() -> None:
    workflow = read(ROOT / ".github" / "workflows" / "check.yml")
    assert "push" in workflow[True]  # YAML reads the key `on` as true
    assert workflow["jobs"]["portable"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert all(workflow["jobs"][name]["needs"] == "code" for name in ("portable", "once"))


def test_the_stages_leave_out_nothing_of_make_check_and_a_new_machine_runs_make_test() -> None:
    stages, targets = stages_of_ci_run(), targets_of_make()
    assert set(targets["check"]) <= {target for name in ("code", "once") for target in stages[name]}
    assert stages["test"] == ["test"]
    assert {target for each in stages.values() for target in each} <= set(targets)
