"""Records as people filled them in: what is certain is read, and nothing in them is an error."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.xeno_canto import values
from services.ingest.xeno_canto.choice import Candidate
from services.ingest.xeno_canto.records import Record
from tests.support.xeno_canto_server import XenoCanto

FIELDS = [
    "id",
    "gen",
    "sp",
    "ssp",
    "en",
    "rec",
    "cnt",
    "loc",
    "lat",
    "lon",
    "lng",
    "type",
    "url",
    "file",
    "file-name",
    "lic",
    "q",
    "length",
    "time",
    "date",
    "also",
    "smp",
    "annotation-set",
]
TEXT = st.text('aZé:/.-?09 \\"\n\0\ud800\U0001f426', max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ODD = JSON | st.sampled_from(["//[", "1e999", "1:2:3", "99:99", "2008-00-00", "-0", "//x/y.mp3", "XC007"])


@given(st.dictionaries(st.sampled_from(FIELDS), ODD))
def test_no_record_is_an_error_and_all_of_it_can_be_stored(given_record: dict[str, Any]) -> None:
    record = Record(values.storable(given_record))
    Candidate.of(1, record)
    item = record.item(Path("x"))
    stored = json.dumps([item.details, item.annotations, item.name, item.locality, item.secondary], allow_nan=False)
    assert "\\u0000" not in stored
    stored.encode()
    assert "/" not in item.name
    assert item.name


def test_what_nests_without_end_is_cut() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert len(json.dumps(values.storable(deep))) < 100


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("//creativecommons.org/licenses/by-nc-sa/4.0/", "CC BY-NC-SA 4.0"),
        ("https://creativecommons.org/licenses/by/3.0/", "CC BY 3.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/2.5/", "CC BY-NC-ND 2.5"),
        ("//creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"),
        ("//creativecommons.org/publicdomain/mark/1.0/", "Public Domain Mark 1.0"),
        ("//creativecommons.org/licenses/sampling/1.0/", None),
        ("all rights reserved", None),
        ("", None),
    ],
)
def test_licences_have_the_names_that_the_library_uses(address: str, name: str | None) -> None:
    assert Record({"lic": address}).licence == name


@pytest.mark.parametrize(
    ("genus", "kind"),
    [("Mystery", "mystery"), ("Sonus", "naturalis"), ("Turdus", ""), ("Turdus", "sp."), ("Anas", "acuta x crecca")],
)
def test_what_names_no_single_species_has_none(genus: str, kind: str) -> None:
    assert Record({"gen": genus, "sp": kind}).species is None


def test_a_record_is_read_as_it_is_given() -> None:
    server = XenoCanto()
    server.add(5, "Turdus merula", **{"file-name": "XC5-x.mp3", "lng": "7", "lon": None})
    record = Record(server.records[0])
    assert (record.species, record.number, record.seconds, record.suffix) == ("Turdus merula", "5", 90.0, ".mp3")
    assert record.estimated_bytes == 90 * 24_000


@pytest.mark.parametrize(
    ("given_set", "marks"),
    [
        ([], []),
        (None, []),
        ("x", []),
        ([{"start_time": "0:01", "end_time": 2.5, "scientific_name": "Parus major"}], [(1.0, 2.5, "Parus major")]),
        ([{"annotations": [{"start": 3, "end": 4}, {"start": 4, "end": 3}, {"end": 1}]}], [(3.0, 4.0, "")]),
        ({"annotations": [{"start_time": 0, "end_time": 1, "species": "?"}]}, [(0.0, 1.0, "")]),
    ],
)
def test_annotations_with_a_beginning_and_an_end_are_marked_sections(
    given_set: Any, marks: list[tuple[float, float, str]]
) -> None:
    found = [(one["start"], one["end"], one["species"]) for one in values.marks(given_set)]
    assert found == marks
