"""A retraining with a trial while documents arrive, and the process dies.

Nothing is lost, and only the batch on its way is paid for again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.operations.operation import Operation, OperationState, Retrain
from tests.unit.operations.operations_world import OperationsWorld
from tests.unit.operations.trial_world import trial_of, tried

# Two batches.
FEW = 26
LETTERS = 2


@dataclass
class NamedCalls(OperationsWorld):
    """`names` are those of the calls so far."""

    names: list[str] = field(default_factory=list)

    def call(self, name: str, effect: Callable[[], Any]) -> Any:
        self.names.append(name)
        return super().call(name, effect)


def at_the_trial() -> tuple[NamedCalls, Operation]:
    """`next` is published and to be tried; letters are on their way."""
    world = NamedCalls()
    tried(world, FEW)
    operation = world.start_retraining(model="next")
    world.run_until(operation, "trial")
    for number in range(LETTERS):
        world.upload(f"letter-{number}.txt", f"letter {number} about billing")
    world.names.clear()
    return world, operation


def faults(world: NamedCalls, operation: Operation) -> list[str]:
    """What is not as it must be in the end."""
    ended = world.find(operation)
    assert isinstance(ended, Retrain)
    golden = [times for text, times in world.service.submissions.items() if text.startswith("document")]
    found = world.violations() + world.untruthful() + world.locks()
    found += [f"{ended.state}: {ended.reason}"] if ended.state is not OperationState.SUCCEEDED else []
    found += [f"in use is {world.label_in_use()}"] if world.label_in_use() != "next" else []
    found += (
        [f"judged by {ended.gate and ended.gate.documents}"] if not ended.gate or ended.gate.documents != FEW else []
    )
    found += ["not all is kept"] if len(trial_of(world, "next").answered) != FEW else []
    found += ["paid for more than twice"] if max(golden) > 2 else []
    found += ["more than a batch paid for twice"] if sum(each > 1 for each in golden) > 25 else []
    found += ["poison"] if world.poison else []
    return found


def test_a_crash_after_any_call_of_a_trial_loses_nothing_and_repeats_one_batch_at_most() -> None:
    undisturbed, operation = at_the_trial()
    undisturbed.run_until(operation, "hold", "switch")
    calls = list(undisturbed.names)
    undisturbed.run()
    assert faults(undisturbed, operation) == []
    assert set(undisturbed.service.submissions.values()) == {1}
    # A reading of one more document is as good as that of the one before.
    points = [number for number, name in enumerate(calls) if name != "training.read" or calls[number - 1] != name]
    assert len(points) > 40
    found = {}
    for number in points:
        world, operation = at_the_trial()
        world.crash_at = (world.calls + number + 1, "after")
        world.run()
        assert world.crashes == 1
        if wrong := faults(world, operation):
            found[f"{number} {calls[number]}"] = wrong
    assert found == {}
