"""The file of predictions, as it is read again."""

from pathlib import Path

import pytest

from shared.errors import ModelFileError
from shared.predictions import Prediction, Predictions, read_predictions


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    one = Prediction(sha256="a" * 64, label=1, ranking=((0, 0.7), (1, 0.2)), fold=2)
    written = Predictions(labels=("Avis prima", "Avis secunda"), tested=1, recordings=(one,))
    path = tmp_path / "predictions.json"
    path.write_text(written.model_dump_json(), encoding="utf-8")
    assert read_predictions(path) == written


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        '{"labels": ["Avis prima"], "tested": 1, "recordings": [{"sha256": "short", "label": 0, "ranking": []}]}',
        '{"labels": ["Avis prima"], "tested": 1, "recordings": [{"sha256": "%s", "label": 7, "ranking": []}]}'
        % ("a" * 64),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "predictions.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"predictions\.json cannot be read"):
        read_predictions(path)
