"""Real PostgreSQL and Redis servers, private to a test run: on free ports, in temporary folders, free to be killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port} after {START_SECONDS:g} s")


@dataclass
class Server:
    """A server process that can be stopped, killed and started again over the same data."""

    command: list[str]
    port: int
    process: subprocess.Popen[bytes] | None = None
    stop_signal = signal.SIGTERM

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for(self.port, self.process)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(self.stop_signal)
            self.process.wait(30)


class Postgres(Server):
    stop_signal = signal.SIGINT  # a "fast" shutdown: it does not wait for its clients

    def __init__(self, folder: Path) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not binaries:
            raise RuntimeError("PostgreSQL is not installed; `make test` installs it where it may")
        as_user = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        data = folder / "data"
        initdb = [*as_user, str(binaries[-1] / "initdb"), "-D", str(data), "-U", "test", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        port = free_port()
        options = [
            "-p",
            str(port),
            "-c",
            "fsync=off",
            "-c",
            f"unix_socket_directories={folder}",
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        # Straight to the server, without the shell in between: a kill must reach it.
        drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if as_user else []
        super().__init__([*drop, str(binaries[-1] / "postgres"), "-D", str(data), *options], port)
        self._is_ready = [str(binaries[-1] / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]

    def start(self) -> None:
        """Returns when it takes queries: it listens before, while it still recovers."""
        super().start()
        give_up = time.monotonic() + START_SECONDS
        while subprocess.run(self._is_ready, check=False).returncode != 0:
            if time.monotonic() > give_up:
                raise RuntimeError(f"PostgreSQL takes no queries after {START_SECONDS:g} s")
            time.sleep(0.02)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://test@127.0.0.1:{self.port}/{database}"


class ObjectStore(Server):
    """An S3 server in memory, with one bucket."""

    bucket = "birds"
    page = 10
    """So many objects a listing tells at once: a real server 1,000."""

    def __init__(self) -> None:
        port = free_port()
        # Of this environment's own Python, wherever its scripts lie.
        server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        super().__init__(["env", f"MOTO_S3_DEFAULT_MAX_KEYS={self.page}", *server], port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        super().start()
        httpx.put(f"{self.url}/{self.bucket}", headers=_ANYBODY).raise_for_status()


_ANYBODY = {"Authorization": "AWS4-HMAC-SHA256 Credential=anybody/20260101/us-east-1/s3/aws4_request"}


class Redis(Server):
    def __init__(self, folder: Path) -> None:
        if shutil.which("redis-server") is None:
            raise RuntimeError("Redis is not installed; `make test` installs it where it may")
        port = free_port()
        options = [
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(folder),
            "--appendonly",
            "yes",
            "--save",
            "",
        ]
        super().__init__(["redis-server", *options], port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"
