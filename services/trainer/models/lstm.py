"""The LSTM that was deployed: timbre and rhythm of each step in time into three recurrent layers, 2.18 M parameters.

Of DSR-Bird-Song's own making (2019): the model behind chirps.eu, of which its authors said that it names 59 % of 100
species right, on recordings that had chosen the checkpoint. A step of 70 ms sees 19 frames, twice over: through
convolutions, which keep pitch (timbre), and as mean loudness of wide overlapping bands (rhythm). The state after the
last step decides. Nothing had to be mended.
"""

import torch
from torch import Tensor, nn

from services.trainer.layers import shape_after
from shared.audio.frontend_config import FrontEndConfig

RHYTHM_SHARE = 150 / 256
"""Share of the bands over which loudness is averaged: 150 of the original's 256."""
DROPOUT = 0.3
LSTM_DROPOUT = 0.5
HIDDEN = 200


class Lstm(nn.Module):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    any_length = True

    def __init__(self, classes: int, front_end: FrontEndConfig) -> None:
        super().__init__()
        self.timbre = nn.Sequential(
            nn.Conv2d(1, 16, (9, 3)),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 32, (5, 3)),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
            nn.MaxPool2d(3),
            nn.Conv2d(32, 64, 5),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
            nn.MaxPool2d((3, 1)),
        )
        # 19 frames every 3 are what a step of the convolutions sees: the two agree on the steps at any length.
        self.rhythm = nn.AvgPool2d((round(RHYTHM_SHARE * front_end.n_mels), 19), stride=(5, 3))
        features = 0
        for branch in (self.timbre, self.rhythm):
            channels, bands, _ = shape_after(branch, front_end)
            features += channels * bands
        self.lstm = nn.LSTM(features, HIDDEN, num_layers=3, dropout=LSTM_DROPOUT, batch_first=True)
        self.classify = nn.Linear(HIDDEN, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        branches = [self.timbre(pictures).flatten(1, 2), self.rhythm(pictures).flatten(1, 2)]
        states, _ = self.lstm(torch.cat(branches, dim=1).transpose(1, 2))
        logits: Tensor = self.classify(states[:, -1])
        return logits


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 33 mel bands and 19 frames at least."""
    return Lstm(classes, front_end)
