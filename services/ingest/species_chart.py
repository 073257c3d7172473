"""A picture of the library: a bar for each species, as long as it is heard."""

import io
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator

from services.ingest.species_statistics import SpeciesView
from shared.audio.picture import DPI, INK, SIGNAL, printable, write_png

BAR, TOP, BOTTOM = 24, 44, 44
NAMES, FIGURES = 9, 8
"""Sizes of their letters, in points."""
MARGIN = 20
IN_MINUTES = 120.0
"""Seconds; where no species has so many, they are not shown as minutes."""


def draw_species(found: Sequence[SpeciesView], *, top: int, width: int) -> bytes:
    """As PNG, `width` pixels wide: the `top` species with most signal, most first."""
    shown = sorted(found, key=lambda one: (-one.signal_seconds, one.scientific_name))[:top]
    height = TOP + BAR * max(len(shown), 2) + BOTTOM
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    names = [_shortened(printable(_name(one)), width // 2 - MARGIN) for one in shown]
    left = MARGIN + max((_pixels(name, NAMES) for name in names), default=0)
    room = width - left - MARGIN
    axes = figure.add_axes((left / width, BOTTOM / height, room / width, 1 - (TOP + BOTTOM) / height))
    minutes = max((one.signal_seconds for one in shown), default=0.0) >= IN_MINUTES
    lengths = [one.signal_seconds / (60 if minutes else 1) for one in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=NAMES, parse_math=False)
    axes.set_ylim(max(len(shown), 2) - 0.5, -0.5)
    figures = [_figures(one, long, "min" if minutes else "s") for one, long in zip(shown, lengths, strict=True)]
    # As far as the figures behind the bars need.
    ends = [long * room / (room - _pixels(text, FIGURES) - 8) for long, text in zip(lengths, figures, strict=True)]
    bars = axes.barh(range(len(shown)), lengths, height=0.72, color=SIGNAL)
    axes.bar_label(bars, figures, padding=4, fontsize=FIGURES, color=INK)
    axes.set_xlim(0, max(ends, default=0.0) or 1.0)
    axes.set_xlabel(f"{'minutes' if minutes else 'seconds'} in which a bird is heard", fontsize=9, color=INK)
    axes.tick_params(labelsize=9, length=0, color=INK)
    axes.tick_params(axis="x", length=3, labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(max(2, int(room / 70))))
    axes.xaxis.set_major_formatter(lambda at, _: f"{at:,.10g}")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#E4E4E4", linewidth=0.6)
    axes.set_axisbelow(True)
    title = (
        "The library by species" if len(shown) == len(found) else f"The library: {len(shown)} of {len(found)} species"
    )
    figure.text(12 / width, 1 - 18 / height, title, fontsize=11, weight="bold", va="center")
    if not shown:
        axes.text(0.5, 0.5, "no recordings", transform=axes.transAxes, ha="center", va="center", color=INK)
    file = io.BytesIO()
    write_png(figure, file)
    return file.getvalue()


def _name(one: SpeciesView) -> str:
    return (
        f"{one.scientific_name} ({one.common_name})"
        if one.common_name not in ("", one.scientific_name)
        else one.scientific_name
    )


def _shortened(name: str, pixels: int) -> str:
    shown = name
    while _pixels(shown, NAMES) > pixels:
        shown = f"{shown.rstrip('…')[:-1]}…"
    return shown


def _pixels(text: str, points: int) -> int:
    width: float
    width, _, _ = _ruler().get_text_width_height_descent(text, FontProperties(size=points), ismath=False)
    return math.ceil(width) + 4


@cache
def _ruler() -> Any:
    renderer: Any = RendererAgg
    return renderer(1, 1, DPI)


def _figures(one: SpeciesView, long: float, unit: str) -> str:
    return f"{long:,.1f} {unit} in {one.recordings:,} recording{'s' * (one.recordings != 1)}"
