"""docs/security.md points at tests that are there, and SECURITY.md says how to report."""

from __future__ import annotations

import re

from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][1:]


def test_every_boundary_has_who_what_the_barrier_and_its_test() -> None:
    assert len(ROWS) >= 10
    for row in ROWS:
        assert len(row) == 4, row
        assert re.findall(r"`(tests/[\w/]+\.py)`", row[3]), f"no test shows: {row[0]}"


def test_the_tests_and_files_that_the_page_names_exist() -> None:
    named = re.findall(r"`((?:tests|tools|\.github)/[\w./]+)`", PAGE)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_make_targets_that_the_page_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([\w-]+)`", PAGE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_how_to_report_and_what_is_supported_is_said() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for heading in ("## Reporting a vulnerability", "## Supported versions"):
        assert heading in text
    assert "docs/security.md" in text
