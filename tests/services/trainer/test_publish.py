"""The sound that an export is proved on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.trainer.data import Sound
from services.trainer.frozen_dataset import Dataset
from services.trainer.publish import EXPORT_CLIPS, real_clips
from shared.audio.constants import WINDOW_SAMPLES

Garden = Callable[..., Dataset]


@pytest.mark.parametrize(("birds", "people"), [(2, 1), (3, 2), (3, 25)])
def test_there_are_windows_enough_however_few_the_recordings(
    garden: Garden, audio_path: Callable[[str], Path], birds: int, people: int
) -> None:
    dataset = garden(birds, people)
    train = range(len(dataset.recordings))
    windows, waveform = real_clips(Sound(dataset, audio_path), train)
    assert EXPORT_CLIPS <= len(windows) < EXPORT_CLIPS + len(train)
    assert windows.shape[1:] == (WINDOW_SAMPLES,)
    assert windows.dtype == waveform.dtype == np.float32
    assert len(np.unique(windows, axis=0)) == len(windows), "no window is proved on twice"
    assert len(waveform) == max(recording.samples for recording in dataset.recordings)
