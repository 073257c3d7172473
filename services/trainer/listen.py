"""What a network says of recordings that it has not been trained on."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from services.trainer.classifier import Classifier
from services.trainer.data import Sound, targets
from services.trainer.frozen_dataset import Recording
from services.trainer.heard import Heard
from services.trainer.world import World
from shared.audio.slices import windows

Samples = npt.NDArray[np.float32]

CHUNK = 32
SLICES_PER_EPOCH = 4
"""Of each recording, spread over it, in the check after each epoch; the final judgement hears every window."""


def validate(
    classifier: nn.Module,
    sound: Sound,
    test: Sequence[int],
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    world: World,
) -> tuple[float | None, float | None]:
    """Loss and share of right first places over held-out slices; `None` when nothing is held out.

    Each process hears its share of them, and all have the same figures.
    """
    recordings = sound.dataset.recordings
    places = [
        (index, start)
        for index in test
        for start in recordings[index].slices[:: -(-len(recordings[index].slices) // SLICES_PER_EPOCH)]
    ]
    if not places:
        return None, None
    truth = torch.from_numpy(targets([recordings[index] for index, _ in places], sound.dataset.names))
    mine = world.mine(places)
    chunks = [
        _logits(classifier, np.stack([sound.at(*p) for p in mine[i : i + CHUNK]])) for i in range(0, len(mine), CHUNK)
    ]
    logits = torch.from_numpy(np.stack(world.gather([row.numpy() for chunk in chunks for row in chunk])))
    right = (logits.argmax(dim=1) == truth.argmax(dim=1)).float().mean().item()
    return loss_of(logits, truth).item(), right


def listen(
    classifier: Classifier,
    sound: Sound,
    test: Sequence[int],
    should_stop: Callable[[], None],
    fold: int = 0,
) -> list[Heard]:
    """What the network of a fold says of all windows of the held-out recordings."""
    labels = {name: label for label, name in enumerate(sound.dataset.names)}
    species = _species_by_sound(sound.dataset.recordings)
    heard = []
    for index in test:
        should_stop()
        recording = sound.dataset.recordings[index]
        first, all_of_it = species[recording.sha256]
        others = {labels[name] for name in all_of_it if name in labels} - {labels[recording.label]}
        logits, signal = hear(classifier, sound, index)
        heard.append(
            Heard(
                recording=first,
                label=labels[recording.label],
                logits=logits,
                others=tuple(sorted(others)),
                signal=signal if signal.any() else None,
                fold=fold,
                group=recording.group or recording.recordist or recording.sha256,
            )
        )
    return heard


def hear(classifier: Classifier, sound: Sound, index: int) -> tuple[Samples, npt.NDArray[np.bool_]]:
    """Logits of all windows of a recording, (windows, classes), float32, and which of them are slices, (windows,).

    By the model's own `analyse`, as when serving; of a species that was marked in another's recording, only the marked
    windows are heard.
    """
    recording, step = sound.dataset.recordings[index], sound.window // 2
    if recording.marked:
        starts: Sequence[int] = recording.slices
        chunks = [starts[i : i + CHUNK] for i in range(0, len(starts), CHUNK)]
        parts = [_logits(classifier, np.stack([sound.at(index, start) for start in chunk])) for chunk in chunks]
    else:
        starts = windows(recording.samples, window=sound.window, step=step)
        parts = [_analysed(classifier, piece, step / sound.dataset.sample_rate) for piece in sound.pieces(index)]
    return torch.cat(parts).numpy(), np.isin(starts, recording.slices)


def _species_by_sound(recordings: Sequence[Recording]) -> dict[str, tuple[int, set[str]]]:
    """Of each file, by its sha256: where it stands first, and all species that are heard in it."""
    found: dict[str, tuple[int, set[str]]] = {}
    for index, recording in enumerate(recordings):
        found.setdefault(recording.sha256, (index, set()))[1].update({recording.label, *recording.secondary})
    return found


def _logits(classifier: nn.Module, windows: Samples) -> torch.Tensor:
    device = next(classifier.parameters()).device
    with torch.inference_mode():
        logits: torch.Tensor = classifier(torch.from_numpy(windows).to(device))
        return logits.float().cpu()


def _analysed(classifier: Classifier, waveform: Samples, step: float) -> torch.Tensor:
    device = next(classifier.parameters()).device
    with torch.inference_mode():
        return classifier.analyse(torch.from_numpy(waveform).to(device), step).float().cpu()
