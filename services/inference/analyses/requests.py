"""What an analysis may be asked for: recordings of the library, a folder on the server, or files that come along."""

import json
from typing import Annotated, Any, Literal, Self

from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, model_validator
from starlette.requests import Request

from services.inference.schemas import ClassifyQuery
from shared.errors import BodyTooLarge, InvalidInput
from shared.filters import Hex32, RecordingFilters
from shared.http.asked import Asked
from shared.http.auth import require
from shared.http.callers import Caller
from shared.http.middleware import JSON_BODY_BYTES
from shared.http.openapi import inlined
from shared.http.server_path import OnServer
from shared.keys import Scope

MOST_IDS = 20_000
"""As many as a body of 1 MiB holds, more or less."""
FORM = "multipart/form-data"
HOW = (
    "Send files as `curl -F audio=@a.wav -F audio=@b.wav URL`, or JSON such as "
    '{"source": "folder", "path": "2026/may"} with `Content-Type: application/json`.'
)


class AnalysisParameters(ClassifyQuery):
    """How to hear: as the query of `POST /classify`."""

    model_config = ConfigDict(strict=True)


class LibraryFilters(RecordingFilters):
    """As the query of `GET /recordings`; no filter means all."""

    model_config = ConfigDict(strict=True)


class LibrarySource(Asked):
    """Recordings of the library: those with these ids, in that order, or those that the filters name, newest first."""

    source: Literal["library"]
    recordings: Annotated[list[Hex32], Field(min_length=1, max_length=MOST_IDS)] | None = None
    filters: LibraryFilters | None = None
    parameters: AnalysisParameters = AnalysisParameters()

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.recordings is None) == (self.filters is None):
            raise ValueError("name recordings by `recordings` (ids) or by `filters`, one of them")
        return self


class FolderSource(OnServer):
    """A folder on the server, at any depth, in the order of the paths. It is only read."""

    source: Literal["folder"]
    parameters: AnalysisParameters = AnalysisParameters()


Source = Annotated[LibrarySource | FolderSource, Field(discriminator="source")]
SOURCES: TypeAdapter[LibrarySource | FolderSource] = TypeAdapter(Source)
UPLOAD: dict[str, Any] = {"source": "upload"}
"""What is noted as the source of an analysis of files that came along."""
WHO_MAY: dict[str, frozenset[Scope]] = {
    "upload": frozenset({"classify"}),
    "library": frozenset({"ingest", "train"}),
    "folder": frozenset({"ingest"}),
}
"""Who may use a source: as who may `POST /classify`, read the library, and have the server read its folders."""

_EXAMPLES: dict[str, JsonValue] = {
    "library": {
        "summary": "All blackbirds of the library, with another model",
        "value": {"source": "library", "filters": {"species": ["Turdus merula"]}, "parameters": {"model": "meadow:2"}},
    },
    "folder": {
        "summary": "A season in a folder",
        "value": {"source": "folder", "path": "2026/may", "parameters": {"merge": 0, "min_confidence": 0.3}},
    },
}
BODY_DESCRIPTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One or more files, with the parameters in the query; or a source, with the parameters in it",
        "content": {
            "application/json": {"schema": inlined(SOURCES.json_schema()), "examples": _EXAMPLES},
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["audio"],
                    "properties": {
                        "audio": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
                    },
                }
            },
        },
    }
}


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def may_use(request: Request, caller: Caller, source: str) -> None:
    """Raises Forbidden where the caller has none of the scopes that the source asks for."""
    require(request, caller, frozenset(map(str, WHO_MAY[source])))


async def read_source(request: Request) -> LibrarySource | FolderSource:
    """The source that a body of JSON names.

    Raises:
        InvalidInput: when the body is none.
        RequestValidationError: when it is not as `Source` says.
        BodyTooLarge: when it is larger than any other body of JSON may be.
    """
    if media_type(request) != "application/json":
        raise InvalidInput("The body is neither a multipart form nor JSON.", hint=HOW)
    if request.query_params:
        raise InvalidInput(
            "With JSON, parameters stand in the body.", hint='Send {"source": ..., "parameters": {"merge": 0}}.'
        )
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > JSON_BODY_BYTES:
            raise BodyTooLarge("The body of JSON is larger than 1 MiB.", hint="Name recordings by `filters`.")
    try:
        return SOURCES.validate_python(json.loads(body))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is no JSON.", hint=HOW) from error
