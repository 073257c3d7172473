"""The preprocess worker: decodes a recording, finds its signal and noise sections, cuts its slices, stores all."""

import hashlib
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from shared.audio.constants import SAMPLE_RATE
from shared.audio.given import Given, slice_sections, union, with_given
from shared.audio.report import DecodeReport
from shared.audio.segment import segment
from shared.audio.segmentation import PRESETS
from shared.audio.slices import Section as FoundSection
from shared.audio.slices import Slice as FoundSlice
from shared.audio.wav import forget_pages, open_prepared
from shared.db.base import now
from shared.db.library import REVIEW
from shared.db.tables import Recording, Section, Slice
from shared.prepared import decode_original, prepared_key_of
from shared.settings import Settings
from shared.storage import shortage
from shared.worker import JobContext, Worker, run_worker

STEPS = ("decoding", "finding the signal", "storing")
ROWS_AT_ONCE = 5_000
LOOK_SECONDS = 0.5
"""How often a worker looks whether somebody cancelled the job."""
SAMPLES_AT_ONCE = 1 << 20
ROOM_SECONDS = 10.0
"""How often a recording that waits for room on the disk looks again."""


class StepShown:
    """Shows how far a step is, and ends it within a second or so when the job is not wanted or the worker stops."""

    def __init__(self, context: JobContext, step: int) -> None:
        self._context = context
        self._step = step
        self._next_look = time.monotonic() + LOOK_SECONDS
        context.progress(step, len(STEPS), STEPS[step])

    def __call__(self, share: float | None) -> None:
        if (moment := time.monotonic()) >= self._next_look:
            self._next_look = moment + LOOK_SECONDS
            self._context.renew()
        # In tenths: each step further gives a job its attempts again, and there must not be many.
        done = min(9, math.floor(10 * (share or 0.0))) / 10
        message = STEPS[self._step] if share is None else f"{STEPS[self._step]}, {share:.0%}"
        self._context.progress(self._step + done, len(STEPS), message)


def prepare(context: JobContext) -> None:
    """Prepares one recording. Doing it again gives the same rows."""
    recording_id = context.payload["recording_id"]
    with context.sessions() as session:
        recording = session.get_one(Recording, recording_id)
    prepared_key = prepared_key_of(recording.sha256)
    while reason := shortage(context.storage, context.settings):
        context.wait(ROOM_SECONDS, f"Paused: {reason}")
    shown = StepShown(context, 0)
    report = decode_original(context.storage, context.settings, recording.original_key, prepared_key, shown)
    shown = StepShown(context, 1)
    samples = open_prepared(context.storage.existing(prepared_key))
    preset = PRESETS[context.payload.get("preset") or context.settings.segmentation]
    given = [_given(one, recording.label) for one in recording.annotations]
    sections = with_given(len(samples), _found(recording, segment(samples, preset, shown)), given)
    slices = slice_sections(len(samples), sections)
    digest = _sha256(context, samples)
    context.progress(2, len(STEPS), STEPS[2])
    with context.completion({"sections": len(sections), "slices": len(slices)}) as session:
        # Locked, so that of two that prepare it at once one replaces what the other wrote.
        recording = session.get_one(Recording, recording_id, with_for_update=True)
        session.execute(delete(Section).where(Section.recording_id == recording_id))
        session.execute(delete(Slice).where(Slice.recording_id == recording_id))
        _add(session, Section, recording_id, sections)
        _add(session, Slice, recording_id, slices)
        _describe(recording, report, prepared_key)
        recording.prepared_sha256 = digest
        recording.segmentation = "given" if any(one.kind == "signal" for one in given) else preset.name
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


def _found(recording: Recording, sections: list[FoundSection]) -> list[FoundSection]:
    """Without the signal that is nobody's: a recording that reviews brought in is labelled by what they heard in parts
    of it."""
    return [one for one in sections if one.kind == "noise"] if recording.source == REVIEW else sections


def _given(annotation: Mapping[str, Any], label: str | None) -> Given:
    """A row of `Recording.annotations`; signal of the recording's own species has no label of its own."""
    species = annotation["species"]
    return Given(
        start=annotation["start"],
        end=annotation["end"],
        kind=annotation.get("kind", "signal"),
        label="" if species == label else species,
        review="review" in annotation,
    )


def _sha256(context: JobContext, samples: npt.NDArray[np.int16]) -> str:
    """Of the prepared samples, read piece by piece."""
    digest = hashlib.sha256()
    for start in range(0, len(samples), SAMPLES_AT_ONCE):
        digest.update(samples[start : start + SAMPLES_AT_ONCE].data)
        forget_pages(samples)
        context.check()
    return digest.hexdigest()


def _summarise(recording: Recording, sections: Sequence[FoundSection], slices: Sequence[FoundSlice]) -> None:
    signal = union((one.start, one.end) for one in sections if one.kind == "signal")
    recording.signal_seconds = sum(end - start for start, end in signal) / SAMPLE_RATE
    if not any(one.kind == "signal" for one in slices):
        recording.warnings = [*recording.warnings, "No section with a bird was found; it trains nothing."]


WORKER = Worker(queue="preprocess", handlers={"preprocess.prepare": prepare})


def main() -> None:
    settings = Settings()
    run_worker(settings, "preprocess", [WORKER], concurrency=settings.worker_concurrency or settings.cores)


if __name__ == "__main__":
    main()
