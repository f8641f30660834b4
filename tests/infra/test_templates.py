"""The templates as files: none is left out, parameters and abbreviations are the ones that are used."""

from __future__ import annotations

import json
import re

from tests.infra.bicep import INFRA, MAIN, SECOND_PHASE, TEMPLATES, read_template
from tools.snapshots import apply, difference, sets


def test_no_template_is_left_out() -> None:
    modules = {
        (path.parent / module).resolve()
        for path in TEMPLATES
        for module in re.findall(r"^module \w+ '([^']+)'", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert modules | {MAIN, SECOND_PHASE} == set(TEMPLATES)


def test_every_abbreviation_is_used_and_every_used_one_exists() -> None:
    abbreviations = json.loads((INFRA / "abbreviations.json").read_text(encoding="utf-8"))
    text = MAIN.read_text(encoding="utf-8")
    assert [name for name in abbreviations if f"abbrs.{name}" not in text] == []
    assert text.count("abbrs.") == sum(text.count(f"abbrs.{name}") for name in abbreviations)


def test_the_parameters_file_names_parameters_that_exist() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    parameters = read_template(MAIN).parameters
    assert set(given) <= set(parameters)
    assert {name for name, parameter in parameters.items() if not parameter.has_default} <= set(given)


def test_every_parameter_that_decides_what_is_created_has_another_value_in_some_set() -> None:
    given = {
        name: found
        for path in sets().values()
        for name, found in re.findall(r"^param (\w+) = (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    text = MAIN.read_text(encoding="utf-8")
    decides = set(re.findall(r"if \((\w+)", text)) | set(re.findall(r"(\w+) \? ", text))
    assert {"vnetEnabled", "alertsEnabled"} <= decides <= set(given)


def test_a_difference_applied_is_what_it_was_made_of() -> None:
    base = {"same": 1, "changed": 2, "gone": 3}
    found = {"same": 1, "changed": {"to": 4}, "new": [5]}
    assert difference(found, base) == {"changed": {"to": 4}, "gone": None, "new": [5]}
    assert apply(difference(found, base), base) == found
