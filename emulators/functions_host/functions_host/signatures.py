"""What a handler's signature must be. The verdicts are the real worker's: an app refused in Azure is refused here.

Followed rule by rule: azure_functions_runtime.functions.Registry (PyPI azure-functions-runtime 1.3.0), which
emulators/functions_host/tests/test_signatures.py holds next to this one.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import azure.functions as func
from azure.functions._thirdparty.typing_inspect import is_generic_type

if TYPE_CHECKING:
    from functions_host.functions import Binding

RETURN = "$return"
GENERIC = "generic"
"""The binding type of a parameter annotated str or bytes: it gets the raw value, whatever the binding."""


class FunctionLoadError(RuntimeError):
    """The app cannot be indexed, for a reason that the real worker has too; the message says which function and why."""


class BoundType(NamedTuple):
    binding_type: str
    annotation: Any
    """None when the parameter has no annotation."""


@dataclass(frozen=True)
class Signature:
    wants_context: bool
    is_async: bool
    inputs: Mapping[str, BoundType]
    outputs: Mapping[str, BoundType]
    returned: BoundType | None
    """The `$return` binding, if there is one."""


def read_signature(name: str, handler: Callable[..., Any], bindings: Iterable[Binding]) -> Signature:
    """The checked signature of `handler`; raises FunctionLoadError."""
    bound = {binding.name: binding for binding in bindings}
    annotations = typing.get_type_hints(handler)
    parameters = set(inspect.signature(handler).parameters)
    wants_context = _takes_context(name, parameters, bound, annotations)
    returned = _read_return(name, bound.pop(RETURN, None), annotations)
    _check_names(name, parameters - ({"context"} if wants_context else set()), set(bound))
    types = {parameter: _read_parameter(name, binding, annotations) for parameter, binding in bound.items()}
    return Signature(
        wants_context=wants_context,
        is_async=inspect.iscoroutinefunction(handler),
        inputs={parameter: types[parameter] for parameter in bound if not bound[parameter].is_output},
        outputs={parameter: types[parameter] for parameter in bound if bound[parameter].is_output},
        returned=returned,
    )


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


def _read_parameter(name: str, binding: Binding, annotations: Mapping[str, Any]) -> BoundType:
    if binding.name not in annotations:
        return BoundType(binding.type, None)
    annotation = annotations[binding.name]
    is_out = getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Out"
    if binding.is_output != is_out:
        direction, wanted = ("out", "azure.functions.Out") if binding.is_output else ("in", "not azure.functions.Out")
        raise _refusal(name, f"{binding.name} is an {direction!r} binding, so its annotation must be {wanted}")
    value_type = _type_in_out(name, binding.name, annotation) if is_out else annotation
    if not isinstance(value_type, type) and not is_generic_type(value_type):
        raise _refusal(
            name,
            f"{binding.name} is annotated {annotation!r}, which is not a type the worker understands "
            "(Optional and list[...] are not; typing.List[...] is)",
        )
    binding_type = GENERIC if value_type in (str, bytes) else binding.type
    _check_type(name, binding.name, binding_type, value_type, is_output=is_out)
    return BoundType(binding_type, value_type)


def _type_in_out(name: str, parameter: str, annotation: Any) -> Any:
    arguments = typing.get_args(annotation)
    if len(arguments) != 1:
        raise _refusal(name, f"{parameter} must be annotated azure.functions.Out[<type>]")
    return arguments[0]


def _read_return(name: str, binding: Binding | None, annotations: Mapping[str, Any]) -> BoundType | None:
    if binding is None:
        return None
    if not binding.is_output:
        raise _refusal(name, 'the binding "$return" must have the direction "out"')
    if "return" not in annotations:
        return BoundType(binding.type, None)
    annotation = annotations["return"]
    if not isinstance(annotation, type):
        raise _refusal(name, f"the return annotation {annotation!r} is not a type")
    _check_type(name, RETURN, binding.type, annotation, is_output=True)
    return BoundType(binding.type, annotation)


def _check_type(name: str, parameter: str, binding_type: str, value_type: Any, *, is_output: bool) -> None:
    converter = converter_of(binding_type)
    if converter is None:
        fits = issubclass(value_type, (str, bytes, bytearray) if is_output else (str, bytes))
    else:
        check = converter.check_output_type_annotation if is_output else converter.check_input_type_annotation
        fits = check(value_type)
    if not fits:
        raise _refusal(name, f"a {binding_type} binding cannot be {value_type!r} ({parameter})")


def _refusal(name: str, reason: str) -> FunctionLoadError:
    return FunctionLoadError(f"cannot load the function {name}: {reason}")
