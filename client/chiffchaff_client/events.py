"""Server-sent events: what happens to a job, as it happens (HTML Living Standard, "Server-sent events")."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from chiffchaff_client.errors import NoAnswer
from chiffchaff_client.transport import Call, Transport
from chiffchaff_client.work import has_ended

SILENT_SECONDS = 60.0
"""The server says something every 15 s, if only that it is there."""
RECONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class Event:
    """`job` or `analysis` comes whenever it changed, and holds it; others (`epoch` of a training) have an `id`."""

    kind: str
    data: dict[str, Any]
    id: str = ""


def follow(transport: Transport, path: str) -> Iterator[Event]:
    """All events until the job has ended. A lost connection is made anew, and no event of the job's own is missed.

    Raises:
        NoAnswer: where it cannot be made anew for as long as the transport has patience.
    """
    last, heard = "", time.monotonic()
    while True:
        try:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
            for event in parse(transport.lines(Call("GET", path, headers=headers, seconds=SILENT_SECONDS))):
                last, heard = event.id or last, time.monotonic()
                yield event
                if event.kind in ("job", "analysis") and has_ended(event.data["state"]):
                    return
        except NoAnswer:
            if time.monotonic() - heard > transport.patience:
                raise
        time.sleep(RECONNECT_SECONDS)


def parse(lines: Iterable[bytes]) -> Iterator[Event]:
    """Events whose data is a JSON object."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().partition(":")
        if name:  # a line that begins with a colon is a comment
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
        elif not line and "data" in fields:
            yield Event(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id", ""))
            fields = {}
