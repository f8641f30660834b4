"""GitHub's workflows: valid, pinned by commit, least rights, no long-lived secrets."""

from __future__ import annotations

import json
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


# the pipeline

AZURE_DEV = ROOT / ".github" / "workflows" / "azure-dev.yml"
# azd finds out by itself who deploys.
OF_AZD = {"AZURE_PRINCIPAL_ID"}


def variables_of_parameters() -> dict[str, tuple[str, str]]:
    """Of every value that infra/main.parameters.json takes from the environment: its parameter, and its default."""
    parameters = json.loads((ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    found = {}
    for parameter, given in parameters.items():
        for name, default in re.findall(r"\$\{(\w+)=?([^}]*)\}", json.dumps(given)):
            found[name] = (parameter, default)
    return found


def test_the_pipeline_passes_every_value_of_the_environment() -> None:
    (job,) = read(AZURE_DEV)["jobs"].values()
    names = set(variables_of_parameters())
    assert {"VNET_ENABLED", "EVENT_DELIVERY"} <= names
    left_out = names - set(job["env"]) - OF_AZD
    assert not left_out, f"the pipeline would provision with the defaults of {left_out}, and open what is private"
    assert job["env"]["AZURE_PRINCIPAL_TYPE"] == "ServicePrincipal"
    for name in set(job["env"]) - {"AZURE_PRINCIPAL_TYPE"}:
        assert job["env"][name] == f"${{{{ vars.{name} }}}}"


def test_azd_pipeline_config_copies_every_value_that_azd_does_not_copy_anyway() -> None:
    """azd's own: setPipelineVariables of pkg/pipeline/github_provider.go."""
    always = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"}
    copied = set(yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["pipeline"]["variables"])
    assert copied == set(variables_of_parameters()) - always - OF_AZD - {"AZURE_PRINCIPAL_TYPE"}


def test_what_would_change_is_asked_with_the_values_that_the_pipeline_deploys_with() -> None:
    step = read(ROOT / ".github" / "workflows" / "infra.yml")["jobs"]["what-if"]["steps"][-1]
    for name, (parameter, default) in variables_of_parameters().items():
        if name in OF_AZD | {"AZURE_PRINCIPAL_TYPE"}:
            continue
        assert f'{parameter}="${name}"' in step["run"]
        otherwise = f" || '{default}'" if default else ""
        assert step["env"][name] == f"${{{{ vars.{name}{otherwise} }}}}"


def test_the_pipeline_can_log_in_with_the_credentials_that_azd_makes() -> None:
    """They name a branch or pull_request; a job with an environment has another subject (azure-dev#5473)."""
    workflow = read(AZURE_DEV)
    assert set(workflow[True]) == {"push", "workflow_dispatch"}
    assert workflow[True]["push"] == {"branches": ["main"]}
    for path in WORKFLOWS:
        assert not any("environment" in job for job in read(path)["jobs"].values()), path.name
    assert "azure-dev.yml" in IDS


def test_a_clone_without_variables_deploys_nothing() -> None:
    (job,) = read(AZURE_DEV)["jobs"].values()
    assert job["if"] == "vars.AZURE_CLIENT_ID != ''"


def test_the_template_names_the_azd_that_it_needs() -> None:
    azure = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    assert azure["requiredVersions"] == {"azd": ">= 1.23.5"}  # the first that reads remoteBuild
    assert azure["services"]["app"]["remoteBuild"] is False
