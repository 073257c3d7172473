"""Reading windows: the right sound, the same for the same seed, and every species equally often."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.trainer import data
from services.trainer.data import Deck, Sound, TrainingData, targets
from services.trainer.frozen_dataset import Dataset
from shared.audio.constants import STEP_SAMPLES, WINDOW_SAMPLES
from shared.audio.slices import pad_window, windows
from shared.audio.wav import read_prepared
from tests.services.trainer.conftest import small_config

Garden = Callable[..., Dataset]
AudioPath = Callable[[str], Path]


def test_a_window_is_the_sound_at_that_place(garden: Garden, audio_path: AudioPath) -> None:
    dataset = garden()
    sound = Sound(dataset, audio_path)
    whole = read_prepared(audio_path(dataset.recordings[-1].audio))
    np.testing.assert_array_equal(sound.at(11, 5_000), whole[5_000 : 5_000 + WINDOW_SAMPLES])
    short = read_prepared(audio_path(dataset.recordings[0].audio))
    np.testing.assert_array_equal(sound.at(0, 0), pad_window(short))


def test_a_recording_that_gave_way_to_others_is_fetched_again(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    dataset = garden()

    def fetched(key: str) -> Path:
        here, kept = audio_path(key), tmp_path / "kept" / key
        kept.parent.mkdir(parents=True, exist_ok=True)
        if here.exists():
            here.rename(kept)
        shutil.copy(kept, here)
        return here

    sound = Sound(dataset, fetched)
    before = sound.at(11, 5_000)
    audio_path(dataset.recordings[11].audio).unlink()
    np.testing.assert_array_equal(sound.at(11, 5_000), before)


def test_a_long_recording_is_heard_in_pieces_that_have_its_windows(
    garden: Garden, audio_path: AudioPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = garden()
    index = len(dataset.recordings) - 1
    whole = read_prepared(audio_path(dataset.recordings[index].audio))
    starts = windows(len(whole), step=STEP_SAMPLES)
    assert len(starts) == 3
    (at_once,) = Sound(dataset, audio_path).pieces(index)
    np.testing.assert_array_equal(at_once, whole)
    monkeypatch.setattr(data, "PIECE", 2)
    first, rest = Sound(dataset, audio_path).pieces(index)
    np.testing.assert_array_equal(first, whole[: starts[1] + WINDOW_SAMPLES])
    np.testing.assert_array_equal(rest, whole[starts[2] :])


def test_a_random_window_stays_inside_and_a_short_recording_goes_round(garden: Garden, audio_path: AudioPath) -> None:
    dataset = garden()
    sound, generator = Sound(dataset, audio_path), np.random.default_rng(0)
    long = read_prepared(audio_path(dataset.recordings[-1].audio))
    shorts = read_prepared(audio_path(dataset.recordings[0].audio))
    places = set()
    for _ in range(20):
        window = sound.near(11, 0, generator)
        place = next(s for s in range(len(long)) if long[s] == window[0] and (long[s : s + 50] == window[:50]).all())
        np.testing.assert_array_equal(window, long[place : place + WINDOW_SAMPLES])
        places.add(place)
        round_trip = sound.near(0, 0, generator)
        assert sorted(round_trip[: len(shorts)]) == sorted(shorts)
    assert len(places) > 3
    assert max(places) <= WINDOW_SAMPLES // 2


def test_a_deck_deals_each_species_equally_often_and_each_recording_too() -> None:
    labels = np.array([0] * 50 + [1] * 7 + [2] * 1)
    deck = Deck(labels, cards=90, batch_size=16)
    dealt = deck.deal(np.random.default_rng(0))
    assert len(dealt) == deck.batches
    assert all(16 <= len(batch) < 32 for batch in dealt)
    positions = np.concatenate(dealt)
    assert Counter(labels[positions]) == {0: 30, 1: 30, 2: 30}
    assert set(Counter(positions[labels[positions] == 1]).values()) <= {4, 5}


def test_an_epoch_is_repeated_by_its_seed_and_differs_from_the_next(garden: Garden, audio_path: AudioPath) -> None:
    dataset = garden()
    data = TrainingData(Sound(dataset, audio_path), list(range(12)), small_config(min_batches=1))
    first, again, other = (list(data.epoch(seed)) for seed in ((0, 1), (0, 1), (0, 2)))
    assert len(first) == data.batches_per_epoch == 3
    assert all(np.array_equal(a.windows, b.windows) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.windows, b.windows) for a, b in zip(first, other, strict=True))
    assert first[0].noise.shape == first[0].windows.shape


def test_few_recordings_still_make_enough_batches_and_no_noise_is_no_trouble(
    garden: Garden, audio_path: AudioPath
) -> None:
    dataset = garden(birds=2, people=1)
    data = TrainingData(Sound(dataset, audio_path), [0, 1], small_config(min_batches=6))
    batches = list(data.epoch((0,)))
    assert len(batches) == 6
    assert batches[0].noise.shape == (0, WINDOW_SAMPLES)


def test_background_species_count_half_and_unknown_ones_nothing(garden: Garden) -> None:
    dataset = garden(people=1)
    first = dataset.recordings[0].model_copy(update={"secondary": ("Avis tertia", "Avis ignota", "Avis prima")})
    np.testing.assert_array_equal(targets([first], dataset.names), [[1.0, 0.0, 0.5]])
