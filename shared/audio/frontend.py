"""The front end: from windows of sound to the pictures a network sees. A torch module, inside the model file."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from shared.audio.frontend_config import FIELD, ORIGINAL, FrontEndConfig, preset
from shared.audio.mel import band_groups

__all__ = ["FIELD", "ORIGINAL", "FrontEnd", "FrontEndConfig", "preset"]


class FrontEnd(nn.Module):
    """(batch, samples) float32 mono at `config.sample_rate` -> (batch, 1, n_mels, frames) float32.

    Low frequencies come first. `samples` is `config.window_samples` in training and serving; other lengths above
    `n_fft // 2` give `1 + samples // hop` frames. Each window is treated by itself, so batching changes nothing, and
    silence gives finite numbers. With `normalisation="sliding"` the picture of a long recording is that of its windows,
    but for their edges. Scriptable with `torch.jit.script`. The work is done in float32 under autocast too.
    """

    window: Tensor
    bank: Tensor
    groups: list[tuple[int, int, int, int]]

    def __init__(self, config: FrontEndConfig) -> None:
        super().__init__()
        self.n_fft = config.n_fft
        self.hop = config.hop
        self.compression: str = config.compression
        self.normalisation: str = config.normalisation
        self.reach = round(0.5 * config.sliding_seconds * config.frame_rate)
        # Far below the power of any real sound, and still a normal float32.
        self.tiny = 1e-30
        self.floor = 10.0 ** (-config.floor_db / 10.0)
        self.pcen_weight = _smoother_weight(config.pcen_seconds * config.frame_rate)
        self.pcen_gain = config.pcen_gain
        self.pcen_bias = config.pcen_bias
        self.pcen_power = config.pcen_power
        # Cloned because torch makes a periodic window as a view of a longer one, which an export would keep whole.
        self.register_buffer("window", torch.hann_window(config.n_fft, periodic=True).clone())
        bank = config.mel_bank()
        self.groups = [(g.first_mel, g.end_mel, g.first_bin, g.end_bin) for g in band_groups(bank)]
        self.register_buffer("bank", torch.from_numpy(bank))

    def forward(self, windows: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return self._normalise(self._compress(self._mel_power(windows.float()))).unsqueeze(1)

    def _mel_power(self, windows: Tensor) -> Tensor:
        spectrum = torch.stft(windows, self.n_fft, self.hop, window=self.window, center=True, return_complex=True)
        power = spectrum.real.square() + spectrum.imag.square()
        bands: list[Tensor] = []
        for first_mel, end_mel, first_bin, end_bin in self.groups:
            bands.append(torch.matmul(self.bank[first_mel:end_mel, first_bin:end_bin], power[:, first_bin:end_bin]))
        return torch.cat(bands, dim=1)

    def _compress(self, mel: Tensor) -> Tensor:
        if self.normalisation == "sliding":
            mean = _around(mel.mean(dim=1, keepdim=True), self.reach)
        else:
            mean = mel.mean(dim=(1, 2), keepdim=True)
        if self.compression == "log":
            loudest = mean if self.normalisation == "sliding" else mel.amax(dim=(1, 2), keepdim=True)
            return 10.0 * torch.log10(mel + self.floor * loudest + self.tiny)
        if self.compression == "pcen":
            level = mel / (mean + self.tiny)
            gained = level / (_smooth(level, self.pcen_weight) + 1e-6) ** self.pcen_gain + self.pcen_bias
            # A root is several times faster than a power, and the usual one is a square root.
            rooted = gained.sqrt() if self.pcen_power == 0.5 else gained**self.pcen_power
            picture: Tensor = rooted - self.pcen_bias**self.pcen_power
            return picture
        return mel

    def _normalise(self, picture: Tensor) -> Tensor:
        if self.normalisation == "minmax":
            picture = picture - picture.amin(dim=(1, 2), keepdim=True)
            return picture / (picture.amax(dim=(1, 2), keepdim=True) + self.tiny)
        if self.normalisation == "standardise":
            picture = picture - picture.mean(dim=(1, 2), keepdim=True)
            return picture / (picture.square().mean(dim=(1, 2), keepdim=True).sqrt() + 1e-5)
        if self.normalisation == "sliding":
            mean = _around(picture.mean(dim=1, keepdim=True), self.reach)
            variance = _around(picture.square().mean(dim=1, keepdim=True), self.reach) - mean.square()
            return (picture - mean) / (variance.clamp(min=0.0).sqrt() + 1e-5)
        return picture


def _around(row: Tensor, reach: int) -> Tensor:
    """Mean over each frame and `reach` frames before and after it, as far as there are, (batch, 1, frames)."""
    return F.avg_pool1d(row, 2 * reach + 1, 1, reach, count_include_pad=False)


def _smooth(level: Tensor, weight: float) -> Tensor:
    """Running mean along time that starts at the first frame, `m[t] = (1 - w) m[t-1] + w x[t]`.

    As one product for all frames of a window, which is faster than a loop, and as one after the other for those of a
    recording, so that time and memory grow with its length and not with its square.
    """
    ages = torch.arange(min(256, level.size(2)), device=level.device, dtype=level.dtype)
    age = ages.unsqueeze(0) - ages.unsqueeze(1)
    kernel = torch.where(age < 0, 0.0, weight * (1.0 - weight) ** age.clamp(min=0.0))
    fading = (1.0 - weight) ** (ages + 1.0)
    last = level[:, :, :1]
    smoothed: list[Tensor] = []
    for first in range(0, level.size(2), 256):
        part = level[:, :, first : first + 256]
        frames = part.size(2)
        part = torch.matmul(part, kernel[:frames, :frames]) + last * fading[:frames]
        last = part[:, :, -1:]
        smoothed.append(part)
    return torch.cat(smoothed, dim=2)


def _smoother_weight(frames: float) -> float:
    """Weight of the newest frame in a first-order smoother with that time constant (librosa.pcen's formula)."""
    return (math.sqrt(1.0 + 4.0 * frames * frames) - 1.0) / (2.0 * frames * frames)
