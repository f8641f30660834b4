"""Before anything is created: is `az` there and signed in, and will the subscription accept what the template asks for?

A subscription refuses two things that no template can put right, one of them with an error that does not say why:
a Flex Consumption app in a network while the resource provider Microsoft.App is not registered, and its first Language
resource while nobody has accepted the Responsible AI terms. And a deployment that is private stays so.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from infra.hooks import azure_cli
from infra.hooks.azure_cli import Say
from infra.hooks.failures import HookError

AGAIN = "run the azd command again"
PROVIDER = "Microsoft.App"
INFRA = Path(__file__).resolve().parent.parent
PARAMETERS = INFRA / "main.parameters.json"
GROUP_PREFIX = "rg-"  # infra/abbreviations.json
KIND = "TextAnalytics"  # of Language accounts


def run(say: Say) -> None:
    """Raises HookError for what would fail after minutes, or without a reason."""
    subscription = os.environ.get("AZURE_SUBSCRIPTION_ID", "")
    if not subscription:
        _without_subscription(say)
        return
    _register_provider(say, subscription)
    _keep_private(subscription)
    _ask_for_terms(say, subscription)


def _without_subscription(say: Say) -> None:
    """A first `azd provision` without `azd up` runs this before it asks which subscription."""
    answer = azure_cli.ask("account", "show", "--output", "none")
    azure_cli.show(answer)
    azure_cli.raise_unless_ok(answer, doing="looking who is signed in", again=AGAIN)
    if _has_network():
        raise HookError(
            cause="VNET_ENABLED is true, and no subscription is chosen yet whose providers could be looked at",
            mend=f"azd env set AZURE_SUBSCRIPTION_ID <id>, then {AGAIN}",
        )
    say("no subscription is chosen yet, so nothing was looked at in it")


def _has_network() -> bool | None:
    """Whether a private network is asked for; None if nobody says so or otherwise, and the template's default holds."""
    value = json.loads(PARAMETERS.read_text(encoding="utf-8"))["parameters"].get("vnetEnabled", {}).get("value")
    if value is None or str(value).startswith("${VNET_ENABLED"):
        value = os.environ.get("VNET_ENABLED") or None
    return None if value is None else str(value).lower() == "true"


def _register_provider(say: Say, subscription: str) -> None:
    """For a network it is needed; without one it does no harm, and azure-cli#33177 asks for it there too."""
    state = azure_cli.ask(
        *("provider", "show", "--subscription", subscription, "--namespace", PROVIDER),
        *("--query", "registrationState", "--output", "tsv"),
    )
    azure_cli.show(state)
    azure_cli.raise_unless_ok(state, doing=f"looking at the resource provider {PROVIDER}", again=AGAIN)
    if state.stdout == "Registered":
        return
    say(f"registering the resource provider {PROVIDER}; it takes a minute or two")
    arguments = ("provider", "register", "--subscription", subscription, "--namespace", PROVIDER, "--wait")
    answer = azure_cli.ask(*arguments)
    azure_cli.show(answer)
    if answer.is_ok:
        return
    cause = f"the resource provider {PROVIDER} could not be registered; without it Azure refuses the app's network"
    mend = f"somebody with the role Contributor runs: az {' '.join(arguments)}; then {AGAIN}"
    if _has_network():
        raise HookError(cause=cause, mend=mend)
    say(f"note: {cause}. There is none now (VNET_ENABLED). To have it later: {mend}")


def _keep_private(subscription: str) -> None:
    """An environment without the value, say in a pipeline, must not open what another one has made private."""
    environment = os.environ.get("AZURE_ENV_NAME", "")
    if not environment or _has_network() is not None:
        return
    answer = azure_cli.ask(
        *("network", "vnet", "list", "--subscription", subscription, "--resource-group", GROUP_PREFIX + environment),
        *("--query", "[].name", "--output", "tsv"),
    )
    if answer.is_not_found:  # nothing is deployed yet
        return
    azure_cli.show(answer)
    azure_cli.raise_unless_ok(answer, doing="looking for a private network", again=AGAIN)
    if answer.stdout:
        raise HookError(
            cause=f"{environment} is deployed with a private network, and VNET_ENABLED is not set here:"
            " to go on would open its storage and its Language account to all networks",
            mend="azd env set VNET_ENABLED true (in a pipeline: the repository's variable of that name); false opens"
            f" them on purpose; then {AGAIN}",
        )


def _ask_for_terms(say: Say, subscription: str) -> None:
    """Asks Azure to validate a Language account, where the subscription is not known to have had one."""
    location = os.environ.get("AZURE_LOCATION", "")
    if not location or _had_language_account(subscription):
        return
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "language-account.json"
        template.write_text(json.dumps(_template(location)), encoding="utf-8")
        answer = azure_cli.ask(
            *("deployment", "sub", "validate", "--subscription", subscription, "--location", location),
            *("--name", "pigeonhole-language-terms", "--template-file", str(template), "--output", "none"),
        )
    azure_cli.show(answer)
    if "ResourceKindRequireAcceptTerms" in answer.stderr:
        azure_cli.raise_known(answer, again=AGAIN)
    if answer.is_ok:
        say("Azure accepts a first Language resource in this subscription")
    else:
        say("note: whether Azure accepts a first Language resource could not be asked; provisioning will show it")


def _had_language_account(subscription: str) -> bool:
    """False also where it may not be looked at, which is no reason to stop."""
    for command in ("list", "list-deleted"):
        answer = azure_cli.ask(
            *("cognitiveservices", "account", command, "--subscription", subscription),
            *("--query", "[].kind", "--output", "tsv"),
        )
        azure_cli.show(answer)
        if answer.is_ok and KIND in answer.stdout.split():
            return True
    return False


def _api_version(kind: str, template: str) -> str:
    """The one that the template will ask with."""
    found = re.search(f"'{re.escape(kind)}@([^']+)'", (INFRA / template).read_text(encoding="utf-8"))
    if found is None:
        raise HookError(cause=f"infra/{template} has no resource of type {kind}", mend="take both from one release")
    return found[1]


def _template(location: str) -> dict[str, Any]:
    """For validation only: nothing is created from it. Without references, which validation would not follow."""
    environment = os.environ.get("AZURE_ENV_NAME", "pigeonhole")
    schema = "https://schema.management.azure.com/schemas/{}/{}.json#"
    account = {
        "type": "Microsoft.CognitiveServices/accounts",
        "apiVersion": _api_version("Microsoft.CognitiveServices/accounts", "app/language.bicep"),
        "name": "[concat('lang-terms-', uniqueString(subscription().id, resourceGroup().name))]",
        "location": location,
        "kind": KIND,
        "sku": {"name": "S"},
        "properties": {"disableLocalAuth": True},
    }
    inner = {
        "$schema": schema.format("2019-04-01", "deploymentTemplate"),
        "contentVersion": "1.0.0.0",
        "resources": [account],
    }
    group = GROUP_PREFIX + environment
    return {
        "$schema": schema.format("2018-05-01", "subscriptionDeploymentTemplate"),
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.Resources/resourceGroups",
                "apiVersion": _api_version("Microsoft.Resources/resourceGroups", "main.bicep"),
                "name": group,
                "location": location,
            },
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2024-11-01",
                "name": "language-terms",
                "resourceGroup": group,
                "dependsOn": [f"[subscriptionResourceId('Microsoft.Resources/resourceGroups', '{group}')]"],
                "properties": {
                    "mode": "Incremental",
                    "expressionEvaluationOptions": {"scope": "inner"},
                    "template": inner,
                },
            },
        ],
    }
