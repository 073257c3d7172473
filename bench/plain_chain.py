"""The signal chain of the original work (DSR-Bird-Song 2019), written plainly with librosa and scipy.

What `bench.audio` compares Chiffchaff's with. The mel spectrogram is taken once for the whole recording, though the
original took it for each slice, and its band ends at Nyquist.
"""

from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import scipy.ndimage

RATE = 22_050
Sound = npt.NDArray[np.float32]


def load(path: Path) -> Sound:
    sound: Sound
    sound, _ = librosa.load(path, sr=RATE, mono=True)
    return sound


def segment(sound: Sound) -> tuple[Sound, Sound]:
    """The signal and the noise of a recording, each spliced together."""
    spectrogram = np.abs(librosa.stft(sound, n_fft=2048, hop_length=512))
    scaled = (spectrogram - spectrogram.min()) / (spectrogram.max() - spectrogram.min())
    rows = np.median(scaled, axis=1, keepdims=True)
    columns = np.median(scaled, axis=0, keepdims=True)
    mask = (scaled > 3 * rows) & (scaled > 3 * columns)
    square = np.ones((4, 4))
    mask = scipy.ndimage.binary_opening(mask, square)
    mask = scipy.ndimage.binary_dilation(mask, square)
    indicator = scipy.ndimage.binary_dilation(mask.max(axis=0), np.ones(15))
    frames = np.minimum(np.arange(len(sound)) // 512, len(indicator) - 1)
    return sound[indicator[frames]], sound[~indicator[frames]]


def mel(sound: Sound) -> npt.NDArray[Any]:
    """(256, frames), power."""
    spectrogram: npt.NDArray[Any] = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=2048, hop_length=512, n_mels=256, fmax=RATE / 2
    )
    return spectrogram
