"""The locked wheels for another Python, another machine: what ships in .python_packages.

pip checks every hash and never builds. It judges a requirement's markers, and a wheel's Requires-Python, by the
interpreter that runs pip, so both are judged here for the target. Needs pip beside the running interpreter, and no
other package.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from email.parser import HeaderParser
from pathlib import Path

PLATFORM = "manylinux2014_x86_64"
"""glibc 2.17: older than that of any image the Functions host runs on."""
_CACHE = Path("build/wheels")
# What a developer may have set for pip, and what it refuses beside --target.
_OVERRULED = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}


class WheelsError(RuntimeError):
    """A requirement has no wheel for the target, or another content than the lock file says."""


def requirements_for(python: str, lock: str) -> str:
    """The requirements of `lock` that hold on CPython `python` ("3.12") on Linux, hashes and all, without markers.

    Raises WheelsError where a marker asks for more than the minor version, which the target does not tell.
    """
    return "".join(f"{line}\n" for entry in _entries(lock) if (line := _chosen(python, entry)))


def install(python: str, lock: str, target: Path) -> None:
    """Unpack the wheels of `lock` for `python` into `target`, which must not exist. Raises WheelsError."""
    with tempfile.TemporaryDirectory(prefix="pigeonhole-") as folder:
        chosen = Path(folder) / "requirements.txt"
        chosen.write_text(requirements_for(python, lock), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--ignore-requires-python"),
            *("--implementation", "cp", "--python-version", python, "--platform", PLATFORM),
            *("--target", str(target), "-r", str(chosen)),
        ]
        environment = {**os.environ, **_OVERRULED}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        shutil.rmtree(target, ignore_errors=True)
        # Warnings too: that the index does not answer is one of them.
        raise WheelsError(f"pip cannot install the wheels for Python {python}:\n{run.stderr.strip()}")
    unfit = [found for path in target.glob("*.dist-info/METADATA") if (found := _unfit(path, python))]
    if unfit:
        shutil.rmtree(target)
        raise WheelsError(f"not for Python {python}: {', '.join(sorted(unfit))}")
    _drop_scripts(target)


def cached(root: Path, python: str) -> Path:
    """The folder of the wheels of root's requirements.txt, unpacked; made when it is missing. Raises WheelsError."""
    lock = (root / "requirements.txt").read_text(encoding="utf-8")
    key = hashlib.sha256("\n".join((python, PLATFORM, lock)).encode()).hexdigest()[:16]
    folder = root / _CACHE / f"{python}-{key}"
    if not folder.is_dir():
        scratch = folder.with_name(f"{folder.name}.{os.getpid()}")
        scratch.parent.mkdir(parents=True, exist_ok=True)
        install(python, lock, scratch)
        try:
            scratch.rename(folder)
        except OSError:
            # Another run has put the same there.
            shutil.rmtree(scratch)
            if not folder.is_dir():
                raise
    return folder


def _entries(lock: str) -> list[str]:
    """One line for each requirement, comments left out."""
    lines = (line for line in lock.splitlines() if not line.lstrip().startswith("#"))
    return [entry for line in "\n".join(lines).replace("\\\n", " ").splitlines() if (entry := " ".join(line.split()))]


def _chosen(python: str, entry: str) -> str:
    """`entry` without its marker; empty when the marker does not hold."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ModuleNotFoundError:
        # Where azd runs the hook nothing is installed; pip carries its own copy.
        from pip._vendor.packaging.requirements import InvalidRequirement, Requirement  # type: ignore[assignment]

    text, *hashes = entry.split(" --hash=")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise WheelsError(f"requirements.txt: {error}") from error
    if requirement.marker is not None:
        verdicts = {requirement.marker.evaluate(_environment(python, micro)) for micro in (0, 99)}
        if len(verdicts) > 1:
            raise WheelsError(f"whether {text!r} is wanted depends on more than Python {python}")
        if not verdicts.pop():
            return ""
        requirement.marker = None
    return " ".join([str(requirement), *(f"--hash={each}" for each in hashes)])


def _unfit(metadata: Path, python: str) -> str:
    """The wheel's name and what it asks for, when that is another Python; else nothing."""
    try:
        from packaging.specifiers import SpecifierSet
    except ModuleNotFoundError:
        from pip._vendor.packaging.specifiers import SpecifierSet  # type: ignore[assignment]

    message = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"), headersonly=True)
    wanted = message["Requires-Python"] or ""
    return "" if SpecifierSet(wanted).contains(f"{python}.99") else f"{message['Name']} ({wanted})"


def _environment(python: str, micro: int) -> dict[str, str]:
    """The markers' names on the target (packaging.python.org, dependency specifiers)."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.{micro}",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.{micro}",
        "python_version": python,
        "sys_platform": "linux",
    }


def _drop_scripts(target: Path) -> None:
    """Commands start this machine's interpreter, and nothing on the platform calls them."""
    shutil.rmtree(target / "bin", ignore_errors=True)
    for record in target.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("../")), encoding="utf-8", newline="")
