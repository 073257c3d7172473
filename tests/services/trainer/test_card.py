"""The card: names from outside stay text."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from services.trainer.card import render_card
from services.trainer.evaluate import Heard, evaluate
from services.trainer.frozen_dataset import Dataset
from services.trainer.publish import describe
from tests.services.trainer.conftest import small_config


def test_the_card_names_figures_with_intervals_limits_and_every_recording(garden: Callable[..., Dataset]) -> None:
    dataset = garden(people=2)
    heard = [Heard(i, i % 3, np.eye(3, dtype=np.float32)[[i % 3]] * 5) for i in range(6)]
    evaluation = evaluate(heard, 3, "softmax")
    manifest = describe(dataset, small_config(folds=2), range(6), evaluation)
    card = render_card(manifest, evaluation, ["Something was odd."])
    assert "Cross-validated: 2 networks" in card
    assert "| right species first, mean over species | 1.000 | 1.000 to 1.000 |" in card
    assert "What it is not good for" in card
    assert "- Something was odd." in card
    assert card.count("xeno-canto.org/") == 6
    assert manifest.created <= datetime.now(UTC)


def test_a_recordist_s_name_cannot_break_the_table_or_become_a_link(garden: Callable[..., Dataset]) -> None:
    dataset = garden(people=1)
    evil = dataset.recordings[0].model_copy(update={"recordist": "Eve | [x](http://x)\n# Head <b>", "xc_id": "1)(2"})
    dataset = dataset.model_copy(update={"recordings": (evil, *dataset.recordings[1:])})
    card = render_card(describe(dataset, small_config(), range(3), None), None, [])
    line = next(line for line in card.splitlines() if "Eve" in line)
    assert r"Eve \| \[x\](http://x) # Head \<b\>" in line
    assert "\n# Head" not in card
