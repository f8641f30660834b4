"""What is created, for each set of parameters: who may do what, no key anywhere, nothing open that should be closed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep import INFRA, MAIN, ROOT, SECOND_PHASE, TEMPLATES, read_template
from tests.infra.evaluated import REFERENCE, SETS, Evaluation, evaluated

# The sets that are a whole deployment.
DEPLOYMENTS = [name for name in SETS if name != SECOND_PHASE.stem]

# The built-in roles, by the ids Microsoft publishes.
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "7628b7b8-a8b2-4cdc-b46f-e9b35248918e": "Cognitive Services Language Reader",
    "f07febfe-79bc-46b1-8b37-790e26e6e498": "Cognitive Services Language Owner",
}

# Who may do what, where: the whole table. A new assignment is a decision to be read here first.
ASSIGNMENTS = {
    ("sthost", "id-app", "Storage Blob Data Owner"),
    ("sthost", "id-app", "Storage Queue Data Contributor"),
    ("sthost", "id-app", "Storage Table Data Contributor"),
    ("stdata", "id-app", "Storage Blob Data Contributor"),
    ("stdata", "id-app", "Storage Queue Data Contributor"),
    ("stdata", "lang", "Storage Blob Data Contributor"),
    ("training", "id-authoring", "Storage Blob Data Contributor"),
    ("dead-letters", "egst", "Storage Blob Data Contributor"),
    ("events", "egst", "Storage Queue Data Message Sender"),
    ("lang", "id-app", "Cognitive Services Language Reader"),
    ("lang", "id-authoring", "Cognitive Services Language Owner"),
    ("appi", "id-app", "Monitoring Metrics Publisher"),
}
DEPLOYER = "00000000-0000-0000-0000-00000000beef"
# A person may upload and train; a pipeline deploys and needs neither.
OF_A_PERSON = {
    ("stdata", DEPLOYER, "Storage Blob Data Contributor"),
    ("stdata", DEPLOYER, "Storage Queue Data Contributor"),
    ("lang", DEPLOYER, "Cognitive Services Language Owner"),
}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What a role assignment is made on: before the comma of a function call, or the front of the id itself.
_SCOPE = re.compile(
    r"(?:\[extensionResourceId\('(?P<called>[^']+)')|(?:(?P<front>.+)/providers/Microsoft\.Authorization/)"
)


def short(name: str) -> str:
    return re.sub(r"-?<token>$", "", name.rpartition("/")[2])


def assignments(found: Evaluation) -> dict[tuple[str, str, str], str]:
    """Scope, principal and role of each, to the principal's type."""
    table = {}
    for place, each in found.resources.items():
        if each["type"] != "Microsoft.Authorization/roleAssignments":
            continue
        scope = _SCOPE.match(place)
        assert scope, place
        properties = each["properties"]
        principal = REFERENCE.search(properties["principalId"])
        if principal:
            assert principal["property"] in ("principalId", "identity.principalId")
        who = short(principal["name"]) if principal else properties["principalId"]
        role = ROLES[properties["roleDefinitionId"].rpartition("/")[2]]
        table[short(scope["called"] or scope["front"]), who, role] = properties["principalType"]
    return table


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_the_role_assignments_are_the_ones_decided(name: str) -> None:
    found = assignments(evaluated(name))
    by_a_person = OF_A_PERSON if name == "webhook" else set()
    assert set(found) == ASSIGNMENTS | by_a_person
    assert {kind for (_, who, _), kind in found.items() if who == DEPLOYER} == ({"User"} if by_a_person else set())
    assert {kind for (_, who, _), kind in found.items() if who != DEPLOYER} == {"ServicePrincipal"}


def test_role_ids_live_in_one_table() -> None:
    for path in TEMPLATES:
        found = [match[0] for match in GUID.finditer(path.read_text(encoding="utf-8"))]
        assert found == (list(ROLES) if path.name == "roles.bicep" else []), path.name


@pytest.mark.parametrize("name", SETS)
def test_no_preview_version_of_an_api_is_used(name: str) -> None:
    for place, each in evaluated(name).resources.items():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", each["apiVersion"]), place


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_storage_language_and_logs_take_no_keys(name: str) -> None:
    found = evaluated(name)
    accounts = found.of_type("Microsoft.Storage/storageAccounts")
    assert len(accounts) == 2
    for each in accounts:
        assert each["properties"]["allowSharedKeyAccess"] is False
        assert each["properties"]["allowBlobPublicAccess"] is False
        assert each["properties"]["minimumTlsVersion"] == "TLS1_2"
    language = found.one("Microsoft.CognitiveServices/accounts")
    assert language["kind"] == "TextAnalytics"
    assert language["properties"]["disableLocalAuth"] is True
    assert language["properties"]["customSubDomainName"] == language["name"]
    assert found.one("Microsoft.Insights/components")["properties"]["DisableLocalAuth"] is True
    workspace = found.one("Microsoft.OperationalInsights/workspaces")
    assert workspace["properties"]["features"]["disableLocalAuth"] is True


@pytest.mark.parametrize("name", [each for each in DEPLOYMENTS if each != "self-hosted"])
def test_the_function_app_has_its_two_identities_and_no_password(name: str) -> None:
    found = evaluated(name)
    app = found.one("Microsoft.Web/sites")
    assert {short(each) for each in app["identity"]["userAssignedIdentities"]} == {"id-app", "id-authoring"}
    assert app["properties"]["httpsOnly"] is True
    policies = found.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert [each["properties"]["allow"] for each in policies] == [False, False]


@pytest.mark.parametrize("name", [each for each in DEPLOYMENTS if each != "self-hosted"])
def test_no_app_setting_holds_a_key(name: str) -> None:
    settings = evaluated(name).app_settings
    assert {"DATA_STORAGE", "LANGUAGE_KEY", "AzureWebJobsStorage"}.isdisjoint(settings)
    for setting, value in settings.items():
        assert isinstance(value, str), setting
        assert not SECRETS.search(value), setting
        assert not re.search(r"list\w*\(", value), setting


@pytest.mark.parametrize("name", SETS)
def test_every_output_is_a_string(name: str) -> None:
    """azd writes a number as Go prints a float: 4000000 arrives as 4e+06."""
    for output, value in evaluated(name).outputs.items():
        assert isinstance(value, str), output


def test_every_output_is_declared_a_string() -> None:
    for path in (MAIN, SECOND_PHASE):
        assert {name: kind for name, kind in read_template(path).outputs.items() if kind != "string"} == {}


SECRET_NAMES = re.compile(r"key|secret|token\b|password|connectionstring|\bsas\b", re.IGNORECASE)


def test_no_output_carries_a_secret() -> None:
    """Outputs stay readable in the history of deployments: those of the modules, too."""
    for path in TEMPLATES:
        declared = re.findall(r"^output (\w+) \w+ = (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert {name for name, _ in declared} == set(read_template(path).outputs)
        for name, value in declared:
            assert not SECRET_NAMES.search(f"{name} {value}"), f"{path.name}: {name}"
    for name in SETS:
        for output, value in evaluated(name).outputs.items():
            assert not SECRET_NAMES.search(f"{output} {value}".replace("<token>", "")), f"{name}: {output}"


SECRETS = re.compile(
    r"AccountKey=|SharedAccess|sig=|listKeys|listAccountSas|listConnectionStrings|key1|@secure|\bcode=(?![\[*])|password",
    re.IGNORECASE,
)
SHIPPED = [
    path
    for folder in ("infra", ".github")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
] + [ROOT / "azure.yaml"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_key_or_secret_is_named(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [line.strip() for line in lines if SECRETS.search(line) and not line.strip().startswith(("//", "#"))]
    if path == SECOND_PHASE:
        # The one exception: the trigger's own key, read inside the deployment and handed to nobody else.
        assert len(found) == 1
        assert found[0].startswith("endpointUrl:")
        assert found[0].count("listKeys(") == 1
        return
    assert found == []


def test_only_the_webhook_reads_a_key_and_only_the_trigger_s_own() -> None:
    for name in SETS:
        text = json.dumps(evaluated(name).resources)
        assert re.findall(r"list\w*\('[^']*'", text) == (
            ["listKeys('<group>/providers/Microsoft.Web/sites/func-test/host/default'"]
            if name == SECOND_PHASE.stem
            else []
        ), name


FIREWALLED = ("Microsoft.Storage/storageAccounts", "Microsoft.CognitiveServices/accounts")


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_the_firewall_is_closed_when_the_network_is_private_and_only_then(name: str) -> None:
    rules = [each["properties"]["networkAcls"] for kind in FIREWALLED for each in evaluated(name).of_type(kind)]
    expected: tuple[str, list[str]] = ("Deny", ["203.0.113.7"]) if name == "private" else ("Allow", [])
    assert [(each["defaultAction"], [rule["value"] for rule in each["ipRules"]]) for each in rules] == [expected] * 3


def test_a_private_network_reaches_every_service_of_the_app() -> None:
    found = evaluated("private")
    reached = {
        (short(each["privateLinkServiceId"]), each["groupIds"][0])
        for endpoint in found.of_type("Microsoft.Network/privateEndpoints")
        for each in _properties(endpoint["properties"]["privateLinkServiceConnections"])
    }
    assert reached == {
        *(("sthost", kind) for kind in ("blob", "queue", "table")),
        *(("stdata", kind) for kind in ("blob", "queue")),
        ("lang", "account"),
    }
    zones = found.names("Microsoft.Network/privateDnsZones")
    kinds = {match[1] for each in zones if (match := re.search(r"privatelink\.(\w+)\.", each))}
    assert kinds == {"blob", "queue", "table", "cognitiveservices"}
    assert len(found.of_type("Microsoft.Network/privateDnsZones/virtualNetworkLinks")) == len(zones)
    groups = found.of_type("Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    assert len(groups) == len(reached)
    app, _ = _subnets(found)
    assert found.one("Microsoft.Web/sites")["properties"]["virtualNetworkSubnetId"].endswith("/subnets/app")
    assert app["delegations"][0]["properties"]["serviceName"] == "Microsoft.App/environments"


def _properties(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["properties"] for each in found]


def _subnets(found: Evaluation) -> list[dict[str, Any]]:
    return _properties(found.one("Microsoft.Network/virtualNetworks")["properties"]["subnets"])


def test_nothing_of_a_network_is_made_without_one() -> None:
    for name in set(DEPLOYMENTS) - {"private"}:
        assert [
            each for each in evaluated(name).resources.values() if each["type"].startswith("Microsoft.Network/")
        ] == []


def test_every_resource_that_has_a_place_is_tagged() -> None:
    for name in DEPLOYMENTS:
        tags = {"azd-env-name": "test"} | ({"team": "letters"} if name == "free" else {})
        for place, each in evaluated(name).resources.items():
            if "location" in each:
                assert tags.items() <= each["tags"].items(), place


def test_a_website_reads_blobs_for_labelling_only_when_it_is_named() -> None:
    for name in DEPLOYMENTS:
        found = evaluated(name).of_type("Microsoft.Storage/storageAccounts/blobServices")
        rules = {short(each["name"].partition("/")[0]): each["properties"].get("cors") for each in found}
        assert rules["sthost"] in (None, {"corsRules": []})
        origins = [
            origin for rule in (rules["stdata"] or {"corsRules": []})["corsRules"] for origin in rule["allowedOrigins"]
        ]
        assert origins == (["https://language.cognitive.azure.com"] if name == "free" else [])


def test_what_is_optional_is_made_when_it_is_asked_for() -> None:
    found = evaluated("free")
    assert found.one("Microsoft.CognitiveServices/accounts")["sku"] == {"name": "F0"}
    assert found.one("Microsoft.Consumption/budgets")["properties"]["amount"] == 20
    assert found.one("Microsoft.Insights/actionGroups")["properties"]["emailReceivers"][0]["emailAddress"]
    assert found.app_settings["PIPELINE_LINGER_SECONDS"] == "5"
    scale = found.one("Microsoft.Web/sites")["properties"]["functionAppConfig"]["scaleAndConcurrency"]
    assert scale["alwaysReady"] == [{"name": "http", "instanceCount": 1}]
    for name in DEPLOYMENTS:
        rules = evaluated(name).of_type("Microsoft.Insights/scheduledQueryRules")
        assert bool(rules) is (name != "preview")
    for name in set(DEPLOYMENTS) - {"free"}:
        assert evaluated(name).one("Microsoft.CognitiveServices/accounts")["sku"] == {"name": "S"}
        assert evaluated(name).of_type("Microsoft.Consumption/budgets") == []
        assert evaluated(name).of_type("Microsoft.Insights/actionGroups") == []


def test_who_hosts_the_app_elsewhere_gets_all_but_the_app() -> None:
    found, whole = evaluated("self-hosted"), evaluated("queue")
    missing = {whole.resources[each]["type"] for each in set(whole.resources) - set(found.resources)}
    assert missing == {
        "Microsoft.Web/serverfarms",
        "Microsoft.Web/sites",
        "Microsoft.Web/sites/config",
        "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
    }
    credentials = found.of_type("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials")
    assert {(short(each["name"].partition("/")[0]), each["properties"]["subject"]) for each in credentials} == {
        ("id-app", "system:serviceaccount:pigeonhole:pigeonhole"),
        ("id-app", "system:serviceaccount:keda:keda-operator"),
        ("id-authoring", "system:serviceaccount:pigeonhole:pigeonhole"),
    }
    assert found.outputs["FUNCTION_APP_NAME"] == found.outputs["FUNCTION_APP_URL"] == ""
    assert set(found.outputs) == set(whole.outputs)


def test_the_documents_of_the_user_are_deleted_only_on_request() -> None:
    for name in DEPLOYMENTS:
        policy = evaluated(name).one("Microsoft.Storage/storageAccounts/managementPolicies")["properties"]["policy"]
        deleted = {rule["name"] for rule in policy["rules"]}
        assert ("expire-documents" in deleted) is (name == "free")


def test_every_secret_pattern_finds_one() -> None:
    for line in ("AccountKey=x", "?sig=x", "listKeys(app.id)", "&code=abc", "Password: x"):
        assert SECRETS.search(line), line
    assert not SECRETS.search("code=[key]")


def test_the_templates_lie_where_they_are_looked_for() -> None:
    assert {path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep")} == {
        path.relative_to(INFRA).as_posix() for path in TEMPLATES
    }


def test_people_sign_in_only_where_an_app_registration_is_named_and_calls_with_a_key_still_pass() -> None:
    """Event Grid's webhook signs nobody in: to demand a sign-in of everything would cut uploads off."""
    configured = {
        (name, each["name"].rpartition("/")[2]): each["properties"]
        for name in DEPLOYMENTS
        for each in evaluated(name).of_type("Microsoft.Web/sites/config")
    }
    assert {name for name, kind in configured if kind == "authsettingsV2"} == {"private"}
    settings = configured["private", "authsettingsV2"]
    assert settings["platform"] == {"enabled": True}
    assert settings["globalValidation"]["unauthenticatedClientAction"] == "AllowAnonymous"
    registration = settings["identityProviders"]["azureActiveDirectory"]["registration"]
    assert set(registration) == {"clientId", "openIdIssuer"}, "a secret would have to lie in a setting"
    believing = {
        name for (name, kind), each in configured.items() if kind == "appsettings" and each.get("EASY_AUTH") == "true"
    }
    assert believing == {"private"}, "the app believes a header only where Easy Auth guards it"
