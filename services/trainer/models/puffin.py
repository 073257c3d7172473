"""Puffin: convolutions read the notes, two LSTMs the melody, 9.49 M parameters for 100 species.

Of DSR-Bird-Song's own making (Tim Bauer, 2019), and its largest: five convolutions without padding, then all channels
and bands of each frame, 0.1 s apart, as one vector into recurrent layers, whose last state decides. Nothing had to be
mended.
"""

from torch import Tensor, nn

from services.trainer.layers import shape_after
from shared.audio.frontend_config import FrontEndConfig

DROPOUT = 0.3
LSTM_DROPOUT = 0.5


class Puffin(nn.Module):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    any_length = True

    def __init__(self, classes: int, front_end: FrontEndConfig) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 32, 3),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
            *_convolution(32, 64, pool=(2, 2)),
            *_convolution(64, 128, pool=(3, 2)),
            *_convolution(128, 128, pool=(3, 1)),
        )
        channels, bands, _ = shape_after(self.trunk, front_end)
        self.notes = nn.LSTM(channels * bands, 500, num_layers=3, dropout=LSTM_DROPOUT, batch_first=True)
        self.melody = nn.LSTM(500, 200, num_layers=2, dropout=LSTM_DROPOUT, batch_first=True)
        self.classify = nn.Linear(200, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        steps = self.trunk(pictures).flatten(1, 2).transpose(1, 2)
        notes, _ = self.notes(steps)
        melody, _ = self.melody(notes)
        logits: Tensor = self.classify(melody[:, -1])
        return logits


def _convolution(channels_in: int, channels_out: int, pool: tuple[int, int]) -> list[nn.Module]:
    convolution = nn.Conv2d(channels_in, channels_out, 3)
    return [convolution, nn.ReLU(inplace=True), nn.Dropout(DROPOUT), nn.MaxPool2d(pool)]


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 40 mel bands and 22 frames at least."""
    return Puffin(classes, front_end)
