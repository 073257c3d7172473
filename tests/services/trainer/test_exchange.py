"""The network in other programs' formats: sound that no recording has must not be where they part from torch."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from services.trainer.exchange import trace, write_onnx
from shared.audio.constants import WINDOW_SAMPLES
from shared.audio.frontend import FIELD, ORIGINAL, FrontEndConfig
from tests.services.trainer.conftest import SMALL_PICTURE, song
from tests.services.trainer.test_export import make, manifest

STANDARDISED = FIELD.model_copy(update={"name": "standardised", "normalisation": "standardise"})
ODD_FFT = SMALL_PICTURE.model_copy(update={"name": "no power of two", "n_fft": 1_000, "hop": 300})
SONG = song(3_000.0, WINDOW_SAMPLES, 1)
SOUNDS = {
    "silence": np.zeros(WINDOW_SAMPLES, np.float32),
    "a click": np.eye(1, WINDOW_SAMPLES, 50_000, dtype=np.float32)[0],
    "hardly anything": SONG * np.float32(1e-6),
    "clipped": np.clip(SONG * np.float32(1e3), -1, 1),
    "half silent": np.where(np.arange(WINDOW_SAMPLES) < WINDOW_SAMPLES // 2, SONG, np.float32(0)),
}


@pytest.mark.parametrize(
    "front_end", [FIELD, ORIGINAL, SMALL_PICTURE, STANDARDISED, ODD_FFT], ids=lambda front_end: front_end.name
)
def test_odd_sound_gives_the_same_numbers_in_onnx(front_end: FrontEndConfig, tmp_path: Path) -> None:
    classifier = make(front_end)
    path = tmp_path / "model.onnx"
    write_onnx(trace(classifier), manifest(), path)
    session = onnxruntime.InferenceSession(path)
    for name, sound in SOUNDS.items():
        with torch.inference_mode():
            expected = classifier(torch.from_numpy(sound[None])).numpy()
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(session.run(None, {"windows": sound[None]})[0], expected, 1e-4, 1e-5, err_msg=name)
