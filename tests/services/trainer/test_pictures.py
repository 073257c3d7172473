"""Pictures made before the training: the same as those made in it, made once, and whole or not there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from services.trainer import pictures as module
from services.trainer.config import TrainingConfig
from services.trainer.data import Sound, TrainingData
from services.trainer.feed import Feed
from services.trainer.frozen_dataset import Dataset
from services.trainer.pictures import Pictures, make_pictures
from services.trainer.progress import Progress
from services.trainer.train import train
from shared.audio.frontend import FrontEnd
from shared.errors import InvalidInput, StorageFull
from tests.services.trainer.conftest import QUIET, small_config, write_prepared

Garden = Callable[..., Dataset]
AudioPath = Callable[[str], Path]


def quiet_config(**changes: Any) -> TrainingConfig:
    return small_config(**{"pictures": "precomputed", "augment": QUIET, **changes})


def never() -> None:
    """Nobody asks it to stop."""


@pytest.fixture
def sound(garden: Garden, audio_path: AudioPath) -> Sound:
    dataset = garden()
    last = dataset.recordings[-1].model_copy(update={"slices": (0, 7_000), "noise_sections": ((0, 9_000),)})
    return Sound(dataset.model_copy(update={"recordings": (*dataset.recordings[:-1], last)}), audio_path)


def made(sound: Sound, folder: Path, told: list[Progress] | None = None, **changes: Any) -> Pictures:
    report = (told if told is not None else []).append
    return make_pictures(sound, quiet_config(**changes), folder, report, never)


def test_they_are_those_that_serving_makes_of_the_slices(sound: Sound, tmp_path: Path) -> None:
    kept, front_end = made(sound, tmp_path / "pictures"), FrontEnd(quiet_config().picture)
    for index, recording in enumerate(sound.dataset.recordings):
        for start in recording.slices:
            served = front_end(torch.from_numpy(sound.at(index, start))[None])[0, 0].numpy()
            np.testing.assert_array_equal(kept.of_slice(index, start), served.astype(np.float16))


def test_they_are_made_once_for_a_dataset_and_a_front_end(sound: Sound, tmp_path: Path) -> None:
    told: list[Progress] = []
    first = made(sound, tmp_path / "pictures", told)
    assert told
    assert told[-1].message == "Making picture 17 of 17"
    told.clear()
    again = made(sound, tmp_path / "pictures", told)
    assert not told
    np.testing.assert_array_equal(first.of_slice(11, 7_000), again.of_slice(11, 7_000))
    other = quiet_config().picture.model_copy(update={"n_mels": 16})
    assert made(sound, tmp_path / "pictures", told, front_end=other).shape == (16, 216)
    assert told


def test_noise_of_recordings_that_are_held_out_is_never_drawn(sound: Sound, tmp_path: Path) -> None:
    kept, generator = made(sound, tmp_path / "pictures"), np.random.default_rng(0)
    source = kept.source([0, 1, 2, 3])
    allowed = front_end_of_noise(sound, 3)
    assert source.has_noise
    assert {source.noise(generator).tobytes() for _ in range(20)} == {allowed.astype(np.float16).tobytes()}
    assert not kept.source([0, 1, 2]).has_noise


def front_end_of_noise(sound: Sound, index: int) -> np.ndarray[Any, Any]:
    """Of a recording whose noise is one window from its beginning."""
    served: np.ndarray[Any, Any] = FrontEnd(quiet_config().picture)(torch.from_numpy(sound.at(index, 0))[None])[
        0, 0
    ].numpy()
    return served


def test_stopped_in_the_middle_nothing_is_left_that_could_be_taken_for_whole(sound: Sound, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    def stop() -> None:
        raise Cancelled

    folder = tmp_path / "pictures"
    with pytest.raises(Cancelled):
        make_pictures(sound, quiet_config(), folder, lambda progress: None, stop)
    assert not [path for path in folder.iterdir() if path.suffix != ".lock"]
    (folder / "half.npy.part").write_bytes(b"what a kill -9 leaves")
    assert made(sound, folder).of_slice(0, 0).shape == (32, 216)


def test_without_room_for_them_it_says_what_to_do(
    sound: Sound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE_BYTES", 10**18)
    with pytest.raises(StorageFull, match="pictures = 'raw'"):
        made(sound, tmp_path / "pictures")


def test_a_front_end_beyond_float16_is_refused(sound: Sound, audio_path: AudioPath, tmp_path: Path) -> None:
    tone = np.sin(np.arange(sound.dataset.recordings[0].samples) * 0.3).astype(np.float32)
    write_prepared(audio_path(sound.dataset.recordings[0].audio), tone)
    loud = quiet_config().picture.model_copy(update={"compression": "power", "normalisation": "none", "n_fft": 16_384})
    with pytest.raises(InvalidInput, match="do not fit into float16"):
        made(sound, tmp_path / "pictures", front_end=loud)


@pytest.mark.usefixtures("model_file_alone")
def test_a_network_learns_from_them_and_another_run_finds_them(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    dataset, told = garden(), list[Progress]()
    for name, epochs in (("first", 8), ("second", 1)):
        trained = train(
            dataset,
            quiet_config(epochs=epochs),
            audio_path=audio_path,
            work_dir=tmp_path / name,
            report=told.append,
            should_stop=never,
            pictures_dir=tmp_path / "pictures",
        )
        assert trained.manifest.metrics["macro_top1"].value == 1.0 or epochs == 1
        assert trained.manifest.training["pictures"] == "precomputed"
    assert [each.stage for each in told].count("pictures") == 1


def test_raw_and_precomputed_feed_the_same_pictures_where_the_sound_is_left_alone(sound: Sound, tmp_path: Path) -> None:
    kept, train_on = made(sound, tmp_path / "pictures"), range(12)
    fed = []
    for config, source in ((quiet_config(), kept.source(train_on)), (quiet_config(pictures="raw"), None)):
        feed = Feed(
            TrainingData(sound, train_on, config, source), FrontEnd(config.picture), config, torch.device("cpu")
        )
        generator = torch.Generator().manual_seed(1)
        fed.append([feed.pictures(batch, generator) for batch in feed.batches((1,))])
    for (precomputed, labels), (raw, same_labels) in zip(*fed, strict=True):
        torch.testing.assert_close(precomputed, raw, rtol=2e-3, atol=5e-3)
        assert torch.equal(labels, same_labels)
