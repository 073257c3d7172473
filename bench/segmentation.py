"""How well each segmentation preset finds birds whose moments are known. Prints a table.

    .venv/bin/python -m bench.segmentation                        # about three minutes on one core
    .venv/bin/python -m bench.segmentation --data FOLDER          # FOLDER holds manifest.csv, birds and ESC-10
    .venv/bin/python -m bench.segmentation --half tuning          # what presets may be chosen on

Synthetic: clean vocalisations of real recordings at known moments in ESC-10's rain, sea waves, fire and helicopters.
SNR is the power of a vocalisation over the power of the background in the very samples where it sings, over the whole
band of 0 to 11,025 Hz. Recordists and ESC-10 folds of the two halves are apart.

Slices: windows of 5 s, step 2.5 s; one truly holds a bird when it holds 0.15 s of vocalisation. A noise slice is pure
when it holds no sample of any. Frames: 10 ms, those within 0.25 s of a vocalisation's edge left out. Last, the real
recordings: a labelled one that yields no signal slice trains nothing.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from bench.mixtures import BACKGROUNDS, BIRD_SETS, FRAME, SNRS, Mixture, Recording, Span, make_mixtures, read_recordings
from bench.results import write_results
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.segment import segment
from shared.audio.segmentation import CONTRAST, ORIGINAL, SPRENGEL2016, Preset
from shared.audio.slices import MIN_SIGNAL_SECONDS, Section, slice_recording, windows
from shared.audio.wav import to_pcm16

PRESETS: tuple[Preset, ...] = (SPRENGEL2016, ORIGINAL, CONTRAST)
COLLAR = SAMPLE_RATE // 4
RESAMPLES = 1_000

Segmenter = Callable[[npt.NDArray[np.int16]], list[Section]]
Counts = npt.NDArray[np.float64]
"""Hits, false alarms, misses, correct rejections."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of one mixture."""

    slices: Counts
    frames: Counts
    noise_slices: int
    pure_noise_slices: int
    noise_seconds: float


def score(mixture: Mixture, found: Sequence[Section]) -> Score:
    length = len(mixture.samples)
    sings = _marked(mixture.events, length)
    signal = _marked([(one.start, one.end) for one in found if one.kind == "signal"], length)
    counted = ~_marked([(edge - COLLAR, edge + COLLAR) for event in mixture.events for edge in event], length)
    middles = np.arange(FRAME // 2, length, FRAME)
    frames = _count(sings[middles], signal[middles], counted[middles])

    starts = windows(length)
    sung = np.array([int(sings[start : start + WINDOW_SAMPLES].sum()) for start in starts])
    chosen = {one.start: one.kind for one in slice_recording(length, found)}
    is_signal = np.array([chosen.get(start) == "signal" for start in starts])
    is_noise = np.array([chosen.get(start) == "noise" for start in starts])
    slices = _count(sung >= MIN_SIGNAL_SECONDS * SAMPLE_RATE, is_signal, np.ones(len(starts), bool))
    seconds = sum(one.end - one.start for one in found if one.kind == "noise") / SAMPLE_RATE
    return Score(slices, frames, int(is_noise.sum()), int((is_noise & (sung == 0)).sum()), seconds)


def summary(scores: Sequence[Score]) -> dict[str, Any]:
    """Pooled over mixtures."""
    slices = np.sum([one.slices for one in scores], axis=0)
    frames = np.sum([one.frames for one in scores], axis=0)
    noise, pure = sum(one.noise_slices for one in scores), sum(one.pure_noise_slices for one in scores)
    return {
        "mixtures": len(scores),
        "slices": precision_recall_f1(slices),
        "frames": precision_recall_f1(frames),
        "noise_purity": pure / noise if noise else None,
        # Of the slices that truly hold no bird.
        "noise_yield": pure / max(1.0, slices[1] + slices[3]),
        "noise_slices": noise,
        "noise_seconds": round(sum(one.noise_seconds for one in scores), 1),
        "false_alarm": frames[1] / max(1.0, frames[1] + frames[3]),
    }


def precision_recall_f1(counts: Counts) -> dict[str, float]:
    hits, false_alarms, misses, _ = (float(count) for count in counts)
    return {
        "precision": hits / max(1.0, hits + false_alarms),
        "recall": hits / max(1.0, hits + misses),
        "f1": 2 * hits / max(1.0, 2 * hits + false_alarms + misses),
    }


def interval_of_difference(ours: Sequence[Score], theirs: Sequence[Score], seed: int = 0) -> tuple[float, float]:
    """95 % of the difference in F1 of slices, ours - theirs, by bootstrap over the same mixtures."""
    a, b = (np.array([one.slices for one in scores]) for scores in (ours, theirs))
    picks = np.random.default_rng(seed).integers(0, len(a), (RESAMPLES, len(a)))
    f1 = [2 * c[..., 0] / (2 * c[..., 0] + c[..., 1] + c[..., 2]) for c in (a[picks].sum(1), b[picks].sum(1))]
    low, high = np.percentile(f1[0] - f1[1], [2.5, 97.5])
    return float(low), float(high)


def real_recordings(recordings: Sequence[Recording], segmenter: Segmenter) -> dict[str, Any]:
    """For each set of labelled recordings: the share that yields a signal slice, and a noise slice."""
    shares = {}
    for name in BIRD_SETS:
        kinds = []
        for recording in recordings:
            if recording.set == name:
                samples = to_pcm16(recording.samples)
                kinds.append({one.kind for one in slice_recording(len(samples), segmenter(samples))})
        shares[name] = {kind: sum(kind in one for one in kinds) / len(kinds) for kind in ("signal", "noise")}
    return shares


def evaluate(mixtures: Sequence[Mixture], segmenter: Segmenter) -> tuple[list[Score], float]:
    """The score of each mixture, and how many times faster than real time it went."""
    began = time.process_time()
    found = [segmenter(mixture.samples) for mixture in mixtures]
    took = time.process_time() - began
    seconds = sum(len(mixture.samples) for mixture in mixtures) / SAMPLE_RATE
    return [score(mixture, one) for mixture, one in zip(mixtures, found, strict=True)], seconds / took


def figures(mixtures: Sequence[Mixture], scores: Sequence[Score]) -> dict[str, Any]:
    """By SNR, over all with a bird, by background, and the false alarms of those without one."""
    pairs = list(zip(mixtures, scores, strict=True))
    sung = [(mixture, one) for mixture, one in pairs if mixture.snr is not None]
    empty = [(mixture, one) for mixture, one in pairs if mixture.snr is None]
    return {
        "by_snr": {str(snr): summary([one for mixture, one in sung if mixture.snr == snr]) for snr in SNRS},
        "all": summary([one for _, one in sung]),
        "by_background": {
            name: summary([one for mixture, one in sung if mixture.background == name]) for name in BACKGROUNDS
        },
        "without_birds": {
            name: summary([one for mixture, one in empty if mixture.background == name]) for name in BACKGROUNDS
        },
    }


def measure(data: Path, half: str, per_cell: int) -> dict[str, Any]:
    recordings = read_recordings(data)
    mixtures, events = make_mixtures(recordings, half, per_cell)
    presets: dict[str, Any] = {}
    baseline: list[Score] = []
    for preset in PRESETS:
        segmenter: Segmenter = partial(segment, preset=preset)
        scores, speed = evaluate(mixtures, segmenter)
        sung = [one for mixture, one in zip(mixtures, scores, strict=True) if mixture.snr is not None]
        baseline = baseline or sung
        presets[preset.name] = {
            **figures(mixtures, scores),
            "real_recordings": real_recordings(recordings, segmenter),
            "times_real_time": round(speed),
            "f1_over_first": interval_of_difference(sung, baseline),
        }
    return {"half": half, "mixtures": len(mixtures), "vocalisations": events, "presets": presets}


def print_tables(results: dict[str, Any]) -> None:
    console = Console(width=120)
    table = Table(
        title=f"{results['mixtures']} mixtures of some 30 s, {results['vocalisations']} clean vocalisations, "
        f"{results['half']} half"
    )
    for heading in ("preset", "SNR dB", "slices P", "R", "F1", "frames P", "R", "F1", "noise pure", "noise found"):
        table.add_column(heading, justify="left" if heading == "preset" else "right")
    for name, preset in results["presets"].items():
        for snr, row in [*preset["by_snr"].items(), ("all", preset["all"])]:
            pure = "-" if row["noise_purity"] is None else f"{row['noise_purity']:.3f}"
            cells = [f"{row[unit][key]:.3f}" for unit in ("slices", "frames") for key in ("precision", "recall", "f1")]
            table.add_row(name, snr, *cells, pure, f"{row['noise_yield']:.3f}", end_section=snr == "all")
    console.print(table)

    table = Table(title="By background: F1 of slices with birds | share of bird-free frames called signal without any")
    table.add_column("preset")
    for background in BACKGROUNDS:
        table.add_column(background, justify="right")
    for heading in ("x real time", "F1 - first, 95 %"):
        table.add_column(heading, justify="right")
    for name, preset in results["presets"].items():
        cells = [
            f"{preset['by_background'][one]['slices']['f1']:.3f} | {preset['without_birds'][one]['false_alarm']:.3f}"
            for one in BACKGROUNDS
        ]
        low, high = preset["f1_over_first"]
        table.add_row(name, *cells, f"{preset['times_real_time']:,}", f"{low:+.3f} .. {high:+.3f}")
    console.print(table)

    table = Table(title="Real labelled recordings: share that yields a signal slice | a noise slice")
    table.add_column("preset")
    for name in BIRD_SETS:
        table.add_column(name, justify="right")
    for name, preset in results["presets"].items():
        shares = preset["real_recordings"]
        table.add_row(name, *(f"{shares[one]['signal']:.3f} | {shares[one]['noise']:.3f}" for one in BIRD_SETS))
    console.print(table)


def _marked(spans: Sequence[Span], length: int) -> npt.NDArray[np.bool_]:
    marked = np.zeros(length, bool)
    for first, end in spans:
        marked[max(0, first) : end] = True
    return marked


def _count(true: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_], counted: npt.NDArray[np.bool_]) -> Counts:
    cells = (true & said, ~true & said, true & ~said, ~true & ~said)
    return np.array([np.count_nonzero(cell & counted) for cell in cells], dtype=np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--half", choices=("report", "tuning"), default="report")
    parser.add_argument("--per-cell", type=int, default=8, help="mixtures for each background and SNR")
    arguments = parser.parse_args()
    if not (arguments.data / "manifest.csv").is_file():
        sys.exit(f"No recordings in {arguments.data}: --data names the folder with manifest.csv, birds and ESC-10.")
    results = measure(arguments.data.resolve(), arguments.half, arguments.per_cell)
    print_tables(results)
    write_results("segmentation", results)


if __name__ == "__main__":
    main()
