"""The reference page of settings, made from the settings classes themselves: `scripts/settings_page.py` calls it."""

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bandmate_shared.settings import SharedSettings

HEADER = """# Settings

Every setting is an environment variable; none is needed to begin with. This page is generated from the settings
classes by `scripts/settings_page.py`; change their descriptions, not this page.
"""


def settings_page(services: Mapping[str, type[SharedSettings]]) -> str:
    """Markdown: the shared settings, then what each service adds. Keys are the services' names."""
    sections = [HEADER, _section("Shared by every service", SharedSettings, known=frozenset())]
    known = frozenset(SharedSettings.model_fields)
    for name, settings in services.items():
        sections.append(_section(f"`{name}`", settings, known))
    return "\n".join(sections)


def variable_of(settings: type[SharedSettings], name: str) -> str:
    """The environment variable behind a field."""
    alias = settings.model_fields[name].validation_alias
    if isinstance(alias, str):
        return alias
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def _section(title: str, settings: type[SharedSettings], known: frozenset[str]) -> str:
    fields = {name: field for name, field in settings.model_fields.items() if name not in known}
    lines = [f"## {title}", "", _first_line(settings), ""]
    if not fields:
        return "\n".join([*lines, "It has no settings of its own.", ""])
    lines += ["| Variable | Type | Default | What it does |", "| --- | --- | --- | --- |"]
    for name, field in fields.items():
        cells = variable_of(settings, name), _type_of(field.annotation), _default_of(field), field.description or ""
        first, *rest = (cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| `{first}` | {' | '.join(rest)} |")
    return "\n".join([*lines, ""])


def _first_line(settings: type[SharedSettings]) -> str:
    return (settings.__doc__ or "").strip().splitlines()[0]


def _type_of(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (Union, UnionType):
        return " or ".join(_type_of(part) for part in get_args(annotation) if part is not type(None))
    if origin is not None:
        return f"{origin.__name__} of {', '.join(_type_of(part) for part in get_args(annotation))}"
    names = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Path: "path"}
    return "secret" if annotation is SecretStr else names.get(annotation, getattr(annotation, "__name__", "text"))


def _default_of(field: FieldInfo) -> str:
    if field.default is PydanticUndefined or field.default_factory is not None:
        return "see description"
    if field.default is None or field.default == "" or isinstance(field.default, SecretStr):
        return "empty"
    return f"`{field.default}`"
