"""What a gallery of templates, and a newcomer, find: front matter, dev container, forms for issues, the picture."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from tests.infra.bicep import INFRA, MAIN, ROOT, read_template
from tests.infra.code import functions

FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PICTURE = ROOT / "docs" / "architecture.svg"


def test_the_readme_begins_with_what_the_gallery_lists() -> None:
    _, front, text = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    listed = yaml.safe_load(front)
    assert {"name", "description", "page_type", "languages", "products", "urlFragment"} == set(listed)
    assert listed["urlFragment"] == yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["name"]
    assert text.lstrip().startswith(f"# {listed['name']}\n")


def test_azure_yaml_names_its_schema() -> None:
    first = (ROOT / "azure.yaml").read_text(encoding="utf-8").partition("\n")[0]
    assert first == (
        "# yaml-language-server: $schema=https://raw.githubusercontent.com/Azure/azure-dev/main/schemas/v1.0/azure.yaml.json"
    )


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_a_form_for_issues_is_one_that_github_shows(form: Path) -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [str(program), "--builtin-schema", "vendor.github-issue-forms", str(form)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_dev_container_has_what_the_prerequisites_name() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    features = " ".join(container["features"])
    assert "azure-cli" in features
    assert "azd" in features
    python = read_template(MAIN).parameters["pythonVersion"].default
    assert f"python:{python}-" in container["image"], "develop on the Python that is deployed"
    target = container["postCreateCommand"].removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def labels_of_picture() -> set[str]:
    """What is written in it as a name of code."""
    tree = ET.parse(PICTURE)
    return {str(node.text) for node in tree.iter("{http://www.w3.org/2000/svg}text") if node.get("class") == "m"}


def test_the_picture_names_every_container_queue_and_triggered_function_as_it_is() -> None:
    parameters = read_template(MAIN).parameters
    containers = set(parameters["containers"].default.values())
    queues = set(parameters["queues"].default.values())
    triggered = {name for name, each in functions().items() if each.trigger["type"] != "httpTrigger"}
    labels = labels_of_picture()
    assert containers | queues <= labels
    assert labels - containers - queues - {"/api"} <= triggered
    text = PICTURE.read_text(encoding="utf-8")
    assert all(name in text for name in triggered), triggered


def test_the_picture_shows_the_roles_that_are_assigned() -> None:
    shown = re.findall(r"(\w+) identity: Language (Reader|Owner)", PICTURE.read_text(encoding="utf-8"))
    assert len(shown) == 2
    assignments = (INFRA / "app" / "roles.bicep").read_text(encoding="utf-8").split("\nresource ")
    for identity, role in shown:
        (assignment,) = [each for each in assignments if each.startswith(f"{identity}OnLanguage ")]
        assert f"roles.language{role})" in assignment


def test_the_picture_can_be_read_on_a_dark_page_and_by_a_screen_reader() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    light, _, dark = text.partition("@media (prefers-color-scheme: dark)")
    fills = {name for name in re.findall(r"^\.(\w+) \{ fill: #", light, re.MULTILINE)}
    assert fills, "no colours"
    assert all(re.search(rf"^  \.{name} \{{", dark, re.MULTILINE) for name in fills)
    assert "<title" in text
    assert "<desc" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "GitHub shows no picture that loads others"
