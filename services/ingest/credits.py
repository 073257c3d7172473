"""Whose recordings they are, and who may use them how: of recordings of the library, of a dataset, of a model.

All come sorted by recordist, licence, species and number, so that equal ones follow each other.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, case, select
from sqlalchemy.orm import Session

from shared import species
from shared.conditions import MOST_SPELLINGS, spellings
from shared.db.engine import AsyncSessions
from shared.db.tables import Dataset, Model, Recording, Species
from shared.errors import InvalidInput, NotFound
from shared.licences import Licence, licence_of
from shared.storage import Storage

Value = TypeVar("Value")
Listed = Mapping[str, Any]
"""A recording as a dataset or a model lists it."""
LISTED = ("sha256", "recordist", "licence", "xc_id", "source_url")
ROWS_AT_ONCE = 1_000
XENO_CANTO = "https://xeno-canto.org/"


@dataclass(frozen=True)
class Credit:
    """What is owed for one recording. `id` is null where the library does not have it any more."""

    id: str | None
    sha256: str
    species: str
    common_name: str
    title: str
    """The name of the file as it came."""
    recordist: str
    licence: Licence
    xc_id: str
    source_url: str

    @property
    def url(self) -> str:
        return f"{XENO_CANTO}{self.xc_id}" if self.xc_id else self.source_url

    @property
    def reference(self) -> str:
        return f"XC{self.xc_id}" if self.xc_id else self.title or f"sha256 {self.sha256[:12]}"

    @property
    def place(self) -> tuple[str, ...]:
        """In the order of all."""
        return (self.recordist, self.licence.name, self.species, self.xc_id, self.title, self.sha256)


def common_names(session: Session) -> dict[str, str]:
    """In English, by scientific name: what the library has, else the built-in ones."""
    known = select(Species.scientific_name, Species.common_name).where(Species.common_name != "")
    built_in = {name.scientific: name.common for name in species.built_in().values()}
    return {**built_in, **dict(session.execute(known).all())}


def sorted_query(session: Session, wanted: Iterable[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    """The recordings in the order of credits; licences by the name that all their spellings have."""
    named = {text: licence_of(text).name for text in spellings(session, Recording.licence)}
    other = {text: name for text, name in named.items() if text != name}
    if len(other) > MOST_SPELLINGS:
        other = {}  # then one licence may head several paragraphs
    licence = case(other, value=Recording.licence, else_=Recording.licence) if other else Recording.licence
    return (
        select(
            Recording.id,
            Recording.sha256,
            Recording.label,
            Recording.original_name,
            Recording.recordist,
            Recording.licence,
            Recording.xc_id,
            Recording.source_url,
        )
        .where(*wanted)
        .order_by(Recording.recordist, licence, Recording.label, Recording.xc_id, Recording.original_name, Recording.id)
    )


async def credits_of_library(
    reads: AsyncSessions, query: Select[*tuple[Any, ...]], names: Mapping[str, str]
) -> AsyncIterator[Credit]:
    """Row by row from the database, however many there are."""
    async with reads() as session:
        rows = await session.stream(query.execution_options(yield_per=ROWS_AT_ONCE))
        async for row in rows:
            yield Credit(
                id=row.id,
                sha256=row.sha256,
                species=row.label or "",
                common_name=names.get(row.label, ""),
                title=row.original_name,
                recordist=row.recordist,
                licence=licence_of(row.licence),
                xc_id=row.xc_id or "",
                source_url=row.source_url,
            )


async def in_turn(credits: Iterable[Credit]) -> AsyncIterator[Credit]:
    for credit in credits:
        yield credit


def dataset_key(session: Session, dataset_id: str) -> str:
    """Where the frozen list lies. Raises NotFound."""
    row = session.get(Dataset, dataset_id)
    if row is None:
        raise NotFound(f"There is no dataset {dataset_id}.", hint="GET /datasets lists them.")
    return row.file_key


def listed_in_dataset(storage: Storage, key: str) -> list[Listed]:
    """Each recording once, though a list has it once more for each further species that is marked in it.

    The list is JSON lines after a header, or of older datasets one object.

    Raises:
        NotFound: when the file has gone.
        InvalidInput: when it is damaged.
    """
    found: dict[str, Listed] = {}
    try:
        with storage.existing(key).open("rb") as file:
            header = json.loads(file.readline())
            for one in header["recordings"] if "recordings" in header else map(json.loads, file):
                marked = bool(one.get("marked"))
                if one["sha256"] not in found or not marked:
                    found[one["sha256"]] = {**{name: one.get(name) for name in LISTED}, "species": one["label"]}
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput("The dataset's list is damaged.", hint="Make the dataset anew.") from error
    return list(found.values())


def listed_in_model(session: Session, name: str, version: int | None) -> list[Listed]:
    """As the model file itself names them; of the newest version unless one is given. Raises NotFound."""
    query = select(Model).where(Model.name == name).order_by(Model.version.desc()).limit(1)
    row = session.scalar(query if version is None else query.where(Model.version == version))
    if row is None:
        named = name if version is None else f"{name}, version {version}"
        raise NotFound(f"There is no model {named}.", hint="GET /models lists them.")
    return list(row.manifest.get("recordings", ()))


def credited(session: Session, listed: Iterable[Listed]) -> list[Credit]:
    """What a list says of its recordings, with the name and the address that the library has of those it still has."""
    names = common_names(session)
    credits = []
    for part in _parts(listed):
        columns = (Recording.sha256, Recording.id, Recording.original_name, Recording.source_url)
        query = select(*columns).where(Recording.sha256.in_([one["sha256"] for one in part]))
        present = {sha256: rest for sha256, *rest in session.execute(query)}
        for one in part:
            row_id, title, source_url = present.get(one["sha256"], (None, "", ""))
            credits.append(
                Credit(
                    id=row_id,
                    sha256=one["sha256"],
                    species=one["species"],
                    common_name=names.get(one["species"], ""),
                    title=title,
                    recordist=one.get("recordist") or "",
                    licence=licence_of(one.get("licence") or ""),
                    xc_id=one.get("xc_id") or "",
                    source_url=one.get("source_url") or source_url,
                )
            )
    return credits


def in_order(credits: Iterable[Credit]) -> list[Credit]:
    return sorted(credits, key=lambda credit: credit.place)


def _parts(values: Iterable[Value]) -> Iterable[list[Value]]:
    rest = iter(values)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        yield part
