import io
import warnings
from collections.abc import Callable

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torchaudio.transforms import MelSpectrogram

from shared.audio.frontend import FIELD, ORIGINAL, FrontEnd, FrontEndConfig, preset

LOG = FrontEndConfig.model_validate(FIELD.model_dump() | {"name": "log", "compression": "log"})
STILL = FrontEndConfig.model_validate(FIELD.model_dump() | {"name": "still", "normalisation": "standardise"})
BARE = FrontEndConfig.model_validate(ORIGINAL.model_dump() | {"name": "bare", "normalisation": "none"})
ALL = pytest.mark.parametrize("config", [ORIGINAL, FIELD, LOG, STILL], ids=lambda config: config.name)


def sounds(batch: int = 3, seed: int = 0) -> Tensor:
    """(batch, 110,250): a rising whistle over noise, each of its own level."""
    generator = torch.Generator().manual_seed(seed)
    at = torch.arange(110_250) / 22_050
    whistle = torch.sin(2 * torch.pi * (2_000 * at + 200 * at**2))
    levels = 0.05 * torch.arange(1, batch + 1).unsqueeze(1)
    return levels * whistle + 0.01 * torch.randn(batch, 110_250, generator=generator)


def scripted(front_end: FrontEnd) -> Callable[[Tensor], Tensor]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.* is deprecated", category=DeprecationWarning)
        buffer = io.BytesIO()
        torch.jit.save(torch.jit.script(front_end), buffer)
        buffer.seek(0)
        load: Callable[[io.BytesIO], Callable[[Tensor], Tensor]] = torch.jit.load
        return load(buffer)


def test_the_originals_picture_is_256_mels_by_216_frames() -> None:
    assert (ORIGINAL.n_mels, ORIGINAL.frames, ORIGINAL.window_samples) == (256, 216, 110_250)
    assert FrontEnd(ORIGINAL)(sounds(2)).shape == (2, 1, 256, 216)


@ALL
def test_the_picture_has_the_size_that_the_configuration_computes(config: FrontEndConfig) -> None:
    picture = FrontEnd(config)(sounds(2))
    assert picture.shape == (2, 1, config.n_mels, config.frames)
    assert picture.dtype == torch.float32


@pytest.mark.parametrize("config", [ORIGINAL, FIELD], ids=lambda config: config.name)
def test_the_mel_bank_is_librosas(config: FrontEndConfig) -> None:
    theirs = librosa.filters.mel(
        sr=config.sample_rate, n_fft=config.n_fft, n_mels=config.n_mels, fmin=config.fmin, fmax=config.fmax
    )
    np.testing.assert_allclose(config.mel_bank(), theirs, atol=1e-6 * theirs.max())


def test_the_originals_mel_spectrogram_is_librosas_and_torchaudios() -> None:
    ours = FrontEnd(BARE)(sounds())[:, 0]
    numbers = {"n_fft": 2048, "hop_length": 512, "n_mels": 256}
    # librosa's own STFT would compile for a minute, so it is given the power spectrum.
    padded = np.pad(sounds().numpy(), ((0, 0), (1_024, 1_024)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2_048, axis=1)[:, ::512]
    power = np.abs(np.fft.rfft(frames * np.hanning(2_049)[:-1])).astype(np.float32).swapaxes(1, 2) ** 2
    by_librosa = librosa.feature.melspectrogram(S=power, sr=22_050, n_mels=256, fmax=11_025)
    by_torchaudio = MelSpectrogram(22_050, f_min=0, f_max=11_025, norm="slaney", mel_scale="slaney", **numbers)(
        sounds()
    )
    for theirs in (torch.from_numpy(by_librosa), by_torchaudio):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6 * float(theirs.max()))


def test_decibels_are_those_of_librosa_down_to_the_floor() -> None:
    decibels_only = {"compression": "log", "normalisation": "none", "floor_db": 120}
    plain = FrontEndConfig.model_validate(FIELD.model_dump() | decibels_only)
    bare = FrontEndConfig.model_validate(plain.model_dump() | {"compression": "power"})
    decibels = librosa.power_to_db(FrontEnd(bare)(sounds())[:, 0].numpy(), amin=1e-20, top_db=None)
    np.testing.assert_allclose(FrontEnd(plain)(sounds())[:, 0].numpy(), decibels, atol=0.01)


def test_pcen_is_librosas() -> None:
    config = FrontEndConfig.model_validate(FIELD.model_dump() | {"normalisation": "none"})
    bare = FrontEndConfig.model_validate(config.model_dump() | {"compression": "power"})
    mel = FrontEnd(bare)(sounds())[:, 0].numpy()
    levels = mel / mel.mean(axis=(1, 2), keepdims=True)
    weight = 2 / (1 + np.sqrt(1 + 4 * (0.3 * 22_050 / 512) ** 2))
    theirs = librosa.pcen(
        levels, sr=22_050, hop_length=512, b=weight, gain=0.8, bias=2, power=0.5, eps=1e-6,
        zi=((1 - weight) * levels[..., :1]),
    )  # fmt: skip
    np.testing.assert_allclose(FrontEnd(config)(sounds())[:, 0].numpy(), theirs, rtol=2e-3, atol=2e-3)


@ALL
def test_a_scripted_saved_and_loaded_front_end_gives_the_same_numbers(config: FrontEndConfig) -> None:
    front_end = FrontEnd(config)
    assert torch.equal(scripted(front_end)(sounds()), front_end(sounds()))


@ALL
def test_an_exported_front_end_gives_the_same_numbers_for_any_batch(config: FrontEndConfig) -> None:
    front_end = FrontEnd(config)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(front_end, (sounds(2),), dynamic_shapes={"windows": {0: batch}})
    assert torch.equal(program.module()(sounds(5)), front_end(sounds(5)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@ALL
def test_a_gpu_gives_the_numbers_of_the_processor(config: FrontEndConfig) -> None:
    front_end = FrontEnd(config)
    expected = front_end(sounds())
    found = front_end.cuda()(sounds().cuda()).cpu()
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=2e-3, atol=2e-3)


@ALL
def test_a_window_has_the_same_picture_alone_and_in_a_batch(config: FrontEndConfig) -> None:
    front_end = FrontEnd(config)
    together = front_end(sounds(4))
    for index in range(4):
        torch.testing.assert_close(front_end(sounds(4)[index : index + 1])[0], together[index], rtol=1e-5, atol=1e-5)


@ALL
def test_loudness_changes_nothing(config: FrontEndConfig) -> None:
    front_end = FrontEnd(config)
    for gain in (0.001, 0.5, 30):
        torch.testing.assert_close(front_end(gain * sounds()), front_end(sounds()), rtol=1e-3, atol=2e-3)


@ALL
def test_silence_is_a_picture_of_zeros(config: FrontEndConfig) -> None:
    assert FrontEnd(config)(torch.zeros(2, 110_250)).abs().max() == 0


@ALL
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1), exponent=st.integers(-8, 4), shape=st.sampled_from(["noise", "click", "dc", "half"])
)
def test_any_sound_gives_finite_numbers(config: FrontEndConfig, seed: int, exponent: int, shape: str) -> None:
    samples = torch.randn(1, 110_250, generator=torch.Generator().manual_seed(seed))
    if shape == "click":
        samples = torch.zeros_like(samples).index_fill_(1, torch.tensor([seed % 110_250]), 1.0)
    elif shape == "dc":
        samples = torch.ones_like(samples)
    elif shape == "half":
        samples[:, 50_000:] = 0
    assert FrontEnd(config)(samples * 10.0**exponent).isfinite().all()


def test_the_originals_windows_go_from_0_to_1() -> None:
    original = FrontEnd(ORIGINAL)(sounds())
    assert original.amin(dim=(1, 2, 3)).tolist() == [0, 0, 0]
    torch.testing.assert_close(original.amax(dim=(1, 2, 3)), torch.ones(3))


@pytest.mark.parametrize("config", [STILL, FIELD.model_copy(update={"sliding_seconds": 60.0})], ids=["still", "wide"])
def test_standardised_windows_have_mean_0_and_variance_1(config: FrontEndConfig) -> None:
    picture = FrontEnd(config)(sounds())
    torch.testing.assert_close(picture.mean(dim=(1, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(picture.var(dim=(1, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


@pytest.mark.parametrize("config", [FIELD, FIELD.model_copy(update={"compression": "log"})], ids=["pcen", "log"])
def test_a_sliding_picture_of_a_recording_is_that_of_its_parts_joined(config: FrontEndConfig) -> None:
    """But for what lies closer to a part's edge than the front end reaches."""
    front_end = FrontEnd(config)
    sound = sounds(5).reshape(1, -1)
    reach = config.hop * round(5 * config.frame_rate)
    middle = front_end(sound[:, reach : 4 * reach])[..., reach // config.hop : 2 * reach // config.hop]
    whole = front_end(sound)[..., 2 * reach // config.hop : 3 * reach // config.hop]
    torch.testing.assert_close(middle, whole, rtol=0, atol=0.03)
    quieter = front_end(0.01 * sound)[..., 2 * reach // config.hop : 3 * reach // config.hop]
    torch.testing.assert_close(quieter, whole, rtol=0, atol=0.03)


def test_autocast_does_not_touch_the_picture_in_training() -> None:
    front_end = FrontEnd(FIELD)
    with torch.autocast("cpu", torch.bfloat16):
        picture = front_end(sounds())
    assert torch.equal(picture, front_end(sounds()))


def test_a_tone_shows_in_the_row_of_its_pitch() -> None:
    at = torch.arange(110_250) / 22_050
    tones = torch.stack([torch.sin(2 * torch.pi * hertz * at) for hertz in (500.0, 4_000.0, 10_000.0)])
    loudest = FrontEnd(FIELD)(tones)[:, 0].mean(dim=2).argmax(dim=1)
    centres = librosa.mel_frequencies(n_mels=FIELD.n_mels + 2, fmin=FIELD.fmin, fmax=FIELD.fmax)[1:-1]
    np.testing.assert_allclose(centres[loudest.numpy()], [500, 4_000, 10_000], rtol=0.04)


@pytest.mark.parametrize("config", [ORIGINAL, FIELD], ids=lambda config: config.name)
def test_no_mel_band_is_dead(config: FrontEndConfig) -> None:
    assert (config.mel_bank().max(axis=1) > 0).all()
    white = torch.randn(1, config.window_samples, generator=torch.Generator().manual_seed(1))
    bare = FrontEndConfig.model_validate(config.model_dump() | {"compression": "power", "normalisation": "none"})
    assert (FrontEnd(bare)(white)[0, 0].mean(dim=1) > 0).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fmax": 12_000}, "Nyquist"),
        ({"fmin": 11_025}, "rising"),
        ({"n_mels": 512, "n_fft": 512}, "no FFT bin"),
        ({"n_fft": 1_023}, "even"),
        ({"hop": 4_096}, "n_fft"),
        ({"window_seconds": 0.00001}, "whole number"),
        ({"compression": "root"}, "compression"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_numbers_that_do_not_fit_each_other_are_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        FrontEndConfig.model_validate(ORIGINAL.model_dump() | change)


def test_a_configuration_survives_json_and_presets_go_by_name() -> None:
    for config in (ORIGINAL, FIELD):
        assert FrontEndConfig.model_validate_json(config.model_dump_json()) == config
        assert preset(config.name) is config
    with pytest.raises(KeyError):
        preset("none")
