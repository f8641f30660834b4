"""What must agree although it is written in two places: bindings and settings, host.json and queues, locks, README."""

from __future__ import annotations

import ast
import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueMessage

import functions
import shared
from shared.config import Settings, load_settings
from shared.documents.messages import WakeMessage
from shared.storage.queues import AzureMessageQueue, decode_body
from tests.architecture.source import ROOT, modules

EXAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

# Read by the platform, not by the app.
OF_THE_PLATFORM = {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME", "PYTHON_THREADPOOL_THREAD_COUNT"}


def setting_names() -> set[str]:
    return {name.upper() for name in Settings.model_fields}


# where the code is


@pytest.mark.parametrize("package", [functions, shared], ids=lambda package: package.__name__)
def test_the_tested_package_is_the_one_of_this_repository(package: Any) -> None:
    assert package.__file__ is not None
    assert Path(package.__file__).is_relative_to(ROOT), "a package of the same name elsewhere would be tested instead"


# bindings


def binding_names() -> set[str]:
    return {name for module in modules("functions") for name in re.findall(r"%([A-Za-z_]+)%", module.text)}


def test_every_name_in_a_binding_is_a_setting_without_a_default() -> None:
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    names = binding_names()
    assert names, "no binding names a setting"
    assert names <= set(fields), f"the app would start without {names - set(fields)} and the host would not"
    with_default = {name for name in names if not fields[name].is_required()}
    assert not with_default, f"the host knows no default for {with_default}, so the app must not have one either"


def test_every_name_in_a_binding_is_in_the_example_settings() -> None:
    missing = binding_names() - set(EXAMPLE)
    assert not missing, f"a new developer's host would not start without {missing}"


def test_every_example_setting_is_a_setting() -> None:
    unknown = {name for name in EXAMPLE if name.upper() not in setting_names()} - OF_THE_PLATFORM
    assert not unknown, f"nothing reads {unknown}"


def test_the_example_settings_are_enough_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in EXAMPLE.items():
        monkeypatch.setenv(name, value)
    assert load_settings().documents_container == EXAMPLE["DOCUMENTS_CONTAINER"]


def registered_blueprints() -> set[str]:
    (module,) = modules("functions/__init__.py")
    (function,) = [
        node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef) and node.name == "blueprints"
    ]
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}


def test_every_module_with_a_blueprint_is_registered() -> None:
    with_blueprint = {
        module.path.stem
        for module in modules("functions")
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "blueprint"
    }
    assert with_blueprint, "no module has a blueprint"
    forgotten = with_blueprint - registered_blueprints()
    assert not forgotten, f"their functions would not exist in the cloud: {forgotten}"


# queues


class SentBodies:
    """Stands for the SDK's client: keeps what it is told to send."""

    def __init__(self) -> None:
        self.queue_name = "documents"
        self.bodies: list[str] = []
        self.options: list[dict[str, Any]] = []

    def send_message(self, body: str, **options: Any) -> QueueMessage:
        self.bodies.append(body)
        self.options.append(options)
        return QueueMessage(content=body)


def test_the_host_decodes_what_the_app_writes() -> None:
    client = SentBodies()
    AzureMessageQueue(client).send(WakeMessage())  # type: ignore[arg-type]
    assert HOST["extensions"]["queues"]["messageEncoding"] == "base64", "a plain body would go straight to poison"
    assert base64.b64decode(client.bodies[0], validate=True).decode() == WakeMessage().to_text()
    assert decode_body(client.bodies[0]) == WakeMessage().to_text()


def test_no_message_expires() -> None:
    client = SentBodies()
    AzureMessageQueue(client).send(WakeMessage())  # type: ignore[arg-type]
    assert client.options[0]["time_to_live"] == -1, "after seven days of an outage documents would be gone"


def test_a_failed_message_is_not_tried_again_at_once() -> None:
    assert HOST["extensions"]["queues"]["visibilityTimeout"] == "00:00:30", "five tries would burn within a second"


def test_the_function_timeout_is_longer_than_a_collector_works() -> None:
    hours, minutes, seconds = map(int, HOST["functionTimeout"].split(":"))
    assert hours * 3_600 + minutes * 60 + seconds >= 120


# locks

LOCKS = [ROOT / "requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))]
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links|\bgit\+")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_python_lock_pins_and_hashes_every_package_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    assert lines
    loose = [line for line in lines if "==" not in line or "--hash=sha256:" not in line]
    assert not loose, f"what is installed must be what was resolved: {loose[:3]}"
    named = [line for line in text.splitlines() if not line.lstrip().startswith("#") and ADDRESS.search(line)]
    assert not named, f"a lock works with whatever mirror its user has: {named[:3]}"


def test_the_node_lock_hashes_every_package_and_names_no_registry() -> None:
    lock = json.loads((ROOT / "emulators" / "azurite" / "node" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    loose = [name for name, entry in packages.items() if not entry.get("integrity") and not entry.get("inBundle")]
    assert not loose, f"what is installed must be what was resolved: {loose[:3]}"
    named = [name for name, entry in packages.items() if "://" in str(entry.get("resolved", ""))]
    assert not named, f"a lock works with whatever mirror its user has: {named[:3]}"


def test_what_ships_needs_no_package_of_the_stand_ins() -> None:
    names = {line.split("==")[0].lower() for line in LOCKS[0].read_text(encoding="utf-8").splitlines() if "==" in line}
    assert not names & {"scikit-learn", "fastapi", "uvicorn", "starlette", "rich", "pytest", "hypothesis"}


# README

README = ROOT / "README.md"


@pytest.mark.skipif(not README.exists(), reason="there is no README yet")
def test_the_readme_lists_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z][A-Za-z_]+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {row.upper() for row in rows}
    assert setting_names() - documented == set(), "a setting that is not in the table is not known to anyone"
    unknown = documented - setting_names() - {name.upper() for name in OF_THE_PLATFORM}
    assert not unknown, "a row whose setting nothing reads sends people astray"
