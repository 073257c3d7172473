"""Unknown sounds: which may count as such, and whether a network refuses them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from services.trainer.classifier import Classifier
from services.trainer.frozen_dataset import Dataset
from services.trainer.heard import Heard
from services.trainer.rejection import judge_rejection
from services.trainer.unknown import HeardSet, Stranger, Strangers, UnknownSet, without_known
from services.trainer.world import World
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.errors import InvalidInput
from shared.rejection import energy, recording_energy

Garden = Callable[..., Dataset]
AudioPath = Callable[[str], Path]


def _renamed(dataset: Dataset, **changes: object) -> Dataset:
    """The same sounds as files of nobody the model knows."""
    recordings = [
        r.model_copy(update={"sha256": f"e{r.sha256[:-1]}", "xc_id": None, **changes}) for r in dataset.recordings
    ]
    return dataset.model_copy(update={"recordings": tuple(recordings)})


def test_what_the_model_knows_is_no_unknown_sound_by_whatever_name(garden: Garden) -> None:
    known, wide = garden(birds=2), _renamed(garden(birds=3))
    chosen, left_out = without_known(wide, known)
    assert {wide.recordings[i].label for i in chosen} == {"Avis tertia"}
    assert left_out == ["Avis prima, which the model knows", "Avis secunda, which the model knows"]

    chosen, _ = without_known(_renamed(wide, secondary=("Avis prima",)), known)
    assert chosen == [], "a species in the background is heard too"

    english = wide.labels[2].model_copy(update={"scientific": "Second bird", "common": "SECUNDA"})
    renamed = [r.model_copy(update={"label": "Second bird"}) for r in wide.recordings if r.label == "Avis tertia"]
    table = wide.model_copy(update={"labels": (english,), "recordings": tuple(renamed)})
    assert without_known(table, known)[0] == [], "by its common name"


def test_a_recording_that_trains_the_model_is_left_out_whatever_it_is_called(garden: Garden) -> None:
    known = garden(birds=2)
    other = known.labels[0].model_copy(update={"scientific": "Ignotus", "common": ""})
    same = [r.model_copy(update={"label": "Ignotus"}) for r in known.recordings[:2]]
    same[1] = same[1].model_copy(update={"sha256": "f" * 64})
    chosen, left_out = without_known(known.model_copy(update={"labels": (other,), "recordings": tuple(same)}), known)
    assert chosen == []
    assert left_out == ["a recording of Ignotus that trains the model"]


def test_what_a_dataset_holds_as_mere_background_is_no_unknown_sound(garden: Garden) -> None:
    wide = _renamed(garden(birds=3))
    rain = wide.recordings[0].model_copy(update={"sha256": "f" * 64, "label": "rain", "background": True, "slices": ()})
    chosen, left_out = without_known(wide.model_copy(update={"recordings": (*wide.recordings, rain)}), garden(birds=2))
    assert len(wide.recordings) not in chosen
    assert "rain, which the dataset holds as mere background" in left_out


def test_a_set_with_nothing_unknown_in_it_is_a_warning_not_a_failure(garden: Garden, audio_path: AudioPath) -> None:
    known = garden(birds=2)
    strangers = Strangers([UnknownSet("my birds", known)], known, audio_path, "softmax")
    assert strangers.heard == []
    assert "'my birds', all were left out: Avis prima" in strangers.warnings[0]
    with pytest.raises(InvalidInput, match="windows of 1000"):
        Strangers([UnknownSet("odd", known.model_copy(update={"window": 1000}))], known, audio_path, "softmax")


def test_every_network_hears_them_and_one_alone_stands_for_both(garden: Garden, audio_path: AudioPath) -> None:
    class Loudness(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            loudness = windows.square().mean(dim=1, keepdim=True)
            return torch.cat([loudness, -loudness], dim=1)

    known, wide = garden(birds=2), _renamed(garden(birds=3))
    strangers = Strangers([UnknownSet("others", wide)], known, audio_path, "softmax")
    classifier = Classifier(torch.nn.Identity(), Loudness(), WINDOW_SAMPLES, SAMPLE_RATE)
    strangers.listen(classifier, None, World(torch.device("cpu")), lambda: None)
    (alone,) = strangers.heard
    assert alone.recordings == len(alone.final) == len(alone.by_fold[0]) == 4
    strangers.listen(classifier, 1, World(torch.device("cpu")), lambda: None)
    assert list(strangers.heard[0].by_fold) == [1]
    assert all(len(one.slice_energies) == 1 for one in alone.final), "each has one slice, whatever its length"


def _known(count: int, energy_of_known: float, folds: int = 2, offset: float = 0.0) -> list[Heard]:
    generator = np.random.default_rng(0)
    answers = []
    for index in range(count):
        logits = generator.standard_normal((2, 5)).astype(np.float32)
        logits[:, index % 5] += energy_of_known
        fold = index // 5 % folds
        answers.append(Heard(index, index % 5, logits + offset * fold, fold=fold, group=str(index)))
    return answers


def _noise(count: int, offset: float = 0.0) -> list[Stranger]:
    logits = np.random.default_rng(1).standard_normal((count, 2, 5)).astype(np.float32) + offset
    return [Stranger(i, recording_energy(one, "softmax"), energy(one, "softmax")) for i, one in enumerate(logits)]


def test_sounds_that_say_nothing_to_the_network_are_refused_and_known_ones_are_kept() -> None:
    heard = _known(100, energy_of_known=6.0)
    noise = HeardSet("noise", "0" * 64, 40, {0: _noise(40), 1: _noise(40)}, _noise(40))
    rejection, (curve,) = judge_rejection(heard, "softmax", [h.fold for h in heard], [noise])
    (unknown,) = rejection.unknown
    assert unknown.auroc.value > 0.99
    assert unknown.refused.value > 0.9
    assert unknown.slice_auroc is not None
    assert len(unknown.auroc.folds) == 2
    assert rejection.kept.value == pytest.approx(0.95, abs=0.05)
    assert curve.kept[0] >= 0.9
    assert curve.kept[-1] == 1.0


def test_sounds_that_say_as_much_as_known_ones_are_not_told_apart() -> None:
    heard = _known(200, energy_of_known=0.0)
    noise = HeardSet("noise", "0" * 64, 100, {0: _noise(100), 1: _noise(100)}, _noise(100))
    (unknown,) = judge_rejection(heard, "softmax", [h.fold for h in heard], [noise])[0].unknown
    assert unknown.auroc.low is not None
    assert unknown.auroc.high is not None
    assert unknown.auroc.low < 0.5 < unknown.auroc.high
    assert unknown.refused.value < 0.2


def test_a_constant_in_all_logits_which_no_softmax_minds_changes_nothing() -> None:
    plain, shifted = _known(60, 3.0), _known(60, 3.0, offset=25.0)
    sets = [[HeardSet("noise", "0" * 64, 30, {0: _noise(30), 1: _noise(30, by)}, _noise(30, by))] for by in (0.0, 25.0)]
    parts = [h.fold for h in plain]
    first = judge_rejection(plain, "softmax", parts, sets[0])[0]
    second = judge_rejection(shifted, "softmax", parts, sets[1])[0]
    assert first.recording_threshold == pytest.approx(second.recording_threshold, abs=1e-4)
    assert first.unknown[0].refused == second.unknown[0].refused
    assert energy(np.array([9.0, 9.0]), "sigmoid") > energy(np.array([0.0, 0.0]), "sigmoid")
