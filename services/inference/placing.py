"""What place and season say about an answer: flagged as far as it is known, and left out where that is asked for."""

from collections.abc import Callable
from dataclasses import replace

from services.inference.classifier import Heard
from services.inference.expectations import Expectations
from services.inference.results.model import RecordingResult
from services.inference.schemas import Parameters


def placed(heard: Heard, parameters: Parameters, expected: Callable[[str], bool | None]) -> Heard:
    """The same with `expected_here` filled in; `expected` says it of a scientific name, None where it is not known.

    With `unexpected="drop"` species that are known not to be expected are left out; where no detection is left, what
    sings is unknown.
    """
    ranking = [one.model_copy(update={"expected_here": expected(one.species)}) for one in heard.ranking]
    detections = [one.model_copy(update={"expected_here": expected(one.species)}) for one in heard.detections]
    if parameters.unexpected == "drop":
        ranking = [one for one in ranking if one.expected_here is not False]
        detections = [one for one in detections if one.expected_here is not False]
    gone = heard.outcome == "species" and not detections
    return replace(heard, outcome="unknown" if gone else heard.outcome, ranking=ranking, detections=detections)


def placed_result(
    result: RecordingResult, parameters: Parameters, expectations: Callable[[], Expectations]
) -> RecordingResult:
    """The same for a recording that may say itself where and when it was made; what it does not say, was asked."""
    day = result.recorded_at.date() if result.recorded_at else parameters.date
    if day is None and result.latitude is None:
        return result
    local = expectations().of(result.latitude, result.longitude, day)
    heard = Heard(result.outcome or "nothing", list(result.ranking), list(result.detections))
    heard = placed(heard, parameters, local.expected)
    said = {"outcome": heard.outcome, "ranking": tuple(heard.ranking), "detections": tuple(heard.detections)}
    return result.model_copy(update=said)
