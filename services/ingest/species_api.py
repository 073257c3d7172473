"""Species: what the library holds of each, as JSON, as a table and as a picture."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.orm import Session

from services.ingest.formats import AS_CSV, CSV, JSON, csv_lines
from services.ingest.pictures import Pictures, PngResponse, StillWanted
from services.ingest.species_statistics import SpeciesQuery, SpeciesView, species_of, table_of
from shared.audio.excerpt import DEFAULT_WIDTH, LEAST_WIDTH, MOST_WIDTH
from shared.http.auth import needs
from shared.http.preferred import Accept, preferred
from shared.http.resources import Reads

router = APIRouter(tags=["library"], dependencies=[needs("ingest", "train")])


class ChartQuery(SpeciesQuery):
    top: int = Field(25, ge=1, le=100, description="How many species, those with most signal")
    width: int = Field(DEFAULT_WIDTH, ge=LEAST_WIDTH, le=MOST_WIDTH, description="Of the picture, in pixels")


@router.get(
    "/species",
    response_model=list[SpeciesView],
    responses=AS_CSV,
    summary="The species of the library, with how much there is of each",
)
async def list_species(
    wanted: Annotated[SpeciesQuery, Query()], reads: Reads, accept: Accept = ""
) -> list[SpeciesView] | Response:
    """Of the recordings that the filters name, which are those of `GET /recordings`. CSV with `Accept: text/csv`."""
    found = await _found(reads, wanted)
    if preferred(accept, (JSON, CSV)) == JSON:
        return found
    return Response(csv_lines(table_of(found)), media_type=CSV)


@router.get("/species.png", response_class=PngResponse, summary="The same as a picture: minutes of signal per species")
async def draw_species_chart(
    wanted: Annotated[ChartQuery, Query()], reads: Reads, drawing: Pictures, still_wanted: StillWanted
) -> Response:
    found = await _found(reads, wanted)
    return PngResponse(await drawing.run(partial(_drawn, found, wanted), still_wanted))


async def _found(reads: Reads, wanted: SpeciesQuery) -> list[SpeciesView]:
    def read(session: Session) -> list[SpeciesView]:
        return species_of(session, wanted)

    async with reads() as session:
        return await session.run_sync(read)


def _drawn(found: list[SpeciesView], wanted: ChartQuery) -> bytes:
    # Only who draws waits for matplotlib and scipy.
    from services.ingest.species_chart import draw_species

    return draw_species(found, top=wanted.top, width=wanted.width)
