"""The labelled recordings that benchmarks train on, as frozen datasets: `../shared/data`, described by its manifest."""

import csv
import hashlib
from pathlib import Path

from services.trainer.frozen_dataset import Dataset, Recording
from services.trainer.split import assign_folds
from shared.audio.decode import decode_to_wav
from shared.audio.segment import segment
from shared.audio.slices import slice_recording
from shared.audio.wav import open_prepared
from shared.model_file import Label

FOLDS = 5
OFFICIAL = ("esc10",)
"""Sets whose files begin with their fold, 1 to 5, as their authors have assigned it; their clips are one slice each."""


def read_set(data: Path, name: str, prepared: Path) -> Dataset:
    """A set of `data/manifest.csv` as a dataset of five folds, its prepared recordings in the folder `prepared`.

    No recordist is in two folds, or the folds are the set's own.
    """
    with (data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == name]
    recordings = []
    for number, row in enumerate(rows):
        key = f"{name}-{number}.wav"
        decode_to_wav(data / row["path"], prepared / key)
        sound = open_prepared(prepared / key)
        sections = segment(sound)
        slices = slice_recording(len(sound), sections)
        whole = name in OFFICIAL
        spans = {kind: tuple((s.start, s.end) for s in sections if s.kind == kind) for kind in ("signal", "noise")}
        recordings.append(
            Recording(
                sha256=hashlib.sha256((data / row["path"]).read_bytes()).hexdigest(),
                audio=key,
                samples=len(sound),
                label=row["label"],
                recordist=row["recordist"].strip() or None,
                licence=row["licence"],
                xc_id=row["xc_id"] or None,
                slices=(0,) if whole else tuple(one.start for one in slices if one.kind == "signal"),
                noise=() if whole else tuple(one.start for one in slices if one.kind == "noise"),
                signal_sections=() if whole else spans["signal"],
                noise_sections=() if whole else spans["noise"],
                fold=int(Path(row["path"]).name[0]) - 1 if whole else 0,
            )
        )
    if name not in OFFICIAL:
        groups = [one.recordist or one.sha256 for one in recordings]
        folds = assign_folds([one.label for one in recordings], groups, FOLDS, 0)
        recordings = [one.model_copy(update={"fold": fold}) for one, fold in zip(recordings, folds, strict=True)]
    common = {row["label"]: row["english"] for row in rows}
    labels = tuple(Label(scientific=label, common=common[label]) for label in sorted(common))
    return Dataset(id=name, labels=labels, recordings=tuple(recordings))
