"""A whole analysis: what is not heard yet is heard, what is kept is written as it is asked for."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from services.inference.results.model import About, AnsweringModel, FailedRecording, RecordingResult
from services.inference.schemas import Parameters
from services.standalone.analysing.asked import ChosenModel
from services.standalone.analysing.kept import Analysis, Folder, Snippets, way_of
from services.standalone.analysing.recordings import Recording, Search
from services.standalone.analysing.setup import Setup
from services.standalone.analysing.workers import Heard, Workers
from services.standalone.analysing.writing import Output
from shared.audio.report import DecodeLimits
from shared.settings import Settings

Begin = Callable[[Sequence[Recording], int], None]
"""Is told which recordings are to be heard, and how many of them all were heard before."""


@dataclass(frozen=True)
class Order:
    """What is to be done."""

    model: ChosenModel
    parameters: Parameters
    formats: Sequence[str]
    snippets: Snippets | None
    padding: float
    jobs: int
    again: bool


@dataclass
class Listener:
    """Who wants to know how it goes."""

    begin: Begin = lambda recordings, before: None
    told: Callable[[Recording, float], None] = lambda recording, share: None
    heard: Callable[[Heard], None] = lambda heard: None


@dataclass
class Summary:
    """What came out. `seconds` are of all recordings; those with `_now` are of this run alone."""

    recordings: int = 0
    seconds: float = 0.0
    detections: Counter[str] = field(default_factory=Counter)
    in_recordings: Counter[str] = field(default_factory=Counter)
    common_names: dict[str, str] = field(default_factory=dict)
    failed: list[FailedRecording] = field(default_factory=list)
    silent: int = 0
    before: int = 0
    seconds_now: float = 0.0
    wall_now: float = 0.0
    written: list[Path] = field(default_factory=list)


def analyse(search: Search, order: Order, folder: Folder, settings: Settings, listener: Listener) -> Summary:
    """Hears the recordings that were found, but for those whose result is kept, and writes what is asked for.

    What is done stays when it is interrupted by anything, and the same call goes on from there.

    Raises Conflict while another process writes into the folder; StorageFull, InvalidInput and what workers stop for.
    """
    recordings = search.recordings
    with folder.held():
        if order.again:
            folder.forget()
        analysis, todo = _begun(folder, recordings, order)
        about = analysis.about
        output = Output(folder, order.formats, about, recordings)
        summary = Summary(before=len(recordings) - len(todo))
        listener.begin(todo, summary.before)
        began = time.monotonic()
        with closing(_workers(folder, about, order, settings, listener).hear(todo)) as hearing:
            for one in hearing:
                summary.seconds_now += one.seconds or 0.0
                _write_one(output, folder, one.recording)
                listener.heard(one)
        summary.wall_now = time.monotonic() - began
        for recording in set(recordings) - set(todo):
            _write_one(output, folder, recording)
        summary.written = output.write_all(recordings)
        _sum_up(summary, output, recordings)
        refused = [one for one in search.left_out if one.outcome == "refused"]
        if failed := output.write_failed(summary.failed, refused):
            summary.written.append(failed)
        folder.note(analysis.model_copy(update={"finished": True}))
    return summary


def _begun(folder: Folder, recordings: Sequence[Recording], order: Order) -> tuple[Analysis, list[Recording]]:
    """The analysis that this one goes on with, or a new one; and what is still to be heard."""
    before = folder.analysis()
    about = _about(order)
    way = way_of(about)
    todo = [one for one in recordings if not _is_done(folder, one, way, order.snippets)]
    if before and way_of(before.about) == way and not order.again and not (before.finished and todo):
        return before, todo
    analysis = Analysis(about=about)
    folder.note(analysis)
    return analysis, todo


def _is_done(folder: Folder, recording: Recording, way: str, snippets: Snippets | None) -> bool:
    mark = folder.mark(recording)
    return mark is not None and mark.way == way and not mark.passing and snippets in (None, mark.snippets)


def _about(order: Order) -> About:
    manifest = order.model.manifest
    return About(
        id=uuid.uuid4().hex,
        made_at=datetime.now(UTC).replace(microsecond=0),
        software_version=version("chiffchaff"),
        model=AnsweringModel(name=manifest.name, version=manifest.version, sha256=order.model.sha256),
        parameters=order.parameters,
    )


def _workers(folder: Folder, about: About, order: Order, settings: Settings, listener: Listener) -> Workers:
    setup = Setup(
        folder=folder.root.absolute(),
        model=order.model.path,
        about=about,
        snippets=order.snippets,
        padding=order.padding,
        limits=DecodeLimits(memory_mb=settings.decode_memory_mb, wall_seconds=settings.recording_wall_seconds),
    )
    return Workers(folder, setup, order.jobs, listener.told)


def _write_one(output: Output, folder: Folder, recording: Recording) -> None:
    if output.has_single and (entry := folder.entry(recording)) is not None:
        output.write_one(recording, entry.result)


def _sum_up(summary: Summary, output: Output, recordings: Sequence[Recording]) -> None:
    for result in output.results(recordings):
        if isinstance(result, FailedRecording):
            summary.failed.append(result)
            continue
        summary.recordings += 1
        summary.seconds += result.seconds
        heard = Counter(one.species for one in result.detections)
        summary.detections.update(heard)
        summary.in_recordings.update(heard.keys())
        summary.common_names.update({one.species: one.common_name for one in result.detections})
        summary.silent += isinstance(result, RecordingResult) and result.outcome == "nothing" and not result.ranking
