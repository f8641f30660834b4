"""`make package`: stage exactly what ships into build/package, from an allow-list.

Every way of deploying starts from that folder, whatever the tool, because tools disagree on what .funcignore means.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGE = Path("build/package")
ARCHIVE = Path("build/package.zip")

FILES = ("function_app.py", "host.json", "requirements.txt")
FOLDERS = ("functions", "shared")
SUFFIXES = frozenset({".py", ".html", ".css", ".js", ".svg"})
_CACHES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})

# Files that unpack with the same time give the same archive, so that an unchanged package has an unchanged hash.
_EPOCH = (1980, 1, 1, 0, 0, 0)


class PackageError(RuntimeError):
    """Something that must ship is missing, or something lies in a shipped folder that must not."""


def shipped_files(root: Path) -> list[Path]:
    """What ships, relative to `root`, sorted. Raises PackageError on a file that no rule names."""
    missing = [name for name in FILES if not (root / name).is_file()]
    missing += [f"{name}/" for name in FOLDERS if not (root / name / "__init__.py").is_file()]
    if missing:
        raise PackageError(f"missing: {', '.join(missing)}")
    found = [path.relative_to(root) for folder in FOLDERS for path in _walk(root / folder)]
    unknown = [path.as_posix() for path in found if path.suffix not in SUFFIXES or (root / path).is_symlink()]
    if unknown:
        raise PackageError(
            f"not known to ship: {', '.join(sorted(unknown))}; move it out of the shipped folders, "
            "or add its suffix to SUFFIXES in tools/package.py"
        )
    return sorted([*map(Path, FILES), *found])


def stage(root: Path = ROOT, target: Path | None = None) -> list[Path]:
    """Empty build/package (or `target`) and fill it; returns what it holds. Raises PackageError."""
    files = shipped_files(root)
    target = target or root / STAGE
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
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
    parser.add_argument("--zip", action="store_true", help=f"also write {ARCHIVE}")
    arguments = parser.parse_args(argv)
    try:
        files = stage()
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"  {path.as_posix()}" for path in files))
    size = sum((ROOT / STAGE / path).stat().st_size for path in files)
    print(f"{len(files)} files, {size:,} bytes in {STAGE}")
    if arguments.zip:
        print(f"{archive(ROOT, files).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
