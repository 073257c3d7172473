"""What happened in a run with faults, in the order it happened: one JSON object a line, kept for the post-mortem."""

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self


class History:
    """Written by the client's threads and the nemesis alike; each line is on the disk's way before the next step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, event: str, **fields: Any) -> None:
        line = json.dumps({"at": datetime.fromtimestamp(time.time(), UTC).isoformat(), "event": event, **fields})
        with self._lock:
            self._file.write(line + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
