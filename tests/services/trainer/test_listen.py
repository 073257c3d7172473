"""Held-out recordings are heard as serving hears them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from services.trainer import data, models
from services.trainer.classifier import RecordingClassifier, classifier_of
from services.trainer.data import Sound
from services.trainer.frozen_dataset import Dataset
from services.trainer.listen import listen
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.frontend import FrontEnd
from shared.audio.wav import read_prepared
from tests.services.trainer.conftest import SMALL_PICTURE

Garden = Callable[..., Dataset]
AudioPath = Callable[[str], Path]


@pytest.fixture
def classifier() -> RecordingClassifier:
    torch.manual_seed(0)
    network = models.build("wren", 3, SMALL_PICTURE)
    made = classifier_of(FrontEnd(SMALL_PICTURE), network, WINDOW_SAMPLES, SAMPLE_RATE).eval()
    assert isinstance(made, RecordingClassifier)
    return made


def never() -> None:
    """Nobody asks it to stop."""


def test_a_recording_is_judged_by_the_answer_that_the_model_file_would_give(
    garden: Garden, audio_path: AudioPath, classifier: RecordingClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Sound(garden(), audio_path)
    (heard,) = listen(classifier, sound, [11], never)
    with torch.inference_mode():
        whole = torch.from_numpy(read_prepared(sound.path(11)))
        torch.testing.assert_close(torch.from_numpy(heard.logits), classifier.analyse(whole, 2.5))
    assert (heard.recording, heard.label) == (11, 2)
    monkeypatch.setattr(data, "PIECE", 2)
    (in_pieces,) = listen(classifier, sound, [11], never)
    assert in_pieces.logits.shape == heard.logits.shape == (3, 3)


def test_of_a_marked_species_only_the_marked_windows_are_judged(
    garden: Garden, audio_path: AudioPath, classifier: RecordingClassifier
) -> None:
    dataset = garden()
    last = dataset.recordings[-1].model_copy(update={"marked": True, "slices": (5_000,)})
    sound = Sound(dataset.model_copy(update={"recordings": (*dataset.recordings[:-1], last)}), audio_path)
    (heard,) = listen(classifier, sound, [11], never)
    with torch.inference_mode():
        expected = classifier(torch.from_numpy(sound.at(11, 5_000))[None])
    torch.testing.assert_close(torch.from_numpy(heard.logits), expected)


def test_what_is_heard_knows_its_slices_its_background_and_its_fold(
    garden: Garden, audio_path: AudioPath, classifier: RecordingClassifier
) -> None:
    dataset = garden()
    *rest, prima, secunda, tertia = dataset.recordings
    changed = prima.model_copy(update={"slices": (55_125,), "secondary": ("Avis tertia", "Avis ignota")})
    marked = secunda.model_copy(update={"sha256": prima.sha256, "audio": prima.audio, "marked": True})
    sound = Sound(dataset.model_copy(update={"recordings": (*rest, changed, marked, tertia)}), audio_path)
    first, second, third = listen(classifier, sound, [9, 10, 11], never, fold=4)
    assert first.signal is not None
    assert first.signal.tolist() == [False, True, False]
    assert first.slices.shape == (1, 3)
    assert first.others == (1, 2), "the one in the background, and the one that was marked in the same file"
    assert (second.recording, second.label, second.others) == (9, 1, (0, 2)), "one file is drawn as one recording"
    assert (third.others, third.fold, third.group) == ((), 4, "Person 3")
