"""The rules see what they look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.source import Module


def module(folder: Path, text: str) -> Module:
    path = folder / "sample.py"
    path.write_text(text, encoding="utf-8")
    return Module(path)


SEEN = {
    "import": "import azure.storage.blob",
    "import as": "import azure.storage.blob as blobs",
    "from": "from azure.storage.blob import BlobClient",
    "from the parent": "from azure import storage",
    "inside a function": "def f():\n    import azure.storage.queue",
    "for types only": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from azure.storage import blob",
}


@pytest.mark.parametrize("case", SEEN)
def test_an_import_is_seen_in_every_form(tmp_path: Path, case: str) -> None:
    assert module(tmp_path, SEEN[case]).imports_any("azure.storage")


@pytest.mark.parametrize(
    "text", ["import azure.storagelike", "from azure import functions", "storage = 'azure.storage'"]
)
def test_what_only_looks_alike_is_not_seen(tmp_path: Path, text: str) -> None:
    assert not module(tmp_path, text).imports_any("azure.storage")


def test_calls_and_attributes_are_seen_by_their_dotted_names(tmp_path: Path) -> None:
    found = module(tmp_path, "x = os.environ['A']\ny = datetime.now(UTC)\nopen('f')\nf()()\n")
    assert "os.environ" in found.attributes
    assert {"datetime.now", "open"} <= found.calls
