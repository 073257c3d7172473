"""What reaches the network: the same whether it is read ahead or not, and nothing is left running when it stops."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from services.trainer.config import TrainingConfig
from services.trainer.data import Sound, TrainingData
from services.trainer.feed import Feed
from services.trainer.frozen_dataset import Dataset
from services.trainer.world import World
from shared.audio.frontend import FrontEnd
from tests.services.trainer.conftest import small_config

Garden = Callable[..., Dataset]
AudioPath = Callable[[str], Path]
CPU = torch.device("cpu")
ALL = TrainingConfig().augment.model_copy(update={"same_class": 0.5, "gain_db": 6.0})


def feed_of(dataset: Dataset, audio_path: AudioPath, **changes: Any) -> Feed:
    config = small_config(**changes)
    data = TrainingData(Sound(dataset, audio_path), range(len(dataset.recordings)), config)
    return Feed(data, FrontEnd(config.picture), config, CPU)


def epoch(feed: Feed, seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [feed.pictures(batch, generator) for batch in feed.batches((seed,))]


def test_reading_ahead_changes_no_pixel_and_a_seed_repeats_an_epoch(garden: Garden, audio_path: AudioPath) -> None:
    dataset = garden()
    ahead, later = (epoch(feed_of(dataset, audio_path, augment=ALL, prefetch=n), 5) for n in (3, 0))
    assert all(
        torch.equal(a, b) for one, other in zip(ahead, later, strict=True) for a, b in zip(one, other, strict=True)
    )
    other = epoch(feed_of(dataset, audio_path, augment=ALL), 6)
    assert not torch.equal(ahead[0][0], other[0][0])
    pictures, targets = ahead[0]
    assert pictures.shape == (4, 1, 32, 216)
    assert targets.shape == (4, 3)


def test_without_augmentation_a_picture_is_what_serving_makes_of_the_window(
    garden: Garden, audio_path: AudioPath
) -> None:
    dataset, picture = garden(people=1), small_config().picture
    sound, front_end = Sound(dataset, audio_path), FrontEnd(picture)
    (pictures, targets), *_ = epoch(
        feed_of(dataset, audio_path, augment={**ALL.model_dump(), **dict.fromkeys(OFF, 0)}), 1
    )
    for heard, target in zip(pictures, targets, strict=True):
        served = front_end(torch.from_numpy(sound.at(int(target.argmax()), 0))[None])[0]
        torch.testing.assert_close(heard, served, rtol=1e-3, atol=1e-3)


OFF = [name for name in type(ALL).model_fields if name not in ("mixup_quietest_db", "noise_snr_db")]


def test_the_original_adds_the_picture_of_noise_to_the_picture_of_the_bird(
    garden: Garden, audio_path: AudioPath
) -> None:
    dataset = garden()
    original = {"recipe": "original", "front_end": "original", "augment": {}, "batch_size": 12}
    with_noise, without = (
        epoch(feed_of(dataset, audio_path, **{**original, "augment": {"picture_noise": share}}), 3)[0][0]
        for share in (0.4, 0.0)
    )
    assert with_noise.amin() == 0
    assert with_noise.amax() == 1
    assert (with_noise > without + 0.2).any(), "somewhere there is noise now"
    assert (without > 0.9).any()


def test_processes_share_every_batch(garden: Garden, audio_path: AudioPath) -> None:
    config, dataset = small_config(augment=ALL), garden()
    data, front_end = TrainingData(Sound(dataset, audio_path), range(12), config), FrontEnd(small_config().picture)
    whole = list(Feed(data, front_end, config, CPU).batches((0,)))
    parts = [Feed(data, front_end, config, CPU, World(CPU, rank, size=3).share) for rank in range(3)]
    for batch, *shares in zip(whole, *(part.batches((0,)) for part in parts), strict=True):
        assert [share.of for share in shares] == [batch.of] * 3
        for name in ("windows", "targets", "noise", "same"):
            theirs = {tuple(row.flatten()[:50].tolist()) for share in shares for row in getattr(share, name)}
            assert theirs == {tuple(row.flatten()[:50].tolist()) for row in getattr(batch, name)}
        assert sum(len(share.windows) for share in shares) == batch.of


def test_a_step_that_fails_ends_the_reading(garden: Garden, audio_path: AudioPath) -> None:
    feed = feed_of(garden(), audio_path, min_batches=20)

    def learn() -> None:
        for number, _ in enumerate(feed.batches((0,))):
            if number == 2:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        learn()
    assert not any(thread.name.startswith("prefetch") for thread in threading.enumerate())


def test_a_recording_that_cannot_be_read_is_an_error_of_the_epoch(garden: Garden, audio_path: AudioPath) -> None:
    dataset = garden()
    audio_path(dataset.recordings[4].audio).unlink()
    with pytest.raises(FileNotFoundError):
        epoch(feed_of(dataset, audio_path, min_batches=6), 0)
