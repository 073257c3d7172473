"""What people are asked and what they may answer, on SQLite and on PostgreSQL alike."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import func, select

from shared.db.tables import Job, Review, ReviewCandidate
from tests.services.inference.analyses.conftest import JUNK, Analyses, Open
from tests.services.inference.conftest import HIGH, LOW, encoded, problem, song
from tests.services.teaching.conftest import SURE, UNSURE, Teaching

REGION = {"position": 0, "start": 1.0, "end": 2.5}


async def test_the_most_uncertain_passage_of_all_that_was_heard_is_asked_first(teaching: Teaching) -> None:
    first = await teaching.heard(("sure.wav", SURE), ("unsure.wav", UNSURE), ("notes.wav", JUNK))
    second = await teaching.heard(("high.wav", encoded(song(HIGH))))
    found = await teaching.candidates()
    assert [(one["file"], one["start"], one["end"]) for one in found] == [
        ("unsure.wav", 0.0, 5.0),
        ("high.wav", 0.0, 5.0),
        ("sure.wav", 0.0, 5.0),
    ]
    asked = found[0]
    assert (asked["analysis"], asked["position"], asked["recording_id"]) == (first, 1, None)
    assert (asked["recording_seconds"], asked["model"]) == (5.0, {"name": "pitches", "version": "1"})
    assert {asked["species"], asked["others"][0]["species"]} == {"Avis ima", "Avis summa"}
    assert asked["uncertainty"] == pytest.approx(1 - abs(2 * asked["confidence"] - 1), abs=1e-4)
    assert [one["file"] for one in await teaching.candidates(analysis=second)] == ["high.wav"]
    assert [one["file"] for one in await teaching.candidates(species="Avis summa", analysis=second)] == ["high.wav"]
    assert await teaching.candidates(species="Amsel") == []
    problem(await teaching.client.get(f"/reviews/candidates?analysis={'0' * 32}"), 404, "not-found")


async def test_candidates_come_page_by_page_and_none_twice(teaching: Teaching) -> None:
    await teaching.heard(*[(f"{number}.wav", SURE) for number in range(5)], ("unsure.wav", UNSURE))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = await teaching.analyses.get("/reviews/candidates", **query)
        seen += [one["file"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen[0] == "unsure.wav"
    assert sorted(seen) == [*(f"{number}.wav" for number in range(5)), "unsure.wav"]
    for wrong in ("x", "MnwxMjM=", "bmFufDE="):
        problem(await teaching.client.get("/reviews/candidates", params={"cursor": wrong}), 422, "invalid-input")


async def test_of_a_long_recording_only_the_most_uncertain_passages_are_asked(teaching: Teaching) -> None:
    await teaching.heard(("long.wav", encoded(song(*[LOW, HIGH] * 30), kind="FLAC")))
    assert len(await teaching.candidates(limit=100)) == 20


async def test_a_candidate_is_confirmed_corrected_called_noise_or_unknown(teaching: Teaching) -> None:
    analysis = await teaching.heard(*[(f"{number}.wav", SURE) for number in range(4)])
    asked = {one["file"]: one for one in await teaching.candidates()}
    said: list[dict[str, Any]] = [
        {"verdict": "confirmed"},
        {"verdict": "corrected", "species": "Kohlmeise"},
        {"verdict": "noise"},
        {"verdict": "unknown"},
    ]
    reviews = []
    for number, one in enumerate(said):
        answer = await teaching.client.post("/reviews", json={"candidate": asked[f"{number}.wav"]["id"], **one})
        assert answer.status_code == 201, answer.text
        reviews.append(answer.json())
        assert answer.headers["location"] == f"/reviews/{reviews[-1]['id']}"
        assert await teaching.analyses.get(answer.headers["location"]) == reviews[-1]
    assert [(one["species"], one["common_name"]) for one in reviews] == [
        ("Avis ima", "Low Bird"),
        ("Parus major", "Great Tit"),
        (None, ""),
        (None, ""),
    ]
    first = reviews[0]
    assert (first["analysis"], first["file"], first["start"], first["end"]) == (analysis, "0.wav", 0.0, 5.0)
    assert first["heard"] == {name: asked["0.wav"][name] for name in ("species", "common_name", "confidence")}
    assert (first["state"], first["recording_id"], first["error"]) == ("queued", None, None)
    assert (first["candidate"], first["model"]) == (asked["0.wav"]["id"], {"name": "pitches", "version": "1"})
    assert await teaching.candidates() == []
    listed = await teaching.analyses.get("/reviews", analysis=analysis)
    assert [one["id"] for one in listed["items"]] == [one["id"] for one in reversed(reviews)]
    assert (await teaching.analyses.get("/reviews", analysis="0" * 32))["items"] == []


async def test_a_stretch_that_was_drawn_is_a_species_or_noise(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", SURE))
    added = await teaching.review("added", analysis=analysis, **REGION, species="great tit")
    assert (added["verdict"], added["species"], added["candidate"], added["heard"]) == (
        "added",
        "Parus major",
        None,
        None,
    )
    noise = await teaching.review("noise", analysis=analysis, position=0, start=4, end=5.05)
    assert (noise["species"], noise["end"]) == (None, 5.0), "it ends with the recording"
    assert len(await teaching.candidates()) == 1, "what was drawn answers no question"


async def test_how_far_it_is_is_counted(teaching: Teaching) -> None:
    analysis = await teaching.heard(*[(f"{number}.wav", SURE) for number in range(5)])
    await teaching.heard(("other.wav", SURE))
    for number in range(2):
        candidate = (await teaching.candidates(analysis=analysis))[0]["id"]
        await teaching.review("corrected", candidate=candidate, species=["Parus major", "Turdus merula"][number])
    await teaching.review("added", analysis=analysis, **REGION, species="Parus major")
    gone = await teaching.review("added", analysis=analysis, **REGION, species="Pica pica")
    assert (await teaching.client.delete(f"/reviews/{gone['id']}")).status_code == 204
    with teaching.sessions.begin() as session:
        session.get_one(Job, session.scalars(select(Review.job_id).limit(1)).one()).state = "dead"
    assert await teaching.analyses.get("/reviews/counts", analysis=analysis) == {
        "waiting": 3,
        "reviewed": 3,
        "verdicts": {"confirmed": 0, "corrected": 2, "noise": 0, "unknown": 0, "added": 1},
        "species": [
            {"species": "Parus major", "common_name": "Great Tit", "count": 2},
            {"species": "Turdus merula", "common_name": "Common Blackbird", "count": 1},
        ],
        "taking": 2,
        "failed": 1,
    }
    assert (await teaching.analyses.get("/reviews/counts"))["waiting"] == 4


async def test_what_was_said_since_a_moment_is_counted(teaching: Teaching) -> None:
    analysis = await teaching.heard(*[(f"{number}.wav", SURE) for number in range(3)])
    before = await teaching.review("noise")
    await teaching.review("corrected", candidate=(await teaching.candidates())[0]["id"], species="Parus major")
    await teaching.review("added", analysis=analysis, **REGION, species="Turdus merula")
    counts = await teaching.analyses.get("/reviews/counts", since=before["created_at"])
    assert (counts["reviewed"], counts["taking"], counts["waiting"]) == (2, 2, 1), "what waits is of no time"
    assert counts["verdicts"] == {"confirmed": 0, "corrected": 1, "noise": 0, "unknown": 0, "added": 1}
    assert {one["species"] for one in counts["species"]} == {"Parus major", "Turdus merula"}
    other_clock = before["created_at"].replace("Z", "-02:00")
    assert (await teaching.analyses.get("/reviews/counts", since=other_clock))["reviewed"] == 0
    for wrong in ("2026-05-02T06:10:00", "0001-01-01T00:00:00+10:00", "yesterday", "0.5"):
        problem(await teaching.client.get("/reviews/counts", params={"since": wrong}), 422, "invalid-input")


async def test_a_candidate_can_be_looked_at_whether_it_is_reviewed_or_not(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", SURE))
    asked = (await teaching.candidates())[0]
    assert await teaching.analyses.get(f"/reviews/candidates/{asked['id']}") == asked
    await teaching.review("confirmed")
    assert await teaching.analyses.get(f"/reviews/candidates/{asked['id']}") == asked
    assert (await teaching.client.delete(f"/analyses/{analysis}")).status_code in {202, 204}
    for missing in (asked["id"], "0", "x", "9" * 19, "\u0661"):
        problem(await teaching.client.get(f"/reviews/candidates/{missing}"), 404, "not-found")


async def test_a_candidate_has_one_review_until_that_is_withdrawn(teaching: Teaching) -> None:
    await teaching.heard(("a.wav", SURE))
    review = await teaching.review("noise")
    refused = problem(await teaching.say("confirmed", candidate=review["candidate"]), 409, "already-reviewed")
    assert "DELETE" in refused["hint"]
    here = f"/reviews/{review['id']}"
    assert (await teaching.client.delete(here)).status_code == 204
    for method in ("GET", "DELETE"):
        problem(await teaching.client.request(method, here), 404, "not-found")
    assert (await teaching.analyses.get("/reviews"))["items"] == []
    again = await teaching.review("confirmed")
    assert again["candidate"] == review["candidate"]


async def test_the_same_key_again_is_one_review(teaching: Teaching) -> None:
    await teaching.heard(("a.wav", SURE))
    said = {"candidate": (await teaching.candidates())[0]["id"], "verdict": "confirmed"}
    first, again = [
        await teaching.client.post("/reviews", json=said, headers={"Idempotency-Key": "a"}) for _ in range(2)
    ]
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    with teaching.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Review)) == 1


REFUSED: list[tuple[dict[str, Any], int]] = [
    ({"candidate": "99999", "verdict": "noise"}, 404),
    ({"candidate": "9" * 19, "verdict": "noise"}, 404),
    ({"candidate": 1, "verdict": "noise"}, 422),
    ({"candidate": "1", "verdict": "corrected"}, 422),
    ({"candidate": "1", "verdict": "confirmed", "species": "Parus major"}, 422),
    ({"candidate": "1", "verdict": "added", "species": "Parus major"}, 422),
    ({"candidate": "1", "verdict": "noise", "start": 1.0}, 422),
    ({"verdict": "noise"}, 422),
    ({"analysis": "0" * 32, **REGION, "verdict": "noise"}, 404),
    ({"position": 9, "start": 1, "end": 2, "verdict": "noise"}, 404),
    ({**REGION, "verdict": "added"}, 422),
    ({**REGION, "verdict": "noise", "species": "Parus major"}, 422),
    ({**REGION, "verdict": "added", "species": " "}, 422),
    ({**REGION, "verdict": "added", "species": "a\0b"}, 422),
    ({**REGION, "verdict": "noise", "licence": "x" * 501}, 422),
    ({"position": 0, "start": 1, "end": 1.05, "verdict": "noise"}, 422),
    ({"position": 0, "start": 2, "end": 1, "verdict": "noise"}, 422),
    ({"position": 0, "start": 0, "end": 60.5, "verdict": "noise"}, 422),
    ({"position": 0, "start": 4, "end": 6, "verdict": "noise"}, 422),
    ({"position": 0, "start": 5, "end": 5.1, "verdict": "noise"}, 422),
    ({"position": 0, "start": -1, "end": 1, "verdict": "noise"}, 422),
    ({"position": 1, "start": 0, "end": 1, "verdict": "noise"}, 409),
]


async def test_what_cannot_be_meant_is_refused_and_changes_nothing(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", SURE), ("notes.wav", JUNK))
    for said, status in REFUSED:
        body = said if "candidate" in said or said == {"verdict": "noise"} else {"analysis": analysis, **said}
        code = {404: "not-found", 409: "conflict", 422: "invalid-input"}[status]
        problem(await teaching.client.post("/reviews", json=body), status, code)
    assert len(await teaching.candidates()) == 1
    assert (await teaching.analyses.get("/reviews/counts"))["reviewed"] == 0


async def test_what_has_not_been_heard_cannot_be_reviewed_yet(teaching: Teaching) -> None:
    analysis = (await teaching.analyses.upload(("a.wav", SURE))).json()["id"]
    problem(await teaching.say("noise", analysis=analysis, **REGION), 409, "not-heard-yet")


async def test_candidates_go_with_their_analysis_and_reviews_stay(teaching: Teaching) -> None:
    analysis = await teaching.heard(("a.wav", SURE), ("b.wav", UNSURE))
    review = await teaching.review("noise")
    left = (await teaching.candidates())[0]["id"]
    assert (await teaching.client.delete(f"/analyses/{analysis}")).status_code == 204
    assert await teaching.candidates() == []
    assert (await teaching.analyses.get("/reviews/counts"))["waiting"] == 0
    problem(await teaching.say("noise", candidate=left), 404, "not-found")
    teaching.analyses.work()
    with teaching.sessions() as session:
        assert session.scalar(select(func.count()).select_from(ReviewCandidate)) == 0
    assert [one["id"] for one in (await teaching.analyses.get("/reviews"))["items"]] == [review["id"]]
    assert (await teaching.client.delete(f"/reviews/{review['id']}")).status_code == 204


async def test_only_who_trains_may_review(open_analyses: Open) -> None:
    key, other = "a-key-that-trains-models", "a-key-that-classifies"
    of = ((name, hashlib.sha256(one.encode()).hexdigest()) for name, one in (("train", key), ("classify", other)))
    async with open_analyses(api_keys=",".join(f"{name}:{name}:{sha256}" for name, sha256 in of)) as opened:
        teaching = Teaching(opened)
        sent = await opened.upload(("a.wav", SURE), headers={"Authorization": f"Bearer {other}"})
        assert sent.status_code == 202, sent.text
        opened.work()
        teaching.client.headers["Authorization"] = f"Bearer {key}"
        assert len(await teaching.candidates()) == 1
        await teaching.review("confirmed")
        teaching.client.headers["Authorization"] = f"Bearer {other}"
        for path in ("/reviews", "/reviews/candidates", "/reviews/candidates/1", "/reviews/counts"):
            problem(await teaching.client.get(path), 403, "forbidden")
        problem(await teaching.say("noise", candidate="1"), 403, "forbidden")


async def test_a_key_is_named_and_names_are_kept(teaching: Teaching, analyses: Analyses) -> None:
    await teaching.heard(("a.wav", SURE))
    review = await teaching.review("confirmed", recordist="Ann Lee", licence="CC BY 4.0")
    with analyses.sessions() as session:
        row = session.get_one(Review, review["id"])
    assert (row.recordist, row.licence, row.reviewed_by) == ("Ann Lee", "CC BY 4.0", "anonymous")
