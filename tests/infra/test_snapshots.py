"""Microsoft's Bicep CLI judges the templates, and the kept snapshots are what it evaluates.

Without it, nothing may have changed since it last did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import INFRA, ROOT
from tools.bicep import MISSING, Bicep, BicepTooOldError, find_bicep, running_bicep
from tools.snapshots import CALENDAR_RULE, REWRITE, SOURCES, files, judge, sources, undescribed

CONFIG = (INFRA / "bicepconfig.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bicep() -> Iterator[Bicep]:
    path = find_bicep()
    if path is None:
        pytest.skip(MISSING)
    with running_bicep(path) as running:
        yield running


def test_no_template_has_changed_since_it_was_judged() -> None:
    kept, found = json.loads(SOURCES.read_text(encoding="utf-8")), sources()
    changed = sorted(path for path in kept | found if kept.get(path) != found.get(path))
    assert changed == [], f"Microsoft's Bicep CLI has not judged these as they are now: {REWRITE}"


def test_the_cli_has_nothing_to_say_and_evaluates_what_is_kept(bicep: Bicep) -> None:
    """One test, because the compiler's start is what takes the time."""
    findings, compiled = judge(bicep)
    assert [str(each) for each in findings if each.code != CALENDAR_RULE] == []
    assert undescribed(compiled) == []
    try:
        expected = files(bicep, compiled)
    except BicepTooOldError as error:
        pytest.skip(f"the snapshots were not compared: {error}")
    other = [path.name for path, text in expected.items() if _content(path) != _comparable(json.loads(text))]
    assert other == [], f"what the templates create has changed: {REWRITE}, and read the difference"


def _content(path: Path) -> Any:
    return _comparable(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _comparable(content: dict[str, Any]) -> dict[str, Any]:
    # The version that judged; another one is as good as long as it says the same.
    return {name: each for name, each in content.items() if name != "bicep"}


# What each line of a template gets for its mistake: the types of the resources, and each rule of bicepconfig.json.
MISTAKES = {
    "BCP037": "  properties: { functionAppConfig: { runtime: { flavour: 'python' } } }",
    "BCP036": "  identity: { type: 'Nobody' }",
    "BCP073": "  id: 'x'",
    "use-recent-api-versions": "resource app 'Microsoft.Web/sites@2018-02-01' = {",
    "no-hardcoded-location": "  location: 'westeurope'",
    "no-loc-expr-outside-params": "  tags: { place: resourceGroup().location }",
    "explicit-values-for-loc-params": "module one 'module.bicep' = {",
    "no-module-name": "  name: 'one'",
    "use-resource-id-functions": "  properties: { subnet: { id: '/subnets/${resourceGroup().name}' } }",
    "outputs-should-not-contain-secrets": "output secret string = listKeys(app.id, '2024-11-01').key1",
}


def test_every_kind_of_mistake_is_noticed(bicep: Bicep, tmp_path: Path) -> None:
    (tmp_path / "bicepconfig.json").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "module.bicep").write_text(
        "param location string = resourceGroup().location\noutput place string = location\n"
    )
    text = "\n".join(
        [
            "resource wrong 'Microsoft.Web/sites@2025-03-01' = {",
            "  name: 'wrong'",
            *(
                MISTAKES[code]
                for code in ("no-hardcoded-location", "BCP037", "BCP036", "BCP073", "no-loc-expr-outside-params")
            ),
            "}",
            MISTAKES["use-recent-api-versions"],
            "  name: 'app'",
            "  location: resourceGroup().location",
            "}",
            MISTAKES["explicit-values-for-loc-params"],
            MISTAKES["no-module-name"],
            "}",
            "resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {",
            "  name: 'endpoint'",
            "  location: resourceGroup().location",
            MISTAKES["use-resource-id-functions"],
            "}",
            MISTAKES["outputs-should-not-contain-secrets"],
        ]
    )
    path = tmp_path / "main.bicep"
    path.write_text(text, encoding="utf-8")
    lines = text.splitlines()
    found = {(each.code, lines[each.line - 1]) for each in bicep.compile(path)[0]}
    assert set(MISTAKES.items()) - found == set()


def test_every_rule_that_is_off_says_why() -> None:
    lines = CONFIG.splitlines()
    off = [index for index, line in enumerate(lines) if '"off"' in line]
    assert off
    for index in off:
        assert re.match(r"\s*// \w.{15,}", lines[index - 1]), lines[index]


def test_every_rule_that_is_on_has_its_mistake() -> None:
    on = set(re.findall(r'"([\w-]+)": \{ "level": "error"', CONFIG))
    assert CALENDAR_RULE in on
    assert on <= set(MISTAKES)


def _program(path: Path, text: str = "#!/bin/sh\nexit 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_cli_is_found_where_it_is_installed_and_no_az_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    monkeypatch.setenv("PATH", str(_program(tmp_path / "bin" / "az", f"#!/bin/sh\ntouch {ran}\n").parent))
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "azure"))
    monkeypatch.setenv("AZD_CONFIG_DIR", str(tmp_path / "azd"))
    monkeypatch.delenv("BICEP", raising=False)
    beside = ROOT.parent / "shared" / "tools" / "bicep"
    assert find_bicep() == (beside if beside.is_file() else None)
    for place in ("azd/bin/bicep", "azure/bin/bicep", "bin/bicep", "elsewhere/my-bicep"):
        path = _program(tmp_path / place)
        if place.startswith("elsewhere"):
            monkeypatch.setenv("BICEP", str(path))
        assert find_bicep() == path
    assert not ran.exists()


def test_a_cli_that_is_named_and_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BICEP", "/nowhere/bicep")
    with pytest.raises(FileNotFoundError, match="/nowhere/bicep"):
        find_bicep()
