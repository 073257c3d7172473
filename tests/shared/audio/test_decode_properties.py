"""Whatever is recorded, decoding gives finite float32 of the right length: any length, rate, channels and content."""

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from shared.audio.constants import SAMPLE_RATE
from shared.audio.decode import DecodeLimits, decode, decode_to_wav
from shared.audio.report import SILENCE
from shared.audio.wav import read_prepared
from shared.errors import EmptyAudio, SilentAudio, TooShort
from tests.support.sound_files import write_sound

ANY_LENGTH = DecodeLimits(min_seconds=1e-6)
FLOAT = ("wav-float", "wav-double")
WHOLE_NUMBERS = ("wav", "wav-u8", "wav-24", "wav-32", "wav-extensible", "rf64", "w64", "aiff", "caf", "au", "flac")
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
BROKEN = (np.nan, np.inf, -np.inf, 3e38, -2e6)
FINE = (0.0, -0.0, 1e-45, -1e-40, 1e-7, 0.5, -1.0, 1.0, 1e5)

frames = st.one_of(st.integers(0, 400), st.sampled_from([65_535, 65_536, 65_537]), st.integers(400, 140_000))
rates = st.one_of(st.integers(8_000, 384_000), st.sampled_from([8_000, SAMPLE_RATE, 44_100, 48_000, 384_000]))


def noise(count: int, channels: int, seed: int, offset: float = 0.0) -> npt.NDArray[np.float32]:
    made: npt.NDArray[np.float32] = np.random.default_rng(seed).uniform(-0.5, 0.5, (count, channels)).astype(np.float32)
    return made + np.float32(offset)


def expected_length(count: int, rate: int) -> float:
    return count * SAMPLE_RATE / rate


@given(
    kind=st.sampled_from([*FLOAT, *WHOLE_NUMBERS]),
    count=frames,
    rate=rates,
    channels=st.integers(1, 8),
    offset=st.sampled_from([0.0, 0.3, -0.5]),
    seed=st.integers(0, 2**32),
)
def test_any_length_rate_and_number_of_channels(
    kind: str, count: int, rate: int, channels: int, offset: float, seed: int
) -> None:
    # A FLAC header has no other rates.
    assume(kind != "flac" or rate < 65_536 or rate % 10 == 0)
    with tempfile.TemporaryDirectory() as folder:
        path = write_sound(Path(folder) / "any", noise(count, channels, seed, offset), rate, kind)
        if expected_length(count, rate) < 1:
            with pytest.raises(EmptyAudio) if count == 0 else suppress(TooShort):
                decode(path, ANY_LENGTH)
            return
        samples, report = decode(path, ANY_LENGTH)
    assert samples.dtype == np.float32
    assert samples.shape == (report.samples,)
    assert report.samples == pytest.approx(expected_length(count, rate), abs=1.5)
    assert np.isfinite(samples).all()
    # The resampler's filter may overshoot a little at an edge.
    assert np.abs(samples).max(initial=0) < 1.5
    assert (report.info.sample_rate, report.info.channels) == (rate, channels)
    assert not [warning for warning in report.warnings if "mirror" not in warning]


@given(
    kind=st.sampled_from(FLOAT),
    values=st.lists(st.sampled_from([*BROKEN, *FINE]), min_size=1, max_size=40),
    channels=st.integers(1, 4),
    rate=rates,
    filled=st.integers(40, 3_000),
)
@example(kind="wav-float", values=[np.inf, -np.inf], channels=2, rate=44_100, filled=40)
@example(kind="wav-double", values=[np.nan], channels=1, rate=8_000, filled=3_000)
def test_any_content_becomes_finite_and_what_is_stored_is_what_was_decoded(
    kind: str, values: list[float], channels: int, rate: int, filled: int
) -> None:
    content = noise(filled + len(values), channels, seed=len(values))
    content[filled:] = np.array(values, np.float32)[:, None] * np.array([1, -1, 1, 1])[:channels]
    with tempfile.TemporaryDirectory() as folder:
        path = write_sound(Path(folder) / "any", content, rate, kind)
        samples, report = decode(path, ANY_LENGTH)
        assert np.isfinite(samples).all()
        assert np.isfinite(report.amplitude)
        broken = int(np.count_nonzero(~(np.abs(content) <= 1e6)))
        assert (f"{broken} samples were not numbers" in " ".join(report.warnings)) == (broken > 0)
        prepared = Path(folder) / "prepared.wav"
        if report.amplitude < SILENCE:
            with pytest.raises(SilentAudio):
                decode_to_wav(path, prepared, ANY_LENGTH)
            assert not prepared.exists()
            return
        assert decode_to_wav(path, prepared, ANY_LENGTH) == report
        np.testing.assert_allclose(read_prepared(prepared), samples.clip(-1, 1), atol=1 / 32_768)


@given(
    kind_and_rate=st.one_of(
        st.tuples(st.just("mp3"), st.sampled_from(MP3_RATES)),
        st.tuples(st.just("ogg"), st.integers(8_000, 192_000)),
    ),
    count=st.integers(40, 100_000),
    channels=st.integers(1, 2),
    seed=st.integers(0, 2**32),
)
def test_lossy_files_of_any_length_and_rate_keep_their_length(
    kind_and_rate: tuple[str, int], count: int, channels: int, seed: int
) -> None:
    kind, rate = kind_and_rate
    with tempfile.TemporaryDirectory() as folder:
        path = write_sound(Path(folder) / "any", noise(count, channels, seed), rate, kind)
        samples, report = decode(path, ANY_LENGTH)
    assert np.isfinite(samples).all()
    assert report.samples == pytest.approx(expected_length(count, rate), abs=1.5)
    assert np.abs(samples).max(initial=0) < 3
