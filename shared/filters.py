"""Which recordings are meant: the one set of filters for lists, counts, statistics and attributions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from shared import species
from shared.conditions import Corners, in_box, in_countries, of_quality, recorded, under, without_no_derivatives
from shared.db.tables import Ingestion, IngestionItem, Job, Recording
from shared.http.asked import Day

Value = TypeVar("Value")
CLOCKS_DIFFER = timedelta(hours=1)
"""From machine to machine, at most."""


def _box(text: str) -> str:
    """Raises ValueError when it is not four numbers that span a part of the world."""
    corners(text)
    return text


def corners(text: str) -> Corners:
    """South, west, north and east in degrees, of a text such as `45,5,55,15`."""
    try:
        south, west, north, east = map(float, text.split(","))
    except ValueError:
        raise ValueError("give four numbers in degrees: south,west,north,east, such as 45,5,55,15") from None
    if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise ValueError("south,west,north,east must lie within 90 and 180 degrees, south below north")
    return south, west, north, east


# A zero byte has no place in PostgreSQL's texts.
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
XcNumber = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^([Xx][Cc])?\s?[0-9]{1,12}$")]
Box = Annotated[
    str, StringConstraints(max_length=200), AfterValidator(_box), Field(json_schema_extra={"format": "box"})
]
Quality = Literal["A", "B", "C", "D", "E"]
Rating = Literal["A", "B", "C", "D", "E", "unrated"]
Month = Annotated[int, Field(ge=1, le=12)]
Many = Annotated[list[Value], Field(max_length=100)]


class RecordingFilters(BaseModel):
    """Filters narrow each other; several values of one filter widen it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    species: Many[Text] = Field([], description="Scientific or common name, in any language")
    quality: Many[Rating] = Field([], description="A to E, or `unrated`")
    licence: Many[Text] = Field(
        [], description="`CC BY 4.0`, or `CC BY` for all its versions, not CC BY-NC; `unknown` where none is named"
    )
    no_derivatives: Literal["include", "exclude"] = Field(
        "include", description="Whether recordings under a NoDerivatives licence are among them"
    )
    country: Many[Text] = Field([], description="In any case of letters")
    recordist: Many[Text] = Field([], description="The whole name as it is written")
    source: Text | None = Field(None, description="`folder`, `manifest`, `upload`, `xeno-canto` or `review`")
    xc_id: Many[XcNumber] = Field([], description="Numbers on Xeno-canto, with or without XC")
    sha256: Hex64 | None = Field(None, description="Of the original file, as datasets and models name it")
    box: Box | None = Field(None, description="south,west,north,east in degrees; west > east crosses the date line")
    recorded_from: Day | None = Field(None, description="Recorded on this day or later")
    recorded_to: Day | None = Field(None, description="Recorded on this day or earlier")
    month: Many[Month] = Field([], description="1 to 12, of any year")
    prepared: bool | None = Field(None, description="Only those that are (not) prepared")
    min_signal_seconds: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="A bird is heard for at least so long"
    )
    ingestion_id: Hex32 | None = Field(None, description="Accepted by this ingestion, or known to it before")
    text: Text | None = Field(None, description="Stands in the file's name, the locality or the remarks")
    deleted: Literal["exclude", "only", "include"] = "exclude"

    @model_validator(mode="after")
    def _days_are_in_order(self) -> Self:
        if self.recorded_from and self.recorded_to and self.recorded_from > self.recorded_to:
            raise ValueError("recorded_from is later than recorded_to")
        return self


def conditions(session: Session, wanted: RecordingFilters) -> list[ColumnElement[bool]]:
    """What a row of `recordings` has to fulfil.

    Raises:
        InvalidInput: when a licence or country is spelt in too many ways to look for.
    """
    return [
        *_of_presence(wanted),
        *_of_content(session, wanted),
        *_of_origin(session, wanted),
        *_of_place_and_time(session, wanted),
    ]


def _of_presence(wanted: RecordingFilters) -> Iterator[ColumnElement[bool]]:
    match wanted.deleted:
        case "exclude":
            yield Recording.deleted_at.is_(None)
        case "only":
            yield Recording.deleted_at.is_not(None)
    if wanted.prepared is not None:
        yield Recording.prepared_at.is_not(None) if wanted.prepared else Recording.prepared_at.is_(None)


def _of_content(session: Session, wanted: RecordingFilters) -> Iterator[ColumnElement[bool]]:
    if wanted.species:
        yield Recording.label.in_({species.find(session, name).scientific for name in wanted.species})
    if wanted.quality:
        yield of_quality(wanted.quality)
    if wanted.min_signal_seconds is not None:
        yield Recording.signal_seconds >= wanted.min_signal_seconds
    if wanted.sha256 is not None:
        yield Recording.sha256 == wanted.sha256
    if wanted.text is not None:
        remarks = (Recording.details[key].as_string() for key in ("rmk", "remarks"))
        places = (Recording.original_name, Recording.locality, *remarks)
        yield or_(*(place.icontains(wanted.text, autoescape=True) for place in places))


def _of_origin(session: Session, wanted: RecordingFilters) -> Iterator[ColumnElement[bool]]:
    if wanted.licence:
        yield under(session, wanted.licence)
    if wanted.no_derivatives == "exclude":
        yield without_no_derivatives(session)
    if wanted.recordist:
        yield Recording.recordist.in_(wanted.recordist)
    if wanted.source is not None:
        yield Recording.source == wanted.source
    if wanted.xc_id:
        yield Recording.xc_id.in_([number.lower().removeprefix("xc").strip() for number in wanted.xc_id])
    if wanted.ingestion_id is not None:
        yield from _of_ingestion(session, wanted.ingestion_id)


def _of_ingestion(session: Session, ingestion_id: str) -> Iterator[ColumnElement[bool]]:
    mine = select(IngestionItem.recording_id).where(IngestionItem.ingestion_id == ingestion_id)
    yield Recording.id.in_(mine.where(IngestionItem.recording_id.is_not(None)))
    query = select(Job.finished_at).join(Ingestion, Ingestion.job_id == Job.id).where(Ingestion.id == ingestion_id)
    if ended := session.scalar(query):
        # All were there when it ended, so what came later need not be walked through.
        yield Recording.created_at <= ended + CLOCKS_DIFFER


def _of_place_and_time(session: Session, wanted: RecordingFilters) -> Iterator[ColumnElement[bool]]:
    if wanted.country:
        yield in_countries(session, wanted.country)
    if wanted.box is not None:
        yield in_box(corners(wanted.box))
    yield from recorded(wanted.recorded_from, wanted.recorded_to, wanted.month)
