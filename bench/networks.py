"""Every network beside the others: parameters, size, and how long one core takes for a window, front end included.

What is timed is what is shipped: TorchScript of front end and network, one window at a time, weights as they come.
"""

import statistics
import time
from typing import Any

import torch

from bench.results import write_results
from services.trainer import models
from services.trainer.classifier import classifier_of
from services.trainer.export import script
from shared.audio.frontend import FIELD, ORIGINAL, FrontEnd, FrontEndConfig
from shared.errors import InvalidInput

SPECIES = 100
WARM_UP = 5
TIMES = 25
"""Windows timed; their median counts, in seconds of processor time, so that a busy machine does not matter much."""


def measure(name: str, config: FrontEndConfig) -> dict[str, Any]:
    """Raises InvalidInput where the network cannot take the front end's pictures."""
    models.check(name, config)
    torch.manual_seed(0)
    network = models.build(name, SPECIES, config)
    weights = [*network.parameters(), *network.buffers()]
    shipped = script(classifier_of(FrontEnd(config), network, config.window_samples, config.sample_rate))
    window = torch.randn(1, config.window_samples)
    seconds = []
    with torch.inference_mode():
        for _ in range(WARM_UP + TIMES):
            began = time.process_time()
            shipped(window)
            seconds.append(time.process_time() - began)
    return {
        "network": name,
        "front_end": config.name,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "mb": sum(values.numel() * values.element_size() for values in weights) / 1e6,
        "ms_per_window": 1e3 * statistics.median(seconds[WARM_UP:]),
    }


def main() -> None:
    torch.set_num_threads(1)
    print(f"{SPECIES} species, windows of 5 s, one thread")
    print(f"{'network':<12} {'front end':<10} {'parameters':>11} {'MB':>6} {'ms per window':>14}")
    rows = []
    for name in models.available():
        for config in (ORIGINAL, FIELD):
            try:
                row = measure(name, config)
            except InvalidInput:
                print(f"{name:<12} {config.name:<10} cannot take these pictures")
                continue
            rows.append(row)
            print(
                f"{name:<12} {config.name:<10} {row['parameters']:>11,} {row['mb']:>6.2f} {row['ms_per_window']:>14.1f}"
            )
    write_results("networks", {"species": SPECIES, "networks": rows})


if __name__ == "__main__":
    main()
