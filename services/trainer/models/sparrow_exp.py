"""SparrowExp: a wider Sparrow that learns how to compress loudness, 2.38 M parameters for 100 species.

Schlüter, "Bird identification from timestamped, geotagged audio recordings" (BirdCLEF 2018), the network without the
metadata: magnitudes are raised to a learned power, x ** sigmoid(a), and each species' loudest place in the window is
its logit. DSR-Bird-Song (2019) took it over as variant A, with ReLU instead of leaky ReLU and without the paper's batch
norm and dropout. Mended: its hand-written gradient of the power was that of a matrix product, here autograd's is taken;
and its logits went through a ReLU, under which a species that was once below zero could never be learned again.
"""

import torch
from torch import Tensor, nn

from shared.audio.frontend_config import FrontEndConfig

POWER = -1.47
"""The power starts at sigmoid(-1.47), about 0.19: the middle of the range from which the original drew it."""


class SparrowExp(nn.Module):
    """(batch, 1, n_mels, frames), nowhere below zero -> (batch, classes)."""

    any_length = True

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor([POWER]))
        self.trunk = nn.Sequential(
            *_convolution(1, 64, (3, 3)),
            *_convolution(64, 64, (3, 3)),
            nn.MaxPool2d(3),
            *_convolution(64, 128, (3, 3)),
            *_convolution(128, 128, (3, 3)),
            *_convolution(128, 128, (17, 3)),
            nn.MaxPool2d((5, 3), stride=3),
            *_convolution(128, 1024, (1, 9)),
        )
        self.classify = nn.Conv2d(1024, classes, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        places = self.classify(self.trunk(pictures ** torch.sigmoid(self.power)))
        return torch.amax(places, dim=(2, 3))


def _convolution(channels_in: int, channels_out: int, kernel: tuple[int, int]) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels_out, kernel), nn.ReLU(inplace=True)]


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 79 mel bands and 103 frames at least. Raises ValueError for pictures with values below zero."""
    of_loudness = front_end.normalisation == "none" and front_end.compression in ("power", "pcen")
    if not of_loudness and front_end.normalisation != "minmax":
        raise ValueError("it raises loudness to a power, and the pictures have values below zero")
    return SparrowExp(classes)
