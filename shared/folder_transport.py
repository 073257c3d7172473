"""kombu's file system transport, made safe for several processes.

kombu 5.7 opens a message's file under its final name and writes it afterwards: a worker that looks in between takes an
empty message and stops ("Unrecoverable error: JSONDecodeError"; met in practice within minutes). Here a message appears
by a rename, whole, and is taken by a rename, once, without a detour over the machine's temporary folder.
"""

import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "folder"


class Channel(filesystem.Channel):  # type: ignore[misc] # kombu has no types
    """A queue's messages are the files `<time>_<id>.<queue>.msg` of one folder."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns()}_{uuid.uuid4().hex}"
        part = folder / f".{name}.part"
        part.write_text(dumps(payload), encoding="utf-8")
        part.replace(folder / f"{name}.{queue}.msg")

    def _size(self, queue: str) -> int:
        return len(self._messages(queue))

    def _messages(self, queue: str) -> list[str]:
        return [name for name in os.listdir(self.data_folder_in) if name.partition(".")[2] == f"{queue}.msg"]

    def _get(self, queue: str) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(self._messages(queue)):
            taken = folder / f".{name}.taken"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # another worker was first
            payload = taken.read_text(encoding="utf-8")
            taken.unlink()
            return loads(payload)
        raise Empty


class Transport(filesystem.Transport):  # type: ignore[misc] # kombu has no types
    Channel = Channel


def register() -> None:
    """Lets kombu find this transport by the scheme of its URL, `folder://`."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
