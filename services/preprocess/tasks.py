"""The preprocess worker: decodes a recording, finds its signal and noise sections, cuts its slices, stores all."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from shared.audio.constants import SAMPLE_RATE
from shared.audio.report import DecodeReport
from shared.audio.segment import segment
from shared.audio.segmentation import DEFAULT
from shared.audio.slices import Section as FoundSection
from shared.audio.slices import Slice as FoundSlice
from shared.audio.slices import slice_recording
from shared.audio.wav import open_prepared
from shared.db.base import now
from shared.db.tables import Recording, Section, Slice
from shared.prepared import decode_original, prepared_key_of
from shared.settings import Settings
from shared.storage import shortage
from shared.worker import JobContext, Worker, run_worker

STEPS = ("decoding", "finding the signal", "storing")
ROWS_AT_ONCE = 5_000
ROOM_SECONDS = 10.0
"""How often a recording that waits for room on the disk looks again."""


def prepare(context: JobContext) -> None:
    """Prepares one recording. Doing it again gives the same rows."""
    recording_id = context.payload["recording_id"]
    with context.sessions() as session:
        recording = session.get_one(Recording, recording_id)
    prepared_key = prepared_key_of(recording.sha256)
    while reason := shortage(context.storage, context.settings):
        context.wait(ROOM_SECONDS, f"Paused: {reason}")
    context.progress(0, len(STEPS), STEPS[0])
    report = decode_original(context.storage, context.settings, recording.original_key, prepared_key)
    context.progress(1, len(STEPS), STEPS[1])
    samples = open_prepared(context.storage.existing(prepared_key))
    sections = segment(samples, DEFAULT)
    slices = slice_recording(len(samples), sections)
    context.progress(2, len(STEPS), STEPS[2])
    with context.completion({"sections": len(sections), "slices": len(slices)}) as session:
        session.execute(delete(Section).where(Section.recording_id == recording_id))
        session.execute(delete(Slice).where(Slice.recording_id == recording_id))
        _add(session, Section, recording_id, sections)
        _add(session, Slice, recording_id, slices)
        recording = session.get_one(Recording, recording_id)
        _describe(recording, report, prepared_key)
        _summarise(recording, sections, slices)


def _add(
    session: Session, table: type[Section | Slice], recording_id: str, found: Iterable[FoundSection | FoundSlice]
) -> None:
    """As many rows at a time as memory does not notice: a day of birds has hundreds of thousands of sections."""
    rows = iter(found)
    while part := list(islice(rows, ROWS_AT_ONCE)):
        session.execute(insert(table), [{"recording_id": recording_id} | asdict(one) for one in part])


def _describe(recording: Recording, report: DecodeReport, prepared_key: str) -> None:
    recording.prepared_key = prepared_key
    recording.prepared_samples = report.samples
    recording.prepared_at = now()
    recording.format = report.info.codec
    recording.sample_rate = report.info.sample_rate
    recording.channels = report.info.channels
    recording.seconds = report.seconds
    recording.warnings = list(report.warnings)


def _summarise(recording: Recording, sections: list[FoundSection], slices: list[FoundSlice]) -> None:
    signal = sum(one.end - one.start for one in sections if one.kind == "signal")
    recording.segmentation = DEFAULT.name
    recording.signal_seconds = signal / SAMPLE_RATE
    if not any(one.kind == "signal" for one in slices):
        recording.warnings = [*recording.warnings, "No section with a bird was found; it trains nothing."]


WORKER = Worker(queue="preprocess", handlers={"preprocess.prepare": prepare})


def main() -> None:
    settings = Settings()
    run_worker(settings, "preprocess", [WORKER], concurrency=settings.worker_concurrency or settings.cores)


if __name__ == "__main__":
    main()
