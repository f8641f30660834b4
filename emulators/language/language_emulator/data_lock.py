"""One emulator at a time on a data folder: two would overwrite what the other keeps there."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class DataTakenError(RuntimeError):
    """Another emulator keeps its data in the folder."""


def lock_data(folder: Path) -> None:
    """Hold the folder until this process ends, however it ends. Raises DataTakenError."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise DataTakenError(f"another emulator keeps its data in {folder}") from error


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
