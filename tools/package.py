"""`make package`: stage exactly what ships into build/package: files of an allow-list, and the locked wheels.

Every way of deploying starts from that folder, whatever the tool, because tools disagree on what .funcignore means, and
a build on the platform may pick another Python (docs/decisions/0019-vendored-wheels.md). Needs pip, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.wheels import WheelsError, cached

ROOT = Path(__file__).resolve().parent.parent
STAGE = Path("build/package")
ARCHIVE = Path("build/package.zip")

FILES = ("function_app.py", "host.json", "requirements.txt")
FOLDERS = ("functions", "shared", "web")
SUFFIXES = frozenset({".py", ".html", ".css", ".js", ".svg"})
# Licences of the page's libraries, and the lock that names them.
WEB_SUFFIXES = SUFFIXES | {".txt", ".json"}
_FIRST = {"web": "index.html"}
PACKAGES = Path(".python_packages/lib/site-packages")
"""Where the Python worker looks for an app's packages (azure-functions-python-worker, prodV4/worker.py)."""
PYTHON_FILE = "python-version.txt"
"""What shared/python_version.py compares with the Python it runs on."""

_MAIN = Path("infra/main.bicep")
_PARAMETERS = Path("infra/main.parameters.json")
_CACHES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})

# Files that unpack with the same time give the same archive, so that an unchanged package has an unchanged hash.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageError(RuntimeError):
    """Something that must ship is missing, or something lies in a shipped folder that must not."""


def shipped_files(root: Path) -> list[Path]:
    """What ships, relative to `root`, sorted. Raises PackageError on a file that no rule names."""
    missing = [name for name in FILES if not (root / name).is_file()]
    missing += [f"{name}/" for name in FOLDERS if not (root / name / _FIRST.get(name, "__init__.py")).is_file()]
    if missing:
        raise PackageError(f"missing: {', '.join(missing)}")
    found = [path.relative_to(root) for folder in FOLDERS for path in _walk(root / folder)]
    unknown = [path.as_posix() for path in found if not _may_ship(path) or (root / path).is_symlink()]
    if unknown:
        raise PackageError(
            f"not known to ship: {', '.join(sorted(unknown))}; move it out of the shipped folders, "
            "or add its suffix to SUFFIXES in tools/package.py"
        )
    return sorted([*map(Path, FILES), *found])


def _may_ship(path: Path) -> bool:
    return path.suffix in (WEB_SUFFIXES if path.parts[0] == "web" else SUFFIXES)


def choose_python(wanted: str | None = None, *, root: Path = ROOT, environment: Mapping[str, str] = os.environ) -> str:
    """`wanted`, or the Python that azd deploys: main.parameters.json with azd's values, else the template's default.

    Raises PackageError on one that the template does not take.
    """
    template = (root / _MAIN).read_text(encoding="utf-8")
    found = re.search(r"@allowed\(\[([^\]]*)\]\)\s*param pythonVersion string = '([^']+)'", template)
    if found is None:
        raise PackageError(f"{_MAIN} has no parameter pythonVersion with allowed values and a default")
    allowed, default = re.findall(r"'([^']+)'", found[1]), found[2]
    parameters = json.loads((root / _PARAMETERS).read_text(encoding="utf-8"))["parameters"]
    given = str(parameters.get("pythonVersion", {}).get("value", default))
    # azd puts ${NAME=default} in, from its environment, which its hooks have too.
    python = wanted or re.sub(r"\$\{(\w+)=?([^}]*)\}", lambda match: environment.get(match[1]) or match[2], given)
    if python not in allowed:
        raise PackageError(f"the app runs on Python {', '.join(allowed)} ({_MAIN}, pythonVersion), not on {python!r}")
    return python


def stage(root: Path = ROOT, target: Path | None = None, *, python: str | None = None) -> list[Path]:
    """Empty build/package (or `target`) and fill it; returns what it holds.

    With the wheels for `python` ("3.12"), and a file that names it; without any for None, for who brings an environment
    of their own. Raises PackageError and WheelsError.
    """
    files = shipped_files(root)
    target = target or root / STAGE
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
    if python is not None:
        wheels = cached(root, python)
        shutil.copytree(wheels, target / PACKAGES)
        (target / PYTHON_FILE).write_text(f"{python}\n", encoding="utf-8")
        packaged = (PACKAGES / path.relative_to(wheels) for path in wheels.rglob("*") if path.is_file())
        files = sorted([*files, *packaged, Path(PYTHON_FILE)])
    staged = sorted(path.relative_to(target) for path in target.rglob("*") if path.is_file())
    if staged != files:
        raise PackageError(f"staged {len(staged)} files instead of {len(files)}: is something else writing {target}?")
    return files


def archive(root: Path, files: list[Path]) -> Path:
    """build/package.zip of the staged folder; the same content gives the same bytes."""
    target = root / ARCHIVE
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in files:
            entry = zipfile.ZipInfo(path.as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, (root / STAGE / path).read_bytes(), zipfile.ZIP_DEFLATED)
    return target


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not _CACHES.intersection(path.parts):
            yield path


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.package", description=__doc__)
    parser.add_argument("--python", metavar="3.X", help="Python of the app (default: the parameter pythonVersion)")
    parser.add_argument("--no-wheels", action="store_true", help="the app alone, as for an environment of one's own")
    parser.add_argument("--zip", action="store_true", help=f"also write {ARCHIVE}")
    arguments = parser.parse_args(argv)
    try:
        python = None if arguments.no_wheels else choose_python(arguments.python)
        files = stage(python=python)
    except (PackageError, WheelsError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    own = [path for path in files if not path.is_relative_to(PACKAGES)]
    print("\n".join(f"  {path.as_posix()}" for path in own))
    print(f"{_size(own)} in {STAGE}")
    if python is not None:
        wheels = [path for path in files if path.is_relative_to(PACKAGES)]
        print(f"{_size(wheels)} of wheels for Python {python} in {STAGE / PACKAGES}")
    if arguments.zip:
        written = archive(ROOT, files)
        print(f"{written.stat().st_size:,} bytes in {written.relative_to(ROOT)}")
    return 0


def _size(files: list[Path]) -> str:
    return f"{len(files):,} files, {sum((ROOT / STAGE / path).stat().st_size for path in files):,} bytes"


if __name__ == "__main__":
    sys.exit(main())
