"""What a network says of recordings that it has not been trained on."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from services.trainer.data import Sound, targets
from services.trainer.evaluate import Heard

CHUNK = 32
SLICES_PER_EPOCH = 4
"""Of each recording, spread over it, in the check after each epoch; the final judgement hears every window."""


def validate(
    classifier: nn.Module,
    sound: Sound,
    test: Sequence[int],
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> tuple[float | None, float | None]:
    """Loss and share of right first places over held-out slices; `None` when nothing is held out."""
    recordings = sound.dataset.recordings
    places = [
        (index, start)
        for index in test
        for start in recordings[index].slices[:: -(-len(recordings[index].slices) // SLICES_PER_EPOCH)]
    ]
    if not places:
        return None, None
    truth = torch.from_numpy(targets([recordings[index] for index, _ in places], sound.dataset.names))
    logits = torch.cat(
        [
            _logits(classifier, np.stack([sound.at(*p) for p in places[i : i + CHUNK]]))
            for i in range(0, len(places), CHUNK)
        ]
    )
    right = (logits.argmax(dim=1) == truth.argmax(dim=1)).float().mean().item()
    return loss_of(logits, truth).item(), right


def listen(classifier: nn.Module, sound: Sound, test: Sequence[int], should_stop: Callable[[], None]) -> list[Heard]:
    """Logits of all windows of the held-out recordings, in float32 and cut as serving cuts them."""
    names = sound.dataset.names
    heard = []
    for index in test:
        should_stop()
        label = names.index(sound.dataset.recordings[index].label)
        parts = [_logits(classifier, windows).numpy() for windows in sound.served(index, CHUNK)]
        heard.append(Heard(index, label, np.concatenate(parts)))
    return heard


def _logits(classifier: nn.Module, windows: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> torch.Tensor:
    device = next(classifier.parameters()).device
    with torch.inference_mode():
        logits: torch.Tensor = classifier(torch.from_numpy(windows).to(device))
        return logits.float().cpu()
