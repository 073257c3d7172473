"""Pictures of prepared recordings: drawn in a thread, one after the other, and cheap to ask for again."""

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import Row, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from shared.audio.constants import WINDOW_SAMPLES
from shared.audio.excerpt import DEFAULT_WIDTH, LEAST_WIDTH, LOOK, MOST_WIDTH, span
from shared.audio.given import union
from shared.audio.slices import Kind, Section, Slice
from shared.audio.wav import open_prepared
from shared.db import tables
from shared.db.tables import Recording
from shared.errors import Conflict, Overloaded
from shared.prepared import prepared_audio
from shared.settings import Settings
from shared.storage import Storage

MOST_WAITING = 16


class PngResponse(Response):
    media_type = "image/png"


class PictureQuery(BaseModel):
    start: float = Field(0.0, ge=0, allow_inf_nan=False, description="Seconds from the beginning of the recording")
    seconds: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="How much of it; all that follows if left out"
    )
    width: int = Field(DEFAULT_WIDTH, ge=LEAST_WIDTH, le=MOST_WIDTH, description="Of the picture, in pixels")


@dataclass(frozen=True)
class Picture:
    """All that is needed to draw one."""

    audio: Callable[[], Path]
    """Where the prepared sound is; that may take as long as preparing it."""
    title: str
    start: int
    end: int
    width: int
    sections: Sequence[Section]
    slices: Sequence[Slice]
    segmentation: str | None = None
    """The preset that they come from; of what a person marked (`given`) there are no masks."""


def entity_tag(row: Recording, query: PictureQuery) -> str:
    """Changes when the picture would: with the content, its preparation, what is asked for, and how it is drawn."""
    names = (row.sha256, row.prepared_at, row.original_name, row.label, row.segmentation, query.model_dump_json(), LOOK)
    return f'"{hashlib.sha256(repr(names).encode()).hexdigest()[:32]}"'


def require_prepared(row: Recording) -> None:
    if row.prepared_key is None or row.prepared_samples is None:
        raise Conflict(
            "The recording is not prepared: there is nothing to draw.",
            hint=f"GET /recordings/{row.id} says `prepared` when it is; GET /jobs shows what keeps it.",
        )


def picture_of(session: Session, storage: Storage, settings: Settings, row: Recording, query: PictureQuery) -> Picture:
    """Raises InvalidInput where the recording has ended before `start`."""
    start, end = span(row.prepared_samples or 0, query.start, query.seconds)
    rows, windows = tables.Section, tables.Slice
    sections = select(rows.kind, rows.start, rows.end).where(
        rows.recording_id == row.id, rows.end > start, rows.start < end
    )
    slices = select(windows.kind, windows.start, windows.length, windows.signal_fraction).where(
        windows.recording_id == row.id, windows.start > start - WINDOW_SAMPLES, windows.start < end
    )
    return Picture(
        audio=partial(prepared_audio, storage, settings, row.original_key, row.prepared_key or ""),
        title=f"{row.label}: {row.original_name}" if row.label else row.original_name,
        start=start,
        end=end,
        width=query.width,
        segmentation=row.segmentation,
        sections=_by_kind(session.execute(sections).all()),
        slices=[
            Slice(cast(Kind, kind), begin, length, fraction)
            for kind, begin, length, fraction in session.execute(slices.order_by(windows.start))
        ],
    )


def _by_kind(rows: Sequence[Row[str, int, int]]) -> list[Section]:
    """Signal is signal, whose ever it is: sections of two species that overlap are drawn as one."""
    kinds: tuple[Kind, Kind] = ("signal", "noise")
    found = [
        Section(kind, *stretch)
        for kind in kinds
        for stretch in union((row[1], row[2]) for row in rows if row[0] == kind)
    ]
    return sorted(found, key=lambda one: one.start)


class Drawing:
    """The one place where pictures are drawn: matplotlib is not made for several threads at once."""

    def __init__(self) -> None:
        self._asked_for = 0
        self._one_at_a_time = asyncio.Lock()

    async def draw(self, picture: Picture, on_turn: Callable[[], Awaitable[None]]) -> bytes:
        """The picture as PNG. `on_turn` raises when nobody waits for it any more. Raises Overloaded."""
        return await self.run(partial(_drawn, picture), on_turn)

    async def run(self, drawn: Callable[[], bytes], on_turn: Callable[[], Awaitable[None]]) -> bytes:
        """As `draw`, whatever is drawn."""
        if self._asked_for >= MOST_WAITING:
            raise Overloaded(f"{self._asked_for} pictures are waiting to be drawn.", hint="Try again in a moment.")
        self._asked_for += 1
        try:
            async with self._one_at_a_time:
                await on_turn()
                return await run_in_threadpool(drawn)
        finally:
            self._asked_for -= 1


def _drawn(picture: Picture) -> bytes:
    # Only who draws waits for matplotlib and scipy.
    from shared.audio.picture import draw, write_png
    from shared.audio.segmentation import DEFAULT, PRESETS

    figure = draw(
        open_prepared(picture.audio()),
        picture.sections,
        picture.slices,
        start=picture.start,
        end=picture.end,
        title=picture.title,
        width=picture.width,
        preset=PRESETS.get(picture.segmentation or "", DEFAULT),
        masks=picture.segmentation is None or picture.segmentation in PRESETS,
    )
    file = io.BytesIO()
    write_png(figure, file)
    return file.getvalue()


async def get_drawing(request: Request) -> Drawing:
    drawing: Drawing = request.app.state.drawing
    return drawing


Pictures = Annotated[Drawing, Depends(get_drawing)]


async def get_still_wanted(request: Request) -> Callable[[], Awaitable[None]]:
    async def still_wanted() -> None:
        if await request.is_disconnected():
            raise ClientDisconnect

    return still_wanted


StillWanted = Annotated[Callable[[], Awaitable[None]], Depends(get_still_wanted)]
"""Raises when the client has gone."""
