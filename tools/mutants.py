"""Mutation testing of the pure decisions: `make mutants`. A change of the code that no test notices must be listed.

mutmut (settings in pyproject.toml) changes one thing at a time in a copy of the code and runs the tests. A mutant that
survives is killed by a better test, or listed with its reason in tools/mutants_allowed.toml. A survivor that is not
listed fails, and so does a listed one that no longer survives.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = Path(__file__).with_name("mutants_allowed.toml")
MUTMUT = Path(sys.executable).with_name("mutmut")

# A mutant that never ends is noticed too: the run of its tests is stopped.
KILLED = frozenset({"killed", "timeout"})
_RESULT = re.compile(r"^\s+(?P<name>\S+__mutmut_\d+): (?P<status>.+)$", re.MULTILINE)
# module.x_function__mutmut_1 or module.xǁClassǁmethod__mutmut_1
_NAME = re.compile(r"^(?P<module>.+)\.x[_ǁ](?P<function>.+)__mutmut_\d+$")


@dataclass(frozen=True)
class Survivor:
    """A change that no test notices. Mutants are numbered anew with each edit, so it is known by what it changes."""

    function: str
    removed: str
    added: str

    def entry(self) -> str:
        """As it is listed; a JSON string is a TOML string too."""
        fields = {"function": self.function, "removed": self.removed, "added": self.added, "reason": ""}
        return "\n".join(
            ["[[mutant]]", *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())]
        )


def function_of(name: str) -> str:
    """The dotted name of the function that a mutant of mutmut's naming changes."""
    found = _NAME.match(name)
    if found is None:
        raise ValueError(f"mutmut names mutants in a new way: {name!r}; mend tools/mutants.py")
    return f"{found['module']}.{found['function'].replace('ǁ', '.')}"


def survivor_of(name: str, diff: str) -> Survivor:
    """The mutant as `mutmut show` prints it: a unified diff."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    removed, added = (
        "\n".join(line[1:].strip() for line in lines if line.startswith(sign) and line[1:].strip()) for sign in "-+"
    )
    if not removed and not added:
        raise ValueError(f"mutmut shows no change for {name!r}; mend tools/mutants.py")
    return Survivor(function_of(name), removed, added)


def read_allowed(text: str) -> dict[Survivor, str]:
    """Listed survivors with their reasons."""
    allowed: dict[Survivor, str] = {}
    for entry in tomllib.loads(text).get("mutant", []):
        reason = entry.pop("reason", "").strip()
        survivor = Survivor(**entry)
        if not reason:
            raise ValueError(f"a listed mutant needs its reason: {survivor}")
        allowed[survivor] = reason
    return allowed


def complaints(survivors: Iterable[Survivor], allowed: Iterable[Survivor]) -> list[str]:
    """What is wrong; nothing, when exactly the listed mutants survive."""
    found, listed = set(survivors), set(allowed)
    new = [f"no test notices this; kill it, or list it with its reason:\n{each.entry()}" for each in found - listed]
    stale = [f"this is listed and does not survive; remove it:\n{each.entry()}" for each in listed - found]
    return [*sorted(new), *sorted(stale)]


def mutmut(*arguments: str) -> str:
    result = subprocess.run([MUTMUT, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"mutmut {arguments[0]} failed:\n{result.stdout[-4_000:]}{result.stderr[-4_000:]}")
    return result.stdout


def main() -> int:
    # A cached verdict may be older than the test that changes it; a whole run takes two minutes.
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    mutmut("run")
    statuses = {found["name"]: found["status"] for found in _RESULT.finditer(mutmut("results", "--all", "true"))}
    if not statuses:
        raise SystemExit("mutmut made no mutants; mend [tool.mutmut] in pyproject.toml")
    survivors = [survivor_of(name, mutmut("show", name)) for name, each in statuses.items() if each not in KILLED]
    counts = Counter(statuses.values())
    print(f"{len(statuses)} mutants: {', '.join(f'{count} {status}' for status, count in sorted(counts.items()))}")
    wrong = complaints(survivors, read_allowed(ALLOWED.read_text(encoding="utf-8")))
    print("\n\n".join(wrong) or "no mutant survives that is not listed in tools/mutants_allowed.toml")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
