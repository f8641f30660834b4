"""What the platform's settings do to a running host: which functions run, and where its keys lie."""

from __future__ import annotations

import re

import httpx

from azurite_process.processes import wait_until
from tests.harness import FAST, PATIENCE, ProbeRun
from tests.hosts import RunningHost, read_keys

_FOUND = re.compile(r"Found the following functions:\s+((?:Host\.Functions\.\w+\s+)+)")
_DISABLED = re.compile(r"Function 'Functions\.(\w+)' is disabled")


def loaded(host: RunningHost) -> set[str]:
    text = host.process.log_text()
    found = _FOUND.search(text)
    assert found, text
    return {name.removeprefix("Host.Functions.") for name in found[1].split()}


def disabled(host: RunningHost) -> set[str]:
    return set(_DISABLED.findall(host.process.log_text()))


def test_two_forms_of_a_setting_disable_a_function_and_no_other_does(run: ProbeRun) -> None:
    forms = {
        "AzureWebJobs.greet.Disabled": "true",
        "AzureWebJobs_count_orders_Disabled": "1",
        "AzureWebJobs__tick__Disabled": "true",
    }
    with run.host(FAST, **forms) as host:
        # It runs when the host starts, unless it is disabled.
        run.wait_seen("tick", 1)
        assert disabled(host) == {"greet", "count_orders"}
        described = httpx.get(f"{host.url}/admin/functions", headers={"x-functions-key": host.master_key}).json()
        assert {each["name"] for each in described if each["isDisabled"]} == {"greet", "count_orders"}
        assert httpx.get(f"{host.url}/api/open").status_code == 404
        assert "tick" in loaded(host)


def test_a_list_of_functions_leaves_the_others_out(run: ProbeRun) -> None:
    listed = {
        "AzureFunctionsJobHost__functions__0": "greet",
        "AzureFunctionsJobHost__functions__1": "read_announcement",
    }
    with run.host(FAST, **listed) as host:
        assert loaded(host) == {"greet", "read_announcement"}
        assert httpx.get(f"{host.url}/api/open").text == "hello"
        assert httpx.post(f"{host.url}/api/orders", json=[]).status_code == 404
        queue = run.queue("announced")
        queue.create_queue()
        queue.send_message("{}")
        run.wait_seen("read_announcement", 1)
        assert run.seen("tick") == []


def test_keys_lie_in_the_storage_below_the_host_id(run: ProbeRun) -> None:
    with run.host(AzureWebJobsSecretStorageType="blob") as host:
        wait_until(lambda: "master" in read_keys(run.blobs, run.name), seconds=PATIENCE, what="the keys")
        keys = read_keys(run.blobs, run.name)
        assert (keys["master"], keys["default"]) == (host.master_key, host.function_key)
        answer = httpx.get(f"{host.url}/admin/host/status", headers={"x-functions-key": keys["master"]})
        assert answer.json()["id"] == run.name
