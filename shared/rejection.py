"""Sounds that are none of a model's species: how each window is scored, and below which score it is refused.

A classifier names one of its species whatever it hears. How far its logits stand out, all together, tells what it knows
from what it does not, better than its confidence does: a softmax shares out 1 even where nothing fits.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from shared.metric import Metric

Activation = Literal["softmax", "sigmoid"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UnknownSounds(_Part):
    """A set of sounds that are none of the species, and how well the model tells them from those that are."""

    name: str
    dataset_sha256: str
    recordings: int = Field(ge=1)
    auroc: Metric
    """Known recordings against these: 0.5 is chance, 1 perfect. Of networks that had heard neither."""
    slice_auroc: Metric | None
    """`None` where none of them has a slice."""
    refused: Metric
    """Share of these recordings that the model refuses."""
    slices_refused: Metric | None


class Rejection(_Part):
    """Where to draw the line: what has less energy is refused."""

    score: Literal["energy"] = "energy"
    recording_threshold: float
    window_threshold: float
    wanted: float = Field(gt=0, lt=1)
    """Share of known recordings, and of their slices, that the thresholds were set to keep."""
    kept: Metric
    """Share of known recordings that is kept, on others than those that the threshold was set on."""
    slices_kept: Metric
    unknown: tuple[UnknownSounds, ...] = ()


def energy(logits: npt.NDArray[np.floating[Any]], activation: Activation) -> npt.NDArray[np.float64]:
    """How much a window sounds like something the model knows, (..., classes) -> (...): higher is better known.

    The logarithm of the sum of the exponentials of the logits, the negative energy of Liu et al. (2020). A softmax does
    not mind a constant in all logits, so training leaves that to chance, and a threshold found with one network would
    fit no other: from its logits their mean is taken first. Those of a sigmoid mean something by themselves.
    `docs/evaluation.md` compares this with other scores.
    """
    precise = logits.astype(np.float64)
    if activation == "softmax":
        precise = precise - precise.mean(axis=-1, keepdims=True)
    highest = precise.max(axis=-1)
    total: npt.NDArray[np.float64] = highest + np.log(np.exp(precise - highest[..., None]).sum(axis=-1))
    return total


def recording_energy(logits: npt.NDArray[np.floating[Any]], activation: Activation) -> float:
    """Of a recording, (windows, classes): that of the mean of its windows, so that a long one has no advantage."""
    return float(energy(logits.mean(axis=0, dtype=np.float64), activation))
