"""The pictures of an evaluation are drawn for few and for many species, in a size that can be looked at."""

from pathlib import Path

import matplotlib.image
import pytest

from services.trainer.evaluate import evaluate
from services.trainer.evaluation_plots import draw_reliability, draw_species
from services.trainer.plots import draw_confusion
from tests.services.trainer.hearing import crowd


@pytest.mark.parametrize("classes", [2, 200])
def test_pictures_of_any_number_of_species_have_a_bounded_size(classes: int, tmp_path: Path) -> None:
    result = evaluate(crowd(3 * classes, classes), classes, "softmax")
    names = [f"Avis numerata {number}" for number in range(classes)]
    draw_confusion(tmp_path / "confusion.png", result.confusion, names)
    draw_reliability(tmp_path / "reliability.png", result.reliability_before, result.reliability)
    draw_species(tmp_path / "species.png", result.species, names, result.metrics["macro_top1"])
    for name in ("confusion", "reliability", "species"):
        height, width = matplotlib.image.imread(tmp_path / f"{name}.png").shape[:2]
        assert 150 <= height <= 1_800, name
        assert 400 <= width <= 3_000, name
