"""The page at `/` and `/page/...`, and the files it is made of. They need no key; what they ask the API does.

Every address of the page is answered with the same document; its own router shows what the address says (see
`web/lib/router.js`).
"""

import os
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB = Path(__file__).parent / "web"
VIEWS = frozenset(folder.name for folder in (WEB / "views").iterdir() if folder.is_dir())

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; style-src 'self'; "
    "script-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

OPEN_PATHS = ("/", "/page/*", "/static/*")
router = APIRouter(include_in_schema=False)


class WebFiles(StaticFiles):
    """Files with an ETag that a browser keeps and asks about: after an upgrade it shows no mixture of old and new."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response


_files = WebFiles(directory=WEB)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    return await _files.get_response("index.html", request.scope)


@router.api_route("/page/{view}", methods=["GET", "HEAD"])
@router.api_route("/page/{view}/{rest:path}", methods=["GET", "HEAD"])
async def view(view: str, request: Request) -> Response:
    """A place in the page, as a link or a reload asks for it; where there is no such view, the page says so itself."""
    answer = await page(request)
    if answer.status_code == HTTPStatus.OK and view not in VIEWS:
        answer.status_code = HTTPStatus.NOT_FOUND
    return answer


@router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
async def static(path: str, request: Request) -> Response:
    return await _files.get_response(path, request.scope)
