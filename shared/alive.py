"""A heartbeat file for processes without an API: `python -m shared.alive NAME` is their container's health check."""

import sys
import tempfile
import time
from pathlib import Path

STALE_SECONDS = 60.0


def beat_file(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"chiffchaff-{name}.alive"


def beat(path: Path) -> None:
    path.touch()


def is_alive(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < STALE_SECONDS
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_alive(beat_file(sys.argv[1])) else 1)
