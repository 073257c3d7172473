"""Zilpzalp (Phylloscopus collybita, the Chiffchaff): one eye for pitch, one for rhythm, 1.60 M parameters.

Of DSR-Bird-Song's own making (Tim Bauer, 2019): two branches look at the same picture, one with kernels that are long
in frequency, one with kernels that are long in time, and what they see is joined. Mended: the original squeezed away
all axes of length one, the batch's too when a single window came.
"""

import torch
from torch import Tensor, nn

from services.trainer.layers import shape_after
from shared.audio.frontend_config import FrontEndConfig

WIDTHS = (32, 64, 128, 256)
FREQUENCY = ((9, 3), (9, 3), (9, 3), (3, 5))
TIME = ((3, 9), (3, 9), (3, 9), (6, 2))
"""Kernels, bands times frames."""
DROPOUTS = (0.0, 0.0, 0.3, 0.3)
HIDDEN = 256


class Zilpzalp(nn.Module):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    any_length = False

    def __init__(self, classes: int, front_end: FrontEndConfig) -> None:
        super().__init__()
        self.frequency = _branch(FREQUENCY)
        self.time = _branch(TIME)
        features = 0
        for branch in (self.frequency, self.time):
            channels, bands, frames = shape_after(branch, front_end)
            features += channels * bands * frames
        self.classify = nn.Sequential(
            nn.Linear(features, HIDDEN), nn.ReLU(inplace=True), nn.Dropout(DROPOUTS[-1]), nn.Linear(HIDDEN, classes)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        seen = torch.cat([self.frequency(pictures).flatten(1), self.time(pictures).flatten(1)], dim=1)
        logits: Tensor = self.classify(seen)
        return logits


def _branch(kernels: tuple[tuple[int, int], ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 1
    for width, kernel, dropout in zip(WIDTHS, kernels, DROPOUTS, strict=True):
        layers += [nn.Conv2d(channels, width, kernel), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        if dropout:
            layers.append(nn.Dropout(dropout))
        layers.append(nn.MaxPool2d(3))
        channels = width
    return nn.Sequential(*layers)


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 242 mel bands and 215 frames at least: little less than the original's 256 x 216."""
    return Zilpzalp(classes, front_end)
