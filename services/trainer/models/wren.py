"""Wren (Troglodytes troglodytes): small, and heard by everyone. The default network, 0.75 M parameters for 29 species.

A convolutional trunk on the mel picture, then one layer across all remaining bands, so that a note keeps its pitch:
features for each frame of about 0.4 s. Over the window's time their maximum (one call is enough) and their mean (a song
goes on) are added, as in PANNs' CNN14 (Kong et al. 2020). The trunk hears a recording of any length at once.
"""

from torch import nn

from services.trainer.layers import FrameWise
from shared.audio.frontend_config import FrontEndConfig

STEM = 24
TRUNK = ((32,), (64, 64), (128, 128))
"""Widths of the convolutions between halvings of bands and frames."""
HEAD = 192
DROPOUT = 0.3


class Wren(FrameWise):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    stride = 16
    """Frames of the picture to one frame of the features."""

    def __init__(self, classes: int, n_mels: int) -> None:
        layers: list[nn.Module] = [_convolution(1, STEM, kernel=5, stride=2)]
        channels, bands = STEM, (n_mels + 1) // 2
        for stage in TRUNK:
            for width in stage:
                layers.append(_convolution(channels, width))
                channels = width
            layers.append(nn.MaxPool2d(2))
            bands //= 2
        super().__init__(nn.Sequential(*layers), channels, bands, HEAD, DROPOUT, classes)


def _convolution(channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 16 mel bands and 16 frames at least."""
    return Wren(classes, front_end.n_mels)
