"""Augmentation changes what may change, and nothing else."""

import pytest
import torch

from services.trainer.augment import augment_pictures, augment_sound, coloured_noise, equalise, mix
from services.trainer.config import TrainingConfig
from tests.services.trainer.conftest import QUIET

RATE = 22_050
SAMPLES = 11_025


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tones(*frequencies: float) -> torch.Tensor:
    at = torch.arange(SAMPLES) / RATE
    return torch.stack([torch.sin(2 * torch.pi * frequency * at) for frequency in frequencies])


NOTHING = torch.zeros(0, SAMPLES)
NO_PICTURES = torch.zeros(0, 1, 16, 20)
FIELD = TrainingConfig(recipe="field").augment


def test_with_everything_off_nothing_changes() -> None:
    windows, targets = 0.01 * tones(500, 900), torch.eye(2)
    heard, labels = augment_sound(windows, targets, NOTHING, NOTHING, QUIET, RATE, generator())
    torch.testing.assert_close(heard, windows, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(labels, targets)
    pictures = torch.randn(2, 1, 16, 20)
    torch.testing.assert_close(augment_pictures(pictures, NO_PICTURES, QUIET, generator()), pictures)


def test_the_same_generator_state_gives_the_same_sound_and_the_input_is_left_alone() -> None:
    config, windows = FIELD, tones(500, 900, 1300, 1700)
    before = windows.clone()
    first, _ = augment_sound(windows, torch.eye(4), NOTHING, NOTHING, config, RATE, generator(5))
    second, _ = augment_sound(windows, torch.eye(4), NOTHING, NOTHING, config, RATE, generator(5))
    other, _ = augment_sound(windows, torch.eye(4), NOTHING, NOTHING, config, RATE, generator(6))
    assert torch.equal(first, second)
    assert not torch.allclose(first, other)
    assert torch.equal(windows, before)


def test_silence_stays_finite() -> None:
    heard, _ = augment_sound(torch.zeros(8, SAMPLES), torch.eye(8), NOTHING, NOTHING, FIELD, RATE, generator())
    assert torch.isfinite(heard).all()


def test_mixing_joins_the_labels_of_both_birds_by_their_level() -> None:
    config = QUIET.model_copy(update={"mixup": 1.0, "mixup_quietest_db": -20.0})
    windows, targets = tones(500, 900, 1300, 1700) * 2**0.5, torch.eye(4)
    mixed, labels = mix(windows, targets, config, generator())
    spectrum = torch.fft.rfft(mixed).abs()
    present = torch.stack([spectrum[:, round(f * SAMPLES / RATE)] for f in (500, 900, 1300, 1700)], dim=1)
    assert (labels.diagonal() == 1).all()
    assert ((labels > 0) == (present > 0.05 * present.amax(1, keepdim=True))).all()
    quieter = labels[(labels > 0) & (labels < 1)]
    assert len(quieter)
    assert quieter.min() >= 0.1 - 1e-6


def test_a_species_that_nobody_is_sure_of_stays_so_unless_the_other_window_has_it() -> None:
    config = QUIET.model_copy(update={"mixup": 1.0, "mixup_quietest_db": 0.0})
    targets = torch.tensor([[1.0, torch.nan, torch.nan], [0.0, 1.0, 0.0]])
    for seed in range(6):
        _, labels = mix(tones(500, 900), targets, config, generator(seed))
        if torch.equal(labels.nan_to_num(9), targets.nan_to_num(9)):
            continue  # each was its own partner
        assert (labels[:, :2] == 1).all()
        assert labels[:, 2].isnan().all()
        break
    else:
        pytest.fail("nothing was mixed")
    alone = QUIET.model_copy(update={"mixup": 0.0})
    assert torch.equal(mix(tones(500, 900), targets, alone, generator())[1].isnan(), targets.isnan())


def test_two_of_a_species_become_their_weighted_mean_and_the_label_stays() -> None:
    config = QUIET.model_copy(update={"same_class": 0.5})
    windows, same = tones(*[500.0] * 64), tones(*[900.0] * 64)
    heard, labels = augment_sound(windows, torch.ones(64, 1), NOTHING, same, config, RATE, generator())
    spectrum = torch.fft.rfft(heard).abs()
    share = spectrum[:, 450] / (spectrum[:, 250] + spectrum[:, 450])
    mixed = share > 0.01
    assert 16 <= int(mixed.sum()) <= 48
    assert share[mixed].std() > 0.2
    assert (labels == 1).all()
    torch.testing.assert_close(heard.square().mean(1), windows.square().mean(1), rtol=1e-3, atol=1e-3)


def test_a_gain_changes_the_level_by_no_more_than_it_may() -> None:
    config = QUIET.model_copy(update={"gain_db": 6.0})
    windows = tones(*[500.0] * 64)
    heard, _ = augment_sound(windows, torch.ones(64, 1), NOTHING, NOTHING, config, RATE, generator())
    gain = 10 * torch.log10(heard.square().mean(1) / windows.square().mean(1))
    assert gain.abs().max() <= 6.01
    assert gain.std() > 2


def test_the_original_s_noise_is_added_to_the_picture_at_a_share_of_its_maximum() -> None:
    config = QUIET.model_copy(update={"picture_noise": 0.4})
    pictures, noise = torch.zeros(2, 1, 8, 10), torch.zeros(2, 1, 8, 10)
    pictures[:, :, 1, 1], noise[:, :, 5, 5], noise[1, :, 1, 1] = 1.0, 1.0, 1.0
    first, second = augment_pictures(pictures, noise, config, generator())
    assert (first[0, 1, 1], second[0, 1, 1]) == (1.0, 1.0)
    torch.testing.assert_close(first[0, 5, 5], torch.tensor(0.4))
    torch.testing.assert_close(second[0, 5, 5], torch.tensor(0.4 / 1.4))
    assert torch.equal(augment_pictures(pictures, NO_PICTURES, config, generator()), pictures)


def test_noise_comes_from_the_noise_slices_at_the_given_ratio() -> None:
    config = QUIET.model_copy(update={"noise": 1.0, "noise_snr_db": (10.0, 10.0)})
    noise = tones(*[5_000.0] * 64)
    heard, _ = augment_sound(tones(*[500.0] * 64), torch.ones(64, 1), noise, NOTHING, config, RATE, generator())
    spectrum = torch.fft.rfft(heard).abs()
    ratio = 20 * torch.log10(spectrum[:, 250] / spectrum[:, 2_500])
    recorded = (ratio - 10.0).abs() < 0.1
    assert 16 <= int(recorded.sum()) <= 48


def test_a_window_of_nothing_but_noise_has_no_label() -> None:
    config = QUIET.model_copy(update={"nothing": 0.5})
    targets = torch.ones(64, 1)
    heard, labels = augment_sound(tones(*[500.0] * 64), targets, NOTHING, NOTHING, config, RATE, generator())
    tonal = torch.fft.rfft(heard).abs()[:, 250] > 0.9 * SAMPLES / 2
    assert torch.equal(labels[:, 0] == 1, tonal)
    assert 16 <= int(tonal.sum()) <= 48
    assert (targets == 1).all()


def test_the_equaliser_changes_colour_but_not_pitch_or_timing() -> None:
    windows = tones(1_000.0).repeat(32, 1) + 0.5 * tones(4_000.0)
    heard = equalise(windows, RATE, generator())
    spectrum = torch.fft.rfft(heard).abs()
    low, high = spectrum[:, 500], spectrum[:, 2_000]
    assert (high / low).std() > 0.05
    rest = spectrum.clone()
    rest[:, [500, 2_000]] = 0
    assert (rest.square().sum(1) < 1e-3 * spectrum.square().sum(1)).all()


@pytest.mark.parametrize("seed", range(3))
def test_coloured_noise_is_loudest_at_the_low_end_or_nearly_flat(seed: int) -> None:
    noise = coloured_noise(16, SAMPLES, generator(seed))
    torch.testing.assert_close(noise.square().mean(1), torch.ones(16), rtol=1e-3, atol=1e-3)
    power = torch.fft.rfft(noise).abs().square()
    low, high = power[:, 100:500].mean(1), power[:, -500:].mean(1)
    assert (low / high > 0.1).all()
    assert (low / high).max() > 3


def test_masks_hide_no_more_than_their_share() -> None:
    config = QUIET.model_copy(update={"mask_frequency": 0.2, "mask_time": 0.1})
    pictures = torch.randn(64, 1, 40, 100)
    masked = (augment_pictures(pictures, NO_PICTURES, config, generator()) != pictures).squeeze(1)
    rows, columns = masked.all(dim=2).sum(dim=1), masked.all(dim=1).sum(dim=1)
    assert 0 < rows.max() <= 2 * (0.2 * 40 + 1)
    assert 0 < columns.max() <= 2 * (0.1 * 100 + 1)


def test_a_pitch_shift_moves_all_bands_alike_by_a_few_at_most() -> None:
    config = QUIET.model_copy(update={"pitch_shift_bands": 3.0})
    pictures = torch.zeros(64, 1, 40, 50)
    pictures[:, :, 20] = 1.0
    moved = augment_pictures(pictures, NO_PICTURES, config, generator())
    centre = (moved[:, 0, :, 25] * torch.arange(40)).sum(1) / moved[:, 0, :, 25].sum(1)
    assert (centre - 20).abs().max() <= 3.01
    assert (centre - 20).std() > 1
