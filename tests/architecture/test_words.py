"""Words that were retired stay out of the code: the table of docs/glossary.md, read as it is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.architecture.source import ROOT, SHIPPED, modules

GLOSSARY = ROOT / "docs" / "glossary.md"
HEADING = "## Retired words"


@dataclass(frozen=True)
class Retired:
    """`words` in all their forms; `allowed` are phrases in which one of them means something else."""

    words: frozenset[str]
    instead: str
    allowed: tuple[str, ...]


def read_table() -> list[Retired]:
    section = GLOSSARY.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [
        Retired(frozenset(words.split(", ")), instead, tuple(re.findall(r"`([^`]+)`", allowed)))
        for words, instead, allowed in cells
    ]


TABLE = read_table()


def words_of(text: str) -> set[str]:
    """Every word, in lower case: identifiers are taken apart at underscores and at capitals."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)}


def found_in(line: str, retired: Retired) -> set[str]:
    for phrase in retired.allowed:
        line = line.replace(phrase, "")
    return words_of(line) & retired.words


def offences() -> list[str]:
    """In identifiers, strings, comments and docstrings, and in the names of files."""
    return [
        f"{module.name}:{number}: say {retired.instead!r} instead of {', '.join(sorted(found))}"
        for module in modules(*SHIPPED)
        for number, line in enumerate([module.name, *module.text.splitlines()])
        for retired in TABLE
        if (found := found_in(line, retired))
    ]


def test_no_retired_word_is_in_the_code() -> None:
    found = offences()
    assert not found, f"{HEADING[3:]} of docs/glossary.md has the reasons and the exceptions:\n" + "\n".join(found)


def test_the_table_is_whole() -> None:
    assert len(TABLE) >= 15
    words = [word for retired in TABLE for word in retired.words]
    assert len(words) == len(set(words)), "a word is retired once"
    assert all(retired.instead for retired in TABLE)


def test_every_exception_is_needed() -> None:
    """An exception that nothing uses any more would let its word come back."""
    text = "\n".join(module.text for module in modules(*SHIPPED))
    unused = [phrase for retired in TABLE for phrase in retired.allowed if phrase not in text]
    assert unused == []


SEEN = {
    "manifest = 1": {"manifest"},
    "find_manifests()": {"manifests"},
    "class ManifestStore:": {"manifest"},
    "MANIFEST_ID": {"manifest"},
    'log.info("manifest_closed")': {"manifest"},
    "# a manifest's end": {"manifest"},
    "manifesto": set(),
    "parkway": set(),
}


@pytest.mark.parametrize("line", SEEN)
def test_a_word_is_seen_in_every_form_of_name(line: str) -> None:
    retired = Retired(frozenset({"manifest", "manifests", "park"}), "batch", ())
    assert found_in(line, retired) == SEEN[line]


def test_an_allowed_phrase_hides_only_itself() -> None:
    retired = Retired(frozenset({"poison"}), "dead letter", ("-poison",))
    assert found_in('QUEUE = "events-poison"', retired) == set()
    assert found_in('QUEUE = "events-poison"  # the poison queue', retired) == {"poison"}
