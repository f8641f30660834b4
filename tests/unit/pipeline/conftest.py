"""A pipeline on fakes, with everything around it within reach."""

from __future__ import annotations

import pytest

from tests.faults.disturbed import DisturbedWorld


@pytest.fixture
def world() -> DisturbedWorld:
    return DisturbedWorld()
