"""The command line: what the page of operations says of it is there, and wrong usage ends as it says."""

from __future__ import annotations

import re
import subprocess
import sys

from cli.exit_codes import EXIT_CODES, FAILED, INCOMPLETE, INTERRUPTED, OK, UNREACHABLE, USAGE
from local.settings import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_page_names_every_exit_code_and_no_option_that_is_not_there() -> None:
    sentence = PAGE.partition("Exit codes: ")[2].partition(".")[0]
    codes = {int(code) for code in re.findall(r"\b\d+\b", sentence)}
    assert {OK, FAILED, USAGE, UNREACHABLE, INCOMPLETE, INTERRUPTED} == codes
    assert codes <= EXIT_CODES.keys()
    help_text = run("first-run", "--help").stdout
    section = PAGE.partition("## 1. Deploy")[2].partition("\n## ")[0]
    named = set(re.findall(r"(?:ARGS=\"?|`)(--[a-z-]+)", section))
    assert {"--environment", "--dataset", "--url", "--train-again"} <= named
    assert not {option for option in named if option not in help_text}


def test_a_folder_that_is_no_dataset_is_a_wrong_command_line() -> None:
    wrong = run("first-run", "--dataset", "docs")
    assert wrong.returncode == USAGE
    (line,) = wrong.stderr.splitlines()
    assert "holds no labels.json" in line
    assert run("first-run", "--no-such-option").returncode == USAGE
