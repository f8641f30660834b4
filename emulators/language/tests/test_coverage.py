"""COVERAGE.md names every operation the emulator serves, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from language_emulator import analyze_text, operations, text_authoring_2021
from language_emulator.analyze_text import analyze, deployments, models, projects
from language_emulator.text_authoring_2021 import analyze as preview_analyze
from language_emulator.text_authoring_2021 import authoring as preview_authoring

COVERAGE = Path(__file__).parents[1] / "COVERAGE.md"
PREVIEW = {operation for routes in (preview_authoring, preview_analyze) for _, _, operation in routes.ROUTES}
GA = {operation for routes in (analyze, deployments, models, projects) for _, _, operation in routes.ROUTES}


def _listed(section: str) -> set[str]:
    text = COVERAGE.read_text(encoding="utf-8").partition(f"## {section}")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in first_cells for name in re.findall(r"`([a-z_]+)`", cell)}


def test_every_operation_is_listed_under_its_version() -> None:
    assert _listed("2021 preview") == PREVIEW
    assert _listed("Generally available API") == GA


def test_fault_rules_know_exactly_the_operations_that_are_served() -> None:
    assert operations.ALL == PREVIEW | GA


def test_the_versions_are_named() -> None:
    text = COVERAGE.read_text(encoding="utf-8")
    versions = (
        *analyze_text.AUTHORING_VERSIONS,
        text_authoring_2021.AUTHORING_VERSION,
        text_authoring_2021.ANALYZE_VERSION,
    )
    assert [version for version in versions if version not in text] == []
