"""A recording's whole way through the running containers, by HTTP and nothing else; and what a container may do."""

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from tests.compose.conftest import MAX_UPLOAD_MB
from tests.compose.stack import Stack, clean_environment, command, prepare_engine
from tests.conftest import SHARED_DATA
from tests.support.sounds import RATE, SPECIES, chirps, write_folder
from tests.support.waiting import until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]

PER_SPECIES = 12
LONG_SECONDS = 900
REAL = 6
PYTHON_SERVICES = (
    "relay",
    "ingest",
    "ingest-worker",
    "preprocess",
    "trainer",
    "trainer-worker",
    "inference",
    "inference-worker",
)
NOBODY = "10001"
CONFIG = {"epochs": 6, "folds": 0, "batch_size": 8, "crops_per_recording": 2, "min_batches": 6, "device": "cpu"}


def library_below(root: Path) -> int:
    """Recordings of two invented species, long ones among them, real ones where there are any; how many."""
    write_folder(root, per_species=PER_SPECIES)
    for number in range(2):
        song = chirps(SPECIES[number], LONG_SECONDS, seed=500 + number)
        soundfile.write(root / SPECIES[number] / f"000-long-{number}.wav", song, RATE, subtype="PCM_16")
    real = sorted((SHARED_DATA / "garden20").glob("*.mp3"))[:REAL]
    for path in real:
        species = " ".join(path.name.split("-")[:2]).capitalize()
        (root / species).mkdir(exist_ok=True)
        (root / species / path.name).write_bytes(path.read_bytes())
    (root / SPECIES[0] / "broken.mp3").write_text("<!doctype html><title>404</title>")
    (root / SPECIES[1] / "empty.wav").touch()
    return 2 * PER_SPECIES + 2 + len(real)


@pytest.fixture(scope="module")
def ingestion(stack: Stack) -> Any:
    """An ingestion of a folder, during which the preprocess container is killed while it works."""
    good = library_below(stack.library / "garden")
    accepted = stack.send("POST", "/ingestions", json={"source": "folder", "path": "garden"})
    assert accepted.status_code == httpx.codes.ACCEPTED, accepted.text
    hit = until(lambda: _killed_at_work(stack), seconds=60, what="a kill that hits a running job")
    assert stack.get(accepted.headers["location"])["counts"]["waiting"] > 0, "the kill came too late to prove anything"
    ended = stack.ended(accepted.headers["location"])
    return {**ended, "good": good, "hit": hit}


def _killed_at_work(stack: Stack) -> list[str]:
    """Kills the preprocess container while it works; the jobs that still count as running then are those it lost."""
    until(lambda: _preparing(stack), seconds=60, what="a preparation that runs")
    stack.kill_everything_in("preprocess")
    return [job["id"] for job in _preparing(stack)]


def _preparing(stack: Stack) -> Any:
    return stack.get("/jobs", kind="preprocess.prepare", state="running")["items"]


@pytest.fixture(scope="module")
def training(stack: Stack, ingestion: Any) -> Any:
    """A training that is followed as it goes, by server-sent events."""
    wanted = {
        "name": "two-birds",
        "dataset": {"species": list(SPECIES), "max_recordings": PER_SPECIES},
        "config": CONFIG,
    }
    accepted = stack.send("POST", "/trainings", json=wanted)
    assert accepted.status_code == httpx.codes.ACCEPTED, accepted.text
    location = accepted.headers["location"]
    with httpx.stream("GET", f"{stack.url}{location}/events", timeout=600) as response:
        lines = response.iter_lines()
        first = next(lines)
        state_then = stack.get(location)["state"]
        names = [line.removeprefix("event: ") for line in itertools.chain([first], lines) if line.startswith("event: ")]
    return {**stack.ended(location), "events": names, "state_at_first_event": state_then}


@pytest.fixture(scope="module")
def model(stack: Stack, training: Any) -> Any:
    assert training["state"] == "succeeded", training["job"]["error"]
    activated = stack.send("PUT", "/models/active", json=training["model"])
    assert activated.status_code == httpx.codes.OK, activated.text
    return training["model"]


def test_the_stack_does_not_start_with_the_example_s_empty_passwords() -> None:
    prepare_engine()
    with pytest.raises(RuntimeError, match="make env"):
        command("tools/compose", "--env-file", ".env.example", "config", environment=clean_environment())


def test_every_service_is_ready_and_the_door_says_which(stack: Stack) -> None:
    assert stack.get("/healthz") == {"status": "alive"}
    answer = stack.get("/readyz")
    assert answer["ready"] is True
    assert set(answer["services"]) == {"ingest", "trainer", "inference"}
    assert all(one["ready"] and one["checks"]["database"]["ok"] for one in answer["services"].values())


def test_a_worker_killed_in_the_middle_comes_back_and_loses_no_recording(stack: Stack, ingestion: Any) -> None:
    assert stack.containers()["preprocess"]["RestartCount"] >= 1
    assert ingestion["state"] == "succeeded"
    good = ingestion["good"]
    assert ingestion["counts"] == {
        "accepted": good, "known": 0, "refused": 2, "listed": 0, "skipped": 0,
        "prepared": good, "unusable": 0, "cancelled": 0, "waiting": 0,
    }  # fmt: skip
    assert len(stack.get("/jobs", kind="preprocess.prepare", limit=500)["items"]) == good
    histories = [stack.send("GET", f"/jobs/{job}/events").text for job in ingestion["hit"]]
    assert all(history.count("event: running") > 1 for history in histories), "each was begun anew"


def test_every_recording_is_sliced(stack: Stack, ingestion: Any) -> None:
    listed = stack.get("/recordings", limit=500)["items"]
    assert len(listed) == ingestion["good"]
    for one in listed:
        recording = stack.get(f"/recordings/{one['id']}")
        assert recording["prepared"], recording["name"]
        assert any(cut["kind"] == "signal" for cut in recording["slices"]), recording["name"]
        starts = [(cut["kind"], cut["start"]) for cut in recording["slices"]]
        assert len(starts) == len(set(starts))


def test_a_bad_file_is_listed_with_its_reason(ingestion: Any) -> None:
    problems = {Path(one["path"]).name: one["code"] for one in ingestion["problems"]}
    assert problems == {"broken.mp3": "not-audio", "empty.wav": "empty-audio"}


def test_a_folder_outside_of_the_library_is_refused(stack: Stack) -> None:
    answer = stack.send("POST", "/ingestions", json={"source": "folder", "path": "/storage"})
    assert answer.status_code == 422
    assert "outside of the library" in answer.json()["detail"]


def test_events_arrive_while_the_work_goes_on(training: Any) -> None:
    assert training["state_at_first_event"] in ("queued", "running")
    assert training["events"].count("epoch") == CONFIG["epochs"]
    assert training["events"][-1] == "job"


def test_the_trained_model_tells_the_species_apart_in_wav_and_mp3(stack: Stack, model: Any, tmp_path: Path) -> None:
    for number, species in enumerate(SPECIES):
        song = chirps(species, 12.0, seed=900 + number)
        wav, mp3 = tmp_path / f"{number}.wav", tmp_path / f"{number}.mp3"
        soundfile.write(wav, song, RATE, subtype="PCM_16")
        soundfile.write(mp3, song, RATE)
        raw = stack.send("POST", "/classify", content=wav.read_bytes(), headers={"Content-Type": "audio/wav"})
        form = stack.send("POST", "/classify", files={"audio": (mp3.name, mp3.read_bytes(), "audio/mpeg")})
        for answer in (raw, form):
            assert answer.status_code == httpx.codes.OK, answer.text
            heard = answer.json()
            assert heard["model"]["name"] == model["name"]
            assert heard["ranking"][0]["species"] == species
            assert heard["recording"]["seconds"] == pytest.approx(12.0, abs=0.1)


def test_the_model_is_still_active_after_the_service_was_started_anew(stack: Stack, model: Any) -> None:
    stack.compose("restart", "inference")
    ready = until(lambda: _ready(stack), seconds=90, what="readiness")
    assert ready["services"]["inference"]["checks"]["model"]["detail"].startswith(model["name"])


def _ready(stack: Stack) -> Any:
    answer = stack.send("GET", "/readyz").json()
    return answer if answer["ready"] else None


def test_the_page_and_its_parts_come_through_the_door(stack: Stack) -> None:
    page = stack.send("GET", "/")
    assert page.status_code == httpx.codes.OK
    assert "Chiffchaff" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert stack.send("GET", "/static/app.js").status_code == httpx.codes.OK


def test_what_is_no_recording_gets_a_problem_document(stack: Stack, model: Any) -> None:
    answer = stack.send("POST", "/classify", content=b"birds, birds, birds", headers={"X-Request-ID": "from-a-client"})
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "from-a-client"


@pytest.mark.parametrize("declared", [True, False], ids=["of declared length", "chunked"])
def test_a_body_that_is_too_large_gets_a_problem_document(stack: Stack, declared: bool) -> None:
    megabytes = MAX_UPLOAD_MB + 2

    def pieces() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield bytes(1 << 20)

    body = bytes(megabytes << 20) if declared else pieces()
    answer = stack.send("POST", "/classify", content=body)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert f"{MAX_UPLOAD_MB} MiB" in answer.json()["detail"]


def test_an_upload_that_is_refused_before_its_end_gets_the_service_s_own_answer(stack: Stack) -> None:
    for _ in range(5):
        answer = stack.send("POST", "/recordings", content=bytes((MAX_UPLOAD_MB - 1) << 20))
        assert answer.status_code == 422, answer.text
        assert "multipart" in answer.json()["detail"]


def test_a_service_that_is_away_is_named_and_the_others_go_on(stack: Stack) -> None:
    stack.compose("stop", "trainer")
    try:
        answer = stack.send("GET", "/readyz")
        assert answer.status_code == 503
        readiness = {name: one["ready"] for name, one in answer.json()["services"].items()}
        assert readiness == {"ingest": True, "trainer": False, "inference": True}
        away = stack.send("GET", "/trainings")
        assert away.status_code in (502, 504)
        assert away.headers["content-type"] == "application/problem+json"
        assert stack.send("GET", "/recordings").status_code == httpx.codes.OK
    finally:
        stack.compose("start", "trainer")
    until(lambda: _ready(stack), seconds=60, what="readiness")


def test_the_metrics_stay_inside(stack: Stack) -> None:
    assert stack.send("GET", "/metrics").status_code == 404


def test_nothing_of_ours_runs_as_root(stack: Stack) -> None:
    for service in PYTHON_SERVICES:
        assert set(stack.users(service)) == {NOBODY}, service
    assert "0" not in stack.users("nginx")
    for service in ("postgres", "redis"):
        assert stack.users(service).get("0", set()) <= {"docker-init"}, service


def test_every_container_is_confined(stack: Stack) -> None:
    for service, container in stack.containers().items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert host["Memory"] > 0, service
        assert host["PidsLimit"] > 0, service
        assert host["LogConfig"]["Config"]["max-size"], service


def test_only_the_door_is_open_and_only_the_ingest_worker_gets_out(stack: Stack) -> None:
    containers = stack.containers()
    published = {name: one["HostConfig"]["PortBindings"] for name, one in containers.items()}
    assert {name for name, ports in published.items() if ports} == {"nginx"}
    outside = f"{stack.project}_outside"
    reach = {name for name, one in containers.items() if outside in one["NetworkSettings"]["Networks"]}
    assert reach == {"nginx", "ingest-worker"}


def test_a_service_s_image_holds_no_other_service(stack: Stack) -> None:
    others = {"ingest", "preprocess", "trainer", "inference", "standalone"}
    for service in ("ingest", "preprocess", "trainer", "inference"):
        listed = set(stack.compose("exec", "-T", service, "ls", "/app/services").split())
        assert listed & others == {service}


def test_every_service_stops_by_itself_when_told_to(stack: Stack) -> None:
    stack.compose("stop", *PYTHON_SERVICES, "nginx")
    killed = 128 + signal.SIGKILL
    assert [name for name, one in stack.containers().items() if one["State"]["ExitCode"] == killed] == []
