"""Tables as lines of CSV."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.formats import csv_lines


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2), min_size=1))
def test_a_table_is_read_back_as_it_was(rows: list[list[str]]) -> None:
    assert list(csv.reader(io.StringIO(csv_lines(rows), newline=""))) == rows
