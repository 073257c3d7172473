"""The signal chain beside the original's, on the same recordings in one run, and its memory along the length.

    make bench-audio                                         # a quarter of an hour; a day of sound takes 25 GB of disk
    .venv/bin/python -m bench.audio --longest hour           # some five minutes, 1 GB

CPU seconds for an hour of audio, and how many times real time that is on one core. Median of the rounds; in each, all
chains take each recording in turn. The least that anyone must do is `decode and resample`: libsndfile in blocks, mean
of the channels, soxr HQ. Our own decoding stores what it decodes, too. The mel stage is what the mel adds: where the
presets agree, one STFT serves both.
"""

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import long_recordings, plain_chain
from bench.results import processor, write_results
from shared.audio import frontend_config, segmentation
from shared.audio.constants import SAMPLE_RATE
from shared.audio.decode import decode_to_wav
from shared.audio.segment import segment, segment_with_mel
from shared.audio.slices import slice_recording
from shared.audio.wav import open_prepared

DATA = Path("../shared/data")
SETS = ("singles182", "garden20", "california10")
ALONE, PLAIN = "decode and resample", "librosa and scipy"
OURS = {
    "original": (segmentation.ORIGINAL, frontend_config.ORIGINAL),
    "sprengel2016": (segmentation.SPRENGEL2016, frontend_config.ORIGINAL),
    "default": (segmentation.DEFAULT, frontend_config.FIELD),
}
LENGTHS = {"minute": 60, "hour": 3_600, "day": 86_400}
SIGNAL = ("segment", "mel", "slices")
WHOLE = ("decode", *SIGNAL)
console = Console()

Seconds = dict[str, dict[str, float]]
"""CPU seconds by chain and stage."""


def nothing_but_decoding(path: Path) -> int:
    """Decode and resample a recording, keep none of it; how many samples there are at 22,050 Hz."""
    samples = 0
    with soundfile.SoundFile(path) as file:
        resampler = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 1, quality="HQ")
        for block in file.blocks(65_536, dtype="float32", always_2d=True):
            samples += len(resampler.resample_chunk(block @ np.full(file.channels, 1 / file.channels, np.float32)))
        samples += len(resampler.resample_chunk(block[:0, 0], last=True))
    return samples


class Round:
    """One pass over recordings with every chain."""

    def __init__(self, folder: Path) -> None:
        self._prepared = folder / "prepared.wav"
        self.seconds: Seconds = defaultdict(lambda: defaultdict(float))
        self.samples = 0
        self._taken = 0

    def take(self, path: Path) -> None:
        self._taken += 1
        with self._timed(ALONE, "decode"):
            self.samples += nothing_but_decoding(path)
        self.plain(path)
        self._prepared.unlink(missing_ok=True)
        with self._timed("ours", "decode"):
            decode_to_wav(path, self._prepared)
        for name in OURS:
            self.ours(name)

    def plain(self, path: Path) -> None:
        with self._timed(PLAIN, "decode"):
            sound = plain_chain.load(path)
        with self._timed(PLAIN, "segment"):
            plain_chain.segment(sound)
        with self._timed(PLAIN, "mel"):
            plain_chain.mel(sound)

    def ours(self, name: str) -> None:
        preset, front_end = OURS[name]
        samples = open_prepared(self._prepared)

        def alone() -> None:
            with self._timed(name, "segment"):
                segment(samples, preset)

        def with_mel() -> None:
            with self._timed(name, "segment and mel"):
                mel: list[Any] = []
                sections = segment_with_mel(samples, preset, front_end, mel.append)
            with self._timed(name, "slices"):
                slice_recording(len(samples), sections)

        # The second finds memory and caches warm: each is so half of the time.
        for step in (alone, with_mel) if self._taken % 2 else (with_mel, alone):
            step()

    def done(self) -> Seconds:
        for name in OURS:
            stages = self.seconds[name]
            stages["decode"] = self.seconds["ours"]["decode"]
            stages["mel"] = stages.pop("segment and mel") - stages["segment"]
        del self.seconds["ours"]
        return self.seconds

    @contextmanager
    def _timed(self, chain: str, stage: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds[chain][stage] += time.process_time() - began


def measure_speed(paths: list[Path], rounds: int) -> tuple[float, Seconds]:
    """Hours of audio, and CPU seconds by chain and stage: of each the median over the rounds."""
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as folder:
        Round(Path(folder)).take(paths[0])
        made = []
        for number in range(rounds):
            one = Round(Path(folder))
            for path in track(paths, f"round {number + 1} of {rounds}", console=console, transient=True):
                one.take(path)
            made.append(one.done())
    median = {
        chain: {stage: statistics.median(each[chain][stage] for each in made) for stage in made[0][chain]}
        for chain in made[0]
    }
    return one.samples / SAMPLE_RATE / 3_600, median


def peak_mb(paths: list[Path], chain: str) -> float:
    """Peak resident memory, in MB, of a fresh process that takes all recordings through one chain."""
    command = [sys.executable, "-m", "bench.audio", "--memory-of", chain, *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def take_alone(paths: list[Path], chain: str) -> float:
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as folder:
        one = Round(Path(folder))
        for path in paths:
            if chain == ALONE:
                nothing_but_decoding(path)
            elif chain == PLAIN:
                one.plain(path)
            else:
                decode_to_wav(path, Path(folder) / "prepared.wav")
                one.ours(chain)
    return long_recordings.peak_mb()


def measure_lengths(longest: str, folder: Path | None) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-", dir=folder) as name:
        for length, seconds in LENGTHS.items():
            for kind in long_recordings.SUBTYPES:
                path = Path(name) / f"{length}.{kind}"
                with console.status(f"making and preparing a {length} of {kind.upper()} ..."):
                    long_recordings.make(path, kind, seconds)
                    size = path.stat().st_size
                    rows.append({"length": length, "kind": kind, "bytes": size} | long_recordings.prepared(path))
                    path.unlink()
            if length == longest:
                break
    return rows


def ratios(seconds: Seconds) -> dict[str, float]:
    """signal_speedup: preset for preset. time_over_decode: what a user runs, from the recording to slices and mel."""

    def spent(chain: str, stages: tuple[str, ...]) -> float:
        return sum(seconds[chain].get(stage, 0.0) for stage in stages)

    plain = spent(PLAIN, SIGNAL)
    return {
        "signal_speedup": plain / spent("original", SIGNAL),
        "signal_speedup_sprengel2016": plain / spent("sprengel2016", SIGNAL),
        "signal_speedup_default": plain / spent("default", SIGNAL),
        "time_over_decode": spent("default", WHOLE) / spent(ALONE, WHOLE),
        "time_over_decode_original": spent(PLAIN, WHOLE) / spent(ALONE, WHOLE),
    }


def print_speed(hours: float, seconds: Seconds, memory: dict[str, float]) -> None:
    table = Table(title=f"CPU seconds for an hour of audio (times real time), {hours * 60:.0f} minutes of MP3")
    for column in ("chain", *WHOLE, "signal work", "whole", "peak MB"):
        table.add_column(column, justify="left" if column == "chain" else "right")

    def cell(spent: float) -> str:
        return f"{spent / hours:.2f} ({3_600 * hours / spent:,.0f}x)" if spent else ""

    for chain, stages in seconds.items():
        signal = sum(stages.get(stage, 0.0) for stage in SIGNAL)
        cells = [cell(stages.get(stage, 0.0)) for stage in WHOLE]
        table.add_row(chain, *cells, cell(signal), cell(signal + stages["decode"]), f"{memory[chain]:.0f}")
    console.print(table)


def print_lengths(rows: list[dict[str, Any]]) -> None:
    table = Table(title="Memory along the length: 48 kHz stereo through the preprocess worker, peak resident MB")
    for column in ("length", "file", "GB", "worker", "decoder", "both", "seconds", "sections", "slices"):
        table.add_column(column, justify="right")
    for row in rows:
        both = row["worker_mb"] + row["decoder_mb"]
        memory = [f"{mb:.0f}" for mb in (row["worker_mb"], row["decoder_mb"], both)]
        counts = [f"{row['sections']:,}", f"{row['slices']:,}"]
        size = f"{row['bytes'] / 1e9:.2f}"
        table.add_row(row["length"], row["kind"].upper(), size, *memory, f"{row['seconds']:.0f}", *counts)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="holds manifest.csv and its recordings")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--longest", choices=LENGTHS, default="day")
    parser.add_argument("--folder", type=Path, help="where the long recordings are made")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("paths", type=Path, nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print(take_alone(arguments.paths, arguments.memory_of))
        return
    if not (arguments.data / "manifest.csv").is_file():
        raise SystemExit(f"{arguments.data} holds no manifest.csv: give --data a folder of labelled recordings.")
    with (arguments.data / "manifest.csv").open(newline="") as manifest:
        paths = [arguments.data / row["path"] for row in csv.DictReader(manifest) if row["set"] in SETS]
    hours, seconds = measure_speed(paths, arguments.rounds)
    memory = {chain: peak_mb(paths, chain) for chain in seconds}
    console.print(f"{processor()}, one core")
    print_speed(hours, seconds, memory)
    figures: dict[str, Any] = ratios(seconds)
    for name, value in figures.items():
        console.print(f"{name:>28}  {value:.2f}")
    lengths = measure_lengths(arguments.longest, arguments.folder)
    print_lengths(lengths)
    if arguments.longest == "day":
        figures["peak_mb_24h"] = max(row["worker_mb"] + row["decoder_mb"] for row in lengths if row["length"] == "day")
    per_hour = {chain: {stage: value / hours for stage, value in stages.items()} for chain, stages in seconds.items()}
    detail = {"cpu_seconds_per_hour": per_hour, "peak_mb": memory, "lengths": lengths}
    console.print(f"Written to {write_results('audio', figures | detail)}")


if __name__ == "__main__":
    main()
