"""Authentication middleware, in front of every route, so that no route can forget it; and the `Tenant` parameter.

Embedded mode has no keys, so it takes requests of this machine only. Binding to loopback is not enough for that: a
page in the user's browser can post to 127.0.0.1, and by DNS rebinding even read the answers. So the Host header must
name loopback, and a request that changes something must not come from another site.

Service mode takes an API key: `Authorization: Bearer bm_live_…` or `X-API-Key: bm_live_…`; of a page the cookie of its
session (session.py).
"""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

import anyio
from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from bandmate_shared.auth import LOCAL_TENANT, SESSION_COOKIE, ApiKey, Forbidden, KeyStore, Misdirected, Unauthorized
from bandmate_shared.errors import BandmateError
from bandmate_shared.http.problems import problem_response

PUBLIC_PATHS = frozenset({"/", "/healthz", "/readyz", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"})
"""In service mode these need no key: health for the orchestrator, the description of the API, and the page."""
STUDIO_PREFIX = "/studio/"
"""Below this are the files of the page. They hold no data: the page asks for a key before it fetches any."""

SESSION_PATH = "/v1/session"
"""Login of a page (session.py): a POST to it needs no key, it brings one."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class LoopbackOnlyMiddleware:
    """Embedded mode: requests of this machine belong to the tenant 'local', all others are refused."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            check_local_request(scope)
        except BandmateError as error:
            await problem_response(error, scope)(scope, receive, send)
            return
        scope.setdefault("state", {}).update(tenant=LOCAL_TENANT, embedded=True)
        await self.app(scope, receive, send)


class ApiKeyMiddleware:
    """Service mode: a request belongs to the tenant of its API key, or is refused with 401."""

    def __init__(self, app: ASGIApp, keys: KeyStore) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["embedded"] = False
        is_login = scope["path"] == SESSION_PATH and scope.get("method") == "POST"
        if not is_login and scope["path"] not in PUBLIC_PATHS and not scope["path"].startswith(STUDIO_PREFIX):
            try:
                key = await anyio.to_thread.run_sync(self._key_of, scope)
            except BandmateError as error:
                await problem_response(error, scope)(scope, receive, send)
                return
            state.update(tenant=key.tenant, api_key=key)
        await self.app(scope, receive, send)

    def _key_of(self, scope: Scope) -> ApiKey:
        """By the API key, else by the cookie of a session."""
        headers = Headers(scope=scope)
        if "authorization" not in headers and "x-api-key" not in headers:
            token = cookie_parser(headers.get("cookie", "")).get(SESSION_COOKIE)
            if token is not None:
                check_same_origin(scope)
                return self.keys.key_of_session(token)
        return self.keys.key_of(_api_key_of(scope))


def current_tenant(request: Request) -> str:
    """The tenant that the middleware authenticated."""
    tenant: str = request.state.tenant
    return tenant


Tenant = Annotated[str, Depends(current_tenant)]
"""A route's parameter: the authenticated tenant."""


def check_local_request(scope: Scope) -> None:
    """Raise Misdirected or Forbidden for a request from another machine, or of a web page of another site."""
    for end in ("server", "client"):
        address = scope.get(end)
        if address is not None and _is_remote_address(address[0]):
            raise Forbidden("embedded mode answers on loopback only; set BANDMATE_MODE=service to serve a network")
    headers = Headers(scope=scope)
    host = _host_name(headers.get("host", ""))
    if host not in _LOOPBACK_NAMES:
        raise Misdirected(f"the Host header names {host!r}; in embedded mode use http://127.0.0.1 or http://localhost")
    if scope.get("method") in _SAFE_METHODS:  # A websocket has no method, and is not a safe one.
        return
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        raise Forbidden("this request was made by a page of another origin")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("this request was made by a page of another site")


def check_same_origin(scope: Scope) -> None:
    """Raise Forbidden for a request by a cookie that a page of another origin has made, or, where it changes something,
    for one that does not say by what page it was made."""
    headers = Headers(scope=scope)
    is_safe = scope.get("method") in _SAFE_METHODS
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site not in (None, "same-origin", "none") or (
        origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()
    ):
        raise Forbidden("this request was made by a page of another origin")
    if not is_safe and origin is None and site != "same-origin":
        raise Forbidden("a session changes something for pages of this origin only; send an API key instead")


def _host_name(host: str) -> str | None:
    """The Host header without its port; None where it is not a valid host."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_remote_address(host: str) -> bool:
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return False  # A Unix socket, or an in-process client: no network in between.


def _api_key_of(scope: Scope) -> str:
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    key = headers.get("x-api-key")
    if key is None:
        raise Unauthorized("an API key is needed: Authorization: Bearer bm_live_…")
    return key
