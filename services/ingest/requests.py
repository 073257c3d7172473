"""What an ingestion may be asked for."""

from typing import Annotated, Literal

from pydantic import Field

from services.ingest.xeno_canto.source import XenoCantoSource
from shared.http.server_path import OnServer


class FolderSource(OnServer):
    """A folder whose sub-folders are named by species (scientific, English or German)."""

    source: Literal["folder"]
    recordist: str = ""
    licence: str = ""


class ManifestSource(OnServer):
    """A CSV file with the columns path and label and, if known, recordist, licence, xc_id."""

    source: Literal["manifest"]
    select: dict[str, list[str]] = Field(
        default={}, description="Take only rows whose column holds one of these values"
    )


Source = Annotated[FolderSource | ManifestSource | XenoCantoSource, Field(discriminator="source")]
