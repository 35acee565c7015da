"""Who is asking. The gate (gate.py) has found out before a route runs; routes take `Tenant` as a parameter."""

from typing import Annotated

from fastapi import Depends, Request


def current_tenant(request: Request) -> str:
    """The tenant that the gate let in."""
    tenant: str = request.state.tenant
    return tenant


Tenant = Annotated[str, Depends(current_tenant)]
