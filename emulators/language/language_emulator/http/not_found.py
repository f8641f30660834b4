"""Addresses no operation answers: an unknown API version, something the emulator lacks, or nothing at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from language_emulator import errors
from language_emulator.errors import ServiceError

# The service's other features, which share its host.
_OTHER_FEATURES = re.compile(r"/text/analytics/|/language/|/documentintelligence/")


def explain(path: str, status: int, versioned: Mapping[str, re.Pattern[str]]) -> ServiceError:
    """`versioned` are the addresses that carry a version in the path (group `version`), by the version served."""
    if status == 405:
        return errors.method_not_allowed()
    for supported, pattern in versioned.items():
        match = pattern.match(path)
        if match and match["version"] != supported:
            return errors.version_unknown(match["version"], [supported], status=404)
        if match:
            return errors.resource_not_found()
    if _OTHER_FEATURES.match(path):
        return errors.not_implemented(f"the operation at {path}")
    return errors.resource_not_found()
