"""The files of an analysis that people and other programs read, each whole or not there."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from services.inference.results.formats import FORMATS
from services.inference.results.model import About, FailedRecording, RecordingResult, Result
from services.inference.results.names import name_of_recording
from services.inference.results.text import Utf8, harmless, harmless_path
from services.standalone.analysing.kept import Folder
from services.standalone.analysing.recordings import Recording, common_folder
from shared.errors import title_of
from shared.walk import LeftOut

ALL = "results"
"""What files about all recordings are called, but for what their format adds."""
FAILED = "failed.csv"
_LONGEST = 255


class Output:
    """Files in `formats` below the folder; those about one recording lie as the recordings do.

    They are named after their recording without its suffix; with it, where another has the same name but for that.
    """

    def __init__(self, folder: Folder, formats: Sequence[str], about: About, recordings: Sequence[Recording]) -> None:
        self._folder = folder
        self._about = about
        self._single = [FORMATS[name] for name in formats if FORMATS[name].holds == "one recording"]
        self._joint = [FORMATS[name] for name in formats if FORMATS[name].holds == "all recordings"]
        self._base = common_folder(recordings)
        self._taken = Counter(one.path.with_suffix("") for one in recordings)
        self._taken[self._base / ALL] += 1

    @property
    def has_single(self) -> bool:
        return bool(self._single)

    def write_one(self, recording: Recording, result: Result) -> None:
        """In the formats that have a file for each recording; one that failed has none."""
        for form in self._single:
            path = self._beside(recording, form.suffix)
            if isinstance(result, RecordingResult):
                with self._folder.writing(path) as file:
                    form.write([result], self._about, file)
            else:
                path.unlink(missing_ok=True)

    def write_all(self, recordings: Sequence[Recording]) -> list[Path]:
        """In the formats that have one file for all, and what failed as `failed.csv`, where anything did."""
        paths = []
        for form in self._joint:
            paths.append(self._folder.root / f"{ALL}{form.suffix}")
            with self._folder.writing(paths[-1]) as file:
                form.write(self.results(recordings), self._about, file)
        return paths

    def write_failed(self, failed: Iterable[FailedRecording], left_out: Iterable[LeftOut]) -> Path | None:
        """A row for all that could not be heard; where there is none, no file either."""
        path = self._folder.root / FAILED
        rows = [
            *([one.file, one.code or "", title_of(one.code), one.error] for one in failed),
            *([one.name, one.code, "", one.reason] for one in left_out),
        ]
        if not rows:
            path.unlink(missing_ok=True)
            return None
        with self._folder.writing(path) as file:
            writer = csv.writer(Utf8(file))
            writer.writerow(("file", "code", "reason", "error"))
            writer.writerows((harmless_path(name), *map(harmless, rest)) for name, *rest in rows)
        return path

    def results(self, recordings: Iterable[Recording]) -> Iterator[Result]:
        """One after the other, as they were kept."""
        for recording in recordings:
            if (entry := self._folder.entry(recording)) is not None:
                yield entry.result

    def _beside(self, recording: Recording, suffix: str) -> Path:
        """Where the file of a recording goes."""
        at = self._folder.root / recording.path.parent.relative_to(self._base)
        alone = self._taken[recording.path.with_suffix("")] == 1
        name = f"{recording.path.stem if alone else recording.path.name}{suffix}"
        if len(name.encode("utf-8", "surrogateescape")) > _LONGEST:
            name = f"{name_of_recording(recording.name)}{suffix}"
        return at / name
