"""Results of recordings with everything in them that a format may stumble over."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from services.inference.results.model import (
    About,
    AnsweringModel,
    FailedRecording,
    RecordingResult,
    Result,
)
from services.inference.schemas import Detection, Parameters, Ranked

CHIFFCHAFF = "Phylloscopus collybita"
ABOUT = About(
    id="3f0e6c1f",
    made_at=datetime(2026, 5, 1, 12, tzinfo=UTC),
    software_version="0.1.0",
    model=AnsweringModel(name="garden-birds", version="3", sha256="a" * 64),
    parameters=Parameters(step=2.5, min_confidence=0.1, top_k=5, thresholds={CHIFFCHAFF: 0.4}, merge=0.0),
)
SUMMER_TIME = timezone(timedelta(hours=2))
ODD_NAMES = (
    "=cmd|' /C calc'!A0.wav",
    "+1,2.wav",
    "-12 dB.wav",
    "@home.wav",
    'a "quoted", name.wav',
    '"quoted.wav',
    "two\nlines.wav",
    "a\ttab\r.wav",
    "Größe 鳥 🐦.wav",
    "line\u2028separator\x85.wav",
    "field 7/mañana/20240501_053000.wav",
)


def heard(
    start: float,
    end: float | None = None,
    species: str = CHIFFCHAFF,
    common: str = "Common Chiffchaff",
    confidence: float = 0.93,
    **more: Any,
) -> Detection:
    return Detection(
        start=start,
        end=start + 5 if end is None else end,
        species=species,
        common_name=common,
        confidence=confidence,
        **more,
    )


def result(file: str = "station 1/20240501_053000.wav", *detections: Detection, **more: Any) -> RecordingResult:
    fields: dict[str, Any] = {"seconds": 60.0, "sample_rate": 48_000, "channels": 1}
    return RecordingResult(file=file, detections=detections, **{**fields, **more})


def night() -> list[Result]:
    """Two recordings with birds, one without and one that failed; of two the time is known, of one its zone too."""
    blackbird = heard(10.0, 17.5, "Turdus merula", "Common Blackbird", 0.5, windows=2, known=True, expected_here=True)
    return [
        result(
            "/data/station 1/20240501_053000.wav",
            heard(2.5),
            blackbird,
            recorded_at=datetime(2024, 5, 1, 5, 30, tzinfo=SUMMER_TIME),
            recorded_at_from="audiomoth comment",
            latitude=51.05,
            longitude=13.74,
            outcome="species",
            ranking=[Ranked(species=CHIFFCHAFF, common_name="Common Chiffchaff", confidence=0.93)],
            warnings=["The file is cut short: 60.0 s of it could be read."],
        ),
        result("/data/station 1/20240501_060000.wav", recorded_at=datetime(2024, 5, 1, 6)),
        FailedRecording(file="/data/station 1/broken.wav", error="The file holds no sound."),
        result("/data/station 2/dusk.wav", heard(0.0, 5.0, confidence=0.99), seconds=30.5, sample_rate=16_000),
    ]
