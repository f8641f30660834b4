"""Records as JSON files in a folder that survives a restart; without a folder they live only with their owners."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter

R = TypeVar("R", bound=BaseModel)


class RecordFolder(Generic[R]):
    """Write-through: one file for each record, replaced whole, so that a crash leaves the old or the new one."""

    def __init__(self, folder: Path | None, kind: Any) -> None:
        """`kind` is the type of the records, or a union of types that tells them apart."""
        self._folder = folder
        self._kind: TypeAdapter[R] = TypeAdapter(kind)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def save(self, key: str, record: R) -> None:
        if self._folder is None:
            return
        unfinished = self._folder / f"{key}.tmp"
        unfinished.write_text(record.model_dump_json(), encoding="utf-8")
        unfinished.replace(self._folder / f"{key}.json")

    def delete(self, key: str) -> None:
        if self._folder is not None:
            (self._folder / f"{key}.json").unlink(missing_ok=True)

    def load(self) -> Iterator[R]:
        for path in sorted(self._folder.glob("*.json")) if self._folder is not None else ():
            yield self._kind.validate_json(path.read_bytes())
