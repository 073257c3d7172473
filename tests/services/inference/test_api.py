"""The API from outside: answers to recordings, refusals of them, and the models."""

import asyncio
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest

from services.inference.api import MEDIA_TYPES
from services.inference.schemas import ClassifyQuery
from shared.audio.constants import SAMPLE_RATE
from shared.model_file import BESIDE, read_manifest, sha256_of
from tests.services.inference.conftest import HIGH, LOW, Client, encoded, problem, song

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAIN = {
    "step": 2.5,
    "min_confidence": 0.3,
    "top_k": 5,
    "thresholds": {},
    "merge": None,
    "species": None,
    "latitude": None,
    "longitude": None,
    "date": None,
    "unexpected": "flag",
}
"""Parameters of a query without any."""

GARDEN = Path(__file__).resolve().parents[4] / "shared" / "data" / "garden20"


async def test_the_answer_has_everything_in_the_order_of_the_design(service: Client) -> None:
    stereo = np.stack([song(LOW, HIGH, seconds=6.2, rate=44_100)] * 2, axis=1)
    sent = encoded(stereo, rate=44_100, kind="FLAC")
    answer = await service.post("/classify", content=sent, headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["request_id", "model", "parameters", "recording", "outcome", "ranking", "detections"]
    assert body["request_id"] == answer.headers["x-request-id"] == "mine-1"
    assert body["model"] == {"name": "pitches", "version": "1"}
    assert body["parameters"] == PLAIN
    assert body["outcome"] == "species"
    assert body["recording"] == {"seconds": 12.4, "sample_rate": 44_100, "channels": 2, "warnings": []}
    assert [list(ranked) for ranked in body["ranking"]] == [
        ["species", "common_name", "confidence", "expected_here"]
    ] * 3
    first, last = body["detections"][0], body["detections"][-1]
    assert list(first.items())[:4] == [
        ("start", 0.0),
        ("end", 5.0),
        ("species", "Avis ima"),
        ("common_name", "Low Bird"),
    ]
    assert list(first)[4:] == ["confidence", "known", "expected_here", "windows"]
    assert (last["start"], last["end"], last["species"]) == (7.5, 12.4, "Avis summa")


async def test_the_query_decides_how_it_is_heard(service: Client) -> None:
    query = {"top_k": 1, "step": 5, "min_confidence": 0.5}
    body = (await service.post("/classify", params=query, content=encoded(song(LOW, HIGH)))).json()
    assert body["parameters"] == PLAIN | {"step": 5.0, "min_confidence": 0.5, "top_k": 1}
    assert [(d["start"], d["species"]) for d in body["detections"]] == [(0.0, "Avis ima"), (5.0, "Avis summa")]
    assert len(body["ranking"]) == 1


async def test_the_parameters_of_an_answer_give_the_same_answer_again(service: Client) -> None:
    query = {
        "threshold": ["Low Bird:0.2", "Avis summa:0.4"],
        "species": ["Avis summa,Low Bird"],
        "merge": "0",
        "latitude": "52.5",
        "longitude": "13.4",
        "date": "2024-05-01",
    }
    sent = encoded(song(LOW, HIGH))
    body = (await service.post("/classify", params=query, content=sent)).json()
    parameters = body["parameters"]
    assert parameters["species"] == ["Avis ima", "Avis summa"]
    assert (parameters["latitude"], parameters["longitude"], parameters["date"]) == (52.5, 13.4, "2024-05-01")
    again = {name: value for name, value in parameters.items() if value is not None and name != "thresholds"}
    again["threshold"] = [f"{name}:{value}" for name, value in parameters["thresholds"].items()]
    assert (await service.post("/classify", params=again, content=sent)).json() == body | {"request_id": ANY}


@pytest.mark.parametrize(
    "query",
    [
        "top_k=0",
        "top_k=many",
        "step=0.5",
        "step=6",
        "step=nan",
        "min_confidence=2",
        "min_confidence=-1",
        "topk=3",
        "merge=-1",
        "threshold=Avis",
        "species=Dodo",
        "latitude=52",
        "longitude=181&latitude=0",
        "date=yesterday",
        "date=0",
        "model=../x",
        "unexpected=hide",
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_by_name(service: Client, query: str) -> None:
    document = problem(await service.post(f"/classify?{query}", content=encoded(song(LOW))), 422, "invalid-input")
    assert query.split("=")[0] in document["detail"]


def hour_of_silence() -> bytes:
    return encoded(np.zeros(3_600 * 8_000, np.float32), rate=8_000, kind="FLAC")


def channels(count: int) -> bytes:
    noise = np.random.default_rng(1).standard_normal((SAMPLE_RATE // 4, count)) * 0.1
    return encoded(noise.astype(np.float32))


BAD_RECORDINGS = {
    "text": (b"Is this a bird?", 415, "not-audio"),
    "a web page": (b"<!doctype html><title>Bird</title>", 415, "not-audio"),
    "random bytes": (np.random.default_rng(2).bytes(50_000), 415, "not-audio"),
    "one sample": (encoded(np.array([0.5], np.float32)), 422, "recording-too-short"),
    "a header without sound": (encoded(np.zeros(0, np.float32)), 422, "empty-audio"),
    "a hundred channels": (channels(100), 422, "unsupported-audio"),
    "silence": (encoded(np.zeros(5 * SAMPLE_RATE, np.float32)), 422, "silent-recording"),
    "an hour of silence": (hour_of_silence(), 413, "recording-too-long"),
    "the header of a FLAC file": (encoded(song(LOW), kind="FLAC")[:60], 422, "corrupt-audio"),
}


@pytest.mark.parametrize("case", BAD_RECORDINGS)
async def test_a_recording_that_cannot_be_used_is_refused_and_the_next_one_answered(service: Client, case: str) -> None:
    sent, status, code = BAD_RECORDINGS[case]
    problem(await service.post("/classify", content=sent), status, code)
    problem(await service.post("/classify", files={"audio": sent}), status, code)
    assert service.uploads_left() == []
    assert (await service.post("/classify", content=encoded(song(LOW)))).status_code == 200


async def test_what_decodes_of_a_recording_cut_short_is_heard_and_said(service: Client) -> None:
    sent = encoded(song(LOW, HIGH))
    body = (await service.post("/classify", content=sent[: len(sent) // 2])).json()
    assert body["recording"]["seconds"] == pytest.approx(5.0, abs=0.1)
    assert "cut short" in body["recording"]["warnings"][0]
    assert body["ranking"][0]["species"] == "Avis ima"


@pytest.mark.skipif(not GARDEN.is_dir(), reason="the real recordings are not here")
@pytest.mark.parametrize("name", sorted(path.name for path in GARDEN.glob("*.mp3"))[:3])
async def test_a_real_recording_is_answered(service: Client, name: str) -> None:
    sent = await asyncio.to_thread((GARDEN / name).read_bytes)
    body = (await service.post("/classify", files={"audio": (name, sent)})).json()
    assert body["recording"]["seconds"] > 1
    assert len(body["ranking"]) == 3


async def test_a_list_of_models_says_what_one_needs_to_choose(service: Client) -> None:
    (model,) = (await service.get("/models")).json()["items"]
    file = service.settings.models_dir / "pitches" / "model.pt"
    assert model | {"id": "", "created_at": ""} == {
        "id": "",
        "name": "pitches",
        "version": "1",
        "active": True,
        "created_at": "",
        "network": "pitch",
        "labels": 3,
        "metrics": {"macro_top1": {"value": 0.9, "low": 0.8, "high": 0.95, "folds": []}},
        "recordings": 2,
        "licences": ["CC BY 3.0", "CC BY-NC-SA 4.0"],
        "licence_note": "Trained on recordings shared under: CC BY 3.0, CC BY-NC-SA 4.0. "
        "Some of them ask not to be used commercially.",
        "sha256": sha256_of(file),
        "has_card": True,
        "files": ["model", "card", "onnx"],
        "default_min_confidence": 0.3,
        "training_id": None,
    }


async def test_one_model_shows_its_species_and_whom_it_learnt_from(service: Client) -> None:
    model = (await service.get("/models/pitches/1")).json()
    assert model["species"][0] == {"scientific": "Avis ima", "common": "Low Bird"}
    assert [credit["recordist"] for credit in model["credits"]] == ["Ada", "Bob"]
    assert model["dataset"] == read_manifest(service.settings.models_dir / "pitches" / "model.pt").dataset.model_dump()


async def test_the_card_is_shown_as_markdown(service: Client) -> None:
    answer = await service.get("/models/pitches/1/card")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text == "# pitches\n"


async def test_the_other_formats_are_sent_under_names_that_say_what_they_are(service: Client) -> None:
    answer = await service.get("/models/pitches/1/onnx")
    assert answer.content == b"onnx of pitches"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert 'filename="pitches-1.onnx"' in answer.headers["content-disposition"]


async def test_a_format_that_the_model_lacks_is_not_found_and_the_answer_says_what_there_is(service: Client) -> None:
    answer = problem(await service.get("/models/pitches/1/pt2"), 404, "not-found")
    assert answer["detail"] == "pitches 1 has no pt2."
    assert answer["hint"] == "It has: model, card, onnx."


async def test_models_that_say_nothing_of_single_recordings_cannot_be_compared(service: Client) -> None:
    answer = await service.get("/models/pitches/1/comparison", params={"other": "pitches:1"})
    assert problem(answer, 404, "not-found")["detail"] == "pitches 1 has no predictions."
    problem(await service.get("/models/pitches/1/comparison", params={"other": "pitches"}), 422, "invalid-input")


async def test_every_file_that_may_lie_beside_a_model_can_be_asked_for() -> None:
    assert set(MEDIA_TYPES) == {"model", *BESIDE}


@pytest.mark.parametrize("path", ["/models/pitches/2", "/models/none/1", "/models/none/1/card"])
async def test_a_model_that_is_not_there_is_not_found(service: Client, path: str) -> None:
    assert "GET /models" in problem(await service.get(path), 404, "not-found")["hint"]


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "../x"}, {"name": "a", "version": 0}, {"name": "a", "force": True}, {"name": "a", "version": "new"}],
)
async def test_an_activation_that_makes_no_sense_is_refused(service: Client, body: object) -> None:
    problem(await service.put("/models/active", json=body), 422, "invalid-input")


async def test_the_openapi_description_shows_both_ways_to_send_and_an_answer(service: Client) -> None:
    document = (await service.get("/openapi.json")).json()
    described = document["paths"]["/classify"]["post"]
    assert {"multipart/form-data", "audio/*"} <= set(described["requestBody"]["content"])
    assert {p["name"] for p in described["parameters"] if p["in"] == "query"} == {*ClassifyQuery.model_fields}
    assert document["components"]["schemas"]["ClassifyAnswer"]["examples"][0]["ranking"]
