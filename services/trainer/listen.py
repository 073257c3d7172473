"""What a network says of recordings that it has not been trained on."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from services.trainer.classifier import Classifier, RecordingClassifier
from services.trainer.data import Sound, targets
from services.trainer.evaluate import Heard

Samples = npt.NDArray[np.float32]

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


def listen(
    classifier: Classifier | RecordingClassifier, sound: Sound, test: Sequence[int], should_stop: Callable[[], None]
) -> list[Heard]:
    """Logits of all windows of the held-out recordings, in float32 and by the model's own `analyse`, as when serving.

    Of a species that was marked in another's recording, only the marked windows are heard.
    """
    names = sound.dataset.names
    heard = []
    for index in test:
        should_stop()
        recording = sound.dataset.recordings[index]
        if recording.marked:
            chunks = [recording.slices[i : i + CHUNK] for i in range(0, len(recording.slices), CHUNK)]
            parts = [_logits(classifier, np.stack([sound.at(index, start) for start in chunk])) for chunk in chunks]
        else:
            step = sound.window // 2 / sound.dataset.sample_rate
            parts = [_analysed(classifier, piece, step) for piece in sound.pieces(index)]
        heard.append(Heard(index, names.index(recording.label), torch.cat(parts).numpy()))
    return heard


def _logits(classifier: nn.Module, windows: Samples) -> torch.Tensor:
    device = next(classifier.parameters()).device
    with torch.inference_mode():
        logits: torch.Tensor = classifier(torch.from_numpy(windows).to(device))
        return logits.float().cpu()


def _analysed(classifier: Classifier | RecordingClassifier, waveform: Samples, step: float) -> torch.Tensor:
    device = next(classifier.parameters()).device
    with torch.inference_mode():
        return classifier.analyse(torch.from_numpy(waveform).to(device), step).float().cpu()
