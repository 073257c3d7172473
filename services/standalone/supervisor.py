"""`make run`: the whole of Chiffchaff on one machine, one process tree, one port, no server to install.

The supervisor prepares the data directory, starts the children, starts one anew when it dies, and ends them all when it
is told to. It holds a lock on the data directory: while it runs, no other worker exists, so what it finds `running` at
its start was interrupted and is queued again.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from shared.errors import Conflict, InvalidInput
from shared.log import configure_logging, get_logger
from shared.settings import Settings

logger = get_logger(__name__)

TERM_SECONDS = 10.0
RESTART_SECONDS = 1.0
RESTART_CAP_SECONDS = 30.0
STEADY_SECONDS = 60.0
HEAD_START_SECONDS = 8.0


@dataclass
class Child:
    """One child process, started anew (ever more slowly) when it ends by itself."""

    name: str
    arguments: list[str]
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    delay: float = field(default=RESTART_SECONDS)

    def start(self) -> None:
        command = [sys.executable, "-m", "services.standalone.children", self.name, *self.arguments]
        self.process = subprocess.Popen(  # noqa: S603 (our own module, our own arguments)
            command, stdin=subprocess.PIPE, pass_fds=self.pass_fds, start_new_session=True
        )
        self.started = time.monotonic()

    def ensure_started(self) -> None:
        if self.process is None:
            self.start()

    def watch(self) -> None:
        """Starts the process anew when it has ended and its pause is over."""
        moment = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            steady = moment - self.started > STEADY_SECONDS
            self.delay = RESTART_SECONDS if steady else min(RESTART_CAP_SECONDS, self.delay * 2)
            self.not_before = moment + self.delay
            logger.warning("a part stopped and is started anew", part=self.name, exit_status=self.process.returncode)
            self._kill_group()
            self.process = None
        if self.process is None and moment >= self.not_before:
            self.start()

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline: float) -> None:
        """Waits until the process has ended, kills what is left of its group."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            logger.warning("a part did not stop in time and is killed", part=self.name)
        self._kill_group()
        self.process.wait()

    def _kill_group(self) -> None:
        if self.process is None:
            return
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def serve(settings: Settings) -> None:
    """Runs the embedded stack until SIGINT or SIGTERM.

    Raises:
        Conflict: when another Chiffchaff runs on the data directory, or the port is taken.
        Exposed: when other machines could call it and there is no API key.
    """
    configure_logging(settings)
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    with ExitStack() as stack:
        stack.enter_context(_locked(settings))
        listener = stack.enter_context(_bound(settings))
        _tidy(settings)
        host, port = listener.getsockname()[:2]
        url = f"http://{host}:{port}"
        _refuse_if_exposed(settings)
        children = [
            Child("web", [str(listener.fileno())], pass_fds=(listener.fileno(),)),
            Child("relay", []),
            Child("general", []),
            Child("trainer", []),
            Child("analyst", []),
        ]
        try:
            # The page comes first: `web` has most to import, so its start gets the cores to itself where it can.
            if settings.database_file.exists():
                children[0].start()
            _prepare(settings)
            children[0].ensure_started()
            announcement = threading.Thread(target=_announce, args=(url, stop), daemon=True)
            announcement.start()
            announcement.join(HEAD_START_SECONDS)
            for child in children:
                child.ensure_started()
            while not stop.wait(0.5):
                for child in children:
                    child.watch()
        finally:
            logger.info("stopping; unfinished jobs go on at the next start")
            for child in children:
                child.terminate()
            deadline = time.monotonic() + TERM_SECONDS
            for child in children:
                child.end(deadline)
    logger.info("stopped")


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another Chiffchaff is running on {settings.data_dir.absolute()}.",
                hint="Stop it, or set CHIFFCHAFF_DATA_DIR to another directory.",
            ) from None
        yield


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """Bound here and handed down, so that a taken port is an error at once and a restart of `web` refuses nobody."""
    if settings.database_url.get_secret_value() or settings.broker_url.get_secret_value():
        raise InvalidInput(
            "The embedded stack brings its own database and queue.",
            hint="Unset CHIFFCHAFF_DATABASE_URL and CHIFFCHAFF_BROKER_URL, or use Docker Compose.",
        )
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise Conflict(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}.",
                hint="Set CHIFFCHAFF_PORT to a free port.",
            ) from error
        listener.listen(128)
        yield listener


def _refuse_if_exposed(settings: Settings) -> None:
    """Raises Exposed, before anything is started that would have to be stopped again."""
    if not settings.listens_beyond_loopback:
        return
    from shared.db.engine import sync_engine
    from shared.http.exposure import check_before_start

    engine = sync_engine(settings)
    try:
        check_before_start(settings, engine)
    finally:
        engine.dispose()


def _tidy(settings: Settings) -> None:
    """Empties what only living processes use: there are none now."""
    for leftover in (settings.broker_dir, settings.scratch_dir, settings.incoming_dir):
        shutil.rmtree(leftover, ignore_errors=True)
    settings.scratch_dir.mkdir(parents=True)
    if not settings.storage_is_s3:
        settings.storage_dir.mkdir(parents=True, exist_ok=True)


def _prepare(settings: Settings) -> None:
    """Brings queues and database into order before any worker starts."""
    from shared import jobs
    from shared.db.engine import sync_engine, sync_sessions
    from shared.db.migrate import migrate
    from shared.queue import declare_queues

    declare_queues(settings)
    engine = sync_engine(settings)
    migrate(engine)
    with sync_sessions(engine).begin() as session:
        taken = jobs.release_all(session)
    engine.dispose()
    if taken:
        logger.info("jobs that were interrupted go on", count=len(taken))


def _announce(url: str, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310 (our own address)
                logger.info("ready", page=url)
                return
        except OSError:
            continue
