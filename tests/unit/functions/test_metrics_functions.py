"""HTTP: metrics."""

from __future__ import annotations

import pytest

from tests.services_on_fakes import PipelineOnFakes
from tests.unit.functions.harness import App


@pytest.fixture
def app(world: PipelineOnFakes) -> App:
    return App(world)


def test_metrics_are_those_of_seven_days(world: PipelineOnFakes, app: App) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    world.trace.clear()
    code, body, response = app.request("get_metrics")
    assert (code, body["days"][0]["classes"]) == (200, {"billing": 1})
    assert response.headers["Cache-Control"] == "no-store"
    assert world.trace.count("state.list") == 7


def test_the_number_of_days_is_asked_for(world: PipelineOnFakes, app: App) -> None:
    code, _, _ = app.request("get_metrics", query={"days": "30"})
    assert (code, world.trace.count("state.list")) == (200, 30)


@pytest.mark.parametrize("days", ["0", "31", "-1", "a week", "", "1.5"])
def test_another_number_of_days_is_a_bad_request(world: PipelineOnFakes, app: App, days: str) -> None:
    code, body, _ = app.request("get_metrics", query={"days": days})
    assert (code, body["title"]) == (400, "The request cannot be read")
    assert world.trace == []
