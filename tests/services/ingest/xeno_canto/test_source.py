"""What may be asked of Xeno-canto, and the tagged queries that it becomes."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.ingest.xeno_canto.source import XenoCantoSource
from shared.errors import InvalidInput

TAG = re.compile(r'([a-z]+):("[^"]*"|[^\s"]+)')


def asked(**fields: Any) -> list[str]:
    return XenoCantoSource(source="xeno-canto", **fields).queries()


def test_fields_become_tags_and_each_species_a_query() -> None:
    queries = asked(
        species=["Turdus merula", "European Robin", "Amsel"],
        country="Costa Rica",
        quality="B or better",
        type="song",
        min_seconds=10,
        box=(-10.5, 0, 1e-7, 20.25),
        year=2020,
        since="2024-01-31",
    )
    rest = 'cnt:"Costa Rica" type:"song" len:10-86400 box:-10.5,0,0,20.25 year:2020 since:2024-01-31 q:">C"'
    assert queries == [f'sp:"turdus merula" {rest}', f'sp:"erithacus rubecula" {rest}']


def test_a_quality_alone_is_a_tag_and_unrated_ones_are_sorted_out_here() -> None:
    assert asked(quality="A") == ["q:A"]
    unrated = XenoCantoSource(source="xeno-canto", country="Chad", quality="C or better", unrated=True)
    assert unrated.queries() == ['cnt:"Chad"']
    assert unrated.accepted_qualities == {"A", "B", "C", None}


@pytest.mark.parametrize("query", ['gen:turdus sp:"turdus merula" q:">C" box:-1,2,3,4', 'en:"=robin"', "len:10-30"])
def test_a_tagged_query_is_sent_as_it_is(query: str) -> None:
    assert asked(query=f" {query} ") == [query]


@pytest.mark.parametrize(
    "query", ["blackbird", "gen:turdus robin", 'sp:"turdus', 'sp:turdus"x"', "q :A", ":A", 'q:""x']
)
def test_text_without_a_tag_is_refused_with_the_place(query: str) -> None:
    with pytest.raises(InvalidInput, match="text without a tag"):
        asked(query=query)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "name at least a species"),
        ({"query": "q:A", "country": "Chad"}, "not both"),
        ({"query": "  "}, "at least 1 character"),
        ({"species": ["Turdus"]}, "no species' scientific name"),
        ({"country": 'Chad" q:"A'}, "should match pattern"),
        ({"type": "song\ncall"}, "should match pattern"),
        ({"quality": "F"}, "Input should be"),
        ({"unrated": True, "country": "Chad"}, "goes with `quality`"),
        ({"min_seconds": 5, "max_seconds": 4}, "min_seconds is above"),
        ({"box": [5, 0, 4, 1]}, "south, west, north, east"),
        ({"box": [0, 0, 91, 1]}, "less than or equal to 90"),
        ({"colour": "red", "country": "Chad"}, "Extra inputs"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        asked(**fields)


TEXT = st.text('ab :"\\=>\n\x7f', max_size=20)


@given(TEXT, TEXT)
def test_a_value_never_becomes_a_second_tag(country: str, kind: str) -> None:
    try:
        (query,) = asked(country=country, type=kind, quality="A")
    except ValidationError:
        return
    tags = TAG.findall(query)
    assert [tag for tag, _ in tags] == [
        tag for tag, value in (("cnt", country.strip()), ("type", kind.strip()), ("q", "A")) if value
    ]
    assert TAG.sub("", query).strip() == ""
