"""What every command has: the app it speaks to, found when it is needed, and where its words go.

Data go to stdout; progress, questions and errors to stderr. With --json stdout has one JSON value and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.exit_codes import USAGE
from cli.steps import StepFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from cli.api import Api
    from cli.storage import UserStorage
    from cli.target import Target


@dataclass(frozen=True)
class Options:
    """Those of every command."""

    environment: str | None = None
    url: str | None = None
    running: Path | None = None
    is_json: bool = False


class Session:
    """One command's. Imports and connections are made at their first use: --help waits for none of them."""

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def is_json(self) -> bool:
        return self.options.is_json

    @cached_property
    def out(self) -> Console:
        """For what was asked for."""
        from rich.console import Console

        return Console(stderr=self.is_json, soft_wrap=not sys.stdout.isatty(), highlight=False)

    @cached_property
    def err(self) -> Console:
        """For what goes on meanwhile."""
        from rich.console import Console

        return Console(stderr=True, highlight=False)

    @cached_property
    def target(self) -> Target:
        from cli.target import Choice, find_target

        return find_target(Choice(self.options.url, self.options.environment, self.options.running))

    @cached_property
    def _storage_target(self) -> Target:
        """Without the app's key: who may read results need not be allowed to read keys."""
        from cli.target import Choice, find_target

        choice = Choice(self.options.url, self.options.environment, self.options.running)
        return find_target(choice, key_of=lambda _: "")

    @property
    def containers(self) -> Target:
        """The target for its containers only."""
        return self.__dict__.get("target") or self._storage_target

    @cached_property
    def api(self) -> Api:
        from cli.api import Api

        return Api(self.target.url, self.target.key)

    @cached_property
    def storage(self) -> UserStorage:
        from cli.storage import UserStorage

        return UserStorage(self.containers.storage)

    def project(self, name: str | None) -> str:
        """The project that was named, else the app's own."""
        if name is not None:
            return name
        from cli.api import ApiError

        try:
            health = self.api.call("GET", "/api/health")
        except ApiError as error:  # 503 with the same body while a part is not healthy
            if "language" not in error.body:
                raise
            health = error.body
        return str(health["language"]["project"])

    def answer(self, data: Any, show: Callable[[], object]) -> None:
        """The result: as JSON, or as `show` prints it for people."""
        if self.is_json:
            print(json.dumps(data, indent=1, ensure_ascii=False, default=str))
        else:
            show()

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something is changed that is not easily undone. Raises StepFailedError where nobody can be."""
        import typer

        if yes:
            return
        if not sys.stdin.isatty():
            raise StepFailedError(f"{question} Nobody is there to answer", do="say so with --yes", exit_code=USAGE)
        typer.confirm(question, abort=True, err=True)

    def close(self) -> None:
        for name in ("api", "storage"):
            if name in self.__dict__:
                with suppress(Exception):
                    self.__dict__[name].close()
