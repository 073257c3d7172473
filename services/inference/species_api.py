"""What the page shows of species besides the answer: their names in its language, and their pictures."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from services.inference.pictures import Picture, Pictures
from services.inference.serving import Serving
from shared.errors import NotFound
from shared.http.auth import needs
from shared.species import built_in

router = APIRouter(prefix="/species", tags=["species"], dependencies=[needs("classify", "ingest", "train")])

BINOMIAL = re.compile(r"[A-Z][a-z-]+( [a-z-]+){1,2}")
"""A model may have other labels, too, for sounds that are none of a species."""

ScientificName = Annotated[str, PathParameter(max_length=200, description="Scientific", examples=["Turdus merula"])]


class SpeciesPicture(BaseModel):
    """What `/species/{name}/picture/file` shows; null where there is none, or pictures are not allowed here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "species": "Turdus merula",
                    "picture": {
                        "author": "Andreas Trepte",
                        "licence": "CC BY-SA 2.5",
                        "licence_url": "https://creativecommons.org/licenses/by-sa/2.5",
                        "source_url": "https://commons.wikimedia.org/wiki/File:Common_Blackbird.jpg",
                        "media_type": "image/jpeg",
                    },
                }
            ]
        }
    )

    species: str
    picture: Picture | None = Field(description="Author and licence have to be shown with it")


async def get_pictures(request: Request) -> Pictures:
    pictures: Pictures = request.app.state.pictures
    return pictures


async def get_picture_of(
    name: ScientificName, request: Request, pictures: Annotated[Pictures, Depends(get_pictures)]
) -> Picture | None:
    """Of a species that the list or the active model knows; for any other name nobody is asked and nothing is kept."""
    serving: Serving = request.app.state.serving
    known = name in built_in() or (name in serving.species and BINOMIAL.fullmatch(name))
    return await pictures.of(name) if known else None


Shown = Annotated[Picture | None, Depends(get_picture_of)]


@router.get("/names", summary="The built-in names of species in a language")
async def list_names(
    language: Annotated[str, Query(pattern=r"^[a-z]{2}$", description="ISO 639-1", examples=["de"])],
) -> dict[str, str]:
    """By scientific name; a language without names has none."""
    names = (
        (name, known.common if language == "en" else known.names.get(language)) for name, known in built_in().items()
    )
    return {scientific: common for scientific, common in names if common}


@router.get("/{name}/picture", summary="Whose picture of a species there is")
async def get_picture(name: ScientificName, picture: Shown) -> SpeciesPicture:
    """From Wikimedia Commons, where `CHIFFCHAFF_PICTURES_URL` allows it."""
    return SpeciesPicture(species=name, picture=picture)


@router.get("/{name}/picture/file", summary="The picture itself", response_class=FileResponse)
async def get_picture_file(
    name: ScientificName, picture: Shown, pictures: Annotated[Pictures, Depends(get_pictures)]
) -> FileResponse:
    if picture is None:
        raise NotFound(
            f"There is no picture of {name} here.",
            hint="Who runs the service allows pictures from Wikimedia Commons by CHIFFCHAFF_PICTURES_URL.",
        )
    return FileResponse(pictures.file(name), media_type=picture.media_type, headers={"Cache-Control": "max-age=86400"})
