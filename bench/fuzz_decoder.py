"""Throws corrupted files at the sandboxed decoder: nothing may crash, hang or swell. Prints a table.

    .venv/bin/python -m bench.fuzz_decoder --files 20000            # some two minutes
    .venv/bin/python -m bench.fuzz_decoder --minutes 60 --seed 7 --keep FOLDER

A file is a short sound in one of the kinds below, changed in one to three of the ways in `bench.mutations`. Each must
be decoded, or refused with a typed reason; whatever else happens is counted, and its file kept in FOLDER. The same
seed and number make the same file. Ends with exit code 1 when anything but that happened.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import soundfile
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.mutations import MUTATIONS, with_right_checksums
from bench.results import write_results
from shared.audio.report import DecodeLimits
from shared.audio.sandbox import DecoderPool
from shared.audio.wav import open_prepared
from shared.errors import AudioError, DecoderCrashed, DecodeTimeout
from tests.support.sound_files import whistles, write_any

KINDS = (
    *("wav", "wav-u8", "wav-24", "wav-float", "wav-extensible", "wav-adpcm", "rf64", "w64", "aiff", "caf", "au"),
    *("flac", "ogg", "ogg-opus", "mp3", "mp2", "m4a", "m4a-alac", "aac", "3gp", "amr", "webm", "matroska-flac"),
    *("wma", "ac3", "eac3", "avi", "flv", "mpegts", "mpeg", "tta", "wavpack"),
)
CHANNELS = {"wav": (1, 2), "flac": (1, 2), "ogg": (1, 2), "mp3": (1, 2), "m4a": (1, 8), "wavpack": (1, 16)}
SECONDS = 0.4
LIMITS = DecodeLimits(max_seconds=600, memory_mb=256, wall_seconds=10)
FINE = ("decoded", "with a warning", "refused")
BAD = ("crashed", "out of memory", "timed out", "wrong")


@dataclass
class Figures:
    """What happened so far."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each kind of file came to each end."""
    reasons: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    peak_mb: float = 0.0

    def count(self, outcome: str) -> int:
        return sum(number for (_, ended), number in self.outcomes.items() if ended == outcome)

    @property
    def files(self) -> int:
        return self.outcomes.total()


def seeds(folder: Path) -> dict[str, list[bytes]]:
    """Intact files of each kind: mono, and of some kinds with several channels too."""
    made: dict[str, list[bytes]] = {}
    for kind in KINDS:
        rate = {"ogg-opus": 48_000, "webm": 48_000, "amr": 8_000, "3gp": 8_000}.get(kind, 44_100)
        sounds = [np.stack([whistles(SECONDS, rate)] * channels, axis=1) for channels in CHANNELS.get(kind, (1,))]
        path = folder / "seed"
        made[kind] = [write_any(path, sound, rate, kind).read_bytes() for sound in sounds]
    return made


def corrupted(files: dict[str, list[bytes]], seed: int, number: int) -> tuple[str, bytes]:
    """The file of that number: its kind and its bytes."""
    chance = np.random.default_rng((seed, number))
    kind, other_kind = str(chance.choice(KINDS)), str(chance.choice(KINDS))
    content, other = (files[one][chance.integers(len(files[one]))] for one in (kind, other_kind))
    for name in chance.choice(list(MUTATIONS), size=chance.choice([1, 1, 1, 2, 3])):
        content = MUTATIONS[str(name)](content, other, chance) or b"\0"
    # Otherwise hardly a changed page of an OGG file would get past its checksum.
    mend = content.startswith(b"OggS") and chance.random() < 0.7
    return kind, with_right_checksums(content) if mend else content


def attempt(pool: DecoderPool, source: Path, target: Path) -> tuple[str, str]:
    """Decode one file: how it ended, and the reason, or what was wrong."""
    try:
        report = pool.decode_to_wav(source, target, LIMITS)
    except DecodeTimeout as error:
        return "timed out", error.detail
    except DecoderCrashed as error:
        return ("out of memory" if "memory" in error.detail else "crashed"), error.detail
    except AudioError as error:
        if not error.detail or not error.hint:
            return "wrong", f"{type(error).__name__} without a reason or a hint"
        return ("wrong", "a refused file was written") if target.exists() else ("refused", type(error).__name__)
    except Exception as error:
        return "wrong", repr(error)
    if len(open_prepared(target)) != report.samples:
        return "wrong", "the report's length is not that of the file"
    return ("with a warning" if report.warnings else "decoded"), ""


def peak_mb(pool: DecoderPool) -> float:
    """The most memory that the decoder process has had, in MiB."""
    for process in pool.processes():
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def fuzz(files: int, seed: int, minutes: float | None, keep: Path | None, console: Console) -> Figures:
    figures = Figures()
    ends = time.monotonic() + 60 * minutes if minutes else None
    with (
        tempfile.TemporaryDirectory(prefix="chiffchaff-fuzz-") as scratch,
        DecoderPool(1) as pool,
        Progress(console=console) as progress,
    ):
        folder = Path(scratch)
        intact = seeds(folder)
        source, target = folder / "source", folder / "prepared.wav"
        bar = progress.add_task("corrupted files", total=files)
        for number in range(files):
            if ends is not None and time.monotonic() > ends:
                break
            kind, content = corrupted(intact, seed, number)
            source.write_bytes(content)
            began = time.perf_counter()
            outcome, reason = attempt(pool, source, target)
            figures.slowest_s = max(figures.slowest_s, time.perf_counter() - began)
            target.unlink(missing_ok=True)
            if list(folder.glob("*.part")):
                outcome, reason = "wrong", "a part of a file was left over"
            figures.peak_mb = max(figures.peak_mb, peak_mb(pool))
            figures.outcomes[kind, outcome] += 1
            if reason:
                figures.reasons[reason] += 1
            if outcome in BAD:
                progress.console.print(f"{seed}/{number} {kind}: {outcome}: {reason}")
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{outcome.replace(' ', '-')}-{kind}-{seed}-{number}").write_bytes(content)
            progress.advance(bar)
    return figures


def show(figures: Figures, console: Console) -> None:
    table = Table("kind", title=f"{figures.files:,} corrupted files")
    for outcome in (*FINE, *BAD):
        table.add_column(outcome, justify="right")
    for kind in KINDS:
        table.add_row(kind, *(str(figures.outcomes[kind, outcome]) for outcome in (*FINE, *BAD)))
    table.add_section()
    table.add_row("all", *(f"{figures.count(outcome):,}" for outcome in (*FINE, *BAD)))
    console.print(table)
    for reason, number in figures.reasons.most_common():
        console.print(f"{number:>7,}  {reason}")
    console.print(f"slowest {figures.slowest_s:.2f} s, most memory {figures.peak_mb:.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=None, help="end after so long, whatever --files says")
    parser.add_argument("--keep", type=Path, default=None, help="folder for the files that were not handled well")
    arguments = parser.parse_args()
    console = Console()
    began = time.monotonic()
    figures = fuzz(arguments.files, arguments.seed, arguments.minutes, arguments.keep, console)
    seconds = time.monotonic() - began
    show(figures, console)
    result = {
        "libsndfile": soundfile.__libsndfile_version__,
        "pyav": av.__version__,
        "files": figures.files,
        "seed": arguments.seed,
        "files_per_second": round(figures.files / seconds, 1),
        "slowest_s": round(figures.slowest_s, 3),
        "peak_mb": round(figures.peak_mb, 1),
        **{outcome.replace(" ", "_"): figures.count(outcome) for outcome in (*FINE, *BAD)},
        "reasons": dict(figures.reasons.most_common()),
    }
    write_results("fuzz", result)
    sys.exit(any(figures.count(outcome) for outcome in BAD))


if __name__ == "__main__":
    main()
