"""`python -m tools.costs`: what a month costs, from unit prices and from what a document, a batch and a timer ask for.

It writes the tables of docs/costs.md. `--documents N --characters N` prints the table for one's own figures.
Prices are in prices.toml with their sources; tests/infra/test_costs.py measures what is asked for on a run of the app.
"""

from __future__ import annotations

import argparse
import math
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "costs.md"
PRICES = Path(__file__).with_name("prices.toml")

VOLUMES = (1_000, 100_000, 10_000_000)
MONTH_SECONDS = 730 * 3600
FULL_BATCH = 25
# Defaults of the app and of infra/main.bicep.
LINGER_SECONDS = 1.5
INSTANCE_GB = 2.0
SWEEPS = MONTH_SECONDS // 300
RECONCILES = MONTH_SECONDS // 900
LISTED_AT_ONCE = 5_000
DEPLOYMENTS = 2
LOG_ALERTS = 11
METRIC_ALERTS = 3
DNS_ZONES = 4
PRIVATE_ENDPOINTS = 6
# Assumed: Flex Consumption bills no less than a second for a run that is alone on its instance; what a row of a log
# table takes beside its message; a record and a text of a thousand characters with what storage adds.
SECONDS_A_RUN = 1.0
ROW_BYTES = 600
STORED_BYTES = 2_500
# A group of functions that scales separately runs as many at once on an instance (host.json: 16 uploads, 12 messages).
AT_ONCE = {"blob": 16, "collect_documents": 12, "advance_batch": 12, "reconcile": 1, "sweep": 1}


@dataclass(frozen=True)
class Asked:
    """What one thing asks for. `runs` are executions by group; `message_bytes` are of the log rows."""

    queue_operations: float = 0
    blob_writes: float = 0
    blob_reads: float = 0
    log_rows: float = 0
    message_bytes: float = 0
    runs: Mapping[str, float] = field(default_factory=dict)


# The app's own calls and rows, as tests/infra/test_costs.py measures them.
PER_DOCUMENT = Asked(2, 1, 1, log_rows=4, message_bytes=220, runs={"blob": 1})
PER_BATCH = Asked(7.1, 4, 4, log_rows=14, message_bytes=760, runs={"collect_documents": 1, "advance_batch": 3})
PER_SWEEP = Asked(10, 4, 2, log_rows=7, message_bytes=400, runs={"sweep": 1})
# Listings come on top: three, each a call for 5,000 blobs.
PER_RECONCILE = Asked(1, 2, 3, log_rows=4, message_bytes=220, runs={"reconcile": 1})
LISTINGS = 3
# Where a project asks for a precision: the item of a document that goes to review, and what a sweep asks for on top
# while more items wait than it looks at: three reads for each, and a write of where it goes on.
PER_DOCUMENT_FOR_REVIEW = Asked(blob_writes=1)
REVIEWS_A_SWEEP = 100
PER_SWEEP_OF_REVIEWS = Asked(blob_writes=1, blob_reads=3 * REVIEWS_A_SWEEP)
# The host's: from Microsoft's source of the blob trigger with Event Grid (2.06 queue calls, a HEAD and a read for each
# upload), and a receive and a delete for each message that runs a function.
HOST_PER_UPLOAD = Asked(2.06, 0, 2)
HOST_PER_MESSAGE = Asked(2)
# Event Grid bills the event, its advanced filters, and the delivery.
EVENTS_PER_UPLOAD = 3


@dataclass(frozen=True)
class Price:
    """`free` units a month cost nothing."""

    name: str
    usd: float
    per: float
    source: str
    free: float = 0

    def of(self, units: float) -> float:
        return max(0.0, units - self.free) * self.usd / self.per


@dataclass(frozen=True)
class Month:
    """`documents` of `characters` each; spread evenly, or in bursts that fill every batch."""

    documents: int
    characters: int = 1_000
    in_bursts: bool = False
    training_hours: float = 1
    is_private: bool = False

    @property
    def batches(self) -> float:
        rate = self.documents / MONTH_SECONDS
        fill = FULL_BATCH if self.in_bursts else min(FULL_BATCH, 1 + rate * LINGER_SECONDS)
        return self.documents / fill

    def units(self) -> dict[str, float]:
        """How much of each price's unit."""
        listings = RECONCILES * LISTINGS * math.ceil(max(1, self.documents) / LISTED_AT_ONCE)
        started_by_message = self.batches * sum(PER_BATCH.runs.values())
        asked = [*self._asked(), (HOST_PER_UPLOAD, self.documents), (HOST_PER_MESSAGE, started_by_message)]
        runs = self.runs()
        logged = sum((each.message_bytes + each.log_rows * ROW_BYTES) * count for each, count in asked)
        return {
            "custom_text_records": self.documents * math.ceil(self.characters / 1_000),
            "training_hour": self.training_hours,
            "hosted_model": DEPLOYMENTS,
            "execution": sum(runs.values()),
            "gb_second": INSTANCE_GB * sum(self.busy_seconds(group) for group in runs),
            "queue_operation": sum(each.queue_operations * count for each, count in asked),
            "blob_write": sum(each.blob_writes * count for each, count in asked) + listings,
            "blob_read": sum(each.blob_reads * count for each, count in asked),
            "stored_gb": self.documents * STORED_BYTES / 1e9,
            "event": self.documents * EVENTS_PER_UPLOAD,
            "log_gb": logged / 1e9,
            "log_alert": LOG_ALERTS,
            "metric_alert": METRIC_ALERTS,
            "dns_zone": DNS_ZONES if self.is_private else 0,
            "private_endpoint": PRIVATE_ENDPOINTS if self.is_private else 0,
        }

    def busy_seconds(self, group: str) -> float:
        """How long instances of the group are active, all together.

        Spread evenly, each run has its second alone, until one instance is active all month; in bursts as many share
        one as the host runs at once.
        """
        seconds = self.runs()[group] * SECONDS_A_RUN
        shared = seconds / AT_ONCE[group]
        return max(shared, min(seconds, MONTH_SECONDS)) if not self.in_bursts else max(shared, SECONDS_A_RUN)

    def runs(self) -> dict[str, float]:
        """Executions by group."""
        return {group: runs * count for each, count in self._asked() for group, runs in each.runs.items()}

    def _asked(self) -> list[tuple[Asked, float]]:
        """What the app asks for, and how often."""
        timers = [(PER_SWEEP, SWEEPS), (PER_RECONCILE, RECONCILES)]
        return [(PER_DOCUMENT, self.documents), (PER_BATCH, self.batches), *timers]

    def costs(self, prices: Mapping[str, Price]) -> dict[str, float]:
        """USD by price."""
        return {key: prices[key].of(units) for key, units in self.units().items()}


def read_prices() -> dict[str, Price]:
    return {key: Price(**each) for key, each in tomllib.loads(PRICES.read_text(encoding="utf-8")).items()}


# The page

_PARTS = {
    "Language: classification": ("custom_text_records",),
    "Language: one hour of training, two deployments": ("training_hour", "hosted_model"),
    "Functions": ("execution", "gb_second"),
    "Storage": ("queue_operation", "blob_write", "blob_read", "stored_gb"),
    "Event Grid": ("event",),
    "Logs": ("log_gb",),
    "Alert rules": ("log_alert", "metric_alert"),
}


def month_table(months: Iterable[Month], prices: Mapping[str, Price]) -> str:
    """USD for each part, a column for each month."""
    months = list(months)
    costs = [month.costs(prices) for month in months]
    head = [f"{month.documents:,} documents" for month in months]
    rows = [[name, *(_usd(sum(cost[key] for key in keys)) for cost in costs)] for name, keys in _PARTS.items()]
    rows.append(["**Together**", *(_usd(sum(cost.values())) for cost in costs)])
    bursts = [Month(each.documents, each.characters, in_bursts=True).costs(prices) for each in months]
    rows.append(["Together, if they come in bursts of full batches", *(_usd(sum(cost.values())) for cost in bursts)])
    return _table(["USD a month", *head], rows)


def unit_table(months: Iterable[Month], prices: Mapping[str, Price]) -> str:
    """How much is asked for, and what of it is free."""
    months = list(months)
    units = [month.units() for month in months]
    shown = [key for key in prices if any(each[key] for each in units)]
    rows = [
        [prices[key].name, *(_count(each[key]) for each in units), _count(prices[key].free) if prices[key].free else ""]
        for key in shown
    ]
    return _table(["Units a month", *(f"{month.documents:,} documents" for month in months), "of it free"], rows)


def group_table(months: Iterable[Month]) -> str:
    """Executions and busy seconds of each group that scales separately."""
    months = list(months)
    rows = [
        [
            f"`{group}`" if group != "blob" else "`accept_document` (group `blob`)",
            *(f"{_count(month.runs()[group])} / {_count(month.busy_seconds(group))} s" for month in months),
        ]
        for group in AT_ONCE
    ]
    return _table(["Executions / seconds active", *(f"{month.documents:,} documents" for month in months)], rows)


def price_table(prices: Mapping[str, Price]) -> str:
    rows = [[each.name, f"{each.usd:g} / {each.per:,.0f}", each.source] for each in prices.values()]
    return _table(["Price", "USD", "Source"], rows).replace("---: | ---:", "---: | ---")


def asked_table() -> str:
    """What one of each asks for."""
    ones = {
        "document": PER_DOCUMENT,
        "... that goes to review, on top": PER_DOCUMENT_FOR_REVIEW,
        "... and the host, for its upload": HOST_PER_UPLOAD,
        "batch": PER_BATCH,
        "... and the host, for each run of it": HOST_PER_MESSAGE,
        "sweep": PER_SWEEP,
        f"... while more than {REVIEWS_A_SWEEP} documents wait for review, on top": PER_SWEEP_OF_REVIEWS,
        f"pass of `reconcile`, and {LISTINGS} listings for each {LISTED_AT_ONCE:,} stored documents": PER_RECONCILE,
    }
    rows = [
        [
            name,
            *(
                f"{n:g}"
                for n in (one.queue_operations, one.blob_writes, one.blob_reads, sum(one.runs.values()), one.log_rows)
            ),
        ]
        for name, one in ones.items()
    ]
    return _table(["One", "queue operations", "blob writes, listings", "blob reads", "executions", "log rows"], rows)


def fixed_table(prices: Mapping[str, Price]) -> str:
    idle = Month(0, training_hours=0)
    private = Month(0, training_hours=0, is_private=True)
    a_million = RECONCILES * LISTINGS * 1_000_000 / LISTED_AT_ONCE
    network = sum(private.costs(prices).values()) - sum(idle.costs(prices).values())
    looks = prices["blob_write"].of(SWEEPS * PER_SWEEP_OF_REVIEWS.blob_writes)
    looks += prices["blob_read"].of(SWEEPS * PER_SWEEP_OF_REVIEWS.blob_reads)
    rows = [
        ["Nothing is uploaded", _usd(sum(idle.costs(prices).values()))],
        ["... and `alertsEnabled` is false", _usd(sum(c for k, c in idle.costs(prices).items() if "alert" not in k))],
        [f"`vnetEnabled`: {PRIVATE_ENDPOINTS} private endpoints, {DNS_ZONES} DNS zones, on top", _usd(network)],
        ["A million documents are stored: listings of `reconcile`, on top", _usd(prices["blob_write"].of(a_million))],
        [f"More than {REVIEWS_A_SWEEP} documents always wait for review: looks of `sweep`, on top", _usd(looks)],
    ]
    return _table(["USD a month", ""], rows)


def tables() -> dict[str, str]:
    """By the name of their place in the page."""
    prices = read_prices()
    months = [Month(documents) for documents in VOLUMES]
    return {
        "months": month_table(months, prices),
        "units": unit_table(months, prices),
        "groups": group_table(months),
        "fixed": fixed_table(prices),
        "asked": asked_table(),
        "prices": price_table(prices),
    }


def filled(page: str) -> str:
    """The page with each table between its marks."""
    for name, table in tables().items():
        start, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, found, rest = page.partition(start)
        _, found_end, after = rest.partition(end)
        if not (found and found_end):
            raise ValueError(f"{PAGE.name} has no place for the table {name!r}")
        page = before + start + table + end + after
    return page


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"


def _count(units: float) -> str:
    return f"{units:,.0f}" if units >= 10 else f"{units:.2g}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.costs", description=__doc__)
    parser.add_argument("--documents", type=int, help="a month; prints a table instead of writing docs/costs.md")
    parser.add_argument("--characters", type=int, default=1_000, help="of a document (default: %(default)s)")
    arguments = parser.parse_args(argv)
    if arguments.documents is not None:
        print(month_table([Month(arguments.documents, arguments.characters)], read_prices()))
        return 0
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
