"""Imports the modules of the service that this container runs, by name: shared code depends on no service."""

import importlib
from types import ModuleType
from typing import cast

from bandmate_shared.contracts.jobs import ServiceName
from bandmate_shared.errors import BandmateError
from bandmate_shared.settings import SharedSettings, shared_settings


class NoSuchService(BandmateError):
    """BANDMATE_SERVICE is not set, or names a service that this image does not hold."""

    type = "no-such-service"
    title = "Unknown service"


def service_name() -> ServiceName:
    """Raises NoSuchService when the settings name none."""
    name = shared_settings().service
    if name is None:
        raise NoSuchService("set BANDMATE_SERVICE to ingest, train, generate or vocal")
    return name


def service_module(service: ServiceName, name: str) -> ModuleType:
    """`bandmate_<service>.<name>`. Raises NoSuchService when the image does not hold the service."""
    try:
        return importlib.import_module(f"bandmate_{service}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"bandmate_{service}":
            raise
        raise NoSuchService(f"this image does not hold the service {service!r}") from None


def service_settings(service: ServiceName) -> SharedSettings:
    """The settings of the service, the shared ones among them. Raises NoSuchService, and pydantic's ValidationError."""
    module = service_module(service, "settings")
    return cast(SharedSettings, getattr(module, f"{service}_settings")())
