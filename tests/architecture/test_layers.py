"""The rules of dependency, each with its reason in the failure text."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from shared.language.apis import API_VERSIONS
from tests.architecture.source import EVERYTHING, ROOT, SHIPPED, Module, modules
from tools.package import FILES, FOLDERS, shipped_files


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
        ("azure.storage", "azure.core"),
        within("shared/storage/", "shared/services/adapters.py"),
        "use cases speak to the ports, so that fakes can stand in and one place knows the SDK's errors",
    ),
    "azure.identity": OnlyIn(
        ("azure.identity",),
        within("shared/services/adapters.py", "shared/language/credentials.py"),
        "it costs a cold start a good part of a second, so one place imports it, when a setting asks for it",
    ),
    "httpx": OnlyIn(
        ("httpx", "urllib.request", "socket"),
        within("shared/language/client.py", "shared/services/", "cli/api.py"),
        "one client keeps the rules of the wire: no redirect, a capped body, no repeated POST, no key in a log",
        (*SHIPPED, "cli"),
    ),
    "requests": OnlyIn(
        ("requests", "urllib3", "http.client"),
        within("shared/storage/transport.py"),
        "the storage SDK has one transport, which behaves as its own would",
    ),
    "the reports": OnlyIn(
        ("shared.reports", "shared.services"),
        within("functions/", "function_app.py", "shared/services/", "shared/reports/", "shared/sweep.py"),
        "they are what callers see, and nothing the app does may depend on it; only the sweep writes metrics itself",
    ),
    "the stand-ins' libraries": OnlyIn(
        (
            *("sklearn", "numpy", "scipy", "pandas", "pyarrow", "cleanlab"),
            *("fastapi", "starlette", "uvicorn", "rich", "typer"),
        ),
        within("cli/", "local/", "tests/", "bench/", "tools/command_docs.py"),
        "they are installed for local use only and never ship",
        (*SHIPPED, "cli", "tools", "local", "tests", "bench"),
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


PACKAGES = (
    "shared.language",
    "shared.storage",
    "shared.durable",
    "shared.documents",
    "shared.models",
    "shared.reviews",
    "shared.batches",
    "shared.operations",
    "shared.reports",
)


@dataclass(frozen=True)
class Never:
    """Modules of `places` never import `packages`."""

    places: tuple[str, ...]
    packages: tuple[str, ...]
    reason: str


# Each package of shared/ and what it must not know: what stands above it, or beside it.
WIRING = ("shared.services", "shared.config")
USE_CASES = (
    "shared/documents",
    "shared/batches",
    "shared/models",
    "shared/reviews",
    "shared/operations",
    "shared/reports",
)

NEVER: dict[str, Never] = {
    "what ships knows no stand-in": Never(
        SHIPPED,
        ("cli", "local", "tests", "bench", "tools", "language_emulator", "functions_host", "azurite_process"),
        "those packages are not deployed",
    ),
    "the command knows no stand-in": Never(
        ("cli",),
        ("local", "tests", "bench", "tools", "language_emulator", "functions_host", "azurite_process", "functions"),
        "it speaks to an app on a laptop as it does to one on Azure: over HTTP and to its storage",
    ),
    "the command does not run the app": Never(
        ("cli",),
        ("shared.services", "shared.config", "shared.storage.blobs", "shared.storage.queues", "shared.language.client"),
        "it takes values and readers of files, so that it needs neither settings nor roles of the app's own",
    ),
    "shared does not know the functions": Never(
        ("shared",), ("functions", "function_app"), "the direction is function_app -> functions -> shared"
    ),
    "the foundations know nothing above them": Never(
        ("shared/errors.py", "shared/messages.py", "shared/concurrency.py", "shared/redaction.py"),
        (*PACKAGES, *WIRING),
        "everything rests on them",
    ),
    "language knows nothing of the app": Never(
        ("shared/language",),
        (*(each for each in PACKAGES if each != "shared.language"), *WIRING, "shared.messages"),
        "it is a client of the service and knows nothing of blobs, queues, batches or settings",
    ),
    "storage knows nothing of what is stored": Never(
        ("shared/storage",),
        (*(each for each in PACKAGES if each != "shared.storage"), *WIRING),
        "it moves bytes and messages; what they mean is decided above it",
    ),
    "durable knows no document, no model and no service": Never(
        ("shared/durable",),
        (*(each for each in PACKAGES if each not in ("shared.durable", "shared.storage")), *WIRING),
        "it is the one engine under batches and operations, and would not be if it knew one of them",
    ),
    "documents know no batch and no operation": Never(
        ("shared/documents",),
        ("shared.batches", "shared.models", "shared.reviews", "shared.operations", "shared.reports", *WIRING),
        "a document and its record outlive batches, models and operations",
    ),
    "models do not know batches or operations": Never(
        ("shared/models",),
        ("shared.batches", "shared.reviews", "shared.operations", "shared.reports", *WIRING),
        "batches take the active model, operations change it; neither direction goes back",
    ),
    "reviews do not know batches or operations": Never(
        ("shared/reviews",),
        ("shared.batches", "shared.operations", "shared.reports", *WIRING),
        "batches write what waits, operations take what was decided; neither direction goes back",
    ),
    "batches do not know operations": Never(
        ("shared/batches",),
        ("shared.operations", "shared.reports", "shared.services"),
        "classification goes on whatever becomes of training",
    ),
    "operations do not know batches": Never(
        ("shared/operations",),
        ("shared.batches", "shared.reviews", "shared.reports", *WIRING),
        "an operation sends documents, and does not care what takes them",
    ),
    "reports are wired from outside": Never(
        ("shared/reports",), WIRING, "services/ knows the reports, and they do not know it"
    ),
    "the pipeline is wired without the control plane": Never(
        ("shared/services/adapters.py", "shared/services/pipeline.py"),
        ("shared.operations", "shared.reports", "shared.sweep", "shared.services.control_plane"),
        "each process builds it when it starts, and a document waits for that",
    ),
    "use cases do not know the adapters": Never(
        (*USE_CASES, "shared/durable"),
        ("shared.storage.blobs", "shared.storage.queues"),
        "they ask the ports; services/adapters.py chooses what answers",
    ),
    "the emulator shares nothing with its client": Never(
        ("emulators/language/language_emulator",),
        ("shared", "functions", "function_app", "local", "tests"),
        "client and emulator must not share a misreading of the service; they meet only in the wire samples",
    ),
    "the functions host shares nothing with the app it runs": Never(
        ("emulators/functions_host/functions_host",),
        ("shared", "functions", "function_app", "local", "tests"),
        "it must run any app as the real host would",
    ),
    "Azurite is started without the app": Never(
        ("emulators/azurite/azurite_process",),
        ("shared", "functions", "function_app", "local", "tests"),
        "it is a package of its own, which can be installed alone",
    ),
}


@pytest.mark.parametrize("rule", NEVER)
def test_a_layer_does_not_know_the_one_above_it(rule: str) -> None:
    never = NEVER[rule]
    offenders = {
        module.name: found for module in modules(*never.places) if (found := module.imports_any(*never.packages))
    }
    assert not offenders, f"{rule}, because {never.reason}: {offenders}"


def test_every_rule_looks_at_code_that_is_there() -> None:
    empty = {rule: place for rule, never in NEVER.items() for place in never.places if not modules(place)}
    assert not empty, f"a rule over a place that moved forbids nothing: {empty}"


def test_every_package_of_shared_is_in_the_rules() -> None:
    there = {module.path.parent.name for module in modules("shared") if module.path.name == "__init__.py"}
    assert there - {"shared", "apis", "services"} == {package.removeprefix("shared.") for package in PACKAGES}


# what ships


def test_nothing_of_the_stand_ins_ships() -> None:
    assert set(FOLDERS) == {"functions", "shared", "web"}, (
        "the package is an allow-list, and these three are all of the app"
    )
    assert set(FILES) == {"function_app.py", "host.json", "requirements.txt"}
    outside = [path for path in shipped_files(ROOT) if path.parts[0] not in (*FOLDERS, *FILES)]
    assert not outside, f"they are not in the allow-list of tools/package.py: {outside}"


# the two generations of the API


def test_only_the_apis_and_the_one_choice_ask_what_a_version_has() -> None:
    offenders = [
        module.name
        for module in modules(*SHIPPED)
        if any(name.split(".")[-1] == "has_deployments" for name in module.attributes)
        and not within("shared/language/apis/", "shared/services/control_plane.py")(module)
    ]
    reason = "a second place that asks would be a second way to publish; services/control_plane.py chooses once"
    assert not offenders, f"{reason}: {offenders}"


def test_no_version_of_the_api_is_named_outside_the_apis() -> None:
    offenders = {
        module.name: sorted(found)
        for module in modules(*SHIPPED)
        if not within("shared/language/apis/", "shared/config.py")(module)
        and (
            found := set(API_VERSIONS)
            & {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)}
        )
    }
    assert not offenders, f"what differs between versions is asked of their LanguageApi, never of the name: {offenders}"


# purity

MUST_BE_PURE = {
    "shared/documents/ref.py",
    "shared/documents/text.py",
    "shared/documents/events.py",
    "shared/documents/listings.py",
    "shared/documents/messages.py",
    "shared/documents/record_schema.py",
    "shared/documents/which_stays.py",
    "shared/durable/record.py",
    "shared/durable/retry.py",
    "shared/batches/batch.py",
    "shared/documents/answers.py",
    "shared/documents/packing.py",
    "shared/documents/texts.py",
    "shared/batches/results.py",
    "shared/models/gate.py",
    "shared/models/labels.py",
    "shared/models/evaluations.py",
    "shared/operations/operation.py",
}

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
)

IMPURE_CALLS = {"open", "print", "input", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def is_pure(module: Module) -> bool:
    """What must be, each generation of the API, and what says of itself that it is."""
    return (
        module.name in MUST_BE_PURE
        or module.name.startswith("shared/language/apis/")
        or re.search(r"\bPure[.:]", module.docstring) is not None
    )


def test_a_pure_module_does_no_io_and_reads_no_clock_or_environment() -> None:
    pure = [module for module in modules("shared") if is_pure(module)]
    gone = MUST_BE_PURE - {module.name for module in pure}
    assert not gone, f"the rule names files that are not there: {gone}"
    offenders = {
        module.name: found
        for module in pure
        if (found := [*module.imports_any(*IMPURE_IMPORTS), *sorted(IMPURE_CALLS & module.calls)])
    }
    assert not offenders, f"they decide and do nothing else, so that they are tested as tables: {offenders}"


# the environment, clocks, names, sizes

ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "getenv"}
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "time.time", "time.monotonic", "time.sleep"}


def test_only_the_settings_read_the_environment() -> None:
    offenders = {
        module.name: sorted(found)
        for module in modules(*SHIPPED)
        # Of the process itself, shared/start.py sets what a library asks for.
        if module.name not in ("shared/config.py", "shared/start.py")
        and (found := ENVIRONMENT & (module.attributes | module.calls | module.imports))
    }
    reason = "settings are read once, in shared/config.py; anything else hides a setting from the README's table"
    assert not offenders, f"{reason}: {offenders}"


def test_use_cases_are_given_the_time() -> None:
    offenders = {
        module.name: sorted(found)
        for module in modules(*USE_CASES, "shared/durable", "shared/sweep.py")
        if (found := CLOCKS & module.calls)
    }
    assert not offenders, f"the clock is a parameter, so that no test waits: {offenders}"


VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "lib", "stuff", "base_utils"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = [module.name for module in modules(*EVERYTHING) if VAGUE & {module.path.stem, module.path.parent.name}]
    assert not vague, f"a module is named for what it decides, or it becomes a drawer: {vague}"


MAX_LINES = 400
# What is longer although it decides one thing.
LONG = {
    "shared/reports/endpoints.py": "a table with an entry for each function",
}


def test_no_file_is_longer_than_400_lines_and_every_module_says_what_it_is_for() -> None:
    own = modules(*SHIPPED, "cli", "local", "bench", "tools")
    long = {
        module.name: lines
        for module in own
        if module.name not in LONG and (lines := len(module.text.splitlines())) > MAX_LINES
    }
    needless = [name for name in LONG if len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= MAX_LINES]
    assert not needless, f"they are short enough now; take them out of LONG: {needless}"
    assert not long, f"a file of this length decides more than one thing; split it by what it decides: {long}"
    silent = [module.name for module in own if not module.docstring and module.text.strip()]
    assert not silent, f"the first line of a module says what it decides: {silent}"


def test_the_composition_root_is_short() -> None:
    (root,) = modules("function_app.py")
    assert len(root.text.splitlines()) < 40, "function_app.py wires and decides nothing"
