"""What a handler's signature must be. The verdicts are the real worker's: an app refused in Azure is refused here.

Followed rule by rule: azure_functions_runtime.functions.Registry (PyPI azure-functions-runtime 1.3.0), whose verdicts
the tests hold next to these.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import azure.functions as func
from azure.functions._thirdparty.typing_inspect import is_generic_type

from functions_host.bindings import Binding

RETURN = "$return"
GENERIC = "generic"
"""The binding type of a parameter annotated str or bytes: it gets the raw value, whatever the binding."""


class FunctionLoadError(RuntimeError):
    """The app cannot be indexed; the message says which function and why."""


class BoundType(NamedTuple):
    binding_type: str
    annotation: Any
    """None when the parameter has no annotation."""


@dataclass(frozen=True)
class Signature:
    wants_context: bool
    trigger: BoundType
    returned: BoundType | None
    """The `$return` binding of an HTTP function."""


def read_signature(name: str, handler: Callable[..., Any], bindings: Iterable[Binding]) -> Signature:
    """The checked signature of `handler`; raises FunctionLoadError."""
    bound = {binding.name: binding for binding in bindings}
    annotations = typing.get_type_hints(handler)
    parameters = set(inspect.signature(handler).parameters)
    wants_context = _takes_context(name, parameters, bound, annotations)
    returned = _read_return(name, bound.pop(RETURN, None), annotations)
    _check_names(name, parameters - ({"context"} if wants_context else set()), set(bound))
    [trigger] = bound.values()
    return Signature(wants_context, _read_trigger(name, trigger, annotations), returned)


def converter_of(binding_type: str) -> Any:
    """The class of the azure-functions library that decodes and encodes this binding; None for GENERIC."""
    return func.get_binding_registry().get(binding_type)


def _takes_context(
    name: str, parameters: set[str], bound: Mapping[str, Binding], annotations: Mapping[str, Any]
) -> bool:
    if "context" not in parameters or "context" in bound:
        return False
    annotation = annotations.get("context", func.Context)
    if getattr(annotation, "__name__", "") != "Context":
        raise _refusal(name, f"the parameter context must be azure.functions.Context, not {annotation!r}")
    return True


def _check_names(name: str, parameters: set[str], bound: set[str]) -> None:
    if unbound := sorted(parameters - bound):
        raise _refusal(name, f"no binding is named {', '.join(unbound)} (a default value does not help)")
    if missing := sorted(bound - parameters):
        raise _refusal(name, f"the bindings {', '.join(missing)} are not parameters of the function")


def _read_trigger(name: str, binding: Binding, annotations: Mapping[str, Any]) -> BoundType:
    if binding.name not in annotations:
        return BoundType(binding.type, None)
    annotation = annotations[binding.name]
    if getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Out":
        raise _refusal(name, f"{binding.name} is an 'in' binding, so its annotation must not be azure.functions.Out")
    if not isinstance(annotation, type) and not is_generic_type(annotation):
        raise _refusal(
            name,
            f"{binding.name} is annotated {annotation!r}, which is not a type the worker understands "
            "(Optional and list[...] are not; typing.List[...] is)",
        )
    if annotation in (str, bytes):
        return BoundType(GENERIC, annotation)
    if not converter_of(binding.type).check_input_type_annotation(annotation):
        raise _refusal(name, f"a {binding.type} binding cannot be {annotation!r} ({binding.name})")
    return BoundType(binding.type, annotation)


def _read_return(name: str, binding: Binding | None, annotations: Mapping[str, Any]) -> BoundType | None:
    if binding is None:
        return None
    if "return" not in annotations:
        return BoundType(binding.type, None)
    annotation = annotations["return"]
    if not isinstance(annotation, type):
        raise _refusal(name, f"the return annotation {annotation!r} is not a type")
    if not converter_of(binding.type).check_output_type_annotation(annotation):
        raise _refusal(name, f"an {binding.type} binding cannot return {annotation!r}")
    return BoundType(binding.type, annotation)


def _refusal(name: str, reason: str) -> FunctionLoadError:
    return FunctionLoadError(f"cannot load the function {name}: {reason}")
