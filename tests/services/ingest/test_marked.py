"""Annotation files of Raven and Audacity, as people have them."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.annotations import annotations_of, kind_of, main_species
from services.ingest.marked import Mark, UnreadableAnnotations, annotation_files, parse_marks, read_marks

RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"
    "1\tWaveform 1\t1\t0.500\t1.250\t2000\t4000\tAmsel\n"
    "1\tSpectrogram 1\t1\t0.500\t1.250\t2000\t4000\tAmsel\n"
    "2\tSpectrogram 1\t1\t0.100\t0.400\t2000\t4000\t\n"
)


def marks(text: str, audio: str = "a.wav") -> list[tuple[float, float, str]]:
    return [(one.start, one.end, one.label) for one in parse_marks(text.encode(), "a.txt", audio)]


def test_a_raven_table_gives_each_selection_once_in_order_of_time() -> None:
    assert marks(RAVEN) == [(0.1, 0.4, ""), (0.5, 1.25, "Amsel")]


@pytest.mark.parametrize("column", ["Species", "Annotation", "label", "Class", "Tags", "Common Name"])
def test_the_column_of_the_species_goes_by_many_names(column: str) -> None:
    assert marks(RAVEN.replace("Species", column))[1] == (0.5, 1.25, "Amsel")


def test_a_table_over_several_files_gives_each_its_own_times() -> None:
    table = (
        "Begin Time (s)\tEnd Time (s)\tBegin File\tFile Offset (s)\tSpecies\n"
        "1\t2\ta.wav\t1\tAmsel\n61\t62.5\tB.wav\t1\tElster\n"
    )
    assert marks(table) == [(1.0, 2.0, "Amsel")]
    assert marks(table, "b.wav") == [(1.0, 2.5, "Elster")]


def test_an_audacity_track_has_lines_of_frequencies_and_moments_that_are_no_stretches() -> None:
    assert marks("2,5\t3,25\tTurdus merula\n\\\t2000\t4000\n\n1\t2\n4\t4\tclick\n") == [
        (1.0, 2.0, ""),
        (2.5, 3.25, "Turdus merula"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_any_usual_encoding_is_read(encoding: str) -> None:
    (mark,) = parse_marks("1\t2\tSumpfrohrsänger".encode(encoding), "a.txt", "a.wav")
    assert mark.label == "Sumpfrohrsänger"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dear diary", "line 1 has no tab"),
        ("1\t2\tx\n2\t1\tx", "line 2 marks no stretch"),
        ("-1\t1\tx", "marks no stretch"),
        ("nan\t1\tx", "'nan' where a time"),
        ("1\t1e999\tx", "where a time"),
        (RAVEN.replace("0.500", "soon"), "line 2 holds 'soon'"),
        ("1\t2\tx\0", "no text file"),
    ],
)
def test_a_broken_file_says_which_line_and_why(text: str, reason: str) -> None:
    with pytest.raises(UnreadableAnnotations, match=reason):
        marks(text)


LINES = st.lists(
    st.lists(st.text(alphabet="0123456789.,eE+-\\\t ax\n\r?") | st.floats().map(str), max_size=4).map("\t".join),
    max_size=6,
).map("\n".join)


@given(st.binary(max_size=200) | LINES.map(str.encode) | LINES.map(lambda text: (RAVEN + text).encode()))
def test_whatever_a_file_holds_its_marks_are_finite_and_in_order_or_it_is_refused(content: bytes) -> None:
    try:
        found = parse_marks(content, "a.txt", "a.wav")
    except UnreadableAnnotations:
        return
    assert found == sorted(set(found))
    assert all(0 <= one.start < one.end < math.inf for one in found)


def test_files_belong_to_the_recording_whose_name_they_bear() -> None:
    names = ["a.Table.1.selections.txt", "a.b.txt", "a.b.wav", "a.txt", "a.wav", "c.MP3", "c.MP3.txt", "d.txt"]
    assert annotation_files(names) == {
        "a.b.wav": ["a.b.txt"],
        "a.wav": ["a.Table.1.selections.txt", "a.txt"],
        "c.MP3": ["c.MP3.txt"],
    }


def test_a_file_that_is_gone_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAnnotations, match="cannot be read: No such file"):
        read_marks([tmp_path / "none.txt"], "a.wav")
    with pytest.raises(UnreadableAnnotations, match="larger than 16 MB"):
        parse_marks(bytes((16 << 20) + 1), "a.txt", "a.wav")


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Noise", "noise"),
        ("no_call", "noise"),
        ("?", "unknown"),
        ("Unknown ", "unknown"),
        ("Amsel", "species"),
        ("", "species"),
    ],
)
def test_some_labels_are_no_species(label: str, kind: str) -> None:
    assert kind_of(label) == kind


def test_the_species_heard_longest_is_the_recordings_unless_it_has_one() -> None:
    marked = annotations_of([Mark(0, 1, "Amsel"), Mark(1, 4, "Elster"), Mark(4, 5, "Elster"), Mark(5, 50, "")])
    assert main_species(None, marked) == ("Pica pica", ["Turdus merula"])
    assert main_species("Turdus merula", marked) == ("Turdus merula", ["Pica pica"])
    assert main_species(None, ()) == (None, [])
