"""The templates parse, twice over, and stay in the subset that open parsers (and so checkov) can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pycep import BicepParser

from tests.infra.bicep import INFRA, MAIN, TEMPLATES, objects, read_template, syntax_errors

IDS = [path.name for path in TEMPLATES]


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_tree_sitter_reads_the_template(path: Path) -> None:
    assert syntax_errors(path) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_pycep_reads_the_template_and_finds_the_same_declarations(path: Path) -> None:
    found = BicepParser().parse(text=path.read_text(encoding="utf-8"))
    template = read_template(path)
    assert set(found.get("parameters", {})) == set(template.parameters)
    assert set(found.get("outputs", {})) == set(template.outputs)
    resources = {name: (each["type"], each["api_version"]) for name, each in found.get("resources", {}).items()}
    assert resources == {name: (each.type, each.api_version) for name, each in template.resources.items()}
    assert set(found.get("modules", {})) == set(template.modules)


@pytest.mark.parametrize("path", TEMPLATES, ids=IDS)
def test_every_parameter_is_described_and_used(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for parameter in read_template(path).parameters.values():
        assert parameter.description, f"{path.name}: {parameter.name} has no @description"
        assert text.count(parameter.name) > 1, f"{path.name}: {parameter.name} is not used"


def test_no_template_is_left_out() -> None:
    used = {
        (path.parent / module.type).resolve() for path in TEMPLATES for module in read_template(path).modules.values()
    }
    # The second phase is deployed by the hook, because its key does not exist before the app has started.
    assert used | {MAIN, INFRA / "app" / "event-webhook.bicep"} == set(TEMPLATES)


def test_every_abbreviation_is_used_and_every_used_one_exists() -> None:
    abbreviations = json.loads((INFRA / "abbreviations.json").read_text(encoding="utf-8"))
    text = MAIN.read_text(encoding="utf-8")
    assert [name for name in abbreviations if f"abbrs.{name}" not in text] == []
    assert text.count("abbrs.") == sum(text.count(f"abbrs.{name}") for name in abbreviations)


def test_the_parameters_file_names_parameters_that_exist() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    parameters = read_template(MAIN).parameters
    assert set(given) <= set(parameters)
    required = {name for name, parameter in parameters.items() if not parameter.has_default}
    assert required <= set(given)


def test_every_resource_that_can_have_tags_has_them() -> None:
    for path in TEMPLATES:
        for resource in read_template(path).resources.values():
            if "location" in resource.body:
                assert "tags" in resource.body, f"{path.name}:{resource.line}"


def test_objects_are_found_inside_expressions() -> None:
    settings = read_template(INFRA / "app" / "app-settings.bicep").outputs["settings"]
    assert any("LANGUAGE_ENDPOINT" in each for each in objects(settings))
