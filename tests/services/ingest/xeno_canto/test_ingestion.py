"""What comes in from Xeno-canto and what does not, as a user sees it."""

import json
from datetime import date, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from sqlalchemy import select

from shared import jobs
from shared.db.base import now
from shared.db.tables import Job, Recording, Species
from tests.services.ingest.xeno_canto.conftest import Import
from tests.support.sounds import SPECIES
from tests.support.xeno_canto_server import (
    KEY,
    SEARCH,
    Misbehaviour,
    XenoCanto,
    body,
    hang_up,
    redirect,
    status,
)

RISING, FALLING = SPECIES


async def test_what_the_search_finds_comes_in_with_all_that_is_known_of_it(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    xeno_canto.add(7, **{"annotation-set": [{"start_time": 0.5, "end_time": "1.25", "scientific_name": RISING}]})
    xeno_canto.add(8, FALLING, q="no score", date="2008-00-00", time="?", lat=None, also=None, temp="21 C")
    done = await importing.run(species=[RISING, FALLING])
    assert (done["counts"]["accepted"], done["counts"]["listed"], done["problems"]) == (2, 0, [])
    first, second = importing.recordings()["7"], importing.recordings()["8"]
    assert (first.label, first.secondary, first.quality, first.source) == (RISING, [FALLING], "A", "xeno-canto")
    assert (first.recordist, first.licence) == ("A. Birder", "CC BY-NC-SA 4.0")
    assert first.source_url == "https://xeno-canto.org/7"
    assert (first.country, first.locality, first.latitude) == ("Germany", "Berlin, Tiergarten", 52.51)
    assert (first.recorded_on, first.recorded_time) == (date(2024, 5, 1), "07:17")
    assert first.details == xeno_canto.records[0]
    assert first.annotations == [{"start": 0.5, "end": 1.25, "species": RISING}]
    assert (second.quality, second.recorded_on, second.recorded_time, second.latitude) == (None, None, "", None)
    assert (second.longitude, second.secondary, second.details["temp"]) == (None, [], "21 C")
    with importing.sessions() as session:
        assert session.get_one(Species, RISING).common_name == "Rising Bird"
        prepare = session.scalars(select(Job).where(Job.kind == "preprocess.prepare")).all()
    assert {one.payload["recording_id"] for one in prepare} == {first.id, second.id}


async def test_every_page_is_asked_for_and_a_recording_that_moved_between_two_comes_once(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    for number in range(1, 1_002):
        xeno_canto.add(number, content=b"")
    xeno_canto.records[600] = xeno_canto.records[3]
    done = await importing.run(country="Germany", dry_run=True)
    assert [one.query["page"] for one in xeno_canto.asked(SEARCH)] == ["1", "2", "3"]
    summary = done["job"]["result"]["summary"]
    assert (summary["found"], summary["listed"], summary["chosen"]) == (1_001, 1_000, 1_000)


async def test_a_dry_run_says_how_much_there_is_and_downloads_nothing(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1)
    xeno_canto.add(2, q="B", length="0:30", **{"file-name": "a.mp3"})
    xeno_canto.add(3, FALLING, lic="//creativecommons.org/licenses/by-nc-nd/4.0/")
    xeno_canto.add(4, FALLING, lic="all rights reserved")
    xeno_canto.add(5, FALLING, file="")
    xeno_canto.add(6, gen="Mystery", sp="mystery", en="Identity unknown")
    done = await importing.run(country="Germany", dry_run=True)
    assert (done["state"], done["fraction"]) == ("succeeded", 1.0)
    summary = done["job"]["result"]["summary"]
    assert (summary["found"], summary["chosen"], summary["hours"]) == (6, 2, round(120 / 3600, 3))
    assert summary["estimated_bytes"] == 90 * 48_000 * 4 + 30 * 24_000
    assert summary["species"] == {RISING: {"common_name": "Rising Bird", "recordings": 2, "hours": 0.033}}
    assert (summary["quality"], summary["licences"]) == ({"A": 1, "B": 1}, {"CC BY-NC-SA 4.0": 2})
    left_out = {one["code"]: one["recordings"] for one in summary["left_out"]}
    assert left_out == {"no-species": 1, "no-derivatives": 1, "unknown-licence": 1, "no-file": 1}
    assert importing.recordings() == {}
    assert {one.path for one in xeno_canto.seen} == {SEARCH}


async def test_the_best_come_first_and_what_is_known_counts_and_is_not_downloaded_again(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    for number, (quality, length) in enumerate([("C", "9:00"), ("A", "0:10"), ("", "5:00"), ("A", "1:10")], start=1):
        xeno_canto.add(number, q=quality, length=length)
    await importing.run(species=[RISING], max_per_species=2)
    assert set(importing.recordings()) == {"2", "4"}
    asked = len(xeno_canto.seen)
    again = await importing.run(species=[RISING], max_per_species=3)
    assert set(importing.recordings()) == {"2", "3", "4"}
    assert (again["counts"]["known"], again["counts"]["accepted"], again["counts"]["skipped"]) == (2, 1, 1)
    assert [one.path for one in xeno_canto.seen[asked:]] == [SEARCH, "/3/download", "/sounds/uploaded/XC3.wav"]


async def test_the_same_sound_under_another_number_is_one_recording(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1)
    xeno_canto.add(2, FALLING, content=xeno_canto.files["1"])
    done = await importing.run(country="Germany")
    assert (done["counts"]["accepted"], done["counts"]["known"]) == (1, 1)
    assert [one["code"] for one in done["problems"]] == ["known-by-other-label"]


async def test_a_recording_that_was_taken_out_may_come_again(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1)
    await importing.run(species=[RISING])
    with importing.sessions.begin() as session:
        session.scalars(select(Recording)).one().deleted_at = now()
    await importing.run(species=[RISING])
    assert len(xeno_canto.asked("/1/download")) == 2


async def test_without_a_key_nothing_is_accepted(importing: Import) -> None:
    response = await importing.post({"source": "xeno-canto", "species": [RISING]}, xeno_canto_key="")
    assert response.status_code == 422
    assert "CHIFFCHAFF_XENO_CANTO_KEY" in response.json()["hint"]


async def test_a_key_that_is_refused_ends_the_job_at_once_and_stands_nowhere(
    importing: Import, xeno_canto: XenoCanto, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = "a-wrong-key-which-is-secret"
    xeno_canto.troubles[SEARCH].append(
        lambda handler: handler.reply_json(401, {"error": "client_error", "message": f"Invalid 'key' {wrong}."})
    )
    started = await importing.start(species=[RISING])
    importing.work(xeno_canto_key=type(importing.settings.xeno_canto_key)(wrong), log_level="DEBUG")
    done = await importing.look(started)
    assert (done["state"], done["job"]["error"]["code"]) == ("failed", "xeno-canto-key-refused")
    assert "401: Invalid 'key' ***." in done["job"]["error"]["detail"]
    assert len(xeno_canto.seen) == 1
    assert wrong not in str(done) + "".join(capfd.readouterr())


async def test_the_key_goes_into_searches_only(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1)
    await importing.run(species=[RISING])
    assert [KEY in str(one) for one in xeno_canto.seen] == [True, False, False]


async def test_a_search_that_leads_to_another_host_does_not_get_the_key(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    with XenoCanto().running() as other:
        xeno_canto.troubles[SEARCH].append(redirect(f"{other.search_url}?query=q:A&key={KEY}"))
        done = await importing.run(species=[RISING])
        assert other.seen == []
    assert (done["state"], done["job"]["error"]["code"]) == ("failed", "address-refused")
    assert "must not get the key" in done["job"]["error"]["detail"]
    assert KEY not in str(done)


async def test_a_search_that_is_refused_says_why(importing: Import, xeno_canto: XenoCanto) -> None:
    answer = {"error": "client_error", "message": "Unknown tag 'colour'."}
    xeno_canto.troubles[SEARCH].append(lambda handler: handler.reply_json(400, answer))
    done = await importing.run(query="colour:red")
    assert done["state"] == "failed"
    assert "400: Unknown tag 'colour'." in done["job"]["error"]["detail"]


async def test_a_search_that_finds_nothing_or_nothing_fit_says_so(importing: Import, xeno_canto: XenoCanto) -> None:
    assert "no recording" in (await importing.run(species=[RISING]))["job"]["error"]["detail"]
    xeno_canto.add(1, lic="//creativecommons.org/licenses/by-nd/4.0/")
    refused = await importing.run(species=[RISING])
    assert "None of the 1 recordings found" in refused["job"]["error"]["detail"]
    assert (await importing.run(species=[RISING], no_derivatives="include"))["counts"]["accepted"] == 1


@pytest.mark.parametrize(
    "troubles",
    [
        [status(503), status(429, Retry_After="0"), hang_up, status(408)],
        [body(b"<html>maintenance"), body(b"[" * 100_000), body(b"{}"), body(b"7")],
    ],
)
async def test_a_search_goes_on_after_trouble_that_passes(
    importing: Import, xeno_canto: XenoCanto, troubles: list[Misbehaviour]
) -> None:
    xeno_canto.add(1)
    xeno_canto.troubles[SEARCH].extend(troubles)
    assert (await importing.run(species=[RISING]))["counts"]["accepted"] == 1
    assert len(xeno_canto.asked(SEARCH)) == 5


async def test_trouble_without_end_gives_the_job_back_and_it_goes_on_at_the_page_where_it_was(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    for number in range(1, 602):
        xeno_canto.add(number, content=b"")
    started = await importing.start(species=[RISING], dry_run=True)
    first = body(b'{"numPages": 2, "numRecordings": "601", "recordings": [{"id": "1"}]}')
    xeno_canto.troubles[SEARCH].extend([first, *[status(502)] * 5])
    importing.work()
    waiting = await importing.look(started)
    assert (waiting["state"], waiting["job"]["error"]["code"]) == ("queued", "xeno-canto-unavailable")
    assert (waiting["job"]["attempts"], waiting["counts"]["listed"]) == (1, 1)
    importing.work()
    assert (await importing.look(started))["state"] == "succeeded"
    assert [one.query["page"] for one in xeno_canto.asked(SEARCH)] == ["1", *["2"] * 5, "2"]


async def test_a_search_for_several_species_goes_on_with_the_one_where_it_was(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    xeno_canto.add(1)
    xeno_canto.add(2, FALLING)
    pages = [
        {"numPages": 1, "numRecordings": "1", "recordings": xeno_canto.records[:1]},
        {"numPages": 2, "numRecordings": "2", "recordings": xeno_canto.records[1:]},
    ]
    answers = [body(json.dumps(page).encode()) for page in pages]
    xeno_canto.troubles[SEARCH].extend([*answers, *[status(502)] * 5])
    started = await importing.start(species=[RISING, FALLING])
    importing.work()
    importing.work()
    assert (await importing.look(started))["counts"]["accepted"] == 2
    asked = [(one.query["query"], one.query["page"]) for one in xeno_canto.asked(SEARCH)]
    rising, falling = f'sp:"{RISING.lower()}"', f'sp:"{FALLING.lower()}"'
    assert asked == [(rising, "1"), (falling, "1"), *[(falling, "2")] * 6]


async def test_who_asks_to_be_left_alone_for_long_is_and_nobody_else_asks_meanwhile(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    xeno_canto.troubles[SEARCH].append(status(429, Retry_After="900"))
    waiting = await importing.run(species=[RISING])
    assert (waiting["state"], waiting["job"]["attempts"]) == ("queued", 0)
    assert "answered 429" in waiting["job"]["progress"]["message"]
    with importing.sessions() as session:
        job = session.scalars(select(Job)).one()
        assert 800 < (job.not_before - job.updated_at).total_seconds() <= 900


async def test_a_date_to_come_back_at_is_followed(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.troubles[SEARCH].append(
        status(503, Retry_After=format_datetime(now() + timedelta(minutes=10), usegmt=True))
    )
    waiting = await importing.run(species=[RISING])
    assert waiting["state"] == "queued"
    with importing.sessions() as session:
        job = session.scalars(select(Job)).one()
        assert 590 < (job.not_before - job.updated_at).total_seconds() <= 600


async def test_requests_keep_their_distance(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1)
    started = await importing.start(species=[RISING])
    importing.work(xeno_canto_interval_seconds=0.2)
    assert (await importing.look(started))["counts"]["accepted"] == 1
    times = [one.at for one in xeno_canto.seen]
    assert len(times) == 3
    assert all(later - earlier > 0.15 for earlier, later in pairwise(times))


async def test_another_import_that_waits_gets_the_worker_in_between(
    importing: Import, xeno_canto: XenoCanto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.ingest.xeno_canto.run.TURN", timedelta(0))
    xeno_canto.add(1)
    xeno_canto.add(2, FALLING)
    first, second = await importing.start(species=[RISING]), await importing.start(species=[FALLING])
    importing.work()
    assert "another import" in (await importing.look(first))["job"]["progress"]["message"]
    other = (await importing.look(second))["job"]["id"]
    with importing.sessions.begin() as session:
        jobs.cancel(session, other)
    importing.work()
    assert (await importing.look(first))["counts"]["accepted"] == 1


async def test_waiting_for_a_turn_ends_at_once_when_the_job_is_cancelled(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    xeno_canto.add(1)
    cancel: list[str] = []

    def slow_down(handler: object) -> None:
        with importing.sessions.begin() as session:
            jobs.cancel(session, cancel[0])
        status(503, Retry_After="100")(handler)  # type: ignore[arg-type]

    started = await importing.start(species=[RISING])
    cancel.append((await importing.look(started))["job"]["id"])
    xeno_canto.troubles["/1/download"].append(slow_down)
    importing.work(lease_seconds=1.0)
    assert (await importing.look(started))["state"] == "cancelled"


ODD = [
    None, "text", 7, [], {}, {"id": None}, {"id": "x"},
    {"id": 21, "gen": 5, "sp": None, "q": [], "lic": {}, "length": "x", "also": "?", "file": 3, "smp": "no"},
    {"id": "22", "gen": "Avis", "sp": "ascendens", "lic": "//creativecommons.org/licenses/by/4.0/", "file": {"u": 1}},
]  # fmt: skip


async def test_odd_records_stop_nothing(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.records += ODD
    xeno_canto.add(1, rmk="nul \x00 and half \ud800", alt=float("nan"), also=[None, 3, "Parus major", {"a": 1}])
    xeno_canto.add(2, file={"href": f"{xeno_canto.origin}/2/download"}, **{"file-name": "../../etc/pass\x00wd.WAV"})
    xeno_canto.add(3, file=f"//127.0.0.1:{xeno_canto.port}/3/download", id=3, length=90, lat=52.5, smp=48_000)
    xeno_canto.add(4, **{"annotation-set": [{"annotations": [{"start_time": "a"}, 3]}, None, {"start": 2, "end": 1}]})
    done = await importing.run(query="grp:birds")
    assert done["counts"]["accepted"] == 4
    first, second = importing.recordings()["1"], importing.recordings()["2"]
    assert (first.secondary, first.details["rmk"]) == (["Parus major"], "nul \ufffd and half \ufffd")
    assert second.original_name == "pass\ufffdwd.WAV"
    assert importing.items()["search 1, page 1, record 1"].outcome == "skipped"
