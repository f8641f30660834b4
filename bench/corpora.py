"""The public corpora the gates were set on: for measuring, not for shipping, and so beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PIGEONHOLE_CORPORA"


def corpora_folder() -> Path:
    """$PIGEONHOLE_CORPORA, else ../shared/data. Raises SystemExit that says what to give instead."""
    folder = Path(os.environ.get(VARIABLE) or Path(__file__).resolve().parent.parent.parent / "shared" / "data")
    if not folder.is_dir():
        raise SystemExit(f"no corpora in {folder}: set {VARIABLE}, or name a folder on the command line (see --help)")
    return folder
