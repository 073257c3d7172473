"""The card: names from outside stay text."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from services.trainer.card import render_card
from services.trainer.evaluate import evaluate
from services.trainer.frozen_dataset import Dataset
from services.trainer.heard import Heard
from services.trainer.publish import describe
from services.trainer.unknown import HeardSet, Stranger
from tests.services.trainer.conftest import small_config


def test_the_card_names_figures_with_intervals_limits_and_every_recording(garden: Callable[..., Dataset]) -> None:
    dataset = garden(people=2)
    heard = [Heard(i, i % 3, np.eye(3, dtype=np.float32)[[i % 3]] * 5, fold=i // 3) for i in range(6)]
    evaluation = evaluate(heard, 3, "softmax")
    manifest = describe(dataset, small_config(folds=2), range(6), evaluation)
    card = render_card(manifest, evaluation, ["Something was odd."])
    assert "Cross-validated: 2 networks" in card
    assert (
        "| figure | per recording | 95 % interval | per slice | 95 % interval | mean over folds, per recording |"
        in card
    )
    assert (
        "| right species first, mean over species | 1.000 | 1.000 to 1.000 | 1.000 | 1.000 to 1.000 | 1.000 (" in card
    )
    assert "| *Avis prima* | Prima | 2 | 1.00 (0.34 to 1.00) | 1.00 |" in card
    assert "No recording was taken for another species." in card
    assert "Not tested: the training was given no unknown sounds." in card
    assert "unknown.png" not in card
    assert "What it is not good for" in card
    assert "- Something was odd." in card
    assert card.count("xeno-canto.org/") == 6
    assert card.count("[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)") == 7
    assert manifest.created <= datetime.now(UTC)


def test_the_card_lists_the_commonest_confusions_and_what_of_unknown_sounds_is_refused(
    garden: Callable[..., Dataset],
) -> None:
    said = np.array([0, 0, 0, 0, 1, 0, 0, 2, 2])
    heard = [Heard(i, i // 3, np.eye(3, dtype=np.float32)[[said[i]]] * 5, fold=i % 3) for i in range(9)]
    noise = [Stranger(i, 0.0, np.zeros(1)) for i in range(4)]
    rain = HeardSet("rain | and wind", "0" * 64, 4, dict.fromkeys(range(3), noise), noise)
    evaluation = evaluate(heard, 3, "softmax", [rain])
    card = render_card(describe(garden(people=3), small_config(folds=3), range(9), evaluation), evaluation, [])
    first = card.index("| *Avis secunda* | *Avis prima* | 2 of 3 | 0 |")
    assert first < card.index("| *Avis tertia* | *Avis prima* | 1 of 3 | 0 |")
    assert r"| rain \| and wind | 4 | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) | 1.00 (0.51 to 1.00) |" in card
    assert "(unknown.png)" in card


def test_a_recordist_s_name_cannot_break_the_table_or_become_a_link(garden: Callable[..., Dataset]) -> None:
    dataset = garden(people=1)
    evil = dataset.recordings[0].model_copy(update={"recordist": "Eve | [x](http://x)\n# Head <b>", "xc_id": "1)(2"})
    dataset = dataset.model_copy(update={"recordings": (evil, *dataset.recordings[1:])})
    card = render_card(describe(dataset, small_config(), range(3), None), None, [])
    line = next(line for line in card.splitlines() if "Eve" in line)
    assert r"Eve \| \[x\](http://x) # Head \<b\>" in line
    assert "\n# Head" not in card
