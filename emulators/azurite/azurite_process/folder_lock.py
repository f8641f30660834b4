"""One process at a time on a folder: a lock of the operating system, which ends with its holder, however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType


class FolderTakenError(RuntimeError):
    """Another process holds the folder."""


class FolderLock:
    """Held until `release`, or the end of the process. A file beside the folder, so that the folder may be removed.

    With `inheritable`, a child process that is given `descriptor` (Popen's pass_fds) holds it too, and after us.
    """

    def __init__(self, folder: Path, *, inheritable: bool = False) -> None:
        """Raises FolderTakenError at once when the folder is taken."""
        path = folder.with_name(f"{folder.name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self.descriptor)
        except OSError as error:
            os.close(self.descriptor)
            raise FolderTakenError(f"{folder} is in use by another process") from error
        os.set_inheritable(self.descriptor, inheritable)

    def release(self) -> None:
        """Closing is what unlocks: a child that was given the descriptor goes on holding it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_taken(folder: Path) -> bool:
    with contextlib.suppress(FolderTakenError), FolderLock(folder):
        return False
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
