"""Which held-out recording was taken for what: written beside the model, bounded in size."""

import numpy as np

from services.trainer.evaluate import Evaluation
from services.trainer.frozen_dataset import Dataset
from shared.predictions import MOST_RANKED, MOST_RECORDINGS, Prediction, Predictions

DECIMALS = 4


def predictions_of(evaluation: Evaluation, dataset: Dataset) -> Predictions:
    """Of every recording that was judged, sorted by content; of more than MOST_RECORDINGS, the first."""
    table, recordings = evaluation.by_recording, dataset.recordings
    order = sorted(range(len(table.labels)), key=lambda row: recordings[evaluation.heard[row]].sha256)
    return Predictions(
        labels=tuple(dataset.names),
        tested=len(order),
        recordings=tuple(
            Prediction(
                sha256=recordings[evaluation.heard[row]].sha256,
                label=int(table.labels[row]),
                ranking=_first(table.ranked[row]),
                fold=evaluation.folds[row],
            )
            for row in order[:MOST_RECORDINGS]
        ),
    )


def _first(confidences: np.ndarray[tuple[int], np.dtype[np.float32]]) -> tuple[tuple[int, float], ...]:
    """The highest of (classes,); what is noted in the background stands below zero there."""
    best = np.argsort(-confidences, kind="stable")[:MOST_RANKED]
    return tuple((int(label), round(float(confidences[label]), DECIMALS)) for label in best if confidences[label] >= 0)
