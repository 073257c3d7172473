"""What several networks need and torch.nn does not have."""

import copy

import torch
from torch import Tensor, nn

from shared.audio.frontend_config import FrontEndConfig


def shape_after(layers: nn.Module, front_end: FrontEndConfig) -> tuple[int, int, int]:
    """Channels, bands and frames of one picture of the front end after `layers`. No value is computed.

    Raises RuntimeError, as the layers themselves would, when the picture is smaller than a kernel.
    """
    picture = torch.empty((1, 1, front_end.n_mels, front_end.frames), device="meta")
    _, channels, bands, frames = copy.deepcopy(layers).to("meta").eval()(picture).shape
    return channels, bands, frames


class FrameWise(nn.Module):
    """Hears a recording once: a trunk, a layer across all its bands, and what comes of it pooled over each window.

    `trunk` makes (batch, channels, bands, frames // stride) of the picture, `across_bands` features of that, `classify`
    logits. Over a window's time the features' maximum (one call is enough) and their mean (a song
    goes on) are added, as in PANNs' CNN14 (Kong et al. 2020).
    """

    any_length = True

    def __init__(self, trunk: nn.Module, channels: int, bands: int, width: int, dropout: float, classes: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.across_bands = nn.Sequential(
            nn.Dropout(dropout / 2),
            nn.Conv2d(channels, width, (bands, 3), padding=(0, 1), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )
        self.classify = nn.Linear(width, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.pool(self.features(pictures))

    @torch.jit.export
    def features(self, pictures: Tensor) -> Tensor:
        """(batch, 1, n_mels, frames) of any length -> (batch, channels, frames // stride)."""
        features: Tensor = self.across_bands(self.trunk(pictures)).squeeze(2)
        return features

    @torch.jit.export
    def pool(self, features: Tensor) -> Tensor:
        """The features of a window, (batch, channels, frames) -> logits (batch, classes)."""
        logits: Tensor = self.classify(torch.amax(features, dim=2) + features.mean(dim=2))
        return logits

    @torch.jit.export
    def frames(self, features: Tensor) -> Tensor:
        """What `pool` would say of each frame alone, (batch, channels, frames) -> logits (batch, classes, frames)."""
        logits: Tensor = self.classify(2.0 * features.transpose(1, 2)).transpose(1, 2)
        return logits
