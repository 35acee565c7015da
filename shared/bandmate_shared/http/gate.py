"""Who gets in: the middleware in front of every route, so that no route can forget to ask.

Embedded mode has no keys, so it takes requests of this machine only. Binding to loopback is not enough for that: a
page in the user's browser can post to 127.0.0.1, and by DNS rebinding even read the answers. So the Host header must
name loopback, and a request that changes something must not come from another site.

Service mode takes an API key: `Authorization: Bearer bm_live_…` or `X-API-Key: bm_live_…`.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bandmate_shared.auth import LOCAL_TENANT, Forbidden, KeyStore, Misdirected, Unauthorized
from bandmate_shared.errors import BandmateError
from bandmate_shared.http.problems import problem_response

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"})
"""In service mode these need no key: health for the orchestrator, and the description of the API."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class LoopbackGate:
    """ASGI middleware of the embedded mode: everyone on this machine is the tenant 'local', nobody else gets in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            refuse_strangers(scope)
        except BandmateError as error:
            await problem_response(error, scope)(scope, receive, send)
            return
        scope.setdefault("state", {}).update(tenant=LOCAL_TENANT, embedded=True)
        await self.app(scope, receive, send)


class KeyGate:
    """ASGI middleware of the service mode: a request is its key's tenant's, or is refused."""

    def __init__(self, app: ASGIApp, keys: KeyStore) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["embedded"] = False
        if scope["path"] not in OPEN_PATHS:
            try:
                state["tenant"] = await anyio.to_thread.run_sync(self.keys.tenant_of, _presented_key(scope))
            except BandmateError as error:
                await problem_response(error, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def refuse_strangers(scope: Scope) -> None:
    """Raise Misdirected or Forbidden for a request that did not come from this machine by the user's will."""
    for end in ("server", "client"):
        address = scope.get(end)
        if address is not None and _is_foreign_address(address[0]):
            raise Forbidden("embedded mode answers on loopback only; set BANDMATE_MODE=service to serve a network")
    headers = Headers(scope=scope)
    host = urlsplit(f"//{headers.get('host', '')}").hostname
    if host not in _LOOPBACK_NAMES:
        raise Misdirected(f"the Host header names {host!r}; in embedded mode use http://127.0.0.1 or http://localhost")
    if scope.get("method") in _SAFE_METHODS:  # A websocket has no method, and is no safe one.
        return
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise Forbidden("this request was made by a page of another origin")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("this request was made by a page of another site")


def _is_foreign_address(host: str) -> bool:
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return False  # A Unix socket, or an in-process client: no network in between.


def _presented_key(scope: Scope) -> str:
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    key = headers.get("x-api-key")
    if key is None:
        raise Unauthorized("an API key is needed: Authorization: Bearer bm_live_…")
    return key
