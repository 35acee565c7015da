"""HTTP routes of the page: `/`, and the files it consists of below `/studio/`. They hold no data and need no key."""

from importlib.resources import files

from bandmate_shared.errors import NotFound
from bandmate_shared.http.authentication import STUDIO_PREFIX
from fastapi import APIRouter, Request
from starlette.responses import Response

from bandmate_studio.settings import studio_settings
from bandmate_studio.static_files import StaticFile, load_static_files


def routers() -> list[APIRouter]:
    """The page's routes, for its own app or for one that holds all services."""
    return [page_router(studio_settings().studio_connect)]


def page_router(connect: str = "") -> APIRouter:
    """`connect` names origins besides its own that the page may fetch from."""
    router = APIRouter(include_in_schema=False)
    served = load_static_files(files("bandmate_studio") / "web", STUDIO_PREFIX)
    policy = content_security_policy(connect)

    @router.get("/")
    @router.head("/")
    def index(request: Request) -> Response:
        return _response(request, served["index.html"], policy)

    @router.get(STUDIO_PREFIX + "{path:path}")
    @router.head(STUDIO_PREFIX + "{path:path}")
    def file(request: Request, path: str) -> Response:
        if path not in served:
            raise NotFound(f"the page has no file {path[:100]!r}")
        return _response(request, served[path], policy)

    return router


def content_security_policy(connect: str = "") -> str:
    """The page runs its own scripts and styles only, and talks to its own host only.

    Fonts may be `data:`, because the engraved score brings the music font inside itself.
    """
    directives = [
        "default-src 'self'",
        "font-src 'self' data:",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        f"connect-src 'self' {connect}".rstrip(),
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    return "; ".join(directives)


def _response(request: Request, file: StaticFile, policy: str) -> Response:
    headers = {
        "ETag": file.etag,
        "Cache-Control": "no-cache",  # Asked for again after an update, answered with 304 otherwise.
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Encoding",
    }
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = file.body
    if file.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body = file.gzipped
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=file.media_type)
