"""The frozen dataset: the list of labels, recordings and slices that a training run reads, and nothing else.

Stored as JSON lines: a header with the labels, then a line for each recording of each species, sorted by species and
sha256; keys sorted, no spaces, UTF-8, and what has its default value is left out. The sha256 of these bytes names the
dataset. They hold no name, no moment and no id of a database, so that the same recordings give the same hash anywhere.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.errors import InvalidInput, reason_of
from shared.model_file import Label

P = ParamSpec("P")
T = TypeVar("T")
Span = tuple[int, int]
"""First sample, and the one after the last."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recording(_Part):
    """A recording as one species' example; it is in the list once more for each further species marked in it."""

    id: str | None = None
    """Only in format 1."""
    sha256: str
    """Of the original file."""
    audio: str
    """Storage key of the prepared WAV."""
    samples: int = Field(ge=1)
    label: str
    marked: bool = False
    """Whether the slices are what a person marked as this species in a recording of another, and so no more than they
    may be taken for it."""
    secondary: tuple[str, ...] = ()
    """Other species that are heard in it."""
    recordist: str | None = None
    licence: str | None = None
    source: str | None = None
    source_url: str | None = None
    xc_id: str | None = None
    quality: str | None = None
    country: str | None = None
    locality: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    recorded_on: date | None = None
    segmentation: str | None = None
    """The preset that found the slices; `given` where a person marked them."""
    group: str | None = None
    """The same for all that must not be on two sides of a split; None in format 1, where the recordist says it."""
    fold: int = Field(0, ge=0)
    slices: tuple[int, ...] = ()
    """Start samples of the windows with signal."""
    noise: tuple[int, ...] = ()
    """Start samples of the windows with nothing but background."""
    signal_sections: tuple[Span, ...] = ()
    """Where exactly its species is heard, in order; before format 3 nobody noted it."""
    noise_sections: tuple[Span, ...] = ()
    """Where exactly nothing but background is heard, in order: also between the notes, where no window fits."""
    background: bool = False
    """Whether it is noise from end to end (rain, sea) and no example of a species; the label says what is heard."""

    @model_validator(mode="after")
    def _all_lies_inside(self) -> Self:
        if any(not 0 <= start < self.samples for start in (*self.slices, *self.noise)):
            raise ValueError("a slice starts outside its recording")
        for sections in (self.signal_sections, self.noise_sections):
            edges = [edge for section in sections for edge in section]
            if edges != sorted(edges) or any(not 0 <= first < end <= self.samples for first, end in sections):
                raise ValueError("a section is empty, out of order or outside its recording")
        if self.background and self.slices:
            raise ValueError("what is mere background has no slices of a species")
        return self


_NOT_IN_FORMAT_1 = {
    "marked": True,
    "source": True,
    "source_url": True,
    "quality": True,
    "country": True,
    "locality": True,
    "latitude": True,
    "longitude": True,
    "recorded_on": True,
    "segmentation": True,
    "group": True,
    "signal_sections": True,
    "noise_sections": True,
    "background": True,
}


class Header(_Part):
    format: Literal[1, 2, 3] = 3
    name: str | None = None
    """Only in format 1."""
    sample_rate: int = SAMPLE_RATE
    window: int = WINDOW_SAMPLES
    labels: tuple[Label, ...]
    """In the order of the logits."""

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if len(set(self.names)) != len(self.names):
            raise ValueError("two labels have the same scientific name")
        return self

    @property
    def names(self) -> list[str]:
        """Scientific names in the order of the logits."""
        return [label.scientific for label in self.labels]


class Dataset(Header):
    id: str = Field("", exclude=True)
    """Of its row in the database; no part of what is hashed."""
    recordings: tuple[Recording, ...]

    @model_validator(mode="after")
    def _labels_are_known(self) -> Self:
        if unknown := {each.label for each in self.recordings if not each.background} - set(self.names):
            raise ValueError(f"recordings with labels that are not listed: {sorted(unknown)}")
        return self

    @property
    def slices(self) -> int:
        return sum(len(recording.slices) for recording in self.recordings)

    def canonical(self) -> bytes:
        """The bytes that are stored and hashed."""
        return b"".join(self._lines())

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for line in self._lines():
            digest.update(line)
        return digest.hexdigest()

    def _lines(self) -> Iterator[bytes]:
        if self.format == 1:
            yield _json(self.model_dump(mode="json", exclude={"recordings": {"__all__": _NOT_IN_FORMAT_1}}))
        else:
            yield from lines(self, self.recordings)


def lines(header: Header, recordings: Iterable[Recording]) -> Iterator[bytes]:
    """A dataset of a format that has lines, line by line. What format 3 added is left out of a line that lacks it."""
    first = header.model_dump(mode="json", include={"sample_rate", "window", "labels"})
    yield _json({"format": header.format, **first}) + b"\n"
    for recording in recordings:
        yield _json(recording.model_dump(mode="json", exclude={"id"}, exclude_defaults=True)) + b"\n"


def _says_where(read: Callable[P, T]) -> Callable[P, T]:
    @wraps(read)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(*args, **kwargs)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise InvalidInput(
                f"The dataset does not fit: {where}: {reason_of(first)}.", hint="Make it anew."
            ) from error
        except ValueError as error:
            raise InvalidInput(f"The dataset is damaged: {error}.", hint="Make it anew.") from error

    return checked


def read_dataset(path: Path, *, id: str = "", sha256: str | None = None) -> Dataset:
    """Read a frozen dataset of any format. `sha256` is what it must have, where that is known.

    Raises:
        InvalidInput: with the first thing that does not fit.
    """
    with open_dataset(path) as (header, recordings):
        dataset = _joined(header, recordings, id)
    if sha256 is not None and dataset.sha256 != sha256:
        raise InvalidInput(f"The dataset {id} is no longer what was frozen.", hint="Make it anew.")
    return dataset


@_says_where
def _joined(header: Header, recordings: Iterator[Recording], id: str) -> Dataset:
    fields = {name: getattr(header, name) for name in Header.model_fields}
    return Dataset(**fields, id=id, recordings=tuple(recordings))


@contextmanager
def open_dataset(path: Path) -> Iterator[tuple[Header, Iterator[Recording]]]:
    """A frozen dataset to be read once, a recording at a time. Raises InvalidInput as `read_dataset` does."""
    with path.open("rb") as file:
        header, first = _begin(file.readline())
        yield header, iter(first) if header.format == 1 else map(_parse, file)


@_says_where
def _begin(line: bytes) -> tuple[Header, tuple[Recording, ...]]:
    """The header; and of a file of format 1, which is one line, the recordings too."""
    content = json.loads(line)
    if not isinstance(content, dict) or "recordings" not in content:
        return Header.model_validate(content), ()
    whole = Dataset.model_validate({"format": 1, **content})
    return whole, whole.recordings


@_says_where
def _parse(line: bytes) -> Recording:
    return Recording.model_validate_json(line)


def _json(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
