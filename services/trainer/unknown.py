"""Sounds that are none of the species: heard by the trained networks, never trained on, to see whether they are told
apart from what the networks know."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from services.trainer.classifier import Classifier
from services.trainer.data import AudioPath, Sound
from services.trainer.frozen_dataset import Dataset, Recording
from services.trainer.heard import Activation, Floats
from services.trainer.listen import hear
from services.trainer.world import World
from shared.errors import InvalidInput
from shared.rejection import energy, recording_energy

NAMED = 10


@dataclass(frozen=True)
class UnknownSet:
    """A dataset of sounds that the model is not to know, by the name that it was frozen under."""

    name: str
    dataset: Dataset


@dataclass(frozen=True)
class Stranger:
    """How much one of these recordings sounds known to one network."""

    recording: int
    """Position in its dataset."""
    energy: float
    """See `shared.rejection`."""
    slice_energies: Floats
    """(slices,), of its windows with signal."""


@dataclass(frozen=True)
class HeardSet:
    """What the networks of a run made of one set."""

    name: str
    dataset_sha256: str
    recordings: int
    by_fold: dict[int, list[Stranger]]
    """By the fold that judged known recordings with the same network."""
    final: list[Stranger]
    """By the network that is shipped."""


class Strangers:
    """The sounds of all sets that are none of a dataset's species, to be heard by one network after another."""

    def __init__(
        self, sets: Sequence[UnknownSet], known: Dataset, audio_path: AudioPath, activation: Activation
    ) -> None:
        self._activation = activation
        self.warnings: list[str] = []
        self._sets: list[tuple[UnknownSet, Sound, list[int]]] = []
        for one in sets:
            if (one.dataset.sample_rate, one.dataset.window) != (known.sample_rate, known.window):
                raise InvalidInput(
                    f"The unknown sounds {one.name!r} have windows of {one.dataset.window} samples at "
                    f"{one.dataset.sample_rate} Hz, the dataset of {known.window} at {known.sample_rate} Hz.",
                    hint="Freeze both with the same version of the program.",
                )
            chosen, left_out = without_known(one.dataset, known)
            if left_out:
                some = ", ".join(left_out[:NAMED]) + (", ..." if len(left_out) > NAMED else "")
                kept = "some" if chosen else "all"
                self.warnings.append(f"Of the unknown sounds {one.name!r}, {kept} were left out: {some}.")
            if chosen:
                self._sets.append((one, Sound(one.dataset, audio_path), chosen))
        self._heard: list[dict[int | None, list[Stranger]]] = [{} for _ in self._sets]

    def listen(
        self,
        classifier: Classifier,
        fold: int | None,
        world: World,
        should_stop: Callable[[], None],
    ) -> None:
        """Let the network of a fold hear them, or the final one, `None`; each process its share."""
        for heard, (_, sound, chosen) in zip(self._heard, self._sets, strict=True):
            heard[fold] = world.gather(list(self._strangers(classifier, sound, world.mine(chosen), should_stop)))

    @property
    def heard(self) -> list[HeardSet]:
        """Where one network alone was trained, it is the final one and the one that judged known recordings."""
        found = []
        for (one, _, chosen), by_fold in zip(self._sets, self._heard, strict=True):
            final = by_fold[None]
            folds = {fold: strangers for fold, strangers in by_fold.items() if fold is not None} or {0: final}
            found.append(HeardSet(one.name, one.dataset.sha256, len(chosen), folds, final))
        return found

    def _strangers(
        self,
        classifier: Classifier,
        sound: Sound,
        chosen: Sequence[int],
        should_stop: Callable[[], None],
    ) -> Iterator[Stranger]:
        for index in chosen:
            should_stop()
            logits, signal = hear(classifier, sound, index)
            energies = energy(logits[signal], self._activation)
            yield Stranger(index, recording_energy(logits, self._activation), energies)


def without_known(dataset: Dataset, known: Dataset) -> tuple[list[int], list[str]]:
    """Positions of the recordings that may count as unknown, and who was left out, with the reason.

    A species of the model, by its scientific or common name, also in the background, is no unknown sound; nor is a
    recording that trains the model, whatever it is called in the other dataset.
    """
    names = {name.casefold(): name for label in known.labels for name in (label.scientific, label.common) if name}
    files = {recording.sha256 for recording in known.recordings}
    numbers = {recording.xc_id for recording in known.recordings if recording.xc_id}
    common = {label.scientific: label.common for label in dataset.labels}

    def reason(recording: Recording) -> str | None:
        if recording.background:
            return f"{recording.label}, which the dataset holds as mere background"
        for name in (recording.label, common[recording.label], *recording.secondary):
            if name.casefold() in names:
                return f"{names[name.casefold()]}, which the model knows"
        if recording.sha256 in files or recording.xc_id in numbers:
            return f"a recording of {recording.label} that trains the model"
        return None

    reasons = [reason(recording) for recording in dataset.recordings]
    first = {recording.sha256: index for index, recording in reversed(list(enumerate(dataset.recordings)))}
    knows = {dataset.recordings[index].sha256 for index, one in enumerate(reasons) if one}
    chosen = [index for sha256, index in first.items() if sha256 not in knows]
    return sorted(chosen), sorted({one for one in reasons if one})
