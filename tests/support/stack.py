"""A real embedded stack, run as a user runs it: `chiffchaff serve` on a port of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.support.servers import free_port
from tests.support.waiting import until

START_SECONDS = 90.0


@contextmanager
def running(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator["Stack"]:
    """A stack in a folder of its own, until it is interrupted in the end, unless the test has killed it."""
    stack = Stack(folder / "data", dict(settings or {}))
    stack.start()
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.interrupt()


@dataclass
class Stack:
    """Started and stopped by the test; `url` stays the same over restarts."""

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        outside = {key: value for key, value in os.environ.items() if not key.startswith("CHIFFCHAFF_")}
        own = {"CHIFFCHAFF_DATA_DIR": str(self.data_dir), "CHIFFCHAFF_PORT": str(self.port)}
        return {**outside, **own, **self.settings}

    @property
    def log(self) -> str:
        return (self.data_dir.parent / "serve.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        with (self.data_dir.parent / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).parent / "chiffchaff"), "serve"],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until(self.is_ready, seconds=START_SECONDS, what="/readyz")

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the stack ended:\n{self.log}"
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def interrupt(self, *, seconds: float = 30.0) -> int:
        """Ctrl-C; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(seconds)

    def kill_everything(self) -> None:
        """As a power cut would: every process of the stack at once, none with a chance to say goodbye."""
        assert self.process is not None
        stopped: set[int] = set()
        while born := {self.process.pid, *self.processes()} - stopped:  # one may be born while we look
            for pid in born:
                os.kill(pid, signal.SIGSTOP)
            stopped |= born
        for pid in stopped:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not self.processes(), what="the end of every process")

    def processes(self) -> list[int]:
        """Every living process below the supervisor, by the data directory in its environment."""
        found = []
        for one in psutil.process_iter():
            if self.process is not None and one.pid == self.process.pid:
                continue
            with suppress(psutil.Error):
                dead = one.status() == psutil.STATUS_ZOMBIE
                if not dead and one.environ().get("CHIFFCHAFF_DATA_DIR") == str(self.data_dir):
                    found.append(one.pid)
        return found

    def get(self, path: str, **parameters: Any) -> Any:
        response = httpx.get(f"{self.url}{path}", params=parameters, timeout=30)
        response.raise_for_status()
        return response.json()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"{self.url}{path}", timeout=options.pop("timeout", 60), **options)

    def ingest(self, folder: Path, *, seconds: float = 300.0) -> Any:
        """Ingests a folder and waits for its end."""
        response = self.send("POST", "/ingestions", json={"source": "folder", "path": str(folder)})
        assert response.status_code == httpx.codes.ACCEPTED, response.text
        return self.ended(response.headers["location"], seconds=seconds)

    def ended(self, location: str, *, seconds: float = 300.0) -> Any:
        """What is at a location once its state is final."""

        def look() -> Any:
            seen = self.get(location)
            return None if seen["state"] in ("queued", "running") else seen

        return until(look, seconds=seconds, what=f"the end of {location}")
