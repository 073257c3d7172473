"""What a request may hold: what its schema says and no more, in texts that every database can store."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Strict, model_validator

MOST_DEPTH = 100
MOST_INT = 2**31 - 1
"""The largest number that a column of integers holds in PostgreSQL."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WRITTEN_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]")


def _day(value: object) -> object:
    """pydantic would read a number as seconds since 1970, and the day of any moment."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return date.fromisoformat(value)
    if value is None or type(value) is date:
        return value
    raise ValueError("give a day as YYYY-MM-DD")


def _written(value: object) -> object:
    """pydantic would read a number, also in a text, as seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and not _WRITTEN_MOMENT.match(value)):
        raise ValueError("give a moment such as 2026-05-01T06:00:00Z")
    return value


def _moment(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("give a moment of the years 2 to 9998") from None


Day = Annotated[date, BeforeValidator(_day)]
"""A day as ISO 8601 writes it."""
Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_moment)]
"""A moment with a time zone, in UTC from here on."""
AsList = Strict(strict=False)
"""Marks a tuple, which JSON can only write as a list."""


def require_storable(value: Any, *where: str) -> None:
    """Raises ValueError, with its place, for a text, however deep, with a zero byte or half of a surrogate pair.

    PostgreSQL stores neither, and the second cannot be sent back either.
    """
    if len(where) > MOST_DEPTH:
        raise ValueError(f"{where[0]} is nested more than {MOST_DEPTH} deep")
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise ValueError(f"{'.'.join(where) or 'it'} holds a zero byte or half of a surrogate pair")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            require_storable(key, *where, "a name")
            require_storable(inner, *where, str(key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            require_storable(inner, *where, str(number))


class Storable(BaseModel):
    """Texts that every database can store, and no field that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, given: Any) -> Any:
        require_storable(given)
        return given


class Asked(Storable):
    """A body of JSON. No text is read as a number, and no `false` as zero: `max_gb` of zero removes files."""

    model_config = ConfigDict(strict=True)
