"""Pictures of a training run: learning curves and the confusion matrix, as PNG, drawn without a display."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from services.trainer.progress import Progress

DPI = 110
NUMBERED = 40
"""A confusion matrix of more species has no numbers in it: they could not be read."""
NAMES_ON_AXIS = 75
"""With more species every second, third, ... is named."""


def draw_curves(path: Path, history: Mapping[str, Sequence[Progress]]) -> None:
    """Losses and held-out accuracy by epoch; a line for each run (fold or final), named by its key."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    for number, (name, epochs) in enumerate(history.items()):
        colour = f"C{number % 10}"
        at = [e.epoch for e in epochs]
        losses.plot(at, [e.train_loss for e in epochs], color=colour, label=name)
        tested = [e for e in epochs if e.val_loss is not None]
        losses.plot([e.epoch for e in tested], [e.val_loss for e in tested], color=colour, linestyle="--")
        accuracy.plot([e.epoch for e in tested], [e.val_top1 for e in tested], color=colour)
    losses.set(xlabel="epoch", ylabel="loss", title="Training (—) and held-out (- -) loss")
    losses.legend(fontsize="small")
    accuracy.set(xlabel="epoch", ylabel="share right", ylim=(0, 1), title="Held-out slices, first place right")
    for axes in (losses, accuracy):
        axes.grid(alpha=0.3)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.savefig(path, dpi=DPI)


def draw_confusion(path: Path, confusion: npt.NDArray[Any], names: Sequence[str]) -> None:
    """(true, predicted) counts of recordings, coloured by each true species' share."""
    size = min(16.0, max(4.0, 2.5 + 0.28 * len(names)))
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    share = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    # Among many species a rare confusion is one faint pixel: a root makes it visible.
    norm = Normalize(0, 1) if len(names) <= NUMBERED else PowerNorm(0.5, 0, 1)
    axes.imshow(share, cmap="Greens", norm=norm, interpolation="nearest")
    every = -(-len(names) // NAMES_ON_AXIS)
    places = range(0, len(names), every)
    axes.set_xticks(places, names[::every], rotation=90, fontsize=7, fontstyle="italic")
    axes.set_yticks(places, names[::every], fontsize=7, fontstyle="italic")
    axes.set(xlabel="heard as", ylabel="is")
    if len(names) <= NUMBERED:
        for true, said in np.argwhere(confusion):
            colour = "white" if share[true, said] > 0.5 else "black"
            axes.text(said, true, str(confusion[true, said]), ha="center", va="center", fontsize=6, color=colour)
    figure.savefig(path, dpi=DPI)
