"""How parts are heard: shared, resumed, given up where nothing helps; and results read back, however many."""

import os
import random
import tracemalloc
from typing import Any, BinaryIO

import pytest
from sqlalchemy import insert, select, update

from services.inference.analyses import listing, parts
from services.inference.analyses.keeping import kept, results
from services.inference.analyses.streaming import BLOCK_BYTES, Streams
from services.inference.results.formats import FORMATS
from services.inference.results.model import About, RecordingResult
from services.inference.schemas import Detection
from shared.db.base import now
from shared.db.tables import Analysis, AnalysisRecording, Job
from shared.errors import NotFound, Overloaded
from shared.worker import Interrupted
from tests.services.inference.analyses.conftest import Analyses
from tests.services.inference.conftest import LOW, encoded, song

SONG = encoded(song(LOW))


def hear_jobs(analyses: Analyses) -> list[Job]:
    with analyses.sessions() as session:
        return list(session.scalars(select(Job).where(Job.kind == parts.HEAR).order_by(Job.created_at, Job.id)))


async def test_short_recordings_share_a_job_and_a_long_one_has_its_own(
    analyses: Analyses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PART_RECORDINGS", 3)
    monkeypatch.setattr(listing, "PART_BYTES", 3 * len(SONG))
    long = encoded(song(LOW, seconds=20.0))
    files = [(f"{n}.wav", SONG) for n in range(5)] + [("long.wav", long), ("last.wav", SONG)]
    done = await analyses.heard(await analyses.upload(*files))
    heard = [(job.payload["first"], job.payload["last"]) for job in hear_jobs(analyses)]
    assert sorted(heard) == [(0, 2), (3, 4), (5, 5), (6, 6)]
    assert done["counts"]["species"] == 7


async def test_a_part_that_is_interrupted_goes_on_after_what_it_has_heard(
    analyses: Analyses, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = (await analyses.upload(*[(f"{n}.wav", SONG) for n in range(4)])).headers["location"]
    analyses.work(1)
    heard: list[str] = []
    result = parts._Part.result

    def counted(self: Any, row: AnalysisRecording) -> Any:
        heard.append(row.file)
        if len(heard) == 3:
            raise Interrupted
        return result(self, row)

    monkeypatch.setattr(parts._Part, "result", counted)
    analyses.work()
    assert heard == ["0.wav", "1.wav", "2.wav", "2.wav", "3.wav"]
    done = await analyses.get(here)
    assert (done["state"], done["counts"]["species"]) == ("succeeded", 4)
    assert [job.attempts for job in hear_jobs(analyses)] == [1]


async def test_a_listing_that_breaks_off_begins_anew_and_lists_nothing_twice(
    analyses: Analyses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "ROWS_AT_ONCE", 2)
    folder = analyses.settings.library_dir or analyses.settings.data_dir
    for number in range(5):
        (folder / f"{number}.wav").write_bytes(SONG)
    hand_out = listing._hand_out

    def broken(*arguments: Any) -> int:
        monkeypatch.setattr(listing, "_hand_out", hand_out)
        raise Interrupted

    monkeypatch.setattr(listing, "_hand_out", broken)
    done = await analyses.heard(await analyses.order(source="folder", path="."))
    assert (done["state"], done["counts"]["recordings"], done["counts"]["species"]) == ("succeeded", 5, 5)


async def test_a_recording_that_breaks_the_worker_each_time_is_given_up_and_the_rest_is_heard(
    analyses: Analyses, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = (await analyses.upload(*[(f"{n}.wav", SONG) for n in range(3)])).headers["location"]
    analyses.work(1)
    result, tries = parts._Part.result, []

    def breaking(self: Any, row: AnalysisRecording) -> Any:
        if row.file == "1.wav":
            tries.append(row.file)
            raise MemoryError
        return result(self, row)

    monkeypatch.setattr(parts._Part, "result", breaking)
    for _ in range(10):
        analyses.work()
        with analyses.sessions.begin() as session:
            session.execute(update(Job).values(not_before=now()))
        if (await analyses.get(here))["state"] != "running":
            break
    done = await analyses.get(here)
    assert (done["state"], done["counts"]["species"], done["counts"]["failed"]) == ("succeeded", 2, 1)
    assert len(tries) == analyses.settings.max_attempts - 1
    assert (await analyses.get(f"{here}/recordings/1"))["code"] == "hearing-crashed"


async def test_who_lost_the_job_writes_no_result(analyses: Analyses, monkeypatch: pytest.MonkeyPatch) -> None:
    here = (await analyses.upload(("a.wav", SONG))).headers["location"]
    analyses.work(1)
    result = parts._Part.result

    def late(self: Any, row: AnalysisRecording) -> Any:
        with analyses.sessions.begin() as session:
            session.execute(update(Job).where(Job.kind == parts.HEAR).values(fence=Job.fence + 1))
        return result(self, row)

    monkeypatch.setattr(parts._Part, "result", late)
    analyses.work(1)
    assert (await analyses.get(here))["counts"]["waiting"] == 1


def many(analyses: Analyses, analysis_id: str, recordings: int) -> None:
    """Results with a thousand detections each, as if they had been heard."""
    chance = random.Random(0)  # noqa: S311 (figures, no secret)
    row = {"analysis_id": analysis_id, "file": "a.wav", "size": 1, "storage_key": None}
    with analyses.sessions.begin() as session:
        session.execute(update(Job).where(Job.queue == "inference").values(state="succeeded"))
        for position in range(1, recordings):
            detections = tuple(
                Detection(start=n, end=n + 5, species="Avis ima", common_name="Low", confidence=chance.random())
                for n in range(1_000)
            )
            result = RecordingResult(
                file="a.wav", seconds=2_000, sample_rate=48_000, channels=1, outcome="species", detections=detections
            )
            session.execute(insert(AnalysisRecording), [{**row, "position": position, **kept(result)}])


async def test_reading_results_takes_no_more_memory_for_more_recordings(analyses: Analyses) -> None:
    def peak(recordings: int, answer: Any) -> float:
        analysis_id = answer.json()["id"]
        many(analyses, analysis_id, recordings)
        with analyses.sessions() as session:
            about = About.model_validate(session.get_one(Analysis, analysis_id).about)
        with open(os.devnull, "wb") as nowhere:
            tracemalloc.start()
            try:
                found = (result for _, result in results(analyses.settings, analysis_id))
                FORMATS["csv"].write(found, about, nowhere)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    few, plenty = [peak(count, await analyses.upload(("a.wav", SONG))) for count in (20, 80)]
    assert plenty < 1.3 * few


async def test_what_is_sent_waits_for_who_reads_and_ends_when_nobody_does() -> None:
    written = []

    def endless(file: BinaryIO) -> None:
        while True:
            written.append(file.write(bytes(BLOCK_BYTES)))

    sent = Streams().sent(endless)
    assert await anext(sent)
    before = len(written)
    await sent.aclose()
    assert before < 20


async def test_a_file_that_cannot_be_written_to_its_end_is_not_taken_for_whole() -> None:
    def broken(file: BinaryIO) -> None:
        file.write(b"so far")
        raise NotFound("The analysis was removed.")

    sent = Streams().sent(broken)
    assert await anext(sent) == b"so far"
    with pytest.raises(NotFound):
        await anext(sent)


async def test_no_more_files_are_sent_at_once_than_there_are_places() -> None:
    def one_byte(file: BinaryIO) -> None:
        file.write(b"a")

    streams = Streams(1)
    sent = streams.sent(one_byte)
    streams.refuse_when_full()
    await anext(sent)
    with pytest.raises(Overloaded):
        streams.refuse_when_full()
    await sent.aclose()
    streams.refuse_when_full()
