"""A recording heard as a whole, against the same recording heard window by window."""

import pytest
import torch

from services.trainer import models
from services.trainer.classifier import Classifier, RecordingClassifier, classifier_of
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.frontend import FIELD, ORIGINAL, FrontEnd
from shared.audio.slices import windows
from tests.services.trainer.conftest import song

SECOND = SAMPLE_RATE


@pytest.fixture(scope="module")
def whole() -> RecordingClassifier:
    torch.manual_seed(0)
    network = models.build("wren", 5, FIELD)
    classifier = classifier_of(FrontEnd(FIELD), network, WINDOW_SAMPLES, SAMPLE_RATE)
    assert isinstance(classifier, RecordingClassifier)
    # Norms that have heard some songs tell them apart, though the weights are random.
    with torch.no_grad():
        for _ in range(20):
            classifier(recording(12 * WINDOW_SAMPLES).view(12, WINDOW_SAMPLES))
    return classifier.eval()


def recording(samples: int) -> torch.Tensor:
    """Another song every three seconds, so that windows differ."""
    parts = [song(700.0 + 900.0 * (n % 5), 3 * SECOND, n) for n in range(-(-samples // (3 * SECOND)))]
    return torch.cat([torch.from_numpy(part) for part in parts])[:samples]


@pytest.mark.parametrize(
    "samples",
    [100, 3 * SECOND, 5 * SECOND + 22, 7 * SECOND + 5, 8 * SECOND, 64 * SECOND, 131 * SECOND],
)
@pytest.mark.parametrize("step", [1.0, 2.5])
def test_there_is_a_row_for_each_window_of_the_house(whole: RecordingClassifier, samples: int, step: float) -> None:
    with torch.inference_mode():
        logits = whole.analyse(recording(samples), step)
    assert logits.shape == (len(windows(samples, step=round(step * SECOND))), 5)


def test_a_window_sounds_in_its_recording_nearly_as_it_does_alone(whole: RecordingClassifier) -> None:
    sound = recording(131 * SECOND)
    alone = Classifier(whole.front_end, whole.network, WINDOW_SAMPLES, SAMPLE_RATE).eval()
    with torch.inference_mode():
        there, expected = whole.analyse(sound, 2.5), alone.analyse(sound, 2.5)
    # Alone it has no sound before and after it, and begins where it begins, not where a feature does.
    both = torch.stack([(logits - logits.mean(dim=0)).flatten() for logits in (there, expected)])
    assert torch.corrcoef(both)[0, 1] > 0.8


def test_one_window_is_heard_exactly_as_alone(whole: RecordingClassifier) -> None:
    sound = recording(WINDOW_SAMPLES)
    with torch.inference_mode():
        torch.testing.assert_close(whole.analyse(sound, 2.5), whole(sound[None]))


def test_where_blocks_meet_nothing_changes(whole: RecordingClassifier) -> None:
    sound = recording(47 * SECOND)
    cut = classifier_of(FrontEnd(FIELD), whole.network, WINDOW_SAMPLES, SAMPLE_RATE).eval()
    assert isinstance(cut, RecordingClassifier)
    cut.block = 15 * cut.hop
    with torch.inference_mode():
        torch.testing.assert_close(cut.analyse(sound, 2.5), whole.analyse(sound, 2.5), rtol=0, atol=5e-3)
        torch.testing.assert_close(cut.frames(sound), whole.frames(sound), rtol=0, atol=5e-3)


def test_frames_say_where_in_a_window_it_sings(whole: RecordingClassifier) -> None:
    quiet = 0.001 * torch.randn(20 * SECOND, generator=torch.Generator().manual_seed(0))
    sound = quiet.clone()
    sound[9 * SECOND : 10 * SECOND] += torch.from_numpy(song(3_000.0, SECOND, 1))
    with torch.inference_mode():
        changed = (whole.frames(sound) - whole.frames(quiet)).abs().sum(dim=1)
    at = (torch.arange(len(changed)) + 0.5) * whole.frame_seconds
    assert len(changed) == int(20 / whole.frame_seconds)
    assert 9 - whole.frame_seconds < at[changed.argmax()] < 10 + whole.frame_seconds


@pytest.mark.parametrize("step", [0.0, -1.0, 5.5])
def test_a_step_that_leaves_gaps_is_refused(whole: RecordingClassifier, step: float) -> None:
    with pytest.raises(ValueError, match="a step must be above 0 and at most a window"):
        whole.analyse(recording(SECOND), step)


def test_pictures_that_are_made_window_by_window_are_heard_window_by_window() -> None:
    network = models.build("wren", 5, ORIGINAL)
    assert type(classifier_of(FrontEnd(ORIGINAL), network, WINDOW_SAMPLES, SAMPLE_RATE)) is Classifier
