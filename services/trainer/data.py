"""From the frozen dataset to batches of raw windows: memory-mapped prepared WAVs, read where a batch needs them.

Only sound leaves this module; pictures and augmentation are made on the training device, a batch at a time.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from services.trainer.config import TrainingConfig
from services.trainer.frozen_dataset import Dataset, Recording, Span
from shared.audio.slices import MIN_SIGNAL_SECONDS, pad_window, windows
from shared.audio.wav import as_float, open_prepared, read_prepared

Windows = npt.NDArray[np.float32]
Stored = npt.NDArray[np.int16]
Content = npt.NDArray[Any]
"""int16 sound or float16 pictures."""
AudioPath = Callable[[str], Path]

SECONDARY_WEIGHT = 0.5
"""A species named as heard in the background counts half: often it is not in this very window."""

PIECE = 240
"""Windows, ten minutes, that are heard at once."""

MAPS = 256
"""Recordings that stay mapped: to map one takes longer than to copy a window out of it."""

ALL = slice(None)

TRIES = 8
"""To find a window with signal, beside the slice itself."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from. Sound is int16 as it is stored: half the way to a GPU; pictures are float16."""

    windows: Content
    """(batch, samples), or pictures made before, (batch, n_mels, frames)."""
    targets: npt.NDArray[np.float32]
    """(batch, classes), 0..1; NaN where nobody knows."""
    noise: Content
    """Background to mix in, as many and of the same kind; empty where the dataset has none or none is asked for."""
    same: Content
    """For each window another one of its species; empty unless it is asked for."""
    of: int
    """Windows of the whole, where this is one process's share of it."""


class Sound:
    """The sound of a dataset's recordings, window by window."""

    def __init__(self, dataset: Dataset, audio_path: AudioPath) -> None:
        self.dataset = dataset
        self.window = dataset.window
        self._audio_path = audio_path
        self._map = lru_cache(MAPS)(self._mapped)

    def path(self, index: int) -> Path:
        """To be opened at once: a file that is not in use may give way to others and come back when it is asked for."""
        return self._audio_path(self.dataset.recordings[index].audio)

    def at(self, index: int, start: int) -> Windows:
        """The window of recording `index` that starts at sample `start`, filled as in serving, (window,)."""
        return as_float(self.stored(index, start))

    def stored(self, index: int, start: int) -> Stored:
        """The same as int16, as it is stored."""
        content: Stored = self._map(index)[start : start + self.window]
        return content if len(content) == self.window else pad_window(content, self.window)

    def _mapped(self, index: int) -> Stored:
        return open_prepared(self.path(index))

    def near(self, index: int, start: int, shift: float, generator: np.random.Generator) -> Stored:
        """A window up to `shift` windows before or after `start`, inside the recording, int16, (window,).

        It holds as much signal as makes a slice; where chance finds none such, it is the slice itself. A recording
        shorter than a window begins anywhere and goes round.
        """
        recording = self.dataset.recordings[index]
        if not shift:
            return self.stored(index, start)
        if recording.samples <= self.window:
            whole = self._map(index)
            return pad_window(np.roll(whole, -int(generator.integers(len(whole)))), self.window)
        reach = int(shift * self.window)
        for _ in range(TRIES):
            moved = start + int(generator.integers(-reach, reach + 1))
            moved = min(max(moved, 0), recording.samples - self.window)
            if self._holds_enough(recording, moved, start):
                return self.stored(index, moved)
        return self.stored(index, start)

    def _holds_enough(self, recording: Recording, moved: int, start: int) -> bool:
        if not recording.signal_sections:
            # Of a dataset that does not tell: the recording's own bird is likely to go on, a marked one is not.
            return not recording.marked
        asked = min(MIN_SIGNAL_SECONDS * self.dataset.sample_rate, self._signal(recording, start))
        return self._signal(recording, moved) >= asked

    def _signal(self, recording: Recording, start: int) -> int:
        """Samples of signal in the window from `start`."""
        stop, sections = start + self.window, recording.signal_sections
        held = 0
        for first, end in sections[bisect_right(sections, start, key=lambda section: section[1]) :]:
            if first >= stop:
                break
            held += min(end, stop) - max(first, start)
        return held

    def background(self, index: int, first: int, end: int, generator: np.random.Generator) -> Stored:
        """A window of mere noise from between two samples of a recording, int16, (window,).

        A shorter piece goes there and back again, from anywhere: so it has no seam that could be heard.
        """
        if end - first >= self.window:
            return self.stored(index, first + int(generator.integers(end - first - self.window + 1)))
        piece = self._map(index)[first:end]
        there_and_back = np.concatenate([piece, piece[::-1]])
        return pad_window(
            np.roll(there_and_back, int(generator.integers(len(there_and_back))))[: self.window], self.window
        )

    def pieces(self, index: int) -> Iterator[Windows]:
        """A recording as serving hears it: as a whole, or, where it is long, in pieces that end where a window ends.

        The windows of the pieces, one after the other, are those of the recording.
        """
        samples, step = self.dataset.recordings[index].samples, self.window // 2
        starts = windows(samples, window=self.window, step=step)
        for first in range(0, len(starts), PIECE):
            last = starts[min(first + PIECE, len(starts)) - 1]
            yield read_prepared(self.path(index), starts[first], min(last + self.window, samples))


def targets(
    recordings: Sequence[Recording], names: Sequence[str], secondary: Literal["soft", "masked", "ignored"] = "soft"
) -> npt.NDArray[np.float32]:
    """1 for a recording's species, (recordings, classes).

    Those in its background: soft, less than 1; masked, NaN (neither right nor wrong); ignored, 0 as all others.
    """
    weight = {"soft": SECONDARY_WEIGHT, "masked": np.nan, "ignored": 0.0}[secondary]
    place = {name: column for column, name in enumerate(names)}
    table = np.zeros((len(recordings), len(names)), dtype=np.float32)
    for row, recording in enumerate(recordings):
        for other in recording.secondary:
            if other in place:
                table[row, place[other]] = weight
        table[row, place[recording.label]] = 1.0
    return table


class Noise:
    """Where mere noise is in one recording."""

    def __init__(self, index: int, spans: Sequence[Span]) -> None:
        self.index = index
        self._spans = spans
        self._ends = np.cumsum([end - first for first, end in spans])

    @property
    def samples(self) -> int:
        """In all."""
        return int(self._ends[-1])

    def span(self, generator: np.random.Generator) -> Span:
        """One of its stretches, in samples; each moment is as likely as any other."""
        return self._spans[int(np.searchsorted(self._ends, generator.integers(self.samples), side="right"))]


def noise_of(dataset: Dataset, train: Sequence[int]) -> list[Noise]:
    """Of the recordings that train and have some, and of those in the same folds that are noise from end to end."""
    of_all, folds = dataset.recordings, {dataset.recordings[index].fold for index in train}
    mere = [i for i, recording in enumerate(of_all) if recording.background and recording.fold in folds]
    spans = {index: _noise_spans(of_all[index], dataset.window) for index in [*train, *mere]}
    return [Noise(index, found) for index, found in spans.items() if found]


def _noise_spans(recording: Recording, window: int) -> Sequence[Span]:
    """Its noise sections; of a dataset that does not tell them, its noise slices."""
    return recording.noise_sections or [(start, min(start + window, recording.samples)) for start in recording.noise]


class Deck:
    """The order in which one epoch deals its cards, each of a species.

    With a `balance` of 1 each species comes equally often, and each of its cards too; with 0 each card comes equally
    often. `cards` are dealt, or a few more, in batches of `batch_size` or a little more: a small last batch would make
    batch normalisation noisy, so the rest is shared out.
    """

    def __init__(self, labels: npt.NDArray[np.int64], cards: int, batch_size: int, balance: float) -> None:
        self._members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        shares = np.array([len(members) for members in self._members]) ** (1.0 - balance)
        self._counts = np.ceil(cards * shares / shares.sum()).astype(int)
        self.batches = max(1, int(self._counts.sum()) // batch_size)
        """Per epoch."""

    def deal(self, generator: np.random.Generator) -> list[npt.NDArray[np.int64]]:
        """Positions in `labels`, a batch at a time."""
        drawn = []
        for members, count in zip(self._members, self._counts, strict=True):
            rounds = [generator.permutation(members) for _ in range(-(-count // len(members)))]
            drawn.append(np.concatenate(rounds)[:count])
        return np.array_split(generator.permutation(np.concatenate(drawn)), self.batches)


class Batches(Protocol):
    """What a training run goes through, epoch by epoch."""

    batches_per_epoch: int

    def makers(self, seed: Sequence[int], share: slice = ALL) -> Iterator[Callable[[], Batch]]: ...


class Source(Protocol):
    """Where the windows of a run's training side come from."""

    shape: tuple[int, ...]
    """Of a window."""
    has_noise: bool

    def window(self, index: int, start: int, generator: np.random.Generator) -> Content:
        """Of the slice that starts there."""

    def noise(self, generator: np.random.Generator) -> Content:
        """Mere background, where there is some."""


class RawSource:
    """From the recordings themselves: near a slice, never quite the same."""

    def __init__(self, sound: Sound, train: Sequence[int], config: TrainingConfig) -> None:
        self._sound, self._shift = sound, config.augment.time_shift
        self._noise = noise_of(sound.dataset, train)
        self.shape, self.has_noise = (sound.window,), bool(self._noise)

    def window(self, index: int, start: int, generator: np.random.Generator) -> Stored:
        return self._sound.near(index, start, self._shift, generator)

    def noise(self, generator: np.random.Generator) -> Stored:
        """Each recording equally often, each moment of its noise too."""
        noise = self._noise[generator.integers(len(self._noise))]
        return self._sound.background(noise.index, *noise.span(generator), generator)


class TrainingData:
    """The recordings of one run's training side, as batches of what `source` has of them; left out, of raw sound."""

    def __init__(
        self, sound: Sound, train: Sequence[int], config: TrainingConfig, source: Source | None = None
    ) -> None:
        self._source = source or RawSource(sound, train, config)
        self._same_class = config.augment.same_class > 0
        names = sound.dataset.names
        recordings = [sound.dataset.recordings[i] for i in train]
        self._cards = _cards(sound.dataset, train, each_slice=not config.crops_per_recording)
        self._targets = targets(recordings, names, config.secondary)
        self._row = {index: row for row, index in enumerate(train)}
        labels = np.array([names.index(sound.dataset.recordings[index].label) for index, _ in self._cards])
        self._of_species = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
        self._labels = labels
        cards = max(len(labels) * max(1, config.crops_per_recording), config.batch_size * config.min_batches)
        self._deck = Deck(labels, cards, config.batch_size, config.balance)
        augment = config.augment
        self._noise = self._source.has_noise and bool(augment.noise or augment.nothing or augment.picture_noise)
        self.batches_per_epoch = self._deck.batches

    def makers(self, seed: Sequence[int], share: slice = ALL) -> Iterator[Callable[[], Batch]]:
        """One epoch, to be read batch by batch, in any order and in several threads; the same for the same `seed`.

        Of each batch only the `share` is read; the shares of several processes are what one would read.
        """
        for number, cards in enumerate(self._deck.deal(np.random.default_rng(seed))):
            yield partial(self._batch, cards, (*seed, number), share)

    def epoch(self, seed: Sequence[int]) -> Iterator[Batch]:
        """One epoch of batches, one after the other."""
        return (make() for make in self.makers(seed))

    def _batch(self, cards: npt.NDArray[np.int64], seed: Sequence[int], share: slice) -> Batch:
        # A window's chance is its own: it does not depend on who else is read here.
        chances = [np.random.default_rng((*seed, place)) for place in range(len(cards))[share]]
        mine = list(zip(cards[share], chances, strict=True))
        windows = self._stack([self._drawn(card, chance) for card, chance in mine])
        noise = self._stack([self._source.noise(chance) for _, chance in mine] if self._noise else [])
        others = [(self._another(card, chance), chance) for card, chance in mine] if self._same_class else []
        same = self._stack([self._drawn(card, chance) for card, chance in others])
        rows = [self._row[self._cards[card][0]] for card, _ in mine]
        return Batch(windows, self._targets[rows], noise, same, of=len(cards))

    def _drawn(self, card: int, generator: np.random.Generator) -> Content:
        index, starts = self._cards[card]
        return self._source.window(index, starts[generator.integers(len(starts))], generator)

    def _another(self, card: int, generator: np.random.Generator) -> int:
        """Another card of the same species, or this one where it is the only one."""
        of_species = self._of_species[self._labels[card]]
        others = of_species[of_species != card]
        return int(others[generator.integers(len(others))]) if len(others) else card

    def _stack(self, windows: Sequence[Content]) -> Content:
        return np.stack(windows) if windows else np.zeros((0, *self._source.shape), np.int16)


def _cards(dataset: Dataset, train: Sequence[int], *, each_slice: bool) -> list[tuple[int, tuple[int, ...]]]:
    """What is dealt: recordings with all their slices to choose from, or slices by themselves."""
    recordings = [(index, dataset.recordings[index].slices) for index in train]
    return [(index, (start,)) for index, starts in recordings for start in starts] if each_slice else recordings
