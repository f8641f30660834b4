"""What the documentation points at exists: files, sections, and paths of what ships."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.source import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """The sections of a page as GitHub's links spell them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_a_section_that_exist() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {path}#{anchor}" if anchor else f"{page.relative_to(ROOT)}: {path}"
        for page in PAGES
        for path, anchor in LINK.findall(page.read_text(encoding="utf-8"))
        if not (target := page.parent / path if path else page).exists() or (anchor and anchor not in anchors(target))
    ]
    assert not broken, broken


def test_every_path_of_what_ships_exists() -> None:
    named = {
        (page.relative_to(ROOT).as_posix(), path)
        for page in PAGES
        for path in re.findall(r"`((?:shared|functions)/[\w./]+)", page.read_text(encoding="utf-8"))
    }
    assert named, "no page names a file"
    gone = sorted((page, path) for page, path in named if not (ROOT / path).exists())
    assert not gone, gone


def test_every_decision_has_its_own_number_and_the_numbers_have_no_gap() -> None:
    files = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [name[:4] for name in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    for name in files:
        title = (ROOT / "docs" / "decisions" / name).read_text(encoding="utf-8").partition("\n")[0]
        assert title.startswith(f"# {int(name[:4])}. "), f"{name}: {title}"
