"""Sparrow: convolutions that end in one map of where in time and pitch a bird is, 0.34 M parameters for 100 species.

Grill and Schlüter, "Two convolutional neural networks for bird detection in audio signals" (EUSIPCO 2017): their second
network, whose one output per frame says whether a bird sings there. DSR-Bird-Song (2019) kept that single map and put a
dense layer on it, so that all that tells species apart has to pass through 260 pixels. Nothing had to be mended.
"""

from torch import Tensor, nn

from services.trainer.layers import shape_after
from shared.audio.frontend_config import FrontEndConfig

DROPOUT = 0.5


class Sparrow(nn.Module):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    any_length = False

    def __init__(self, classes: int, front_end: FrontEndConfig) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *_convolution(1, 32, (3, 3)),
            *_convolution(32, 32, (3, 3)),
            nn.MaxPool2d(3),
            *_convolution(32, 32, (3, 3)),
            *_convolution(32, 32, (3, 3)),
            *_convolution(32, 64, (19, 3)),
            nn.MaxPool2d(3),
            *_convolution(64, 256, (1, 9)),
            nn.Dropout(DROPOUT),
            *_convolution(256, 64, (1, 1)),
            nn.Dropout(DROPOUT),
            *_convolution(64, 1, (1, 1)),
            nn.Dropout(DROPOUT),
        )
        channels, bands, frames = shape_after(self.trunk, front_end)
        self.classify = nn.Linear(channels * bands * frames, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.trunk(pictures).flatten(1))
        return logits


def _convolution(channels_in: int, channels_out: int, kernel: tuple[int, int]) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels_out, kernel), nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 79 mel bands and 103 frames at least."""
    return Sparrow(classes, front_end)
