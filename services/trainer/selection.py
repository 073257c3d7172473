"""Which recordings a dataset takes: what may be asked for, and what that means to the database."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator
from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Session

from shared.conditions import Corners, in_box, in_countries, of_quality, recorded, under, without_no_derivatives
from shared.db.tables import Recording
from shared.http.asked import Asked, AsList, Day
from shared.species import find

GIVEN = "given"
"""The segmentation of a recording whose sections a person marked, perhaps as several species."""

# A zero byte has no place in PostgreSQL's texts.
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Quality = Literal["A", "B", "C", "D", "E", "unrated"]


class Selection(Asked):
    """Which recordings a dataset takes, and how it splits them. Filters narrow each other."""

    name: str = Field("dataset", pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$")

    species: list[Text] | None = Field(None, description="Scientific or common names, in any language")
    quality: list[Quality] | None = Field(None, min_length=1, description="A to E; `unrated` for those without")
    licence: list[Text] | None = Field(
        None,
        min_length=1,
        description="`CC BY` for all its versions (and not CC BY-NC), `CC BY 4.0` for one; `unknown`: none is named",
    )
    no_derivatives: Literal["include", "exclude"] = Field(
        "include", description="Recordings under a NoDerivatives licence: exclude them from a model you share"
    )
    source: list[Text] | None = Field(
        None, min_length=1, description="`folder`, `manifest`, `upload`, `xeno-canto` or `review`"
    )
    country: list[Text] | None = Field(None, min_length=1)
    box: Annotated[Corners, AsList] | None = Field(
        None, description="South, west, north, east in degrees; west > east crosses the date line"
    )
    recorded_from: Day | None = Field(None, description="Recorded on this day or later")
    recorded_to: Day | None = Field(None, description="Recorded on this day or earlier")
    month: list[Annotated[int, Field(ge=1, le=12)]] | None = Field(
        None, min_length=1, description="1 to 12, of any year"
    )
    background: list[Text] = Field(
        [],
        description="Labels that are no species but mere noise, such as `rain`: all of it may be laid under the birds",
    )
    min_signal_fraction: float = Field(
        0.0, ge=0, le=1, description="Leave out slices of which a smaller part is signal"
    )

    min_recordings: int = Field(2, ge=1, description="Leave out species with fewer recordings")
    min_slices: int = Field(1, ge=1, description="Leave out species with fewer slices")
    max_recordings: int | None = Field(
        None, ge=1, description="At most so many per species: the best quality first, of as many recordists as can be"
    )
    max_slices: int | None = Field(
        None, ge=1, description="At most so many per species, from as many of its recordings as can be"
    )
    max_slices_per_recording: int | None = Field(None, ge=1, description="Spread over the recording")

    folds: int = Field(5, ge=2, le=20, description="Parts for cross-validation; a recordist is in one only")
    seed: int = Field(0, ge=0)

    @field_validator("box")
    @classmethod
    def _box_is_on_earth(cls, box: Corners | None) -> Corners | None:
        if box is not None:
            south, west, north, east = box
            if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
                raise ValueError("south, west, north, east must lie within 90 and 180 degrees, south below north")
        return box

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.recorded_from and self.recorded_to and self.recorded_from > self.recorded_to:
            raise ValueError("recorded_from is later than recorded_to")
        for least, most in ((self.min_recordings, self.max_recordings), (self.min_slices, self.max_slices)):
            if most is not None and least > most:
                raise ValueError("a class's minimum is larger than its maximum")
        return self


def species_of(session: Session, selection: Selection) -> set[str] | None:
    """The scientific names that are asked for, as the library writes them; None for all."""
    if selection.species is None:
        return None
    return {find(session, name).scientific for name in set(selection.species)}


def conditions(session: Session, selection: Selection, species: set[str] | None) -> list[ColumnElement[bool]]:
    """What a row of `recordings` has to fulfil."""
    present = [Recording.deleted_at.is_(None), Recording.prepared_key.is_not(None)]
    content, origin = _of_content(selection, species), _of_origin(session, selection)
    return [*present, *content, *origin, *_of_place_and_time(session, selection)]


def _of_content(selection: Selection, species: set[str] | None) -> Iterator[ColumnElement[bool]]:
    # Which species a person marked stands in the slices alone, so these are looked at one by one.
    if species is None:
        labelled = Recording.label.is_not(None)
    else:
        labelled = Recording.label.in_({*species, *selection.background})
    yield or_(labelled, Recording.segmentation == GIVEN)
    if selection.quality is not None:
        yield of_quality(selection.quality)


def _of_origin(session: Session, selection: Selection) -> Iterator[ColumnElement[bool]]:
    if selection.source is not None:
        yield Recording.source.in_(selection.source)
    if selection.licence is not None:
        yield under(session, selection.licence)
    if selection.no_derivatives == "exclude":
        yield without_no_derivatives(session)


def _of_place_and_time(session: Session, selection: Selection) -> Iterator[ColumnElement[bool]]:
    if selection.country is not None:
        yield in_countries(session, selection.country)
    if selection.box is not None:
        yield in_box(selection.box)
    yield from recorded(selection.recorded_from, selection.recorded_to, selection.month)
