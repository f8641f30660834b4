"""`python -m tools.trust_tables` prints the tables of docs/trust.md from the code they are of; a test compares them."""

from __future__ import annotations

import math

from shared.models.gate import MISTAKE, documents_needed
from shared.models.statistics import normal_quantile
from shared.models.threshold import MIN_DOCUMENTS, WRONG_AT_START, least_documents

PRECISIONS = (0.8, 0.9, 0.95, 0.99)
CONFIDENCES = (0.8, 0.9, 0.95)
TOLERANCES = (0.02, 0.05, 0.1)
DIFFERENT = (0.05, 0.1, 0.2, 0.3)


def acceptance_table() -> str:
    """How many of the accepted golden documents it takes, where none of them is wrong, and where two are."""
    rows = [["Precision asked for", *(f"confidence {confidence:g}" for confidence in CONFIDENCES)]]
    for precision in PRECISIONS:
        cells = [
            " / ".join(str(_accepted(precision, confidence=confidence, wrong=wrong)) for wrong in WRONG_AT_START)
            for confidence in CONFIDENCES
        ]
        rows.append([f"{precision:g}", *cells])
    return _table(rows)


def _accepted(precision: float, *, confidence: float, wrong: int) -> int:
    chance = (1 - confidence) / len(WRONG_AT_START)
    return max(MIN_DOCUMENTS, least_documents(precision, chance=chance, wrong=wrong))


def gate_table() -> str:
    """How many golden documents tell two models apart, by the share that only one of the two is right about.

    Of each document the difference is 1, 0 or -1, so that its standard error is the root of that share over n.
    """
    rows = [["Only one of the two is right about", *(f"tolerance {tolerance:g}" for tolerance in TOLERANCES)]]
    for share in DIFFERENT:
        spread = normal_quantile(1 - MISTAKE) * math.sqrt(share)
        needed = [documents_needed(1, spread=spread, tolerance=tolerance) for tolerance in TOLERANCES]
        rows.append([f"{share:.0%} of the documents", *map(str, needed)])
    return _table(rows)


TABLES = {"acceptance": acceptance_table, "gate": gate_table}


def _table(rows: list[list[str]]) -> str:
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


if __name__ == "__main__":
    print("\n\n".join(table() for table in TABLES.values()))
