"""Analyses as the API shows them: how far they are, what came out, and what went wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Literal

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.inference.analyses.parts import HEAR
from services.inference.results.formats import FORMATS
from services.inference.results.model import About, AnsweringModel, Result
from services.inference.schemas import Parameters, Ranked
from shared.db.base import now
from shared.db.engine import AsyncSessions
from shared.db.tables import FINAL_STATES, Analysis, AnalysisRecording, Job
from shared.errors import ChiffchaffError
from shared.http.job_views import POLL_SECONDS, SURE_SECONDS, Failure, Progress
from shared.http.pages import Page

REASONS_SHOWN = 3
LOST = ("dead", "failed")

State = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]
RecordingOutcome = Literal["waiting", "species", "unknown", "nothing", "failed"]


class NothingHeard(ChiffchaffError):
    code = "nothing-heard"
    status = 422
    title = "Not one recording could be heard"


class Counts(BaseModel):
    """How many recordings, by what came out; `waiting` are not heard yet."""

    recordings: int
    waiting: int = 0
    species: int = 0
    unknown: int = 0
    nothing: int = 0
    failed: int = 0


class Links(BaseModel):
    """Where the rest is; `results` by format."""

    recordings: str
    events: str
    results: dict[str, str]


_ID = "3f0e6c1f9a5e4c0b8f1d2a7c5b9e8d61"
_EXAMPLE: dict[str, JsonValue] = {
    "id": _ID,
    "source": {"source": "folder", "path": "2026/may", "parameters": {"merge": 0}},
    "first_file": "20260501_050000.wav",
    "state": "running",
    "model": {"name": "garden-birds", "version": "3", "sha256": "0" * 64},
    "parameters": {"step": 2.5, "min_confidence": 0.1, "top_k": 5, "merge": 0},
    "counts": {"recordings": 1440, "waiting": 1040, "species": 380, "unknown": 12, "nothing": 7, "failed": 1},
    "seconds": 24000.0,
    "progress": {
        "done": 3317760000,
        "total": 11943936000,
        "message": "20260501_053000.wav, 40%",
        "fraction": 0.2778,
        "seconds_left": 310.5,
    },
    "error": None,
    "cancel_requested": False,
    "created_at": "2026-05-02T06:10:00Z",
    "finished_at": None,
    "links": {
        "recordings": f"/analyses/{_ID}/recordings",
        "events": f"/analyses/{_ID}/events",
        "results": {"csv": f"/analyses/{_ID}?format=csv"},
    },
}


class AnalysisView(BaseModel):
    """An analysis. It has failed when not one recording could be heard, or when some could not be tried."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    source: dict[str, Any]
    first_file: str | None = Field(description="Its first recording, by name; null until a folder is looked through")
    state: State
    model: AnsweringModel = Field(description="Fixed when the analysis was accepted, whichever is active now")
    parameters: Parameters
    counts: Counts
    seconds: float = Field(description="Of sound that have been heard, in the recordings that are done")
    progress: Progress = Field(description="In bytes of files")
    error: Failure | None
    cancel_requested: bool
    created_at: datetime
    finished_at: datetime | None
    links: Links


class RecordingLine(BaseModel):
    """One recording of an analysis; `top` are the first of its ranking, whatever their confidence."""

    position: int
    file: str
    outcome: RecordingOutcome
    seconds: float | None
    detections: int | None
    top: list[Ranked]
    recording_id: str | None = Field(description="In the library, where it is from there")
    code: str | None
    error: str | None

    @classmethod
    def of(cls, row: AnalysisRecording) -> "RecordingLine":
        return cls(
            position=row.position,
            file=row.file,
            outcome=row.outcome,
            seconds=row.seconds,
            detections=row.detections,
            top=[Ranked.model_validate(one) for one in row.top or ()],
            recording_id=row.recording_id,
            code=row.error_code,
            error=row.error,
        )


class ResultsDocument(BaseModel):
    """What `format=json` holds; docs/result-formats.md describes the others."""

    schema_version: int
    about: About
    results: list[Result]


class _Parts(BaseModel):
    """The jobs that hear."""

    by_state: dict[str, int]
    done: float
    finished_at: datetime | None


def analysis_view(session: Session, analysis: Analysis) -> AnalysisView:
    about = About.model_validate(analysis.about)
    job = session.get_one(Job, analysis.job_id)
    counts, size, seconds = _counted(session, analysis)
    parts = _parts(session, analysis)
    state = _state(job, counts, parts)
    here = f"/analyses/{analysis.id}"
    ended = state in FINAL_STATES
    return AnalysisView(
        id=analysis.id,
        source=analysis.source,
        first_file=_first_file(session, analysis),
        state=state,
        model=about.model,
        parameters=about.parameters,
        counts=counts,
        seconds=round(seconds, 1),
        progress=_progress(session, job, state, size, parts),
        error=_error(session, analysis, job, state, counts),
        cancel_requested=job.cancel_requested or bool(parts.by_state.get("cancelled")),
        created_at=analysis.created_at,
        finished_at=max(filter(None, (parts.finished_at, job.finished_at)), default=None) if ended else None,
        links=Links(
            recordings=f"{here}/recordings",
            events=f"{here}/events",
            results={name: f"{here}?format={name}" for name in FORMATS},
        ),
    )


def recording_lines(
    session: Session, analysis: Analysis, outcome: RecordingOutcome | None, limit: int, cursor: int | None
) -> Page[RecordingLine]:
    """By their position, which is the cursor."""
    query = select(AnalysisRecording).where(AnalysisRecording.analysis_id == analysis.id)
    if outcome is not None:
        query = query.where(AnalysisRecording.outcome == outcome)
    if cursor is not None:
        query = query.where(AnalysisRecording.position > cursor)
    rows = list(session.scalars(query.order_by(AnalysisRecording.position).limit(limit + 1)))
    following = str(rows[limit - 1].position) if len(rows) > limit else None
    return Page(items=[RecordingLine.of(row) for row in rows[:limit]], next=following)


async def analysis_events(sessions: AsyncSessions, analysis_id: str) -> AsyncIterator[ServerSentEvent]:
    """`analysis` whenever it changed, until it has ended or is removed."""
    shown: AnalysisView | None = None
    while True:
        async with sessions() as session:
            analysis = await session.get(Analysis, analysis_id)
            if analysis is None or analysis.removed_at is not None:
                return
            view = await session.run_sync(analysis_view, analysis)
        if view != shown:
            shown = view
            yield ServerSentEvent(event="analysis", data=view.model_dump(mode="json"))
        if view.state in FINAL_STATES:
            return
        await asyncio.sleep(POLL_SECONDS)


def _counted(session: Session, analysis: Analysis) -> tuple[Counts, int, float]:
    """By outcome, from the index alone; with bytes of all and seconds of those that are heard."""
    row = AnalysisRecording
    columns = row.outcome, func.count(), func.sum(row.size), func.sum(row.seconds)
    query = select(*columns).where(AnalysisRecording.analysis_id == analysis.id).group_by(AnalysisRecording.outcome)
    rows = session.execute(query).all()
    by_outcome = {row[0]: row[1] for row in rows}
    counts = Counts(recordings=sum(by_outcome.values()), **by_outcome)
    return counts, int(sum(row[2] for row in rows)), float(sum(row[3] or 0.0 for row in rows))


def _first_file(session: Session, analysis: Analysis) -> str | None:
    of_it = select(AnalysisRecording.file).where(AnalysisRecording.analysis_id == analysis.id)
    return session.scalars(of_it.order_by(AnalysisRecording.position).limit(1)).first()


def _parts(session: Session, analysis: Analysis) -> _Parts:
    columns = Job.state, func.count(), func.sum(Job.progress_done), func.max(Job.finished_at)
    query = select(*columns).where(Job.parent_id == analysis.job_id, Job.kind == HEAR).group_by(Job.state)
    rows = session.execute(query).all()
    return _Parts(
        by_state={row[0]: row[1] for row in rows},
        done=sum(row[2] for row in rows),
        finished_at=max((row[3] for row in rows if row[3]), default=None),
    )


def _state(job: Job, counts: Counts, parts: _Parts) -> Any:
    if parts.by_state.get("queued") or parts.by_state.get("running"):
        return "running"
    if job.state != "succeeded":
        return job.state
    if counts.waiting:
        return "cancelled" if parts.by_state.get("cancelled") else "failed"
    return "failed" if counts.failed == counts.recordings else "succeeded"


def _progress(session: Session, job: Job, state: str, size: int, parts: _Parts) -> Progress:
    if job.state != "succeeded":
        return Progress(done=0, total=None, message=job.progress_message, fraction=None, seconds_left=None)
    # Those that were begun: few, however many wait. One that was put off says why.
    begun = Job.state.in_(("queued", "running")), Job.started_at.is_not(None)
    query = select(Job).where(Job.parent_id == job.id, Job.kind == HEAR, *begun).order_by(Job.updated_at.desc())
    active = list(session.scalars(query))
    fraction = 1.0 if state == "succeeded" else round(min(1.0, parts.done / size), 4) if size else None
    return Progress(
        done=parts.done,
        total=size,
        message=next((one.progress_message for one in active if one.progress_message), ""),
        fraction=fraction,
        seconds_left=_seconds_left([one for one in active if one.state == "running"], size - parts.done),
    )


def _seconds_left(running: list[Job], left: float) -> float | None:
    """From the pace of those that hear just now."""
    moment, pace = now(), 0.0
    for job in running:
        elapsed = (moment - job.started_at).total_seconds() if job.started_at else 0.0
        if elapsed >= SURE_SECONDS:
            pace += max(0.0, job.progress_done - job.progress_at_start) / elapsed
    return round(max(0.0, left) / pace, 1) if pace > 0 else None


def _error(session: Session, analysis: Analysis, job: Job, state: str, counts: Counts) -> Failure | None:
    if job.error_code:
        return Failure(code=job.error_code, detail=job.error or "")
    if state != "failed":
        return None
    if counts.waiting:
        mine = Job.parent_id == job.id, Job.kind == HEAR, Job.state.in_(LOST)
        lost = session.scalars(select(Job).where(*mine).order_by(Job.created_at, Job.id).limit(1)).first()
        return Failure(code=lost.error_code or "", detail=lost.error or "") if lost else None
    failed = AnalysisRecording.analysis_id == analysis.id, AnalysisRecording.outcome == "failed"
    first = select(AnalysisRecording.file, AnalysisRecording.error).where(*failed)
    reasons = session.execute(first.order_by(AnalysisRecording.position).limit(REASONS_SHOWN))
    said = " ".join(f"{file}: {error}" for file, error in reasons)
    return Failure(
        code=NothingHeard.code, detail=f"None of the {counts.recordings:,} recordings could be heard. {said}"
    )
