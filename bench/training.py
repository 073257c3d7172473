"""Whether training waits for data: the loader alone, the step alone, and both together. Prints a table.

    .venv/bin/python -m bench.training                        # some three minutes; takes a GPU where there is one
    .venv/bin/python -m bench.training --data FOLDER          # FOLDER holds manifest.csv, with a set `garden20`

Raw: windows are read from prepared recordings, sent as int16, changed and made into pictures on the training device.
Precomputed: float16 pictures are read, sent and changed, without the changes that need sound. Both with the default
recipe's network, and read ahead in threads as in training. Waiting is the time from asking for a batch until it is
there. The recordings are few enough to stay in memory, as those of most trainings do: no disk is measured.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from bench.labelled import read_set
from bench.results import write_results
from services.trainer import models
from services.trainer.config import TrainingConfig
from services.trainer.data import Sound, TrainingData
from services.trainer.feed import Feed, Tensors
from services.trainer.losses import loss_of
from services.trainer.machine import mixed_precision, pick_device
from services.trainer.optimise import make_optimizer
from services.trainer.pictures import make_pictures
from services.trainer.pretrained import head_of
from shared.audio.frontend import FrontEnd

SET = "garden20"
MODES = ("raw", "precomputed")
WARM_UP = 5
"""Steps that are not timed: memory is found, kernels are chosen."""


def configured(mode: str, batch_size: int) -> TrainingConfig:
    """The default recipe; for pictures made before, without what needs sound."""
    of_sound = {} if mode == "raw" else dict.fromkeys(TrainingConfig().augment.of_sound, 0)
    # Epochs are long, as they are where there is much to learn from: the first batch of each is always waited for.
    return TrainingConfig(pictures=mode, batch_size=batch_size, crops_per_recording=100, augment=of_sound)


class Bench:
    """One mode on one device."""

    def __init__(self, sound: Sound, config: TrainingConfig, folder: Path) -> None:
        self.config, self.device = config, pick_device(config)
        train = [i for i, recording in enumerate(sound.dataset.recordings) if recording.slices]
        source = None
        if config.pictures == "precomputed":
            kept = make_pictures(sound, config, folder / "pictures", lambda progress: None, lambda: None)
            source = kept.source(train)
        self.data = TrainingData(sound, train, config, source)
        self.feed = Feed(self.data, FrontEnd(config.picture).to(self.device), config, self.device)
        self.generator = torch.Generator(self.device).manual_seed(0)
        network: nn.Module = models.build(config.network, len(sound.dataset.labels), config.picture)
        self.network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(network, config, head_of(network, config, len(sound.dataset.labels)))
        self.autocast = mixed_precision(config, self.device)

    def learn(self, pictures: Tensor, targets: Tensor) -> int:
        """One step, as in training; how many windows it learnt from."""
        with self.autocast:
            logits = self.network(pictures.contiguous(memory_format=torch.channels_last))
        cost = loss_of(logits.float(), targets, self.config)
        cost.item()  # training looks at it, and so waits for the device
        self.optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_norm or math.inf)
        self.optimizer.step()
        return len(targets)

    def batches(self) -> Iterator[Tensors]:
        """Epoch after epoch without end, read ahead as in training."""
        for epoch in count():
            yield from self.feed.batches((0, epoch))

    def loader(self, seconds: float) -> float:
        """Windows a second that are read when nobody learns."""
        batches = self.batches()
        return rate(lambda: len(next(batches).targets), seconds)

    def step(self, seconds: float) -> float:
        """Windows a second when the batches are there already."""
        kept = cycle(list(islice(self.batches(), 8)))
        return rate(lambda: self.learn(*self.feed.pictures(next(kept), self.generator)), seconds)

    def both(self, seconds: float) -> tuple[float, float]:
        """Windows a second of a training, and the share of the time in which it waits."""
        waited = 0.0

        def one() -> int:
            nonlocal waited
            began = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - began
            return self.learn(*self.feed.pictures(batch, self.generator))

        batches = self.batches()
        rate(one, 0.0)
        waited, began = 0.0, time.perf_counter()
        per_second = rate(one, seconds, warm_up=0)
        return per_second, waited / (time.perf_counter() - began)


def rate(work: Callable[[], int], seconds: float, warm_up: int = WARM_UP) -> float:
    """What `work` gets done in a second."""
    for _ in range(warm_up):
        work()
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        done += work()
    return done / passed


def measure(data: Path, seconds: float, batch_size: int | None) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as name:
        folder = Path(name)
        sound = Sound(read_set(data, SET, folder), lambda key: folder / key)
        for mode in MODES:
            on_gpu = pick_device(configured(mode, 2)).type == "cuda"
            bench = Bench(sound, configured(mode, batch_size or (64 if on_gpu else 16)), folder)
            loader, step = bench.loader(seconds), bench.step(seconds)
            both, waiting = bench.both(seconds)
            figures[mode] = {"loader": loader, "step": step, "both": both, "batch_size": bench.config.batch_size}
            figures[f"waiting_share_{mode}"] = waiting
        figures["device"] = torch.cuda.get_device_name(bench.device) if on_gpu else "CPU"
        figures["threads"] = torch.get_num_threads()
    return figures


def print_table(figures: dict[str, Any]) -> None:
    columns = ("pictures", "loader alone", "step alone", "both together", "waiting")
    table = Table(*columns, title=f"Windows of 5 s a second, on {figures['device']}")
    for mode in MODES:
        rates = (f"{figures[mode][of]:,.0f}" for of in ("loader", "step", "both"))
        table.add_row(mode, *rates, f"{100 * figures[f'waiting_share_{mode}']:.1f} %")
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the six measurements")
    parser.add_argument("--batch-size", type=int, default=None, help="else 16 on a CPU, 64 on a GPU")
    arguments = parser.parse_args()
    if not (arguments.data / "manifest.csv").is_file():
        sys.exit(f"No recordings in {arguments.data}: --data names the folder with manifest.csv and {SET}.")
    figures = measure(arguments.data.resolve(), arguments.seconds, arguments.batch_size)
    print_table(figures)
    write_results("training", figures)


if __name__ == "__main__":
    main()
