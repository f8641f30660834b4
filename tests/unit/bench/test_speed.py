"""The benchmarks of speed: what they count and print. Each is run once, small, by `make bench-briefly`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import pytest

from bench import coldstart, report
from bench.__main__ import BENCHMARKS, SPEED, main
from bench.figures import cpu_seconds, machine, percentile
from bench.latency import SERVICE_SECONDS, Journey
from bench.load import texts
from bench.report import BEGIN, END, Gate
from bench.transactions import count_transactions

LOG = """
127.0.0.1 - - [t] "POST /devstoreaccount1/documents/messages?messagettl=-1 HTTP/1.1" 201 -
127.0.0.1 - - [t] "GET /devstoreaccount1/documents/messages?numofmessages=32&visibilitytimeout=300 HTTP/1.1" 200 -
127.0.0.1 - - [t] "GET /devstoreaccount1/batches/messages?numofmessages=8&visibilitytimeout=600 HTTP/1.1" 200 -
127.0.0.1 - - [t] "HEAD /devstoreaccount1/documents/a.txt HTTP/1.1" 200 -
127.0.0.1 - - [t] "GET /devstoreaccount1/documents/a.txt HTTP/1.1" 206 -
127.0.0.1 - - [t] "PUT /devstoreaccount1/classifications/a.txt.json HTTP/1.1" 201 -
127.0.0.1 - - [t] "PUT /devstoreaccount1/documents/a.txt HTTP/1.1" 201 -
127.0.0.1 - - [t] "GET /devstoreaccount1/classifications?restype=container&comp=list HTTP/1.1" 200 -
"""


def test_a_transaction_is_put_down_to_whoever_made_it() -> None:
    counts = count_transactions(LOG.splitlines())
    assert counts["app"] == {
        "POST queue documents": 1,
        "GET queue documents": 1,
        "GET documents": 1,
        "PUT classifications": 1,
    }
    assert counts["host"] == {"GET queue batches": 1, "HEAD documents": 1}
    assert sum(counts["bench"].values()) == 2


def test_the_parts_of_a_wait_are_the_whole_of_it() -> None:
    journey = Journey(planned=2.0, submitted=2.5, recorded=4.5)
    assert sum(journey.parts.values()) + SERVICE_SECONDS == journey.recorded


def test_percentiles_are_values_that_were_measured() -> None:
    assert [percentile([3.0, 1.0, 2.0], share) for share in (0.0, 0.5, 0.95)] == [1.0, 2.0, 3.0]


def test_the_machine_is_noted() -> None:
    assert set(machine()) == {"cpu", "cores", "python", "load"}


def test_no_process_has_used_nothing_and_this_one_something() -> None:
    assert cpu_seconds(-1) == 0.0
    assert cpu_seconds(os.getpgrp()) > 0.0


def test_documents_are_real_and_the_same_every_time() -> None:
    assert texts(3) == texts(3)
    assert all(texts(3))


def test_each_benchmark_can_be_asked_for_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(SPEED) < set(BENCHMARKS)
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(benchmark.NAME in shown for benchmark in (*BENCHMARKS, report))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "FOLDER", tmp_path / "results")
    return tmp_path / "results"


def test_the_page_has_the_figures_of_the_last_runs(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold figures\n{END}\nafter\n", encoding="utf-8")
    passed = report.report("speed", [Gate("fast", 2.0, 1.0, today="0.5"), Gate("lean", 3.0, 1.0, True)], {"more": 4.0})
    assert not passed
    assert set(json.loads((results / "speed.json").read_text(encoding="utf-8"))["machine"]) == set(machine())
    report.run(argparse.Namespace(page=page, results=results))
    written = page.read_text(encoding="utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "old figures" not in written
    assert "| fast | 0.5 | 2 | ≥ 1 | yes |" in written
    assert "| lean | – | 3 | ≤ 1 | **no** |" in written
    assert "| more | – | 4 | | |" in written
    report.run(argparse.Namespace(page=page, results=results))
    assert page.read_text(encoding="utf-8") == written


def test_a_page_without_a_place_for_figures_is_not_written(results: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit):
        report.run(argparse.Namespace(page=page, results=results))


def test_an_import_is_measured_in_a_process_of_its_own() -> None:
    nothing = coldstart.import_seconds(Path(sys.executable), "pass", {})
    assert 0 < nothing < coldstart.import_seconds(Path(sys.executable), "for _ in range(3_000_000): pass", {})
