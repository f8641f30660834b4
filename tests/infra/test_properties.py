"""Every property name, and every literal of an enumeration, against Microsoft's own models of the resources."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.bicep import TEMPLATES, Expression, Resource, Template, read_template
from tests.infra.models import BICEP_KEYS, RESOURCE_MODELS, problems, shape_of

CASES = [
    pytest.param(template, resource, id=f"{template}-{resource.symbol}")
    for template in map(read_template, TEMPLATES)
    for resource in template.resources.values()
]


@pytest.mark.parametrize(("template", "resource"), CASES)
def test_every_property_is_known_to_the_resource_model(template: Template, resource: Resource) -> None:
    body = {key: each for key, each in resource.body.items() if key not in BICEP_KEYS}
    found = list(problems(body, shape_of(resource.type), resource.symbol))
    assert not found, f"{template}:{resource.line} {resource.type}:\n  " + "\n  ".join(found)


def test_every_model_is_used() -> None:
    used = {resource.type for path in TEMPLATES for resource in read_template(path).resources.values()}
    assert used == set(RESOURCE_MODELS)


MISTAKES: dict[str, list[dict[str, Any]]] = {
    "Microsoft.Web/sites": [
        {"properties": {"functionAppConfig": {"runtime": {"nam": "python"}}}},
        {"properties": {"functionAppConfig": {"deployment": {"storage": {"type": "blobcontainer"}}}}},
        {"properties": {"hostNames": ["a"]}},
        {"propertys": {}},
    ],
    "Microsoft.Storage/storageAccounts": [
        {"sku": {"name": "Standard_XRS"}},
        {"properties": {"networkAcls": {"ipRules": [{"ip": "1.2.3.4"}]}}},
        {"properties": Expression("union()", 1, ({"allowSharedKeys": False},))},
    ],
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": [
        {"properties": {"destination": {"endpointType": "WebHook", "properties": {"endpoint": "x"}}}},
        {"properties": {"filter": {"advancedFilters": [{"operatorType": "NumberLessThan", "values": [1]}]}}},
        {"properties": {"deadLetterWithResourceIdentity": {"identity": {"kind": "SystemAssigned"}}}},
    ],
    "Microsoft.Insights/scheduledQueryRules": [{"properties": {"criteria": {"allOf": [{"kql": "x"}]}}}],
    "Microsoft.CognitiveServices/accounts": [{"properties": {"disableKeys": True}}, {"properties": {"endpoint": "x"}}],
}


@pytest.mark.parametrize(
    ("kind", "body"), [(kind, body) for kind, bodies in MISTAKES.items() for body in bodies], ids=str
)
def test_the_check_notices_a_mistake(kind: str, body: dict[str, object]) -> None:
    assert len(list(problems(body, shape_of(kind), "body"))) == 1


def test_modules_pass_exactly_the_parameters_their_template_takes() -> None:
    for path in TEMPLATES:
        for module in read_template(path).modules.values():
            target = read_template(path.parent / module.type)
            given = set(module.body["params"])
            needed = {name for name, parameter in target.parameters.items() if not parameter.has_default}
            assert needed <= given <= set(target.parameters), f"{path.name}:{module.line} {module.symbol}"
