"""The table of a dataset's slices: its columns never change their place, and it says what the dataset says."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from services.trainer import slice_tables
from services.trainer.frozen_dataset import Dataset, Recording
from services.trainer.slice_tables import CsvTable, ParquetTable, table_of
from shared.model_file import Label

COLUMNS = {
    "recording_sha256": "string",
    "audio": "string",
    "start": "double",
    "end": "double",
    "kind": "string",
    "species": "string",
    "common_name": "string",
    "secondary": "string",
    "fold": "int32",
    "group": "string",
    "recordist": "string",
    "licence": "string",
    "source": "string",
    "source_url": "string",
    "xc_id": "string",
    "quality": "string",
    "country": "string",
    "locality": "string",
    "latitude": "double",
    "longitude": "double",
    "recorded_on": "date32[day]",
    "segmentation": "string",
}
"""Of version 1. A later version may only add to the end."""


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    """Stores a dataset of these recordings of two species."""

    def store(*recordings: Recording) -> Path:
        labels = (Label(scientific="Avis una", common="One, the bird"), Label(scientific="Avis duo"))
        path = tmp_path / "dataset.jsonl"
        path.write_bytes(Dataset(labels=labels, recordings=recordings).canonical())
        return path

    return store


WHOLE = Recording(
    sha256="ab" * 32,
    audio="prepared/ab/ab.wav",
    samples=220_500,
    label="Avis una",
    secondary=("Avis duo", "Avis alia"),
    recordist='Jürgen "Jo" Müller',
    licence="CC BY 4.0",
    source="xeno-canto",
    source_url="https://xeno-canto.org/12",
    xc_id="12",
    quality="A",
    country="Poland",
    locality="Białowieża",
    latitude=52.7,
    longitude=23.9,
    recorded_on=date(2024, 5, 17),
    segmentation="contrast",
    group="cd" * 32,
    fold=3,
    slices=(0, 165_375),
    noise=(55_125,),
)


def parquet(path: Path) -> pa.Table:
    return pyarrow.parquet.read_table(io.BytesIO(b"".join(table_of(path, "f" * 64, ParquetTable))))


def test_the_columns_are_those_of_version_1_in_their_order(stored: Callable[..., Path]) -> None:
    schema = parquet(stored(WHOLE)).schema
    assert {field.name: str(field.type) for field in schema} == COLUMNS
    assert schema.names == list(COLUMNS)
    assert schema.metadata[b"chiffchaff.columns"] == b"1"
    assert schema.metadata[b"chiffchaff.dataset_sha256"] == b"f" * 64
    head = next(iter(csv.reader(io.StringIO(b"".join(table_of(stored(WHOLE), "", CsvTable)).decode()))))
    assert head == list(COLUMNS)


def test_a_row_says_where_a_slice_is_and_whose_it_is(stored: Callable[..., Path]) -> None:
    first, last, noise = parquet(stored(WHOLE)).to_pylist()
    assert first == {
        **{name: getattr(WHOLE, name) for name in list(COLUMNS)[9:]},
        "recording_sha256": "ab" * 32,
        "audio": "prepared/ab/ab.wav",
        "start": 0.0,
        "end": 5.0,
        "kind": "signal",
        "species": "Avis una",
        "common_name": "One, the bird",
        "secondary": "Avis duo; Avis alia",
        "fold": 3,
    }
    assert (last["start"], last["end"]) == (7.5, 10.0)
    assert (noise["kind"], noise["species"], noise["common_name"], noise["start"]) == ("noise", None, None, 2.5)
    assert noise["recordist"] == WHOLE.recordist


def test_csv_says_the_same_as_parquet(stored: Callable[..., Path]) -> None:
    bare = Recording(sha256="0" * 64, audio="b.wav", samples=10, label="Avis duo", slices=(0,))
    path = stored(WHOLE, bare)
    text = b"".join(table_of(path, "", CsvTable)).decode()
    rows = [
        {name: str("" if value is None else value) for name, value in row.items()} for row in parquet(path).to_pylist()
    ]
    read = list(csv.DictReader(io.StringIO(text)))
    numbers = ("start", "end", "latitude", "longitude")
    for one, other in zip(read, rows, strict=True):
        assert [one[name] and float(one[name]) for name in numbers] == [
            other[name] and float(other[name]) for name in numbers
        ]
        assert {**one, **dict.fromkeys(numbers)} == {**other, **dict.fromkeys(numbers)}
    assert rows[-1]["group"] == "0" * 64


def test_a_large_dataset_is_sent_group_by_group(stored: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_tables, "ROWS_PER_GROUP", 10)
    path = stored(*(WHOLE.model_copy(update={"sha256": f"{n:064}"}) for n in range(20)))
    pieces = list(table_of(path, "", ParquetTable))
    assert len(pieces) > 5
    file = pyarrow.parquet.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert file.metadata.num_rows == 60
    assert file.num_row_groups == 5
    assert len(list(table_of(path, "", CsvTable))) > 5


def test_a_dataset_without_slices_is_a_table_without_rows(stored: Callable[..., Path]) -> None:
    assert parquet(stored()).num_rows == 0
    assert b"".join(table_of(stored(), "", CsvTable)).count(b"\n") == 1
