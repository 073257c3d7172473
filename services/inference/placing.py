"""What place and season say about an answer: flagged as far as it is known, and left out where that is asked for."""

from collections.abc import Callable
from dataclasses import replace

from services.inference.classifier import Heard
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
