"""A picture of a recording and of what was found in it, drawn without a display.

Waveform, spectrogram, masks, sections and slices lie below each other on one time axis, to the pixel: panels are placed
in whole pixels, and one column of pixels stands for the same stretch of samples in each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from shared.audio.columns import Edges, envelope, loudest, mask_columns, mel_range, mel_rows
from shared.audio.constants import SAMPLE_RATE, STEP_SAMPLES, WINDOW_SAMPLES
from shared.audio.excerpt import DEFAULT_WIDTH
from shared.audio.mel import hz_to_mel
from shared.audio.segmentation import DEFAULT, ContrastPreset, Preset, SegmentationPreset
from shared.audio.slices import Section, Slice, covered
from shared.audio.stft import Samples

SOFTWARE = "Chiffchaff"
"""Stands in every picture, so that one can be told from a file of someone else's."""

# Okabe and Ito's colours, which colour-blind people can tell apart.
SIGNAL, NOISE, NEARLY = "#0072B2", "#E69F00", "#56B4E9"
INK, NO_SOUND = "#404040", "#E4E4E4"
HATCHED, HATCH = "hatched", "/////"

DPI = 100
LEFT, RIGHT, TOP, BOTTOM, CAPTION = 58, 62, 48, 44, 22
MASK_WINDOWS = 2
MOST_DECIBELS, LEAST_DECIBELS = 70.0, 30.0
INAUDIBLE = 1e-12
"""Of a full-scale tone's power; below it there is only what rounding leaves."""
KILOHERTZ = (0.25, 0.5, 1, 2, 3, 4, 6, 8, 10)
TIME_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600)


@dataclass(frozen=True)
class _View:
    """What is shown: samples `start` to `end`; where the recording is over, how slices are filled, up to `shown`."""

    start: int
    end: int
    shown: float
    width: int

    @property
    def step(self) -> float:
        """Samples per column of pixels."""
        return (self.shown - self.start) / self.width

    @property
    def edges(self) -> Edges:
        """Of the columns that hold samples."""
        count = math.ceil((self.end - self.start) / self.step - 1e-9)
        edges: Edges = self.start + self.step * np.arange(count + 1, dtype=np.float64)
        edges[-1] = self.end
        return edges

    @property
    def extent(self) -> tuple[float, float]:
        """Left and right of those columns, in seconds. They are whole ones, also the last, where the recording ends."""
        columns = len(self.edges) - 1
        return self.start / SAMPLE_RATE, (self.start + columns * self.step) / SAMPLE_RATE


def draw(
    samples: Samples,
    sections: Sequence[Section],
    slices: Sequence[Slice],
    *,
    preset: Preset = DEFAULT,
    start: int = 0,
    end: int | None = None,
    title: str = "",
    width: int = DEFAULT_WIDTH,
    masks: bool = True,
) -> Figure:
    """Samples `start` to `end` of a recording, `width` pixels wide.

    `samples`: float32 or int16, (samples,), mono, 22,050 Hz. Of a long range the spectrogram shows some frames only
    (`columns.loudest`), and beyond two median windows the masks are left out; the waveform always shows every peak.
    `masks` is false where the sections come from no preset.
    """
    view = _view(len(samples), slices, start, len(samples) if end is None else end, width - LEFT - RIGHT)
    heights = {"waveform": 80, "spectrogram": 230, "masks": 180, "sections": 22, "slices": 34}
    if not masks or view.end - view.start > MASK_WINDOWS * preset.median_seconds * SAMPLE_RATE:
        del heights["masks"]
    figure, panels = _panels(heights, width, title)
    _waveform(panels["waveform"], samples, view)
    _spectrogram(panels["spectrogram"], samples, view, preset, heights["spectrogram"])
    if "masks" in panels:
        _masks(panels["masks"], samples, view, preset, heights["masks"])
    _sections(panels["sections"], sections, view)
    _slices(panels["slices"], slices, view)
    for axes in panels.values():
        _time(axes, view, labelled=axes is panels["slices"])
    return figure


def write_png(figure: Figure, target: BinaryIO) -> None:
    figure.savefig(target, format="png", dpi=DPI, metadata={"Software": SOFTWARE})


def _view(samples: int, slices: Sequence[Slice], start: int, end: int, width: int) -> _View:
    shown = float(end)
    if end == samples:
        # What fills a short window is shown for up to a quarter of the time that is.
        filled = max((one.start + WINDOW_SAMPLES for one in slices), default=end)
        shown = max(shown, min(filled, end + (end - start) / 4))
    return _View(start, end, shown, width)


def _panels(heights: dict[str, int], width: int, title: str) -> tuple[Figure, dict[str, Axes]]:
    total = TOP + sum(heights.values()) + CAPTION * (len(heights) - 1) + BOTTOM
    figure = Figure(figsize=(width / DPI, total / DPI), dpi=DPI, facecolor="white")
    characters = (width - LEFT - RIGHT) // 8
    shown = title if len(title) <= characters else f"{title[: characters - 1]}…"
    figure.text(
        LEFT / width, 1 - 13 / total, printable(shown), fontsize=10, weight="bold", va="center", parse_math=False
    )
    panels, top = {}, TOP
    for number, (name, height) in enumerate(heights.items()):
        top += CAPTION * (number > 0)
        box = (LEFT / width, 1 - (top + height) / total, (width - LEFT - RIGHT) / width, height / total)
        panels[name] = figure.add_axes(box, label=name)
        panels[name].tick_params(labelsize=8, length=3, color=INK)
        panels[name].spines[:].set(linewidth=0.6, color=INK)
        top += height
    return figure, panels


def _waveform(axes: Axes, samples: Samples, view: _View) -> None:
    low, high = envelope(samples, view.edges)
    peak = max(float(high.max()), -float(low.min()))
    left, right = view.extent
    at = np.linspace(left, right, len(low) + 1)
    axes.fill_between(at, [*low, low[-1]], [*high, high[-1]], step="post", color=INK, linewidth=0.72)
    axes.set_ylim(-1.08 * (peak or 1), 1.08 * (peak or 1))
    axes.set_yticks([-peak, 0, peak] if peak else [0])
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}" if peak > 0.1 else f"{100 * value:.2g}")
    _caption(axes, "waveform, % of full scale")


def _spectrogram(axes: Axes, samples: Samples, view: _View, preset: SegmentationPreset, rows: int) -> None:
    picture = mel_rows(loudest(samples, view.edges, preset), rows, preset)
    full_scale = preset.n_fft / 4
    decibels = 10 * np.log10(picture / full_scale**2 + INAUDIBLE)
    decibels -= max(float(decibels.max()), 10 * math.log10(INAUDIBLE) + LEAST_DECIBELS)
    # Half of the pixels are black, so that what stands out does so in the picture too.
    lowest = min(-LEAST_DECIBELS, max(-MOST_DECIBELS, float(np.median(decibels))))
    image = _image(axes, decibels, view, preset, (lowest, 0), "magma")
    _caption(axes, "spectrogram, kHz")
    box = axes.get_position()
    pixel = box.width / view.width
    bar = axes.figure.add_axes((box.x1 + 8 * pixel, box.y0, 9 * pixel, box.height), label="decibels")
    axes.figure.colorbar(image, cax=bar)
    bar.tick_params(labelsize=8, length=3, color=INK)
    bar.set_title("dB", fontsize=8, pad=4)


def _masks(axes: Axes, samples: Samples, view: _View, preset: Preset, rows: int) -> None:
    signal, loud = (mel_rows(mask, rows, preset) for mask in mask_columns(samples, view.edges, preset))
    _image(axes, loud.astype(np.int8) + signal, view, preset, (0, 2), ListedColormap(["white", NEARLY, SIGNAL]))
    if not loud.any():
        axes.text(0.5, 0.5, "no pixel stands out", transform=axes.transAxes, fontsize=9, ha="center", color=INK)
    unit = " spreads" if isinstance(preset, ContrastPreset) else " x median"
    legend = {f"signal (≥ {preset.signal_factor:g}{unit})": SIGNAL}
    if preset.noise_factor < preset.signal_factor:
        legend[f"too loud for noise (≥ {preset.noise_factor:g})"] = NEARLY
    _caption(axes, "masks, kHz", legend)


def _sections(axes: Axes, sections: Sequence[Section], view: _View) -> None:
    _shares(axes, sections, view)
    _caption(axes, "sections", {"signal": SIGNAL, "noise": NOISE, "neither": "white"})


def _slices(axes: Axes, slices: Sequence[Slice], view: _View) -> None:
    pixels = STEP_SAMPLES / view.step
    axes.set_yticks([])
    legend = {"signal": SIGNAL, "noise": NOISE}
    if pixels < 3:
        # Too many to be told apart: each stands for the time until the next one starts.
        _shares(axes, [Section(one.kind, one.start, one.start + STEP_SAMPLES) for one in slices], view)
        _caption(axes, "slices, share of each kind", legend)
        return
    lanes = -(-WINDOW_SAMPLES // STEP_SAMPLES)
    axes.set_ylim(lanes, 0)
    for one in slices:
        if one.start >= view.shown or one.start + WINDOW_SAMPLES <= view.start:
            continue
        lane = one.start // STEP_SAMPLES % lanes
        colour = SIGNAL if one.kind == "signal" else NOISE
        style: dict[str, Any] = {"facecolor": colour, "edgecolor": "white", "linewidth": 0.8 if pixels > 8 else 0}
        axes.broken_barh([(one.start / SAMPLE_RATE, one.length / SAMPLE_RATE)], (lane + 0.06, 0.88), **style)
        if one.length < WINDOW_SAMPLES:
            rest = ((one.start + one.length) / SAMPLE_RATE, (WINDOW_SAMPLES - one.length) / SAMPLE_RATE)
            hatched: dict[str, Any] = {"facecolor": "white", "edgecolor": colour, "hatch": HATCH, "linewidth": 0.8}
            axes.broken_barh([rest], (lane + 0.06, 0.88), **hatched)
            legend["filled by repeating"] = HATCHED
    _caption(axes, "slices", legend)


def _shares(axes: Axes, sections: Sequence[Section], view: _View) -> None:
    """Signal from below, noise from above: full bars where a column is all of one kind, shares where it is not."""
    left, right = view.extent
    at = np.linspace(left, right, len(view.edges))
    signal, noise = (
        covered(view.edges[:-1], view.edges[1:], [one for one in sections if one.kind == kind]) / np.diff(view.edges)
        for kind in ("signal", "noise")
    )
    axes.fill_between(at, 0, [*signal, 0], step="post", color=SIGNAL, linewidth=0, antialiased=False)
    axes.fill_between(at, 1, [*(1 - noise), 1], step="post", color=NOISE, linewidth=0, antialiased=False)
    axes.set_ylim(0, 1)
    axes.set_yticks([])


def _image(
    axes: Axes,
    picture: npt.NDArray[Any],
    view: _View,
    preset: SegmentationPreset,
    limits: tuple[float, float],
    colours: str | ListedColormap,
) -> AxesImage:
    """(columns, rows) on the mel scale, a pixel for a pixel."""
    low, high = mel_range(preset)
    ticks = {hz_to_mel(1_000 * value): f"{value:g}" for value in KILOHERTZ}
    shown = [at for at in ticks if low <= at <= high]
    axes.set_yticks(shown, [ticks[at] for at in shown])
    return axes.imshow(
        picture.T,
        extent=(*view.extent, low, high),
        vmin=limits[0],
        vmax=limits[1],
        cmap=colours,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )


def _caption(axes: Axes, text: str, legend: dict[str, str] | None = None) -> None:
    axes.set_title(text, loc="left", fontsize=9, pad=4, color=INK)
    patches = [
        Patch(
            label=label,
            facecolor="white" if colour == HATCHED else colour,
            hatch=HATCH if colour == HATCHED else None,
            edgecolor=INK,
            linewidth=0.5,
        )
        for label, colour in (legend or {}).items()
    ]
    if patches:
        axes.legend(
            handles=patches,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(patches),
            frameon=False,
            fontsize=8,
            borderpad=0,
            borderaxespad=0.3,
            handlelength=1.2,
            handleheight=0.8,
            columnspacing=1.2,
        )


def _time(axes: Axes, view: _View, *, labelled: bool) -> None:
    left, right = view.start / SAMPLE_RATE, view.shown / SAMPLE_RATE
    axes.set_xlim(left, right)
    if view.shown > view.end:
        axes.axvspan(view.end / SAMPLE_RATE, right, color=NO_SOUND, linewidth=0, zorder=0)
    most = view.width / 70
    unit = "s"
    if right - left <= 120:
        axes.xaxis.set_major_locator(MaxNLocator(min(24, int(most)), steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(lambda at, _: f"{at:.10g}")
    else:
        step = next((one for one in TIME_STEPS if (right - left) / one <= most), TIME_STEPS[-1])
        unit, small = ("h:min", 60) if right >= 7_200 and step >= 60 else ("min:s", 1)
        axes.xaxis.set_major_locator(MultipleLocator(step))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda at, _: f"{round(at) // small // 60}:{round(at) // small % 60:02}")
        )
    axes.tick_params(axis="x", labelbottom=labelled)
    if labelled:
        axes.set_xlabel(f"time, {unit}", fontsize=9, color=INK, labelpad=3)


def printable(text: str) -> str:
    """What the font has no sign for becomes a question mark; drawing it would warn and leave a box."""
    font: Any = get_font(findfont("DejaVu Sans"))
    return "".join(sign if font.get_char_index(ord(sign)) else "?" for sign in text)
