"""The frozen dataset: the list of labels, recordings and slices that a training run reads, and nothing else.

Its canonical JSON (sorted keys, no spaces, UTF-8) is what is stored and hashed, so that one hash names one dataset.
"""

import hashlib
import json
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.errors import InvalidInput
from shared.model_file import Label


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recording(_Part):
    id: str
    sha256: str
    """Of the original file."""
    audio: str
    """Storage key of the prepared WAV."""
    samples: int = Field(ge=1)
    label: str
    secondary: tuple[str, ...] = ()
    """Other species that are heard in it."""
    recordist: str | None = None
    licence: str | None = None
    xc_id: str | None = None
    fold: int = Field(0, ge=0)
    slices: tuple[int, ...] = ()
    """Start samples of the windows with signal."""
    noise: tuple[int, ...] = ()
    """Start samples of the windows with nothing but background."""

    @model_validator(mode="after")
    def _slices_lie_inside(self) -> Self:
        if any(not 0 <= start < self.samples for start in (*self.slices, *self.noise)):
            raise ValueError("a slice starts outside its recording")
        return self


class Dataset(_Part):
    format: Literal[1] = 1
    name: str
    sample_rate: int = SAMPLE_RATE
    window: int = WINDOW_SAMPLES
    labels: tuple[Label, ...]
    """In the order of the logits."""
    recordings: tuple[Recording, ...]

    @model_validator(mode="after")
    def _labels_are_known(self) -> Self:
        names = [label.scientific for label in self.labels]
        if len(set(names)) != len(names):
            raise ValueError("two labels have the same scientific name")
        if unknown := {recording.label for recording in self.recordings} - set(names):
            raise ValueError(f"recordings with labels that are not listed: {sorted(unknown)}")
        return self

    @property
    def names(self) -> list[str]:
        """Scientific names in the order of the logits."""
        return [label.scientific for label in self.labels]

    @property
    def slices(self) -> int:
        return sum(len(recording.slices) for recording in self.recordings)

    def canonical(self) -> bytes:
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()


def read_dataset(path: Path) -> Dataset:
    """Read a frozen dataset. Raises InvalidInput with the first thing that does not fit."""
    try:
        return Dataset.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InvalidInput(f"The dataset does not fit: {where}: {first['msg']}.", hint="Make it anew.") from error
