"""What becomes of reviews in the library, on SQLite and on PostgreSQL alike."""

import hashlib
import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from services.ingest import review_sound
from services.ingest.items import Item
from services.ingest.taking import take
from shared import jobs
from shared.audio.constants import SAMPLE_RATE
from shared.storage import Stored, storage_from
from tests.services.inference.conftest import encoded, problem
from tests.services.teaching.conftest import SURE, Teaching
from tests.support.sounds import SPECIES, chirps

MAJOR, MERULA = "Parus major", "Turdus merula"
CHIRPS = encoded(chirps(SPECIES[0], 12.0))
"""Somebody sings all the time."""


def signal(teaching: Teaching, recording_id: str) -> list[tuple[str, float, float]]:
    """Label, start and end in seconds."""
    sections = [one for one in teaching.recording(recording_id).sections if one.kind == "signal"]
    return [(one.label, one.start / SAMPLE_RATE, one.end / SAMPLE_RATE) for one in sections]


def marks(teaching: Teaching, recording_id: str) -> list[Any]:
    """As the library has them, without their ids."""
    rows = teaching.recording(recording_id).annotations
    return [(one["start"], one["end"], one["species"], one.get("kind", ""), "review" in one) for one in rows]


def stretch(start: float, end: float, analysis: str, position: int = 0) -> dict[str, Any]:
    return {"analysis": analysis, "position": position, "start": start, "end": end}


async def test_a_recording_of_the_library_gets_the_mark_and_keeps_what_it_had(teaching: Teaching) -> None:
    of_file = {"start": 0.5, "end": 1.5, "species": MERULA}
    recording = teaching.into_the_library(CHIRPS, MERULA, annotations=[of_file], recordist="Ann Lee")
    order = await teaching.analyses.order(source="library", recordings=[recording])
    analysis = (await teaching.analyses.heard(order))["id"]
    review = await teaching.review("added", **stretch(6, 7, analysis), species=MAJOR, recordist="Nobody")
    assert review["recording_id"] == recording
    taken = await teaching.taken(review)
    assert (taken["state"], taken["recording_id"]) == ("succeeded", recording)
    assert marks(teaching, recording) == [(0.5, 1.5, MERULA, "", False), (6.0, 7.0, MAJOR, "", True)]
    row = teaching.recording(recording)
    assert (row.label, row.recordist, row.source, row.segmentation) == (MERULA, "Ann Lee", "folder", "given")
    assert signal(teaching, recording) == [("", 0.5, 1.5), (MAJOR, 6.0, 7.0)]
    assert teaching.recordings() == [recording]


async def test_an_upload_comes_into_the_library_as_it_is_and_once(teaching: Teaching) -> None:
    analysis = await teaching.heard(("night/20240501_053000.wav", CHIRPS), latitude=48.1, longitude=11.6)
    said = {"recordist": "Ann Lee", "licence": "CC BY 4.0"}
    first = await teaching.taken(await teaching.review("added", **stretch(1, 2, analysis), species=MAJOR, **said))
    second = await teaching.review("noise", **stretch(8, 9.5, analysis))
    third = await teaching.review("added", **stretch(4, 5.5, analysis), species=MERULA)
    assert (await teaching.taken(second))["recording_id"] == first["recording_id"]
    assert (await teaching.taken(third))["recording_id"] == first["recording_id"]
    row = teaching.recording(first["recording_id"])
    assert (row.sha256, row.original_name) == (hashlib.sha256(CHIRPS).hexdigest(), "20240501_053000.wav")
    assert storage_from(teaching.analyses.settings).existing(row.original_key).read_bytes() == CHIRPS
    assert (row.source, row.recordist, row.licence, row.excerpt_of) == ("review", "Ann Lee", "CC BY 4.0", None)
    assert (row.recorded_on, row.recorded_time, row.latitude) == (date(2024, 5, 1), "05:30", 48.1)
    assert row.details["review"] == {
        "analysis": analysis,
        "position": 0,
        "file": "night/20240501_053000.wav",
        "excerpt_start": 0.0,
        "excerpt_end": 12.0,
        "model": {"name": "pitches", "version": "1"},
        "reviewed_by": "anonymous",
    }
    assert marks(teaching, row.id) == [
        (1.0, 2.0, MAJOR, "", True),
        (4.0, 5.5, MERULA, "", True),
        (8.0, 9.5, "", "noise", True),
    ]
    assert (row.label, row.secondary) == (MERULA, [MAJOR]), "the one that is heard for longest, and the other"
    assert signal(teaching, row.id) == [(MAJOR, 1.0, 2.0), ("", 4.0, 5.5)], "who else sings is nobody's"


@pytest.mark.parametrize("source", ["upload", "folder"])
async def test_of_a_long_recording_an_excerpt_comes_cut_without_loss(
    teaching: Teaching, library: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(review_sound, "WHOLE_SECONDS", 4.0)
    monkeypatch.setattr(review_sound, "MARGIN_SECONDS", 1.0)
    rate = 16_000
    samples = (np.random.default_rng(0).normal(0, 3_000, (12 * rate, 2))).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    (library / "day.wav").write_bytes(file.getvalue())
    if source == "upload":
        analysis = await teaching.heard(("day.wav", file.getvalue()))
    else:
        analysis = (await teaching.analyses.heard(await teaching.analyses.order(source="folder", path=".")))["id"]
    first = await teaching.taken(await teaching.review("added", **stretch(5, 7, analysis), species=MAJOR))
    inside = await teaching.taken(await teaching.review("noise", **stretch(7, 7.5, analysis)))
    start = await teaching.taken(await teaching.review("added", **stretch(0.5, 1.5, analysis), species=MERULA))
    assert inside["recording_id"] == first["recording_id"] != start["recording_id"]
    row = teaching.recording(first["recording_id"])
    with storage_from(teaching.analyses.settings).existing(row.original_key).open("rb") as original:
        cut, cut_rate = soundfile.read(original, dtype="int16", always_2d=True)
    assert (cut_rate, row.format, row.original_name) == (rate, "pcm_16", "day_4.000-8.000.flac")
    np.testing.assert_array_equal(cut, samples[4 * rate : 8 * rate])
    assert row.excerpt_of == hashlib.sha256(file.getvalue()).hexdigest()
    assert teaching.recording(start["recording_id"]).excerpt_of == row.excerpt_of
    assert marks(teaching, row.id) == [(1.0, 3.0, MAJOR, "", True), (3.0, 3.5, "", "noise", True)]
    assert marks(teaching, start["recording_id"]) == [(0.5, 1.5, MERULA, "", True)]


async def test_a_review_that_is_withdrawn_takes_its_mark_along_and_the_last_one_the_recording(
    teaching: Teaching,
) -> None:
    analysis = await teaching.heard(("a.wav", CHIRPS))
    both = [
        await teaching.taken(await teaching.review("added", **stretch(at, at + 1, analysis), species=name))
        for at, name in ((1, MAJOR), (5, MERULA))
    ]
    recording = both[0]["recording_id"]
    for review, left in zip(both, ([(5.0, 6.0, MERULA, "", True)], []), strict=True):
        assert (await teaching.client.delete(f"/reviews/{review['id']}")).status_code == 204
        teaching.take_in()
        assert marks(teaching, recording) == left
    assert teaching.recordings() == []
    assert teaching.recording(recording).label is None
    again = await teaching.taken(await teaching.review("added", **stretch(2, 3, analysis), species=MAJOR))
    assert (again["recording_id"], teaching.recordings()) == (recording, [recording])


async def test_withdrawing_leaves_a_recording_of_the_library_there(teaching: Teaching) -> None:
    recording = teaching.into_the_library(CHIRPS, MERULA)
    order = await teaching.analyses.order(source="library", recordings=[recording])
    analysis = (await teaching.analyses.heard(order))["id"]
    review = await teaching.taken(await teaching.review("noise", **stretch(2, 7, analysis)))
    assert all(end <= 2 or start >= 7 for _, start, end in signal(teaching, recording))
    await teaching.client.delete(f"/reviews/{review['id']}")
    teaching.take_in()
    assert marks(teaching, recording) == []
    assert any(start < 7 and end > 2 for _, start, end in signal(teaching, recording)), "what was found is back"
    assert teaching.recordings() == [recording]


async def test_one_that_is_withdrawn_at_once_never_comes_in(teaching: Teaching) -> None:
    await teaching.heard(("a.wav", SURE))
    review = await teaching.review("confirmed")
    await teaching.client.delete(f"/reviews/{review['id']}")
    teaching.take_in()
    assert teaching.recordings() == []


async def test_taking_in_twice_changes_nothing(teaching: Teaching) -> None:
    await teaching.heard(("a.wav", SURE))
    review = await teaching.taken(await teaching.review("confirmed"))
    before = teaching.recording(review["recording_id"])
    with teaching.sessions.begin() as session:
        jobs.submit(session, "ingest.review", {"review_id": review["id"]}, max_attempts=1)
    teaching.take_in()
    after = teaching.recording(review["recording_id"])
    assert (after.annotations, after.prepared_at) == (before.annotations, before.prepared_at)
    assert teaching.recordings() == [before.id]


async def test_a_recording_is_prepared_once_for_all_that_was_said_of_it_meanwhile(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", CHIRPS))
    for at in range(4):
        await teaching.review("added", **stretch(at, at + 1, analysis), species=MAJOR)
    teaching.work("ingest")
    assert teaching.waiting("preprocess") == 1
    teaching.take_in()
    (recording,) = teaching.recordings()
    assert signal(teaching, recording) == [("", 0.0, 4.0)]


async def test_an_analysis_that_is_removed_before_fails_its_reviews_with_a_sentence(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", SURE))
    review = await teaching.review("confirmed")
    assert (await teaching.client.delete(f"/analyses/{analysis}")).status_code == 204
    failed = await teaching.taken(review)
    assert (failed["state"], failed["error"]["code"], failed["recording_id"]) == ("failed", "not-found", None)
    assert "The analysis of a.wav was removed" in failed["error"]["detail"]
    assert (await teaching.analyses.get("/reviews/counts"))["failed"] == 1


async def test_a_file_that_is_another_one_now_is_not_taken_for_what_was_heard(
    teaching: Teaching, library: Path
) -> None:
    (library / "a.wav").write_bytes(SURE)
    await teaching.analyses.heard(await teaching.analyses.order(source="folder", path="."))
    review = await teaching.review("confirmed")
    (library / "a.wav").write_bytes(CHIRPS)
    failed = await teaching.taken(review)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "changed-file")
    (library / "a.wav").unlink()
    await teaching.client.delete(f"/reviews/{review['id']}")
    assert (await teaching.taken(await teaching.review("noise")))["error"]["code"] == "sound-gone"
    problem(await teaching.client.get(f"/reviews/{review['id']}"), 404, "not-found")


async def test_annotations_that_come_later_stand_beside_the_reviews(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", CHIRPS))
    review = await teaching.taken(await teaching.review("added", **stretch(1, 2, analysis), species=MAJOR))
    row = teaching.recording(review["recording_id"])
    item = Item(Path("a.wav"), "a.wav", annotations=({"start": 5.0, "end": 6.0, "species": MERULA},))
    stored = Stored(row.original_key, row.sha256, row.size)
    for due in (True, False):
        with teaching.sessions.begin() as session:
            taken = take(
                session,
                item,
                stored,
                source="folder",
                priority=jobs.Priority.BULK,
                max_attempts=1,
                parent_id=None,
            )
            assert (taken.known, taken.job_id is not None) == (True, due)
        teaching.take_in()
        assert marks(teaching, row.id) == [(5.0, 6.0, MERULA, "", False), (1.0, 2.0, MAJOR, "", True)]


async def test_what_a_person_calls_a_recording_stays_whatever_reviews_say(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", CHIRPS))
    review = await teaching.taken(await teaching.review("added", **stretch(1, 2, analysis), species=MAJOR))
    teaching.call(review["recording_id"], MERULA)
    await teaching.taken(await teaching.review("added", **stretch(3, 4, analysis), species=MAJOR))
    assert teaching.recording(review["recording_id"]).label == MERULA
