"""docs/architecture.md names files, functions and folders that exist, and its walk of a batch never goes back."""

from __future__ import annotations

import re
from collections import Counter

from tests.architecture.source import ROOT
from tests.infra.code import functions

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## \d+\. {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found[1]


def walked_files() -> list[tuple[str, str]]:
    """File and the names after its colon, in the walk's order. A file without a folder lies beside the last one."""
    files: list[tuple[str, str]] = []
    folder = ""
    for line in section("One batch through the code").splitlines():
        if not re.match(r"\| \d+ \|", line):
            continue
        for path, names in re.findall(r"`([\w/]+\.py)(?:: ([\w., ]+))?`", line.rsplit(" | ", 1)[1]):
            folder = path.rpartition("/")[0] or folder
            files.append((f"{folder}/{path.rpartition('/')[2]}", names))
    return files


def test_the_walk_of_a_batch_names_no_file_twice_but_those_of_durable() -> None:
    counted = Counter(path for path, _ in walked_files() if not path.startswith("shared/durable/"))
    assert len(counted) > 10, "the walk was not found"
    twice = {path for path, count in counted.items() if count > 1}
    assert not twice, f"a batch would go back into {twice}"


def test_what_the_walk_names_is_in_its_file() -> None:
    for path, names in walked_files():
        text = (ROOT / path).read_text(encoding="utf-8")
        for name in re.findall(r"\w+", names):
            assert re.search(rf"\b(?:class|def) {name}\b|function_name\(\"{name}\"\)", text), f"{path}: {name}"


def test_every_function_without_http_has_its_row() -> None:
    triggered = {name for name, each in functions().items() if each.trigger["type"] != "httpTrigger"}
    cells = [line.split(" | ")[0] for line in section("What runs").splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == triggered


def test_every_folder_and_file_of_shared_is_described() -> None:
    described = section("Folders")
    for path in sorted((ROOT / "shared").iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            assert f"`shared/{path.name}/`" in described, path.name
        elif path.suffix == ".py" and path.name != "__init__.py":
            assert f"{path.name}`" in described, path.name
