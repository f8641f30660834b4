"""The list of tests that cannot pass on Microsoft's host names tests that exist, and the README tells the same."""

from __future__ import annotations

import re
from pathlib import Path

from tests.real_host import NOT_ON_THE_REAL_HOST

FOLDER = Path(__file__).parent
README = (FOLDER.parent / "README.md").read_text(encoding="utf-8")


def test_each_of_them_exists() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("test_*.py"))
    assert set(NOT_ON_THE_REAL_HOST) <= set(re.findall(r"^def (test_\w+)\(", code, re.MULTILINE))


def test_the_readme_names_each_with_its_reason() -> None:
    rows = dict(re.findall(r"^\| `(test_\w+)` \| (.+) \|$", README, re.MULTILINE))
    assert rows == NOT_ON_THE_REAL_HOST
