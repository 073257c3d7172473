"""Two models on the recordings that both held out: which is right more often, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from shared.errors import InvalidInput
from shared.metric import Metric
from shared.predictions import Prediction, Predictions

Z: Final = 1.959964
"""Of a 95 % interval."""
SHOWN: Final = 200


class Said(BaseModel):
    """A species and how sure a model was of it."""

    species: str
    confidence: float


class Difference(BaseModel):
    """A recording that one of the two names rightly and the other does not."""

    sha256: str = Field(description="Of the original file: `GET /recordings?sha256=` finds it")
    species: str = Field(description="What it is")
    said: Said | None = Field(description="What this model ranks first")
    other_said: Said | None


class SpeciesComparison(BaseModel):
    """Right first places of one species' recordings."""

    species: str
    recordings: int
    right: int
    other_right: int


class Comparison(BaseModel):
    """Both models' first-ranked species, recording by recording, as networks said that had not learnt from them."""

    recordings: int = Field(description="Held out by both, of species that both know")
    only_this: int = Field(description="Held out by this model alone, or of a species that the other does not know")
    only_other: int
    top1: float
    other_top1: float
    difference: Metric = Field(description="top1 - other_top1; with the interval of paired shares")
    both_right: int
    neither_right: int
    better: list[Difference] = Field(description=f"Right here, wrong there; {SHOWN} at most")
    worse: list[Difference] = Field(description=f"Wrong here, right there; {SHOWN} at most")
    species: list[SpeciesComparison]


def compare(this: Predictions, other: Predictions) -> Comparison:
    """Raises InvalidInput where there is no recording that both held out."""
    mine, theirs = _by_recording(this), _by_recording(other)
    shared = sorted(
        key for key in mine.keys() & theirs.keys() if key[1] in this.labels and key[1] in other.labels
    )  # a species that one of them cannot name would decide the match beforehand
    if not shared:
        raise InvalidInput(
            "There is no recording that both models were tested on.",
            hint="Compare models that were trained with held-out folds on recordings of the same library.",
        )
    pairs = [(key, _said(mine[key], this.labels), _said(theirs[key], other.labels)) for key in shared]
    right = np.array([[_is(said, key[1]), _is(their, key[1])] for key, said, their in pairs])
    better, worse = (
        [
            Difference(sha256=key[0], species=key[1], said=said, other_said=their)
            for (key, said, their), (one, another) in zip(pairs, right, strict=True)
            if (one, another) == wanted
        ]
        for wanted in ((True, False), (False, True))
    )
    return Comparison(
        recordings=len(shared),
        only_this=len(mine) - len(shared),
        only_other=len(theirs) - len(shared),
        top1=float(right[:, 0].mean()),
        other_top1=float(right[:, 1].mean()),
        difference=_paired(len(better), len(worse), len(shared)),
        both_right=int(right.all(axis=1).sum()),
        neither_right=int((~right).all(axis=1).sum()),
        better=better[:SHOWN],
        worse=worse[:SHOWN],
        species=_by_species([key[1] for key in shared], right),
    )


def _by_recording(predictions: Predictions) -> Mapping[tuple[str, str], Prediction]:
    """By content and species: a recording may be there as several species."""
    return {(one.sha256, predictions.labels[one.label]): one for one in predictions.recordings}


def _said(prediction: Prediction, labels: Sequence[str]) -> Said | None:
    if not prediction.ranking:
        return None
    label, confidence = prediction.ranking[0]
    return Said(species=labels[label], confidence=confidence)


def _is(said: Said | None, species: str) -> bool:
    return said is not None and said.species == species


def _paired(better: int, worse: int, recordings: int) -> Metric:
    """The difference of two shares of the same recordings, with its interval by Agresti and Min (2005).

    Resamples of a few recordings on which the two never differ would claim certainty.
    """
    total, first, second = recordings + 2, better + 0.5, worse + 0.5
    value, middle = (better - worse) / recordings, (first - second) / total
    half = Z * (first + second - (first - second) ** 2 / total) ** 0.5 / total
    return Metric(value=value, low=max(-1.0, min(value, middle - half)), high=min(1.0, max(value, middle + half)))


def _by_species(species: Sequence[str], right: npt.NDArray[np.bool_]) -> list[SpeciesComparison]:
    names = np.array(species)
    return [
        SpeciesComparison(
            species=name,
            recordings=int((names == name).sum()),
            right=int(right[names == name, 0].sum()),
            other_right=int(right[names == name, 1].sum()),
        )
        for name in sorted(set(species))
    ]
