"""How a function becomes a command: the options that all have, its examples, and one line for whatever goes wrong."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from cli.exit_codes import FAILED, INTERRUPTED, USAGE
from cli.session import Options, Session
from cli.steps import StepFailedError

F = TypeVar("F", bound=Callable[..., int | None])

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout; progress and errors go to stderr.")]
Environment = Annotated[
    str | None, typer.Option("--environment", "-e", metavar="NAME", help="An azd environment (azd's own default).")
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="An app hosted elsewhere, with PIGEONHOLE_KEY and PIGEONHOLE_STORAGE set."
    ),
]
Running = Annotated[
    Path | None, typer.Option("--running", metavar="FILE", help="The running.json of another `python -m local up`.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Project = Annotated[str | None, typer.Option("--project", metavar="NAME", help="A project (the app's own).")]

_SHARED: dict[str, Any] = {"environment": Environment, "url": Url, "running": Running, "as_json": Json}
_DEFAULTS: dict[str, Any] = {"environment": None, "url": None, "running": None, "as_json": False}


def command(group: typer.Typer, name: str | None = None, *, examples: Sequence[str] = ()) -> Callable[[F], F]:
    """Add a function to the group. Its first parameter is the session; the rest are its own arguments and options.

    It returns its exit code, None for 0.
    """

    def add(function: F) -> F:
        group.command(name, epilog=_epilog(examples))(with_session(function))
        return function

    return add


def with_session(function: Callable[..., int | None]) -> Callable[..., None]:
    """The function without its session, and with the options of every command."""

    @functools.wraps(function)
    def run(**arguments: Any) -> None:
        options = Options(
            **{name: arguments.pop(name) for name in ("environment", "url", "running")},
            is_json=arguments.pop("as_json"),
        )
        session = Session(options)
        try:
            code = _guarded(lambda: function(session, **arguments))
        finally:
            session.close()
        if code:
            raise typer.Exit(code)

    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=kind)
        for name, kind in _SHARED.items()
    ]
    parameters = [each.replace(annotation=hints[each.name], kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    run.__signature__ = inspect.Signature([*parameters, *shared])  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in (*parameters, *shared)} | {"return": None}
    del run.__wrapped__  # typer would ask the function it wraps
    return run


def _guarded(run: Callable[[], int | None]) -> int:
    """The exit code; whatever went wrong is said in one line on stderr, without a traceback."""
    try:
        return run() or 0
    except StepFailedError as error:
        return _say(str(error), error.do, error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", "run it again: what is done is not repeated", INTERRUPTED)
    except BrokenPipeError:  # as `| head` leaves it: whoever reads has enough
        sys.stderr.close()
        return 0
    except Exception as error:
        code_and_do = _known(error)
        if code_and_do is None:
            raise
        return _say(str(error), code_and_do[1], code_and_do[0])


def _known(error: Exception) -> tuple[int, str] | None:
    """The exit code and what to do, of the errors of modules that are imported only when they are used."""
    api = sys.modules.get("cli.api")
    if api is not None and isinstance(error, api.ApiError):
        return api.code_of(error), advice(error)
    if isinstance(error, TimeoutError):
        return FAILED, "run it again: it joins what is under way"
    if isinstance(error, ValueError) and type(error).__name__ in ("FormError", "DatasetError"):
        return USAGE, "see: pigeonhole labels from --help"
    return None


def advice(error: Any) -> str:
    """What to do about an ApiError."""
    if error.status is None:
        return "is it running? Here: make up. On Azure: azd show"
    if error.status == 401:
        return "the key is not accepted, or it is a function key where the master key is needed"
    if error.status == 404 and not error.body:
        return "the app has no such function: deploy the version that this command belongs to (azd deploy)"
    if error.may_pass:
        return "it may pass: run it again in a minute, and see pigeonhole status"
    return "put that right and run it again"


def _say(what: str, do: str, code: int) -> int:
    print(f"pigeonhole: {what.rstrip('.')}. {do[:1].upper()}{do[1:]}", file=sys.stderr)
    return code


def _epilog(examples: Sequence[str]) -> str | None:
    """Kept as it is written: one example on each line."""
    return "\b\nExamples:\n" + "\n".join(f"  pigeonhole {each}" for each in examples) if examples else None
