"""Jobs: what runs, how far it is, what failed and why."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from chiffchaff_client.answers import Answer
from chiffchaff_client.events import Event, follow
from chiffchaff_client.transport import Transport, at
from chiffchaff_client.work import Show, Work, wait_for


class Progress(Answer):
    """How far a job is; `fraction` (0..1) and `seconds_left` are None where nobody can know."""

    done: float
    total: float | None
    message: str
    fraction: float | None
    seconds_left: float | None


class Failure(Answer):
    """Why a job failed."""

    code: str
    detail: str


class Job(Work):
    """One piece of work; `result` is what it found, of a form that depends on its `kind`."""

    kind: str
    progress: Progress
    attempts: int
    max_attempts: int
    cancel_requested: bool
    error: Failure | None
    result: dict[str, Any] | None
    parent_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def reason(self) -> str:
        return self.error.detail if self.error else ""


class JobCount(Answer):
    """How many jobs of a kind are in a state."""

    kind: str
    state: str
    jobs: int


class Retried(Answer):
    queued: int


class Jobs:
    """`chiffchaff.jobs`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        state: str | None = None,
        kind: str | None = None,
        parent_id: str | None = None,
        top_level: bool = False,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """The newest first, at most `limit`; all if left out. `top_level` leaves out those that other jobs started."""
        asked = {"state": state, "kind": kind, "parent_id": parent_id, "top_level": top_level}
        return self._transport.pages("/jobs", Job, limit, **asked)

    def counts(self, *, parent_id: str | None = None) -> Sequence[JobCount]:
        """How many there are of each kind and state, in all or of those that one job started."""
        return self._transport.get("/jobs/counts", list[JobCount], parent_id=parent_id)

    def get(self, job_id: str) -> Job:
        return self._transport.get(at("jobs", job_id), Job)

    def wait(self, job_id: str, progress: Show[Job] | None = None, *, seconds: float | None = None) -> Job:
        """The job once it has ended, however it ended: `raise_for_state()` of it raises where it failed.

        Args:
            progress: called with the job whenever it was looked at.
            seconds: raises StillRunning after so many; None waits as long as it takes.
        """
        return wait_for(lambda: self.get(job_id), progress, seconds, self._transport.patience)

    def events(self, job_id: str) -> Iterator[Event]:
        """What happens to the job until it has ended; a lost connection is made anew."""
        return follow(self._transport, at("jobs", job_id, "events"))

    def cancel(self, job_id: str) -> Job:
        """And all below it."""
        return self._transport.delete(at("jobs", job_id), Job)

    def retry(self, job_id: str) -> Job:
        """Queues a failed, dead or cancelled job once more."""
        return self._transport.post(at("jobs", job_id, "retry"), Job)

    def retry_all(self, state: str = "dead", *, kind: str | None = None) -> int:
        """How many of that state, and of that kind where one is named, are queued once more."""
        return self._transport.post("/jobs/retry", Retried, {"state": state, "kind": kind}).queued
