"""A Log Analytics workspace for alert queries: how the app's log lines become rows, and when a rule fires on them.

From Microsoft's sources:

- The Python worker's handler formats a record with `logging.Formatter()`, so a traceback stands in the message, and
  sends it as plain text (azure-functions-python-worker, dispatcher.py: on_logging).
- The host gives that text to the logger `Function.<name>.User` of its invocation as the whole state, and throws away a
  line without one (azure-functions-host, GrpcWorkerChannel.cs: Log). A text has no named values: there is no `prop__`.
- That logger writes a trace: Message is the text, SeverityLevel 0 to 4 from Trace and Debug to Critical, OperationName
  the function, Properties what `_properties` has (azure-webjobs-sdk, ApplicationInsightsLogger.cs: LogTrace,
  ApplyScopeProperties, ApplyKnownProperties). An invocation is a request: Name is the function, Success is that nothing
  was raised, ResultCode "0" unless HTTP (LogFunctionResult).
- The host's own lines of an invocation have the category `Function.<name>`.
- Columns and their types (kusto/tables.json): https://learn.microsoft.com/azure/azure-monitor/reference/tables-index

Assumed, for want of a source that says otherwise: a request's TimeGenerated is its start and a trace's is when it was
written; every row is there when a rule looks (in Azure some minutes pass); nothing is sampled, as host.json has it.

How a rule looks: the query sees the rows of its window, its column Value is aggregated over all rows of the result, and
without rows there is nothing to compare.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import duckdb_kql

from tests.infra.alert_rules import LogAlert

TABLES: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).with_name("kusto") / "tables.json").read_text(encoding="utf-8")
)
_TYPES = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "real": "DOUBLE",
    "dynamic": "JSON",
    "datetime": "TIMESTAMP",
    "bool": "BOOLEAN",
}
_SEVERITIES = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3, "CRITICAL": 4}
_LEVELS = {"DEBUG": "Debug", "INFO": "Information", "WARNING": "Warning", "ERROR": "Error", "CRITICAL": "Critical"}
# The stand-in host's lines: `15:28:39.712Z INFO    [sweep 9a80b0b9] pipeline_metrics ...`.
_LINE = re.compile(r"(\d\d:\d\d:\d\d\.\d{3})Z ([A-Z]+) +\[(\w+)(?: ([0-9a-f]{8}))?\] (.*)")
_EXECUTED = re.compile(r"Executed 'Functions\.(\w+)' \((Succeeded|Failed), Id=([0-9a-f-]+), Duration=(\d+)ms\)")
_AGGREGATIONS: dict[str, Callable[[list[Any]], float]] = {"Total": sum, "Maximum": max, "Minimum": min, "Count": len}

Row = dict[str, Any]


@dataclass(frozen=True)
class Invocation:
    """One run of a function."""

    function: str
    id: str
    started: datetime

    def own_line(self, message: str, level: str, at: datetime) -> Row:
        """What the app logs while it runs; `level` is Python's name of it."""
        return self._trace(message, level, at, f"Function.{self.function}.User")

    def host_lines(self, ended: datetime, *, succeeded: bool) -> list[Row]:
        """What the host logs of it."""
        name, word = self.function, "Succeeded" if succeeded else "Failed"
        starting = f"Executing 'Functions.{name}' (Reason='...', Id={self.id})"
        ending = f"Executed 'Functions.{name}' ({word}, Id={self.id}, Duration={self._duration(ended):.0f}ms)"
        level = "INFO" if succeeded else "ERROR"
        category = f"Function.{name}"
        return [
            self._trace(starting, "INFO", self.started, category),
            self._trace(ending, level, ended, category),
        ]

    def request(self, ended: datetime, *, succeeded: bool) -> Row:
        return {
            "TimeGenerated": self.started,
            "Name": self.function,
            "OperationName": self.function,
            "OperationId": self.id,
            "Success": succeeded,
            "ResultCode": "0",
            "DurationMs": self._duration(ended),
            "ItemCount": 1,
            "Properties": self._properties("Host.Results", "Information" if succeeded else "Error"),
        }

    def _trace(self, message: str, level: str, at: datetime, category: str) -> Row:
        return {
            "TimeGenerated": at,
            "Message": message,
            "SeverityLevel": _SEVERITIES[level],
            "OperationName": self.function,
            "OperationId": self.id,
            "ItemCount": 1,
            "Properties": self._properties(category, _LEVELS[level]),
        }

    def _properties(self, category: str, level: str) -> dict[str, str]:
        return {"Category": category, "LogLevel": level, "InvocationId": self.id, "HostInstanceId": "host-1"}

    def _duration(self, ended: datetime) -> float:
        return (ended - self.started) / timedelta(milliseconds=1)


@dataclass
class Workspace:
    """Rows of AppTraces and AppRequests; the other tables are there and empty."""

    traces: list[Row] = field(default_factory=list)
    requests: list[Row] = field(default_factory=list)

    def firing_times(self, rules: Iterable[LogAlert], start: datetime, end: datetime) -> dict[str, list[datetime]]:
        """When each rule fires, of the times it looks: `end`, and each frequency before it back to `start`."""
        with _connection({"AppTraces": self.traces, "AppRequests": self.requests}) as connection:
            return {
                rule.name: [now for now in _looks(rule, start, end) if _fires(connection, rule, now)] for rule in rules
            }


def workspace_of(host_log: str, now: datetime) -> Workspace:
    """What Log Analytics would hold after a run of the stand-in host, from its log of the last 24 hours."""
    workspace = Workspace()
    for time, level, function, invocation, message in _LINE.findall(host_log):
        today = datetime.fromisoformat(f"{now.date().isoformat()}T{time}+00:00")
        at = today if today <= now else today - timedelta(days=1)
        if invocation:
            workspace.traces.append(Invocation(function, invocation, at).own_line(message, level, at))
        elif found := _EXECUTED.fullmatch(message):
            name, word, identity, milliseconds = found.groups()
            run = Invocation(name, identity, at - timedelta(milliseconds=int(milliseconds)))
            workspace.traces += run.host_lines(at, succeeded=word == "Succeeded")
            workspace.requests.append(run.request(at, succeeded=word == "Succeeded"))
    return workspace


def _looks(rule: LogAlert, start: datetime, end: datetime) -> Iterator[datetime]:
    now = end
    while now >= start:
        yield now
        now -= rule.frequency


def _connection(rows: Mapping[str, list[Row]]) -> duckdb.DuckDBPyConnection:
    """Each table is a view of the rows between the variables `since` and `now`."""
    connection = duckdb_kql.connect()
    connection.execute("SET threads = 1")
    for table, columns in TABLES.items():
        types = {name: _TYPES[kind] for name, kind in columns.items()}
        described = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"CREATE TABLE stored_{table} ({described})")
        stored = json.dumps(rows.get(table, []), default=_utc)
        connection.execute(
            f"INSERT INTO stored_{table} BY NAME SELECT each.* FROM (SELECT unnest(from_json(?, ?)) AS each)",
            [stored, json.dumps([types])],
        )
        window = "TimeGenerated > getvariable('since') AND TimeGenerated <= getvariable('now')"
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM stored_{table} WHERE {window}")
    return connection


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _fires(connection: duckdb.DuckDBPyConnection, rule: LogAlert, now: datetime) -> bool:
    connection.execute(f"SET VARIABLE since = TIMESTAMP '{_utc(now - rule.window)}'")
    connection.execute(f"SET VARIABLE now = TIMESTAMP '{_utc(now)}'")
    result = connection.execute(_translated(rule.query))
    column = [each[0] for each in result.description].index("Value")
    values = [row[column] for row in result.fetchall()]
    if not values:
        return False
    # A line that the query cannot read would be a silent alert.
    assert None not in values, f"{rule.name} finds no number in a row"
    value = _AGGREGATIONS[rule.aggregation](values)
    return bool(value > rule.threshold if rule.operator == "GreaterThan" else value < rule.threshold)


@cache
def _translated(query: str) -> str:
    return str(duckdb_kql.to_sql(query, schema={name: list(columns) for name, columns in TABLES.items()}))
