"""One record of Xeno-canto as the library sees it. Nothing that stands in a record may stop an ingestion."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from services.ingest.items import Item
from services.ingest.xeno_canto import values
from services.ingest.xeno_canto.source import QUALITIES
from shared import species
from shared.licences import CREATIVE_COMMONS, licence_of

BYTES_A_SECOND = {".mp3": 24_000, ".m4a": 16_000, ".ogg": 16_000, ".opus": 12_000}
"""Of compressed sound, as people usually upload it: MP3 at 192 kbit/s."""
BYTES_A_SAMPLE = {".wav": 4.0, ".aiff": 4.0, ".aif": 4.0, ".flac": 2.2}
"""Two channels of 16 bits; FLAC takes somewhat more than half of that."""
USUAL_RATE = 44_100
LONGEST_NAME = 150


@dataclass(frozen=True)
class Record:
    """A record, read as far as it can be read. `given` is all of it, under the service's own names."""

    given: Mapping[str, Any]

    @cached_property
    def number(self) -> str | None:
        return values.number_of(self.given.get("id"))

    @property
    def name(self) -> str:
        return f"XC{self.number}"

    @cached_property
    def species(self) -> str | None:
        """The scientific name; None where it is no single species."""
        genus, kind = values.text(self.given.get("gen")), values.text(self.given.get("sp"))
        name = values.binomial(genus.lower(), kind.lower()) if genus and kind else None
        return species.resolve(name).scientific if name else None

    @property
    def english(self) -> str:
        return values.text(self.given.get("en"))[:LONGEST_NAME]

    @property
    def quality(self) -> str | None:
        rated = values.text(self.given.get("q")).upper()
        return rated if len(rated) == 1 and rated in QUALITIES else None

    @property
    def seconds(self) -> float | None:
        return values.seconds(self.given.get("length"))

    @property
    def licence(self) -> str | None:
        """None for one that is not known."""
        found = licence_of(values.text(self.given.get("lic")))
        return found.name if found.url.startswith(CREATIVE_COMMONS) else None

    @property
    def file(self) -> str:
        """Where the sound is; empty where it is kept back, as with species that are hunted."""
        return values.address(self.given.get("file"))

    @property
    def suffix(self) -> str:
        named = values.text(self.given.get("file-name")) or urlsplit(self.file).path
        return PurePosixPath(named).suffix.lower()

    @property
    def estimated_bytes(self) -> int:
        """From its length, its sample rate and the kind of its file; 0 where the length is not known."""
        rate = values.decimal(self.given.get("smp")) or 0
        usual = rate if 8_000 <= rate <= 1_000_000 else USUAL_RATE
        a_second = BYTES_A_SAMPLE[self.suffix] * usual if self.suffix in BYTES_A_SAMPLE else 0
        return round((self.seconds or 0) * (a_second or BYTES_A_SECOND.get(self.suffix, BYTES_A_SECOND[".mp3"])))

    @property
    def page(self) -> str:
        """The address of its page."""
        given = values.address(self.given.get("url"))
        return f"https:{given}" if given.startswith("//") else given or f"https://xeno-canto.org/{self.number}"

    def item(self, path: Path) -> Item:
        """What the library is told of its file at `path`."""
        given = self.given
        latitude = values.degrees(given.get("lat"), 90)
        longitude = values.degrees(given.get("lon", given.get("lng")), 180)
        placed = latitude is not None and longitude is not None
        return Item(
            path=path,
            name=self._file_name,
            label=self.species,
            common_name=self.english,
            secondary=self._secondary,
            recordist=values.text(given.get("rec")),
            licence=self.licence or "",
            xc_id=self.number,
            source_url=self.page,
            country=values.text(given.get("cnt")),
            locality=values.text(given.get("loc")),
            latitude=latitude if placed else None,
            longitude=longitude if placed else None,
            recorded_on=values.day(given.get("date")),
            recorded_time=values.time_of_day(given.get("time")),
            quality=self.quality,
            details=dict(given),
            annotations=tuple(values.marks(given.get("annotation-set"))),
        )

    @property
    def _file_name(self) -> str:
        given = PurePosixPath(values.text(self.given.get("file-name")).replace("\\", "/")).name
        suffix = self.suffix if self.suffix[1:].isalnum() and len(self.suffix) <= 6 else ""
        return given if 0 < len(given) <= LONGEST_NAME else f"{self.name}{suffix}"

    @property
    def _secondary(self) -> tuple[str, ...]:
        also = self.given.get("also")
        given = also if isinstance(also, list) else values.text(also).split(",")
        names = (values.binomial(name) for name in given)
        found = dict.fromkeys(species.resolve(name).scientific for name in names if name)
        return tuple(name for name in found if name != self.species)
