"""Uploads with what is known of them, on SQLite and on PostgreSQL alike."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.ingest.test_tasks import sing

FIELDS = {
    "label": "Amsel",
    "recordist": "A. Birder",
    "licence": "CC BY 4.0",
    "quality": "B",
    "recorded_on": "2024-05-01",
    "recorded_time": "05:10",
    "source_url": "https://example.org/1",
}
MARKS = b"0.1\t0.6\tAmsel\n0.5\t0.9\tElster\n"


@pytest.fixture
def song(tmp_path: Path) -> bytes:
    sing(tmp_path / "a.wav")
    return (tmp_path / "a.wav").read_bytes()


async def send(api: httpx.AsyncClient, *files: tuple[str, tuple[str, bytes]], key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return await api.post("/recordings", files=list(files), data=fields, headers=headers)


async def test_an_upload_keeps_what_is_known_of_it_and_its_annotations(api: httpx.AsyncClient, song: bytes) -> None:
    answer = await send(api, ("audio", ("a.wav", song)), ("annotations", ("a.txt", MARKS)), **FIELDS)
    assert answer.status_code == 202, answer.text
    recording = answer.json()["recording"]
    assert {key: recording[key] for key in FIELDS if key != "label"} == {
        key: value for key, value in FIELDS.items() if key != "label"
    }
    assert (recording["species"], recording["secondary"]) == ("Turdus merula", ["Pica pica"])


async def test_an_upload_without_a_label_goes_by_the_species_that_is_marked(
    api: httpx.AsyncClient, song: bytes
) -> None:
    answer = await send(api, ("audio", ("a.wav", song)), ("annotations", ("a.txt", MARKS)), quality="", recorded_on="")
    recording = answer.json()["recording"]
    assert (recording["species"], recording["secondary"]) == ("Turdus merula", ["Pica pica"])
    assert (recording["quality"], recording["recorded_on"]) == (None, None)


@pytest.mark.parametrize("key", ["", "k"])
async def test_the_same_sound_sent_many_times_at_once_is_one_recording(
    api: httpx.AsyncClient, song: bytes, key: str
) -> None:
    answers = await asyncio.gather(*(send(api, ("audio", ("a.wav", song)), key=key, label="Amsel") for _ in range(4)))
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json()["recording"]["id"] for answer in answers}) == 1


async def test_the_same_key_gives_the_same_answer_and_other_annotations_are_another_request(
    api: httpx.AsyncClient, song: bytes
) -> None:
    files = (("audio", ("a.wav", song)), ("annotations", ("a.txt", MARKS)))
    first, second = [await send(api, *files, key="k", **FIELDS) for _ in range(2)]
    assert first.json() == second.json()
    assert (await send(api, files[0], key="k", **FIELDS)).json()["code"] == "conflict"


@pytest.mark.parametrize(
    ("fields", "marks", "said"),
    [
        ({"quality": "F"}, MARKS, "quality"),
        ({"recorded_on": "yesterday"}, MARKS, "recorded_on"),
        ({"recorded_time": "25:00"}, MARKS, "recorded_time"),
        ({"source_url": "javascript:alert(1)"}, MARKS, "source_url"),
        ({"mood": "cheerful"}, MARKS, "mood"),
        ({}, b"dear diary", "line 1 has no tab"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(
    api: httpx.AsyncClient, song: bytes, fields: dict[str, str], marks: bytes, said: str
) -> None:
    answer = await send(api, ("audio", ("a.wav", song)), ("annotations", ("a.txt", marks)), **fields)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


async def test_an_upload_holds_one_recording(api: httpx.AsyncClient, song: bytes) -> None:
    only_marks = await send(api, ("annotations", ("a.txt", MARKS)))
    two = await send(api, ("audio", ("a.wav", song)), ("audio", ("b.wav", song)))
    assert (only_marks.json()["detail"], two.json()["detail"]) == (
        "The form holds no recording.",
        "The form holds several recordings.",
    )


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"dear diary", 415, "The file is text, not a sound recording."),
        (b"\x89PNG\r\n\x1a\n" + bytes(80_000), 415, "The file is a PNG picture, not a sound recording."),
        (b"", 422, "The file has no content: 0 bytes."),
    ],
)
async def test_what_is_no_recording_never_gets_into_the_library(
    api: httpx.AsyncClient, content: bytes, status: int, said: str
) -> None:
    answer = await send(api, ("audio", ("a.wav", content)), label="Amsel")
    assert (answer.status_code, answer.json()["detail"]) == (status, said)
    assert (await api.get("/recordings")).json()["items"] == []
