import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.frontend_config import FIELD, ORIGINAL, FrontEndConfig
from shared.audio.mel import MelBands, band_groups, mel_bank

PRESETS = pytest.mark.parametrize("config", [ORIGINAL, FIELD], ids=lambda config: config.name)


@PRESETS
def test_band_by_band_is_the_dense_product(config: FrontEndConfig) -> None:
    power = np.random.default_rng(0).exponential(size=(50, config.n_fft // 2 + 1)).astype(np.float32)
    bank = config.mel_bank()
    assert np.allclose(MelBands(bank)(power), power @ bank.T, rtol=1e-5)


@given(n_fft=st.sampled_from([64, 256, 1024]), n_mels=st.integers(1, 300), low=st.floats(0, 10_000))
def test_groups_take_each_filter_once_and_leave_out_zeros_only(n_fft: int, n_mels: int, low: float) -> None:
    # Many of these banks have filters too narrow to hold a bin, which are rows of zeros.
    bank = mel_bank(sample_rate=22_050, n_fft=n_fft, n_mels=n_mels, fmin=low, fmax=11_025)
    seen = np.zeros_like(bank)
    for group in band_groups(bank):
        seen[group.first_mel : group.end_mel, group.first_bin : group.end_bin] += 1
    assert seen.max() <= 1
    assert not bank[seen == 0].any()
    power = np.ones((3, n_fft // 2 + 1), np.float32)
    assert np.allclose(MelBands(bank)(power), power @ bank.T)


@PRESETS
def test_the_groups_hold_a_fraction_of_the_bank(config: FrontEndConfig) -> None:
    bank = config.mel_bank()
    held = sum((g.end_mel - g.first_mel) * (g.end_bin - g.first_bin) for g in band_groups(bank))
    assert held < 0.25 * bank.size
