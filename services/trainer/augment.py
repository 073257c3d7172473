"""Augmentation, in batches on the training device: what may change in a recording without changing the bird.

Sound is changed before the front end (microphone, second bird, noise), pictures after it (tempo, pitch, masks).
All randomness comes from the generator that is passed in.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from services.trainer.config import AugmentConfig

_BANDS = 6
"""Control points of the random equaliser, an octave and a half apart."""


def augment_sound(
    windows: Tensor,
    targets: Tensor,
    noise: Tensor,
    same: Tensor,
    config: AugmentConfig,
    sample_rate: int,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Change a batch of windows, (batch, samples), and join the labels of what is mixed, (batch, classes).

    `noise` (background) and `same` (of each window's species) are (batch, samples) or (0, samples). What is mixed is
    brought to one level first; what comes out is as loud as what went in, but for `gain_db`. Silence stays silence.
    """
    level = _rms(windows - windows.mean(dim=1, keepdim=True))
    windows = _unit_rms(windows)
    if config.same_class and len(same):
        windows = mix_same(windows, _unit_rms(same), config, generator)
    chosen = _chance(len(windows), config.equalise, generator)
    windows[chosen] = _unit_rms(equalise(windows[chosen], sample_rate, generator))
    windows, targets = mix(windows, targets, config, generator)
    chosen = _chance(len(windows), config.noise, generator)
    loudness = 10 ** (-_uniform((int(chosen.sum()), 1), *config.noise_snr_db, generator) / 20)
    windows[chosen] = windows[chosen] + loudness * background(noise, chosen, windows.shape[1], generator)
    chosen = _chance(len(windows), config.nothing, generator)
    windows[chosen] = background(noise, chosen, windows.shape[1], generator)
    targets[chosen] = 0.0
    if config.gain_db:
        level = level * 10 ** (_uniform((len(windows), 1), -config.gain_db, config.gain_db, generator) / 20)
    return _unit_rms(windows) * level, targets


def mix_same(windows: Tensor, same: Tensor, config: AugmentConfig, generator: Generator) -> Tensor:
    """Some windows as a weighted mean with another one of their species (Sprengel et al. 2016), (batch, samples)."""
    share = _uniform((len(windows), 1), 0.0, 1.0, generator)
    share = share * _chance(len(windows), config.same_class, generator).unsqueeze(1)
    return _unit_rms((1.0 - share) * windows + share * same)


def mix(windows: Tensor, targets: Tensor, config: AugmentConfig, generator: Generator) -> tuple[Tensor, Tensor]:
    """Lay another window of the batch over some, at a random level; labels are joined, the quieter one counting less.

    Sounds add up outdoors, so they do here, and both birds are there to be named: no weighted mean of the two.
    """
    partner = torch.randperm(len(windows), generator=generator, device=windows.device)
    level = 10 ** (_uniform((len(windows), 1), config.mixup_quietest_db, 3.0, generator) / 20)
    level = level * _chance(len(windows), config.mixup, generator).unsqueeze(1)
    theirs = torch.where(level > 0, targets[partner] * level.clamp(max=1.0), 0.0)
    heard = torch.fmax(targets, theirs)
    # Of a species that nobody is sure of (NaN) one is sure where the other window has it, and else still not.
    joined = torch.where(heard > 0, heard, targets + theirs)
    return _unit_rms(windows + level * windows[partner]), joined


def background(noise: Tensor, chosen: Tensor, samples: int, generator: Generator) -> Tensor:
    """Background of rms 1 for the `chosen` rows of a batch, (count, samples): half of it recorded, if there is any."""
    count = int(chosen.sum())
    sound = coloured_noise(count, samples, generator)
    if len(noise):
        recorded = _chance(count, 0.5, generator)
        sound[recorded] = _unit_rms(noise[chosen][recorded])
    return sound


def equalise(windows: Tensor, sample_rate: int, generator: Generator) -> Tensor:
    """Another microphone, distance or codec: a tilt, gentle bumps, and sometimes a high-pass or a low-pass."""
    count, samples = windows.shape
    if not count:  # FFT libraries refuse empty batches.
        return windows
    frequency = torch.fft.rfftfreq(samples, 1.0 / sample_rate, device=windows.device).clamp(min=20.0)
    place = (torch.log2(frequency.clamp(min=60.0) / 60.0) / math.log2(sample_rate / 120.0)).clamp(max=1.0)
    decibels = _uniform((count, 1), -9.0, 9.0, generator) * (place - 0.7)
    bumps = 2.5 * torch.randn((count, _BANDS), generator=generator, device=windows.device)
    left = (place * (_BANDS - 1)).floor().clamp(max=_BANDS - 2).long()
    share = place * (_BANDS - 1) - left
    decibels = decibels + bumps[:, left] * (1 - share) + bumps[:, left + 1] * share
    high_pass = torch.exp(_uniform((count, 1), math.log(80.0), math.log(700.0), generator))
    cut = 12.0 * torch.log2(high_pass / frequency).clamp(min=0.0)
    decibels = decibels - cut * _chance(count, 0.4, generator).unsqueeze(1)
    low_pass = torch.exp(_uniform((count, 1), math.log(6_500.0), math.log(11_000.0), generator))
    cut = 60.0 * torch.log2(frequency / low_pass).clamp(min=0.0)
    decibels = decibels - cut * _chance(count, 0.3, generator).unsqueeze(1)
    gain = 10 ** (decibels.clamp(-60.0, 30.0) / 20)
    heard: Tensor = torch.fft.irfft(torch.fft.rfft(windows) * gain, samples)
    return heard


def coloured_noise(count: int, samples: int, generator: Generator) -> Tensor:
    """Noise with a random slope from brown (wind, traffic) to slightly blue (hiss), rms 1, (count, samples)."""
    if not count:
        return torch.zeros((0, samples), device=generator.device)
    device = generator.device
    bins = samples // 2 + 1
    spectrum = torch.complex(
        torch.randn((count, bins), generator=generator, device=device),
        torch.randn((count, bins), generator=generator, device=device),
    )
    slope = _uniform((count, 1), -1.2, 0.3, generator)
    return _unit_rms(torch.fft.irfft(spectrum * torch.linspace(1e-3, 1.0, bins, device=device) ** slope, samples))


def augment_pictures(pictures: Tensor, noise: Tensor, config: AugmentConfig, generator: Generator) -> Tensor:
    """Stretch in time, shift in pitch, then mask bands and frames (Park et al. 2019), (batch, 1, n_mels, frames).

    With `picture_noise` a noise picture is added first, as the original work did; `noise` is (0 or batch, 1, n_mels,
    frames), both of linear power scaled to 0..1, and so is the sum again.
    """
    count, _, bands, frames = pictures.shape
    if config.picture_noise and len(noise):
        pictures = pictures + config.picture_noise * noise
        pictures = pictures - pictures.amin(dim=(2, 3), keepdim=True)
        pictures = pictures / pictures.amax(dim=(2, 3), keepdim=True).clamp(min=1e-30)
    if config.time_stretch or config.pitch_shift_bands:
        grid = torch.zeros((count, 2, 3), device=pictures.device)
        grid[:, 0, 0] = 1.0 + _uniform((count,), -config.time_stretch, config.time_stretch, generator)
        grid[:, 1, 1] = 1.0
        grid[:, 1, 2] = _uniform((count,), -config.pitch_shift_bands, config.pitch_shift_bands, generator) * 2.0 / bands
        places = F.affine_grid(grid, list(pictures.shape), align_corners=False)
        pictures = F.grid_sample(pictures, places, padding_mode="reflection", align_corners=False)
    mean = pictures.mean(dim=(2, 3), keepdim=True)
    for widest, length, shape in (
        (config.mask_frequency, bands, (1, 1, -1, 1)),
        (config.mask_time, frames, (1, 1, 1, -1)),
    ):
        index = torch.arange(length, device=pictures.device).view(shape)
        for _ in range(2 if widest else 0):
            width = _uniform((count, 1, 1, 1), 0.0, widest * length, generator)
            first = _uniform((count, 1, 1, 1), 0.0, 1.0, generator) * (length - width)
            pictures = torch.where((index >= first) & (index < first + width), mean, pictures)
    return pictures


def _unit_rms(windows: Tensor) -> Tensor:
    centred = windows - windows.mean(dim=1, keepdim=True)
    return centred / (_rms(centred) + 1e-8)


def _rms(windows: Tensor) -> Tensor:
    return windows.square().mean(dim=1, keepdim=True).sqrt()


def _chance(count: int, probability: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device) < probability


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)
