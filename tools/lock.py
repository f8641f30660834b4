"""`make lock`: resolve the lock files again, versions and hashes only.

uv runs from a throw-away environment. Versions already locked are kept where they still fit; `--upgrade` takes the
newest of everything. A lock file never names an index: whoever installs uses the index of their own machine.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFORMANCE = "azure-functions-runtime==1.3.0"
AUTHORING_SDK = "azure-ai-textanalytics-authoring==1.0.0b1\nazure-ai-textanalytics==6.0.0b3"
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_COMMON = ("--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate")


class LockError(RuntimeError):
    """uv could not resolve, or a lock file would hold an address."""


@dataclass(frozen=True)
class Lock:
    """One lock file: uv's arguments, and its standard input where the requirement is not in pyproject.toml."""

    output: str
    arguments: tuple[str, ...]
    standard_input: str = ""


LOCKS = (
    Lock("requirements.txt", ("--universal", "-p", "3.11", "pyproject.toml")),
    Lock(
        "requirements/dev.txt",
        (
            *("--universal", "-p", "3.11", "pyproject.toml", "-c", "requirements.txt"),
            *("--group", "local", "--group", "dev", "--group", "infra"),
            # The command as it is installed, its extras included.
            *("--extra", "cli", "--extra", "parquet", "--extra", "cleanlab"),
        ),
    ),
    # checkov pins a hundred packages to its own versions, so it has an environment, and a resolution, of its own.
    Lock("requirements/infra.txt", ("--universal", "-p", "3.11", "--group", "infra-check")),
    Lock("requirements/audit.txt", ("--universal", "-p", "3.11", "--group", "audit")),
    # The preview of Microsoft's SDKs, another version of which is among the development packages.
    Lock("requirements/authoring-sdk.txt", ("-", "--universal", "-p", "3.11"), AUTHORING_SDK + "\n"),
    # Microsoft's loader declares Python 3.13 and works on 3.11; its dependencies are those of the app.
    Lock("requirements/conformance.txt", ("-", "--no-deps", "--python-version", "3.13"), CONFORMANCE + "\n"),
)


def command(uv: Path, lock: Lock, *, upgrade: bool) -> list[str]:
    """The command line that writes `lock`."""
    extra = ("--upgrade",) if upgrade else ()
    return [str(uv), "pip", "compile", *lock.arguments, *_COMMON, *extra, "--quiet", "-o", lock.output]


def check_content(lock: Lock, content: str) -> None:
    """Raises LockError when the content holds an address or an option that names an index."""
    for number, line in enumerate(content.splitlines(), start=1):
        if _ADDRESS.search(line) or line.lstrip().startswith(
            ("--index", "--extra-index", "--find-links", "-f ", "-i ")
        ):
            raise LockError(f"{lock.output}:{number} names an address; lock files hold versions and hashes only")


def resolve(uv: Path, lock: Lock, root: Path, *, upgrade: bool) -> None:
    """Write one lock file. It is checked before it replaces the old one. Raises LockError."""
    target = root / lock.output
    before = target.read_bytes() if target.exists() else None
    run = subprocess.run(
        command(uv, lock, upgrade=upgrade),
        cwd=root,
        input=lock.standard_input,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        if run.returncode:
            raise LockError(f"{lock.output}: uv ended with {run.returncode}:\n{run.stderr.strip()}")
        check_content(lock, target.read_text(encoding="utf-8"))
    except LockError:
        if before is None:
            target.unlink(missing_ok=True)
        else:
            target.write_bytes(before)
        raise


def install_uv(folder: Path) -> Path:
    """uv in a new environment in `folder`."""
    venv.create(folder, with_pip=True)
    binaries = folder / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [str(binaries / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]
    subprocess.run(pip, check=True)
    return binaries / "uv"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="lock-") as folder:
        uv = install_uv(Path(folder) / "uv")
        for lock in LOCKS:
            try:
                resolve(uv, lock, ROOT, upgrade=arguments.upgrade)
            except LockError as error:
                print(f"lock: {error}", file=sys.stderr)
                return 1
            print(lock.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
