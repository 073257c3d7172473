"""How well networks and recipes do on labelled recordings: cross-validated, no test fold ever seen in training or
selection. Prints a table.

    .venv/bin/python -m bench.accuracy ../shared/data                                 # the default recipe, both sets
    .venv/bin/python -m bench.accuracy FOLDER --sets garden20 --networks wren puffin --recipes field original

garden20: birds, recordists apart. esc10: sounds of ten kinds, the authors' five folds. Top-1 is per recording, in mean
over the species for birds; intervals are bootstrapped over recordings.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.labelled import read_set
from bench.results import RESULTS, write_results
from services.trainer.config import TrainingConfig
from services.trainer.data import Sound
from services.trainer.evaluate import Evaluation, evaluate
from services.trainer.fit import Order, fit
from services.trainer.frozen_dataset import Dataset
from services.trainer.heard import Heard
from services.trainer.listen import listen
from services.trainer.machine import pick_device
from services.trainer.plan import plan
from services.trainer.progress import Progress
from services.trainer.world import World
from shared.errors import InvalidInput

DEFAULT_RECIPES = {"garden20": "field", "esc10": "sounds"}
FIGURE = {"garden20": "macro_top1", "esc10": "top1"}
"""What a set is known by."""


def cross_validate(dataset: Dataset, prepared: Path, config: TrainingConfig, folds: int) -> Evaluation:
    """Train a network for each of the first `folds` folds without it, and judge them together on what each left out."""
    heard: list[Heard] = []
    with tempfile.TemporaryDirectory(dir=prepared) as folder:
        order = Order(dataset, config, lambda key: prepared / key, Path(folder))
        sound, world = Sound(dataset, order.audio_path), World(pick_device(config))
        runs = [run for run in plan(dataset, config) if run.fold is not None][:folds]
        for run in runs:
            network, _ = fit(run, len(runs), order, sound, None, None, world, _say, lambda: None)
            left_out = listen(network, sound, run.split.test, lambda: None, run.fold or 0)
            right = np.mean([one.logits.mean(axis=0).argmax() == one.label for one in left_out])
            print(f"  {run.name}: {right:.3f} of {len(left_out)} by the mean of their windows", flush=True)
            heard += left_out
    return evaluate(heard, len(dataset.labels), config.activation)


def _say(progress: Progress) -> None:
    if progress.epoch in (1, progress.epochs) or not (progress.epoch or 0) % 10:
        loss = f", loss {progress.train_loss:.3f}" if progress.train_loss is not None else ""
        print(f"  {progress.message}{loss}", flush=True)


def measure(
    data: Path,
    sets: Sequence[str],
    networks: Sequence[str],
    recipes: Sequence[str],
    folds: int,
    changes: dict[str, Any],
) -> list[dict[str, Any]]:
    """A row for each set, network and recipe."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as folder:
        for name in sets:
            dataset = read_set(data, name, Path(folder))
            for recipe in recipes or [DEFAULT_RECIPES[name]]:
                for network in networks or [None]:
                    chosen = {"network": network} if network else {}
                    config = TrainingConfig.model_validate({"recipe": recipe, **chosen, **changes})
                    print(f"{name}, {config.network}, {recipe}:", flush=True)
                    began = time.monotonic()
                    try:
                        metrics = cross_validate(dataset, Path(folder), config, folds).metrics
                    except InvalidInput as error:
                        print(f"  {error.detail}", flush=True)
                        continue
                    row = {"set": name, "network": config.network, "recipe": recipe, "epochs": config.epochs}
                    row |= {"folds": folds, "seconds": round(time.monotonic() - began)}
                    for figure in ("macro_top1", "top1", "top5", "cmap"):
                        row |= {figure: metrics[figure].value, f"{figure}_low": metrics[figure].low}
                        row |= {f"{figure}_high": metrics[figure].high}
                    rows.append(row)
                    # Now, not in the end: the whole takes hours, and each row stands by itself.
                    write_results("accuracy", _figures(rows) | {"rows": rows})
                    print(f"  {FIGURE[name]} {row[FIGURE[name]]:.3f}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(FIGURE), choices=list(FIGURE))
    parser.add_argument("--networks", nargs="+", default=[], help="instead of the recipe's")
    parser.add_argument("--recipes", nargs="+", default=[], help="instead of each set's own")
    parser.add_argument("--folds", type=int, default=5, choices=range(1, 6), help="networks to train, of five")
    parser.add_argument("--set", nargs="*", default=[], metavar="SETTING=JSON", dest="changes", help="epochs=20 ...")
    arguments = parser.parse_args()
    changes = {key: json.loads(value) for key, _, value in (each.partition("=") for each in arguments.changes)}
    rows = measure(
        arguments.data.resolve(), arguments.sets, arguments.networks, arguments.recipes, arguments.folds, changes
    )
    table = Table("set", "network", "recipe", "epochs", "folds", "top-1 (macro for birds)", "95 %", "top-5", "minutes")
    for row in rows:
        figure = FIGURE[row["set"]]
        interval = f"{row[f'{figure}_low']:.3f}-{row[f'{figure}_high']:.3f}"
        cells = [row["set"], row["network"], row["recipe"], row["epochs"], row["folds"], f"{row[figure]:.3f}", interval]
        table.add_row(*map(str, cells), f"{row['top5']:.3f}", f"{row['seconds'] / 60:.1f}")
    Console(width=120).print(table)


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Of each set the first row of all five folds; a set that was not measured now keeps what was known of it."""
    path = RESULTS / "accuracy.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    figures = {key: value for key, value in known.items() if key.startswith(tuple(FIGURE))}
    for name, figure in FIGURE.items():
        whole = [row for row in rows if row["set"] == name and row["folds"] == 5]
        figures |= {f"{name}_{figure}{end}": whole[0][f"{figure}{end}"] for end in ("", "_low", "_high") if whole}
    return figures


if __name__ == "__main__":
    main()
