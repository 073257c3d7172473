"""How an analysis is shown while it runs and when it has ended."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.standalone.cli.console import bar, console, count
from shared.errors import title_of

if TYPE_CHECKING:
    from services.standalone.analysing.recordings import Recording, Search
    from services.standalone.analysing.run import Summary
    from services.standalone.analysing.workers import Heard

MOST_SPECIES = 10
MOST_NAMES = 3


class Bar:
    """Seconds of sound where all recordings say how long they are, else files."""

    def __init__(self, recordings: int) -> None:
        self.recordings = recordings
        self.done = 0
        """How many of them, with those that were heard before."""
        self._progress = bar(TaskProgressColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn())
        self._task = self._progress.add_task("looking", total=None, said="")
        self._shares: dict[Path, float] = {}
        self._lengths: dict[Path, float] = {}
        self._weights: dict[Path, float] = {}
        self._ended = 0.0
        self._seconds = 0.0
        self._began = time.monotonic()

    @contextmanager
    def shown(self) -> Iterator[None]:
        with self._progress:
            yield

    def begin(self, recordings: "Sequence[Recording]", before: int) -> None:
        from services.standalone.analysing.recordings import lengths

        found = lengths(recordings)
        paths = [one.path for one in recordings]
        self._weights = dict(zip(paths, found, strict=True)) if found else dict.fromkeys(paths, 1.0)
        self._lengths = self._weights if found else {}
        self.done = before
        self._began = time.monotonic()
        total = sum(self._weights.values())
        self._progress.update(self._task, description="listening", total=total)
        self._show()

    def told(self, recording: "Recording", share: float) -> None:
        self._shares[recording.path] = share
        self._show()

    def heard(self, heard: "Heard") -> None:
        self.done += 1
        self._shares.pop(heard.recording.path, None)
        self._ended += self._weights[heard.recording.path]
        self._seconds += heard.seconds or 0.0
        self._show()

    def _show(self) -> None:
        begun = sum(share * self._weights[path] for path, share in self._shares.items())
        seconds = self._seconds + sum(share * self._lengths.get(path, 0.0) for path, share in self._shares.items())
        speed = seconds / max(time.monotonic() - self._began, 1e-3)
        said = f"{self.done:,} of {self.recordings:,}"
        if seconds:
            said += f", {_long(seconds)}, {speed:,.0f} x real time"
        self._progress.update(self._task, completed=self._ended + begun, said=said)


def show(summary: "Summary", found: "Search", output: Path) -> None:
    """What came out, for a person."""
    failed = len(summary.failed)
    heard = f"{count(summary.recordings, 'recording')} heard, {_long(summary.seconds)} of sound"
    before = f"; {summary.before:,} of them were kept from before" if summary.before else ""
    console.print(f"{heard}{before}.", highlight=False)
    if summary.seconds_now:
        speed = summary.seconds_now / summary.wall_now
        console.print(
            f"{_long(summary.seconds_now)} in {_long(summary.wall_now)}: {speed:,.0f} times real time.", highlight=False
        )
    if summary.silent:
        console.print(f"{count(summary.silent, 'recording')} silent from end to end.", highlight=False)
    _show_species(summary)
    if found.skipped:
        console.print(f"{count(found.skipped, 'file')} left out: no recordings.", highlight=False)
    if failed or found.left_out:
        _show_failed(summary, found, output)
    for path in summary.written:
        console.print(f"Written: {escape(str(path))}", highlight=False, soft_wrap=True)


def _show_species(summary: "Summary") -> None:
    detections = summary.detections.total()
    species = len(summary.detections)
    console.print(f"{count(detections, 'detection')} of {species} species.", highlight=False)
    if not detections:
        return
    table = Table("species", "common name", "detections", "recordings")
    for name, number in sorted(summary.detections.items(), key=lambda one: (-one[1], one[0]))[:MOST_SPECIES]:
        table.add_row(
            escape(name), escape(summary.common_names[name]), f"{number:,}", f"{summary.in_recordings[name]:,}"
        )
    console.print(table)


def _show_failed(summary: "Summary", found: "Search", output: Path) -> None:
    reasons: dict[str, list[str]] = {}
    for one in summary.failed:
        reasons.setdefault(title_of(one.code), []).append(one.file)
    for left in found.left_out:
        reasons.setdefault(left.reason.rstrip("."), []).append(left.name)
    console.print(
        f"{count(sum(map(len, reasons.values())), 'recording')} could not be heard:", highlight=False, style="red"
    )
    for reason, names in sorted(reasons.items(), key=lambda one: -len(one[1])):
        first = ", ".join(names[:MOST_NAMES]) + (" ..." if len(names) > MOST_NAMES else "")
        console.print(f"  {escape(reason)} ({len(names):,}): {escape(first)}", highlight=False)


def _long(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3_600 else f"{seconds / 3_600:,.1f} h"
