"""Pictures of an evaluation: reliability, each species with its interval, known against unknown sounds, as PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from services.trainer.calibrate import BINS, Reliability
from services.trainer.evaluate import SpeciesResult
from services.trainer.plots import DPI
from services.trainer.rejection import GRID, Curve
from shared.metric import Metric
from shared.rejection import Rejection

BARS_IN_COLUMN = 50


def draw_reliability(path: Path, before: Reliability, after: Reliability) -> None:
    """How often the first-ranked species is right by how confident the model is of it, without and with calibration."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    pictures = figure.subplots(2, 2, sharex=True, height_ratios=[4, 1])
    edges = np.linspace(0, 1, BINS + 1)
    for column, title, one in ((0, "Before", before), (1, "After", after)):
        axes, counts = pictures[:, column]
        filled = one.count > 0
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="as it says")
        axes.bar(edges[:-1][filled], one.right[filled], 1 / BINS, align="edge", color="C2", alpha=0.5, edgecolor="C2")
        axes.plot(one.confidence[filled], one.right[filled], "o", color="C0", label="mean of a bin")
        axes.set(ylabel="share right", xlim=(0, 1), ylim=(0, 1), title=f"{title} calibration: ECE {one.error:.3f}")
        axes.legend(fontsize="small", loc="upper left")
        counts.bar(edges[:-1], one.count, 1 / BINS, align="edge", color="grey")
        counts.set(ylabel="recordings", xlabel="confidence of the first-ranked species")
        for each in (axes, counts):
            each.grid(alpha=0.3)
    figure.savefig(path, dpi=DPI)


def draw_species(path: Path, species: Mapping[int, SpeciesResult], names: Sequence[str], macro: Metric) -> None:
    """Share of each species' recordings in which it is ranked first, with 95 % intervals, the best known on top."""
    order = sorted(species, key=lambda label: (-species[label].top1.value, -species[label].recordings, label))
    columns = [order[first : first + BARS_IN_COLUMN] for first in range(0, len(order), BARS_IN_COLUMN)]
    rows = max(map(len, columns))
    figure = Figure(figsize=(1 + 6 * len(columns), 1.4 + 0.2 * rows), layout="constrained")
    for axes, labels in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
        _bars(axes, [species[label] for label in labels], [names[label] for label in labels], rows)
        axes.axvline(macro.value, color="C0", linestyle="--", linewidth=1)
    figure.suptitle(f"Right species first, per recording; in brackets: recordings. Mean over species {macro.value:.2f}")
    figure.savefig(path, dpi=DPI)


def _bars(axes: Axes, results: Sequence[SpeciesResult], names: Sequence[str], rows: int) -> None:
    places = np.arange(len(results))
    values = np.array([one.top1.value for one in results])
    low = values - [one.top1.low or 0.0 for one in results]
    high = np.array([one.top1.value if one.top1.high is None else one.top1.high for one in results]) - values
    axes.barh(places, values, color="C2", alpha=0.6)
    axes.errorbar(values, places, xerr=np.stack([low, high]), fmt="none", ecolor="black", elinewidth=0.8, capsize=2)
    titles = [f"{name} ({one.recordings})" for name, one in zip(names, results, strict=True)]
    axes.set_yticks(places, titles, fontsize=8, fontstyle="italic")
    axes.set(xlim=(0, 1), ylim=(max(rows, 3) - 0.4, -0.6), xlabel="share, with 95 % interval")
    axes.grid(axis="x", alpha=0.3)


def draw_unknown(path: Path, rejection: Rejection, curves: Sequence[Curve]) -> None:
    """Which share of known recordings is kept where a share of the unknown ones is kept too; a line for each set."""
    figure = Figure(figsize=(5.5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="chance")
    for number, (curve, one) in enumerate(zip(curves, rejection.unknown, strict=True)):
        colour = f"C{number % 10}"
        axes.plot(GRID, curve.kept, color=colour, label=f"{one.name} ({one.recordings}): AUROC {one.auroc.value:.2f}")
    axes.axhline(rejection.wanted, color="grey", linewidth=0.8)
    kept = f"{100 * rejection.wanted:.0f} % of the known kept"
    axes.text(0.01, rejection.wanted - 0.01, kept, va="top", fontsize=8)
    axes.set(xlabel="share of unknown recordings kept", xlim=(0, 1))
    axes.set(ylabel="share of known recordings kept", ylim=(0, 1))
    axes.set_title("Known species against unknown sounds")
    axes.legend(fontsize="small", loc="lower right")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=DPI)
