"""Marks that become what a recording is known to hold: species by their scientific names, noise, and what nobody knows.

`Recording.annotations` has `{"start", "end", "species"}` for each; a stretch without a bird has `"kind": "noise"`, one
with a bird that nobody could name has `"kind": "unknown"`. Those of reviews have a `"review"`, its id.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from services.ingest.marked import Mark, UnreadableAnnotations, read_marks
from shared import species

NOISE_LABELS = frozenset({"noise", "background", "silence", "nocall", "no call", "no bird", "none", "wind", "rain"})
UNKNOWN_LABELS = frozenset({"?", "??", "unknown", "unidentified", "unsure", "bird sp.", "other"})

Annotations = tuple[dict[str, Any], ...]


def kind_of(label: str) -> str:
    """`noise`, `unknown`, or `species`, which the empty label is as well: the recording's own."""
    plain = " ".join(label.replace("_", " ").split()).casefold()
    return "noise" if plain in NOISE_LABELS else "unknown" if plain in UNKNOWN_LABELS else "species"


def read_annotations(files: Sequence[Path], audio: str) -> tuple[Annotations, str]:
    """What the files mark in the recording called `audio`, and, where they cannot be read, a warning that says why."""
    try:
        return annotations_of(read_marks(files, audio)), ""
    except UnreadableAnnotations as error:
        return (), f"{error} The birds are searched for instead."


def annotations_of(marks: Iterable[Mark]) -> Annotations:
    return tuple(_annotation(mark) for mark in marks)


def of_files(annotations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those of reviews."""
    return [one for one in annotations if "review" not in one]


def of_reviews(annotations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in annotations if "review" in one]


def main_species(label: str | None, annotations: Iterable[dict[str, Any]]) -> tuple[str | None, list[str]]:
    """The scientific name that a recording goes by, and those of the others that are marked in it.

    Without a label of its own it goes by the species that is marked for the longest time.
    """
    heard = Counter[str]()
    for one in annotations:
        if one["species"]:
            heard[one["species"]] += one["end"] - one["start"]
    names = [name for name, _ in sorted(heard.items(), key=lambda pair: (-pair[1], pair[0]))]
    label = label or next(iter(names), None)
    return label, [name for name in names if name != label]


def _annotation(mark: Mark) -> dict[str, Any]:
    kind = kind_of(mark.label)
    times: dict[str, Any] = {"start": mark.start, "end": mark.end}
    if kind != "species":
        return {**times, "species": "", "kind": kind}
    return {**times, "species": species.resolve(mark.label).scientific if mark.label else ""}
