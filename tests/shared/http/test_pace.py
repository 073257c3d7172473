"""Slow and endless requests, over real connections to a real server."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fastapi import APIRouter, Request

from shared.http import server
from shared.http.app import Api
from shared.http.server import GuardedHttp
from shared.settings import Settings
from tests.support.serving import furnished, serving

router = APIRouter()


@router.post("/uploads")
async def upload(request: Request) -> int:
    return sum([len(piece) async for piece in request.stream()])


@router.post("/deaf")
async def deaf() -> str:
    return "not listening"


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    settings = Settings(data_dir=tmp_path, body_grace_seconds=0.5, body_least_rate=1_000, body_max_seconds=2)
    api = Api(name="test", routers=[router], uploads=["/uploads"])
    with serving(furnished(settings), api, http=GuardedHttp) as address:
        yield int(address.rpartition(":")[2])


async def ask(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    sending = asyncio.create_task(send())
    answer = b""
    # Who is hung up on while sending is reset.
    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            while piece := await reader.read(65_536):
                answer += piece
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    writer.close()
    return answer


def head(path: str, length: int) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n\r\n".encode()


async def test_a_body_that_trickles_is_refused_with_the_rate_that_is_needed(port: int) -> None:
    answer = await ask(port, head("/uploads", 1_000), *[b"x"] * 100, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body-too-slow"' in answer
    assert b"1,000 bytes a second" in answer


async def test_a_body_that_keeps_the_rate_may_take_its_time_but_not_forever(port: int) -> None:
    steady = [b"x" * 400] * 4
    assert b"\r\n\r\n1600" in await ask(port, head("/uploads", 1_600), *steady, b"", *_goodbye(), pause=0.2)
    endless = await ask(port, head("/uploads", 100_000), *[b"x" * 400] * 40, pause=0.2)
    assert endless.startswith(b"HTTP/1.1 408 ")


def _goodbye() -> tuple[bytes, ...]:
    return (b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",)


@pytest.mark.parametrize("begun", [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost:"])
async def test_a_head_that_does_not_come_ends_the_connection(port: int, begun: bytes) -> None:
    assert (await ask(port, begun)).startswith(b"HTTP/1.1 408 ")


async def test_a_head_that_does_not_end_is_refused(port: int) -> None:
    endless = await ask(port, b"GET / HTTP/1.1\r\nX: ", *[b"y" * 10_000] * 7, pause=0.01)
    assert endless.startswith(b"HTTP/1.1 431 ")
    large = b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 30_000 + b"\r\n"
    assert (await ask(port, large)).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


async def test_who_is_answered_early_cannot_send_the_rest_forever(port: int) -> None:
    answer = await ask(port, head("/deaf", 100_000), *[b"x"] * 150, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_connection_is_kept_for_the_next_request(port: int) -> None:
    one = head("/uploads", 3) + b"abc"
    answer = await ask(port, one, one, *_goodbye(), pause=0.2)
    assert answer.count(b"HTTP/1.1 200 ") == 3
