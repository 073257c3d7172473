"""Analyses to review, and the workers that take reviews in, over a database of each kind."""

import io
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from services.ingest.tasks import WORKER as INGEST
from services.preprocess.tasks import WORKER as PREPROCESS
from shared.db.tables import Job, Recording, Species
from shared.storage import storage_from
from tests.services.inference.analyses.conftest import Analyses, analyses, library, open_analyses
from tests.services.inference.conftest import HIGH, LOW, encoded, song
from tests.support.library import add_recording

__all__ = ["analyses", "library", "open_analyses"]

UNSURE = encoded((song(LOW) + song(HIGH)) / 2)
"""Five seconds in which the low bird is as loud as the high one."""
SURE = encoded(song(LOW))
WORKERS = {one.queue: one for one in (INGEST, PREPROCESS)}


class Teaching:
    """What a test reviews, and what becomes of it in the library when it says so."""

    def __init__(self, analyses: Analyses) -> None:
        self.analyses = analyses
        self.client = analyses.client
        self.sessions = analyses.sessions

    async def heard(self, *files: tuple[str, bytes], **query: Any) -> str:
        """The id of an analysis of these, heard."""
        done = await self.analyses.heard(await self.analyses.upload(*files, **query))
        return str(done["id"])

    async def candidates(self, **query: Any) -> list[Any]:
        return list((await self.analyses.get("/reviews/candidates", **query))["items"])

    async def say(self, verdict: str, **said: Any) -> httpx.Response:
        return await self.client.post("/reviews", json={"verdict": verdict, **said})

    async def review(self, verdict: str, **said: Any) -> Any:
        """A review that was accepted; of the first candidate, unless something else is named."""
        if "analysis" not in said and "candidate" not in said:
            said["candidate"] = (await self.candidates())[0]["id"]
        answer = await self.say(verdict, **said)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def taken(self, review: Any) -> Any:
        """The same review once the workers have nothing left to do."""
        self.take_in()
        return await self.analyses.get(f"/reviews/{review['id']}")

    def take_in(self) -> None:
        self.work("ingest")
        self.work("preprocess")

    def work(self, queue: str) -> None:
        """All jobs of a queue."""
        while self.waiting(queue):
            self.analyses.runtime.answer(WORKERS[queue])

    def waiting(self, queue: str) -> int:
        with self.sessions() as session:
            return session.scalar(select(func.count()).where(Job.queue == queue, Job.state == "queued")) or 0

    def call(self, recording_id: str, species: str) -> None:
        """As a person does who corrects it."""
        with self.sessions.begin() as session:
            session.merge(Species(scientific_name=species))
            session.flush()
            session.get_one(Recording, recording_id).label = species

    def recording(self, recording_id: str) -> Recording:
        """With its sections and slices."""
        with self.sessions() as session:
            row = session.get_one(Recording, recording_id)
            assert row.sections is not None
            assert row.slices is not None
            return row

    def recordings(self) -> list[str]:
        """Those that are not deleted."""
        with self.sessions() as session:
            return list(session.scalars(select(Recording.id).where(Recording.deleted_at.is_(None))))

    def into_the_library(self, content: bytes, label: str | None = None, **values: Any) -> str:
        stored = storage_from(self.analyses.settings).add_content("originals", io.BytesIO(content), ".wav")
        known = {"sha256": stored.sha256, "original_key": stored.key, "size": stored.size, "prepared_at": None}
        return add_recording(self.sessions, label, **{**known, **values})


@pytest.fixture
def teaching(analyses: Analyses) -> Teaching:
    return Teaching(analyses)
