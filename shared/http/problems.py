"""Every error as an RFC 9457 problem document, made in this one place."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.errors import (
    BodyTooLarge,
    BodyTooSlow,
    ChiffchaffError,
    InvalidInput,
    Overloaded,
    TransientError,
    reason_of,
)
from shared.http.headers import SECURITY_HEADERS
from shared.http.openapi import MEDIA_TYPE, allowed_methods
from shared.log import get_logger

logger = get_logger(__name__)

METHOD_NOT_ALLOWED = 405
CLIENT_CLOSED_REQUEST = 499
"""nginx's number for it; only logs and metrics ever see it."""


UNREACHABLE = (OperationalError, InterfaceError, PoolTimeout, ConnectionError)
"""What says that the database or the queue does not answer."""


class Problem(BaseModel):
    """RFC 9457, with a stable `code`, a `hint` that says what would work, and the request's id."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    request_id: str | None = None


class ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """What a problem quotes of a request may hold half of a surrogate pair; JSON writes it as an escape."""
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def problem_response(
    error: ChiffchaffError, *, headers: Mapping[str, str] | None = None, extra: Mapping[str, Any] | None = None
) -> JSONResponse:
    sent = dict(headers or {})
    if isinstance(error, Overloaded | TransientError):
        sent.setdefault("Retry-After", str(Overloaded.retry_after_seconds))
    if isinstance(error, BodyTooLarge | BodyTooSlow):
        sent["Connection"] = "close"  # else the rest of the body would be read, and thrown away
    problem = Problem(
        type=f"urn:chiffchaff:problem:{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        hint=error.hint,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
        **(extra or {}),
    )
    return ProblemResponse(problem.model_dump(), error.status, sent)


def install_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(ChiffchaffError, _chiffchaff)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    for unreachable in UNREACHABLE:
        app.add_exception_handler(unreachable, _unreachable)
    app.add_exception_handler(Exception, _unexpected)


def _chiffchaff(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ChiffchaffError)  # noqa: S101 (starlette dispatches by type)
    return problem_response(error)


def _validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (starlette dispatches by type)
    errors = [{"where": _where(one["loc"]), "what": reason_of(one)} for one in error.errors()]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors)
    return problem_response(
        InvalidInput(f"{detail}.", hint="GET /openapi.json describes what is expected."), extra={"errors": errors}
    )


def _where(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location if part != "body") or "body"


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 (starlette dispatches by type)
    if isinstance(error.__cause__, ChiffchaffError):
        return problem_response(error.__cause__)
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED and (allowed := allowed_methods(request.app, request.url.path)):
        headers["Allow"] = allowed  # the router names those of one of the path's routes only
    problem = Problem(
        type="about:blank",
        title=str(error.detail),
        status=error.status_code,
        detail=str(error.detail),
        code=f"http-{error.status_code}",
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
    )
    return ProblemResponse(problem.model_dump(), error.status_code, headers)


def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


def _unreachable(_request: Request, error: Exception) -> JSONResponse:
    return unreachable_response(error)


def unreachable_response(error: Exception) -> JSONResponse:
    logger.error("a dependency is out of reach", reason=str(error).splitlines()[0] if str(error) else repr(error))
    return problem_response(
        TransientError(
            "The database or the queue is out of reach; nothing was accepted.",
            hint="Try again in a moment. GET /readyz says which part is missing.",
        )
    )


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """Starlette calls this outside of all other layers, so the request's id comes from the scope."""
    request_id = request.scope.get("chiffchaff.request_id", "")
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        logger.error("unexpected error", exc_info=error)
        return problem_response(
            ChiffchaffError(
                "An unexpected error happened; nothing of it is shown here.",
                hint="The service's log has the details under this request's id.",
            ),
            headers={"X-Request-ID": request_id, **SECURITY_HEADERS},
        )
