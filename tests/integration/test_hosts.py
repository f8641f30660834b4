"""Which host is chosen, and the way to Core Tools, tried with a stand-in `func`: not every place has it."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from azure.storage.blob import BlobServiceClient

from azurite_process.processes import ManagedProcess, free_port, wait_until
from local.hosts import CoreTools, MicrosoftHost, StandIn, choose_host, find_core_tools, write_settings
from local.settings import ROOT

STAND_IN = """#!{python}
import http.server, json, os, sys
if sys.argv[1] == "--version":
    print({version!r})
    raise SystemExit({code})
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        names = ("GIVEN", "FUNCTIONS_WORKER_RUNTIME", "VIRTUAL_ENV")
        facts = {{"state": "Running", "argv": sys.argv[1:], "cwd": os.getcwd()}}
        body = json.dumps({{**facts, **{{name: os.environ.get(name) for name in names}}}}).encode()
        with open("facts.json", "wb") as file:
            file.write(body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def write_func(folder: Path, version: str, code: int = 0) -> Path:
    path = folder / "func"
    path.write_text(STAND_IN.format(python=sys.executable, version=version, code=code))
    path.chmod(0o755)
    return path


def test_a_working_func_is_found_with_its_version(tmp_path: Path) -> None:
    path = write_func(tmp_path, "4.14.0")
    assert find_core_tools(search_path=str(tmp_path)) == CoreTools(path, "4.14.0")


@pytest.mark.parametrize(
    ("version", "code"),
    [("3.0.1", 0), ("4.14.0", 1), ("", 0), ("not a version", 0)],
    ids=["old", "failing", "silent", "odd"],
)
def test_a_func_that_does_not_work_is_not_found(tmp_path: Path, version: str, code: int) -> None:
    write_func(tmp_path, version, code)
    assert find_core_tools(search_path=str(tmp_path)) is None


def test_no_func_is_not_found(tmp_path: Path) -> None:
    assert find_core_tools(search_path=str(tmp_path)) is None


def test_a_func_that_hangs_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "func"
    path.write_text("#!/bin/sh\nexec sleep 30\n")
    path.chmod(0o755)
    assert find_core_tools(search_path=str(tmp_path), timeout_seconds=0.2) is None


def test_the_app_runs_in_func_with_its_settings_and_this_python(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    tools = CoreTools(write_func(tmp_path, "4.14.0"), "4.14.0")
    settings = {"GIVEN": "setting", "FUNCTIONS_HOST_EMULATE_EVENT_GRID": "0"}
    handle = tools.start(app, settings, folder=tmp_path)
    handle.stop()
    facts = json.loads((app / "facts.json").read_text())
    assert facts["argv"] == ["start", "--python", "--port", handle.url.rpartition(":")[2]]
    assert (facts["GIVEN"], facts["FUNCTIONS_WORKER_RUNTIME"]) == ("setting", "python")
    assert facts["VIRTUAL_ENV"] == str(Path(sys.executable).parent.parent)
    assert Path(facts["cwd"]) == app


def test_the_stand_in_is_taken_where_there_is_no_func(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose_host("auto") == choose_host("stand-in") == StandIn()
    with pytest.raises(FileNotFoundError, match="no working `func`"):
        choose_host("func")
    tools = CoreTools(write_func(tmp_path, "4.14.0"), "4.14.0")
    assert choose_host("auto") == choose_host("func") == tools
    assert choose_host("stand-in") == StandIn()


def test_microsofts_host_is_the_one_whose_start_script_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "start.py"
    for named in ("", str(script)):
        monkeypatch.setenv("FUNCTIONS_HOST", named)
        with pytest.raises(FileNotFoundError, match="FUNCTIONS_HOST must name the script"):
            choose_host("real")
    script.touch()
    assert choose_host("real") == MicrosoftHost(script)


class Elsewhere(BaseHTTPRequestHandler):
    """What Core Tools answer where `up --no-host` asks, and the events that they are brought."""

    events: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._answer(b'{"state": "Running"}')

    def do_POST(self) -> None:
        self.events.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the test's output."""


def test_up_without_a_host_writes_its_settings_and_brings_the_events_to_the_one_that_is_started(tmp_path: Path) -> None:
    port, file = free_port(), tmp_path / "local.settings.json"
    file.write_text(json.dumps({"Values": {"OF_MINE": "stays", "LANGUAGE_PROJECT": "replaced"}}))
    argv = [sys.executable, "-m", "local", "up", "--no-host", "--no-model", "--port", str(port)]
    argv += ["--settings-file", str(file), "--data", str(tmp_path / "data")]
    up = ManagedProcess("up", argv, tmp_path / "up.log", {**os.environ, "PYTHONUNBUFFERED": "1"}, cwd=ROOT).start()
    try:
        wait_until(lambda: "Waiting for a functions host" in up.log_text(), seconds=60, what="up to wait")
        written = json.loads(file.read_text())
        values = written["Values"]
        assert (values["OF_MINE"], values["LANGUAGE_PROJECT"]) == ("stays", "demo")
        assert written["Host"] == {"LocalHttpPort": port}
        assert "is up" not in up.log_text()
        with HTTPServer(("127.0.0.1", port), Elsewhere) as host, ThreadPoolExecutor(1) as pool:
            pool.submit(host.serve_forever)
            wait_until(lambda: "Pigeonhole is up" in up.log_text(), seconds=60, what="up to find the host")
            with BlobServiceClient.from_connection_string(values["DATA_STORAGE"]) as storage:
                storage.get_blob_client(values["DOCUMENTS_CONTAINER"], "letter.txt").upload_blob(b"text")
            wait_until(lambda: bool(Elsewhere.events), seconds=60, what="the event of the upload")
            host.shutdown()
    finally:
        up.stop()
    assert "letter.txt" in Elsewhere.events[0]


def test_a_settings_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    for content in ("{", "[]", '{"Values": 1}'):
        file.write_text(content)
        with pytest.raises(ValueError, match="move it away"):
            write_settings(file, {}, port=7071)
        assert file.read_text() == content
