from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.constants import SAMPLE_RATE, STEP_SAMPLES, STEP_SECONDS, WINDOW_SAMPLES, WINDOW_SECONDS
from shared.audio.slices import Kind, Section, Slice, covered, negligible, pad_window, slice_recording, windows

lengths = st.integers(1, 3_000)
grids = st.integers(1, 400).flatmap(lambda window: st.tuples(st.just(window), st.integers(1, window)))


def test_the_window_and_the_step_are_whole_numbers_of_samples() -> None:
    assert WINDOW_SECONDS * SAMPLE_RATE == WINDOW_SAMPLES
    assert STEP_SECONDS * SAMPLE_RATE == STEP_SAMPLES


@given(lengths, grids)
def test_windows_leave_out_what_is_negligible_and_none_is_needless(samples: int, grid: tuple[int, int]) -> None:
    window, step = grid
    starts = windows(samples, window=window, step=step)
    covered = np.zeros(samples, bool)
    for start in starts:
        covered[start : start + window] = True
    assert covered[: max(1, samples - negligible(window))].all()
    assert starts == [step * index for index in range(len(starts))]
    assert all(start + window + negligible(window) < samples for start in starts[:-1])


@pytest.mark.parametrize(
    ("samples", "starts"),
    [
        (1, [0]),
        (WINDOW_SAMPLES, [0]),
        (WINDOW_SAMPLES + negligible(), [0]),
        (WINDOW_SAMPLES + negligible() + 1, [0, STEP_SAMPLES]),
        (WINDOW_SAMPLES + STEP_SAMPLES + negligible(), [0, STEP_SAMPLES]),
        (8 * SAMPLE_RATE, [0, STEP_SAMPLES, 2 * STEP_SAMPLES]),
    ],
)
def test_windows_of_known_recordings(samples: int, starts: list[int]) -> None:
    assert windows(samples) == starts


@pytest.mark.parametrize(("samples", "window", "step"), [(0, 10, 5), (10, 10, 0), (10, 10, 11)])
def test_windows_refuse_what_would_leave_gaps(samples: int, window: int, step: int) -> None:
    with pytest.raises(ValueError, match="samples"):
        windows(samples, window=window, step=step)


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_short_window_is_filled_by_its_own_repetition(length: int, more: int) -> None:
    content = np.arange(length, dtype=np.int16)
    filled = pad_window(content, length + more)
    assert filled.dtype == np.int16
    assert filled.tolist() == [index % length for index in range(length + more)]


def test_a_full_window_is_left_alone_and_an_empty_or_overfull_one_refused() -> None:
    full = np.ones(WINDOW_SAMPLES, np.float32)
    assert np.array_equal(pad_window(full), full)
    for length in (0, WINDOW_SAMPLES + 1):
        with pytest.raises(ValueError, match="cannot fill"):
            pad_window(np.zeros(length, np.float32))


def test_windows_with_a_song_are_signal_and_windows_without_are_noise() -> None:
    samples = 20 * SAMPLE_RATE
    sections = [
        Section("noise", 0, 11 * SAMPLE_RATE),
        Section("signal", 11 * SAMPLE_RATE, 12 * SAMPLE_RATE),
        Section("noise", 12 * SAMPLE_RATE, samples),
    ]
    kinds = {chosen.start / SAMPLE_RATE: chosen.kind for chosen in slice_recording(samples, sections)}
    assert kinds == {0: "noise", 2.5: "noise", 5: "noise", 7.5: "signal", 10: "signal", 12.5: "noise", 15: "noise"}


def test_a_window_with_too_little_song_is_neither() -> None:
    sections = [Section("noise", 0, 50_000), Section("signal", 50_000, 50_000 + SAMPLE_RATE // 10)]
    assert slice_recording(WINDOW_SAMPLES, sections, min_signal_seconds=0.2) == []
    assert len(slice_recording(WINDOW_SAMPLES, sections, min_signal_seconds=0.1)) == 1


def test_a_window_that_is_mostly_undecided_is_no_noise() -> None:
    assert slice_recording(WINDOW_SAMPLES, [Section("noise", 0, WINDOW_SAMPLES // 2 - 1)]) == []
    assert slice_recording(WINDOW_SAMPLES, [Section("noise", 0, WINDOW_SAMPLES // 2)])[0].kind == "noise"


def test_a_short_call_counts_as_often_as_padding_repeats_it() -> None:
    call = [Section("signal", 0, 1_000)]
    assert slice_recording(2_000, call, min_signal_seconds=2.5) == [Slice("signal", 0, 2_000, 0.5)]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[int, list[Section]]:
    samples = draw(st.integers(1, 2_000))
    edges = sorted(draw(st.sets(st.integers(0, samples), max_size=12)))
    kinds: st.SearchStrategy[Kind | None] = st.sampled_from(["signal", "noise", None])
    return samples, [Section(kind, a, b) for a, b in pairwise(edges) if (kind := draw(kinds))]


@given(recordings(), st.integers(1, 300), st.floats(0, 1))
def test_slices_are_what_counting_samples_says(recording: tuple[int, list[Section]], window: int, least: float) -> None:
    samples, sections = recording
    signal, noise = np.zeros(samples), np.zeros(samples)
    for section in sections:
        (signal if section.kind == "signal" else noise)[section.start : section.end] = 1
    expected = []
    for start in windows(samples, window=window, step=window):
        here, there = signal[start : start + window].mean(), noise[start : start + window].mean()
        if here > 0 and here * window >= least * window:
            expected.append(Slice("signal", start, min(window, samples - start), here))
        elif here == 0 and there > 0 and there >= 0.5:
            expected.append(Slice("noise", start, min(window, samples - start), 0.0))
    found = slice_recording(
        samples, sections, window=window, step=window, min_signal_seconds=least * window, sample_rate=1
    )
    assert [(s.kind, s.start, s.length) for s in found] == [(s.kind, s.start, s.length) for s in expected]
    assert [s.signal_fraction for s in found] == pytest.approx([s.signal_fraction for s in expected])


@given(
    st.lists(st.integers(0, 200), min_size=2, max_size=12, unique=True).map(sorted),
    st.integers(1, 70),
)
def test_what_is_covered_is_the_integral_also_between_samples(borders: list[int], count: int) -> None:
    stretches = list(zip(borders[::2], borders[1::2], strict=False))
    inside = np.zeros(210)
    for start, end in stretches:
        inside[start:end] = 1
    total = np.concatenate([[0], np.cumsum(inside)])
    edges = np.linspace(0, 210, count + 1)
    expected = np.diff(np.interp(edges, np.arange(211), total))
    sections = [Section("signal", start, end) for start, end in stretches]
    assert covered(edges[:-1], edges[1:], sections) == pytest.approx(expected)
