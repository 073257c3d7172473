"""Pictures of a training run: learning curves and the confusion matrix, as PNG, drawn without a display."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from services.trainer.progress import Progress


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
    figure.savefig(path, dpi=110)


def draw_confusion(path: Path, confusion: npt.NDArray[Any], names: Sequence[str]) -> None:
    """(true, predicted) counts of recordings, coloured by each true species' share."""
    size = max(4.0, 2.5 + 0.28 * len(names))
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    share = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    axes.imshow(share, cmap="Greens", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7, fontstyle="italic")
    axes.set_yticks(range(len(names)), names, fontsize=7, fontstyle="italic")
    axes.set(xlabel="heard as", ylabel="is")
    for true, said in np.argwhere(confusion):
        colour = "white" if share[true, said] > 0.5 else "black"
        axes.text(said, true, str(confusion[true, said]), ha="center", va="center", fontsize=6, color=colour)
    figure.savefig(path, dpi=110)
