"""Sounds of known answer: clean vocalisations at known moments in real rain, sea, fire and helicopters.

Nothing here knows a segmentation preset: what is clean is said by the energy of a recording alone.
"""

import csv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.signal

from shared.audio.constants import SAMPLE_RATE
from shared.audio.decode import decode
from shared.audio.wav import to_pcm16

Sound = npt.NDArray[np.float32]
Span = tuple[int, int]
"""Samples, first <= sample < end."""

BIRD_SETS = ("garden20", "california10", "singles182")
BACKGROUNDS = ("Rain", "Sea waves", "Fire crackling", "Helicopter")
SNRS = (-5, 0, 5, 10, 15, 20)
TUNING_FOLDS, REPORT_FOLDS = ("1", "2", "3"), ("4", "5")

FRAME = SAMPLE_RATE // 100
LOWEST_HERTZ = 300.0
CONTRAST_DB = 30.0
"""How far a clean vocalisation rises over the floor of its recording."""
OUT_OF_FLOOR_DB, UNDER_PEAK_DB = 12.0, 20.0
"""It begins and ends where it comes within the one of the floor or falls by the other under its peak."""
JOINED_SECONDS = 0.15
SHORTEST, LONGEST = 0.1, 3.0
EVENTS_PER_RECORDING = 2
FADE = SAMPLE_RATE * 15 // 1000

CLIPS_PER_BACKGROUND = 6
CROSSFADE = SAMPLE_RATE // 20
SHORTEST_CLIP = 2.0


@dataclass(frozen=True, slots=True)
class Recording:
    set: str
    label: str
    path: str
    samples: Sound
    half: str
    """`tuning` or `report`: whole recordists, and official folds of ESC-10, go to one of them."""


@dataclass(frozen=True, slots=True)
class Event:
    """A clean vocalisation: it lasts from FADE to `len(samples) - FADE`; before and after that it fades."""

    samples: Sound


@dataclass(frozen=True, slots=True)
class Mixture:
    samples: npt.NDArray[np.int16]
    events: tuple[Span, ...]
    """When something sings; sorted, never overlapping. Empty in a background without any bird."""
    background: str
    snr: int | None


def read_recordings(data: Path) -> list[Recording]:
    """The bird recordings and the backgrounds that `manifest.csv` lists, decoded."""
    found = []
    with (data / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["set"] in BIRD_SETS:
                half = ("tuning", "report")[zlib.crc32(row["recordist"].encode()) % 2]
            elif row["label"] in BACKGROUNDS:
                half = "tuning" if Path(row["path"]).name[0] in TUNING_FOLDS else "report"
            else:
                continue
            samples, _ = decode(data / row["path"])
            found.append(Recording(row["set"], row["label"], row["path"], samples, half))
    return found


def clean_events(samples: Sound) -> Iterator[Event]:
    """The vocalisations of a recording that rise `CONTRAST_DB` over its floor, the clearest first."""
    passed = _above_rumble(samples)
    levels = _levels(passed)
    sounding = levels[np.isfinite(levels)]
    if not len(sounding):
        return
    floor = float(np.percentile(sounding, 10))
    runs = _runs(_joined(levels > floor + OUT_OF_FLOOR_DB, round(JOINED_SECONDS * SAMPLE_RATE / FRAME)))
    peaks = [float(levels[first:end].max()) for first, end in runs]
    for peak, (first, end) in sorted(zip(peaks, runs, strict=True), reverse=True):
        inside = first + np.flatnonzero(levels[first:end] > peak - UNDER_PEAK_DB)
        begin, stop = int(inside[0]) * FRAME - FADE, (int(inside[-1]) + 1) * FRAME + FADE
        lasts = (stop - begin - 2 * FADE) / SAMPLE_RATE
        # What the recording's own edge cuts has no true beginning or end.
        whole = begin >= 0 and stop <= len(samples)
        if peak >= floor + CONTRAST_DB and whole and SHORTEST <= lasts <= LONGEST:
            event = _faded(passed[begin:stop])
            if _share_above(1_000.0, event) > 0.5:
                yield Event(event)


def make_mixtures(
    recordings: Sequence[Recording], half: str, per_cell: int, seed: int = 2016
) -> tuple[list[Mixture], int]:
    """`per_cell` mixtures for each background and SNR, and as many without any bird for each background.

    Half of the backgrounds are one clip, repeated; the others change every 5 s. Also the number of clean vocalisations
    that they were drawn from.
    """
    ours = [recording for recording in recordings if recording.half == half]
    events = [
        event
        for recording in ours
        if recording.set in BIRD_SETS
        for event, _ in zip(clean_events(recording.samples), range(EVENTS_PER_RECORDING), strict=False)
    ]
    mixtures = []
    for background in BACKGROUNDS:
        generator = np.random.default_rng([seed, zlib.crc32(half.encode()), zlib.crc32(background.encode())])
        clips = _clips_by_fold(ours, background)
        for snr in (*SNRS, None):
            for index in range(per_cell):
                noise = _background(clips[index // 2 % len(clips)], bool(index % 2), generator)
                mixtures.append(_mix(noise, background, snr, events, generator))
    return mixtures, len(events)


def _mix(
    noise: Sound, background: str, snr: int | None, events: Sequence[Event], generator: np.random.Generator
) -> Mixture:
    """SNR: power of the vocalisation over that of the background in the very samples where it sings, 0 to 11,025 Hz."""
    mixed = noise.copy()
    spans: list[Span] = []
    for start in [] if snr is None else _moments(len(noise), generator):
        event = events[int(generator.integers(len(events)))].samples
        first = max(start, spans[-1][1] + SAMPLE_RATE // 4 if spans else 0)
        end = first + len(event) - 2 * FADE
        if first < FADE or end + FADE > len(noise):
            continue
        power = float(np.mean(np.square(event[FADE:-FADE])))
        under = float(np.mean(np.square(noise[first:end])))
        assert snr is not None
        mixed[first - FADE : end + FADE] += event * np.float32(np.sqrt(under / power * 10 ** (snr / 10)))
        spans.append((first, end))
    mixed *= np.float32(0.9 / np.abs(mixed).max())
    return Mixture(to_pcm16(mixed), tuple(spans), background, snr)


def _moments(samples: int, generator: np.random.Generator) -> Iterator[int]:
    """When birds begin to sing: bouts of one to four vocalisations, and long gaps between the bouts."""
    at = generator.exponential(6.0)
    while at * SAMPLE_RATE < samples:
        for _ in range(int(generator.integers(1, 5))):
            yield round(at * SAMPLE_RATE)
            at += generator.uniform(0.5, 2.5)
        at += 5.0 + generator.exponential(5.0)


def _clips_by_fold(recordings: Sequence[Recording], background: str) -> list[list[Sound]]:
    folds: dict[str, list[Sound]] = {}
    for recording in recordings:
        if recording.label == background:
            clip = _without_padding(recording.samples)
            if len(clip) >= SHORTEST_CLIP * SAMPLE_RATE:
                folds.setdefault(Path(recording.path).name[0], []).append(clip)
    return [folds[fold] for fold in sorted(folds)]


def _without_padding(samples: Sound) -> Sound:
    """ESC-10 fills up clips shorter than 5 s with digital silence: the part before the first long one of it."""
    silent = np.abs(samples) < 1e-4
    gaps = [(first, end) for first, end in _runs(silent) if end - first > SAMPLE_RATE // 20]
    edges = [0, *(edge for gap in gaps for edge in gap), len(samples)]
    parts = [samples[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)]
    return max(parts, key=len)


def _background(clips: Sequence[Sound], changing: bool, generator: np.random.Generator) -> Sound:
    """Some 30 s, parts at equal power, each crossfaded into the next: clips of one fold, or one of them repeated."""
    order = generator.permutation(len(clips))[:CLIPS_PER_BACKGROUND]
    if not changing:
        order = np.repeat(order[:1], round(CLIPS_PER_BACKGROUND * 5 * SAMPLE_RATE / len(clips[order[0]])))
    rise = np.sin(np.linspace(0, np.pi / 2, CROSSFADE, dtype=np.float32))
    sound = np.zeros(CROSSFADE, np.float32)
    for index in order:
        clip = clips[index] / np.float32(np.sqrt(np.mean(np.square(clips[index]))))
        clip[:CROSSFADE] *= rise
        clip[:CROSSFADE] += sound[-CROSSFADE:] * rise[::-1]
        sound = np.concatenate([sound[:-CROSSFADE], clip])
    return sound[CROSSFADE:]


def _above_rumble(samples: Sound) -> Sound:
    filter_ = scipy.signal.butter(4, LOWEST_HERTZ, "highpass", fs=SAMPLE_RATE, output="sos")
    passed: Sound = scipy.signal.sosfiltfilt(filter_, samples).astype(np.float32)
    return passed


def _share_above(hertz: float, samples: Sound) -> float:
    powers = np.square(np.abs(np.fft.rfft(samples)))
    return float(powers[round(hertz / SAMPLE_RATE * len(samples)) :].sum() / powers.sum())


def _levels(samples: Sound) -> npt.NDArray[np.float64]:
    """dB of each whole frame of 10 ms, smoothed over three; digital silence is -inf."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    powers = scipy.ndimage.uniform_filter1d(np.mean(np.square(frames, dtype=np.float64), axis=1), 3)
    with np.errstate(divide="ignore"):
        levels: npt.NDArray[np.float64] = 10 * np.log10(np.where(powers < 1e-12, 0, powers))
    return levels


def _joined(frames: npt.NDArray[np.bool_], gap: int) -> npt.NDArray[np.bool_]:
    """Fill the gaps of at most `gap` frames between runs."""
    filled = frames.copy()
    for first, end in _runs(~frames):
        if end - first <= gap and first > 0 and end < len(frames):
            filled[first:end] = True
    return filled


def _runs(frames: npt.NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(frames, prepend=False, append=False)).reshape(-1, 2).tolist()
    return [(first, end) for first, end in edges]


def _faded(samples: Sound) -> Sound:
    rise = (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, FADE))).astype(np.float32)
    faded = samples.copy()
    faded[:FADE] *= rise
    faded[-FADE:] *= rise[::-1]
    return faded
