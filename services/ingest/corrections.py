"""`PATCH /recordings/{id}`: what a person knows better than the source."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy.orm import Session

from services.ingest.taking import PREPARE
from shared import jobs, species
from shared.db.tables import Recording
from shared.errors import InvalidInput
from shared.filters import Quality, Text
from shared.http.asked import Asked, Day

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00]*$")]
TEXTS = ("licence", "recordist", "country", "locality", "recorded_time")
VALUES = ("quality", "latitude", "longitude", "recorded_on")


class Correction(Asked):
    """What is left out stays as it is; null (or an empty text) says that it is not known."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"species": "Phylloscopus collybita", "quality": "A", "licence": "CC BY 4.0"}]},
    )

    species: Text | None = Field(None, description="Scientific name, or a common one in any language")
    secondary: list[Text] | None = Field(None, max_length=100, description="Other species that sing in it")
    quality: Quality | None = None
    licence: Words | None = None
    recordist: Words | None = None
    country: Words | None = None
    locality: Words | None = None
    latitude: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    longitude: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    recorded_on: Day | None = None
    recorded_time: Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")] | None = Field(
        None, description="Local time of day, HH:MM"
    )


def correct(session: Session, recording: Recording, correction: Correction, *, max_attempts: int) -> None:
    """Writes what the correction names. Where another species sings in marked sections, they are sorted anew.

    Args:
        max_attempts: of the job that does so.

    Raises:
        InvalidInput: when it names nothing, or leaves half of a place.
    """
    named = correction.model_fields_set
    if not named:
        raise InvalidInput("There is nothing to correct.", hint="Send at least one field, such as `species`.")
    for field in named.intersection(TEXTS):
        setattr(recording, field, getattr(correction, field) or "")
    for field in named.intersection(VALUES):
        setattr(recording, field, getattr(correction, field))
    if (recording.latitude is None) != (recording.longitude is None):
        raise InvalidInput("A place has a latitude and a longitude.", hint="Send both, or null for both.")
    before = recording.label
    if "species" in named:
        recording.label = _ensured(session, correction.species) if correction.species else None
    if "secondary" in named:
        names = (species.find(session, name).scientific for name in correction.secondary or ())
        recording.secondary = list(dict.fromkeys(names))
    session.flush()
    if recording.label != before and recording.annotations and recording.prepared_at is not None:
        payload = {"recording_id": recording.id}
        jobs.submit(session, PREPARE, payload, max_attempts=max_attempts, priority=jobs.Priority.PERSON)


def _ensured(session: Session, name: str) -> str:
    found = species.find(session, name)
    species.ensure(session, found)
    return found.scientific
