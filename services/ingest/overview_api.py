"""`/recordings/places` and `/recordings/values`: where recordings are from, and which values there are to filter by."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from services.ingest.overview import Place, PlacesQuery, Values, places_of, values_of
from shared.filters import RecordingFilters
from shared.http.auth import needs
from shared.http.resources import Reads

router = APIRouter(prefix="/recordings", tags=["library"], dependencies=[needs("ingest", "train")])


@router.get("/places", summary="Where the recordings that the filters name were made")
async def list_places(wanted: Annotated[PlacesQuery, Query()], reads: Reads) -> list[Place]:
    """How many there are in each cell of `cell` degrees, for a map."""

    def read(session: Session) -> list[Place]:
        return places_of(session, wanted)

    async with reads() as session:
        return await session.run_sync(read)


@router.get("/values", summary="Licences, recordists, countries and sources of the recordings that the filters name")
async def list_values(wanted: Annotated[RecordingFilters, Query()], reads: Reads) -> Values:
    def read(session: Session) -> Values:
        return values_of(session, wanted)

    async with reads() as session:
        return await session.run_sync(read)
