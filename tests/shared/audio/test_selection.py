import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.selection import bin_medians, frame_medians, select


@given(st.integers(1, 300), st.integers(1, 150), st.booleans(), st.integers(0, 2**32 - 1))
def test_selection_gives_numpys_medians(frames: int, bins: int, root: bool, seed: int) -> None:
    # Few different values, so that many are alike.
    power = np.random.default_rng(seed).integers(0, 40, (frames, bins)).astype(np.float32)
    before = power.copy()
    exact = np.sqrt(power.astype(np.float64)) if root else power.astype(np.float64)
    assert bin_medians(power, root=root) == pytest.approx(np.median(exact, axis=0))
    assert frame_medians(power, root=root) == pytest.approx(np.median(exact, axis=1))
    assert np.array_equal(power, before)


def test_no_frame_has_no_median() -> None:
    assert frame_medians(np.zeros((0, 5), np.float32)).tolist() == []


@given(st.integers(1, 200), st.data())
def test_selected_values_are_those_of_the_sorted_rows(length: int, data: st.DataObject) -> None:
    rows = np.random.default_rng(length).integers(0, 50, (7, length)).astype(np.float32)
    ranks = sorted(data.draw(st.lists(st.integers(0, length - 1), min_size=1, max_size=3)))
    expected = np.sort(rows, axis=1)[:, ranks].T
    assert np.array_equal(select(rows, *ranks), expected)
