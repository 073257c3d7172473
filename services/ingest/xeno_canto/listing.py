"""What a search found becomes rows, page by page, so that a job that is taken up again knows where it was."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from services.ingest.xeno_canto import choice
from services.ingest.xeno_canto.choice import Candidate, Choice
from services.ingest.xeno_canto.client import NAME, Client
from services.ingest.xeno_canto.records import Record
from services.ingest.xeno_canto.search import Page, search
from services.ingest.xeno_canto.source import XenoCantoSource
from shared import jobs
from shared.db.tables import IngestionItem, JobEvent, Recording
from shared.worker import JobContext

SEARCHED = "search"
CHOSEN = "summary"
ROWS_AT_ONCE = 500
MOST_PAGES = 20_000
"""Ten million recordings; whoever promises more is not believed."""


def list_all(client: Client, ingestion_id: str, queries: list[str], *, nothing_follows: bool) -> None:
    """Asks for every page that is not there yet; each is written together with the note that it was.

    Args:
        nothing_follows: the search is all of the work; else each recording found is a step of its own after it.
    """
    context = client.context
    last = _last_event(context, SEARCHED) or {"query": 0, "page": 0, "pages": 1, "found": 0}
    first, found = last["query"], last["found"]
    for number in range(first, len(queries)):
        page, pages = (last["page"], last["pages"]) if number == first else (0, 1)
        while page < min(pages, MOST_PAGES):
            page += 1
            client.doing = _doing(queries, number, page, pages)
            done = (number + (page - 1) / pages) / len(queries)
            context.progress(done, 1 if nothing_follows else max(1, found), client.doing)
            answer = search(client, queries[number], page)
            pages = answer.pages if answer.records else page
            found += answer.found if page == 1 else 0
            with context.transaction() as session:
                _add(session, ingestion_id, number, page, answer)
                note = {"query": number, "page": page, "pages": pages, "found": found}
                jobs.note(session, context.claim, SEARCHED, note)


def choose_all(context: JobContext, ingestion_id: str, source: XenoCantoSource) -> dict[str, Any]:
    """Decides on every row, once. Returns the summary."""
    if decided := _last_event(context, CHOSEN):
        return decided
    context.check()
    with context.sessions() as session:
        candidates = list(_candidates(session, ingestion_id))
        known = _known(session, candidates)
        listed = session.scalar(select(func.count()).where(IngestionItem.ingestion_id == ingestion_id)) or 0
    made = choice.choose(candidates, source, known)
    found = (_last_event(context, SEARCHED) or {"found": 0})["found"]
    summed = choice.summary(made, found=found, listed=listed)
    with context.transaction() as session:
        for start in range(0, len(rows := _decisions(made, known)), ROWS_AT_ONCE):
            session.execute(update(IngestionItem), rows[start : start + ROWS_AT_ONCE])
        jobs.note(session, context.claim, CHOSEN, summed)
    return summed


def known_recording(session: Session, number: str) -> str | None:
    """The id of the recording with this catalogue number, whichever way it came in."""
    query = select(Recording.id).where(Recording.xc_id == number, Recording.deleted_at.is_(None))
    return session.scalars(query.order_by(Recording.created_at).limit(1)).one_or_none()


def _add(session: Session, ingestion_id: str, query: int, page: int, answer: Page) -> None:
    """A record that came on an earlier page as well, because the pages moved meanwhile, stays one."""
    rows = {}
    for position, given in enumerate(answer.records):
        record = Record(given if isinstance(given, Mapping) else {})
        path = record.name if record.number else f"search {query + 1}, page {page}, record {position + 1}"
        row = {"ingestion_id": ingestion_id, "path": path, "label": record.species, "outcome": "waiting"}
        if record.number is None:
            row |= {"outcome": "skipped", "error_code": "no-number", "error": "It has no catalogue number."}
        rows[path] = {"error_code": None, "error": None, "details": dict(record.given), **row}
    there = session.scalars(
        select(IngestionItem.path).where(IngestionItem.ingestion_id == ingestion_id, IngestionItem.path.in_(rows))
    )
    for path in there:
        del rows[path]
    if rows:
        session.execute(insert(IngestionItem), list(rows.values()))


def _candidates(session: Session, ingestion_id: str) -> Iterator[Candidate]:
    query = (
        select(IngestionItem.id, IngestionItem.details)
        .where(IngestionItem.ingestion_id == ingestion_id, IngestionItem.outcome == "waiting")
        .order_by(IngestionItem.id)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for row, details in session.execute(query):
        yield Candidate.of(row, Record(details))


def _known(session: Session, candidates: list[Candidate]) -> dict[int, str]:
    """The recordings that are in the library, by catalogue number."""
    found: dict[int, str] = {}
    for start in range(0, len(candidates), ROWS_AT_ONCE):
        numbers = [str(one.number) for one in candidates[start : start + ROWS_AT_ONCE]]
        query = select(Recording.xc_id, Recording.id).where(
            Recording.xc_id.in_(numbers), Recording.deleted_at.is_(None)
        )
        found |= {int(str(number)): recording for number, recording in session.execute(query)}
    return found


def _decisions(made: Choice, known: Mapping[int, str]) -> list[dict[str, Any]]:
    decided: list[dict[str, Any]] = [
        {"id": one.row, "outcome": "known", "recording_id": known[one.number], "error_code": None, "error": None}
        for one in made.known
    ]
    for one, code in made.left_out:
        refused = choice.REFUSED.get(code)
        outcome, reason = ("refused", refused) if refused else ("skipped", choice.LEFT_OUT[code])
        decided.append({"id": one.row, "outcome": outcome, "recording_id": None, "error_code": code, "error": reason})
    return [{**row, "details": None} for row in decided]


def _last_event(context: JobContext, kind: str) -> dict[str, Any] | None:
    query = select(JobEvent.data).where(JobEvent.job_id == context.claim.job_id, JobEvent.kind == kind)
    with context.sessions() as session:
        return session.scalars(query.order_by(JobEvent.id.desc()).limit(1)).one_or_none()


def _doing(queries: list[str], number: int, page: int, pages: int) -> str:
    which = f"search {number + 1} of {len(queries)}, " if len(queries) > 1 else ""
    return f"Searching {NAME}: {which}page {page}" + (f" of {pages}" if pages > 1 else "")
