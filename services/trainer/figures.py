"""The field's figures of merit, by torchmetrics: what a table of answers is worth, as a whole and by species.

Species count alike in everything that is called macro, and in cmAP and AUROC; only those count that occur.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_average_precision,
    multiclass_accuracy,
    multilabel_f1_score,
)

from services.trainer.heard import ABSENT, THERE, UNKNOWN, Booleans, Floats, Table

TOP = 5

NAMES = ("top1", "top5", "macro_top1", "cmap", "auroc", "f1_macro", "f1_micro")
BY_SPECIES = ("top1", "top5", "average_precision", "auroc", "f1")


@dataclass(frozen=True)
class Figures:
    whole: dict[str, float]
    """By `NAMES`; nan where a figure cannot be had, such as the AUROC of a single species."""
    species: dict[str, Floats]
    """By `BY_SPECIES`, (classes,); nan where it cannot be had."""


def measure(table: Table, least: npt.NDArray[np.float32]) -> Figures:
    """Judge the answers. A species is reported where it reaches `least`, (rows, classes)."""
    classes = table.scores.shape[1]
    ranked, labels = torch.from_numpy(table.ranked), torch.from_numpy(table.labels)

    def accuracy(k: int) -> tuple[float, Floats]:
        if k >= classes:
            return 1.0, np.ones(classes)
        whole = multiclass_accuracy(ranked, labels, classes, average="micro", top_k=k)
        each = multiclass_accuracy(ranked, labels, classes, average="none", top_k=k)
        return float(whole), each.numpy().astype(np.float64)

    top1, first = accuracy(1)
    top5, fifth = accuracy(TOP)
    said = torch.from_numpy((table.reached >= least).astype(np.int64))
    truth = torch.from_numpy(table.truth.astype(np.int64))
    f1 = multilabel_f1_score(said, truth, classes, average="none", ignore_index=UNKNOWN).numpy().astype(np.float64)
    f1_micro = float(multilabel_f1_score(said, truth, classes, average="micro", ignore_index=UNKNOWN))

    average_precision, auroc = np.full(classes, np.nan), np.full(classes, np.nan)
    tested = np.flatnonzero((table.truth == THERE).any(axis=0))
    for label in tested:
        known = table.truth[:, label] != UNKNOWN
        score, is_there = torch.from_numpy(table.scores[known, label]), truth[known, label]
        average_precision[label] = float(binary_average_precision(score, is_there))
        if (is_there == ABSENT).any():
            auroc[label] = float(binary_auroc(score, is_there))
    occurs = np.isin(np.arange(classes), tested)
    labelled = np.isin(np.arange(classes), table.labels)
    species = {
        "top1": np.where(labelled, first, np.nan),
        "top5": np.where(labelled, fifth, np.nan),
        "average_precision": average_precision,
        "auroc": auroc,
        "f1": np.where(occurs, f1, np.nan),
    }
    whole = {
        "top1": top1,
        "top5": top5,
        "macro_top1": mean_of(species["top1"]),
        "cmap": mean_of(average_precision),
        "auroc": mean_of(auroc),
        "f1_macro": mean_of(species["f1"]),
        "f1_micro": f1_micro,
    }
    return Figures(whole, species)


def mean_of(values: Floats) -> float:
    """Over the species that have a value; nan when none has."""
    there: Booleans = ~np.isnan(values)
    return float(values[there].mean()) if there.any() else float("nan")
