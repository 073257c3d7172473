"""Pictures made once, before the training: the second mode, for machines on which making them takes long.

What is kept is one float16 array for each dataset and front end, read as a memory map. The pictures are of slices as
they are cut, so nothing can be changed in their sound any more.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from services.trainer.config import TrainingConfig
from services.trainer.data import Sound, Stored, noise_of
from services.trainer.machine import pick_device
from services.trainer.progress import Progress
from shared.audio.frontend import FrontEnd
from shared.audio.wav import as_float
from shared.errors import InvalidInput, StorageFull
from shared.storage.cache import FileCache

MAX_BYTES = 50 * 10**9
"""Of pictures that are kept on a machine; those that were not used for longest go first."""
SPARE_BYTES = 10**9
NOISE_PICTURES = 4
"""Of each recording's background, as in the original work."""
BACKGROUND_PICTURES = 64
"""Of each recording that is noise from end to end."""
CHUNK = 64
FORMAT = 1

Pixels = npt.NDArray[np.float16]


class Pictures:
    """The pictures of a dataset's slices, and of some of its noise."""

    def __init__(self, sound: Sound, rows: Pixels, noise: Sequence[int]) -> None:
        """`rows` are those of all slices, recording by recording, then those of `noise`: whose they are."""
        self._dataset = sound.dataset
        self._rows = rows
        self._first = np.cumsum([0, *(len(recording.slices) for recording in sound.dataset.recordings)])
        self._noise = np.array(noise, dtype=np.int64)

    def source(self, train: Sequence[int]) -> "PictureSource":
        """What a run may learn from that trains on these recordings."""
        usable = [noise.index for noise in noise_of(self._dataset, train)]
        rows = int(self._first[-1]) + np.flatnonzero(np.isin(self._noise, usable))
        return PictureSource(self, rows)

    def of_slice(self, index: int, start: int) -> Pixels:
        """(n_mels, frames)."""
        return self.at(int(self._first[index]) + self._dataset.recordings[index].slices.index(start))

    def at(self, row: int) -> Pixels:
        picture: Pixels = self._rows[row]
        return picture

    @property
    def shape(self) -> tuple[int, ...]:
        return self._rows.shape[1:]


class PictureSource:
    """Pictures for one run, as `services.trainer.data.Source` wants them."""

    def __init__(self, pictures: Pictures, noise_rows: npt.NDArray[np.int64]) -> None:
        self._pictures, self._noise_rows = pictures, noise_rows
        self.shape, self.has_noise = pictures.shape, bool(len(noise_rows))

    def window(self, index: int, start: int, generator: np.random.Generator) -> Pixels:
        return self._pictures.of_slice(index, start)

    def noise(self, generator: np.random.Generator) -> Pixels:
        return self._pictures.at(int(self._noise_rows[generator.integers(len(self._noise_rows))]))


def make_pictures(
    sound: Sound,
    config: TrainingConfig,
    folder: Path,
    report: Callable[[Progress], None],
    should_stop: Callable[[], None],
) -> Pictures:
    """The pictures of this dataset by this front end: those in `folder`, or new ones, which are then kept there.

    Several processes may ask at once; one makes them. Raises StorageFull, and InvalidInput where they need float32.
    """
    folder.mkdir(parents=True, exist_ok=True)
    noise = _noise_windows(sound)
    kept, key = FileCache(folder, MAX_BYTES), _key(sound, config)
    with (folder / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = kept.find(key)
        if path is None:
            part = folder / f"{key}.part"
            try:
                _write(part, sound, noise, config, report, should_stop)
                path = kept.admit(part, key)
            finally:
                part.unlink(missing_ok=True)
        rows = np.load(path, mmap_mode="r")  # what is mapped can be read on, also after it gave way to others
    return Pictures(sound, rows, [index for index, _ in noise])


def _write(
    part: Path,
    sound: Sound,
    noise: Sequence[tuple[int, tuple[int, int]]],
    config: TrainingConfig,
    report: Callable[[Progress], None],
    should_stop: Callable[[], None],
) -> None:
    picture = config.picture
    total = sound.dataset.slices + len(noise)
    shape = (total, picture.n_mels, picture.frames)
    device = pick_device(config)
    front_end = FrontEnd(picture).to(device)
    rows = _room_for(part, shape)
    windows = _windows(sound, noise)
    done = 0
    while chunk := list(islice(windows, CHUNK)):
        should_stop()
        with torch.inference_mode():
            made = front_end(torch.from_numpy(as_float(np.stack(chunk))).to(device)).squeeze(1).half().cpu().numpy()
        if not np.isfinite(made).all():
            raise InvalidInput(
                "The pictures of this front end do not fit into float16.",
                hint="Take a front end that normalises, or make pictures while training: pictures = 'raw'.",
            )
        rows[done : done + len(made)] = made
        done += len(made)
        report(Progress(stage="pictures", fraction=0.0, message=f"Making picture {done:,} of {total:,}"))
    rows.flush()


def _windows(sound: Sound, noise: Sequence[tuple[int, tuple[int, int]]]) -> Iterator[Stored]:
    """All that become pictures, in the order of their rows, int16, (window,)."""
    for index, recording in enumerate(sound.dataset.recordings):
        for start in recording.slices:
            yield sound.stored(index, start)
    generator = np.random.default_rng(0)
    for index, (first, end) in noise:
        yield sound.background(index, first, end, generator)


def _noise_windows(sound: Sound) -> list[tuple[int, tuple[int, int]]]:
    """Which stretches of noise become pictures: of each recording a few moments, each as likely as any other."""
    generator = np.random.default_rng(0)
    found = []
    recordings = sound.dataset.recordings
    for noise in noise_of(sound.dataset, range(len(recordings))):
        few = BACKGROUND_PICTURES if recordings[noise.index].background else NOISE_PICTURES
        # No more than there are windows in it: the same ones again would be of no use.
        found += [(noise.index, noise.span(generator)) for _ in range(min(few, max(1, noise.samples // sound.window)))]
    return found


def _key(sound: Sound, config: TrainingConfig) -> str:
    """Names the pictures by all that they depend on."""
    content = f"{FORMAT}\n{sound.dataset.sha256}\n{config.picture.model_dump_json()}"
    return f"{hashlib.sha256(content.encode()).hexdigest()}.npy"


def _room_for(part: Path, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[np.float16]]":
    """An array in a file whose room is set aside at once: a map into a full disk would kill the process later."""
    needed = 2 * int(np.prod(shape))
    full = StorageFull(
        f"The pictures of this dataset take {needed / 1e9:.1f} GB, and there is no room for them.",
        hint="Make room, take fewer slices, or make the pictures while training: pictures = 'raw'.",
    )
    if needed + SPARE_BYTES > shutil.disk_usage(part.parent).free:
        raise full
    rows = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=shape)
    try:
        with part.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
    except OSError as error:
        raise full from error
    return rows
