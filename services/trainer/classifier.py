"""Front end and network as one module with the model file's entries. This is what is scripted and shipped."""

import torch
from torch import Tensor, nn

from shared.audio.frontend import FrontEnd

CHUNK = 32
"""Windows at once in `analyse`, so that an hour needs no more memory than a minute."""
BLOCK_SECONDS = 60.0
"""Sound at once where the network hears a recording as a whole."""
CONTEXT_SECONDS = 5.0
"""What is heard before and after a block besides: more than the front end and the trunk reach."""


def window_count(samples: int, window: int, hop: int) -> int:
    """How many windows cover a recording: as `shared.audio.slices.windows`, in words that TorchScript knows."""
    if samples < 1 or hop < 1 or hop > window:
        raise ValueError("a recording needs samples, and a step must be above 0 and at most a window")
    return 1 + (max(0, samples - window - 3 * window // 100) + hop - 1) // hop


class Classifier(nn.Module):
    """(batch, samples) float32 mono -> logits (batch, classes), for a network that knows windows only."""

    def __init__(self, front_end: FrontEnd, network: nn.Module, window: int, sample_rate: int) -> None:
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
        count = window_count(samples, self.window, hop)
        logits: list[Tensor] = []
        for first in range(0, count, self.chunk):
            rows: list[Tensor] = []
            for index in range(first, min(count, first + self.chunk)):
                content = waveform[index * hop : min(samples, index * hop + self.window)]
                repeats = (self.window + content.size(0) - 1) // content.size(0)
                rows.append(content.repeat(repeats)[: self.window])
            logits.append(self.forward(torch.stack(rows)))
        return torch.cat(logits)


class RecordingClassifier(Classifier):
    """The same for a network that hears a recording once, however much its windows overlap.

    A recording's features are computed in blocks with some sound on either side; a window's logits come from the
    features that lie in it. Sound shorter than a window is repeated to fill one, as everywhere.
    """

    def __init__(self, front_end: FrontEnd, network: nn.Module, window: int, sample_rate: int) -> None:
        super().__init__(front_end, network, window, sample_rate)
        # One feature stands for so many samples. Blocks begin where a feature begins.
        self.hop = front_end.hop * int(network.stride)  # type: ignore[arg-type]
        self.block = round(BLOCK_SECONDS * sample_rate / self.hop) * self.hop
        self.context = round(CONTEXT_SECONDS * sample_rate / self.hop) * self.hop
        self.frame_seconds: float = self.hop / sample_rate

    @torch.jit.export
    def analyse(self, waveform: Tensor, step: float) -> Tensor:
        """Whole recording, (samples,) -> logits (windows, classes); the windows are those of `shared.audio.slices`."""
        samples = waveform.size(0)
        hop = int(step * self.sample_rate + 0.5)
        count = window_count(samples, self.window, hop)
        features = self._features(waveform)
        length = self.window // self.hop
        logits: list[Tensor] = []
        for index in range(count):
            first = min((index * hop + self.hop // 2) // self.hop, features.size(2) - 1)
            logits.append(self.network.pool(features[:, :, first : first + length]))  # type: ignore[operator]
        return torch.cat(logits)

    @torch.jit.export
    def frames(self, waveform: Tensor) -> Tensor:
        """Whole recording, (samples,) -> logits (frames, classes), one row for each `frame_seconds`."""
        logits: Tensor = self.network.frames(self._features(waveform))[0].transpose(0, 1)  # type: ignore[operator]
        return logits[: max(1, waveform.size(0) // self.hop)]

    def _features(self, waveform: Tensor) -> Tensor:
        """(samples,) -> (1, channels, frames)."""
        samples = waveform.size(0)
        if samples < self.window:
            waveform = waveform.repeat((self.window + samples - 1) // samples)[: self.window]
            samples = self.window
        blocks: list[Tensor] = []
        begin = 0
        while begin < samples:
            # What would be left over, if it were less than the context, is heard with this block.
            end = samples if samples - begin < self.block + self.context else begin + self.block
            first = max(0, begin - self.context)
            sound = waveform[first : min(samples, end + self.context)].unsqueeze(0)
            features: Tensor = self.network.features(self.front_end(sound))  # type: ignore[operator]
            skipped = (begin - first) // self.hop
            if end < samples:
                features = features[:, :, : skipped + (end - begin) // self.hop]
            blocks.append(features[:, :, skipped:])
            begin = end
        return torch.cat(blocks, dim=2)


def classifier_of(front_end: FrontEnd, network: nn.Module, window: int, sample_rate: int) -> Classifier:
    """The classifier that makes the most of what the network and the front end can do (`services.trainer.models`)."""
    if hasattr(network, "features") and front_end.normalisation == "sliding":
        return RecordingClassifier(front_end, network, window, sample_rate)
    return Classifier(front_end, network, window, sample_rate)
