"""Checks requests and answers of AWS's services against botocore's models of them, for the stand-in servers.

botocore, as a client, checks little of what it sends. Here every request and every answer is checked: required
members, unknown names, types, lengths, ranges, patterns and enumerations.
"""

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape


class Violation(Exception):
    """A value that the service's model does not allow."""


@cache
def service_model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def operation(service: str, name: str) -> OperationModel:
    return service_model(service).operation_model(name)


def check(value: Any, shape: Shape | None, where: str = "") -> None:
    """Raises Violation, naming the member."""
    if shape is None:
        return
    match shape:
        case StructureShape():
            _check_members(value, shape, where)
        case ListShape():
            _expect(isinstance(value, list), where, value, "a list")
            _check_size(len(value), shape, where, "items")
            for number, item in enumerate(value):
                check(item, shape.member, f"{where}[{number}]")
        case MapShape():
            _expect(isinstance(value, dict), where, value, "a map")
            _check_size(len(value), shape, where, "entries")
            for key, item in value.items():
                check(key, shape.key, f"{where} key {key!r}")
                check(item, shape.value, f"{where}.{key}")
        case _:
            _check_scalar(value, shape, where)


def _check_members(value: Any, shape: StructureShape, where: str) -> None:
    _expect(isinstance(value, dict), where, value, "a structure")
    for name in shape.required_members:
        if name not in value:
            raise Violation(f"{where or shape.name}: {name} is missing")
    for name, item in value.items():
        if name not in shape.members:
            raise Violation(f"{where or shape.name}: there is no member {name}")
        check(item, shape.members[name], f"{where}.{name}" if where else name)


def _check_scalar(value: Any, shape: Shape, where: str) -> None:
    limits = shape.metadata
    match shape.type_name:
        case "string":
            _expect(isinstance(value, str), where, value, "a string")
            _check_size(len(value), shape, where, "characters")
            if "pattern" in limits and re.fullmatch(_python(limits["pattern"]), value) is None:
                raise Violation(f"{where}: {value!r} does not match {limits['pattern']}")
            if "enum" in limits and value not in limits["enum"]:
                raise Violation(f"{where}: {value!r} is none of {limits['enum']}")
        case "integer" | "long":
            _expect(isinstance(value, int) and not isinstance(value, bool), where, value, "a whole number")
            _check_size(value, shape, where, "")
        case "blob":
            _expect(isinstance(value, bytes), where, value, "bytes")
            _check_size(len(value), shape, where, "bytes")
        case "boolean":
            _expect(isinstance(value, bool), where, value, "true or false")
        case "timestamp" | "double" | "float":
            _expect(isinstance(value, int | float), where, value, "a number")


def _check_size(size: int, shape: Shape, where: str, unit: str) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        raise Violation(f"{where}: {size} {unit}, allowed are {low} to {high}")


def _expect(condition: bool, where: str, value: Any, expected: str) -> None:
    if not condition:
        raise Violation(f"{where}: {value!r} is not {expected}")


_JAVA = {
    r"[\p{Print}]": r"[\x20-\x7e]",
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{L}\p{Z}\p{N}": r"\w\s",
    r"\z": r"\Z",
}


def _python(pattern: str) -> str:
    """Translate a Java regular expression to Python."""
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    return pattern
