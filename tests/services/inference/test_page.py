import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.inference.page import VIEWS, WEB
from shared.settings import Settings
from tests.services.inference.conftest import Client, prepare, starting

KEY = "a-key-of-more-than-sixteen-letters"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visitor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """Someone without a key, where keys are asked for."""
    settings = prepare(tmp_path_factory.mktemp("keys"))
    async with starting(Settings(**{**settings.model_dump(), "api_keys": KEY})) as client:
        yield client


async def test_the_page_is_shown_without_a_key(visitor: Client) -> None:
    answer = await visitor.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.content == (WEB / "index.html").read_bytes()


async def test_everything_that_the_page_names_is_there_with_its_type(visitor: Client) -> None:
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', (await visitor.get("/")).text))
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert named
    for path in named:
        answer = await visitor.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].split(";")[0] == types[path[path.rindex(".") :]]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/page/listen", 200), ("/page/listen/3f0e6c1f/more", 200), ("/page/none", 404), ("/page/none/at-all", 404)],
)
async def test_every_address_of_the_page_is_answered_by_the_page(visitor: Client, path: str, status: int) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == status
    assert answer.content == (WEB / "index.html").read_bytes()
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_every_view_is_whole_and_has_the_same_words_in_each_language() -> None:
    words = re.compile(r"^ {2}(\w+):", re.MULTILINE)
    folders = [WEB / "lib", *(WEB / "views" / name for name in VIEWS)]
    assert len(folders) > 1
    for folder in folders:
        keys = [words.findall((folder / f"{code}.js").read_text(encoding="utf-8")) for code in ("en", "de")]
        assert keys[0] == keys[1], folder
    for folder in folders[1:]:
        assert {"view.js", "view.html", "view.css"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("path", ["/", "/static/app.js"])
async def test_a_file_that_has_not_changed_is_not_sent_again(visitor: Client, path: str) -> None:
    first = await visitor.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = await visitor.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["cache-control"] == "no-cache"


async def test_only_the_heads_are_sent_where_only_those_are_asked_for(visitor: Client) -> None:
    answer = await visitor.head("/")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == (WEB / "index.html").stat().st_size
    assert answer.content == b""


@pytest.mark.parametrize("path", ["/static/", "/static/none.js", "/static/..%2fapi.py", "/static/%2e%2e/api.py"])
async def test_nothing_but_the_pages_own_files_is_given_out(visitor: Client, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/classify"),
        ("GET", "/models"),
        ("GET", "/models/active"),
        ("PUT", "/models/active"),
        ("GET", "/models/garden/1"),
        ("GET", "/models/garden/1/card"),
        ("GET", "/species/names?language=de"),
        ("GET", "/species/Turdus merula/picture"),
    ],
)
async def test_everything_else_asks_for_the_key(visitor: Client, method: str, path: str) -> None:
    answer = await visitor.request(method, path)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"
