"""Pictures of species: from a server that speaks MediaWiki, where they are allowed, with author and licence."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.inference.pictures import Pictures
from shared.settings import Settings
from tests.services.inference.conftest import Client, prepare, problem, starting
from tests.support.mediawiki_server import JPEG, MediaWiki

BLACKBIRD = "Turdus merula"


@pytest.fixture
def wikipedia() -> Iterator[MediaWiki]:
    with MediaWiki() as server:
        server.add(BLACKBIRD, "Blackbird.jpg")
        yield server


@pytest.fixture
def pictures(wikipedia: MediaWiki, tmp_path: Path) -> Pictures:
    return Pictures(tmp_path / "pictures", wikipedia.api)


@pytest.fixture
async def client(wikipedia: MediaWiki, tmp_path: Path) -> AsyncIterator[Client]:
    settings = prepare(tmp_path)
    async with starting(Settings(**{**settings.model_dump(), "pictures_url": wikipedia.api})) as opened:
        yield opened


async def test_a_picture_comes_with_author_and_licence(client: Client) -> None:
    answer = (await client.get(f"/species/{BLACKBIRD}/picture")).json()
    assert answer == {
        "species": BLACKBIRD,
        "picture": {
            "author": "Ada & Bob",
            "licence": "CC BY-SA 4.0",
            "licence_url": "https://creativecommons.org/licenses/by-sa/4.0",
            "source_url": "https://commons.wikimedia.org/wiki/File:Blackbird.jpg",
            "media_type": "image/jpeg",
        },
    }
    image = await client.get(f"/species/{BLACKBIRD}/picture/file")
    assert (image.content, image.headers["content-type"]) == (JPEG, "image/jpeg")


async def test_it_is_fetched_once_and_kept_for_those_who_come_later(
    pictures: Pictures, wikipedia: MediaWiki, tmp_path: Path
) -> None:
    found = await asyncio.gather(*(pictures.of(BLACKBIRD) for _ in range(5)))
    assert len(set(found)) == 1
    assert len(wikipedia.asked) == 3, "whose picture, its description, and the image"
    assert all("Chiffchaff" in agent for agent in wikipedia.agents)
    wikipedia.failing = True
    assert await Pictures(tmp_path / "pictures", wikipedia.api).of(BLACKBIRD) == found[0]
    assert pictures.file(BLACKBIRD).read_bytes() == JPEG


async def test_nobody_is_asked_where_the_operator_has_not_allowed_it(wikipedia: MediaWiki, settings: Settings) -> None:
    async with starting(settings) as client:
        assert (await client.get(f"/species/{BLACKBIRD}/picture")).json()["picture"] is None
        refused = await client.get(f"/species/{BLACKBIRD}/picture/file")
        assert "CHIFFCHAFF_PICTURES_URL" in problem(refused, 404, "not-found")["hint"]
    assert wikipedia.asked == []


async def test_that_there_is_none_is_remembered_for_a_while(
    pictures: Pictures, wikipedia: MediaWiki, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await pictures.of("Avis ignota") is None
    assert await pictures.of("Avis ignota") is None
    assert len(wikipedia.asked) == 1
    wikipedia.add("Avis ignota", "Found.jpg")
    monkeypatch.setattr("services.inference.pictures.NONE_DAYS", 0)
    assert await pictures.of("Avis ignota") is not None


async def test_a_wikipedia_that_is_away_is_asked_again_the_next_time(pictures: Pictures, wikipedia: MediaWiki) -> None:
    wikipedia.failing = True
    assert await pictures.of(BLACKBIRD) is None
    wikipedia.failing = False
    assert await pictures.of(BLACKBIRD) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"extmetadata": {"LicenseShortName": {"value": "CC BY 4.0"}}},
        {"extmetadata": {"Artist": {"value": "Ada"}}},
        {"extmetadata": {"Artist": {"value": " <b></b> "}, "LicenseShortName": {"value": "CC BY 4.0"}}},
        {"mime": "image/svg+xml"},
        {"mime": "image/png"},
        {"content": b"<html>not a picture</html>"},
        {"content": JPEG + bytes(5 << 20)},
        {"thumburl": "http://127.0.0.1:1/elsewhere.jpg"},
        {"thumburl": "https://upload.wikimedia.org.evil.example/x.jpg"},
    ],
    ids=["author", "licence", "empty-author", "vectors", "other-kind", "page", "large", "other-port", "other-host"],
)
async def test_what_is_not_free_or_not_a_picture_is_not_shown(
    pictures: Pictures, wikipedia: MediaWiki, changes: dict[str, object]
) -> None:
    wikipedia.add(BLACKBIRD, "Blackbird.jpg", **changes)  # type: ignore[arg-type]
    assert await pictures.of(BLACKBIRD) is None
    assert not pictures.file(BLACKBIRD).exists()


@pytest.mark.parametrize("name", ["Homo sapiens", "merula", "Turdus merula|Sex", "File:Blackbird.jpg", "<b>"])
async def test_nobody_is_asked_for_what_neither_list_nor_model_knows(
    client: Client, wikipedia: MediaWiki, name: str
) -> None:
    wikipedia.add(name, "Person.jpg")
    assert (await client.get(f"/species/{name}/picture")).json()["picture"] is None
    assert wikipedia.asked == []


async def test_species_have_names_in_other_languages(client: Client) -> None:
    assert (await client.get("/species/names", params={"language": "de"})).json()[BLACKBIRD] == "Amsel"
    assert (await client.get("/species/names", params={"language": "en"})).json()[BLACKBIRD] == "Common Blackbird"
    assert (await client.get("/species/names", params={"language": "xx"})).json() == {}
