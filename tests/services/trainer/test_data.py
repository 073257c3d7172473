"""Reading windows: the right sound, the same for the same seed, and every species equally often."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from services.trainer import data
from services.trainer.config import AugmentConfig
from services.trainer.data import Deck, Sound, TrainingData, noise_of, targets
from services.trainer.frozen_dataset import Dataset
from shared.audio.constants import SAMPLE_RATE, STEP_SAMPLES, WINDOW_SAMPLES
from shared.audio.slices import pad_window, windows
from shared.audio.wav import as_float, open_prepared, read_prepared
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
        window = as_float(sound.near(11, 0, 0.5, generator))
        place = next(s for s in range(len(long)) if long[s] == window[0] and (long[s : s + 50] == window[:50]).all())
        np.testing.assert_array_equal(window, long[place : place + WINDOW_SAMPLES])
        places.add(place)
        round_trip = as_float(sound.near(0, 0, 0.5, generator))
        assert sorted(round_trip[: len(shorts)]) == sorted(shorts)
    assert len(places) > 3
    assert max(places) <= WINDOW_SAMPLES // 2
    np.testing.assert_array_equal(as_float(sound.near(11, 900, 0.0, generator)), long[900 : 900 + WINDOW_SAMPLES])


@pytest.mark.parametrize(
    "sections", [((500, 4_000),), ((100, 1_900), (2_100, 4_200), (WINDOW_SAMPLES + 100, WINDOW_SAMPLES + 3_000))]
)
def test_a_moved_window_keeps_the_bird(
    garden: Garden, audio_path: AudioPath, sections: tuple[tuple[int, int], ...]
) -> None:
    """Of a call at the beginning of a slice, most windows nearby hold nothing."""
    dataset = garden()
    recording = dataset.recordings[-1].model_copy(update={"signal_sections": sections})
    sound = Sound(dataset.model_copy(update={"recordings": (*dataset.recordings[:-1], recording)}), audio_path)
    sings = np.zeros(recording.samples, bool)
    for first, end in sections:
        sings[first:end] = True
    whole, generator = open_prepared(audio_path(recording.audio)), np.random.default_rng(0)
    starts = set()
    for _ in range(30):
        window = sound.near(11, 0, 0.5, generator)
        start = next(s for s in range(len(whole)) if whole[s] == window[0] and (whole[s : s + 50] == window[:50]).all())
        assert sings[start : start + WINDOW_SAMPLES].sum() >= 0.15 * SAMPLE_RATE
        starts.add(start)
    assert len(starts) > 1


def test_of_what_was_marked_without_saying_where_the_slice_itself_is_drawn(
    garden: Garden, audio_path: AudioPath
) -> None:
    dataset = garden()
    marked = dataset.recordings[-1].model_copy(update={"marked": True, "slices": (5_000,)})
    sound = Sound(dataset.model_copy(update={"recordings": (*dataset.recordings[:-1], marked)}), audio_path)
    np.testing.assert_array_equal(sound.near(11, 5_000, 0.5, np.random.default_rng(0)), sound.stored(11, 5_000))


def test_a_short_piece_of_noise_fills_a_window_without_a_seam(garden: Garden, audio_path: AudioPath) -> None:
    sound, generator = Sound(garden(), audio_path), np.random.default_rng(0)
    whole = open_prepared(audio_path(sound.dataset.recordings[-1].audio))
    filled = sound.background(11, 2_000, 13_000, generator)
    assert filled.shape == (WINDOW_SAMPLES,)
    assert set(filled) <= set(whole[2_000:13_000])
    steps = np.abs(np.diff(filled.astype(int)))
    assert steps.max() <= np.abs(np.diff(whole[2_000:13_000].astype(int))).max()
    long = sound.background(11, 1_000, len(whole), generator)
    assert any((whole[s : s + WINDOW_SAMPLES] == long).all() for s in range(1_000, len(whole) - WINDOW_SAMPLES + 1))


def test_noise_comes_from_the_sections_of_training_recordings_and_from_background_in_their_folds(
    garden: Garden,
) -> None:
    dataset = garden()
    of_all = list(dataset.recordings)
    of_all[0] = of_all[0].model_copy(update={"noise_sections": ((10, 4_000), (5_000, 45_000)), "noise": (0,)})
    for fold in (0, 1):
        mere = {"background": True, "slices": (), "noise": (), "noise_sections": ((0, 9_000),), "fold": fold}
        of_all.append(dataset.recordings[0].model_copy(update={"label": "rain", **mere}))
    dataset = dataset.model_copy(update={"recordings": tuple(of_all)})
    found = noise_of(dataset, [0, 1, 2])
    assert [noise.index for noise in found] == [0, 12], "fold 1 is not trained on"
    generator = np.random.default_rng(0)
    spans = Counter(found[0].span(generator) for _ in range(400))
    assert set(spans) == {(10, 4_000), (5_000, 45_000)}
    assert 0.04 < spans[10, 4_000] / 400 < 0.16, "as often as it is long"
    assert [noise.index for noise in noise_of(dataset, range(12))] == [0, 3, 4, 5, 12, 13], "slices where nothing else"


def test_a_deck_deals_each_species_equally_often_and_each_recording_too() -> None:
    labels = np.array([0] * 50 + [1] * 7 + [2] * 1)
    deck = Deck(labels, cards=90, batch_size=16, balance=1.0)
    dealt = deck.deal(np.random.default_rng(0))
    assert len(dealt) == deck.batches
    assert all(16 <= len(batch) < 32 for batch in dealt)
    positions = np.concatenate(dealt)
    assert Counter(labels[positions]) == {0: 30, 1: 30, 2: 30}
    assert set(Counter(positions[labels[positions] == 1]).values()) <= {4, 5}


@pytest.mark.parametrize(("balance", "counts"), [(0.0, {0: 64, 1: 16, 2: 4}), (0.5, {0: 48, 1: 24, 2: 12})])
def test_a_deck_without_balance_deals_each_card_equally_often(balance: float, counts: dict[int, int]) -> None:
    labels = np.array([0] * 16 + [1] * 4 + [2] * 1)
    positions = np.concatenate(Deck(labels, 84, 16, balance).deal(np.random.default_rng(0)))
    assert Counter(labels[positions]) == counts


def test_an_epoch_is_repeated_by_its_seed_and_differs_from_the_next(garden: Garden, audio_path: AudioPath) -> None:
    dataset = garden()
    data = TrainingData(
        Sound(dataset, audio_path),
        list(range(12)),
        small_config(min_batches=1, augment={"time_shift": 0.5, "noise": 1.0}),
    )
    first, again, other = (list(data.epoch(seed)) for seed in ((0, 1), (0, 1), (0, 2)))
    assert len(first) == data.batches_per_epoch == 3
    assert all(np.array_equal(a.windows, b.windows) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.windows, b.windows) for a, b in zip(first, other, strict=True))
    assert first[0].noise.shape == first[0].windows.shape


def test_every_slice_is_dealt_once_where_it_is_asked_for(garden: Garden, audio_path: AudioPath) -> None:
    dataset = garden(birds=2, people=2)
    last = dataset.recordings[-1].model_copy(update={"slices": (0, 5_000, 9_000)})
    sound = Sound(dataset.model_copy(update={"recordings": (*dataset.recordings[:-1], last)}), audio_path)
    config = small_config(crops_per_recording=0, min_batches=1, balance=0.0, batch_size=6, augment=AugmentConfig())
    data = TrainingData(sound, [0, 1, 2, 3], config)
    (batch,) = data.epoch((0,))
    slices = [(i, start) for i in range(4) for start in sound.dataset.recordings[i].slices]
    assert {window.tobytes() for window in batch.windows} == {sound.stored(*place).tobytes() for place in slices}
    assert len(batch.windows) == len(slices) == 6


def test_for_each_window_another_one_of_its_species_is_there_to_be_mixed_in(
    garden: Garden, audio_path: AudioPath
) -> None:
    dataset = garden(birds=2, people=3)
    sound = Sound(dataset, audio_path)
    config = small_config(min_batches=1, augment={"time_shift": 0.0, "same_class": 1.0})
    of = {sound.stored(i, 0).tobytes(): i for i in range(len(dataset.recordings))}
    for batch in TrainingData(sound, [0, 1, 2, 3, 5], config).epoch((0,)):
        for window, same in zip(batch.windows, batch.same, strict=True):
            mine, other = of[window.tobytes()], of[same.tobytes()]
            assert dataset.recordings[mine].label == dataset.recordings[other].label
            assert mine != other


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
    np.testing.assert_array_equal(targets([first], dataset.names, "masked"), [[1.0, 0.0, np.nan]])
    np.testing.assert_array_equal(targets([first], dataset.names, "ignored"), [[1.0, 0.0, 0.0]])
