"""The Python that the staged package was made for, compared with the one it runs on.

Standard library only: it is asked before anything compiled is imported, which would fail with words that name neither.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from shared.errors import SettingsError

FILE = "python-version.txt"
"""Beside function_app.py, written by tools/package.py: "3.12"."""


def check_python(app_folder: Path, running: tuple[int, int] = sys.version_info[:2]) -> str:
    """Which Python this is, for the log. Raises SettingsError when the package's wheels are for another one."""
    path = app_folder / FILE
    if not path.exists():
        return f"Python {platform.python_version()}; not a staged package"
    built, runs = path.read_text(encoding="utf-8").strip(), ".".join(map(str, running))
    if built != runs:
        raise SettingsError(
            f"this package was built for Python {built}, and runs on {runs}: "
            f"run `make package PYTHON_VERSION={runs}` and deploy it, or set pythonVersion to {built}"
        )
    return f"Python {platform.python_version()}; package built for {built}"
