"""Pictures of species from Wikimedia Commons, where the operator allows them: fetched once, kept with their credits.

Which file shows a species is asked of Wikipedia (`prop=pageimages`, free files only), whose it is and where it lies of
the same (`prop=imageinfo` with `extmetadata`): www.mediawiki.org/wiki/API:Imageinfo. Browsers ask nobody but us.
"""

import asyncio
import hashlib
import html
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError

from shared.log import get_logger

logger = get_logger(__name__)

USER_AGENT = "Chiffchaff/0.1 (self-hosted bird-song classifier; https://www.mediawiki.org/wiki/API:Etiquette)"
FILES_HOST = "upload.wikimedia.org"
"""Where Wikimedia keeps its files."""
WIDTH = 480
"""Pixels: twice what the page shows."""
MOST_BYTES = 4 << 20
SECONDS = 15.0
NONE_DAYS = 30
"""How long it is remembered that there is no picture of a species."""
SIGNATURES = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}
TAG = re.compile(r"<[^>]*>")


class Picture(BaseModel):
    """Whose picture it is, as its licence wants it to be said."""

    model_config = ConfigDict(frozen=True)

    author: str = Field(min_length=1)
    licence: str = Field(min_length=1, examples=["CC BY-SA 4.0"])
    licence_url: HttpUrl | None = None
    source_url: HttpUrl = Field(description="The page of the file on Wikimedia Commons")
    media_type: str


class Kept(BaseModel):
    """What the disk remembers of a species; no picture: none was found then."""

    picture: Picture | None
    at: float


class NoPicture(Exception):
    """There is none that may be shown."""


class Pictures:
    """The pictures below a folder; with an address of a MediaWiki API, those that are missing are fetched."""

    def __init__(self, folder: Path, api: str) -> None:
        self._folder = folder
        self._api = api
        self._locks: dict[str, asyncio.Lock] = {}

    async def of(self, species: str) -> Picture | None:
        """Of a species by its scientific name; None where there is none, none is allowed, or nobody answers."""
        if not self._api:
            return None
        async with self._locks.setdefault(species, asyncio.Lock()):
            known = self._read(species)
            if known is None:
                known = await self._fetched(species)
        return known.picture if known else None

    def file(self, species: str) -> Path:
        """The image itself, where `of` found one."""
        return self._place(species).with_suffix(".image")

    def _place(self, species: str) -> Path:
        readable = re.sub(r"[^a-z]+", "-", species.lower()).strip("-")[:60]
        return self._folder / f"{readable}-{hashlib.sha256(species.encode()).hexdigest()[:8]}.json"

    def _read(self, species: str) -> Kept | None:
        try:
            kept = Kept.model_validate_json(self._place(species).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        if kept.picture is None:
            return kept if time.time() - kept.at < NONE_DAYS * 86_400 else None
        return kept if self.file(species).is_file() else None

    async def _fetched(self, species: str) -> Kept | None:
        """What is then on the disk; nothing is remembered where Wikimedia cannot be reached."""
        try:
            async with asyncio.timeout(SECONDS), httpx.AsyncClient(headers={"User-Agent": USER_AGENT}) as client:
                picture, image = await self._found(client, species)
        except NoPicture as reason:
            logger.info("no picture", species=species, reason=str(reason))
            return self._kept(species, None)
        except (httpx.HTTPError, TimeoutError) as error:
            logger.warning("pictures cannot be fetched", species=species, error=repr(error))
            return None
        _write(self.file(species), image)
        return self._kept(species, picture)

    def _kept(self, species: str, picture: Picture | None) -> Kept:
        kept = Kept(picture=picture, at=time.time())
        _write(self._place(species), kept.model_dump_json().encode())
        return kept

    async def _found(self, client: httpx.AsyncClient, species: str) -> tuple[Picture, bytes]:
        page = await self._page(
            client, titles=species, prop="pageimages", piprop="name", pilicense="free", redirects="1"
        )
        name = page.get("pageimage")
        if not name:
            raise NoPicture("its page has no free picture")
        file = await self._page(
            client,
            titles=f"File:{name}",
            prop="imageinfo",
            iiprop="url|mime|extmetadata",
            iiurlwidth=str(WIDTH),
            iiextmetadatafilter="Artist|LicenseShortName|LicenseUrl",
            iiextmetadatalanguage="en",
        )
        try:
            info = file["imageinfo"][0]
            picture = Picture(
                author=_plain(info["extmetadata"]["Artist"]["value"]),
                licence=_plain(info["extmetadata"]["LicenseShortName"]["value"]),
                licence_url=info["extmetadata"].get("LicenseUrl", {}).get("value") or None,
                source_url=info["descriptionurl"],
                media_type=info["mime"],
            )
        except (KeyError, IndexError, TypeError, ValidationError) as error:
            raise NoPicture("it does not say whose it is, or how it is licensed") from error
        return picture, await self._image(client, info.get("thumburl") or info["url"], picture.media_type)

    async def _page(self, client: httpx.AsyncClient, **query: str) -> Mapping[str, Any]:
        answer = await client.get(
            self._api, params={"action": "query", "format": "json", "formatversion": "2", **query}
        )
        answer.raise_for_status()
        try:
            page: Mapping[str, Any] = answer.json()["query"]["pages"][0]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise NoPicture("the answer is none of a MediaWiki API") from error
        return page

    async def _image(self, client: httpx.AsyncClient, address: str, media_type: str) -> bytes:
        parts, own = urlsplit(address), urlsplit(self._api)
        trusted = (parts.scheme, parts.netloc) in {("https", FILES_HOST), (own.scheme, own.netloc)}
        if not trusted or media_type not in SIGNATURES:
            raise NoPicture(f"{media_type} at {parts.netloc} is not fetched")
        content = bytearray()
        async with client.stream("GET", address) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > MOST_BYTES:
                    raise NoPicture(f"it is larger than {MOST_BYTES >> 20} MiB")
        if not content.startswith(SIGNATURES[media_type]):
            raise NoPicture(f"it is no {media_type}")
        return bytes(content)


def _plain(markup: str) -> str:
    """The text of the markup that `extmetadata` holds, in one line."""
    return " ".join(html.unescape(TAG.sub(" ", markup)).split())[:200]


def _write(path: Path, content: bytes) -> None:
    """At a stroke: who reads it meanwhile sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)
