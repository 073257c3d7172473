"""Values that a database would choke on, and answers that come too late, on each kind of database."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.inference.api import API as INFERENCE
from services.ingest.api import API as INGEST
from services.trainer.api import API as TRAINER
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.queue import declare_queues
from shared.settings import Settings
from tests.conftest import new_database
from tests.openapi.hooks import SOUND
from tests.support.library import add_recording
from tests.support.serving import asking

REFUSED = [(422, "invalid-input"), (404, "not-found")]
ZERO = "a\0b"
HALF = "\\ud800"
"""Half of a surrogate pair, as JSON writes it."""


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One database of each kind for all of these tests: hardly anything of what they send is to get into it."""
    values: dict[str, Any] = {name: tmp_path_factory.mktemp(name) for name in ("data_dir", "models_dir")}
    if request.param == "postgresql":
        values["database_url"] = new_database(request.getfixturevalue("postgres"))
    made = Settings.model_validate(values)
    made.storage_dir.mkdir()
    declare_queues(made)
    return made


@pytest.fixture(scope="module")
def sessions(settings: Settings) -> Iterator[SyncSessions]:
    engine = sync_engine(settings)
    migrate(engine)
    yield sync_sessions(engine)
    engine.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(settings: Settings, sessions: SyncSessions) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(settings, INGEST, TRAINER, INFERENCE) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jobs/%00", 404),
        ("/datasets/a%00b", 404),
        ("/models/%00/1", 404),
        ("/jobs?kind=a%00b", 422),
        ("/datasets?sha256=%00", 422),
        ("/recordings?recordist=%00", 422),
        ("/models?name=%00", 422),
    ],
)
async def test_an_address_with_a_zero_byte_is_refused(api: httpx.AsyncClient, path: str, status: int) -> None:
    refused = await api.get(path)
    assert refused.status_code == refused.json()["status"] == status
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("text", [r"\u0000", HALF])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ingestions", '{"source": "folder", "path": ".", "recordist": "%s"}'),
        ("/ingestions", '{"source": "manifest", "path": ".", "select": {"%s": ["x"]}}'),
        ("/jobs/retry", '{"kind": "%s"}'),
        ("/datasets", '{"name": "a", "source": ["%s"]}'),
        ("/trainings", '{"name": "a", "config": {"recipe": "%s"}}'),
        ("/trainings", '{"name": "a", "dataset_id": "%s"}'),
    ],
)
async def test_a_text_that_cannot_be_stored_is_refused(api: httpx.AsyncClient, path: str, body: str, text: str) -> None:
    refused = await api.post(path, content=body % text, headers={"content-type": "application/json"})
    assert refused.status_code == 422, refused.text
    assert "zero byte or half of a surrogate pair" in refused.json()["detail"]


@pytest.mark.parametrize("field", ["label", "recordist", "locality", "secondary"])
async def test_a_form_field_with_a_zero_byte_is_refused(api: httpx.AsyncClient, field: str) -> None:
    refused = await api.post("/recordings", data={field: ZERO}, files={"audio": ("a.wav", SOUND)})
    assert refused.status_code == 422, refused.text
    assert "zero byte" in refused.json()["detail"]


def form(name: bytes, content: bytes, field: bytes = b"audio") -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n' % (field, name)
    return head + content + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        (b"a\0.wav", "utf-8"),
        (rb"\ud800.wav", "unicode_escape"),
        (b"+2AA-.wav", "utf-7"),
        (b"a.wav", "undefined"),
        (b"a.wav", "x" * 3_000),
        ("\ud800".encode("utf-8", "surrogatepass"), "utf-8"),
    ],
)
async def test_a_file_of_any_name_in_any_charset_is_taken_or_refused(
    api: httpx.AsyncClient, name: bytes, charset: str
) -> None:
    content_type = f"multipart/form-data; boundary=x; charset={charset}"
    taken = await api.post("/recordings", content=form(name, SOUND), headers={"content-type": content_type})
    assert taken.status_code in (202, 422), taken.text


async def test_a_refusal_can_quote_what_no_text_can_hold(api: httpx.AsyncClient) -> None:
    content_type = "multipart/form-data; boundary=x; charset=utf-7"
    body = b'--x\r\nContent-Disposition: form-data; name="+2AA-"\r\n\r\n1\r\n' + form(b"a.wav", SOUND)
    assert (await api.post("/recordings", content=body, headers={"content-type": content_type})).status_code == 422
    activation = await api.put("/models/active", content=r'{"\ud800": 1}', headers={"content-type": "application/json"})
    assert activation.status_code == 422
    assert activation.json()["errors"]


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", "/storage/prunings", {"json": {"max_gb": 1e308}}),
        ("POST", "/storage/prunings", {"json": {"max_gb": False}}),
        ("POST", "/storage/prunings", {"json": {"max_gb": "0"}}),
        ("POST", "/trainings", {"json": {"name": "a", "config": {"start_from": {"model": "a", "version": 2**70}}}}),
        ("GET", "/attributions", {"params": {"model": "a", "version": 2**40}}),
        ("GET", "/models/a/" + "9" * 30, {}),
        ("PUT", "/models/active", {"json": {"name": "a", "version": 2**40}}),
        ("GET", "/recordings", {"params": {"recorded_from": "0"}}),
        ("POST", "/datasets", {"json": {"folds": "5"}}),
        ("POST", "/datasets", {"json": {"recorded_from": 0}}),
    ],
)
async def test_a_number_that_is_none_or_too_large_is_refused(
    api: httpx.AsyncClient, method: str, path: str, options: dict[str, Any]
) -> None:
    refused = await api.request(method, path, **options)
    assert (refused.status_code, refused.json()["code"]) in REFUSED, refused.text


async def test_a_body_that_is_nested_too_deep_is_refused(api: httpx.AsyncClient) -> None:
    body = '{"name": "a", "config": {"recipe": ' + "[" * 500 + "]" * 500 + "}}"
    refused = await api.post("/trainings", content=body, headers={"content-type": "application/json"})
    assert refused.status_code == 422, refused.text


@pytest.mark.parametrize("path", ["/jobs/none/events", "/trainings/none/events"])
async def test_a_stream_of_nothing_is_not_found_before_it_begins(api: httpx.AsyncClient, path: str) -> None:
    missing = await api.get(path)
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


async def test_an_ended_job_is_streamed_to_its_end(api: httpx.AsyncClient) -> None:
    job = (await api.post("/storage/verifications")).headers["location"]
    await api.delete(job)
    events = await api.get(f"{job}/events")
    assert (await api.get(f"{job}/events", headers={"Last-Event-ID": str(2**40)})).status_code == 422
    assert events.headers["content-type"].startswith("text/event-stream")
    assert '"state":"cancelled"' in events.text.replace(" ", "")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/recordings", "GET, POST"),
        ("/recordings/some", "DELETE, GET, PATCH"),
        ("/recordings/count", "GET"),
        ("/jobs/retry", "POST"),
        ("/healthz", "GET"),
    ],
)
async def test_a_wrong_method_is_told_all_right_ones(api: httpx.AsyncClient, path: str, methods: str) -> None:
    refused = await api.options(path)
    assert (refused.status_code, refused.headers["allow"]) == (405, methods)


async def test_a_correction_reads_no_number_as_a_day(api: httpx.AsyncClient, sessions: SyncSessions) -> None:
    recording = f"/recordings/{add_recording(sessions)}"
    assert (await api.patch(recording, json={"recorded_on": 0})).status_code == 422
    corrected = await api.patch(recording, json={"recorded_on": "2026-05-01", "latitude": 52, "longitude": 21.5})
    assert corrected.json()["recorded_on"] == "2026-05-01", corrected.text
