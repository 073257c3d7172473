"""Analyses from the request to the results, on SQLite and on PostgreSQL alike."""

import csv
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import soundfile
from sqlalchemy import select

from services.inference import registry
from services.inference.analyses.moving import AnalysisTeller
from services.inference.results.formats import FORMATS
from shared.db.tables import Analysis, AnalysisRecording
from shared.http.callers import ANONYMOUS, Caller
from shared.http.moves import Moves
from shared.storage import storage_from
from tests.services.inference.analyses.conftest import JUNK, Analyses, lines, sounds
from tests.services.inference.conftest import HIGH, LOW, MIDDLE, encoded, problem, ship_model, song
from tests.support.library import add_recording


async def test_uploads_are_heard_and_what_is_none_stops_nothing(analyses: Analyses) -> None:
    accepted = await analyses.upload(*sounds(), merge=0)
    assert accepted.status_code == 202, accepted.text
    here = accepted.headers["location"]
    assert (accepted.json()["state"], accepted.json()["counts"]["waiting"]) == ("queued", 3)
    assert accepted.json()["model"]["name"] == "pitches"
    assert accepted.json()["parameters"]["merge"] == 0

    done = await analyses.heard(accepted)
    assert (done["state"], done["seconds"], done["progress"]["fraction"]) == ("succeeded", 15.0, 1.0)
    assert done["counts"] == {
        "recordings": 3, "waiting": 0, "species": 1, "unknown": 0, "nothing": 1, "failed": 1,
    }  # fmt: skip
    listed = await analyses.get(done["links"]["recordings"])
    assert [(one["file"], one["outcome"], one["code"]) for one in listed["items"]] == [
        ("dawn.wav", "species", None),
        ("notes.wav", "failed", "not-audio"),
        ("night/20240501_020000.wav", "nothing", None),
    ]
    assert listed["items"][0]["top"][0]["species"] in ("Avis ima", "Avis summa")
    first = await analyses.get(f"{here}/recordings/0")
    assert [one["species"] for one in first["detections"]] == ["Avis ima", "Avis summa"]
    assert (await analyses.get(f"{here}/recordings/1"))["code"] == "not-audio"
    assert (await analyses.get(f"{here}/recordings/2"))["recorded_at"] == "2024-05-01T02:00:00"
    assert [(one["id"], one["first_file"]) for one in (await analyses.get("/analyses"))["items"]] == [
        (done["id"], "dawn.wav")
    ]


async def test_every_format_can_be_had_of_one_recording_and_of_several(analyses: Analyses) -> None:
    several = (await analyses.upload(("a.wav", encoded(song(LOW))), ("a.wav", encoded(song(HIGH))))).headers["location"]
    one = (await analyses.upload(("b.wav", encoded(song(MIDDLE))))).headers["location"]
    analyses.work()
    for name, form in FORMATS.items():
        alone = await analyses.client.get(one, params={"format": name})
        assert alone.status_code == 200, name
        assert alone.headers["content-type"] == form.media_type
        assert form.suffix in alone.headers["content-disposition"]
        assert b"Avis media" in alone.content or name == "parquet"
        both = await analyses.client.get(several, params={"format": name})
        if form.holds == "all recordings":
            assert both.headers["content-type"] == form.media_type
            assert (b"Avis ima" in both.content and b"Avis summa" in both.content) or name == "parquet"
            continue
        assert both.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(both.content)) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
            assert names == [f"a{form.suffix}", f"a_1{form.suffix}"]
            assert [b"Avis ima" in archive.read(names[0]), b"Avis summa" in archive.read(names[1])] == [True, True]
    table = pq.read_table(io.BytesIO((await analyses.client.get(several, params={"format": "parquet"})).content))
    assert table.column("species").to_pylist() == ["Avis ima", "Avis summa"]
    asked = await analyses.client.get(several, headers={"Accept": "text/csv"})
    assert [row["file"] for row in csv.DictReader(io.StringIO(asked.text))] == ["a.wav", "a.wav"]
    problem(await analyses.client.get(one, params={"format": "docx"}), 422, "invalid-input")


async def test_results_of_a_running_analysis_are_those_so_far_and_only_where_that_is_asked(analyses: Analyses) -> None:
    here = (await analyses.upload(*sounds())).headers["location"]
    refused = problem(await analyses.client.get(here, params={"format": "csv"}), 409, "not-heard-yet")
    assert "so_far=true" in refused["hint"]
    so_far = await analyses.client.get(here, params={"format": "jsonl", "so_far": True})
    assert [line["kind"] for line in lines(so_far.text)] == ["about"]
    for path in ("", "/snippet?start=0&end=1"):
        problem(await analyses.client.get(f"{here}/recordings/0{path}"), 409, "not-heard-yet")
    assert (await analyses.client.get(f"{here}/recordings/0/audio")).content == sounds()[0][1]


async def test_the_sound_comes_in_parts_and_in_snippets(analyses: Analyses) -> None:
    content = encoded(song(LOW, HIGH, rate=48_000), rate=48_000)
    here = (await analyses.upload(("dawn.wav", content), ("notes.wav", JUNK))).headers["location"]
    analyses.work()
    part = await analyses.client.get(f"{here}/recordings/0/audio", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["content-type"] == "audio/wav"
    for kind in ("wav", "flac"):
        snippet = await analyses.client.get(
            f"{here}/recordings/0/snippet", params={"start": 1, "end": 3.5, "format": kind}
        )
        assert snippet.status_code == 200, snippet.text
        with soundfile.SoundFile(io.BytesIO(snippet.content)) as sound:
            assert (sound.samplerate, sound.frames, sound.format) == (48_000, 120_000, kind.upper())
            assert "Avis ima" in sound.title
    for query in ({"start": 3, "end": 3}, {"start": 20, "end": 21}, {"start": 0, "end": 5_000}):
        problem(await analyses.client.get(f"{here}/recordings/0/snippet", params=query), 422, "invalid-input")
    problem(await analyses.client.get(f"{here}/recordings/1/snippet?start=0&end=1"), 409, "conflict")
    problem(await analyses.client.get(f"{here}/recordings/7"), 404, "not-found")
    problem(await analyses.client.get(f"{here}/recordings/{2**40}"), 404, "not-found")
    assert not list(analyses.settings.scratch_dir.glob("snippet-*"))


async def test_a_folder_is_heard_in_order_and_nothing_else_of_the_disk(analyses: Analyses, library: Path) -> None:
    outside = library.parent / "secret.wav"
    outside.write_bytes(encoded(song(LOW)))
    for name, pitch in (("b/two.wav", HIGH), ("a/one.wav", LOW)):
        (library / "may" / name).parent.mkdir(parents=True)
        (library / "may" / name).write_bytes(encoded(song(pitch)))
    (library / "may" / "notes.txt").write_bytes(JUNK)
    (library / "may" / "half.wav.part").write_bytes(JUNK)
    (library / "may" / "link.wav").symlink_to(outside)
    done = await analyses.heard(await analyses.order(source="folder", path="may", parameters={"min_confidence": 0.5}))
    assert (done["state"], done["parameters"]["min_confidence"]) == ("succeeded", 0.5)
    listed = (await analyses.get(done["links"]["recordings"]))["items"]
    assert [(one["file"], one["top"][0]["species"]) for one in listed] == [
        ("a/one.wav", "Avis ima"),
        ("b/two.wav", "Avis summa"),
    ]
    here = f"/analyses/{done['id']}/recordings/1/audio"
    assert (await analyses.client.get(here)).content == encoded(song(HIGH))
    (library / "may" / "b" / "two.wav").unlink()
    (library / "may" / "b" / "two.wav").symlink_to(outside)
    problem(await analyses.client.get(here), 404, "sound-gone")
    problem(await analyses.order(source="folder", path="../"), 422, "invalid-input")
    problem(await analyses.order(source="folder", path="june"), 422, "invalid-input")


async def test_what_of_a_folder_cannot_be_read_is_listed_with_the_reason(analyses: Analyses, library: Path) -> None:
    (library / "a.wav").write_bytes(encoded(song(LOW)))
    (library / "gone.wav").symlink_to(library / "nowhere")
    done = await analyses.heard(await analyses.order(source="folder", path="."))
    assert (done["state"], done["counts"]["species"], done["counts"]["failed"]) == ("succeeded", 1, 1)
    (failed,) = (await analyses.get(done["links"]["recordings"], outcome="failed"))["items"]
    assert (failed["file"], failed["code"]) == ("gone.wav", "unreadable-file")
    problem(await analyses.client.get(f"/analyses/{done['id']}/recordings/1/audio"), 404, "sound-gone")


async def test_an_empty_folder_fails_and_says_so(analyses: Analyses, library: Path) -> None:
    (library / "notes.txt").write_bytes(JUNK)
    done = await analyses.heard(await analyses.order(source="folder", path="."))
    assert (done["state"], done["error"]["code"]) == ("failed", "invalid-input")
    assert "no recordings" in done["error"]["detail"]


def into_the_library(analyses: Analyses, pitch: float, **values: Any) -> str:
    stored = storage_from(analyses.settings).add_content("originals", io.BytesIO(encoded(song(pitch))), ".wav")
    known = {"sha256": stored.sha256, "original_key": stored.key, "size": stored.size}
    return add_recording(analyses.sessions, **{**known, **values})


async def test_recordings_of_the_library_are_heard_by_id_or_by_filter(analyses: Analyses) -> None:
    low = into_the_library(analyses, LOW, country="Poland")
    high = into_the_library(analyses, HIGH, country="Peru")
    named = await analyses.heard(await analyses.order(source="library", recordings=[high, low, high]))
    listed = (await analyses.get(named["links"]["recordings"]))["items"]
    assert [(one["recording_id"], one["top"][0]["species"]) for one in listed] == [
        (high, "Avis summa"),
        (low, "Avis ima"),
    ]
    filtered = await analyses.heard(await analyses.order(source="library", filters={"country": ["peru"]}))
    assert [one["recording_id"] for one in (await analyses.get(filtered["links"]["recordings"]))["items"]] == [high]
    everything = await analyses.heard(await analyses.order(source="library", filters={}))
    assert everything["counts"]["recordings"] == 2
    problem(await analyses.order(source="library", recordings=["0" * 32]), 404, "not-found")
    problem(await analyses.order(source="library"), 422, "invalid-input")
    none = await analyses.heard(await analyses.order(source="library", filters={"country": ["Chad"]}))
    assert none["state"] == "failed"


async def test_place_and_day_of_a_library_recording_say_what_is_expected(analyses: Analyses) -> None:
    for number in range(24):
        # A land of many birds, where in May everybody hears the low one and nobody the high one, which is of elsewhere.
        seen = {"latitude": 48.1, "longitude": 11.6, "recorded_on": date(2000 + number, 5, 4), "recordist": "Ada"}
        for name in ["Avis ima", *(f"Avis alia {other}" for other in range(6))]:
            add_recording(analyses.sessions, name, **seen)
        for other in range(4):
            add_recording(analyses.sessions, "Avis summa", **{**seen, "latitude": -33.9, "recordist": f"Bob {other}"})
    here = {"latitude": 48.1, "longitude": 11.6, "recorded_on": date(2026, 5, 4)}
    both = [into_the_library(analyses, pitch, **here) for pitch in (LOW, HIGH)]
    flagged = await analyses.heard(await analyses.order(source="library", recordings=both))
    first = [
        (await analyses.get(f"/analyses/{flagged['id']}/recordings/{position}"))["detections"][0] for position in (0, 1)
    ]
    assert [(one["species"], one["expected_here"]) for one in first] == [("Avis ima", True), ("Avis summa", False)]
    dropped = await analyses.heard(
        await analyses.order(source="library", recordings=both, parameters={"unexpected": "drop"})
    )
    assert (dropped["counts"]["species"], dropped["counts"]["unknown"]) == (1, 1)


async def test_the_model_is_fixed_when_the_analysis_is_accepted(analyses: Analyses) -> None:
    named = await analyses.upload(("a.wav", encoded(song(LOW))), model="pitches:1")
    active = await analyses.upload(("a.wav", encoded(song(LOW))))
    with analyses.sessions.begin() as session:
        folder = ship_model(analyses.settings.models_dir, "other", common="Other ")
        shipped = next(one for one in registry.shipped_models(folder.parent) if one.manifest.name == "other")
        registry.store(storage_from(analyses.settings), shipped)
        registry.activate(session, registry.register(session, shipped).id)
    for answer in (named, active):
        assert (await analyses.heard(answer))["model"]["name"] == "pitches"
    newer = await analyses.heard(await analyses.upload(("a.wav", encoded(song(LOW)))))
    assert newer["model"]["name"] == "other"
    problem(await analyses.upload(("a.wav", b""), model="none"), 404, "not-found")
    problem(await analyses.upload(("a.wav", b""), step=5.0, species="Turdus merula"), 422, "invalid-input")
    assert len(analyses.stored()) == 3


async def test_a_model_whose_file_is_gone_is_said_to_be(analyses: Analyses) -> None:
    answer = await analyses.upload(("a.wav", encoded(song(LOW))))
    storage = storage_from(analyses.settings)
    for key in list(storage.keys("models")):
        storage.delete(key)
    done = await analyses.heard(answer)
    assert (done["state"], done["error"]["code"], done["counts"]["waiting"]) == ("failed", "bad-model-file", 1)
    assert "is gone from the storage" in done["error"]["detail"]


async def test_where_not_one_recording_can_be_heard_the_analysis_has_failed(analyses: Analyses) -> None:
    done = await analyses.heard(await analyses.upload(("a.wav", JUNK), ("b.wav", b"")))
    assert (done["state"], done["error"]["code"]) == ("failed", "nothing-heard")
    assert "None of the 2 recordings" in done["error"]["detail"]
    assert "a.wav: The file is" in done["error"]["detail"]
    table = await analyses.client.get(f"/analyses/{done['id']}", params={"format": "csv"})
    assert [row["status"] for row in csv.DictReader(io.StringIO(table.text))] == ["failed", "failed"]


async def test_events_tell_how_far_it_is_until_the_end(analyses: Analyses) -> None:
    done = await analyses.heard(await analyses.upload(("a.wav", encoded(song(LOW)))))
    events = await analyses.client.get(done["links"]["events"])
    assert events.headers["content-type"].startswith("text/event-stream")
    data = next(line for line in events.text.splitlines() if line.startswith("data:"))
    assert json.loads(data.removeprefix("data:")) == done
    problem(await analyses.client.get(f"/analyses/{'0' * 32}/events"), 404, "not-found")


async def test_a_list_is_told_of_analyses_that_move_and_of_their_parts(analyses: Analyses) -> None:
    first, second = [await analyses.upload((f"{name}.wav", encoded(song(LOW)))) for name in "ab"]
    moves, moves_of_other = Moves(), Moves()
    other = Caller("other", "other", frozenset({"classify"}))
    assert told(analyses, moves) == told(analyses, moves_of_other, other) == [("reload", [])]
    await analyses.heard(first)
    assert told(analyses, moves) == [("analyses", sorted(one.json()["id"] for one in (first, second)))]
    assert told(analyses, moves) == []
    assert told(analyses, moves_of_other, other) == [], "they are not the other's"
    await analyses.client.delete(first.headers["location"])
    assert told(analyses, moves) == [("reload", [])], "one is gone"


def told(analyses: Analyses, moves: Moves, caller: Caller = ANONYMOUS) -> list[tuple[str | None, list[str]]]:
    """The kinds of events, and the ids of the analyses that each tells of."""
    with analyses.sessions() as session:
        events = list(AnalysisTeller(caller)(session, moves.look(session)))
    return [(event.event, sorted(one["id"] for one in event.data)) for event in events]


async def test_an_analysis_that_has_ended_is_removed_with_its_uploads_and_results(analyses: Analyses) -> None:
    done = await analyses.heard(await analyses.upload(*sounds()))
    here = f"/analyses/{done['id']}"
    assert len(analyses.stored()) == 3
    assert (await analyses.client.delete(here)).status_code == 204
    for path in (here, f"{here}/recordings", f"{here}/recordings/0"):
        problem(await analyses.client.get(path), 404, "not-found")
    problem(await analyses.client.delete(here), 404, "not-found")
    analyses.work()
    assert analyses.stored() == []
    with analyses.sessions() as session:
        assert session.scalars(select(Analysis.id)).all() == session.scalars(select(AnalysisRecording.file)).all() == []


async def test_removing_an_analysis_touches_nothing_of_the_library(analyses: Analyses) -> None:
    low = into_the_library(analyses, LOW)
    done = await analyses.heard(await analyses.order(source="library", recordings=[low]))
    await analyses.client.delete(f"/analyses/{done['id']}")
    analyses.work()
    assert len(list(storage_from(analyses.settings).keys("originals"))) == 1


@pytest.mark.parametrize("heard_first", [0, 2])
async def test_what_was_heard_before_an_analysis_was_stopped_stays(
    analyses: Analyses, heard_first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.inference.analyses.listing.PART_RECORDINGS", 1)
    here = (await analyses.upload(*[(f"{n}.wav", encoded(song(LOW))) for n in range(4)])).headers["location"]
    analyses.work(1 + heard_first)
    stopped = await analyses.client.delete(here)
    assert (stopped.status_code, stopped.json()["state"]) == (202, "cancelled")
    analyses.work()
    ended = await analyses.get(here)
    assert (ended["state"], ended["counts"]["species"], ended["counts"]["waiting"]) == (
        "cancelled",
        heard_first,
        4 - heard_first,
    )
    text = (await analyses.client.get(here, params={"format": "jsonl"})).text
    assert len(lines(text)) == 1 + heard_first
    assert (await analyses.client.delete(here)).status_code == 204
