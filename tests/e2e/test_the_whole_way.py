"""From a folder of recordings to an answer, on the embedded stack, by REST and by the command line."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import soundfile

from tests.support.sounds import RATE, SPECIES, chirps, write_folder
from tests.support.stack import Stack
from tests.support.waiting import until

CONFIG = {"epochs": 8, "folds": 0, "batch_size": 8, "crops_per_recording": 2, "min_batches": 6}


@pytest.fixture(scope="module")
def ingestion(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Twelve good recordings of two invented species, and two files that are none."""
    folder = tmp_path_factory.mktemp("library")
    write_folder(folder, seconds=6.5)  # of a length of its own: other tests' sounds are known already
    (folder / SPECIES[0] / "notes.txt").write_text("heard at dawn")
    (folder / SPECIES[1] / "empty.wav").touch()
    return stack.ingest(folder)


@pytest.fixture(scope="module")
def others(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Sounds that are none of the two species, frozen."""
    folder = tmp_path_factory.mktemp("others")
    for number, kind in enumerate(("Sonus unus", "Sonus alter")):
        (folder / kind).mkdir()
        soundfile.write(folder / kind / "0.wav", chirps(SPECIES[0], 7.0, 50 + number)[::-1], RATE, subtype="PCM_16")
    stack.ingest(folder)
    chosen = {"name": "others", "species": ["Sonus unus", "Sonus alter"], "min_recordings": 1}
    response = stack.send("POST", "/datasets", json=chosen)
    assert response.status_code == 201, response.text
    return response.json()


@pytest.fixture(scope="module")
def training(stack: Stack, ingestion: Any, others: Any) -> Any:
    config = {**CONFIG, "unknown_dataset_ids": [others["id"]]}
    response = stack.send(
        "POST", "/trainings", json={"name": "two-birds", "dataset": {"species": list(SPECIES)}, "config": config}
    )
    assert response.status_code == 202, response.text
    return stack.ended(response.headers["location"])


@pytest.fixture
def active(stack: Stack, training: Any) -> Any:
    """The model of the training answers; afterwards the one before does again."""
    before = stack.get("/models/active")["model"]
    assert stack.send("PUT", "/models/active", json=training["model"]).status_code == 200
    yield training["model"]
    stack.send("PUT", "/models/active", json={"name": before["name"], "version": before["version"]})


def test_one_bad_file_is_listed_with_its_reason_and_stops_nothing(ingestion: Any) -> None:
    assert ingestion["state"] == "succeeded"
    assert ingestion["counts"] == {
        "accepted": 12, "known": 0, "refused": 1, "listed": 0, "skipped": 1,
        "prepared": 12, "unusable": 0, "cancelled": 0, "waiting": 0,
    }  # fmt: skip
    problems = {Path(one["path"]).name: one["code"] for one in ingestion["problems"]}
    assert problems == {"empty.wav": "empty-audio"}


def test_every_recording_has_sections_and_slices_on_its_time_line(stack: Stack, ingestion: Any) -> None:
    listed = [one for one in stack.get("/recordings", species=SPECIES[0], limit=500)["items"] if one["seconds"] > 6.2]
    assert len(listed) == 6
    for one in listed:
        recording = stack.get(f"/recordings/{one['id']}")
        assert recording["prepared"]
        assert {section["kind"] for section in recording["sections"]} >= {"signal"}
        assert any(cut["kind"] == "signal" for cut in recording["slices"])
        assert all(0 <= cut["start"] < cut["end"] <= recording["seconds"] + 1e-3 for cut in recording["slices"])


def test_the_same_folder_again_is_known_and_adds_nothing(stack: Stack, ingestion: Any) -> None:
    before = len(stack.get("/recordings", limit=500)["items"])
    again = stack.ended(stack.send("POST", "/ingestions", json=ingestion["parameters"]).headers["location"])
    assert again["counts"]["known"] == 12
    assert again["counts"]["accepted"] == 0
    assert len(stack.get("/recordings", limit=500)["items"]) == before


def test_a_folder_of_nothing_but_bad_files_fails_and_says_why(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "Some bird").mkdir()
    (tmp_path / "Some bird" / "page.mp3").write_text("<!doctype html><title>404</title>")
    ingestion = stack.ingest(tmp_path)
    assert ingestion["state"] == "failed"
    assert "a web page, not a sound recording" in ingestion["job"]["error"]["detail"]


def test_the_training_ends_in_a_model_with_figures_and_a_card(stack: Stack, training: Any) -> None:
    assert training["state"] == "succeeded", training["job"]["error"]
    assert [one["epoch"] for one in training["epochs"]] == list(range(1, CONFIG["epochs"] + 1))
    name, version = training["model"]["name"], training["model"]["version"]
    listed = {(one["name"], one["version"]) for one in stack.get("/models")["items"]}
    assert (name, version) in listed
    card = stack.send("GET", f"/models/{name}/{version}/card").text
    assert SPECIES[0] in card
    assert "| others | 2 |" in card
    for picture in ("curves", "confusion", "reliability", "species", "unknown"):
        assert stack.send("GET", f"/models/{name}/{version}/{picture}").content.startswith(b"\x89PNG")


def test_the_model_comes_in_every_format(stack: Stack, training: Any) -> None:
    model = f"/models/{training['model']['name']}/{training['model']['version']}"
    assert set(stack.get(model)["files"]) >= {"model", "pt2", "onnx", "card", "curves"}
    assert not training["job"]["result"]["warnings"]
    session = onnxruntime.InferenceSession(stack.send("GET", f"{model}/onnx").content)
    manifest = json.loads(session.get_modelmeta().custom_metadata_map["model.json"])
    assert {label["scientific"] for label in manifest["labels"]} == set(SPECIES)
    assert zipfile.is_zipfile(io.BytesIO(stack.send("GET", f"{model}/pt2").content))


def test_the_trained_model_answers_by_multipart_and_by_raw_body_alike(
    stack: Stack, active: Any, tmp_path: Path
) -> None:
    for number, species in enumerate(SPECIES):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, chirps(species, 12.0, seed=99), RATE, subtype="PCM_16")
        form = stack.send("POST", "/classify", files={"audio": (path.name, path.read_bytes(), "audio/wav")})
        raw = stack.send("POST", "/classify", content=path.read_bytes(), headers={"content-type": "audio/wav"})
        assert form.status_code == raw.status_code == 200, form.text
        assert form.json()["ranking"] == raw.json()["ranking"]
        answer = form.json()
        assert answer["model"] == {"name": active["name"], "version": active["version"]}
        assert answer["ranking"][0]["species"] == species
        assert answer["recording"]["seconds"] == pytest.approx(12.0, abs=0.01)
        assert all(0 <= one["confidence"] <= 1 for one in answer["ranking"])
        assert all(0 <= one["start"] < one["end"] <= 12.01 for one in answer["detections"])


def test_a_training_that_cannot_be_is_refused_at_once(stack: Stack, ingestion: Any) -> None:
    one_species = stack.send("POST", "/trainings", json={"name": "x", "dataset": {"species": [SPECIES[0]]}})
    assert one_species.status_code == 422
    assert one_species.headers["content-type"] == "application/problem+json"
    assert "two species" in one_species.json()["detail"]
    for config, says in (({"epochs": 0}, "epochs: "), ({"speed": 9}, "there is no setting 'speed'")):
        refused = stack.send("POST", "/trainings", json={"name": "x", "config": config})
        assert refused.status_code == 422
        assert says in refused.json()["detail"]


def test_a_training_can_be_stopped_and_taken_up_again(stack: Stack, ingestion: Any) -> None:
    wanted = {"name": "unfinished", "dataset": {"species": list(SPECIES)}, "config": CONFIG | {"epochs": 500}}
    location = stack.send("POST", "/trainings", json=wanted).headers["location"]
    until(lambda: len(stack.get(location)["epochs"]) >= 1, what="the first epoch")
    assert stack.send("DELETE", location).status_code == 200
    stopped = stack.ended(location)
    assert (stopped["state"], stopped["model"]) == ("cancelled", None)
    assert stack.send("DELETE", location).status_code == 409

    job = f"/jobs/{stopped['job']['id']}"
    assert stack.send("POST", f"{job}/retry").status_code == 202
    until(lambda: len(stack.get(location)["epochs"]) > len(stopped["epochs"]), what="another epoch")
    assert [one["epoch"] for one in stack.get(location)["epochs"]][: len(stopped["epochs"]) + 1] == list(
        range(1, len(stopped["epochs"]) + 2)
    ), "it went on after its last epoch"
    assert stack.send("DELETE", job).status_code == 200
    assert stack.ended(job)["state"] == "cancelled"


def test_a_job_that_failed_for_good_fails_again_when_it_is_retried(stack: Stack, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(3 * RATE), RATE, subtype="PCM_16")
    sent = {"audio": ("silence.wav", (tmp_path / "silence.wav").read_bytes())}
    job = f"/jobs/{stack.send('POST', '/recordings', files=sent).json()['job']['id']}"
    for _ in range(2):
        failed = stack.ended(job)
        assert (failed["state"], failed["error"]["code"], failed["attempts"]) == ("failed", "silent-recording", 1)
        assert stack.send("POST", f"{job}/retry").status_code == 202
    stack.ended(job)


def test_the_same_key_again_gives_the_same_answer_and_accepts_once(stack: Stack, ingestion: Any) -> None:
    key = {"Idempotency-Key": "an-ingestion-of-tuesday"}
    first, second = (stack.send("POST", "/ingestions", json=ingestion["parameters"], headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    other = stack.send("POST", "/ingestions", json={"source": "folder", "path": "/elsewhere"}, headers=key)
    assert other.status_code == 409
    stack.ended(first.headers["location"])


def test_an_upload_becomes_a_prepared_recording_with_its_origin(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "garden.flac"
    soundfile.write(path, chirps(SPECIES[0], 7.0, seed=7), RATE)
    fields = {"label": "Amsel", "recordist": "A. Birder", "licence": "CC BY 4.0", "latitude": "52.5"}
    response = stack.send("POST", "/recordings", files={"audio": (path.name, path.read_bytes())}, data=fields)
    assert response.status_code == 202, response.text
    assert stack.ended(f"/jobs/{response.json()['job']['id']}")["state"] == "succeeded"
    recording = stack.get(response.headers["location"])
    assert (recording["species"], recording["recordist"]) == ("Turdus merula", "A. Birder")
    assert recording["prepared"]
    original = stack.send("GET", f"{response.headers['location']}/audio")
    assert original.content == path.read_bytes()


def test_a_job_can_be_watched_to_its_end(stack: Stack, training: Any) -> None:
    response = stack.send("GET", f"/trainings/{training['id']}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    kinds = [line.removeprefix("event: ") for line in response.text.splitlines() if line.startswith("event: ")]
    assert kinds.count("epoch") == CONFIG["epochs"]
    assert kinds[-1] == "job"


def test_the_command_line_goes_the_whole_way(stack: Stack, tmp_path: Path, active: Any) -> None:
    write_folder(tmp_path, per_species=2)

    def run(*arguments: str) -> str:
        command = [str(Path(sys.executable).parent / "chiffchaff"), *arguments, "--server", stack.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "4 prepared" in run("ingest", str(tmp_path))
    trained = run("train", "by-hand", "--species", SPECIES[0], "--species", SPECIES[1], "--epochs", "2", "--folds", "0")
    assert "Model by-hand version 1 is there." in trained
    assert SPECIES[1] in run("classify", str(tmp_path / SPECIES[1] / "000.wav"), "--min-confidence", "0")
    assert "by-hand" in run("models", "list")
    assert "trainer.train" in run("jobs", "list")


def test_the_command_line_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "chiffchaff"), "models", "list", "--server", "http://127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "make run" in done.stderr
    assert "Traceback" not in done.stderr
