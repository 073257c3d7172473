"""The job that hears a part of an analysis: some recordings, one after the other, each kept as soon as it is heard."""

import math
import time
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from services.inference.analyses.ears import Ears, ears
from services.inference.analyses.keeping import gone, kept, present
from services.inference.analysis import Analyst, HearingCrashed
from services.inference.placing import placed_result
from services.inference.results.model import About, FailedRecording, Result
from services.inference.schemas import Parameters
from services.inference.teaching.candidates import candidate_rows
from shared import jobs
from shared.audio.report import DecodeLimits
from shared.db.tables import Analysis, AnalysisRecording, Model, Recording, ReviewCandidate
from shared.errors import StorageFull, StorageUnreachable
from shared.heard_sound import SoundGone, sound_of
from shared.prepared import decoder
from shared.storage import shortage
from shared.worker import JobContext, Postponed

HEAR = "inference.hear"
LOOK_SECONDS = 0.5
"""How often a worker looks whether somebody cancelled the analysis."""
WAIT_SECONDS = 15.0


def hears(analysis_id: str, first: int, last: int) -> dict[str, Any]:
    """The payload of the job that hears the recordings at these positions."""
    return {"analysis_id": analysis_id, "first": first, "last": last}


def hear(context: JobContext) -> None:
    """Hears what is not heard yet of its part. A recording that broke every try before this one is not tried again."""
    with context.sessions() as session:
        analysis = present(session, context.payload["analysis_id"])
        part = _Part(context, session, analysis)
        waiting = list(session.scalars(part.rows.where(AnalysisRecording.outcome == "waiting")))
    suspect = waiting[0] if waiting and 1 < context.claim.attempts >= context.claim.max_attempts else None
    for row in waiting:
        part.keep(row, _crashed(row, context) if row is suspect else part.result(row))
    with context.completion({"recordings": part.count}):
        pass


class _Part:
    """One run of the job."""

    def __init__(self, context: JobContext, session: Session, analysis: Analysis) -> None:
        self._context = context
        self._about = About.model_validate(analysis.about)
        self._ears: Ears = ears(context.settings)
        self._model = session.get_one(Model, analysis.model_id)
        first, last = context.payload["first"], context.payload["last"]
        mine = AnalysisRecording.analysis_id == analysis.id
        self._mine = mine, AnalysisRecording.position.between(first, last)
        self.rows = select(AnalysisRecording).where(*self._mine).order_by(AnalysisRecording.position)
        self.count = last - first + 1
        self._done = self._sum(session, AnalysisRecording.outcome != "waiting")
        self._total = self._sum(session)
        settings = context.settings
        self._limits = DecodeLimits(
            max_seconds=settings.recording_max_seconds,
            memory_mb=settings.decode_memory_mb,
            wall_seconds=settings.recording_wall_seconds,
        )

    def _sum(self, session: Session, *conditions: Any) -> int:
        query = select(func.coalesce(func.sum(AnalysisRecording.size), 0)).where(*self._mine, *conditions)
        return int(session.scalar(query) or 0)

    def result(self, row: AnalysisRecording) -> Result:
        """Raises Postponed while there is no room, or the storage does not answer: no fault of the recording."""
        context = self._context
        while reason := shortage(context.storage, context.settings):
            context.wait(WAIT_SECONDS, f"Paused: {reason}")
        parameters = self._parameters(row)
        # Where what a killed process leaves is swept.
        scratch = context.storage.incoming
        scratch.mkdir(parents=True, exist_ok=True)
        try:
            classifier = self._ears.classifier(context.storage, self._model)
            analyst = Analyst(classifier, parameters, decoder(), scratch, self._limits)
            with sound_of(row, context.storage, context.settings) as path:
                heard = analyst.result(path, row.file, _Shown(context, row, self._done, self._total))
        except SoundGone as error:
            return FailedRecording(file=row.file, code=error.code, error=str(error))
        except StorageUnreachable as error:
            raise Postponed(str(error), seconds=WAIT_SECONDS) from error
        except StorageFull as error:
            raise Postponed(f"Paused: {error}", seconds=WAIT_SECONDS) from error
        if isinstance(heard, FailedRecording):
            return heard
        return placed_result(heard, parameters, self._ears.expectations)

    def _parameters(self, row: AnalysisRecording) -> Parameters:
        """With place and day of a recording of the library, for one whose recorder does not say where and when."""
        parameters = self._about.parameters
        if row.recording_id is None:
            return parameters
        with self._context.sessions() as session:
            known = session.get(Recording, row.recording_id)
        if known is None:
            return parameters
        changes: dict[str, Any] = {}
        if known.latitude is not None and known.longitude is not None:
            changes |= {"latitude": known.latitude, "longitude": known.longitude}
        if known.recorded_on is not None:
            changes["date"] = known.recorded_on
        return parameters.model_copy(update=changes)

    def keep(self, row: AnalysisRecording, result: Result) -> None:
        """Writes the result, and what of it is worth a question, with the progress in one transaction.

        While the job is this worker's and wanted.
        """
        self._done += row.size
        asked = candidate_rows(row.analysis_id, row.position, result)
        mine = AnalysisRecording.analysis_id == row.analysis_id, AnalysisRecording.position == row.position
        with self._context.transaction() as session:
            written = session.execute(
                update(AnalysisRecording)
                .where(*mine, AnalysisRecording.outcome == "waiting")
                .values(**kept(result))
                .returning(AnalysisRecording.position)
            ).one_or_none()
            if written is None:
                raise gone(row.analysis_id)
            if asked:
                session.execute(insert(ReviewCandidate), asked)
            jobs.progress(session, self._context.claim, self._done, self._total, row.file)


def _crashed(row: AnalysisRecording, context: JobContext) -> FailedRecording:
    tries = context.claim.attempts - 1
    error = HearingCrashed(
        f"Hearing it broke down {tries} times, each time with the worker.",
        hint="Too little memory? The worker's log says more. Lower CHIFFCHAFF_ANALYSIS_PROCESSES, or cut it in pieces.",
    )
    return FailedRecording(file=row.file, code=error.code, error=str(error))


class _Shown:
    """Shows how far a recording is, and ends it within a second or so when it is not wanted or the worker stops."""

    def __init__(self, context: JobContext, row: AnalysisRecording, done: int, total: int) -> None:
        self._context = context
        self._row = row
        self._done, self._total = done, total
        self._next_look = time.monotonic() + LOOK_SECONDS

    def __call__(self, share: float) -> None:
        if (moment := time.monotonic()) >= self._next_look:
            self._next_look = moment + LOOK_SECONDS
            self._context.renew()
        # In tenths: each step further gives a job its attempts again, and there must not be many.
        tenths = min(9, math.floor(10 * share)) / 10
        self._context.progress(
            self._done + tenths * self._row.size, self._total, f"{self._row.file}, {min(1.0, share):.0%}"
        )
