"""The tables of docs/trust.md are what the code computes, and the page names every verdict."""

from __future__ import annotations

import pytest

from shared.models.acceptance import Right
from shared.models.gate import OnUnclear, Verdict
from tests.architecture.source import ROOT
from tools.trust_tables import TABLES

PAGE = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_one_that_the_code_computes(name: str) -> None:
    _, begin, rest = PAGE.partition(f"<!-- {name}: python -m tools.trust_tables -->\n")
    table, end, _ = rest.partition(f"\n<!-- end of {name} -->")
    assert begin
    assert end
    assert table == TABLES[name](), "python -m tools.trust_tables prints the tables"


def test_every_verdict_has_a_row() -> None:
    assert [verdict for verdict in Verdict if f"\n| `{verdict}` |" not in PAGE] == []


def test_the_choices_of_a_rule_are_named() -> None:
    assert "`on_unclear`" in PAGE
    assert {choice for choice in Right if f"`{choice}`" not in PAGE} == set()
    assert list(OnUnclear) == [OnUnclear.BY_ESTIMATE, OnUnclear.REFUSE]
