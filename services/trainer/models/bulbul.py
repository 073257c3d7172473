"""Bulbul: four small convolutions and two dense layers, 0.14 M parameters for 100 species.

Grill and Schlüter, "Two convolutional neural networks for bird detection in audio signals" (EUSIPCO 2017) heard with it
whether a bird is there. DSR-Bird-Song (2019) let it tell species apart, without the paper's dropout and with one dense
layer less. Mended: in 2019 nothing stood between the two dense layers that were left, which makes them one; as in the
paper, an activation does now. All shapes are those of 2019.
"""

from torch import Tensor, nn

from services.trainer.layers import shape_after
from shared.audio.frontend_config import FrontEndConfig

CHANNELS = 16
HIDDEN = 256


class Bulbul(nn.Module):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    any_length = False

    def __init__(self, classes: int, front_end: FrontEndConfig) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *_convolution(1, (3, 3), pool=(3, 3)),
            *_convolution(CHANNELS, (3, 3), pool=(3, 3)),
            *_convolution(CHANNELS, (1, 3), pool=(1, 3)),
            *_convolution(CHANNELS, (1, 3), pool=(1, 3)),
        )
        channels, bands, frames = shape_after(self.trunk, front_end)
        self.classify = nn.Sequential(
            nn.Linear(channels * bands * frames, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.trunk(pictures).flatten(1))
        return logits


def _convolution(channels_in: int, kernel: tuple[int, int], pool: tuple[int, int]) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, CHANNELS, kernel), nn.ReLU(inplace=True), nn.MaxPool2d(pool)]


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 17 mel bands and 161 frames at least."""
    return Bulbul(classes, front_end)
