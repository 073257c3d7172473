"""Nightingale (Luscinia megarhynchos): the fuller voice. Our accurate network, 2.7 M parameters for 29 species.

A residual trunk (He et al. 2016) that halves time less often than the wren's, so that its features are finer, one for
each 0.19 s, and wider. Like the wren's they are joined across all bands, so that a note keeps its pitch, and over the
window's time their maximum and their mean are added (Kong et al. 2020).
"""

import torch
from torch import Tensor, nn

from services.trainer.layers import FrameWise
from shared.audio.frontend_config import FrontEndConfig

STEM = 32
TRUNK = ((64, 1), (128, 2), (256, 1))
"""Width and residual blocks of each stage. Bands are halved before each, frames before all but the last."""
HEAD = 256
DROPOUT = 0.3


class Nightingale(FrameWise):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    stride = 8
    """Frames of the picture to one frame of the features."""

    def __init__(self, classes: int, n_mels: int) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(1, STEM, 5, 2, 2, bias=False),
            nn.BatchNorm2d(STEM),
            nn.ReLU(inplace=True),
        ]
        channels, bands = STEM, (n_mels + 1) // 2
        for number, (width, blocks) in enumerate(TRUNK):
            layers.append(nn.MaxPool2d((2, 2 if number < len(TRUNK) - 1 else 1)))
            bands //= 2
            for _ in range(blocks):
                layers.append(Residual(channels, width))
                channels = width
        super().__init__(nn.Sequential(*layers), channels, bands, HEAD, DROPOUT, classes)


class Residual(nn.Module):
    """Two convolutions beside what they are given, (batch, channels_in, ...) -> (batch, channels_out, ...)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(self.shortcut(inputs) + self.change(inputs))


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 16 mel bands and 8 frames at least."""
    return Nightingale(classes, front_end.n_mels)
