"""What a client gets that asks for a format in `Accept`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.preferred import preferred

CSV, JSON, PLAIN = "text/csv", "application/json", "text/plain"


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV; charset=utf-8", CSV),
        ("application/json, text/csv", JSON),
        ("application/json;q=0.5, text/csv", CSV),
        ("text/*", PLAIN),
        ("text/*;q=0.5, text/csv", CSV),
        ("*/*, application/json;q=0", PLAIN),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("image/png", JSON),
        ("text/csv;q=much", JSON),
        (";;,q=,", JSON),
    ],
)
def test_the_format_that_is_liked_best(accept: str, given: str) -> None:
    assert preferred(accept, (JSON, PLAIN, CSV)) == given


@given(st.text())
def test_any_wish_gets_one_of_what_there_is(accept: str) -> None:
    assert preferred(accept, (JSON, CSV)) in (JSON, CSV)
