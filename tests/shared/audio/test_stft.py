import cmath
import math

import librosa
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.audio.constants import SAMPLE_RATE
from shared.audio.stft import frame_count, power_blocks, power_spectrogram

Sound = npt.NDArray[np.float32]


def sound(samples: int, seed: int = 0) -> Sound:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def slow_power(samples: Sound, frame: int, bin_: int, n_fft: int, hop: int) -> float:
    """One pixel by the definition of the discrete Fourier transform, the samples mirrored at both ends."""
    total = 0j
    for index in range(n_fft):
        at = frame * hop - n_fft // 2 + index
        last = len(samples) - 1
        at = -at if at < 0 else at
        at = 2 * last - at if at > last else at
        hann = 0.5 - 0.5 * math.cos(2 * math.pi * index / n_fft)
        total += hann * float(samples[at]) * cmath.exp(-2j * math.pi * bin_ * index / n_fft)
    return abs(total) ** 2


@pytest.mark.parametrize(("n_fft", "hop"), [(512, 128), (1024, 512), (2048, 512)])
def test_a_pixel_is_the_power_of_the_fourier_transform_under_a_hann_window(n_fft: int, hop: int) -> None:
    samples = sound(SAMPLE_RATE // 2)
    frames = frame_count(len(samples), hop)
    found = power_spectrogram(samples, 0, frames, n_fft=n_fft, hop=hop, first_bin=4, end_bin=200)
    assert found.dtype == np.float32
    assert found.shape == (frames, 196)
    for frame in (0, 1, frames // 3, frames - 1):
        for column in (0, 7, 195):
            exact = slow_power(samples, frame, column + 4, n_fft, hop)
            assert found[frame, column] == pytest.approx(exact, rel=1e-3, abs=1e-7 * float(found.max()))


@pytest.mark.parametrize("seconds", [0.2, 7.3])
def test_the_whole_is_librosas(seconds: float) -> None:
    samples = sound(round(seconds * SAMPLE_RATE))
    found = power_spectrogram(samples, 0, frame_count(len(samples), 512), n_fft=2048, hop=512)
    expected = np.abs(librosa.stft(samples, n_fft=2048, hop_length=512, pad_mode="reflect")).T ** 2
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-6 * expected.max())


@given(st.integers(1, 4_000), st.data())
def test_any_part_of_any_length_is_that_part_of_the_whole(length: int, data: st.DataObject) -> None:
    samples = sound(length)
    frames = frame_count(length, 64)
    whole = power_spectrogram(samples, 0, frames, n_fft=256, hop=64)
    assert np.isfinite(whole).all()
    first = data.draw(st.integers(0, frames - 1))
    end = data.draw(st.integers(first + 1, frames))
    assert np.array_equal(power_spectrogram(samples, first, end, n_fft=256, hop=64), whole[first:end])


@given(st.integers(0, 127))
@example(0)
def test_the_very_last_frame_alone_mirrors_the_end_of_the_recording(beyond: int) -> None:
    samples = sound(40 * 128 + beyond)
    last = frame_count(len(samples), 128) - 1
    alone = power_spectrogram(samples, last, last + 1, n_fft=512, hop=128)
    whole = power_spectrogram(samples, 0, last + 1, n_fft=512, hop=128)
    assert np.array_equal(alone[0], whole[last])
    exact = [slow_power(samples, last, bin_, 512, 128) for bin_ in (0, 5, 100)]
    assert alone[0, [0, 5, 100]] == pytest.approx(exact, rel=1e-3, abs=1e-5)


def test_blocks_follow_each_other_and_take_int16_at_full_scale_1() -> None:
    pcm = np.random.default_rng(1).integers(-32_768, 32_767, 20 * SAMPLE_RATE).astype(np.int16)
    frames = frame_count(len(pcm), 512)
    blocks = list(power_blocks(pcm, 0, frames, n_fft=2048, hop=512))
    assert len(blocks) > 2
    assert [start for start, _ in blocks] == np.cumsum([0, *(len(power) for _, power in blocks[:-1])]).tolist()
    whole = power_spectrogram((pcm / 32_768).astype(np.float32), 0, frames, n_fft=2048, hop=512)
    assert np.array_equal(np.concatenate([power for _, power in blocks]), whole)


def test_an_empty_recording_has_no_frame() -> None:
    assert frame_count(0, 512) == 0
    assert frame_count(1, 512) == 1
