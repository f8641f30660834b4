"""Fetch the page's libraries into web/vendor and write what they are into web/vendor.lock.json.

The versions are those below; `npm pack` fetches them from whatever registry the machine is set up for. Nothing is
built. A module that imports another by its package's name is told its file instead, as a browser knows no packages:
the lock holds the hash of each file as it was published, and as it is served.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "web" / "vendor"
LOCK = ROOT / "web" / "vendor.lock.json"


@dataclass(frozen=True)
class Package:
    """A library: its files, by the names they get, and what is replaced in them."""

    name: str
    version: str
    licence: str
    files: dict[str, str]
    replaced: dict[str, str] = field(default_factory=dict)


PACKAGES = (
    Package(
        "preact",
        "10.29.8",
        "MIT",
        {
            "dist/preact.module.js": "preact.js",
            "hooks/dist/hooks.module.js": "preact-hooks.js",
            "LICENSE": "preact.LICENSE.txt",
        },
        {'from"preact"': 'from"./preact.js"'},
    ),
    Package("htm", "3.1.1", "Apache-2.0", {"dist/htm.module.js": "htm.js", "LICENSE": "htm.LICENSE.txt"}),
)


def main() -> int:
    locked: list[dict[str, Any]] = []
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            source = _fetch(package, Path(folder))
            files = {
                target: {"from": path} | _vendor(package, source / path, target)
                for path, target in package.files.items()
            }
            named = {"name": package.name, "version": package.version, "licence": package.licence}
            locked.append(named | {"replaced": package.replaced, "files": files})
    LOCK.write_text(json.dumps(locked, indent=2) + "\n", encoding="utf-8")
    print(f"{len(list(FOLDER.iterdir()))} files in {FOLDER.relative_to(ROOT)}")
    return 0


def _fetch(package: Package, folder: Path) -> Path:
    """The unpacked package. Raises RuntimeError when npm does not give it, or it says another licence."""
    target = folder / package.name
    target.mkdir()
    argv = ["npm", "pack", f"{package.name}@{package.version}", "--pack-destination", str(target), "--silent"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm pack {package.name}: {done.stderr.strip()}")
    with tarfile.open(next(target.glob("*.tgz"))) as bundle:
        bundle.extractall(target, filter="data")
    source = target / "package"
    licence = json.loads((source / "package.json").read_text(encoding="utf-8"))["license"]
    if licence != package.licence:
        raise RuntimeError(f"{package.name} {package.version} has the licence {licence}, not {package.licence}")
    return source


def _vendor(package: Package, source: Path, target: str) -> dict[str, str]:
    published = source.read_bytes()
    served = published
    for old, new in package.replaced.items():
        served = served.replace(old.encode(), new.encode())
    (FOLDER / target).write_bytes(served)
    return {
        "published_sha256": hashlib.sha256(published).hexdigest(),
        "sha256": hashlib.sha256(served).hexdigest(),
    }


if __name__ == "__main__":
    sys.exit(main())
