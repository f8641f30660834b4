"""The app's own packages, where it ships them: they come before this host's, as on Azure."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_FOLDER = Path(".python_packages/lib/site-packages")


def prefer_packages_of(app_folder: Path) -> None:
    """Start this process again with the app's packages on PYTHONPATH; returns where there are none, or they are on it.

    The Python worker does the same on Azure (prodV4/worker.py). What it keeps apart, its own packages, this host
    shares with the app: it runs on the app's versions of those that both have.
    """
    packages = (app_folder / _FOLDER).resolve()
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if not packages.is_dir() or str(packages) in paths:
        return
    os.environ["PYTHONPATH"] = os.pathsep.join([str(packages), *paths])
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this program itself
