"""The frozen dataset: one hash for one content, and nothing that contradicts itself."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.trainer.frozen_dataset import Dataset, Recording, read_dataset
from shared.errors import InvalidInput

Garden = Callable[..., Dataset]

FORMAT_1 = (
    b'{"format":1,"labels":[{"common":"One","scientific":"Avis una"},{"common":"","scientific":"Avis duo"}],'
    b'"name":"first","recordings":['
    b'{"audio":"a.wav","fold":0,"id":"1","label":"Avis una","licence":"CC0 1.0","noise":[7],"recordist":"Ann",'
    b'"samples":10,"secondary":["Avis duo"],"sha256":"aa","slices":[0,5],"xc_id":null},'
    b'{"audio":"b.wav","fold":1,"id":"2","label":"Avis duo","licence":null,"noise":[],"recordist":null,'
    b'"samples":10,"secondary":[],"sha256":"bb","slices":[0],"xc_id":"12"}],"sample_rate":22050,"window":110250}'
)
"""As the first version wrote it."""

FORMAT_2 = (
    b'{"format":2,"labels":[{"common":"","scientific":"Avis una"}],"sample_rate":22050,"window":110250}\n'
    b'{"audio":"a.wav","group":"aa","label":"Avis una","noise":[7],"samples":10,"sha256":"aa","slices":[0,5]}\n'
)
"""As it was written before sections were part of it."""


def test_what_is_stored_is_read_back_with_the_same_hash(garden: Garden, tmp_path: Path) -> None:
    dataset = garden()
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(dataset.canonical())
    assert read_dataset(path, id=dataset.id, sha256=dataset.sha256) == dataset
    assert hashlib.sha256(path.read_bytes()).hexdigest() == dataset.sha256


def test_neither_the_row_nor_its_name_is_part_of_the_hash(garden: Garden) -> None:
    assert garden(id="another").sha256 == garden().sha256


def test_a_file_of_the_first_format_is_read_with_the_hash_that_it_was_frozen_with(tmp_path: Path) -> None:
    path = tmp_path / "dataset.json"
    path.write_bytes(FORMAT_1)
    sha256 = hashlib.sha256(FORMAT_1).hexdigest()
    dataset = read_dataset(path, id="row", sha256=sha256)
    assert dataset.sha256 == sha256
    assert [(one.label, one.recordist, one.slices) for one in dataset.recordings] == [
        ("Avis una", "Ann", (0, 5)),
        ("Avis duo", None, (0,)),
    ]


def test_a_file_of_the_second_format_keeps_its_hash_and_one_with_sections_is_of_the_third(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    path.write_bytes(FORMAT_2)
    dataset = read_dataset(path, id="row", sha256=hashlib.sha256(FORMAT_2).hexdigest())
    assert dataset.recordings[0].signal_sections == ()
    sections = {"signal_sections": ((0, 3), (5, 9)), "noise_sections": ((3, 5),)}
    new = Dataset(labels=dataset.labels, recordings=(dataset.recordings[0].model_copy(update=sections),))
    assert new.canonical().startswith(b'{"format":3,')
    path.write_bytes(new.canonical())
    assert read_dataset(path, sha256=new.sha256) == new


def test_mere_background_needs_no_label_of_the_list_and_has_no_slices(garden: Garden) -> None:
    dataset = garden()
    rain = Recording(sha256="0", audio="a", samples=100, label="rain", background=True, noise_sections=((0, 100),))
    assert Dataset(labels=dataset.labels, recordings=(*dataset.recordings, rain)).names == dataset.names
    with pytest.raises(ValidationError, match="no slices of a species"):
        Recording(sha256="0", audio="a", samples=100, label="rain", background=True, slices=(0,))


@pytest.mark.parametrize("sections", [((0, 101),), ((5, 5),), ((-1, 5),), ((9, 20), (10, 30)), ((50, 60), (10, 20))])
def test_sections_that_cannot_be_are_refused(sections: tuple[tuple[int, int], ...]) -> None:
    for kind in ("signal_sections", "noise_sections"):
        with pytest.raises(ValidationError, match="a section is empty, out of order or outside"):
            Recording(sha256="0", audio="a", samples=100, label="a", **{kind: sections})


def test_a_file_that_was_changed_or_cut_is_refused(garden: Garden, tmp_path: Path) -> None:
    dataset, path = garden(), tmp_path / "dataset.jsonl"
    whole = dataset.canonical()
    path.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    with pytest.raises(InvalidInput, match="no longer what was frozen"):
        read_dataset(path, id=dataset.id, sha256=dataset.sha256)
    path.write_bytes(whole[:-40])
    with pytest.raises(InvalidInput, match="does not fit"):
        read_dataset(path)
    path.write_bytes(b"")
    with pytest.raises(InvalidInput, match="damaged"):
        read_dataset(path)


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
        Dataset(labels=dataset.labels[:2], recordings=dataset.recordings)
    with pytest.raises(ValidationError, match="same scientific name"):
        Dataset(labels=(*dataset.labels, dataset.labels[0]), recordings=())


def test_a_broken_file_says_where(tmp_path: Path) -> None:
    path = tmp_path / "dataset.json"
    path.write_text('{"name": "x", "labels": [{"scientific": ""}], "recordings": []}', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"labels\.0\.scientific"):
        read_dataset(path)
