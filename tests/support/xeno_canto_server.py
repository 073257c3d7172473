"""A server that behaves like Xeno-canto's API, version 3, on a socket of its own, and misbehaves when it is told to."""

import io
import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import soundfile

from tests.support.sounds import RATE, SPECIES, chirps

KEY = "the-key-of-the-tests-0001"
SEARCH = "/api/3/recordings"
ETAG = '"first"'


def sound(seed: int = 0, seconds: float = 1.5, species: str = SPECIES[0]) -> bytes:
    """A WAV file of some 66 kB."""
    file = io.BytesIO()
    soundfile.write(file, chirps(species, seconds, seed), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


@dataclass(frozen=True)
class Seen:
    """One request, and when it came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        self.server.service.answer(self)

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, status: int, answer: object, **headers: str) -> None:
        self.reply(status, json.dumps(answer).encode(), Content_Type="application/json", **headers)


Misbehaviour = Callable[[Handler], None]


def status(code: int, **headers: str) -> Misbehaviour:
    return lambda handler: handler.reply_json(code, {"error": "server_error", "message": "not now"}, **headers)


def body(content: bytes, **headers: str) -> Misbehaviour:
    return lambda handler: handler.reply(200, content, **headers)


def redirect(to: str) -> Misbehaviour:
    return lambda handler: handler.reply(302, Location=to)


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def cut(after: int, content: bytes, **headers: str) -> Misbehaviour:
    """Promises all, sends the beginning, and hangs up."""

    def misbehave(handler: Handler) -> None:
        handler.send_response(200)
        for name, value in {"ETag": ETAG, **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:after])
        handler.close_connection = True

    return misbehave


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: "XenoCanto"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed hangs up; that is what the test wanted."""


@dataclass
class XenoCanto:
    """Its recordings, their files, what it does wrong next on a path, and all that it was asked."""

    records: list[Any] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, deque[Misbehaviour]] = field(default_factory=lambda: defaultdict(deque))
    seen: list[Seen] = field(default_factory=list)
    ranges: bool = True
    etag: str = ETAG
    pause: threading.Event | None = None
    """While it is set but not yet told to go on, each file is sent to its half."""
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def search_url(self) -> str:
        return f"{self.origin}{SEARCH}"

    @property
    def variables(self) -> dict[str, str]:
        """What a stack is told of it."""
        return {
            "CHIFFCHAFF_XENO_CANTO_URL": self.search_url,
            "CHIFFCHAFF_XENO_CANTO_KEY": KEY,
            "CHIFFCHAFF_XENO_CANTO_INTERVAL_SECONDS": "0.01",
        }

    def asked(self, path: str) -> list[Seen]:
        return [one for one in self.seen if one.path == path]

    def add(self, number: int, species: str = SPECIES[0], content: bytes | None = None, **changed: Any) -> None:
        """A recording with a sound of its own."""
        genus, kind = species.split()
        self.files[str(number)] = sound(number) if content is None else content
        record = {
            "id": str(number), "gen": genus, "sp": kind, "ssp": "", "grp": "birds", "en": "Rising Bird",
            "rec": "A. Birder", "cnt": "Germany", "loc": "Berlin, Tiergarten", "lat": "52.51", "lon": "13.35",
            "alt": "40", "type": "song, call", "sex": "male", "stage": "adult", "method": "field recording",
            "url": f"//xeno-canto.org/{number}", "file": f"{self.origin}/{number}/download",
            "file-name": f"XC{number}-Rising Bird.wav", "sono": {"small": "//x/s.png", "full": None},
            "osci": {"small": None}, "lic": "//creativecommons.org/licenses/by-nc-sa/4.0/", "q": "A",
            "length": "1:30", "time": "07:17", "date": "2024-05-01", "uploaded": "2024-06-01", "also": [SPECIES[1]],
            "rmk": "a wet\r\nmorning", "animal-seen": "yes", "playback-used": "no", "temp": None, "regnr": "",
            "auto": "no", "dvc": "", "mic": "", "smp": "48000", "annotation-set": [],
        }  # fmt: skip
        self.records.append({**record, **changed})

    @contextmanager
    def running(self) -> Iterator["XenoCanto"]:
        server = _Server(("127.0.0.1", 0), Handler)
        server.service = self
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, handler: Handler) -> None:
        parts = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.seen.append(Seen(parts.path, query, {k.lower(): v for k, v in handler.headers.items()}, time.monotonic()))
        if self.troubles[parts.path]:
            self.troubles[parts.path].popleft()(handler)
        elif parts.path == SEARCH:
            self._search(handler, query)
        elif found := re.fullmatch(r"/(\d+)/download", parts.path):
            handler.reply(302, Location=f"/sounds/uploaded/XC{found[1]}.wav")
        elif (found := re.fullmatch(r"/sounds/uploaded/XC(\d+)\.wav", parts.path)) and found[1] in self.files:
            self._send(handler, self.files[found[1]])
        else:
            handler.reply(404, b"<html>not here")

    def _search(self, handler: Handler, query: dict[str, str]) -> None:
        per_page, page = int(query.get("per_page", "100")), int(query.get("page", "1"))
        if query.get("key") != KEY:
            message = "Missing or invalid 'key' parameter. Verify your e-mail address to get one."
            handler.reply_json(401, {"error": "client_error", "message": message})
        elif not 50 <= per_page <= 500 or ":" not in query.get("query", ""):
            handler.reply_json(400, {"error": "client_error", "message": "Invalid query."})
        else:
            found = [record for record in self.records if _fits(record, query["query"])]
            pages = max(1, -(-len(found) // per_page))
            answer = {
                "numRecordings": str(len(found)), "numSpecies": "1", "page": page, "numPages": pages,
                "recordings": found[(page - 1) * per_page : page * per_page],
            }  # fmt: skip
            handler.reply_json(200, answer)

    def _send(self, handler: Handler, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.ranges and handler.headers.get("If-Range") == self.etag else 0
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", self.etag)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        if self.pause is not None and not self.pause.is_set():
            half = start + (len(content) - start) // 2
            handler.wfile.write(content[start:half])
            start = half
            self.pause.wait(60)
        handler.wfile.write(content[start:])


def _fits(record: Any, query: str) -> bool:
    """The tags `sp`, `q` and `cnt`; the others let everything through."""
    if not isinstance(record, dict):
        return True
    tags = {tag: quoted or plain for tag, quoted, plain in re.findall(r'(\w+):(?:"([^"]*)"|(\S+))', query)}
    name = f"{record.get('gen')} {record.get('sp')}".lower()
    country = str(record.get("cnt")).lower()
    return (
        tags.get("sp", name) == name
        and (tags.get("q", "") in ("", record.get("q")) or tags["q"].startswith(">"))
        and country.startswith(tags.get("cnt", "").lower())
    )
