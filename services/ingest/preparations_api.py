"""Preparing anew: one recording, or all that were prepared by another preset; what is there stays until then."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.orm import Session

from services.ingest.preparing import PREPARE_ANEW
from services.ingest.taking import PREPARE
from shared import jobs
from shared.db.tables import Recording
from shared.errors import NotFound
from shared.http.accepting import IdempotencyHeader, Made, accept
from shared.http.asked import Asked
from shared.http.auth import needs
from shared.http.job_views import JobView
from shared.http.resources import Config, Writes

router = APIRouter(tags=["library"], dependencies=[needs("ingest")])

PresetName = Literal["contrast", "sprengel2016", "original"]


class Preparation(Asked):
    """How to find the birds."""

    preset: PresetName | None = Field(None, description="The server's CHIFFCHAFF_SEGMENTATION if left out")


class Preparations(Preparation):
    """Which recordings to prepare anew, and how."""

    only_other: bool = Field(
        True, description="Leave out those that this preset prepared, and those in which a person marked the sections"
    )


@router.post(
    "/recordings/{recording_id}/prepare", status_code=202, response_model=JobView, summary="Prepare a recording anew"
)
async def prepare_recording(
    recording_id: str,
    request: Request,
    settings: Config,
    writes: Writes,
    wanted: Preparation | None = None,
    key: IdempotencyHeader = None,
) -> JSONResponse:
    """Its sections and slices stay as they are until the new ones replace them at once."""
    preset = (wanted and wanted.preset) or settings.segmentation

    def make(session: Session) -> Made:
        recording = session.get(Recording, recording_id)
        if recording is None or recording.deleted_at is not None:
            raise NotFound(f"There is no recording {recording_id}.", hint="GET /recordings lists them.")
        payload = {"recording_id": recording_id, "preset": preset}
        job = jobs.submit(session, PREPARE, payload, max_attempts=settings.max_attempts, priority=jobs.Priority.PERSON)
        return Made(f"/jobs/{job.id}", JobView.of(job))

    return await accept(request, writes, key, [recording_id, preset], make)


@router.post("/preparations", status_code=202, response_model=JobView, summary="Prepare recordings anew")
async def prepare_recordings(
    wanted: Preparations, request: Request, settings: Config, writes: Writes, key: IdempotencyHeader = None
) -> JSONResponse:
    """After the preset changed, or where preparing was cancelled or died.

    The job queues a few at a time; `GET /jobs?parent_id=` lists those that it queued.
    """
    preset = wanted.preset or settings.segmentation

    def make(session: Session) -> Made:
        payload = {"preset": preset, "only_other": wanted.only_other}
        job = jobs.submit(session, PREPARE_ANEW, payload, max_attempts=settings.max_attempts)
        return Made(f"/jobs/{job.id}", JobView.of(job))

    return await accept(request, writes, key, [preset, wanted.only_other], make)
