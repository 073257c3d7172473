"""The frozen dataset: one hash for one content, and nothing that contradicts itself."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.trainer.frozen_dataset import Dataset, Recording, read_dataset
from shared.errors import InvalidInput

Garden = Callable[..., Dataset]


def test_what_is_stored_is_read_back_with_the_same_hash(garden: Garden, tmp_path: Path) -> None:
    dataset = garden()
    path = tmp_path / "dataset.json"
    path.write_bytes(dataset.canonical())
    assert read_dataset(path) == dataset
    assert read_dataset(path).sha256 == dataset.sha256


def test_another_slice_is_another_dataset(garden: Garden) -> None:
    dataset = garden()
    moved = dataset.recordings[0].model_copy(update={"slices": (1,)})
    other = dataset.model_copy(update={"recordings": (moved, *dataset.recordings[1:])})
    assert other.sha256 != dataset.sha256


def test_a_slice_outside_its_recording_is_refused() -> None:
    with pytest.raises(ValidationError, match="outside its recording"):
        Recording(id="r", sha256="0", audio="a", samples=100, label="a", slices=(100,))


def test_labels_must_be_known_and_different(garden: Garden) -> None:
    dataset = garden()
    with pytest.raises(ValidationError, match="not listed: \\['Avis tertia'\\]"):
        Dataset(name="x", labels=dataset.labels[:2], recordings=dataset.recordings)
    with pytest.raises(ValidationError, match="same scientific name"):
        Dataset(name="x", labels=(*dataset.labels, dataset.labels[0]), recordings=())


def test_a_broken_file_says_where(tmp_path: Path) -> None:
    path = tmp_path / "dataset.json"
    path.write_text('{"name": "x", "labels": [{"scientific": ""}], "recordings": []}', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"labels\.0\.scientific"):
        read_dataset(path)
