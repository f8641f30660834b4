"""The master key is asked of the Azure CLI; what it refuses is explained, and the key is never shown."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cli.azure import read_master_key
from cli.steps import StepFailedError

VALUES = {"AZURE_SUBSCRIPTION_ID": "sub", "AZURE_RESOURCE_GROUP": "rg", "FUNCTION_APP_NAME": "func-letters"}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install_az(folder: Path, *, prints: str = "", errors: str = "", code: int = 0) -> Path:
    """An `az` that answers so, and notes what it was asked."""
    asked = folder / "asked.json"
    script = folder / "az"
    script.write_text(
        f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open({str(asked)!r}, 'w'))\n"
        f"sys.stdout.write({prints!r})\nsys.stderr.write({errors!r})\nsys.exit({code})\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return asked


def test_the_key_is_asked_for_by_name(path: Path) -> None:
    asked = install_az(path, prints="the-key\n")
    assert read_master_key(VALUES) == "the-key"
    line = " ".join(json.loads(asked.read_text()))
    assert line == (
        "functionapp keys list --subscription sub --resource-group rg --name func-letters "
        "--query masterKey --output tsv"
    )


REFUSED = {
    "signed out": ("ERROR: Please run 'az login' to setup account.\n", 1, "sign in: az login"),
    "no role": (
        "WARNING: old\nERROR: (AuthorizationFailed) The client does not have authorization\n",
        1,
        "role Contributor",
    ),
    "no such app": ("ERROR: (ResourceNotFound) The Resource was not found\n", 3, "azd up"),
    "something else": ("ERROR: Bad Request\n", 1, "wait a minute"),
    "nothing": ("", 0, "wait a minute"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_az_refuses_is_explained(path: Path, case: str) -> None:
    errors, code, do = REFUSED[case]
    install_az(path, prints="a-secret" if code else "", errors=errors, code=code)
    with pytest.raises(StepFailedError, match="master key of func-letters cannot be read") as caught:
        read_master_key(VALUES)
    assert do in caught.value.do
    assert "a-secret" not in f"{caught.value} {caught.value.do}"
    if errors:
        assert errors.splitlines()[-1] in str(caught.value)


def test_without_az_it_says_where_to_get_it(path: Path) -> None:
    with pytest.raises(StepFailedError, match="no `az` on the PATH") as caught:
        read_master_key(VALUES)
    assert "https://aka.ms/azure-cli" in caught.value.do
