"""docs/language-api.md names a wire sample for everything it says of the Language API, and the samples are there."""

from __future__ import annotations

import re

import pytest

from shared.language.apis import API_VERSIONS, analyze_text, text_authoring_2021
from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "language-api.md"
TEXT = PAGE.read_text(encoding="utf-8")
WIRE = ROOT / "emulators" / "language" / "tests" / "wire"
SIDES = ("preview_2021", "ga_2023")
TABLES = ("Differences", "Where sources contradict")


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of the section's table by their first one; the two last are the samples of each side."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    table = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert table, f"no table below {heading}"
    return {cells[0]: cells for cells in table[1:]}


ROWS = {(heading, topic): cells for heading in TABLES for topic, cells in rows(heading).items()}


def samples(side: str) -> set[str]:
    return {path.stem for path in (WIRE / side).glob("*.json")}


def test_every_row_names_an_existing_sample_for_each_side_or_none() -> None:
    wrong: list[str] = []
    for (_, topic), cells in ROWS.items():
        if len(cells) != 5:
            wrong.append(f"{topic}: a row has five cells: {cells}")
            continue
        for side, cell in zip(SIDES, cells[-2:], strict=True):
            if cell == "none":
                continue
            if not re.fullmatch(r"`\w+`(, `\w+`)*", cell):
                wrong.append(f"{topic}: samples are named in code, with commas: {cell!r}")
            missing = set(re.findall(r"`(\w+)`", cell)) - samples(side)
            if missing:
                wrong.append(f"{topic}: emulators/language/tests/wire/{side} has no {missing}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("heading", TABLES)
def test_no_topic_is_there_twice(heading: str) -> None:
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    assert len(lines) - 1 == len(rows(heading))


def test_the_table_of_differences_is_whole() -> None:
    assert len(rows("Differences")) >= 40
    without = [topic for topic, cells in rows("Differences").items() if cells[-2:] == ["none", "none"]]
    assert without == ["Length of a training document"], "a difference that no sample shows is only claimed"


@pytest.mark.parametrize("side", SIDES)
def test_every_form_the_emulator_does_not_send_is_explained(side: str) -> None:
    odd = {name for name in samples(side) if name.endswith("_documented")}
    named = {name for cells in ROWS.values() for name in re.findall(r"`(\w+)`", cells[-1 if side == "ga_2023" else -2])}
    assert odd <= named, f"say in docs/language-api.md which source shows {odd - named}"


def test_versions_and_bases_are_those_of_the_code() -> None:
    apis = (text_authoring_2021, analyze_text)
    for name in (*API_VERSIONS, *(base for api in apis for base in (api.AUTHORING, api.ANALYZE))):
        assert f"`{name}`" in TEXT, name


def test_what_the_page_points_at_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
    for path in re.findall(r"`((?:shared|tests|local|emulators)/[\w./]+)`", TEXT):
        assert (ROOT / path.rstrip("/")).exists(), path


def test_the_page_can_be_read_in_one_sitting() -> None:
    assert len(TEXT.splitlines()) < 250
