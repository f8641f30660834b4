"""Which app a command speaks to: the one that `make up` keeps running, that of an azd environment, or a named one.

All three are read as the same names, those of the outputs of infra/main.bicep.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cli.api import answers
from cli.azure import read_master_key
from cli.exit_codes import NOT_FOUND, UNREACHABLE, USAGE
from cli.steps import StepFailedError


def find_root(here: Path, code: Path = Path(__file__).parent.parent) -> Path:
    """The folder of the app's source, where `make up` and azd keep what they know: around the folder one works in, else
    where the command's code lies, else where it was installed from (PEP 610)."""
    places = [here, *here.parents, code]
    found = next((place for place in places if (place / "azure.yaml").is_file()), None)
    return found or _installed_from() or code


def _installed_from() -> Path | None:
    try:
        url = json.loads(distribution("pigeonhole").read_text("direct_url.json") or "{}").get("url", "")
    except (PackageNotFoundError, ValueError):
        return None
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


ROOT = find_root(Path.cwd())
RUNNING = ROOT / "build" / "local" / "running.json"
"""What `python -m local up` writes while it runs, readable by nobody else."""

KEY, STORAGE = "PIGEONHOLE_KEY", "PIGEONHOLE_STORAGE"
"""For --url: the app's master key; the storage's blob address (signed in) or its connection string."""


@dataclass(frozen=True)
class Target:
    """A running app, and the storage it reads. `storage` is a connection string, or an address for who is signed in.

    `clean_up` are commands that take away again what a first run has made.
    """

    name: str
    url: str
    key: str = field(repr=False)
    storage: str = field(repr=False)
    documents: str = "documents"
    classifications: str = "classifications"
    failures: str = "failures"
    training: str = "training"
    pipeline: str = "pipeline"
    clean_up: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What was asked for. Without any of them: what runs on this machine, else the default azd environment."""

    url: str | None = None
    environment: str | None = None
    running: Path | None = None


def find_target(
    choice: Choice,
    *,
    values: Mapping[str, str] = os.environ,
    root: Path = ROOT,
    running: Path = RUNNING,
    key_of: Callable[[Mapping[str, str]], str] = read_master_key,
) -> Target:
    """The app to speak to. Raises StepFailedError."""
    if choice.url is not None:
        return _named(choice.url, values)
    if choice.running is not None or choice.environment is None:
        found = _running(choice.running or running)
        if found is not None:
            return found
        if choice.running is not None:
            raise StepFailedError(
                f"nothing runs that wrote {choice.running}", do="start it: make up", exit_code=UNREACHABLE
            )
    environment = choice.environment or values.get("AZURE_ENV_NAME") or _default_environment(root)
    if environment is None:
        raise StepFailedError(
            "there is no app to speak to: nothing runs on this machine, and there is no azd environment",
            do="start one here (make up), deploy one (azd up), or name one with --url",
            exit_code=UNREACHABLE,
        )
    return _of_environment(environment, root, key_of)


def _named(url: str, values: Mapping[str, str]) -> Target:
    missing = [name for name in (KEY, STORAGE) if not values.get(name)]
    if missing:
        raise StepFailedError(
            f"--url also needs {' and '.join(missing)} in the environment",
            do=f"{KEY} is the app's master key; {STORAGE} the address of its blob storage, "
            "as https://NAME.blob.core.windows.net, or a connection string",
            exit_code=USAGE,
        )
    return _target(url, values, url=url, key=values[KEY], storage=values[STORAGE])


def _running(path: Path) -> Target | None:
    try:
        values: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        url = values["url"]
    except (FileNotFoundError, KeyError, ValueError):
        return None
    # A killed `up` leaves the file behind.
    if not answers(url):
        return None
    return _target(
        "the app on this machine",
        values,
        url=values["url"],
        key=values["master_key"],
        storage=values["storage"],
        clean_up=("Ctrl-C where `make up` runs; its data is kept in build/local/",),
    )


def _default_environment(root: Path) -> str | None:
    try:
        name = json.loads((root / ".azure" / "config.json").read_text(encoding="utf-8")).get("defaultEnvironment")
    except (FileNotFoundError, ValueError):
        return None
    return str(name) if name else None


def _of_environment(name: str, root: Path, key_of: Callable[[Mapping[str, str]], str]) -> Target:
    path = root / ".azure" / name / ".env"
    if not path.is_file():
        raise StepFailedError(
            f"there is no azd environment {name!r}: {path} does not exist",
            do="see: azd env list; make one: azd up",
            exit_code=NOT_FOUND,
        )
    values = parse_env(path.read_text(encoding="utf-8"))
    needed = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "FUNCTION_APP_NAME", "FUNCTION_APP_URL")
    missing = [each for each in (*needed, "DATA_STORAGE_NAME") if not values.get(each)]
    if missing:
        raise StepFailedError(
            f"the azd environment {name!r} has no {', '.join(missing)}: no function app is deployed from it",
            do="azd up; for an app that is hosted elsewhere name it with --url",
        )
    return _target(
        f"azd environment {name}",
        values,
        url=values["FUNCTION_APP_URL"],
        key=key_of(values),
        storage=f"https://{values['DATA_STORAGE_NAME']}.blob.core.windows.net",
        clean_up=(f"azd down --purge --environment {name}    # deletes everything, documents and records too",),
    )


def _target(
    name: str, values: Mapping[str, str], *, url: str, key: str, storage: str, clean_up: tuple[str, ...] = ()
) -> Target:
    names = {
        part: values[variable]
        for part in ("documents", "classifications", "failures", "training", "pipeline")
        if values.get(variable := f"{part.upper()}_CONTAINER")
    }
    return Target(name, url.rstrip("/"), key, storage, clean_up=clean_up, **names)


def parse_env(text: str) -> dict[str, str]:
    """The lines NAME=value and NAME="value" of azd's .env file."""
    values = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            quoted = len(value) >= 2 and value[0] == value[-1] == '"'
            values[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value
    return values
