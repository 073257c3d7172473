"""The mel filter bank, in numpy."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_FROM_HZ = 1_000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = float(np.log(6.4)) / 27.0


def mel_bank(*, sample_rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> npt.NDArray[np.float32]:
    """Triangular filters of equal area on the Slaney mel scale: float32, (n_mels, n_fft // 2 + 1).

    Malcolm Slaney's Auditory Toolbox (1998), as librosa's default bank: linear below 1 kHz, logarithmic above.
    """
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    mels = np.linspace(hz_to_mel(fmin), hz_to_mel(fmax), n_mels + 2)
    corners = mel_to_hz(mels)
    low, centre, high = (corners[i : i + n_mels, None] for i in range(3))
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    bank: npt.NDArray[np.float32] = triangles.astype(np.float32)
    return bank


def hz_to_mel(hertz: float) -> float:
    """Place on the Slaney mel scale, where 1 kHz is 15."""
    if hertz < _LOG_FROM_HZ:
        return hertz / _LINEAR_HZ_PER_MEL
    return _LOG_FROM_MEL + float(np.log(hertz / _LOG_FROM_HZ)) / _LOG_STEP


def mel_to_hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse of `hz_to_mel`, of any shape."""
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mels - _LOG_FROM_MEL))
    return np.where(mels < _LOG_FROM_MEL, mels * _LINEAR_HZ_PER_MEL, logarithmic)


class BandGroup(NamedTuple):
    """Neighbouring filters, `first_mel:end_mel`, and the FFT bins that they cover, `first_bin:end_bin`."""

    first_mel: int
    end_mel: int
    first_bin: int
    end_bin: int


def band_groups(bank: npt.NDArray[np.float32], filters_at_once: int = 16) -> list[BandGroup]:
    """The filters of a bank, (n_mels, bins), in groups that leave out nearly all of its zeros and still are work for
    BLAS: multiplying group by group takes a tenth of the time of the dense product."""
    groups = []
    for first in range(0, len(bank), filters_at_once):
        covered = np.flatnonzero(bank[first : first + filters_at_once].any(axis=0))
        bins = (int(covered[0]), int(covered[-1]) + 1) if len(covered) else (0, 0)
        groups.append(BandGroup(first, min(len(bank), first + filters_at_once), *bins))
    return groups


class MelBands:
    """Power spectrogram -> mel bands, float32 (frames, bins) -> (frames, n_mels), for a bank of (n_mels, bins)."""

    def __init__(self, bank: npt.NDArray[np.float32]) -> None:
        self.n_mels = len(bank)
        self._groups = [
            (group, np.ascontiguousarray(bank[group.first_mel : group.end_mel, group.first_bin : group.end_bin].T))
            for group in band_groups(bank)
        ]

    def __call__(self, power: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        mel = np.empty((len(power), self.n_mels), np.float32)
        for group, weights in self._groups:
            covered = power[:, group.first_bin : group.end_bin]
            np.matmul(covered, weights, out=mel[:, group.first_mel : group.end_mel])
        return mel
