"""The body of `POST /classify`: every way to send a recording, and every way to get it wrong."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from tests.services.inference.conftest import HIGH, LOW, MIDDLE, Client, encoded, problem, song

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHOLE = encoded(song(LOW, HIGH), kind="FLAC")
FORM_HEAD = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n'
KINDS = ["audio/wav", "multipart/form-data; boundary=b"]


@pytest.mark.parametrize("field", ["audio", "file"])
async def test_a_form_and_a_raw_body_give_the_same_answer(service: Client, field: str) -> None:
    sent = encoded(song(MIDDLE, LOW))
    form = (await service.post("/classify", files={field: ("any name.xyz", sent, "text/plain")})).json()
    raw = (await service.post("/classify", content=sent)).json()
    as_curl_does = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = (await service.post("/classify", content=sent, headers=as_curl_does)).json()
    assert form["detections"]
    assert form | {"request_id": ""} == raw | {"request_id": ""} == posted | {"request_id": ""}


async def test_nothing_at_all_is_an_empty_recording(service: Client) -> None:
    assert "no body" in problem(await service.post("/classify"), 422, "empty-audio")["detail"]
    problem(await service.post("/classify", files={"audio": b""}), 422, "empty-audio")


BAD_FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no file": ({"files": {"note": (None, "x")}}, "no file"),
    "a path instead of a file": ({"files": {"audio": (None, "bird.mp3")}}, "text instead of a file"),
    "another field": ({"files": {"bird": WHOLE}}, "'bird'"),
    "two files": ({"files": [("audio", WHOLE), ("file", WHOLE)]}, "Too many files"),
    "many fields": ({"files": {f"n{i}": (None, "x") for i in range(11)} | {"audio": WHOLE}}, "Too many fields"),
    "parameters in the form": ({"files": {"audio": WHOLE, "top_k": (None, "3")}}, "top_k"),
    "no boundary": ({"content": WHOLE, "headers": {"Content-Type": "multipart/form-data"}}, "boundary"),
    "no parts": ({"content": WHOLE, "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "multipart"),
}


@pytest.mark.parametrize("case", BAD_FORMS)
async def test_a_form_that_is_not_one_recording_is_refused_with_the_way_to_send_it(service: Client, case: str) -> None:
    request, said = BAD_FORMS[case]
    document = problem(await service.post("/classify", **request), 422, "invalid-input")
    assert said in document["detail"]
    assert "curl" in document["hint"] or "/classify?top_k=3" in document["hint"]
    assert service.uploads_left() == []


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(service: Client) -> None:
    taken = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal taken
        taken += 1
        yield b"x"

    headers = {"Content-Length": str(2 << 30)}
    problem(await service.post("/classify", content=body(), headers=headers), 413, "body-too-large")
    assert taken == 0


@pytest.mark.parametrize("content_type", KINDS)
async def test_a_body_that_turns_out_too_large_is_refused_on_the_way(service: Client, content_type: str) -> None:
    taken = 0

    async def two_gigabytes() -> AsyncIterator[bytes]:
        nonlocal taken
        yield FORM_HEAD
        for _ in range(2 << 10):
            taken += 1
            yield bytes(1 << 20)

    headers = {"Content-Type": content_type}
    problem(await service.post("/classify", content=two_gigabytes(), headers=headers), 413, "body-too-large")
    assert taken <= service.settings.max_upload_mb + 1
    assert service.uploads_left() == []


async def leave(client: Client, content_type: str, messages: Iterable[dict[str, Any]]) -> int:
    """Sends what is given and is gone then. The status of the answer, which nobody reads but a log."""
    sending = iter(messages)
    statuses: list[int] = []

    async def receive() -> Any:
        return next(sending, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/classify",
        "raw_path": b"/classify",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"content-type", content_type.encode())],
    }
    await client.app(scope, receive, send)
    return statuses[0]


@pytest.mark.parametrize("content_type", KINDS)
async def test_a_client_that_leaves_while_it_sends_leaves_nothing_behind(service: Client, content_type: str) -> None:
    parts = [{"type": "http.request", "body": part, "more_body": True} for part in (FORM_HEAD, WHOLE[:1_000])]
    assert await leave(service, content_type, parts) == 499
    assert service.uploads_left() == []
    assert (await service.post("/classify", content=WHOLE)).status_code == 200


async def test_nobody_listens_to_a_recording_whose_sender_has_left(service: Client) -> None:
    assert await leave(service, "audio/flac", [{"type": "http.request", "body": WHOLE, "more_body": False}]) == 499
    assert service.uploads_left() == []
