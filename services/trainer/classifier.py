"""Front end and network as one module with the model file's two entries. This is what is scripted and shipped."""

import torch
from torch import Tensor, nn

CHUNK = 32
"""Windows at once in `analyse`, so that an hour needs no more memory than a minute."""


class Classifier(nn.Module):
    """(batch, samples) float32 mono -> logits (batch, classes)."""

    def __init__(self, front_end: nn.Module, network: nn.Module, window: int, sample_rate: int) -> None:
        super().__init__()
        self.front_end = front_end
        self.network = network
        self.window = window
        self.sample_rate = sample_rate
        self.chunk = CHUNK

    def forward(self, windows: Tensor) -> Tensor:
        logits: Tensor = self.network(self.front_end(windows))
        return logits

    @torch.jit.export
    def analyse(self, waveform: Tensor, step: float) -> Tensor:
        """Whole recording, (samples,) -> logits (windows, classes); the windows are those of `shared.audio.slices`."""
        samples = waveform.size(0)
        hop = int(step * self.sample_rate + 0.5)
        if samples < 1 or hop < 1 or hop > self.window:
            raise ValueError("a recording needs samples, and a step must be above 0 and at most a window")
        count = 1 + (max(0, samples - self.window) + hop - 1) // hop
        logits: list[Tensor] = []
        for first in range(0, count, self.chunk):
            rows: list[Tensor] = []
            for index in range(first, min(count, first + self.chunk)):
                content = waveform[index * hop : min(samples, index * hop + self.window)]
                repeats = (self.window + content.size(0) - 1) // content.size(0)
                rows.append(content.repeat(repeats)[: self.window])
            logits.append(self.forward(torch.stack(rows)))
        return torch.cat(logits)
