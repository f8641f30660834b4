"""The pipeline on fakes, with everything around it within reach."""

from __future__ import annotations

import pytest

from tests.services_on_fakes import PipelineOnFakes


@pytest.fixture
def world() -> PipelineOnFakes:
    return PipelineOnFakes()
