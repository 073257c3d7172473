"""Each format is opened again by a program of those that it is for."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import crowsetta
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from services.inference.results.checklist import COLUMNS as CHECKLIST_COLUMNS
from services.inference.results.formats import FORMATS
from services.inference.results.kaleidoscope import COLUMNS as KALEIDOSCOPE_COLUMNS
from services.inference.results.model import About, FailedRecording, RecordingResult, Result
from services.inference.results.parquet import METADATA_KEY, ROWS_IN_A_GROUP
from services.inference.results.raven import COLUMNS as RAVEN_COLUMNS
from services.inference.results.table import COLUMNS, SCHEMA_VERSION
from services.ingest.marked import parse_marks
from tests.support.results import ABOUT, CHIFFCHAFF, ODD_NAMES, SUMMER_TIME, heard, night, result

DOCS = Path(__file__).parents[4] / "docs" / "result-formats.md"
SPREADSHEETS = ["csv", "kaleidoscope", "checklist", "birdnet-csv"]
MANY = [name for name, one in FORMATS.items() if one.holds == "all recordings"]
CROWSETTAS_PANDAS = pytest.mark.filterwarnings("ignore:The inplace keyword")
EVERY = pytest.mark.parametrize("name", FORMATS)


def written(name: str, results: list[Result]) -> bytes:
    file = io.BytesIO()
    FORMATS[name].write(iter(results), ABOUT, file)
    return file.getvalue()


def table(name: str, results: list[Result], **options: object) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(written(name, results)), **options)


def saved(tmp_path: Path, name: str, results: list[Result]) -> Path:
    path = tmp_path / f"a{FORMATS[name].suffix}"
    path.write_bytes(written(name, results))
    return path


# JSON


def test_json_is_about_and_results() -> None:
    document = json.loads(written("json", night()))
    assert document["schema_version"] == SCHEMA_VERSION
    assert About.model_validate(document["about"]) == ABOUT
    assert [one["status"] for one in document["results"]] == ["analysed", "analysed", "failed", "analysed"]
    assert RecordingResult.model_validate(document["results"][0]) == night()[0]


def test_json_without_a_recording_is_json() -> None:
    assert json.loads(written("json", []))["results"] == []


def test_json_lines_are_told_apart_by_kind_and_pandas_reads_them() -> None:
    content = written("jsonl", [*night(), *(result(name, heard(0)) for name in ODD_NAMES)])
    assert len(content.decode().splitlines()) == content.count(b"\n")
    frame = pd.read_json(io.BytesIO(content), lines=True)
    assert list(frame["kind"]) == ["about"] + ["recording"] * (4 + len(ODD_NAMES))
    assert list(frame["file"][5:]) == list(ODD_NAMES)
    assert frame["error"].dropna().tolist() == ["The file holds no sound."]


# CSV and Parquet


def test_csv_has_a_row_for_each_detection_and_for_each_recording_without_one() -> None:
    frame = table("csv", night())
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame["status"]) == ["detected", "detected", "nothing detected", "failed", "detected"]
    assert list(frame["species"].dropna()) == [CHIFFCHAFF, "Turdus merula", CHIFFCHAFF]
    assert frame["error"][3] == "The file holds no sound."
    assert frame["warnings"][0] == "The file is cut short: 60.0 s of it could be read."
    assert (frame["schema_version"] == SCHEMA_VERSION).all()
    assert frame["windows"][1] == 2
    assert frame["merge_gap_seconds"][0] == 0.0
    assert frame["outcome"].tolist()[:2] == ["species", "species"]
    assert frame["model_sha256"].unique().tolist() == ["a" * 64]


def test_times_of_csv_are_absolute_where_they_are_known() -> None:
    frame = table("csv", night(), parse_dates=["start_local", "start_utc"])
    assert frame["start_local"][0] == pd.Timestamp("2024-05-01 05:30:02.5")
    assert frame["start_utc"][0] == pd.Timestamp("2024-05-01 03:30:02.5Z")
    assert frame["start_local"][2] == pd.Timestamp("2024-05-01 06:00")
    assert frame["start_utc"].isna().tolist() == [False, False, True, True, True]
    assert frame["start_local"].isna().tolist() == [False, False, False, True, True]


def test_parquet_has_the_same_columns_with_their_types() -> None:
    frame = pd.read_parquet(io.BytesIO(written("parquet", night())))
    assert list(frame.columns) == list(COLUMNS)
    assert frame["start_local"][0] == pd.Timestamp("2024-05-01 05:30:02.5")
    assert frame["start_utc"][0] == pd.Timestamp("2024-05-01 03:30:02.5", tz="UTC")
    assert pd.isna(frame["start_utc"][2])
    assert frame["confidence"].dtype == np.float64
    for column in ("known", "expected_here"):
        assert frame[column].tolist() == [None, True, None, None, None]
    in_text = table("csv", night())
    for column in ("file", "species", "confidence", "status", "recording_seconds", "latitude", "error"):
        assert frame[column].dropna().tolist() == in_text[column].dropna().tolist()


def test_parquet_is_written_in_groups_and_says_how_it_came_about() -> None:
    many = (result(f"{number}.wav", *[heard(0.0)] * 1_000) for number in range(45))
    file = io.BytesIO()
    FORMATS["parquet"].write(many, ABOUT, file)
    opened = pq.ParquetFile(file)
    assert [opened.metadata.row_group(index).num_rows for index in range(3)] == [
        ROWS_IN_A_GROUP,
        ROWS_IN_A_GROUP,
        5_000,
    ]
    assert About.model_validate_json(opened.schema_arrow.metadata[METADATA_KEY]) == ABOUT


def test_parquet_without_a_recording_has_its_columns() -> None:
    assert list(pd.read_parquet(io.BytesIO(written("parquet", []))).columns) == list(COLUMNS)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back_from_parquet_and_as_the_same_file_from_csv(name: str) -> None:
    assert pd.read_parquet(io.BytesIO(written("parquet", [result(name)])))["file"].tolist() == [name]
    (in_csv,) = table("csv", [result(name)])["file"]
    assert Path(in_csv) == Path(name)


@pytest.mark.parametrize("format_name", SPREADSHEETS)
def test_no_cell_is_a_formula_to_a_spreadsheet(format_name: str) -> None:
    dangerous = "=1+1"
    results: list[Result] = [result(name, heard(0.0, species=dangerous, common="@SUM(A1)")) for name in ODD_NAMES]
    results += [FailedRecording(file="=a.wav", error="-1 is wrong"), result("b.wav", warnings=["+1"])]
    lines = csv.reader(io.StringIO(written(format_name, results).decode(), newline=""))
    cells = [cell for line in lines for cell in line]
    assert "'=1+1" in cells
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


# Raven and Audacity


@CROWSETTAS_PANDAS
def test_crowsetta_reads_the_raven_table_of_one_recording(tmp_path: Path) -> None:
    path = saved(tmp_path, "raven", night()[:1])
    boxes = crowsetta.formats.bbox.Raven.from_file(path, annot_col="Species").to_bbox()
    assert [(box.onset, box.offset, box.label) for box in boxes] == [
        (2.5, 7.5, CHIFFCHAFF),
        (10, 17.5, "Turdus merula"),
    ]
    assert {(box.low_freq, box.high_freq) for box in boxes} == {(0.0, 11_025.0)}


@CROWSETTAS_PANDAS
def test_a_raven_table_of_many_recordings_is_one_sound_after_the_other(tmp_path: Path) -> None:
    path = saved(tmp_path, "raven-combined", night())
    frame = pd.read_csv(path, sep="\t")
    assert list(frame.columns) == list(RAVEN_COLUMNS)
    assert list(frame["Selection"]) == [1, 2, 3]
    # 60 s each of the two before it; the one that failed is none of the sound.
    assert list(frame["Begin Time (s)"]) == [2.5, 10.0, 120.0]
    assert list(frame["File Offset (s)"]) == [2.5, 10.0, 0.0]
    assert list(frame["Begin Path"]) == ["/data/station 1/20240501_053000.wav"] * 2 + ["/data/station 2/dusk.wav"]
    assert list(frame["High Freq (Hz)"]) == [11_025.0, 11_025.0, 8_000.0]
    assert frame["Recorded At"][0] == "2024-05-01T05:30:02.500+02:00"
    assert len(crowsetta.formats.bbox.Raven.from_file(path, annot_col="Species").to_bbox()) == 3


def test_what_raven_shows_can_be_ingested_again() -> None:
    content = written("raven-combined", night())
    marks = parse_marks(content, "a.selections.txt", "dusk.wav")
    assert [(mark.start, mark.end, mark.label) for mark in marks] == [(0.0, 5.0, CHIFFCHAFF)]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_stays_in_its_cell_of_a_raven_table(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, "raven", [result(name, heard(0.0), heard(5.0, species='"A\tb\n', common="\u2028"))])
    frame = pd.read_csv(path, sep="\t")
    assert list(frame["Begin Time (s)"]) == [0.0, 5.0]
    assert list(frame["Confidence"]) == [0.93, 0.93]
    assert len(path.read_text().splitlines()) == 3
    if not any(letter in name for letter in "\n\t\r\u2028\x85"):
        assert Path(frame["Begin Path"][0]) == Path(name)


def test_a_raven_table_of_nothing_is_a_header() -> None:
    for results in ([], [result()], [FailedRecording(file="a.wav", error="broken")]):
        assert written("raven", results).decode() == "\t".join(RAVEN_COLUMNS) + "\n"


def test_crowsetta_reads_the_audacity_labels(tmp_path: Path) -> None:
    odd = heard(20.0, species='"Two\nlines', common="a\tb", confidence=0.126)
    path = saved(tmp_path, "audacity", [result("a.wav", heard(2.5), odd)])
    labels = crowsetta.formats.seq.AudSeq.from_file(path)
    assert labels.start_times.tolist() == [2.5, 20.0]
    assert labels.end_times.tolist() == [7.5, 25.0]
    assert list(labels.labels) == ["Phylloscopus collybita (Common Chiffchaff) 0.93", "'Two lines (a b) 0.13"]


def test_audacity_labels_of_nothing_are_an_empty_file() -> None:
    for results in ([], [result()], [FailedRecording(file="a.wav", error="broken")]):
        assert written("audacity", results) == b""


def test_audacity_labels_of_two_recordings_are_refused() -> None:
    with pytest.raises(ValueError, match="one recording"):
        written("audacity", [result(), result()])


# Kaleidoscope, the checklist and BirdNET's columns


def test_kaleidoscope_finds_the_sound_and_leaves_the_manual_id_to_a_person() -> None:
    frame = table("kaleidoscope", night(), keep_default_na=False, dtype=str)
    assert list(frame.columns) == list(KALEIDOSCOPE_COLUMNS)
    assert list(frame["INDIR"]) == ["/data"] * 3
    assert list(frame["FOLDER"]) == ["station 1", "station 1", "station 2"]
    assert list(frame["IN FILE"]) == ["20240501_053000.wav"] * 2 + ["dusk.wav"]
    assert list(frame["OFFSET"]) == ["2.500", "10.000", "0.000"]
    assert list(frame["DURATION"]) == ["5.000", "7.500", "5.000"]
    assert list(frame["DATE"]) == ["2024-05-01", "2024-05-01", ""]
    assert list(frame["TIME"]) == ["05:30:02", "05:30:10", ""]
    assert list(frame["HOUR"]) == ["5", "5", ""]
    assert list(frame["AUTO ID*"]) == [CHIFFCHAFF, "Turdus merula", CHIFFCHAFF]
    assert set(frame["MANUAL ID"]) == {""}


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("a.wav", ("", "", "a.wav")),
        ("night/a.wav", ("", "night", "a.wav")),
        ("/a.wav", ("/", "", "a.wav")),
        (r"D:\bats\night 1\a.wav", (r"D:\bats", "night 1", "a.wav")),
        ("x/y/z/a, b.wav", ("x/y", "z", "a, b.wav")),
    ],
)
def test_kaleidoscope_has_the_path_in_three_parts(file: str, place: tuple[str, str, str]) -> None:
    frame = table("kaleidoscope", [result(file, heard(0.0))], keep_default_na=False)
    assert tuple(frame.loc[0, ["INDIR", "FOLDER", "IN FILE"]]) == place


def test_a_checklist_counts_each_species_once() -> None:
    earlier = result("earlier.wav", heard(1.0, confidence=0.2), recorded_at=datetime(2024, 5, 1, 4, tzinfo=SUMMER_TIME))
    frame = table("checklist", [*night(), earlier], keep_default_na=False)
    assert list(frame.columns) == list(CHECKLIST_COLUMNS)
    assert list(frame["species"]) == [CHIFFCHAFF, "Turdus merula"]
    assert list(frame["first_heard"]) == ["2024-05-01T04:00:01.000+02:00", "2024-05-01T05:30:10.000+02:00"]
    assert list(frame["first_file"]) == ["earlier.wav", "/data/station 1/20240501_053000.wav"]
    assert list(frame["recordings"]) == [3, 1]
    assert list(frame["detections"]) == [3, 1]
    assert list(frame["highest_confidence"]) == [0.99, 0.5]


def test_a_checklist_compares_clocks_where_a_zone_is_unknown() -> None:
    at_five = result("five.wav", heard(0.0), recorded_at=datetime(2024, 5, 1, 5))
    at_six = result("six.wav", heard(0.0), recorded_at=datetime(2024, 5, 1, 6, tzinfo=SUMMER_TIME))
    never = result("never.wav", heard(0.0))
    for order in ([at_five, at_six, never], [never, at_six, at_five]):
        assert table("checklist", order)["first_file"].tolist() == ["five.wav"]


def test_birdnets_scripts_find_their_columns() -> None:
    frame = table("birdnet-csv", night())
    assert list(frame.columns) == ["Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File"]
    assert frame.iloc[1].tolist() == [
        10.0,
        17.5,
        "Turdus merula",
        "Common Blackbird",
        0.5,
        "/data/station 1/20240501_053000.wav",
    ]


# All of them


@EVERY
def test_a_format_is_written_as_results_come(name: str) -> None:
    class Forward(io.RawIOBase):
        """As a response is: neither read nor sought."""

        size = 0

        def writable(self) -> bool:
            return True

        def write(self, content: bytes) -> int:  # type: ignore[override]
            self.size += len(content)
            return len(content)

    seen: list[int] = []
    file = Forward()

    def results() -> Iterator[Result]:
        for number in range(1 if name in ("audacity", "raven") else 60):
            seen.append(file.size)
            yield result(f"{number}.wav", *[heard(float(start)) for start in range(500)])

    FORMATS[name].write(results(), ABOUT, file)
    assert file.size > 0
    if name in MANY and name != "checklist":
        assert seen[-1] > seen[0], "nothing was written before the last result came"


@EVERY
def test_every_format_can_do_without_any_result(name: str) -> None:
    assert written(name, []) == written(name, [])
    assert FORMATS[name].suffix.startswith(".")


@EVERY
def test_every_format_is_in_the_manual(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text()


def test_every_column_is_in_the_manual() -> None:
    text = DOCS.read_text()
    assert [column for column in COLUMNS if f"`{column}`" not in text] == []
