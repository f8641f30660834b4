"""What the templates promise: pinned released API versions, exact roles, no keys anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.infra.bicep import INFRA, ROOT, TEMPLATES, Resource, Template, read_template

# One version for each provider's type, all of them released. Seen in Azure Verified Modules of August 2026 or in the
# azure-mgmt package that test_properties.py reads.
API_VERSIONS = {
    "Microsoft.Authorization": "2022-04-01",
    "Microsoft.CognitiveServices": "2025-06-01",
    "Microsoft.Consumption": "2024-08-01",
    "Microsoft.EventGrid": "2025-02-15",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.ManagedIdentity": "2024-11-30",
    "Microsoft.Network": "2025-05-01",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.OperationalInsights": "2025-07-01",
    "Microsoft.Resources": "2024-11-01",
    "Microsoft.Storage": "2025-06-01",
    "Microsoft.Web": "2025-03-01",
}

# The built-in roles, by the ids Microsoft publishes.
ROLE_IDS = {
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageBlobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "storageQueueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "storageQueueDataMessageSender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "languageReader": "7628b7b8-a8b2-4cdc-b46f-e9b35248918e",
    "languageOwner": "f07febfe-79bc-46b1-8b37-790e26e6e498",
}

# Who may do what, where: the whole table. A new assignment is a decision to be read here first.
ASSIGNMENTS = {
    ("hostStorage", "appPrincipalId", "storageBlobDataOwner"),
    ("hostStorage", "appPrincipalId", "storageQueueDataContributor"),
    ("hostStorage", "appPrincipalId", "storageTableDataContributor"),
    ("dataStorage", "appPrincipalId", "storageBlobDataContributor"),
    ("dataStorage", "appPrincipalId", "storageQueueDataContributor"),
    ("dataStorage", "languagePrincipalId", "storageBlobDataContributor"),
    ("deadLetters", "topicPrincipalId", "storageBlobDataContributor"),
    ("events", "topicPrincipalId", "storageQueueDataMessageSender"),
    ("language", "appPrincipalId", "languageReader"),
    ("language", "authoringPrincipalId", "languageOwner"),
    ("insights", "appPrincipalId", "monitoringMetricsPublisher"),
    ("dataStorage", "deployerPrincipalId", "storageBlobDataContributor"),
    ("dataStorage", "deployerPrincipalId", "storageQueueDataContributor"),
    ("language", "deployerPrincipalId", "languageOwner"),
}

ALL = [(template, resource) for template in map(read_template, TEMPLATES) for resource in template.resources.values()]
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def of_type(kind: str) -> list[Resource]:
    return [resource for _, resource in ALL if resource.type == kind and not resource.is_existing]


@pytest.mark.parametrize(("template", "resource"), ALL, ids=str)
def test_api_versions_are_the_pinned_released_ones(template: Template, resource: Resource) -> None:
    parts = resource.type.split("/")
    pinned = API_VERSIONS.get("/".join(parts[:2])) or API_VERSIONS[parts[0]]
    assert resource.api_version == pinned, f"{template}:{resource.line} {resource.type}"
    assert "preview" not in pinned


def test_role_ids_are_exact_and_live_in_one_table() -> None:
    assert read_template(INFRA / "app" / "roles.bicep").variables["roles"] == ROLE_IDS
    for path in TEMPLATES:
        found = [match[0] for match in GUID.finditer(path.read_text(encoding="utf-8"))]
        assert found == (list(ROLE_IDS.values()) if path.name == "roles.bicep" else []), path.name


def test_the_role_assignments_are_the_ones_decided() -> None:
    deployer_roles = read_template(INFRA / "app" / "roles.bicep").variables["deployerDataRoles"].text
    found = set()
    for resource in of_type("Microsoft.Authorization/roleAssignments"):
        scope, principal = resource.body["scope"].text, resource.body["properties"]["principalId"].text
        declared = resource.text.replace("in deployerDataRoles", deployer_roles)
        found |= {(scope, principal, name) for name in re.findall(r"roles\.(\w+)", declared)}
        kind = resource.body["properties"]["principalType"]
        expected = "deployerPrincipalType" if principal == "deployerPrincipalId" else "ServicePrincipal"
        assert getattr(kind, "text", kind) == expected
    assert found == ASSIGNMENTS


def test_storage_and_language_take_no_keys() -> None:
    (storage,) = of_type("Microsoft.Storage/storageAccounts")
    assert storage.body["properties"]["allowSharedKeyAccess"] is False
    assert storage.body["properties"]["allowBlobPublicAccess"] is False
    assert storage.body["properties"]["minimumTlsVersion"] == "TLS1_2"
    (language,) = of_type("Microsoft.CognitiveServices/accounts")
    assert language.body["kind"] == "TextAnalytics"
    assert language.body["properties"]["disableLocalAuth"] is True
    assert language.body["properties"]["customSubDomainName"].text == "name"
    (insights,) = of_type("Microsoft.Insights/components")
    assert insights.body["properties"]["DisableLocalAuth"] is True
    (workspace,) = of_type("Microsoft.OperationalInsights/workspaces")
    assert workspace.body["properties"]["features"]["disableLocalAuth"] is True
    for policy in of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies"):
        assert policy.body["properties"]["allow"] is False


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
    if path.name == "event-webhook.bicep":
        # The one exception: the trigger's own key, read inside the deployment and handed to nobody else.
        assert len(found) == 1
        assert found[0].startswith("endpointUrl:")
        assert found[0].count("listKeys(") == 1
        return
    assert found == []


def test_no_output_carries_a_key() -> None:
    for path in TEMPLATES:
        for name, found in read_template(path).outputs.items():
            assert "key" not in getattr(found, "text", str(found)).lower(), f"{path.name}: {name}"
