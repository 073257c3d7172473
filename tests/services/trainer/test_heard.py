"""What was heard, as tables: which row is whose, and what is known of it."""

import numpy as np

from services.trainer.heard import ABSENT, THERE, UNKNOWN, recording_table, slice_table
from tests.services.trainer.hearing import heard


def test_a_species_in_the_background_is_neither_there_nor_absent_and_stands_behind_all_others() -> None:
    table = recording_table([heard(0, 0, [1, 5, 0], others=(1,))], "softmax", [1.0])
    assert table.truth.tolist() == [[THERE, UNKNOWN, ABSENT]]
    assert table.scores.argmax() == 1
    assert table.ranked.argmax() == 0


def test_a_recording_is_pooled_as_in_serving_but_reported_by_its_most_confident_window() -> None:
    table = recording_table([heard(0, 0, [4, 0], [0, 0], [0, 0], [-4, 0])], "softmax", [1.0])
    windows = 1 / (1 + np.exp(-np.array([4, 0, 0])))
    np.testing.assert_allclose(table.scores[0, 0], windows.mean(), rtol=1e-5)
    np.testing.assert_allclose(table.reached[0, 0], windows.max(), rtol=1e-5)


def test_slices_are_the_windows_with_signal_and_are_drawn_with_their_recording() -> None:
    answers = [heard(7, 0, [1, 0], [2, 0], [3, 0], signal=np.array([True, False, True])), heard(9, 1, [0, 1])]
    table = slice_table(answers, "sigmoid", [1.0, 2.0])
    assert table.labels.tolist() == [0, 0, 1]
    assert table.recording.tolist() == [0, 0, 1]
    assert table.recordings == 2
    np.testing.assert_allclose(table.scores[:, 0], 1 / (1 + np.exp(-np.array([1, 3, 0]))), rtol=1e-5)


def test_one_file_as_two_species_is_drawn_as_one() -> None:
    table = recording_table([heard(3, 0, [1, 0]), heard(5, 1, [1, 0]), heard(3, 1, [0, 1])], "softmax", [1.0] * 3)
    assert table.recording.tolist() == [0, 1, 0]
    assert table.rows(np.array([False, True, False])).recording.tolist() == [0]
