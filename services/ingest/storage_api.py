"""The storage: are all files there and whole; prepared audio makes room."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from services.ingest.verification import VERIFY
from shared import jobs
from shared.errors import Conflict, InvalidInput
from shared.housekeeping import PRUNE, under_way
from shared.http.accepting import IdempotencyHeader, Made, accept
from shared.http.asked import Asked
from shared.http.auth import needs
from shared.http.job_views import JobView
from shared.http.resources import Config, Writes

router = APIRouter(prefix="/storage", tags=["storage"], dependencies=[needs("admin")])
MOST_GB = 1e9
"""An exabyte: more than any disk, and a number of bytes that a computer can still count."""


class Pruning(Asked):
    """How much prepared audio may stay."""

    max_gb: float | None = Field(
        None, ge=0, le=MOST_GB, description="In 10^9 bytes; CHIFFCHAFF_PREPARED_MAX_GB if left out"
    )


@router.post("/verifications", status_code=202, response_model=JobView, summary="Look for missing and corrupt files")
async def verify_storage(
    request: Request, settings: Config, writes: Writes, key: IdempotencyHeader = None
) -> JSONResponse:
    """Reads every original, model and dataset. The job's `result` lists what is wrong: `missing`, `corrupt`."""
    return await accept(request, writes, key, {}, lambda session: _submit(session, VERIFY, {}, settings.max_attempts))


@router.post("/prunings", status_code=202, response_model=JobView, summary="Make room: remove prepared audio")
async def prune_storage(
    wanted: Pruning, request: Request, settings: Config, writes: Writes, key: IdempotencyHeader = None
) -> JSONResponse:
    """The least recently used goes first. It is derived: whoever needs it again makes it anew from the original."""
    max_gb = wanted.max_gb if wanted.max_gb is not None else settings.prepared_max_gb or None
    if max_gb is None:
        raise InvalidInput(
            "Nothing says how much prepared audio may stay.", hint="Give max_gb, or set CHIFFCHAFF_PREPARED_MAX_GB."
        )
    payload = {"max_bytes": int(max_gb * 1e9)}
    return await accept(
        request, writes, key, payload, lambda session: _submit(session, PRUNE, payload, settings.max_attempts)
    )


def _submit(session: Session, kind: str, payload: dict[str, Any], max_attempts: int) -> Made:
    """Raises Conflict while another job of the kind is at work: it would only do the same again."""
    if other := under_way(session, kind):
        raise Conflict("This is being done already.", hint=f"GET /jobs/{other} says how far it is.")
    job = jobs.submit(session, kind, payload, max_attempts=max_attempts, priority=jobs.Priority.BULK)
    return Made(f"/jobs/{job.id}", JobView.of(job))
