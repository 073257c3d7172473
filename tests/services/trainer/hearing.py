"""Made-up answers of made-up networks, for the tests of the evaluation."""

import numpy as np

from services.trainer.heard import Activation, Heard, Table, recording_table


def heard(index: int, label: int, *windows: list[float], **more: object) -> Heard:
    return Heard(index, label, np.array(windows, dtype=np.float32), **more)  # type: ignore[arg-type]


def crowd(recordings: int, classes: int, *, skill: float = 2.0, seed: int = 0, folds: int = 3) -> list[Heard]:
    """Recordings of one to four windows, each species as often as any, some with another one in the background."""
    generator = np.random.default_rng(seed)
    answers = []
    for index in range(recordings):
        label = index % classes
        logits = generator.standard_normal((generator.integers(1, 5), classes)).astype(np.float32)
        logits[:, label] += skill
        others = (int((label + 1) % classes),) if index % 5 == 0 else ()
        fold = (index // classes) % folds
        answers.append(Heard(index, label, logits, others=others, fold=fold, group=f"person {index // 2}"))
    return answers


def table_of(answers: list[Heard], activation: Activation = "softmax") -> Table:
    return recording_table(answers, activation, [1.0] * len(answers))
