"""Results stand in one list, whether a recording could be read or not, and say when things were."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from services.inference.results.model import FailedRecording, RecordingResult, Result
from tests.support.results import night, result

RESULTS = TypeAdapter(list[Result])


def test_a_list_of_results_comes_back_from_json_as_it_was() -> None:
    before = night()
    after = RESULTS.validate_json(RESULTS.dump_json(before))
    assert after == before
    assert [type(one) for one in after] == [RecordingResult, RecordingResult, FailedRecording, RecordingResult]


def test_seconds_are_counted_through_the_night_when_the_clocks_go_back() -> None:
    before = datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    an_hour_later = result(recorded_at=before).moment(3_600)
    assert an_hour_later is not None
    assert an_hour_later - before.astimezone(UTC) == timedelta(hours=1)
    assert an_hour_later.isoformat() == "2024-10-27T03:30:00+02:00"


def test_nobody_knows_when_something_was_if_the_recording_has_no_time() -> None:
    assert result().moment(10) is None


def test_a_name_that_is_no_utf_8_is_shown_and_not_refused() -> None:
    assert result("a\udce9b\0.wav").file == "a\\udce9b\\x00.wav"


@pytest.mark.parametrize("year", [1, 9999])
def test_years_that_no_recorder_has_seen_are_refused(year: int) -> None:
    with pytest.raises(ValidationError, match="no recording is of the year"):
        result(recorded_at=datetime(year, 1, 1))


@pytest.mark.parametrize("field", [{"seconds": float("nan")}, {"latitude": 91}, {"longitude": float("nan")}])
def test_figures_that_cannot_be_are_refused(field: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        result(**field)
