"""Property names, read-only properties and enumerations of Azure resources, from Microsoft's azure-mgmt packages.

The packages come in two makes: TypeSpec models with annotations, and older ones with an attribute map whose keys are
flattened paths. Both become a `Shape` that a value of a template can be held against.
"""

from __future__ import annotations

import importlib
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, partial
from types import ModuleType
from typing import Any, cast

from tests.infra.bicep import Expression

# Resource type -> package, model. Sub-resources that the packages model by their parent's type are named here too.
RESOURCE_MODELS = {
    "Microsoft.Authorization/roleAssignments": ("authorization.v2022_04_01", "RoleAssignmentCreateParameters"),
    "Microsoft.CognitiveServices/accounts": ("cognitiveservices", "Account"),
    "Microsoft.Consumption/budgets": ("consumption", "Budget"),
    "Microsoft.EventGrid/systemTopics": ("eventgrid", "SystemTopic"),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": ("eventgrid", "EventSubscription"),
    "Microsoft.Insights/actionGroups": ("monitor", "ActionGroupResource"),
    "Microsoft.Insights/components": ("applicationinsights.v2020_02_02", "ApplicationInsightsComponent"),
    "Microsoft.Insights/metricAlerts": ("monitor", "MetricAlertResource"),
    "Microsoft.Insights/scheduledQueryRules": ("monitor", "ScheduledQueryRuleResource"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi.v2024_11_30", "Identity"),
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": (
        "msi.v2024_11_30",
        "FederatedIdentityCredential",
    ),
    "Microsoft.Network/privateDnsZones": ("privatedns", "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ("privatedns", "VirtualNetworkLink"),
    "Microsoft.Network/privateEndpoints": ("network", "PrivateEndpoint"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": ("network", "PrivateDnsZoneGroup"),
    "Microsoft.Network/virtualNetworks": ("network", "VirtualNetwork"),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics", "Workspace"),
    "Microsoft.Resources/resourceGroups": ("resource.resources", "ResourceGroup"),
    "Microsoft.Storage/storageAccounts": ("storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": ("storage", "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("storage", "BlobContainer"),
    "Microsoft.Storage/storageAccounts/managementPolicies": ("storage", "ManagementPolicy"),
    "Microsoft.Storage/storageAccounts/queueServices": ("storage", "QueueServiceProperties"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": ("storage", "StorageQueue"),
    "Microsoft.Web/serverfarms": ("web", "AppServicePlan"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": ("web", "CsmPublishingCredentialsPoliciesEntity"),
    "Microsoft.Web/sites/config": ("web", "StringDictionary"),
}

# Of Bicep itself, not of the resource.
BICEP_KEYS = frozenset({"name", "parent", "scope", "dependsOn"})


@dataclass
class Property:
    """`kind` is "object", "list", "map" or "scalar"; `inner` the shape of an object, or of the items."""

    kind: str = "scalar"
    inner: Callable[[], Shape] | None = None
    is_read_only: bool = False
    values: frozenset[str] = frozenset()


@dataclass
class Shape:
    name: str
    properties: dict[str, Property] = field(default_factory=dict)
    discriminator: str | None = None
    variants: Callable[[], dict[str, Shape]] | None = None


def shape_of(resource_type: str) -> Shape:
    package, model = RESOURCE_MODELS[resource_type]
    module = importlib.import_module(f"azure.mgmt.{package}.models")
    return _shape(module, getattr(module, model))


def problems(found: Any, shape: Shape, path: str) -> Iterator[str]:
    """What the model does not know, does not let one set, or does not list as a value."""
    if isinstance(found, Expression):
        for part in found.parts:
            yield from problems(part, shape, path)
        return
    if not isinstance(found, dict):
        return
    shape = _variant(shape, found)
    for key, each in found.items():
        known = shape.properties.get(key)
        where = f"{path}.{key}"
        if known is None:
            yield f"{where}: {shape.name} has no such property"
        elif known.is_read_only:
            yield f"{where}: read-only in {shape.name}"
        else:
            yield from _value_problems(each, known, where)


def _value_problems(found: Any, known: Property, path: str) -> Iterator[str]:
    if known.values and isinstance(found, str) and found not in known.values:
        yield f"{path}: {found!r} is none of {sorted(known.values)}"
    if known.inner is None:
        return
    if known.kind == "list":
        items = found if isinstance(found, list) else found.parts if isinstance(found, Expression) else ()
        for item in items:
            for each in item if isinstance(item, list) else [item]:
                yield from problems(each, known.inner(), f"{path}[]")
    elif known.kind == "map" and isinstance(found, dict):
        for each in found.values():
            yield from problems(each, known.inner(), f"{path}{{}}")
    elif known.kind == "object":
        yield from problems(found, known.inner(), path)


def _variant(shape: Shape, found: dict[str, Any]) -> Shape:
    if shape.discriminator is None or shape.variants is None:
        return shape
    return shape.variants().get(str(found.get(shape.discriminator)), shape)


@cache
def _shape(module: ModuleType, model: type) -> Shape:
    return _mapped_shape(module, model) if hasattr(model, "_attribute_map") else _typed_shape(module, model)


# TypeSpec: one class per object, annotations for types.


def _typed_shape(module: ModuleType, model: type) -> Shape:
    model()  # its fields are gathered at the first instance
    shape = Shape(model.__name__)
    annotations: dict[str, Any] = {}
    for base in reversed(model.__mro__):
        annotations |= getattr(base, "__dict__", {}).get("__annotations__", {})
    for name, rest in model._attr_to_rest_field.items():  # type: ignore[attr-defined]
        shape.properties[rest._rest_name] = _typed_property(module, annotations.get(name), rest)
        if rest._is_discriminator:
            shape.discriminator = rest._rest_name
    variants: Mapping[str, type] = getattr(model, "__mapping__", {})
    shape.variants = lambda: {key: _shape(module, each) for key, each in variants.items()}
    return shape


def _typed_property(module: ModuleType, annotation: Any, rest: Any) -> Property:
    found = _from_annotation(module, annotation)
    found.is_read_only = rest._visibility == ["read"]
    return found


def _from_annotation(module: ModuleType, annotation: Any) -> Property:
    if isinstance(annotation, str | typing.ForwardRef):
        name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        return _from_class(module, getattr(module, name.rpartition(".")[2], None))
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return Property("list", _from_annotation(module, arguments[0]).inner)
    if origin is dict:
        return Property("map", _from_annotation(module, arguments[1]).inner)
    candidates = [_from_annotation(module, each) for each in arguments]
    return next((each for each in candidates if each.inner or each.values), Property())


def _from_class(module: ModuleType, found: Any) -> Property:
    if not inspect.isclass(found):
        return Property()
    if issubclass(found, Enum):
        return Property(values=frozenset(str(member.value) for member in found))
    return Property("object", lambda: _shape(module, cast("type", found)))


# The older make: one flat map of attributes to paths.


def _mapped_shape(module: ModuleType, model: Any) -> Shape:
    shape = Shape(model.__name__)
    for attribute, entry in model._attribute_map.items():
        path = [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", entry["key"])]
        is_read_only = bool(model._validation.get(attribute, {}).get("readonly"))
        _insert(shape, path, _from_name(module, entry["type"], is_read_only))
    for attribute, subtypes in getattr(model, "_subtype_map", {}).items():
        shape.discriminator = model._attribute_map[attribute]["key"].replace("\\.", ".")
        shape.variants = partial(_subtypes, module, subtypes)
    return shape


def _subtypes(module: ModuleType, names: Mapping[str, str]) -> dict[str, Shape]:
    return {key: _shape(module, getattr(module, name)) for key, name in names.items()}


def _insert(shape: Shape, path: list[str], known: Property) -> None:
    for part in path[:-1]:
        parent = shape.properties.setdefault(part, Property("object"))
        if parent.inner is None:
            nested = Shape(f"{shape.name}.{part}")
            parent.inner = lambda nested=nested: nested
        shape = parent.inner()
    shape.properties[path[-1]] = known


def _from_name(module: ModuleType, name: str, is_read_only: bool) -> Property:
    kind = {"[": "list", "{": "map"}.get(name[0], "object")
    model = getattr(module, name.strip("[]{}"), None)
    if not hasattr(model, "_attribute_map"):
        return Property("scalar" if kind == "object" else kind, None, is_read_only)
    return Property(kind, lambda: _shape(module, model), is_read_only)
