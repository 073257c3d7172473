"""The embedded stack as a victim: its parts are killed, or all of it at once, as by a power cut."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.settings import Settings
from tests.faults.nemesis import Nemesis
from tests.support.stack import Stack


@dataclass
class Embedded:
    """One `chiffchaff serve`, started by a test that breaks it."""

    folder: Path
    stack: Stack

    @property
    def url(self) -> str:
        return self.stack.url

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.stack.data_dir)

    @cached_property
    def sessions(self) -> SyncSessions:
        return sync_sessions(sync_engine(self.settings))

    def ready(self) -> bool:
        return self.stack.is_ready()


class EmbeddedNemesis(Nemesis):
    """Kills one process, or all of them."""

    victim: Embedded
    deeds: ClassVar[Mapping[str, str]] = {"kill -9 of a part": "kill_part", "power cut": "cut_power"}

    def kill_part(self, kind: str) -> None:
        """Of the web server, the relay, a worker, a child of one, or a decoder."""
        pid = self._random.choice(sorted(self.victim.stack.processes()))
        self._note(kind)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def cut_power(self, kind: str) -> None:
        self._note(kind)
        self.victim.stack.kill_everything()
        self._down()
        self.victim.stack.start()


@contextmanager
def running_embedded(folder: Path, *, lease_seconds: float) -> Iterator[Embedded]:
    settings = {
        "CHIFFCHAFF_WORKER_CONCURRENCY": "2",
        "CHIFFCHAFF_LEASE_SECONDS": str(lease_seconds),
        "CHIFFCHAFF_REPUBLISH_SECONDS": str(lease_seconds),
        "CHIFFCHAFF_MIN_FREE_DISK_MB": "0",
    }
    stack = Stack(folder / "data", settings=settings)
    victim = Embedded(folder, stack)
    try:
        stack.start()
        yield victim
    finally:
        victim.sessions.kw["bind"].dispose()
        if stack.process is not None and stack.process.poll() is None:
            stack.interrupt()
