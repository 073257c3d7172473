"""The container stack under test: its own project name, free port, secrets and library; nothing of it stays."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.support.servers import free_port
from tests.support.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]
BASE_IMAGES = REPOSITORY.parent / "shared" / "tools" / "base-images"
PUBLIC_IMAGES = ("python:3.11-slim-bookworm", "postgres:15-bookworm", "redis:7-bookworm", "nginx:stable-bookworm")
READY_SECONDS = 180.0


def command(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Runs a command and returns what it printed; its complaint is the error's message."""
    done = subprocess.run(arguments, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:4])} ... failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def prepare_engine() -> None:
    """Sees that a Docker Engine answers and that the public images are there or can be pulled.

    A machine that reaches no image registry may have a script that builds stand-ins from distribution packages.
    """
    try:
        missing = [tag for tag in PUBLIC_IMAGES if not command("docker", "image", "ls", "--quiet", tag).strip()]
    except (RuntimeError, FileNotFoundError):
        missing = list(PUBLIC_IMAGES)
    if missing and BASE_IMAGES.exists():
        command(str(BASE_IMAGES))
    command("docker", "version")


class Stack:
    """One running stack. `folder` is the library that it mounts at /library."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.project = f"chiffchaff-test-{uuid.uuid4().hex[:8]}"
        self.library = folder / "library"
        self.library.mkdir()
        self.library.chmod(0o755)
        self.port = free_port()
        self._env_file = folder / "env"
        command(sys.executable, "tools/make_env.py", str(self._env_file))
        own = {
            "CHIFFCHAFF_PORT": str(self.port),
            "CHIFFCHAFF_TAG": "test",
            "CHIFFCHAFF_LIBRARY": str(self.library),
            **settings,
        }
        with self._env_file.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in own.items())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *arguments: str) -> str:
        files = ("--project-name", self.project, "--env-file", str(self._env_file))
        return command("tools/compose", *files, *arguments, environment=clean_environment())

    def up(self) -> None:
        self.compose("up", "--build", "--detach")
        until(self._all_well, seconds=READY_SECONDS, what="the health of every container")

    def down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "30")

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine knows of each container, by service."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(command("docker", "inspect", *ids)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def kill_everything_in(self, service: str) -> None:
        """Kills every process of a container. (After `docker kill` the engine would let it lie.)"""
        container = self.containers()[service]["Id"]
        subprocess.run(["docker", "exec", container, "sh", "-c", "kill -9 -1"], capture_output=True, check=False)

    def users(self, service: str) -> dict[str, set[str]]:
        """Who runs what in a container: the names of its processes, by user id."""
        listed = command("docker", "top", self.containers()[service]["Id"], "-eo", "pid,uid,comm")
        found: dict[str, set[str]] = {}
        for line in listed.splitlines()[1:]:
            _, uid, name = line.split(None, 2)
            found.setdefault(uid, set()).add(name)
        return found

    def logs(self, lines: int = 60) -> str:
        return self.compose("logs", "--no-color", f"--tail={lines}")

    def troubled(self) -> list[str]:
        """The services whose container is not healthy, or has failed."""
        return [name for name, one in self.containers().items() if not _is_well(one["State"])]

    def _all_well(self) -> bool:
        return not self.troubled()

    def get(self, path: str, **parameters: Any) -> Any:
        response = self.send("GET", path, params=parameters)
        response.raise_for_status()
        return response.json()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"{self.url}{path}", timeout=options.pop("timeout", 60), **options)

    def ended(self, location: str, *, seconds: float = 600.0) -> Any:
        """What is at a location once its state is final."""

        def look() -> Any:
            seen = self.get(location)
            return None if seen["state"] in ("queued", "running") else seen

        return until(look, seconds=seconds, what=f"the end of {location}")


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that the compose file would take from it."""
    ours = re.compile(r"^(CHIFFCHAFF_|COMPOSE_|POSTGRES_|REDIS_)")
    return {name: value for name, value in os.environ.items() if not ours.match(name)}


def _is_well(state: Mapping[str, Any]) -> bool:
    if "Health" in state and state["Running"]:
        return bool(state["Health"]["Status"] == "healthy")
    return not state["Running"] and state["ExitCode"] == 0
