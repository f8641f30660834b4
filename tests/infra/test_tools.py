"""The tools around the lock files and checkov: what they refuse."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import ROOT
from tools import find_secrets
from tools.check_infra import FRAMEWORKS, SKIPS, checkov_complaints, read_skips
from tools.lock import LOCKS, Lock, LockError, check_content, command

LOCK = Lock("requirements.txt", ())


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple",
        "--extra-index-url=file:///srv/wheels",
        "--find-links /opt/wheels",
        "thing @ https://packages.example/thing.whl",
        "-e git+ssh://git@code.example/thing",
        "# from http://packages.example",
    ],
)
def test_a_lock_file_with_an_address_is_refused(line: str) -> None:
    with pytest.raises(LockError, match=r"requirements\.txt:2"):
        check_content(LOCK, f"httpx==0.28.1 \\\n{line}\n")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.output)
def test_the_committed_lock_files_hold_versions_and_hashes_only(lock: Lock) -> None:
    content = (ROOT / lock.output).read_text(encoding="utf-8")
    check_content(lock, content)
    for line in content.splitlines():
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+( ;.*)? \\$|    --hash=sha256:[0-9a-f]{64}( \\)?$", line), line


def test_every_lock_file_is_resolved_by_the_tool() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "requirements").glob("*.txt")}
    assert files | {"requirements.txt"} == {lock.output for lock in LOCKS}
    for lock in LOCKS:
        assert "--no-emit-index-url" in command(Path("uv"), lock, upgrade=False)


def report(kind: str, passed: int, failed: tuple[str, ...] = (), errors: int = 0) -> dict[str, Any]:
    found = [{"check_id": each, "file_path": "/a", "resource": "r", "check_name": "n"} for each in failed]
    return {
        "check_type": kind,
        "summary": {"passed": passed, "parsing_errors": errors},
        "results": {"failed_checks": found, "parsing_errors": ["/a"] * errors},
    }


def good() -> list[dict[str, Any]]:
    return [report(kind, least) for kind, least in FRAMEWORKS.items()]


def test_a_clean_report_has_no_complaint() -> None:
    assert checkov_complaints(good(), {}) == []


def test_a_finding_needs_a_reason() -> None:
    reports = [*good()[1:], report("bicep", 20, ("CKV_AZURE_1",))]
    assert len(checkov_complaints(reports, {})) == 1
    assert checkov_complaints(reports, {"CKV_AZURE_1": "a reason that says why"}) == []
    assert len(checkov_complaints(reports, {"CKV_AZURE_1": "because"})) == 1


def test_an_acceptance_that_finds_nothing_is_stale() -> None:
    assert len(checkov_complaints(good(), {"CKV_AZURE_1": "a reason that says why"})) == 1


def test_a_template_that_checkov_cannot_read_is_a_complaint() -> None:
    assert len(checkov_complaints([*good()[1:], report("bicep", 20, errors=1)], {})) == 1


def test_a_framework_that_checked_nothing_is_a_complaint() -> None:
    assert len(checkov_complaints(good()[1:], {})) == 1


def test_every_accepted_finding_has_a_reason() -> None:
    assert all(len(reason) > 15 for reason in read_skips(SKIPS).values())


def scanned(tmp_path: Path, text: str) -> int:
    path = tmp_path / "settings.py"
    path.write_text(text, encoding="utf-8")
    return find_secrets.main([str(path)])


# In two pieces, so that the scan of this file finds nothing.
PLANTED = {
    "a storage key": "AccountKey=" + "q7Z" * 28 + "aa==",
    "a resource key": f'KEY = "{hashlib.sha256(b"planted").hexdigest()[:32]}"',
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a password": 'password = "correct-' + 'horse-battery"',
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_in_a_file_is_found(tmp_path: Path, kind: str) -> None:
    assert scanned(tmp_path, PLANTED[kind] + "\n") != 0


def test_what_is_listed_as_known_is_no_secret(tmp_path: Path) -> None:
    known = 'ADDRESS = "https://user:' + 'password@letters.example"'
    assert scanned(tmp_path, known + "\n") == 0
    assert scanned(tmp_path, known.replace("password", "another") + "\n") != 0
