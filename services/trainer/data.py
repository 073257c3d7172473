"""From the frozen dataset to batches of raw windows: memory-mapped prepared WAVs, read where a batch needs them.

Only sound leaves this module; pictures and augmentation are made on the training device, a batch at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.trainer.config import TrainingConfig
from services.trainer.frozen_dataset import Dataset, Recording
from shared.audio.slices import pad_window, windows
from shared.audio.wav import read_prepared

Windows = npt.NDArray[np.float32]
AudioPath = Callable[[str], Path]

SECONDARY_WEIGHT = 0.5
"""A species named as heard in the background counts half: often it is not in this very window."""

PIECE = 240
"""Windows, ten minutes, that are heard at once."""


@dataclass(frozen=True)
class Batch:
    windows: Windows
    """(batch, samples), -1..1."""
    targets: npt.NDArray[np.float32]
    """(batch, classes), 0..1."""
    noise: Windows
    """(0 or batch, samples): background to mix in; empty when the dataset has no noise slices."""


class Sound:
    """The sound of a dataset's recordings, window by window."""

    def __init__(self, dataset: Dataset, audio_path: AudioPath) -> None:
        self.dataset = dataset
        self.window = dataset.window
        self._audio_path = audio_path

    def path(self, index: int) -> Path:
        """To be opened at once: a file that is not in use may give way to others and come back when it is asked for."""
        return self._audio_path(self.dataset.recordings[index].audio)

    def at(self, index: int, start: int) -> Windows:
        """The window of recording `index` that starts at sample `start`, filled as in serving, (window,)."""
        return pad_window(read_prepared(self.path(index), start, start + self.window), self.window)

    def near(self, index: int, start: int, generator: np.random.Generator) -> Windows:
        """A window that starts up to half a window around `start`, inside the recording, (window,).

        A recording shorter than a window begins anywhere and goes round.
        """
        samples = self.dataset.recordings[index].samples
        if samples <= self.window:
            whole = read_prepared(self.path(index))
            return pad_window(np.roll(whole, -int(generator.integers(len(whole)))), self.window)
        shifted = start + int(generator.integers(-self.window // 2, self.window // 2 + 1))
        return self.at(index, min(max(shifted, 0), samples - self.window))

    def pieces(self, index: int) -> Iterator[Windows]:
        """A recording as serving hears it: as a whole, or, where it is long, in pieces that end where a window ends.

        The windows of the pieces, one after the other, are those of the recording.
        """
        samples, step = self.dataset.recordings[index].samples, self.window // 2
        starts = windows(samples, window=self.window, step=step)
        for first in range(0, len(starts), PIECE):
            last = starts[min(first + PIECE, len(starts)) - 1]
            yield read_prepared(self.path(index), starts[first], min(last + self.window, samples))


def targets(recordings: Sequence[Recording], names: Sequence[str]) -> npt.NDArray[np.float32]:
    """1 for a recording's species, less for those in its background, (recordings, classes)."""
    place = {name: column for column, name in enumerate(names)}
    table = np.zeros((len(recordings), len(names)), dtype=np.float32)
    for row, recording in enumerate(recordings):
        for other in recording.secondary:
            if other in place:
                table[row, place[other]] = SECONDARY_WEIGHT
        table[row, place[recording.label]] = 1.0
    return table


class Deck:
    """The order in which one epoch hears the recordings: each species equally often, each of its recordings too.

    `cards` windows or a few more, in batches of `batch_size` or a little more: a small last batch would make batch
    normalisation noisy, so the rest is shared out.
    """

    def __init__(self, labels: npt.NDArray[np.int64], cards: int, batch_size: int) -> None:
        self._members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self._per_class = -(-cards // len(self._members))
        self.batches = max(1, self._per_class * len(self._members) // batch_size)
        """Per epoch."""

    def deal(self, generator: np.random.Generator) -> list[npt.NDArray[np.int64]]:
        """Positions in `labels`, a batch at a time."""
        drawn = []
        for members in self._members:
            rounds = [generator.permutation(members) for _ in range(-(-self._per_class // len(members)))]
            drawn.append(np.concatenate(rounds)[: self._per_class])
        return np.array_split(generator.permutation(np.concatenate(drawn)), self.batches)


class TrainingData:
    """The recordings of one run's training side, as batches."""

    def __init__(self, sound: Sound, train: Sequence[int], config: TrainingConfig) -> None:
        self._sound = sound
        self._train = list(train)
        recordings = [sound.dataset.recordings[i] for i in train]
        self._targets = targets(recordings, sound.dataset.names)
        cards = max(len(self._train) * config.crops_per_recording, config.batch_size * config.min_batches)
        self._deck = Deck(self._targets.argmax(axis=1).astype(np.int64), cards, config.batch_size)
        self._noise = [(i, start) for i, r in zip(train, recordings, strict=True) for start in r.noise]
        self.batches_per_epoch = self._deck.batches

    def epoch(self, seed: Sequence[int]) -> Iterator[Batch]:
        """One epoch of batches; the same for the same `seed`."""
        generator = np.random.default_rng(seed)
        sound, recordings = self._sound, self._sound.dataset.recordings
        for positions in self._deck.deal(generator):
            drawn = [self._train[position] for position in positions]
            heard = [sound.near(i, int(generator.choice(recordings[i].slices)), generator) for i in drawn]
            picked = [self._noise[generator.integers(len(self._noise))] for _ in drawn] if self._noise else []
            noise = [sound.at(*place) for place in picked]
            silence = np.zeros((0, sound.window), np.float32)
            yield Batch(np.stack(heard), self._targets[positions], np.stack(noise) if noise else silence)
