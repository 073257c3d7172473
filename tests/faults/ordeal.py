"""A whole run: a client that uploads, a nemesis that breaks things meanwhile, and the verdict when all is calm."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from shared.db.engine import SyncSessions
from shared.storage import storage_from
from tests.faults.checker import Verdict, judge, unfinished
from tests.faults.client import Client
from tests.faults.history import History
from tests.faults.nemesis import Nemesis

Report = Callable[[str], None]


@dataclass(frozen=True)
class Ordeal:
    """How much work, how fast, how often something breaks; and how long the calm lasts in which nothing more ends."""

    jobs: int
    per_second: float
    between_faults: tuple[float, float]
    settle_seconds: float


def undergo(nemesis: Nemesis, ordeal: Ordeal, report: Report = lambda _: None) -> Verdict:
    """Uploads and breaks until all is uploaded, waits for the end of the work, and judges."""
    victim = nemesis.victim
    with History(victim.folder / "history.jsonl") as history:
        client = Client(victim.url, nemesis.seed, history)
        with client.uploading(ordeal.jobs, ordeal.per_second) as done:

            def calm(seconds: float) -> bool:
                report(f"{len(client.accepted):,} of {ordeal.jobs:,} accepted, {len(nemesis.faults)} faults")
                return done.wait(seconds)

            nemesis.rage(history, ordeal.between_faults, calm)
            done.wait()
        history.write("all uploaded", accepted=len(client.accepted), errors=client.errors)
        _settle(victim.sessions, client, ordeal.settle_seconds, report)
    with victim.sessions() as session:
        return judge(
            session,
            storage_from(victim.settings),
            client.accepted,
            nemesis.faults,
            contradictions=len(client.contradictions),
            given_up=len(client.given_up),
        )


def _settle(sessions: SyncSessions, client: Client, seconds: float, report: Report) -> None:
    """Waits until every accepted job has ended, or none has for `seconds`."""
    fewest, calm_since = len(client.accepted) + 1, time.monotonic()
    while fewest and time.monotonic() < calm_since + seconds:
        try:
            with sessions() as session:
                left = unfinished(session, client.accepted)
        except DBAPIError:  # the connection is older than the last restart
            continue
        if left < fewest:
            fewest, calm_since = left, time.monotonic()
        report(f"{left:,} jobs under way")
        time.sleep(0.25)
