"""Login of a page in service mode: an API key becomes a cookie that the page's scripts cannot read.

    POST   /v1/session   {"key": "bm_live_…"}: sets the cookie
    GET    /v1/session   whose session it is
    DELETE /v1/session   log out

The cookie is HttpOnly and SameSite=Strict, and holds no key: its content is signed (bandmate_shared.auth). A request
that changes something by it must come from a page of this origin (authentication.py).
"""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from bandmate_shared.auth import LOCAL_TENANT, SESSION_COOKIE, KeyStore
from bandmate_shared.contracts.session import SessionRequest, SessionView
from bandmate_shared.errors import Conflict
from bandmate_shared.http.authentication import SESSION_PATH, Tenant
from bandmate_shared.jobs.model import utc_now

LIFETIME = timedelta(days=7)


def session_router(keys: KeyStore | None) -> APIRouter:
    """The routes of `/v1/session`; without `keys`, in embedded mode, everybody is logged in."""
    router = APIRouter(prefix=SESSION_PATH, tags=["session"])

    @router.post("", summary="Log in with an API key; the answer sets a cookie")
    def log_in(request: Request, response: Response, body: SessionRequest) -> SessionView:
        if keys is None:
            raise Conflict("embedded mode has no keys: everybody on this machine is logged in")
        expires_at = utc_now() + LIFETIME
        tenant, token = keys.new_session(body.key.get_secret_value(), expires_at)
        is_https = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
        response.set_cookie(
            SESSION_COOKIE,
            token,
            max_age=int(LIFETIME.total_seconds()),
            path="/",
            secure=is_https,
            httponly=True,
            samesite="strict",
        )
        return SessionView(tenant=tenant, expires_at=expires_at)

    @router.get("", summary="Whose session it is")
    def show(tenant: Tenant) -> SessionView:
        return SessionView(tenant=LOCAL_TENANT if keys is None else tenant)

    @router.delete("", status_code=204, summary="Log out")
    def log_out(_tenant: Tenant, response: Response) -> None:
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")

    return router
