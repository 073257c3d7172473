"""What several networks need and torch.nn does not have."""

import copy

import torch
from torch import nn

from shared.audio.frontend_config import FrontEndConfig


def shape_after(layers: nn.Module, front_end: FrontEndConfig) -> tuple[int, int, int]:
    """Channels, bands and frames of one picture of the front end after `layers`. No value is computed.

    Raises RuntimeError, as the layers themselves would, when the picture is smaller than a kernel.
    """
    picture = torch.empty((1, 1, front_end.n_mels, front_end.frames), device="meta")
    _, channels, bands, frames = copy.deepcopy(layers).to("meta").eval()(picture).shape
    return channels, bands, frames
