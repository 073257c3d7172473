"""What an analysis refuses, who may see it, and what is left behind then."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect

from tests.services.inference.analyses.conftest import JUNK, Analyses, Open, sounds
from tests.services.inference.conftest import LOW, encoded, problem, song

SONG = encoded(song(LOW))
FORM = "multipart/form-data; boundary=x"
ADMIN, PHONE, OTHER_PHONE, STATION, TRAINER = (f"{name}-key-that-is-long-enough" for name in "apost")


def form(*parts: tuple[bytes, bytes]) -> bytes:
    return b"".join(b"--x\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + b"--x--\r\n"


def file(name: bytes, field: bytes = b"audio") -> bytes:
    return b'Content-Disposition: form-data; name="%s"; filename="%s"' % (field, name)


async def post(analyses: Analyses, body: bytes, content_type: str = FORM) -> httpx.Response:
    return await analyses.client.post("/analyses", content=body, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (form((file(b"a.wav"), SONG), (b'Content-Disposition: form-data; name="merge"', b"0")), "multipart", 422),
        (form((file(b"a.wav", b"picture"), SONG)), "multipart", 422),
        (form((file(b"a.wav"), SONG))[:-40], "multipart", 422),
        (form(), "multipart", 422),
        (b"", "multipart", 422),
        (b"no form at all", "multipart", 422),
        (form((b"Nonsense", SONG)), "multipart", 422),
        (form((file(b"a.wav"), SONG)), "multipart/form-data", 422),
        (SONG, "audio/wav", 422),
        (b"{", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"source": "moon"}', "application/json", 422),
        (b'{"source": "folder", "path": ".", "parameters": {"merge": "0"}}', "application/json", 422),
        (b'{"source": "folder", "path": "a\\u0000b"}', "application/json", 422),
        (b'{"source": "library", "filters": {"month": ["5"]}}', "application/json", 422),
        (b" " * (2 << 20), "application/json", 413),
    ],
)
async def test_a_request_that_cannot_be_meant_is_refused_and_leaves_nothing(
    open_analyses: Open, body: bytes, content_type: str, status: int
) -> None:
    sent_as = FORM if content_type == "multipart" else content_type
    async with open_analyses() as analyses:
        refused = await post(analyses, body, sent_as)
        problem(refused, status, "body-too-large" if status == 413 else "invalid-input")
        assert analyses.stored() == []
        assert not [one for one in analyses.settings.scratch_dir.iterdir() if one.is_file()]


async def test_too_many_or_too_large_files_are_refused_and_leave_nothing(open_analyses: Open) -> None:
    async with open_analyses(analysis_max_files=2, max_upload_mb=1, analysis_max_upload_mb=3) as analyses:
        many = problem(await analyses.upload(*sounds()), 413, "body-too-large")
        assert "more than 2 files" in many["detail"]
        large = problem(await analyses.upload(("a.wav", SONG), ("b.wav", bytes(2 << 20))), 413, "body-too-large")
        assert "b.wav is larger than 1 MiB" in large["detail"]
        problem(await analyses.upload(("a.wav", bytes(4 << 20))), 413, "body-too-large")
        assert analyses.stored() == []


async def test_a_full_disk_and_a_long_queue_are_said_before_anything_is_read(open_analyses: Open) -> None:
    async with open_analyses(min_free_disk_mb=1 << 40) as analyses:
        problem(await analyses.upload(*sounds()), 507, "storage-full")
    async with open_analyses(max_waiting=1) as analyses:
        assert (await analyses.upload(*sounds())).status_code == 202
        waits = await analyses.upload(*sounds())
        problem(waits, 503, "overloaded")
        assert waits.headers["retry-after"]


async def test_the_same_key_again_gives_the_same_analysis_and_keeps_the_files_once(analyses: Analyses) -> None:
    first = await analyses.upload(*sounds(), headers={"Idempotency-Key": "a"})
    again = await analyses.upload(*sounds(), headers={"Idempotency-Key": "a"})
    assert (again.status_code, again.headers["location"]) == (202, first.headers["location"])
    assert len(analyses.stored()) == 3
    other = await analyses.upload(*sounds()[:1], headers={"Idempotency-Key": "a"})
    problem(other, 409, "conflict")
    assert len(analyses.stored()) == 3
    assert (await analyses.heard(first))["state"] == "succeeded"


async def test_names_are_kept_as_they_were_sent_and_lead_nowhere(analyses: Analyses) -> None:
    named = [b"../../../etc/passwd", b"\xff\xfe.wav", b"night 1/a.wav", b"=1+1.wav", b"x" * 3_000 + b".wav", b""]
    accepted = await post(analyses, form(*[(file(name), SONG) for name in named]))
    done = await analyses.heard(accepted)
    assert done["counts"]["species"] == len(named)
    files = [one["file"] for one in (await analyses.get(done["links"]["recordings"]))["items"]]
    assert files[:4] == ["../../../etc/passwd", "\\xff\\xfe.wav", "night 1/a.wav", "=1+1.wav"]
    assert (len(files[4]), files[5]) == (500, "upload")
    for position in range(len(named)):
        sound = await analyses.client.get(f"/analyses/{done['id']}/recordings/{position}/audio")
        assert sound.content == SONG


@pytest.fixture
def keys() -> str:
    def of(name: str, scopes: str, key: str) -> str:
        return f"{name}:{scopes}:{hashlib.sha256(key.encode()).hexdigest()}"

    return ",".join(
        [
            of("boss", "admin", ADMIN),
            of("phone", "classify", PHONE),
            of("other", "classify", OTHER_PHONE),
            of("station", "ingest", STATION),
            of("trainer", "train", TRAINER),
        ]
    )


async def test_who_may_only_classify_sees_what_it_sent_and_nothing_of_the_library(
    open_analyses: Open, keys: str
) -> None:
    async with open_analyses(api_keys=keys) as analyses:

        def by(key: str) -> dict[str, str]:
            return {"Authorization": f"Bearer {key}"}

        async def get(path: str, key: str) -> Any:
            return await analyses.client.get(path, headers=by(key))

        (analyses.settings.library_dir or analyses.settings.data_dir).joinpath("a.wav").write_bytes(SONG)
        mine = await analyses.upload(("a.wav", SONG), headers=by(PHONE))
        assert mine.status_code == 202, mine.text
        folder = {"source": "folder", "path": "."}
        problem(await analyses.client.post("/analyses", json=folder, headers=by(PHONE)), 403, "forbidden")
        library = {"source": "library", "filters": {}}
        problem(await analyses.client.post("/analyses", json=library, headers=by(PHONE)), 403, "forbidden")
        problem(await analyses.upload(("a.wav", SONG), headers=by(STATION)), 403, "forbidden")
        theirs = await analyses.client.post("/analyses", json=folder, headers=by(STATION))
        assert theirs.status_code == 202, theirs.text
        analyses.work()
        seen = {
            name: len((await get("/analyses", key)).json()["items"])
            for name, key in {"boss": ADMIN, "phone": PHONE, "other": OTHER_PHONE, "station": STATION}.items()
        }
        assert seen == {"boss": 2, "phone": 1, "other": 0, "station": 2}
        for path in ("", "/recordings", "/recordings/0", "/recordings/0/audio", "/events"):
            problem(await get(f"{mine.headers['location']}{path}", OTHER_PHONE), 404, "not-found")
            assert (await get(f"{mine.headers['location']}{path}", PHONE)).status_code == 200
        refused = await analyses.client.delete(theirs.headers["location"], headers=by(PHONE))
        problem(refused, 404, "not-found")
        problem(await analyses.client.delete(mine.headers["location"], headers=by(TRAINER)), 403, "forbidden")
        assert (await analyses.client.delete(mine.headers["location"], headers=by(PHONE))).status_code == 204
        assert (await analyses.client.delete(theirs.headers["location"], headers=by(STATION))).status_code == 204


async def test_a_client_that_goes_away_leaves_nothing(analyses: Analyses) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield form((file(b"a.wav"), SONG), (file(b"b.wav"), JUNK))[:-20]
        raise ClientDisconnect

    gone = await analyses.client.post("/analyses", content=half(), headers={"Content-Type": FORM})
    assert gone.status_code == 499
    assert analyses.stored() == []
