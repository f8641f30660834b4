"""`python -m tools.find_secrets [FILE ...]`: keys and passwords in the files named, else in every file of git.

detect-secrets finds them, by the form of known keys, by entropy and by keywords. What it may find is listed here with
its reason, by value: a list by line, as its own baseline is, would change with every edit.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

KNOWN = {
    r"^(AccountKey=)?Eby8vdM02xNOcqFl": "Azurite's account key, as published, or its beginning",
    r"^0f1e2d3c4b5a69788796a5b4c3d2e1f0$": "a key that tests make up",
    r"^eyJhbGciOiJSUzI1NiJ9\.eyJzdWIiOiIxMjM0NTY3ODkwIn0\.": "a token that tests make up",
    r"^(the-secret-key|password)$": "stands for a key in the tests of settings",
    r"^([Ff]iles|blob|kubernetes)$": "where a Functions host keeps its keys: AzureWebJobsSecretStorageType",
    r"^(c973c2d869feb4cc76dcd666e07ee8c4|9acfebbea1e5d7115137743182773dfd)$": "ids of batches in examples",
}
# Texts of letters that people might write, which speak of passwords; and hashes of what is locked or was judged.
NOT_LOOKED_AT = (
    r"^local/samples/",
    r"^requirements(/.*)?\.txt$",
    r"package-lock\.json$",
    r"^tests/infra/snapshots/sources\.json$",
    r"^web/vendor(/.*|\.lock\.json)$",
)


def command(files: Sequence[str]) -> list[str]:
    """The command line that looks through `files`. Nothing is sent anywhere to see whether a key works."""
    secrets = [each for pattern in KNOWN for each in ("--exclude-secrets", pattern)]
    skipped = [each for pattern in NOT_LOOKED_AT for each in ("--exclude-files", pattern)]
    return [sys.executable, "-m", "detect_secrets.pre_commit_hook", "--no-verify", *secrets, *skipped, *files]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.find_secrets", description=__doc__)
    parser.add_argument("files", nargs="*")
    files = parser.parse_args(arguments).files or _tracked()
    return subprocess.run(command(files), cwd=ROOT, check=False).returncode


def _tracked() -> list[str]:
    git = ["git", "ls-files", "-z"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


if __name__ == "__main__":
    sys.exit(main())
