"""What the stand-in's `az` talks to: one subscription, kept in a file, that answers and refuses as Azure does.

Asked for a key it gives the key, and an error about an address quotes the whole address: a leak in a hook is seen.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

ID = "00000000-0000-0000-0000-000000000000"
GROUP = "rg-letters"
APP = "func-letters"
TOPIC = "egst-letters"
STORAGE = "stdataletters"
KEY = "s3cr3t-blobs-key=="

State = dict[str, Any]
Options = dict[str, Any]

# The state of a subscription in which `azd provision` has just run and the app is starting.
PROVISIONED: State = {
    "calls": [],
    "login": "valid",  # none, expired
    "forbidden": [],  # actions the account may not do
    "unreachable": False,
    "bicep": True,
    "providers": {"Microsoft.App": "Registered"},
    "terms_accepted": True,
    "broken_providers": False,
    "groups": [GROUP],
    "networks": [],
    "language_accounts": [],
    "deleted_language_accounts": [],
    "resources": [APP, TOPIC, STORAGE],
    "host": "running",  # broken: does not start; empty: no functions
    "starts_after": 0,  # times that keys are asked for
    "keys": [],  # of the blob trigger
    "quota_is_used_up": False,
    "handshakes_lost": 0,
    "busy": 0,  # deployments that Azure does not take
    "subscriptions": {},
}

_PARAMETER = re.compile(r"^param (\w+) (\w+)( =)?", re.MULTILINE)
_FAILED = 1
_NOT_FOUND = 3


def run(file: Path, command: str, options: Options) -> Any:
    """The result of a command. Exits with azure-cli's code and words where it or Azure refuses."""
    state: State = json.loads(file.read_text(encoding="utf-8"))
    try:
        if command == "deployment group create":
            _compile(state)  # before anything else, login included
        return _COMMANDS[command](state, _signed_in(state, options))
    finally:
        file.write_text(json.dumps(state), encoding="utf-8")


def _compile(state: State) -> None:
    if not state["bicep"]:
        refuse(
            "Error while attempting to retrieve the latest Bicep version: HTTPSConnectionPool(host='aka.ms', "
            "port=443): Max retries exceeded with url: /BicepLatestRelease."
        )


def refuse(text: str, code: int = _FAILED) -> NoReturn:
    print(f"ERROR: {text}", file=sys.stderr)
    sys.exit(code)


def _azure_error(code: str, message: str, exit_code: int = _FAILED) -> NoReturn:
    refuse(f"({code}) {message}\nCode: {code}\nMessage: {message}", exit_code)


def _signed_in(state: State, options: Options) -> Options:
    subscription = options.get("subscription")
    if state["login"] == "none":
        if subscription:
            print(f"WARNING: Subscription '{subscription}' not recognized.", file=sys.stderr)
        refuse("Please run 'az login' to setup account.")
    if subscription not in (None, ID):
        print(f"WARNING: Subscription '{subscription}' not recognized.", file=sys.stderr)
        refuse(f"Subscription '{subscription}' not found. Check the spelling and casing and try again.")
    return options


def _reach_azure(state: State) -> None:
    """What every command needs that does not look into azure-cli's own files only."""
    if state["login"] == "expired":
        refuse(
            "AADSTS700082: The refresh token has expired due to inactivity.\n"
            "Interactive authentication is needed. Please run:\naz logout\naz login"
        )
    if state["unreachable"]:
        refuse(
            "HTTPSConnectionPool(host='management.azure.com', port=443): Max retries exceeded with url: /subscriptions "
            "(Caused by NewConnectionError('Failed to establish a new connection'))"
        )


def _authorize(state: State, action: str) -> None:
    if action in state["forbidden"]:
        _azure_error(
            "AuthorizationFailed",
            f"The client 'ann@letters.example' does not have authorization to perform action '{action}' over scope "
            f"'/subscriptions/{ID}' or the scope is invalid.",
        )


def _require_group(state: State, group: str) -> None:
    if group not in state["groups"]:
        _azure_error("ResourceGroupNotFound", f"Resource group '{group}' could not be found.", _NOT_FOUND)


def _require(state: State, kind: str, group: str, name: str) -> str:
    """The resource's id."""
    _require_group(state, group)
    if name not in state["resources"]:
        _azure_error(
            "ResourceNotFound",
            f"The Resource '{kind}/{name}' under resource group '{group}' was not found.",
            _NOT_FOUND,
        )
    return f"/subscriptions/{ID}/resourceGroups/{group}/providers/{kind}/{name}"


def _account_show(state: State, options: Options) -> Any:
    return {
        "environmentName": "AzureCloud",
        "homeTenantId": "00000000-0000-0000-0000-00000000000a",
        "id": ID,
        "isDefault": True,
        "managedByTenants": [],
        "name": "Letters",
        "state": "Enabled",
        "tenantId": "00000000-0000-0000-0000-00000000000a",
        "user": {"name": "ann@letters.example", "type": "user"},
    }


def _provider_show(state: State, options: Options) -> Any:
    _reach_azure(state)
    if state["broken_providers"]:
        _azure_error("InternalServerError", "Encountered internal server error.")
    name = options["namespace"]
    return {
        "id": f"/subscriptions/{ID}/providers/{name}",
        "namespace": name,
        "providerAuthorizationConsentState": None,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": state["providers"].get(name, "NotRegistered"),
        "resourceTypes": [],
    }


def _provider_register(state: State, options: Options) -> Any:
    _reach_azure(state)
    name = options["namespace"]
    _authorize(state, f"{name}/register/action")
    if options["wait"]:
        state["providers"][name] = "Registered"
    else:
        state["providers"][name] = "Registering"
        print(
            f"WARNING: Registering is still on-going. You can monitor using 'az provider show -n {name}'",
            file=sys.stderr,
        )


def _networks(state: State, options: Options) -> Any:
    _reach_azure(state)
    _authorize(state, "Microsoft.Network/virtualNetworks/read")
    _require_group(state, options["resource_group"])
    kind = "Microsoft.Network/virtualNetworks"
    return [
        {
            "addressSpace": {"addressPrefixes": ["10.20.0.0/16"]},
            "id": f"/subscriptions/{ID}/resourceGroups/{GROUP}/providers/{kind}/{name}",
            "name": name,
            "resourceGroup": GROUP,
            "subnets": [],
            "type": kind,
        }
        for name in state["networks"]
    ]


def _language_accounts(state: State, options: Options) -> Any:
    _reach_azure(state)
    _authorize(state, "Microsoft.CognitiveServices/accounts/read")
    return [_language_account(name) for name in state["language_accounts"]]


def _deleted_language_accounts(state: State, options: Options) -> Any:
    _reach_azure(state)
    return [_language_account(name) for name in state["deleted_language_accounts"]]


def _language_account(name: str) -> Any:
    kind = "Microsoft.CognitiveServices/accounts"
    return {
        "id": f"/subscriptions/{ID}/resourceGroups/{GROUP}/providers/{kind}/{name}",
        "identity": None,
        "kind": "OpenAI" if name.startswith("oai") else "TextAnalytics",
        "location": "westeurope",
        "name": name,
        "properties": {"customSubDomainName": name, "disableLocalAuth": True, "provisioningState": "Succeeded"},
        "resourceGroup": GROUP,
        "sku": {"name": "S", "tier": None},
        "type": kind,
    }


def _function_keys(state: State, options: Options) -> Any:
    _reach_azure(state)
    _require(state, "Microsoft.Web/sites", options["resource_group"], options["name"])
    if state["starts_after"] > 0:
        state["starts_after"] -= 1
    elif state["host"] == "running" and not state["keys"]:
        state["keys"] = [KEY]
    if state["host"] == "broken":
        refuse(
            "Operation returned an invalid status 'Bad Request'\n"
            "Encountered an error (ServiceUnavailable) from host runtime."
        )
    return {
        "functionKeys": {"default": "the-default-function-key"},
        "masterKey": "the-master-key",
        "systemKeys": dict.fromkeys(["blobs_extension"] if state["keys"] else [], KEY),
    }


def _event_subscription(state: State, options: Options) -> tuple[str, str]:
    """Its name, and its id."""
    _reach_azure(state)
    topic = _require(state, "Microsoft.EventGrid/systemTopics", options["resource_group"], options["system_topic_name"])
    name = options["name"]
    if name not in state["subscriptions"]:
        _azure_error("ResourceNotFound", "Event subscription doesn't exist.", _NOT_FOUND)
    return name, f"{topic}/eventSubscriptions/{name}"


def _show_event_subscription(state: State, options: Options) -> Any:
    name, found = _event_subscription(state, options)
    address = state["subscriptions"][name]["endpointUrl"]
    destination = {"endpointType": "WebHook", "endpointBaseUrl": address.partition("?")[0]}
    return {"id": found, "name": name, "destination": destination, "provisioningState": "Succeeded"}


def _delete_event_subscription(state: State, options: Options) -> Any:
    name, _ = _event_subscription(state, options)
    del state["subscriptions"][name]


def _validate(state: State, options: Options) -> Any:
    """Azure follows nested deployments as long as their parameters need no deployed resource."""
    _reach_azure(state)
    template = json.loads(Path(options["template_file"]).read_text(encoding="utf-8"))
    first = [each for each in _resources(template) if each.get("kind") == "TextAnalytics"]
    if first and not state["terms_accepted"]:
        inner = {
            "code": "ResourceKindRequireAcceptTerms",
            "message": "This subscription cannot create TextAnalytics until you agree to Responsible AI terms for this "
            "resource. You can agree to Responsible AI terms by creating a resource through the Azure Portal.",
        }
        outer = {
            "code": "InvalidTemplateDeployment",
            "message": "The template deployment is not valid. See inner errors.",
        }
        refuse(f"{json.dumps(outer)}\n\nInner Errors: \n{json.dumps(inner)}")
    return {"error": None, "properties": {"provisioningState": "Succeeded"}, "name": options["name"]}


def _resources(template: Any) -> Iterator[Any]:
    for resource in template["resources"]:
        yield resource
        if resource["type"] == "Microsoft.Resources/deployments":
            yield from _resources(resource["properties"]["template"])


def _deploy(state: State, options: Options) -> Any:
    _reach_azure(state)
    values = _parameters(Path(options["template_file"]), [word for words in options["parameters"] for word in words])
    if Path(options["template_file"]).name != "event-webhook.bicep":
        raise NotImplementedError("the stand-in deploys event-webhook.bicep only")
    _require_group(state, options["resource_group"])
    _authorize(state, "Microsoft.Resources/deployments/write")
    if state["busy"] > 0:
        state["busy"] -= 1
        _azure_error("ServiceUnavailable", "The service is temporarily unavailable.")
    for name in (values["topicName"], values["functionAppName"], values["storageAccountName"]):
        if name not in state["resources"]:
            _deployment_failed(
                "ResourceNotFound", f"The Resource '{name}' under resource group '{GROUP}' was not found."
            )
    if state["quota_is_used_up"]:
        _deployment_failed("QuotaExceeded", "The number of event subscriptions of this topic is at its limit.")
    if not state["keys"]:
        _deployment_failed("InvalidTemplate", "The language expression property 'blobs_extension' doesn't exist.")
    address = (
        f"https://{APP}.azurewebsites.net/runtime/webhooks/blobs?functionName=Host.Functions.accept_document&code={KEY}"
    )
    if state["handshakes_lost"] > 0:
        state["handshakes_lost"] -= 1
        _deployment_failed(
            "Url validation",
            f"Webhook validation handshake failed for {address}. Http POST request failed with response code Unknown. "
            "For troubleshooting, visit https://aka.ms/esvalidation.",
        )
    state["subscriptions"]["documents-to-webhook"] = {"endpointUrl": address, "filter": values}
    return {
        "name": options["name"],
        "properties": {"mode": "Incremental", "provisioningState": "Succeeded", "outputs": None},
    }


def _deployment_failed(code: str, message: str) -> NoReturn:
    outer = {"code": "DeploymentFailed", "message": "At least one resource deployment operation failed."}
    refuse(f"{json.dumps(outer)}\n\nInner Errors: \n{json.dumps({'code': code, 'message': message})}")


def _parameters(template: Path, words: list[str]) -> dict[str, Any]:
    """`name=value` against the template's own parameters, with azure-cli's conversions and complaints."""
    if not template.is_file():
        refuse(f"[Errno 2] No such file or directory: '{template}'")
    found = _PARAMETER.findall(template.read_text(encoding="utf-8"))
    declared = {name: (kind, bool(default)) for name, kind, default in found}
    values: dict[str, Any] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator:
            refuse(f"Unable to parse parameter: {word}")
        if name not in declared:
            refuse(f"unrecognized template parameter '{name}'. Allowed parameters: {', '.join(sorted(declared))}")
        try:
            values[name] = int(value) if declared[name][0] == "int" else value
        except ValueError as error:
            refuse(str(error))
    missing = [name for name, (_, has_default) in declared.items() if name not in values and not has_default]
    if missing:
        refuse(f"Missing input parameters: {', '.join(sorted(missing))}")
    return values


_COMMANDS: dict[str, Callable[[State, Options], Any]] = {
    "account show": _account_show,
    "cognitiveservices account list": _language_accounts,
    "cognitiveservices account list-deleted": _deleted_language_accounts,
    "deployment group create": _deploy,
    "deployment sub validate": _validate,
    "eventgrid system-topic event-subscription delete": _delete_event_subscription,
    "eventgrid system-topic event-subscription show": _show_event_subscription,
    "functionapp keys list": _function_keys,
    "network vnet list": _networks,
    "provider register": _provider_register,
    "provider show": _provider_show,
}
