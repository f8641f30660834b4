"""The tests that cannot pass on Microsoft's host, by name, each with its reason. README.md tells the same."""

from __future__ import annotations

NOT_ON_THE_REAL_HOST: dict[str, str] = {}
