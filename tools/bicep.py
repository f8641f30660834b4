"""Microsoft's Bicep CLI as judge of infra/: what it says of a template, and what a template would create.

Spoken to over JSON-RPC on its standard streams (`bicep jsonrpc --stdio`): one start, and no start again for each file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
MISSING = (
    "Microsoft's Bicep CLI is not here, so the templates were not judged: name it in BICEP, put `bicep` on the PATH, "
    "or run `az bicep install`"
)
_METHOD_NOT_FOUND = -32601


class BicepError(Exception):
    """The CLI answered with an error, or ended."""


class BicepTooOldError(BicepError):
    """This version of the CLI has no such method."""


def find_bicep() -> Path | None:
    """The CLI in BICEP, on the PATH, where `az bicep install` and azd put it, or beside the repository.

    Files are looked for and no `az` is run: it may be a stand-in, and the real one takes seconds. Raises
    FileNotFoundError when BICEP names nothing.
    """
    if named := os.environ.get("BICEP"):
        if not Path(named).is_file():
            raise FileNotFoundError(f"BICEP names {named}, which is no file")
        return Path(named)
    if on_path := shutil.which("bicep"):
        return Path(on_path)
    azure = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    azd = Path(os.environ.get("AZD_CONFIG_DIR") or Path.home() / ".azd")
    places = (azure / "bin" / "bicep", azd / "bin" / "bicep", ROOT.parent / "shared" / "tools" / "bicep")
    return next((place for place in places if place.is_file() and os.access(place, os.X_OK)), None)


@dataclass(frozen=True)
class Finding:
    """One line of `bicep build` or `bicep lint`."""

    path: Path
    line: int
    level: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.level} {self.code}: {self.message}"


@dataclass
class Bicep:
    """A running CLI. Paths are absolute."""

    _requests: IO[bytes]
    _answers: IO[bytes]
    _last_id: int = 0

    def version(self) -> str:
        return str(self._call("bicep/version", {})["version"])

    def compile(self, path: Path) -> tuple[list[Finding], dict[str, Any]]:
        """What the compiler and the linter say of a template and of its modules, and the template as ARM's JSON."""
        answer = self._call("bicep/compile", {"path": str(path)})
        findings = {
            Finding(
                Path(each["source"]), each["range"]["start"]["line"] + 1, each["level"], each["code"], each["message"]
            )
            for each in answer["diagnostics"]
        }
        ordered = sorted(findings, key=lambda each: (str(each.path), each.line, each.code))
        return ordered, json.loads(answer.get("contents") or "{}")

    def snapshot(self, parameters: Path, deployment: Mapping[str, str]) -> dict[str, Any]:
        """What a .bicepparam file would create: `predictedResources`, `outputs`, `diagnostics`.

        What only a deployed resource knows stays an expression, as text in brackets.
        """
        request = {"path": str(parameters), "metadata": dict(deployment), "externalInputs": []}
        answer: dict[str, Any] = json.loads(self._call("bicep/getSnapshot", request)["snapshot"])
        return answer

    def _call(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": dict(parameters)}
        body = json.dumps(request).encode()
        self._requests.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._requests.flush()
        answer = self._read()
        if error := answer.get("error"):
            kind = BicepTooOldError if error["code"] == _METHOD_NOT_FOUND else BicepError
            raise kind(f"{method} {parameters.get('path', '')}: {error['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._answers.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise BicepError("the Bicep CLI ended without an answer")
        answer: dict[str, Any] = json.loads(self._answers.read(length))
        return answer


@contextlib.contextmanager
def running_bicep(path: Path) -> Iterator[Bicep]:
    # Without globalization libraries .NET does not start unless it is told that none are needed. Compiling once instead
    # of twice (tiers) takes a third off so short a run.
    environment = os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_TieredCompilation": "0"}
    process = subprocess.Popen(
        [str(path), "jsonrpc", "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Bicep(process.stdin, process.stdout)
    finally:
        process.kill()
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.stdout.close()
        process.wait()
