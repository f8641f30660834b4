"""The deployment hooks, run as azd runs them, against an `az` that parses, evaluates and refuses like the real one."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.hooks.connect_uploads import CONNECT_TRIES, START_TRIES
from infra.hooks.failures import retry_seconds
from tests.infra.azd import environment_value, output_types
from tests.infra.azure_cli import arguments, output, subscription
from tests.infra.azure_cli.subscription import KEY, PROVISIONED
from tests.infra.bicep import INFRA, MAIN, ROOT, read_template

AZURE_YAML: dict[str, Any] = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
PYTHON = Path(sys.executable).parent

# What the template's outputs are in this deployment, before azd writes them.
OUTPUTS: dict[str, Any] = {
    "AZURE_LOCATION": "westeurope",
    "AZURE_RESOURCE_GROUP": subscription.GROUP,
    "EVENT_DELIVERY": "webhook",
    "EVENT_TOPIC_NAME": subscription.TOPIC,
    "FUNCTION_APP_NAME": subscription.APP,
    "DATA_STORAGE_NAME": subscription.STORAGE,
    "DOCUMENTS_CONTAINER": "documents",
    "DEAD_LETTER_CONTAINER": "dead-letters",
    "MAX_DOCUMENT_BYTES": 4000000,
}
FEW_TRIES = 3
# What azd knows by itself.
OF_AZD = {"AZURE_SUBSCRIPTION_ID": subscription.ID, "AZURE_ENV_NAME": "letters"}


def azd_environment(template: str) -> dict[str, str]:
    """The environment of a hook after `azd provision` of a template: its outputs, as azd writes them."""
    types = output_types(template)
    values = {name: str(value) if types[name] == "string" else value for name, value in OUTPUTS.items()}
    return OF_AZD | {name: environment_value(value) for name, value in values.items()}


@dataclass
class Azure:
    """A folder with `az` on the PATH, the subscription it talks to, and a copy or the original of our repository."""

    folder: Path
    root: Path = ROOT
    environment: dict[str, str] = field(default_factory=lambda: azd_environment(MAIN.read_text(encoding="utf-8")))

    def start(self, **state: Any) -> None:
        az = self.folder / "az"
        words = [sys.executable, "-m", "tests.infra.azure_cli", str(self.folder / "state.json")]
        az.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.join(words)} "$@"\n', encoding="utf-8"
        )
        az.chmod(az.stat().st_mode | stat.S_IXUSR)
        self._write(PROVISIONED | state)

    def _write(self, state: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        return found

    def run(self, hook: str, *, with_az: bool = True) -> subprocess.CompletedProcess[str]:
        """As azd runs an inline hook of azure.yaml on a POSIX system."""
        path = [str(PYTHON), "/usr/bin", "/bin"]
        return subprocess.run(
            ["sh", "-c", "set -e\n" + AZURE_YAML["hooks"][hook]["posix"]["run"]],
            cwd=self.root,
            env={
                "PATH": os.pathsep.join([str(self.folder), *path] if with_az else path),
                "PIGEONHOLE_HOOK_SECONDS": "0",
                **self.environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def az(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(self.folder / "az"), *words], capture_output=True, text=True, check=False)

    def calls(self) -> list[list[str]]:
        """The calls so far, which are then forgotten; of files in a temporary folder the name alone."""
        state = self.state
        self._write(state | {"calls": []})
        return [
            [Path(word).name if word.startswith(tempfile.gettempdir()) else word for word in call]
            for call in state["calls"]
        ]


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    azure = Azure(tmp_path)
    azure.start()
    return azure


def copied_repository(target: Path) -> Path:
    """What the hooks read, to change something in it."""
    for name in (
        "infra/__init__.py",
        "infra/main.bicep",
        "infra/main.parameters.json",
        "infra/app/event-webhook.bicep",
        "infra/app/language.bicep",
    ):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    shutil.copytree(INFRA / "hooks", target / "infra" / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    return target


# azure.yaml and the program


def test_every_hook_is_one_line_for_each_system_and_the_program_knows_it() -> None:
    from infra.hooks.__main__ import HOOKS

    assert set(AZURE_YAML["hooks"]) == set(HOOKS)
    for name, systems in AZURE_YAML["hooks"].items():
        assert systems["posix"]["run"] == f"python3 -m infra.hooks {name}"
        assert systems["windows"]["run"] == f"python -m infra.hooks {name}"
        assert (systems["posix"]["shell"], systems["windows"]["shell"]) == ("sh", "pwsh")


def test_hooks_whose_words_matter_afterwards_write_to_the_terminal() -> None:
    for name in ("preprovision", "postdeploy"):
        assert all(system["interactive"] for system in AZURE_YAML["hooks"][name].values())


PROGRAM = [*sorted((INFRA / "hooks").glob("*.py")), ROOT / "tools" / "package.py"]


@pytest.mark.parametrize("path", PROGRAM, ids=lambda path: path.name)
def test_the_program_needs_python_3_9_and_nothing_installed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names) | {"infra", "tools"}
    assert "from __future__ import annotations" in path.read_text(encoding="utf-8") or path.name == "__init__.py"


def test_an_unknown_hook_is_a_mistake_of_use() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "infra.hooks", "postdepoly"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "preprovision" in run.stderr


# outputs


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("4000000", "4000000"),
        (4000000, "4e+06"),  # run in Go: fmt.Sprintf("%v", float64(4000000))
        (250, "250"),
        (999999, "999999"),
        (1000000, "1e+06"),
        (12345678, "1.2345678e+07"),
        (0.5, "0.5"),
        (0.00001, "1e-05"),
        (0, "0"),
        (-7, "-7"),
        (True, "true"),
        ("", ""),
    ],
)
def test_azd_writes_an_output_as_go_prints_it(value: Any, written: str) -> None:
    assert environment_value(value) == written


def test_every_output_is_a_string() -> None:
    types = output_types(MAIN.read_text(encoding="utf-8"))
    assert set(types) == set(read_template(MAIN).outputs)
    assert {name for name, kind in types.items() if kind != "string"} == set(), "azd writes 4000000 as 4e+06"


def test_the_values_a_hook_needs_are_outputs_of_the_template() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (INFRA / "hooks").glob("*.py"))
    named = set(re.findall(r'required\("(\w+)"\)', text))
    assert {"EVENT_DELIVERY", "MAX_DOCUMENT_BYTES"} <= named
    assert named <= set(read_template(MAIN).outputs) | set(OF_AZD)
    assert set(OUTPUTS) <= set(read_template(MAIN).outputs)


# postdeploy


def assert_uploads_are_connected(azure: Azure) -> None:
    run = azure.run("postdeploy")
    assert run.returncode == 0, run.stderr
    assert azure.state["subscriptions"]["documents-to-webhook"]["filter"]["maxDocumentBytes"] == 4000000


def test_uploads_are_connected_once_the_app_has_started(azure: Azure) -> None:
    azure.start(starts_after=2)
    assert_uploads_are_connected(azure)
    kinds = [" ".join(call[:3]) for call in azure.calls()]
    assert kinds == ["functionapp keys list"] * 3 + [
        "deployment group create",
        "eventgrid system-topic event-subscription",
    ]


@pytest.mark.parametrize("delivery", ["webhook", "queue"])
def test_hooks_run_twice_to_the_same_end(azure: Azure, delivery: str) -> None:
    azure.start(providers={}, starts_after=1)
    azure.environment["EVENT_DELIVERY"] = delivery
    for hook in ("preprovision", "postdeploy"):
        first, state = azure.run(hook), azure.state
        calls = azure.calls()
        second = azure.run(hook)
        assert (first.returncode, second.returncode) == (0, 0), second.stderr
        assert second.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]
        assert azure.state | {"calls": []} == state | {"calls": []}
        assert len(azure.calls()) <= len(calls)


def impatient(azure: Azure) -> Azure:
    """The same hooks, which wait for the app three times instead of thirty."""
    root = copied_repository(azure.folder / "repository")
    program = root / "infra/hooks/connect_uploads.py"
    text = program.read_text(encoding="utf-8").replace(f"START_TRIES = {START_TRIES}", f"START_TRIES = {FEW_TRIES}")
    program.write_text(text, encoding="utf-8")
    return Azure(azure.folder, root, azure.environment)


def mutated(azure: Azure, file: str, old: str, new: str) -> Azure:
    root = impatient(azure).root
    text = (root / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has no {old!r} to change"
    (root / file).write_text(text.replace(old, new), encoding="utf-8")
    return Azure(azure.folder, root, azd_environment((root / "infra/main.bicep").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("infra/hooks/connect_uploads.py", '"systemKeys.blobs_extension == null"', '"!systemKeys.blobs_extension"'),
        (
            "infra/main.bicep",
            "MAX_DOCUMENT_BYTES string = string(maxDocumentBytes)",
            "MAX_DOCUMENT_BYTES int = maxDocumentBytes",
        ),
        ("infra/hooks/connect_uploads.py", '"functionapp", "keys", "list"', '"functionapp", "keys", "list", "--all"'),
        ("infra/hooks/connect_uploads.py", '"topicName": topic,', ""),
    ],
    ids=[
        "a query that is always null",
        "an output that is a number",
        "a flag that az does not know",
        "a parameter forgotten",
    ],
)
def test_a_fault_of_ours_that_azure_would_show_fails_here(azure: Azure, file: str, old: str, new: str) -> None:
    with pytest.raises(AssertionError, match="failed:"):
        assert_uploads_are_connected(mutated(azure, file, old, new))


def test_the_copy_that_is_mutated_works(azure: Azure) -> None:
    assert_uploads_are_connected(impatient(azure))


def test_an_app_may_take_five_minutes_to_start() -> None:
    assert START_TRIES * retry_seconds() >= 300


def test_the_deployment_gets_every_parameter_of_its_template(azure: Azure) -> None:
    azure.run("postdeploy")
    (call,) = [call for call in azure.calls() if call[0] == "deployment"]
    template = ROOT / call[call.index("--template-file") + 1]
    given = dict(word.split("=", 1) for word in call[call.index("--parameters") + 1 :])
    assert set(given) == set(read_template(template).parameters)
    assert given["maxDocumentBytes"] == "4000000"


def test_the_key_is_never_printed_not_even_by_a_failure(azure: Azure) -> None:
    azure.start(handshakes_lost=2)
    run = azure.run("postdeploy")
    assert run.returncode == 0
    assert run.stdout.count("Event Grid could not reach the app") == 2
    assert "code=***" in run.stderr
    for text in (run.stdout, run.stderr, json.dumps(azure.state["calls"])):
        assert KEY not in text


def test_a_deployment_that_azure_could_not_take_is_tried_again(azure: Azure) -> None:
    azure.start(busy=1)
    run = azure.run("postdeploy")
    assert run.returncode == 0
    assert "Azure could not answer (1 of 3)" in run.stdout
    assert "ServiceUnavailable" in run.stderr


def test_queue_delivery_connects_nothing(azure: Azure) -> None:
    azure.environment["EVENT_DELIVERY"] = "queue"
    run = azure.run("postdeploy")
    assert run.returncode == 0
    assert [call[:4] for call in azure.calls()] == [["eventgrid", "system-topic", "event-subscription", "show"]]
    assert azure.state["subscriptions"] == {}


@pytest.mark.parametrize(("delivery", "left"), [("queue", "documents-to-webhook"), ("webhook", "documents-to-queue")])
def test_a_leftover_of_the_other_delivery_is_told_with_the_command_that_removes_it(
    azure: Azure, delivery: str, left: str
) -> None:
    address = {"endpointUrl": "https://letters.example?code=x"}
    azure.start(subscriptions={left: address, "somebody-elses": address})
    azure.environment["EVENT_DELIVERY"] = delivery
    run = azure.run("postdeploy")
    assert run.returncode == 0
    assert {left, "somebody-elses"} <= set(azure.state["subscriptions"])
    assert not any(word in ("delete", "remove", "purge") for call in azure.calls() for word in call)
    (command,) = re.findall(r"^postdeploy: az (.* delete .*)$", run.stdout, re.MULTILINE)
    assert azure.az(*shlex.split(command)).returncode == 0
    assert left not in azure.state["subscriptions"]


# preprovision


def test_a_subscription_that_is_ready_is_left_as_it_is(azure: Azure) -> None:
    azure.start(language_accounts=["lang-letters"])
    run = azure.run("preprovision")
    assert (run.returncode, run.stderr) == (0, "")
    assert [" ".join(call[:3]) for call in azure.calls()] == [
        "provider show --subscription",
        "network vnet list",
        "cognitiveservices account list",
    ]


def test_in_an_empty_subscription_nothing_can_be_opened(azure: Azure) -> None:
    azure.start(groups=[])
    run = azure.run("preprovision")
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("network", ["true", "false"])
def test_who_says_it_may_keep_or_open_a_private_deployment(azure: Azure, network: str) -> None:
    azure.start(networks=["vnet-letters"])
    azure.environment["VNET_ENABLED"] = network
    assert azure.run("preprovision").returncode == 0


@pytest.mark.parametrize(("network", "registered"), [(True, 1), (False, 0)])
def test_a_network_may_be_asked_for_in_the_parameters_file(azure: Azure, network: bool, registered: int) -> None:
    azure.start(providers={}, networks=["vnet-letters"], forbidden=["Microsoft.App/register/action"])
    root = copied_repository(azure.folder / "repository")
    file = root / "infra/main.parameters.json"
    parameters = json.loads(file.read_text(encoding="utf-8"))
    parameters["parameters"]["vnetEnabled"]["value"] = network
    file.write_text(json.dumps(parameters), encoding="utf-8")
    run = Azure(azure.folder, root, azure.environment).run("preprovision")
    assert run.returncode == registered, "refused for the provider, and only where a network is asked for"
    assert "would open" not in run.stderr


def test_what_the_hook_knows_of_the_template_is_so() -> None:
    from infra.hooks import prepare_subscription

    abbreviations = json.loads((INFRA / "abbreviations.json").read_text(encoding="utf-8"))
    assert abbreviations["resourcesResourceGroups"] == prepare_subscription.GROUP_PREFIX
    assert "'${abbrs.resourcesResourceGroups}${environmentName}'" in MAIN.read_text(encoding="utf-8")
    template = json.dumps(prepare_subscription._template("westeurope"))
    for name, kind in (
        ("main.bicep", "Resources/resourceGroups"),
        ("app/language.bicep", "CognitiveServices/accounts"),
    ):
        (version,) = set(re.findall(rf"'Microsoft.{kind}@([^']+)'", (INFRA / name).read_text(encoding="utf-8")))
        assert f'"type": "Microsoft.{kind}", "apiVersion": "{version}"' in template


@pytest.mark.parametrize("network", ["true", "false"])
def test_the_provider_of_the_network_is_registered_first(azure: Azure, network: str) -> None:
    azure.start(providers={})
    azure.environment["VNET_ENABLED"] = network
    run = azure.run("preprovision")
    assert run.returncode == 0, run.stderr
    assert azure.state["providers"] == {"Microsoft.App": "Registered"}


def test_without_the_right_to_register_it_an_app_without_a_network_goes_on(azure: Azure) -> None:
    azure.start(providers={}, forbidden=["Microsoft.App/register/action"])
    run = azure.run("preprovision")
    assert run.returncode == 0
    assert "provider register" in run.stdout
    assert "AuthorizationFailed" in run.stderr


@pytest.mark.parametrize("accounts", ["language_accounts", "deleted_language_accounts"])
def test_who_has_had_a_language_account_is_not_asked_for_the_terms(azure: Azure, accounts: str) -> None:
    azure.start(**{accounts: ["lang-letters"], "terms_accepted": False})
    assert azure.run("preprovision").returncode == 0
    assert not any(call[0] == "deployment" for call in azure.calls())


def test_an_account_of_another_kind_accepts_no_terms_for_ours(azure: Azure) -> None:
    azure.start(language_accounts=["oai-letters"], terms_accepted=False)
    assert azure.run("preprovision").returncode == 1


def test_accounts_that_may_not_be_looked_at_do_not_stop_a_deployment(azure: Azure) -> None:
    azure.start(forbidden=["Microsoft.CognitiveServices/accounts/read"])
    run = azure.run("preprovision")
    assert run.returncode == 0
    assert "AuthorizationFailed" in run.stderr


def test_before_a_subscription_is_chosen_there_is_nothing_to_look_at(azure: Azure) -> None:
    del azure.environment["AZURE_SUBSCRIPTION_ID"]
    run = azure.run("preprovision")
    assert run.returncode == 0
    assert "no subscription is chosen yet" in run.stdout


# what can fail, each with its own cause and mend


@dataclass(frozen=True)
class Broken:
    """What is wrong, which hook meets it, and what it must say. `calls` is how often az may be asked."""

    hook: str
    cause: str
    mend: str
    state: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    calls: int = 1
    of_az: str = ""


NETWORK = {"VNET_ENABLED": "true"}
FAILURES = {
    f"{name}, {hook}": Broken(hook, cause, mend, state, environment, 1, of_az)
    for hook in ("preprovision", "postdeploy")
    for name, cause, mend, state, environment, of_az in (
        ("signed out", "not signed in", "az login", {"login": "none"}, {}, "Please run 'az login'"),
        ("sign-in expired", "has expired", "az login", {"login": "expired"}, {}, "AADSTS700082"),
        (
            "another account",
            "not to the subscription",
            "az login --tenant",
            {},
            {"AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000009"},
            "' not found. Check the spelling",
        ),
        ("no network", "does not reach Azure", "proxy", {"unreachable": True}, {}, "Max retries exceeded"),
    )
} | {
    "signed out before a subscription is chosen": Broken(
        "preprovision", "not signed in", "az login", {"login": "none"}, {"AZURE_SUBSCRIPTION_ID": ""}, of_az="az login"
    ),
    "Responsible AI terms": Broken(
        "preprovision",
        "Responsible AI terms",
        "Azure portal",
        {"terms_accepted": False},
        calls=5,
        of_az="ResourceKindRequireAcceptTerms",
    ),
    "provider not registered and a network asked for": Broken(
        "preprovision",
        "Microsoft.App could not be registered",
        "az provider register",
        {"providers": {}, "forbidden": ["Microsoft.App/register/action"]},
        NETWORK,
        calls=2,
        of_az="AuthorizationFailed",
    ),
    "a private deployment, from an environment that does not know it": Broken(
        "preprovision", "would open its storage", "VNET_ENABLED true", {"networks": ["vnet-letters"]}, {}, calls=2
    ),
    "a network that may not be looked for": Broken(
        "preprovision",
        "may not do that",
        "roles",
        {"forbidden": ["Microsoft.Network/virtualNetworks/read"]},
        calls=2,
        of_az="AuthorizationFailed",
    ),
    "a failure that nobody knows": Broken(
        "preprovision",
        "looking at the resource provider",
        "correct what they name",
        {"broken_providers": True},
        of_az="InternalServerError",
    ),
    "a network, but no subscription": Broken(
        "preprovision", "no subscription is chosen", "azd env set", {}, NETWORK | {"AZURE_SUBSCRIPTION_ID": ""}
    ),
    "the app does not start": Broken(
        "postdeploy",
        "does not start",
        "Log stream",
        {"host": "broken"},
        calls=FEW_TRIES,
        of_az="ServiceUnavailable) from host runtime",
    ),
    "the app has no functions": Broken(
        "postdeploy", "functions were not loaded", "Log stream", {"host": "empty"}, calls=FEW_TRIES
    ),
    "the app is gone": Broken(
        "postdeploy", "does not exist in Azure", "azd provision", {"resources": []}, of_az="ResourceNotFound"
    ),
    "an output of an older template": Broken(
        "postdeploy", "'4e+06', which is no whole number", "azd provision", {}, {"MAX_DOCUMENT_BYTES": "4e+06"}, calls=0
    ),
    "Event Grid's handshake": Broken(
        "postdeploy",
        "Event Grid could not reach the app",
        "azd hooks run postdeploy",
        {"handshakes_lost": 1000},
        calls=1 + CONNECT_TRIES,
        of_az="code=***",
    ),
    "Azure is busy": Broken(
        "postdeploy",
        "Azure could not answer",
        "azd hooks run postdeploy",
        {"busy": 1000},
        calls=1 + CONNECT_TRIES,
        of_az="ServiceUnavailable",
    ),
    "no right to deploy": Broken(
        "postdeploy",
        "may not do that",
        "roles",
        {"forbidden": ["Microsoft.Resources/deployments/write"]},
        calls=2,
        of_az="AuthorizationFailed",
    ),
    "Azure refuses for another reason": Broken(
        "postdeploy",
        "Azure refused the deployment connect-uploads",
        "correct what they name",
        {"quota_is_used_up": True},
        calls=2,
        of_az="QuotaExceeded",
    ),
    "az has no Bicep": Broken(
        "postdeploy", "no Bicep CLI", "az bicep install", {"bicep": False}, calls=2, of_az="latest Bicep version"
    ),
    "the topic is gone": Broken(
        "postdeploy",
        "does not exist in Azure",
        "azd provision",
        {"resources": [subscription.APP, subscription.STORAGE]},
        calls=2,
        of_az="ResourceNotFound",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_names_its_cause_and_its_mend_at_once(azure: Azure, name: str) -> None:
    broken = FAILURES[name]
    azure.start(**broken.state)
    azure.environment.update(broken.environment)
    run = impatient(azure).run(broken.hook)
    assert run.returncode == 1, run.stdout
    cause, mend = run.stderr.splitlines()[-2:]
    assert cause.startswith(f"{broken.hook}: failed: ")
    assert broken.cause in cause
    assert mend.startswith(f"{broken.hook}: to mend it: ")
    assert broken.mend in mend
    assert broken.of_az in run.stderr, "what az said must be shown"
    assert KEY not in run.stdout + run.stderr
    assert len(azure.calls()) <= broken.calls


@pytest.mark.parametrize("hook", ["preprovision", "postdeploy"])
def test_a_machine_without_az_is_told_to_install_it(azure: Azure, hook: str) -> None:
    run = azure.run(hook, with_az=False)
    assert run.returncode == 1
    assert "(az) is not installed" in run.stderr
    assert "https://aka.ms/azure-cli" in run.stderr


@pytest.mark.parametrize("name", [name for name in OUTPUTS if name != "AZURE_LOCATION"] + ["AZURE_SUBSCRIPTION_ID"])
def test_a_missing_value_is_named_before_az_is_asked(azure: Azure, name: str) -> None:
    del azure.environment[name]
    run = azure.run("postdeploy")
    assert run.returncode == 1
    assert f"the value {name} is missing" in run.stderr
    assert azure.calls() == []


# In the table of failures, but said by Azure, by a shell, or by nobody.
OF_OTHERS = {
    *("FlagMustBeSetForRestore", "InternalServerError", "ServiceAssociationLink", "roleAssignments/write", "403"),
    *("python3: not found", "preprovision", "VNET_ENABLED"),
}


def test_the_table_of_failures_quotes_what_the_hooks_say() -> None:
    lines = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if "| It fails with |" in line)
    table = lines[start : lines.index("", start)]
    header, _, *rows = [[cell.strip() for cell in line.split("|")] for line in table]
    quoting = header.index("It fails with")
    said = "".join(path.read_text(encoding="utf-8") for path in (INFRA / "hooks").glob("*.py"))
    said = re.sub(r'"\s+f?"', "", said).replace("{app}", "<app>").replace("{largest!r}", "'4e+06'")
    of_azd = [row for row in rows if "Step" not in header or row[header.index("Step")] == "`azd up`"]
    # tools.package and the app have tests of their own for their words.
    cells = [row[quoting] for row in of_azd if not row[quoting].startswith(("`package:", "*Log stream*"))]
    quoted = {phrase for cell in cells for phrase in re.findall(r"`([^`]+)`", cell)} - OF_OTHERS
    assert len(quoted) >= 10
    unsaid = {phrase for phrase in quoted if phrase.rpartition("... ")[2] not in said}
    assert not unsaid, f"no hook says {unsaid}"


def test_queue_delivery_does_not_fail_for_a_look_that_could_not_be_taken(azure: Azure) -> None:
    azure.start(login="none")
    azure.environment["EVENT_DELIVERY"] = "queue"
    run = azure.run("postdeploy")
    assert run.returncode == 0
    assert "note: whether" in run.stdout
    assert "az is not signed in" in run.stdout


# prepackage and predeploy

STAGES = """import pathlib, sys
with open("staged.log", "a") as log:
    log.write("staged\\n")
if pathlib.Path("broken").exists():
    sys.exit("package: missing: host.json")
target = pathlib.Path("build/package")
target.mkdir(parents=True, exist_ok=True)
target.joinpath("function_app.py").write_text(pathlib.Path("function_app.py").read_text())
"""


@pytest.fixture
def staging(azure: Azure) -> Azure:
    """A small repository whose tools.package notes when it was run."""
    root = copied_repository(azure.folder / "repository")
    for name in ("tools/__init__.py", "shared/__init__.py", "functions/__init__.py", "function_app.py", "host.json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("", encoding="utf-8")
    (root / "requirements.txt").write_text("", encoding="utf-8")
    (root / "tools" / "package.py").write_text(STAGES, encoding="utf-8")
    return Azure(azure.folder, root)


def stagings(azure: Azure) -> int:
    return (azure.root / "staged.log").read_text(encoding="utf-8").count("staged")


def touch(azure: Azure, name: str) -> None:
    with (azure.root / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")


def test_predeploy_leaves_alone_what_prepackage_has_just_staged(staging: Azure) -> None:
    assert staging.run("prepackage").returncode == 0
    second = staging.run("predeploy")
    assert second.returncode == 0
    assert "up to date" in second.stdout
    assert stagings(staging) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda azure: touch(azure, "shared/__init__.py"),
        lambda azure: touch(azure, "requirements.txt"),
        lambda azure: touch(azure, "tools/package.py"),
        lambda azure: touch(azure, "infra/main.bicep"),
        lambda azure: touch(azure, "build/package/function_app.py"),
        lambda azure: (azure.root / "build/package/function_app.py").unlink(),
        lambda azure: shutil.rmtree(azure.root / "build/package"),
        lambda azure: azure.environment.update(VNET_ENABLED="true"),
    ],
    ids=["code", "lock file", "tool", "template", "stage", "staged file gone", "stage gone", "parameter"],
)
def test_predeploy_stages_again_what_has_changed(staging: Azure, change: Callable[[Azure], Any]) -> None:
    staging.run("prepackage")
    change(staging)
    assert staging.run("predeploy").returncode == 0
    assert stagings(staging) == 2


def test_a_package_that_cannot_be_staged_stops_azd_and_is_tried_again(staging: Azure) -> None:
    (staging.root / "broken").touch()
    run = staging.run("prepackage")
    assert run.returncode == 1
    assert "package: missing: host.json" in run.stderr
    assert "make package" in run.stderr.splitlines()[-1]
    (staging.root / "broken").unlink()
    assert staging.run("predeploy").returncode == 0
    assert stagings(staging) == 2


def test_what_the_stage_depends_on_is_what_the_package_is_made_from() -> None:
    from infra.hooks import staging
    from tools import package

    assert set(package.FOLDERS) <= set(staging.FOLDERS)
    assert set(package.FILES) <= set(staging.FILES)
    assert staging.ROOT / package.STAGE == staging.STAGE


# the stand-in itself


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["functionapp", "keys", "lst"], "'lst' is misspelled or not recognized by the system."),
        (["functionapp"], "the following arguments are required: _subcommand"),
        (["functionapp", "keys", "list", "-g", "g"], "the following arguments are required: --name/-n"),
        (["functionapp", "keys", "list", "-g", "g", "-n", "n", "--bogus", "x"], "unrecognized arguments: --bogus x"),
        (["functionapp", "keys", "list", "-g", "g", "-n"], "argument --name/-n: expected one argument"),
        (["provider", "show", "-n", "x", "--query", "!!!"], "argument --query: invalid jmespath_type value: '!!!'"),
        (["provider", "show", "-n", "x", "-o", "xml"], "'xml' is not a valid value for '--output'"),
    ],
)
def test_the_stand_in_refuses_what_az_refuses(azure: Azure, words: list[str], complaint: str) -> None:
    """Wording and exit code as azure-cli 2.91.0 gave them here, without a login."""
    run = azure.az(*words)
    assert run.returncode == 2
    assert complaint in run.stderr


@pytest.mark.parametrize(
    ("result", "query", "form", "printed"),
    [
        ({"a": {}}, "!a.b", "tsv", ""),  # (!a).b is null, and null prints nothing
        ({"a": {"b": 1}}, "!(a.b)", "tsv", "false\n"),
        ({"a": {"b": 1}}, "a.b == null", "tsv", "false\n"),
        ({"a": {}}, "a.b == null", "tsv", "true\n"),
        ({"a": None}, "a == null", "json", "true\n"),
        ([{"kind": "x"}, {"kind": "y"}], "[].kind", "tsv", "x\ny\n"),
        ({"b": 2, "a": [1, 2]}, None, "tsv", "2\t2\n"),
        ({"b": 2, "a": None}, "{b: b, a: a}", "tsv", "2\tNone\n"),
        ({"b": 2, "a": True}, None, None, '{\n  "a": true,\n  "b": 2\n}\n'),
        ({"a": 1}, None, "none", ""),
    ],
)
def test_the_stand_in_prints_as_az_prints(result: Any, query: str | None, form: str | None, printed: str) -> None:
    """Checked against knack 0.14.0."""
    import jmespath

    assert output.text(result, jmespath.compile(query) if query else None, form) == printed


def test_every_command_of_the_stand_in_has_its_definition() -> None:
    assert set(subscription._COMMANDS) == set(arguments.COMMANDS)
