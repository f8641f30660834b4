"""docs/command.md is what the commands say of themselves."""

from __future__ import annotations

import re

from cli.exit_codes import EXIT_CODES
from cli.forms.names import Form
from tests.architecture.source import ROOT
from tools.command_docs import BEGIN, END, SHARED, exit_code_table, reference

PAGE = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")


def test_the_reference_is_that_of_the_commands() -> None:
    written = PAGE.partition(BEGIN)[2].partition(END)[0].strip()
    assert written == reference(), "python -m tools.command_docs writes it again"


def test_the_page_has_every_exit_code_every_form_and_every_shared_option() -> None:
    assert exit_code_table() in PAGE
    assert sorted(EXIT_CODES) == list(EXIT_CODES)
    prose = PAGE.partition(BEGIN)[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \| ", prose, re.MULTILINE)) >= set(Form)
    assert {name for name in SHARED if f"`{name}" not in prose} == {"--help"}


def test_every_command_shows_examples_of_itself() -> None:
    for section in reference().split("\n### ")[1:]:
        name = section.partition("`")[2].partition("`")[0]
        examples = re.findall(r"^(pigeonhole .*)$", section, re.MULTILINE)
        assert examples, name
        assert all(example.startswith(name) for example in examples), name
