"""The page: its libraries are those of the lock, it asks no other origin, and it is small."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from shared.web_files import WebFiles
from tests.architecture.source import ROOT
from tools.vendor_web import PACKAGES

WEB = ROOT / "web"
VENDOR = WEB / "vendor"
LOCK = json.loads((WEB / "vendor.lock.json").read_text(encoding="utf-8"))
OWN = sorted(path for path in WEB.rglob("*") if path.is_file() and VENDOR not in path.parents)
SCRIPTS = [path for path in OWN if path.suffix == ".js"]
MAX_COMPRESSED_BYTES = 60_000


def name_of(path: Path) -> str:
    return path.relative_to(WEB).as_posix()


def test_the_libraries_are_the_files_of_the_lock_byte_for_byte() -> None:
    locked = {name: each["sha256"] for package in LOCK for name, each in package["files"].items()}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    assert there == locked


def test_what_is_served_of_a_library_is_what_was_published_but_for_what_the_lock_names() -> None:
    for package in LOCK:
        for name, each in package["files"].items():
            content = (VENDOR / name).read_bytes()
            for old, new in package["replaced"].items():
                content = content.replace(new.encode(), old.encode())
            assert hashlib.sha256(content).hexdigest() == each["published_sha256"], name


def test_the_lock_is_what_the_tool_would_fetch_with_licence_and_version() -> None:
    asked = {(each.name, each.version, each.licence, tuple(each.files.values())) for each in PACKAGES}
    locked = {(each["name"], each["version"], each["licence"], tuple(each["files"])) for each in LOCK}
    assert locked == asked
    for package in PACKAGES:
        assert any("LICENSE" in name for name in package.files.values()), f"{package.name} ships without its licence"


@pytest.mark.parametrize("path", OWN, ids=name_of)
def test_the_page_names_no_other_origin(path: Path) -> None:
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./-]*", path.read_text(encoding="utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the page works without the internet"


FORBIDDEN = {
    "innerHTML": r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write",
    "code from text": r"\beval\(|new Function\(|javascript:",
    "an inline style": r"\bstyle=",
    "a handler in markup": r"\son\w+=\"",
    "the key in storage that stays": r"localStorage\.\w+\((?!THEME)",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_in_the_page_makes_markup_or_code_of_text(what: str) -> None:
    for path in OWN:
        if path.suffix in (".js", ".html", ".svg"):
            assert not re.search(FORBIDDEN[what], path.read_text(encoding="utf-8")), f"{name_of(path)}: {what}"


@pytest.mark.parametrize("path", [*SCRIPTS, *VENDOR.glob("*.js")], ids=name_of)
def test_every_import_is_a_file_that_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    imported = re.findall(r"""(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]""", text)
    for each in imported:
        assert each.startswith("."), f"{each}: a browser knows no packages"
        assert (path.parent / each).resolve().is_file(), each


def test_the_whole_page_with_everything_is_small() -> None:
    files = WebFiles(WEB).files
    assert sum(len(each.compressed) for each in files.values()) <= MAX_COMPRESSED_BYTES
    assert gzip.decompress(files["style.css"].compressed) == (WEB / "style.css").read_bytes()
