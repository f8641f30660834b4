"""What importing function_app costs, beside the imports it cannot avoid, in an environment with nothing else in it.

In the environment of developers httpx alone would import a terminal library. So one is made from requirements.txt and
kept in build/bench. Both sides of the ratio are measured in turns, each in a process of its own: CPU, medians of 11.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from bench.figures import median
from bench.report import FOLDER, Gate, report
from local.settings import ROOT, app_settings

NAME = "coldstart"
HELP = "CPU of importing function_app against the imports it cannot avoid"
BARE = (
    "import azure.functions, azure.storage.blob, azure.storage.queue, httpx; "
    "from pydantic import BaseModel, TypeAdapter, AwareDatetime, field_validator, model_validator"
)
APP = "import function_app"
_REPORT = "\nimport resource; used = resource.getrusage(resource.RUSAGE_SELF); print(used.ru_utime + used.ru_stime)"
IDENTITY = "; from azure.identity import DefaultAzureCredential, ManagedIdentityCredential"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=11, help="of each (default %(default)s)")
    parser.add_argument("--python", type=Path, help="an environment that has requirements.txt and nothing else")


def run(arguments: argparse.Namespace) -> bool:
    python = arguments.python or runtime_environment()
    key = app_settings(
        data_storage="UseDevelopmentStorage=true", language_endpoint="http://127.0.0.1:9", language_key="k"
    )
    identity = {name: value for name, value in key.items() if name not in ("DATA_STORAGE", "LANGUAGE_KEY")} | {
        "DATA_STORAGE__blobServiceUri": "https://account.blob.core.windows.net",
        "DATA_STORAGE__queueServiceUri": "https://account.queue.core.windows.net",
        "DATA_STORAGE__clientId": "00000000-0000-0000-0000-000000000000",
        "LANGUAGE_CREDENTIAL": "identity",
    }
    used: dict[str, list[float]] = {
        "bare imports": [],
        "with a key": [],
        "bare imports and identity": [],
        "with identities": [],
    }
    for number in range(arguments.runs + 1):  # the first compiles
        found = {
            "bare imports": import_seconds(python, BARE, {}),
            "with a key": import_seconds(python, APP, key),
            "bare imports and identity": import_seconds(python, BARE + IDENTITY, {}),
            "with identities": import_seconds(python, APP, identity),
        }
        for name, seconds in found.items():
            used[name] += [seconds] if number else []
    medians = {name: median(values) for name, values in used.items()}
    gates = [
        Gate(
            "import of function_app against the bare imports",
            medians["with a key"] / medians["bare imports"],
            1.15,
            at_most=True,
            today="1.21-1.32",
        ),
        Gate(
            "the same with identities, as deployed",
            medians["with identities"] / medians["bare imports and identity"],
            1.15,
            at_most=True,
            today="1.24-1.29",
        ),
    ]
    return report(NAME, gates, {f"CPU, ms: {name}": 1000 * value for name, value in medians.items()})


def import_seconds(python: Path, code: str, settings: dict[str, str]) -> float:
    done = subprocess.run(
        [python, "-c", code + _REPORT], cwd=ROOT, env=settings, capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])  # the app prints its Python first


def runtime_environment() -> Path:
    """The interpreter of an environment with requirements.txt and nothing else; made anew when that file changes."""
    wanted = hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()[:12]
    folder = (FOLDER / f"runtime-{wanted}").absolute()
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(ROOT / "requirements.txt")]
        subprocess.run([python, "-m", "pip", "install", *options], check=True)
        (folder / "complete").touch()
    return python
