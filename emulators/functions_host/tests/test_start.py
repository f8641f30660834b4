"""What starts and what does not, and what the host says of it."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from azurite_process.processes import ManagedProcess, ProcessFailedError, wait_until
from functions_host.loading import load_functions
from functions_host.logs import LevelFilter
from functions_host.server import bind
from functions_host.settings import AppSettings, SettingError
from functions_host.signatures import FunctionLoadError
from tests.harness import NEVER, PATIENCE, PROBE_APP, ProbeRun
from tests.hosts import RunningHost, start_stand_in

STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}
BUNDLE = '"extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}'
HOST_JSON = f'{{"version": "2.0", {BUNDLE}}}'
APP = "import azure.functions as func\napp = func.FunctionApp()\n"


def write_app(folder: Path, code: str, host_json: str = HOST_JSON) -> Path:
    app = folder / "app"
    app.mkdir()
    (app / "function_app.py").write_text(code)
    (app / "host.json").write_text(host_json)
    return app


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        pytest.param("x = 1", "must hold one FunctionApp", id="no app"),
        pytest.param(APP + "other = func.FunctionApp()", "not 2", id="two apps"),
        pytest.param(
            APP + "@app.route('x')\ndef f(req: func.HttpRequest, name: str) -> str: ...",
            "no binding is named name",
            id="signature",
        ),
        pytest.param(
            APP + "@app.queue_trigger('m', '%NOWHERE%', 'C')\ndef f(m: str) -> None: ...", "%NOWHERE%", id="setting"
        ),
        pytest.param(
            APP + "@app.service_bus_queue_trigger('m', connection='C', queue_name='q')\ndef f(m: str) -> None: ...",
            "no trigger binding 'serviceBusTrigger'; use Core Tools",
            id="unsupported trigger",
        ),
        pytest.param(
            APP + "@app.route('x')\n@app.queue_output('out', 'q', 'C')\n"
            "def f(req: func.HttpRequest, out: func.Out[str]) -> str: ...",
            "no output binding 'queue'",
            id="output binding",
        ),
        pytest.param(
            APP + "@app.route('x')\n@app.blob_input('blob', 'c/x', 'C')\n"
            "def f(req: func.HttpRequest, blob: str) -> str: ...",
            "no input binding 'blob'",
            id="input binding",
        ),
        pytest.param(
            APP + "@app.route('a')\ndef f(req: func.HttpRequest) -> str: ...\n"
            "@app.function_name('f')\n@app.route('b')\ndef g(req: func.HttpRequest) -> str: ...",
            "unique function name",
            id="two of one name",
        ),
    ],
)
def test_an_app_that_cannot_be_indexed_is_refused_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, complaint: str
) -> None:
    app = write_app(tmp_path, code)
    script = (app / "function_app.py").rename(app / f"app_{uuid.uuid4().hex}.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises((FunctionLoadError, SettingError, ValueError), match=re.escape(complaint)):
        load_functions(app, AppSettings({"PYTHON_SCRIPT_FILE_NAME": script.name}))


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        pytest.param("import no_such_module", "No module named 'no_such_module'", id="import error"),
        pytest.param(
            APP + "@app.queue_trigger('m', 'q', 'Nowhere')\ndef f(m: str) -> None: ...",
            "connection 'Nowhere' has no queue service",
            id="missing connection",
        ),
    ],
)
def test_a_failed_start_ends_with_its_reason_and_a_code(tmp_path: Path, code: str, complaint: str) -> None:
    with pytest.raises(ProcessFailedError) as failure:
        start_stand_in(write_app(tmp_path, code), STORAGE, folder=tmp_path)
    assert f"0 functions found: {complaint}" in str(failure.value)


def test_without_an_extension_bundle_there_is_no_queue_trigger(tmp_path: Path) -> None:
    code = APP + "@app.queue_trigger('m', 'q', '')\ndef f(m: str) -> None: ..."
    app = write_app(tmp_path, code, '{"version": "2.0"}')
    with pytest.raises(ProcessFailedError, match=r"f: host.json has no extensionBundle.* no queueTrigger"):
        start_stand_in(app, STORAGE, folder=tmp_path)


def test_the_keys_of_a_host_lie_outside_the_app_by_default(tmp_path: Path) -> None:
    """A folder made in the app's folder restarts Microsoft's host."""
    app = write_app(tmp_path, APP + "@app.route('x')\ndef f(req: func.HttpRequest) -> str: ...")
    environment = {**STORAGE, "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-m", "functions_host", "--app", str(app), "--port", "0"]
    process = ManagedProcess("host", argv, tmp_path / "host.log", environment).start()
    process.wait_ready(lambda: "Host started" in process.log_text())
    process.stop()
    assert sorted(path.name for path in app.iterdir()) == ["function_app.py", "host.json"]
    assert len(list((tmp_path / "state" / "functions-host").glob("*/keys.json"))) == 1


def test_a_retry_decorator_is_said_to_do_nothing(tmp_path: Path) -> None:
    code = APP + (
        "@app.retry(strategy='fixed_delay', max_retry_count='3', delay_interval='00:00:01')\n"
        "@app.route('x', auth_level='anonymous')\ndef f(req: func.HttpRequest) -> str: return 'x'"
    )
    host = start_stand_in(write_app(tmp_path, code), STORAGE, folder=tmp_path)
    host.stop()
    assert "f has a retry policy, which this host ignores" in host.process.log_text()
    assert "(1 functions)" in host.process.log_text()


def test_a_host_without_storage_starts_and_keeps_trying(tmp_path: Path) -> None:
    nowhere = (
        "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
        "BlobEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a;"
    )
    settings = {"AzureWebJobsStorage": nowhere, "Data": nowhere, "RUN": "x", "TICKS": NEVER}
    host = start_stand_in(PROBE_APP, {**settings, "AzureWebJobs.tick.Disabled": "1"}, folder=tmp_path)
    wait_until(lambda: "Cannot read queue x-orders" in host.process.log_text(), seconds=PATIENCE, what="a complaint")
    assert host.process.is_running()
    host.stop()


def test_log_lines_of_the_app_carry_their_invocation(shared_run: ProbeRun, host: RunningHost) -> None:
    queue = shared_run.queue("announced")
    queue.create_queue()
    queue.send_message("{}")
    (fact,) = shared_run.wait_seen("read_announcement", 1)
    line = f"INFO    [read_announcement {fact['invocation'][:8]}] reading an announcement"
    assert line in host.process.log_text()


def test_a_traceback_shows_the_app_and_not_the_host(shared_run: ProbeRun, host: RunningHost) -> None:
    shared_run.wait_seen("tick", 1)
    wait_until(lambda: "Executed 'Functions.tick'" in host.process.log_text(), seconds=PATIENCE, what="the failed run")
    assert "RuntimeError: a timer that fails goes on" in host.process.log_text()
    assert "worker/pool.py" not in host.process.log_text()


def test_log_levels_of_host_json_are_kept() -> None:
    levels = LevelFilter({"default": "Warning", "function": "Information", "function.noisy.user": "None"})
    assert levels.level_of("Host.queues") == logging.WARNING
    assert levels.level_of("Function.tick") == logging.INFO
    assert levels.level_of("Function.noisy") == logging.INFO
    assert levels.level_of("Function.noisy.User") > logging.CRITICAL


def test_the_command_explains_itself() -> None:
    argv = [sys.executable, "-m", "functions_host", "--help"]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "--app DIR" in answer.stdout


def test_an_answer_is_sent_at_once_and_not_when_the_client_has_acknowledged_its_head() -> None:
    async def connected() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        bound = bind("127.0.0.1", 0)
        async with await asyncio.start_server(accept, sock=bound):
            _, writer = await asyncio.open_connection(*bound.getsockname())
            try:
                return await found
            finally:
                writer.close()

    assert asyncio.run(connected())
