"""Two models side by side, on what both of them held out."""

import pytest

from services.inference.comparison import compare
from shared.errors import InvalidInput
from shared.predictions import Prediction, Predictions

BIRDS = ("Avis prima", "Avis secunda", "Avis tertia")


def said(*answers: tuple[int, str, str], labels: tuple[str, ...] = BIRDS) -> Predictions:
    """Of (recording, what it is, what was said)."""
    return Predictions(
        labels=labels,
        tested=len(answers),
        recordings=tuple(
            Prediction(sha256=f"{number:064x}", label=labels.index(is_), ranking=((labels.index(taken_for), 0.8),))
            for number, is_, taken_for in answers
        ),
    )


def test_only_what_both_held_out_and_both_know_is_compared() -> None:
    one = said((1, BIRDS[0], BIRDS[0]), (2, BIRDS[1], BIRDS[0]), (3, BIRDS[2], BIRDS[2]), (4, BIRDS[0], BIRDS[0]))
    # The other orders its labels differently and does not know the third species.
    other = said((1, BIRDS[0], BIRDS[1]), (2, BIRDS[1], BIRDS[1]), (5, BIRDS[0], BIRDS[0]), labels=BIRDS[1::-1])
    found = compare(one, other)
    assert (found.recordings, found.only_this, found.only_other) == (2, 2, 1)
    assert (found.top1, found.other_top1, found.difference.value) == (0.5, 0.5, 0.0)
    assert [(each.sha256[-1], each.said and each.said.species) for each in found.better] == [("1", BIRDS[0])]
    assert [(each.sha256[-1], each.other_said and each.other_said.species) for each in found.worse] == [("2", BIRDS[1])]
    assert [(each.species, each.right, each.other_right) for each in found.species] == [
        (BIRDS[0], 1, 0),
        (BIRDS[1], 0, 1),
    ]


@pytest.mark.parametrize(("better", "worse"), [(30, 0), (0, 30)])
def test_a_clear_difference_is_not_zero_and_turns_its_sign_with_the_models(better: int, worse: int) -> None:
    right, wrong = BIRDS[0], BIRDS[1]
    one = said(*((n, right, right if n < 70 + better else wrong) for n in range(100)))
    other = said(*((n, right, right if n < 70 + worse else wrong) for n in range(100)))
    difference = compare(one, other).difference
    assert difference.value == pytest.approx((better - worse) / 100)
    assert difference.low is not None
    assert difference.high is not None
    assert difference.low <= difference.value <= difference.high
    assert difference.low * difference.high > 0


def test_two_models_that_never_differ_on_three_recordings_are_not_certainly_alike() -> None:
    same = said(*((n, BIRDS[0], BIRDS[0]) for n in range(3)))
    difference = compare(same, same).difference
    assert difference.value == 0
    assert difference.low is not None
    assert difference.low < -0.1


def test_models_without_a_recording_in_common_cannot_be_compared() -> None:
    with pytest.raises(InvalidInput, match="no recording that both"):
        compare(said((1, BIRDS[0], BIRDS[0])), said((2, BIRDS[0], BIRDS[0])))
