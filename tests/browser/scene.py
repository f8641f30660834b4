"""A running app that has something to show: the samples classified and waiting for review, and two models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.datasets import SAMPLES, load_dataset
from tests.browser import hostile
from tests.e2e.conftest import Cloud, running_cloud

NEW = SAMPLES / "new"
PROJECT = "demo"
BLANKS = 3


@contextmanager
def running_scene(folder: Path, *, host_kind: str = "stand-in", with_hostile: bool = False) -> Iterator[Cloud]:
    """`with_hostile` adds 200 documents whose names and texts are attacks."""
    with running_cloud(folder, dataset=load_dataset(SAMPLES), host_kind=host_kind) as running:
        # Nothing was tried yet, so nothing can be promised: every classification waits for review.
        running.api.call("PUT", f"/api/projects/{PROJECT}", {"kind": "multi_label", "acceptance": {"precision": 0.95}})
        for path in sorted(NEW.rglob("*.txt")):
            running.upload(f"inbox/{path.relative_to(NEW).as_posix()}", path.read_bytes())
        for number in range(BLANKS):
            running.upload(f"inbox/blank {number}.txt", b" \n")
        if with_hostile:
            for name, text in zip(hostile.names(), hostile.texts(), strict=True):
                # Not by `upload`: the logs of storage may hold names, and these have what the texts have.
                content = b" " if len(name) == hostile.LONGEST else text.encode()
                running.container("documents").put(name, content)
        running.wait_until_settled("")
        running.follow(f"/api/projects/{PROJECT}/retrain", {"model": "second", "force": True})
        yield running
