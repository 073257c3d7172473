"""What the client was told against what the tables hold, when all has come to rest."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared.db.tables import FINAL_STATES, Job, JobEvent, Recording, Section, Slice
from shared.storage import Storage
from tests.faults.client import Accepted
from tests.faults.nemesis import Fault


@dataclass
class Course:
    """A job's life: when it entered each state, and who ran it."""

    changes: list[tuple[datetime, str, str]] = field(default_factory=list)
    """(moment, state, worker), in order."""

    @property
    def ends(self) -> list[datetime]:
        return [at for at, state, _ in self.changes if state in FINAL_STATES]

    @property
    def executions(self) -> int:
        return sum(state == "running" for _, state, _ in self.changes)

    def touched_by(self, fault: Fault) -> bool:
        """Whether it ran on one of the fault's workers then; where it was everybody's, whether it was under way."""
        past = [(state, worker) for at, state, worker in self.changes if at <= fault.at]
        if not past or past[-1][0] in FINAL_STATES:
            return False
        state, worker = past[-1]
        return fault.workers is None or (state == "running" and worker in fault.workers)


@dataclass(frozen=True)
class Recovery:
    """One kind of fault: how often, how many jobs were in its way, and how long until each of them had ended."""

    times: int
    jobs: int
    lost: int
    duplicates: int
    p50: float | None
    p99: float | None
    longest: float | None
    """Seconds from the fault to the job's end; None where it touched no job."""


@dataclass(frozen=True)
class Verdict:
    """The counts of a run. `lost`, `duplicates` and `contradictions` are to be 0."""

    accepted: int
    lost: int
    """Accepted, and without an end, without what its success promises, or ended in another way."""
    duplicates: int
    """Results that are there twice: ends, recordings, rows of sections and slices more than the job wrote."""
    contradictions: int
    given_up: int
    run_again: int
    """Executions beyond the first. They are allowed: only one of them could write."""
    faults: dict[str, Recovery]
    all_faults: Recovery


def unfinished(session: Session, accepted: Iterable[Accepted]) -> int:
    ended = set(session.scalars(select(Job.id).where(Job.state.in_(FINAL_STATES))))
    return sum(one.job_id not in ended for one in accepted)


def judge(
    session: Session,
    storage: Storage,
    accepted: Sequence[Accepted],
    faults: Sequence[Fault],
    *,
    contradictions: int,
    given_up: int,
) -> Verdict:
    """Compares every 202 with the tables and the storage."""
    courses = _courses(session)
    lost, doubled = _lost(session, storage, accepted), _doubled(session, courses, accepted)
    wanted = {one.job_id for one in accepted}
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults:
        by_kind[fault.kind].append(fault)
    known = {job_id: course for job_id, course in courses.items() if job_id in wanted}
    return Verdict(
        accepted=len(accepted),
        lost=len(lost),
        duplicates=len(doubled),
        contradictions=contradictions,
        given_up=given_up,
        run_again=sum(max(0, course.executions - 1) for course in known.values()),
        faults={kind: _recovery(some, known, lost, doubled) for kind, some in sorted(by_kind.items())},
        all_faults=_recovery(faults, known, lost, doubled),
    )


def _courses(session: Session) -> dict[str, Course]:
    courses: dict[str, Course] = defaultdict(Course)
    events = select(JobEvent.job_id, JobEvent.at, JobEvent.kind, JobEvent.data).order_by(JobEvent.id)
    for job_id, at, kind, data in session.execute(events):
        courses[job_id].changes.append((at, kind, data.get("worker", "")))
    return courses


def _lost(session: Session, storage: Storage, accepted: Sequence[Accepted]) -> set[str]:
    """The jobs whose promise is not kept: a success, with the rows and the file that it speaks of."""
    results: dict[str, Any] = {}
    for job_id, state, result in session.execute(select(Job.id, Job.state, Job.result)):
        results[job_id] = result if state == "succeeded" else None
    sections, slices = _rows_of(session, Section), _rows_of(session, Slice)
    prepared = {row[0]: (row[1], row[2]) for row in session.execute(_PREPARED)}
    nothing = None, 0
    lost = set()
    for one in accepted:
        result = results.get(one.job_id)
        key, samples = prepared.get(one.recording_id, nothing)
        kept = (
            result is not None
            and sections[one.recording_id] >= result["sections"]
            and slices[one.recording_id] >= result["slices"]
            and key is not None
            and storage.exists(key)
            and storage.path(key).stat().st_size >= 2 * samples
        )
        if not kept:
            lost.add(one.job_id)
    return lost


_PREPARED = select(Recording.id, Recording.prepared_key, func.coalesce(Recording.prepared_samples, 0))


def _doubled(session: Session, courses: dict[str, Course], accepted: Sequence[Accepted]) -> set[str]:
    """The jobs of which something is there more than once."""
    succeeded = select(Job.id, Job.result).where(Job.state == "succeeded")
    results: dict[str, Any] = {row[0]: row[1] for row in session.execute(succeeded)}
    sections, slices = _rows_of(session, Section), _rows_of(session, Slice)
    recordings = Counter(one.recording_id for one in accepted)
    doubled = set()
    for one in accepted:
        result = results.get(one.job_id)
        more = result is not None and (
            sections[one.recording_id] > result["sections"] or slices[one.recording_id] > result["slices"]
        )
        if more or len(courses[one.job_id].ends) > 1 or recordings[one.recording_id] > 1:
            doubled.add(one.job_id)
    return doubled


def _rows_of(session: Session, table: type[Section | Slice]) -> Counter[str]:
    query = select(table.recording_id, func.count()).group_by(table.recording_id)
    return Counter({row[0]: row[1] for row in session.execute(query)})


def _recovery(
    faults: Sequence[Fault], courses: dict[str, Course], lost: Collection[str], doubled: Collection[str]
) -> Recovery:
    touched: set[str] = set()
    seconds = []
    for fault in faults:
        for job_id, course in courses.items():
            if course.touched_by(fault):
                touched.add(job_id)
                if course.ends:
                    seconds.append((course.ends[-1] - fault.at).total_seconds())
    seconds.sort()
    return Recovery(
        times=len(faults),
        jobs=len(touched),
        lost=len(touched & set(lost)),
        duplicates=len(touched & set(doubled)),
        p50=_quantile(seconds, 0.5),
        p99=_quantile(seconds, 0.99),
        longest=_quantile(seconds, 1.0),
    )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of them does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
