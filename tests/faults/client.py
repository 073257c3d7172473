"""A client that keeps to its word: it uploads at a steady rate, repeats what was not answered, notes all answers."""

import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import httpx
import soundfile

from tests.faults.history import History
from tests.support.sounds import RATE, SPECIES, chirps

CLIP_SECONDS = 0.6
AT_ONCE = 16
TIMEOUT_SECONDS = 20.0
PATIENCE_SECONDS = 240.0
"""How long one upload is repeated before the client gives it up."""
ASKED_AGAIN = 0.02
"""The share of uploads that are sent once more after their answer, as after a lost one."""


@dataclass(frozen=True)
class Accepted:
    """What the client was told: 202, this job, this recording."""

    key: str
    job_id: str
    recording_id: str


@dataclass
class Client:
    """Uploads clips of a made-up bird, each different in content and with an `Idempotency-Key` of its own."""

    url: str
    seed: int
    history: History
    accepted: list[Accepted] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    """Keys that were answered in two ways."""
    errors: int = 0
    """Answers that never came, and 5xx."""

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 (a schedule)
        self._lock = threading.Lock()
        limits = httpx.Limits(max_connections=AT_ONCE)
        self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS, limits=limits)

    @contextmanager
    def uploading(self, count: int, per_second: float) -> Iterator[threading.Event]:
        """Uploads meanwhile, whether earlier ones were answered or not; the event says that all are done."""
        done = threading.Event()
        stopped = threading.Event()
        thread = threading.Thread(target=self._upload_all, args=(count, per_second, done, stopped))
        thread.start()
        try:
            yield done
        finally:
            stopped.set()
            thread.join()
            self._http.close()

    def _upload_all(self, count: int, per_second: float, done: threading.Event, stopped: threading.Event) -> None:
        begin = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number in range(count):
                if stopped.wait(max(0.0, begin + number / per_second - time.monotonic())):
                    break
                pool.submit(self._upload, number, stopped, self._random.random() < ASKED_AGAIN)
        done.set()

    def _upload(self, number: int, stopped: threading.Event, again: bool) -> None:
        key = f"{self.seed}-{number}"
        clip = _clip(self.seed * 1_000_003 + number)
        told = self._until_answered(key, clip, stopped)
        if told is None:
            with self._lock:
                self.given_up.append(key)
            return
        with self._lock:
            self.accepted.append(told)
        if again and (second := self._until_answered(key, clip, stopped)) not in (None, told):
            self.history.write("contradiction", key=key, first=told.job_id, second=second and second.job_id)
            with self._lock:
                self.contradictions.append(key)

    def _until_answered(self, key: str, clip: bytes, stopped: threading.Event) -> Accepted | None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        pause = 0.1
        while not stopped.is_set() and time.monotonic() < give_up:
            self.history.write("sent", key=key)
            try:
                answer = self._http.post(
                    "/recordings", files={"audio": (f"{key}.wav", clip)}, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError as error:
                self.history.write("no answer", key=key, error=repr(error))
            else:
                if answer.status_code == httpx.codes.ACCEPTED and answer.json()["job"]:
                    body = answer.json()
                    told = Accepted(key, body["job"]["id"], body["recording"]["id"])
                    self.history.write("accepted", key=key, job=told.job_id, recording=told.recording_id)
                    return told
                self.history.write("refused", key=key, status=answer.status_code, body=answer.text[:300])
                if answer.is_client_error:
                    return None
            with self._lock:
                self.errors += 1
            stopped.wait(pause)
            pause = min(2.0, pause * 2)
        return None


def _clip(seed: int) -> bytes:
    """A short WAV file whose content no other seed gives."""
    file = io.BytesIO()
    soundfile.write(file, chirps(SPECIES[seed % 2], CLIP_SECONDS, seed), RATE, subtype="PCM_16", format="WAV")
    return file.getvalue()
