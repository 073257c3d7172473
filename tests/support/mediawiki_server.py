"""A stand-in for Wikipedia's API and its files: `action=query` with `pageimages` and `imageinfo`, version 2."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

JPEG = b"\xff\xd8\xff\xe0" + b"a blackbird" * 100


@dataclass
class MediaWiki:
    """Pages by title with their free picture, and files by name with what is known of them."""

    pages: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    failing: bool = False

    def __enter__(self) -> Self:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.answer(self)

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def api(self) -> str:
        return f"{self.url}/w/api.php"

    def add(self, species: str, name: str, *, content: bytes = JPEG, **changes: Any) -> None:
        """A page of a species, whose picture is that file."""
        self.pages[species] = name
        self.contents[name] = content
        info = {
            "thumburl": f"{self.url}/thumb/{name}",
            "thumbwidth": 480,
            "thumbheight": 320,
            "url": f"{self.url}/files/{name}",
            "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{name}",
            "mime": "image/jpeg",
            "extmetadata": {
                "Artist": {"value": '<a href="//commons.wikimedia.org/wiki/User:Ada">Ada &amp; Bob</a>', "source": "x"},
                "LicenseShortName": {"value": "CC BY-SA 4.0", "source": "commons-desc-page"},
                "LicenseUrl": {"value": "https://creativecommons.org/licenses/by-sa/4.0", "source": "x"},
            },
        }
        self.files[name] = {**info, **changes}

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        self.asked.append(request.path)
        self.agents.add(request.headers["User-Agent"])
        if self.failing:
            request.send_error(503)
            return
        content = self._query(parse_qs(parts.query)) if parts.path == "/w/api.php" else self._file(parts.path)
        request.send_response(200 if content is not None else 404)
        request.end_headers()
        request.wfile.write(content or b"")

    def _query(self, query: dict[str, list[str]]) -> bytes:
        title = query["titles"][0]
        page: dict[str, Any] = {"pageid": 1, "ns": 0, "title": title}
        if query["prop"] == ["pageimages"] and title in self.pages:
            page["pageimage"] = self.pages[title]
        elif query["prop"] == ["imageinfo"] and title.removeprefix("File:") in self.files:
            page |= {"ns": 6, "imagerepository": "shared", "imageinfo": [self.files[title.removeprefix("File:")]]}
        else:
            page = {"ns": 0, "title": title, "missing": True}
        return json.dumps({"batchcomplete": True, "query": {"pages": [page]}}).encode()

    def _file(self, path: str) -> bytes | None:
        return self.contents.get(unquote(path).rsplit("/", 1)[-1])
