"""The rules of dependency, each with its reason in the failure text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.architecture.source import SHIPPED, Module, modules


@dataclass(frozen=True)
class OnlyIn:
    """`packages` may be imported by modules for which `allowed` says yes, and by no other of `places`."""

    packages: tuple[str, ...]
    allowed: Callable[[Module], bool]
    reason: str
    places: tuple[str, ...] = SHIPPED


def within(*places: str) -> Callable[[Module], bool]:
    return lambda module: any(
        module.name == place or (place.endswith("/") and module.name.startswith(place)) for place in places
    )


ONLY_IN: dict[str, OnlyIn] = {
    "azure.functions": OnlyIn(
        ("azure.functions",),
        within("functions/", "function_app.py"),
        "handlers only translate; what they call runs and is tested without the host",
    ),
    "azure.storage": OnlyIn(
        ("azure.storage",),
        within("shared/storage/", "shared/services.py"),
        "use cases speak to the ports, so that fakes can stand in and one place knows the SDK's errors",
    ),
    "azure.identity": OnlyIn(
        ("azure.identity",),
        within("shared/services.py", "shared/language/credentials.py"),
        "it costs a cold start a good part of a second, so one place imports it, when a setting asks for it",
    ),
    "httpx": OnlyIn(
        ("httpx", "requests", "urllib.request", "http.client", "socket"),
        within("shared/language/client.py", "shared/services.py"),
        "one client keeps the rules of the wire: no redirect, a capped body, no repeated POST, no key in a log",
    ),
    "pydantic_settings": OnlyIn(
        ("pydantic_settings",),
        within("shared/config.py"),
        "settings are one frozen object, read once and passed down",
    ),
    "the stand-ins' libraries": OnlyIn(
        ("sklearn", "numpy", "scipy", "fastapi", "starlette", "uvicorn", "rich"),
        lambda module: module.name.startswith(("local/", "tests/", "bench/")),
        "they are installed for local use only and never ship",
        (*SHIPPED, "tools", "local", "tests", "bench"),
    ),
}


@pytest.mark.parametrize("rule", ONLY_IN)
def test_a_library_is_used_only_where_it_belongs(rule: str) -> None:
    only = ONLY_IN[rule]
    offenders = {
        module.name: found
        for module in modules(*only.places)
        if not only.allowed(module) and (found := module.imports_any(*only.packages))
    }
    assert not offenders, f"{rule} does not belong here, because {only.reason}: {offenders}"


@dataclass(frozen=True)
class Never:
    """Modules of `places` never import `packages`."""

    places: tuple[str, ...]
    packages: tuple[str, ...]
    reason: str


PURE_ROOTS = (
    "shared/documents/ref.py",
    "shared/documents/text.py",
    "shared/documents/events.py",
    "shared/messages.py",
    "shared/errors.py",
)

NEVER: dict[str, Never] = {
    "what ships knows no stand-in": Never(
        SHIPPED, ("local", "tests", "bench", "tools"), "those folders are not in the deployed package"
    ),
    "shared does not know the functions": Never(
        ("shared",), ("functions", "function_app"), "the direction is function_app -> functions -> shared"
    ),
    "language knows nothing of the pipeline": Never(
        ("shared/language",),
        ("shared.pipeline", "shared.training", "shared.storage", "shared.services", "shared.config", "shared.messages"),
        "it is a client of the service and knows nothing of blobs, queues, jobs or settings",
    ),
    "storage knows nothing of what is stored": Never(
        ("shared/storage",),
        ("shared.pipeline", "shared.training", "shared.language", "shared.services", "shared.config"),
        "it moves bytes and messages; what they mean is decided above it",
    ),
    "the pipeline does not know training": Never(
        ("shared/pipeline",),
        ("shared.training", "shared.services"),
        "classification goes on whatever becomes of training; the model in use is passed in",
    ),
    "training is wired from outside": Never(
        ("shared/training",), ("shared.services",), "services.py knows the use cases, and they do not know it"
    ),
    "the roots know nothing above them": Never(
        PURE_ROOTS,
        ("shared.pipeline", "shared.training", "shared.storage", "shared.language", "shared.services", "shared.config"),
        "everything rests on them",
    ),
    "use cases do not know the adapters": Never(
        ("shared/pipeline", "shared/training"),
        ("shared.storage.blobs", "shared.storage.queues"),
        "they ask the ports; services.py chooses what answers",
    ),
    "the emulator shares nothing with its client": Never(
        ("emulators/language/language_emulator",),
        ("shared", "functions", "function_app"),
        "client and emulator must not share a misreading of the service; they meet only in emulators/language/tests/wire",
    ),
    "the functions host shares nothing with the app it runs": Never(
        ("emulators/functions_host/functions_host",), ("shared", "functions", "function_app"), "it must run any app as the real host would"
    ),
}


@pytest.mark.parametrize("rule", NEVER)
def test_a_layer_does_not_know_the_one_above_it(rule: str) -> None:
    never = NEVER[rule]
    offenders = {
        module.name: found for module in modules(*never.places) if (found := module.imports_any(*never.packages))
    }
    assert not offenders, f"{rule}, because {never.reason}: {offenders}"


@pytest.mark.parametrize("place", ["shared/pipeline", "shared/storage", "shared/language", "shared/training"])
def test_every_rule_looks_at_code_that_is_there(place: str) -> None:
    assert len(modules(place)) > 2


# purity

MUST_BE_PURE = (
    "shared/documents/ref.py",
    "shared/documents/text.py",
    "shared/documents/listings.py",
    "shared/durable/retry.py",
    "shared/batches/packing.py",
    "shared/pipeline/outcomes.py",
    "shared/pipeline/manifest.py",
    "shared/pipeline/record_schema.py",
    "shared/models/gate.py",
    "shared/models/labels.py",
    "shared/models/evaluations.py",
)

IMPURE_IMPORTS = (
    "os",
    "sys",
    "io",
    "pathlib",
    "tempfile",
    "shutil",
    "socket",
    "ssl",
    "http",
    "urllib.request",
    "httpx",
    "requests",
    "azure",
    "time",
    "random",
    "secrets",
    "uuid",
    "logging",
    "threading",
    "concurrent",
    "asyncio",
    "subprocess",
    "shared.config",
    "shared.services",
    "shared.storage.blobs",
    "shared.storage.queues",
    "shared.language.client",
    "shared.pipeline.context",
    "shared.training.context",
)

IMPURE_CALLS = {"open", "print", "input", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def pure_modules() -> list[Module]:
    """Those that must be, every dialect, and those that say of themselves that they are."""
    return [
        module
        for module in modules("shared")
        if module.name in MUST_BE_PURE
        or (module.name.startswith("shared/language/dialects/") and not module.name.endswith("__init__.py"))
        or "Pure." in module.docstring
        or "Pure:" in module.docstring
    ]


def test_the_pure_modules_are_found() -> None:
    found = {module.name for module in pure_modules()}
    assert found >= set(MUST_BE_PURE) | {"shared/language/dialects/preview_2021.py"}


@pytest.mark.parametrize("module", pure_modules(), ids=lambda module: module.name)
def test_a_pure_module_does_no_io_and_reads_no_clock_or_environment(module: Module) -> None:
    reason = f"{module.name} decides and does nothing else, so that it is tested as a table"
    assert not module.imports_any(*IMPURE_IMPORTS), reason
    assert not IMPURE_CALLS & module.calls, reason


# the environment, clocks, names, sizes


@pytest.mark.parametrize("module", modules(*SHIPPED), ids=lambda module: module.name)
def test_only_the_settings_read_the_environment(module: Module) -> None:
    reason = "settings are read once, in shared/config.py; anything else hides a setting from the README's table"
    assert not {"os.environ", "os.environb"} & module.attributes, f"{module.name}: {reason}"
    assert not {"os.getenv", "getenv"} & module.calls, f"{module.name}: {reason}"
    assert not {"os.environ", "os.getenv"} & module.imports, f"{module.name}: {reason}"


CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "time.time", "time.monotonic", "time.sleep"}


@pytest.mark.parametrize("module", modules("shared/pipeline", "shared/training"), ids=lambda module: module.name)
def test_use_cases_are_given_the_time(module: Module) -> None:
    assert not CLOCKS & module.calls, f"{module.name}: the clock is a parameter, so that no test waits"


VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "lib", "stuff", "base_utils"}


@pytest.mark.parametrize("place", ["shared", "functions", "local", "bench", "tools", "tests"])
def test_no_module_has_a_name_that_says_nothing(place: str) -> None:
    vague = [module.name for module in modules(place) if VAGUE & {module.path.stem, module.path.parent.name}]
    assert not vague, f"a module is named for what it decides, or it becomes a drawer: {vague}"


MAX_LINES = 400


@pytest.mark.parametrize("place", ["shared", "functions", "local", "bench"])
def test_no_file_is_longer_than_400_lines(place: str) -> None:
    long = {module.name: lines for module in modules(place) if (lines := len(module.text.splitlines())) > MAX_LINES}
    assert not long, f"a file of this length decides more than one thing; split it by what it decides: {long}"


@pytest.mark.parametrize("place", ["shared", "functions", "local", "bench"])
def test_every_module_says_what_it_is_for(place: str) -> None:
    silent = [module.name for module in modules(place) if not module.docstring and module.text.strip()]
    assert not silent, f"the first line of a module says what it decides: {silent}"


def test_the_composition_root_is_short() -> None:
    (root,) = modules("function_app.py")
    assert len(root.text.splitlines()) < 40, "function_app.py wires and decides nothing"
