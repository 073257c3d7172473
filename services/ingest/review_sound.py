"""The sound of a review, for the library: the file that an analysis heard, or an excerpt of a long one around it."""

import hashlib
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path, PurePath
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import undefer

from services.ingest.items import Item
from services.ingest.opening import ChangedFile, SteadyFile
from services.ingest.taking import store_original
from shared.audio.cut_file import MOST_FLAC_CHANNELS, CutFile
from shared.audio.original import cut_out
from shared.db.tables import Analysis, AnalysisRecording, Recording, Review
from shared.errors import CorruptAudio, NotFound
from shared.heard_sound import sound_of
from shared.storage import BLOCK_BYTES, Stored, sha256_in
from shared.worker import JobContext

WHOLE_SECONDS = 900.0
"""A recording that is no longer comes into the library as it is."""
MARGIN_SECONDS = 10.0
"""Of a longer one an excerpt does, with so much before and after what was reviewed."""


@dataclass(frozen=True)
class Sound:
    """A file in the storage, what is known of it, and where in the recording that was heard it begins, in seconds."""

    item: Item
    stored: Stored
    offset: float
    excerpt_of: str | None
    """The sha256 of the whole, where this is an excerpt."""


class _Heard(BaseModel):
    """What of a result is needed here; docs/result-formats.md describes it."""

    seconds: float
    warnings: tuple[str, ...] = ()
    recorded_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class _Source:
    """The recording that was heard, as its analysis knows it; `day` is what the analysis was asked with."""

    row: AnalysisRecording
    heard: _Heard
    day: date | None


def store_sound(context: JobContext, review: Review) -> Sound:
    """Copies what the library needs into the storage. Run again, it gives the same.

    Raises:
        NotFound: when the analysis is gone.
        SoundGone, ChangedFile, UnreadableFile, AudioError: when the file is, or is another one now.
    """
    source = _source(context, review)
    with sound_of(source.row, context.storage, context.settings) as path:
        if path.stat().st_size != source.row.size:
            raise ChangedFile(f"{source.row.file} has changed since it was heard.", hint="Analyse it again.")
        if source.heard.seconds > WHOLE_SECONDS:
            return _store_excerpt(context, review, source, path)
        with SteadyFile(path, None) as stream:
            stored = store_original(context.storage, stream, source.row.file)
        return Sound(_item(review, source, source.row.file, 0.0, source.heard.seconds), stored, 0.0, None)


def _source(context: JobContext, review: Review) -> _Source:
    key = review.analysis_id, review.position
    with context.sessions() as session:
        analysis = session.get(Analysis, review.analysis_id)
        row = session.get(AnalysisRecording, key, options=[undefer(AnalysisRecording.result)])
    if analysis is None or analysis.removed_at is not None or row is None or row.result is None:
        raise NotFound(
            f"The analysis of {review.file} was removed before the library had its sound.",
            hint="Analyse the recording again, and review it there.",
        )
    day = analysis.about["parameters"].get("date")
    heard = _Heard.model_validate_json(zlib.decompress(row.result))
    return _Source(row, heard, date.fromisoformat(day) if day else None)


def _store_excerpt(context: JobContext, review: Review, source: _Source, path: Path) -> Sound:
    start = max(0.0, review.start - MARGIN_SECONDS)
    end = min(source.heard.seconds, review.end + MARGIN_SECONDS)
    name = f"{PurePath(source.row.file).stem}_{start:.3f}-{end:.3f}"
    with _cut(context, path, start, end, whole=not source.heard.warnings) as cut, cut.open("rb") as stream:
        stored = store_original(context.storage, stream, cut.name)
    item = _item(review, source, f"{name}{cut.suffix}", start, end)
    return Sound(item, stored, start, _sha256_of_whole(context, source.row, path))


@contextmanager
def _cut(context: JobContext, path: Path, start: float, end: float, *, whole: bool) -> Iterator[Path]:
    """A file with these seconds of the recording; removed when the block ends."""
    # Where what a killed process leaves is swept.
    context.storage.incoming.mkdir(parents=True, exist_ok=True)
    with cut_out(path, [(start, end)], whole=whole) as (info, pieces):
        kind: Literal["wav", "flac"] = "flac" if info.channels <= MOST_FLAC_CHANNELS else "wav"
        target = context.storage.incoming / f"{uuid.uuid4().hex}.{kind}"
        file = CutFile(target, info, kind, {})
        try:
            for piece in pieces:
                context.check()
                file.write(piece.samples)
            if not file.finish():
                raise CorruptAudio(f"{path.name} has no sound from {start:g} to {end:g} s.", hint="Has it changed?")
            yield target
        finally:
            file.discard()
            target.unlink(missing_ok=True)


def _sha256_of_whole(context: JobContext, row: AnalysisRecording, path: Path) -> str:
    """Of a day of sound it takes half a minute, so what is known already is not read again."""
    if row.storage_key is not None:
        return sha256_in(row.storage_key)
    same = Review.analysis_id == row.analysis_id, Review.position == row.position
    with context.sessions() as session:
        query = select(Recording.excerpt_of).join(Review, Review.recording_id == Recording.id)
        known = session.scalar(query.where(*same, Recording.excerpt_of.is_not(None)).limit(1))
    return known or _sha256(context, path)


def _sha256(context: JobContext, path: Path) -> str:
    digest = hashlib.sha256()
    with SteadyFile(path, None) as stream:
        while block := stream.read(BLOCK_BYTES):
            context.check()
            digest.update(block)
    return digest.hexdigest()


def _item(review: Review, source: _Source, name: str, start: float, end: float) -> Item:
    """When and where it was made as its recorder says, else as the analysis was asked."""
    made = source.heard.recorded_at
    moment = made + timedelta(seconds=start) if made else None
    said = {
        "analysis": review.analysis_id,
        "position": review.position,
        "file": review.file,
        "excerpt_start": start,
        "excerpt_end": end,
        "model": review.model,
        "reviewed_by": review.reviewed_by,
    }
    return Item(
        path=Path(name),
        name=name,
        recordist=review.recordist,
        licence=review.licence,
        latitude=source.heard.latitude,
        longitude=source.heard.longitude,
        recorded_on=moment.date() if moment else source.day,
        recorded_time=moment.strftime("%H:%M") if moment else "",
        details={"review": said},
    )
