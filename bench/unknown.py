"""Which score tells birds that a model knows from sounds that it does not: trains on garden20, hears others. Prints a
table.

    .venv/bin/python -m bench.unknown ../shared/data              # 5 networks of 20 epochs: half an hour on one core
    .venv/bin/python -m bench.unknown FOLDER --networks 1 --epochs 5

FOLDER holds manifest.csv with the sets garden20 (known), singles182 (other birds) and esc10 (no birds). Each network is
trained without one fifth of the recordists, whose recordings are then the known ones. The last two columns are about a
threshold that keeps 95 % of the known recordings of *all* networks: what it refuses, and how much of the known of the
worst network it keeps, which shows whether a threshold that fits one network fits another.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Column, Table
from torchmetrics.functional.classification import binary_auroc

from bench.labelled import FOLDS, read_set
from bench.results import write_results
from services.trainer.config import TrainingConfig
from services.trainer.split import held_out
from services.trainer.train import train
from shared.audio.wav import read_prepared
from shared.model_file import confidences, load, sha256_of
from shared.rejection import energy

KNOWN, UNKNOWN = "garden20", ("singles182", "esc10")
KEEP = 0.95

Logits = npt.NDArray[np.float32]
Answers = tuple[Logits, Logits]
"""Logits and confidences of one recording, both (windows, classes)."""


def _entropy(shares: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return (shares * np.log(np.maximum(shares, 1e-12))).sum(axis=-1)


def _plain_energy(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return energy(logits, "sigmoid")


SCORES: dict[str, Callable[[Logits, Logits], float]] = {
    "energy, centred, of the mean logits": lambda logits, _: float(energy(logits.mean(axis=0), "softmax")),
    "energy, centred, mean of windows": lambda logits, _: float(energy(logits, "softmax").mean()),
    "energy, centred, best window": lambda logits, _: float(energy(logits, "softmax").max()),
    "energy, of the mean logits": lambda logits, _: float(_plain_energy(logits.mean(axis=0))),
    "energy, best window": lambda logits, _: float(_plain_energy(logits).max()),
    "max logit, mean of windows": lambda logits, _: float(logits.max(axis=1).mean()),
    "max confidence, mean of windows": lambda _, shares: float(shares.max(axis=1).mean()),
    "max confidence, best window": lambda _, shares: float(shares.max()),
    "entropy, mean of windows": lambda _, shares: float(_entropy(shares).mean()),
    "entropy of the mean confidences": lambda _, shares: float(_entropy(shares.mean(axis=0))),
}


def answers(model: Path, sounds: Sequence[Path]) -> list[Answers]:
    """What a model file says of prepared recordings, by its own entry."""
    loaded = load(model, sha256_of(model))
    found = []
    for path in sounds:
        with torch.inference_mode():
            logits = loaded.module.analyse(torch.from_numpy(read_prepared(path)), loaded.manifest.step_seconds).numpy()
        found.append((logits, confidences(logits, loaded.manifest)))
    return found


def measure(data: Path, epochs: int, networks: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as folder:
        prepared = Path(folder)
        known = read_set(data, KNOWN, prepared)
        numbers = {one.xc_id for one in known.recordings}
        others = {name: read_set(data, name, prepared) for name in UNKNOWN}
        known_answers: list[list[Answers]] = []
        unknown_answers: dict[str, list[list[Answers]]] = {name: [] for name in UNKNOWN}
        for network in range(networks):
            turned = [one.model_copy(update={"fold": (one.fold + network) % FOLDS}) for one in known.recordings]
            trained = train(
                known.model_copy(update={"recordings": tuple(turned)}),
                TrainingConfig(epochs=epochs, folds=0),
                audio_path=lambda key: prepared / key,
                work_dir=prepared / f"network-{network}",
                report=lambda progress: print(f"network {network + 1}: {progress.message}", flush=True),  # noqa: B023
                should_stop=lambda: None,
            )
            test = held_out(turned, 0, every_class=True).test
            known_answers.append(answers(trained.model, [prepared / turned[i].audio for i in test]))
            for name, dataset in others.items():
                strangers = [one for one in dataset.recordings if not one.xc_id or one.xc_id not in numbers]
                unknown_answers[name].append(answers(trained.model, [prepared / one.audio for one in strangers]))
    return {title: _judge(score, known_answers, unknown_answers) for title, score in SCORES.items()}


def _judge(
    score: Callable[[Logits, Logits], float], known: list[list[Answers]], unknown: dict[str, list[list[Answers]]]
) -> dict[str, float]:
    kept = [np.array([score(*one) for one in mine]) for mine in known]
    threshold = float(np.quantile(np.concatenate(kept), 1 - KEEP))
    figures = {"worst_kept": float(min((mine >= threshold).mean() for mine in kept))}
    for name, networks in unknown.items():
        scores = [np.array([score(*one) for one in theirs]) for theirs in networks]
        figures[f"{name}_auroc"] = float(np.mean([_auroc(*pair) for pair in zip(kept, scores, strict=True)]))
        figures[f"{name}_refused"] = float(np.mean([(theirs < threshold).mean() for theirs in scores]))
    return figures


def _auroc(known: npt.NDArray[Any], unknown: npt.NDArray[Any]) -> float:
    _, ranks = np.unique(np.concatenate([known, unknown]), return_inverse=True)
    truth = torch.from_numpy(np.repeat([1, 0], [len(known), len(unknown)]))
    return float(binary_auroc(torch.from_numpy(ranks / (ranks.max() + 1)), truth))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--networks", type=int, default=FOLDS, choices=range(1, FOLDS + 1))
    arguments = parser.parse_args()
    figures = measure(arguments.data.resolve(), arguments.epochs, arguments.networks)
    table = Table(
        Column("score", no_wrap=True),
        *(f"AUROC {name}" for name in UNKNOWN),
        *(f"refused {name}" for name in UNKNOWN),
        "worst kept",
    )
    for title, one in sorted(figures.items(), key=lambda item: -sum(item[1][f"{name}_auroc"] for name in UNKNOWN)):
        cells = [one[f"{name}_{what}"] for what in ("auroc", "refused") for name in UNKNOWN]
        table.add_row(title, *(f"{value:.2f}" for value in [*cells, one["worst_kept"]]))
    Console().print(table)
    write_results("unknown", figures)


if __name__ == "__main__":
    main()
