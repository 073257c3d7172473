"""`chiffchaff analyze` of a day in one recording: how long it takes, and how much memory its processes hold at most."""

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from bench.long_recordings import make
from bench.results import write_results

LOOK_SECONDS = 0.5


def analysed(recording: Path, output: Path) -> dict[str, float]:
    """Seconds, and MB (10^6 bytes) that all processes held at most at one moment, and each kind by itself."""
    command = [
        "-m",
        "services.standalone.cli",
        "analyze",
        str(recording),
        "--output",
        str(output),
        "--quiet",
        "--again",
    ]
    began = time.perf_counter()
    running = subprocess.Popen([sys.executable, *command])
    peaks: dict[str, float] = {}
    while running.poll() is None:
        held = resident_mb(running.pid)
        for name, size in {**held, "all": sum(held.values())}.items():
            peaks[name] = max(peaks.get(name, 0.0), size)
        time.sleep(LOOK_SECONDS)
    assert running.returncode == 0, f"chiffchaff analyze ended with {running.returncode}"
    return {"seconds": time.perf_counter() - began, **{f"{name}_mb": size for name, size in peaks.items()}}


def resident_mb(process: int) -> dict[str, float]:
    """What a process and all below it hold now, by what they are."""
    held: dict[str, float] = {}
    top = psutil.Process(process)
    for one in (top, *top.children(recursive=True)):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            command = " ".join(one.cmdline())
            name = next((kind for kind in ("worker", "decode_child") if kind in command), "command")
            held[name] = held.get(name, 0.0) + one.memory_info().rss / 1e6
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="With 25 GB of room; the usual one if left out")
    parser.add_argument("--hours", type=float, default=24)
    given = parser.parse_args()
    seconds = round(given.hours * 3_600)
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-", dir=given.folder) as folder:
        recording = Path(folder) / "day.wav"
        make(recording, "wav", seconds)
        figures = {"hours": given.hours, **analysed(recording, Path(folder) / "results")}
    for name, figure in figures.items():
        print(f"{name:>16} {figure:10,.1f}")
    print(f"{'real time':>16} {seconds / figures['seconds']:10,.0f}")
    print(write_results("long_analysis", figures))


if __name__ == "__main__":
    main()
