"""What is written down of each held-out recording."""

from collections.abc import Callable

import pytest

from services.trainer import predictions
from services.trainer.evaluate import evaluate
from services.trainer.frozen_dataset import Dataset
from services.trainer.predictions import predictions_of
from tests.services.trainer.hearing import crowd

Garden = Callable[..., Dataset]


def test_each_recording_stands_there_with_what_it_was_taken_for(garden: Garden) -> None:
    dataset = garden()
    answers = crowd(len(dataset.recordings), 3)
    evaluation = evaluate(answers, 3, "softmax")
    written = predictions_of(evaluation, dataset)
    assert written.tested == len(written.recordings) == len(answers)
    by_content = {dataset.recordings[answer.recording].sha256: answer for answer in answers}
    for one in written.recordings:
        answer = by_content[one.sha256]
        assert (one.label, one.fold) == (answer.label, answer.fold)
        assert {label for label, _ in one.ranking} == {0, 1, 2} - set(answer.others)
        sure = [confidence for _, confidence in one.ranking]
        assert sure == sorted(sure, reverse=True)
    right = sum(one.ranking[0][0] == one.label for one in written.recordings)
    assert right / len(answers) == pytest.approx(evaluation.metrics["top1"].value)


def test_of_very_many_the_same_are_kept_of_every_model(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = garden()
    monkeypatch.setattr(predictions, "MOST_RECORDINGS", 4)
    kept = [
        predictions_of(evaluate(crowd(len(dataset.recordings), 3, seed=seed), 3, "softmax"), dataset) for seed in (0, 1)
    ]
    first, second = ([one.sha256 for one in each.recordings] for each in kept)
    assert first == second == sorted(recording.sha256 for recording in dataset.recordings)[:4]
    assert kept[0].tested == len(dataset.recordings)
