"""Species: what the library holds of each."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import func, select

from shared.db.tables import Recording, Species
from shared.http.auth import KeyRequired
from shared.http.resources import Reads

router = APIRouter(prefix="/species", tags=["library"], dependencies=[KeyRequired])


class SpeciesView(BaseModel):
    scientific_name: str
    common_name: str
    names: dict[str, str]
    recordings: int
    seconds: float
    signal_seconds: float


@router.get("", summary="The species of the library, with how much there is of each")
async def list_species(reads: Reads) -> list[SpeciesView]:
    query = (
        select(Species, func.count(Recording.id), func.sum(Recording.seconds), func.sum(Recording.signal_seconds))
        .outerjoin(Recording, Recording.label == Species.scientific_name)
        .group_by(Species.scientific_name)
        .order_by(Species.scientific_name)
    )
    async with reads() as session:
        rows = (await session.execute(query)).all()
    return [
        SpeciesView(
            scientific_name=name.scientific_name,
            common_name=name.common_name,
            names=name.names,
            recordings=count,
            seconds=round(seconds or 0.0, 1),
            signal_seconds=round(signal or 0.0, 1),
        )
        for name, count, seconds, signal in rows
    ]
