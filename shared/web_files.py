"""The page's static files, each compressed once, with the hash that makes its address change when it does."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

INDEX = "index.html"
# In index.html: becomes the hash of all files.
BUILD = b"{{build}}"
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class WebFile:
    """One file. `etag` keeps its quotes; it is that of both forms, which say `Vary: Accept-Encoding`."""

    content: bytes
    compressed: bytes
    etag: str
    media_type: str


class WebFiles:
    """The files below one folder, read when the first is asked for: most instances of the app never show the page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, path: str) -> tuple[WebFile, bool] | None:
        """The file at `path` below the page's address, and whether that address always gives these bytes."""
        build, _, rest = path.strip("/").partition("/")
        if build == self.build and rest in self.files:
            return self.files[rest], rest != INDEX
        name = path.strip("/") or INDEX
        if name not in self.files and rest in self.files:
            # The address of another build: the page was loaded before the app was deployed again.
            name = rest
        return (self.files[name], False) if name in self.files else None

    @cached_property
    def build(self) -> str:
        """The hash of all files, which their addresses contain."""
        digest = hashlib.sha256()
        for name, content in self._contents.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:16]

    @cached_property
    def files(self) -> dict[str, WebFile]:
        """By their path below the folder; only what a browser is to be given, which names no other file."""
        return {
            name: _file(content.replace(BUILD, self.build.encode()) if name == INDEX else content, name)
            for name, content in self._contents.items()
        }

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        paths = sorted(path for path in self._folder.rglob("*") if path.suffix in _TYPES and path.is_file())
        return {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in paths}


def _file(content: bytes, name: str) -> WebFile:
    digest = hashlib.sha256(content).hexdigest()[:32]
    return WebFile(
        content=content,
        # The same bytes on every instance, whenever it started.
        compressed=gzip.compress(content, 9, mtime=0),
        etag=f'"{digest}"',
        media_type=_TYPES[PurePosixPath(name).suffix],
    )
