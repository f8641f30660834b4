"""The OpenAPI document against the running app: schemathesis asks every function what the document allows, and more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from cli.datasets import SAMPLES, load_dataset
from shared.reports.endpoints import ENDPOINTS, Endpoint
from tests.e2e.conftest import running_cloud

pytestmark = pytest.mark.e2e

# Of each function, with requests that the document allows and with those that it does not.
EXAMPLES = 6
# What a schema cannot say: the forms of a labels file, and the languages that the service takes.
MAY_REFUSE = {"put_labels", "put_project"}


@pytest.fixture(scope="module", params=["2023-04-01", pytest.param("2021-preview", marks=pytest.mark.long)])
def schema(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, host_kind: str
) -> Iterator[BaseSchema]:
    """Of an app of its own: what is asked here creates projects, and sends everything again."""
    folder, version = tmp_path_factory.mktemp("openapi"), request.param
    with running_cloud(
        folder, dataset=load_dataset(SAMPLES), host_kind=host_kind, changes={"language_api": version}
    ) as cloud:
        host = cloud.stack.host
        assert host is not None
        address = f"{host.url}/api/openapi.json"
        yield schemathesis.openapi.from_url(address, headers={"x-functions-key": host.master_key})


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.function)
def test_every_answer_is_documented_and_none_is_a_server_error(
    endpoint: Endpoint, mode: GenerationMode, schema: BaseSchema
) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[endpoint.path][endpoint.method].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance] if endpoint.function in MAY_REFUSE else [])

    check()
