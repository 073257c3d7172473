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
