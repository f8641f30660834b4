"""`make check-infra`: checkov over templates, manifests, image and workflows; manifests against Kubernetes' schemas.

Runs on the Python of .venv-infra, with the standard library only: what it needs is that environment's programs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SKIPS = ROOT / "infra" / "checkov-skips.toml"
MANIFESTS = ROOT / "infra" / "kubernetes"
# Framework -> the least number of checks that must have been made: a parser that gives up checks nothing and says so.
FRAMEWORKS = {"bicep": 20, "kubernetes": 100, "dockerfile": 10, "github_actions": 20}
# Kinds whose schemas are not Kubernetes' own.
FOREIGN = ("keda.sh/", "kustomize.config.k8s.io/")
_KIND = re.compile(r"^apiVersion: (?P<version>\S+)$", re.MULTILINE)


def main() -> int:
    complaints = [*checkov_complaints(_checkov_reports(), read_skips(SKIPS)), *manifest_complaints()]
    for complaint in complaints:
        print(f"check-infra: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def read_skips(path: Path) -> dict[str, str]:
    """Check id to reason."""
    skips: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["skips"]
    return skips


def checkov_complaints(reports: Iterable[Mapping[str, Any]], skips: Mapping[str, str]) -> list[str]:
    """Findings nobody has accepted, acceptances that find nothing, and frameworks that checked next to nothing."""
    found: dict[str, list[str]] = {}
    passed = dict.fromkeys(FRAMEWORKS, 0)
    complaints = []
    for report in reports:
        summary = report["summary"]
        passed[report["check_type"]] = summary["passed"]
        if summary["parsing_errors"]:
            complaints.append(f"checkov could not read {report['results'].get('parsing_errors')}")
        for each in report["results"]["failed_checks"]:
            found.setdefault(each["check_id"], []).append(
                f"{each['file_path']} {each['resource']}: {each['check_name']}"
            )
    complaints += [f"{name} {where}" for name, places in found.items() if name not in skips for where in places]
    complaints += [f"{name} finds nothing; remove it from {SKIPS.name}" for name in skips if name not in found]
    complaints += [f"{name} is accepted without a reason" for name, reason in skips.items() if len(reason) < 15]
    complaints += [
        f"{name}: only {passed[name]} checks passed, at least {least} were expected"
        for name, least in FRAMEWORKS.items()
        if passed[name] < least
    ]
    print("checkov: " + ", ".join(f"{count} {name}" for name, count in passed.items()) + " checks passed")
    return complaints


def _checkov_reports() -> list[dict[str, Any]]:
    command = [
        *(str(Path(sys.executable).parent / "checkov"), "--skip-download", "--output", "json", "--quiet"),
        *("-d", "infra", "-d", ".github", "--framework", *FRAMEWORKS),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        # Two folders make two documents in a row.
        return [report for document in _json_documents(run.stdout) for report in _as_list(document)]
    except ValueError as error:
        raise RuntimeError(f"checkov ended with {run.returncode}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}") from error


def _json_documents(text: str) -> list[Any]:
    decoder, documents, position = json.JSONDecoder(), [], 0
    while position < len(text):
        document, position = decoder.raw_decode(text, position)
        documents.append(document)
        position += len(text[position:]) - len(text[position:].lstrip())
    return documents


def _as_list(document: Any) -> list[dict[str, Any]]:
    # A folder in which no framework finds anything gives a bare summary.
    return [each for each in (document if isinstance(document, list) else [document]) if "check_type" in each]


def manifest_complaints() -> list[str]:
    """Manifests that Kubernetes' own schemas refuse, unknown properties included."""
    program = str(Path(sys.executable).parent / "kubernetes-validate")
    complaints = []
    for path in sorted(MANIFESTS.glob("*.yaml")):
        versions = _KIND.findall(path.read_text(encoding="utf-8"))
        expected = sum(not version.startswith(FOREIGN) for version in versions)
        run = subprocess.run([program, "--strict", str(path)], capture_output=True, text=True, check=False)
        output = run.stdout + run.stderr
        if run.returncode or output.count(" passed for resource ") != expected:
            complaints.append(f"{path.name}: kubernetes-validate says\n{output}")
    print(f"kubernetes-validate: {len(list(MANIFESTS.glob('*.yaml')))} files")
    return complaints


if __name__ == "__main__":
    sys.exit(main())
