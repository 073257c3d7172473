"""Hawk: kernels shaped after what one listens for, timbre and rhythm, 5.98 M parameters for 100 species.

Pons et al., "End-to-end learning for music audio tagging at scale" (ISMIR 2018). Timbre: kernels that span 90 % and
40 % of the bands, and the loudest band of each answer, so that pitch matters little. Rhythm: long kernels over the
window's loudness. Both give features for each frame; three convolutions along time follow, two of them residual.

DSR-Bird-Song (2019) rebuilt it. Mended, its shapes kept: it had taken frequency for time, so that its kernels for
timbre spanned 51 to 115 frames and those for rhythm ran over the bands; its sigmoid before the cross-entropy, which let
no species have more than 2.7 % of 100 and no loss fall below 3.62; and a division that current PyTorch refuses.
"""

import torch
from torch import Tensor, nn

from shared.audio.frontend_config import FrontEndConfig

TIMBRE_SHARES = (0.9, 0.4)
"""Heights of the kernels for timbre, as shares of the bands."""
TIMBRE = ((7, 16), (3, 32), (1, 64))
RHYTHM = ((165, 16), (125, 32), (65, 64), (31, 128))
"""Frames that a kernel spans, and how many there are of it."""
WIDTH = 512
DROPOUT = 0.5


class Hawk(nn.Module):
    """(batch, 1, n_mels, frames) -> (batch, classes)."""

    any_length = True

    def __init__(self, classes: int, n_mels: int) -> None:
        super().__init__()
        self.halve = nn.AvgPool2d((2, 1))
        self.timbre = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1, width, (max(1, int(share * (n_mels // 2))), frames), padding=(0, frames // 2)),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            for share in TIMBRE_SHARES
            for frames, width in TIMBRE
        )
        self.rhythm = nn.ModuleList(_along_time(1, width, frames, padding=frames // 2) for frames, width in RHYTHM)
        features = len(TIMBRE_SHARES) * sum(width for _, width in TIMBRE) + sum(width for _, width in RHYTHM)
        self.first = _along_time(features, WIDTH, 7, padding=0)
        self.second = _along_time(WIDTH, WIDTH, 7, padding=3)
        self.shorten = nn.MaxPool1d(2)
        self.third = nn.Conv1d(WIDTH, WIDTH, 7, padding=3)
        # One mean and one variance for all features together, as Pons' own code has it.
        self.third_norm = nn.BatchNorm2d(1)
        self.classify = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(2 * WIDTH, WIDTH),
            nn.BatchNorm1d(WIDTH),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
            nn.Linear(WIDTH, classes),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        halved = self.halve(pictures)
        loudness = halved.mean(dim=2)
        features = [torch.amax(timbre(halved), dim=2) for timbre in self.timbre]
        features += [rhythm(loudness) for rhythm in self.rhythm]
        frames = self.first(torch.cat(features, dim=1))
        frames = self.shorten(frames + self.second(frames))
        frames = frames + torch.relu(self.third_norm(self.third(frames).unsqueeze(1)).squeeze(1))
        logits: Tensor = self.classify(torch.cat([torch.amax(frames, dim=2), frames.mean(dim=2)], dim=1))
        return logits


def _along_time(channels_in: int, channels_out: int, frames: int, padding: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(channels_in, channels_out, frames, padding=padding),
        nn.BatchNorm1d(channels_out),
        nn.ReLU(inplace=True),
    )


def build(classes: int, front_end: FrontEndConfig) -> nn.Module:
    """Needs 2 mel bands and 8 frames at least."""
    return Hawk(classes, front_end.n_mels)
