"""The decoder process: one JSON request a line on stdin, one JSON answer a line on stdout. Started by `sandbox`.

Before the answer come lines `{"decoded": share}`, several a second. It lives in its own process because codecs crash on
hostile files, and it ends with its parent: at the end of stdin.
"""

import json
import os
import queue
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from shared.audio.decode import decode_to_wav
from shared.audio.report import ANOTHER_PROGRAM, DecodeLimits
from shared.errors import AudioError, DecoderCrashed

_MIB = 1 << 20
_TELL_SECONDS = 0.25


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    _write(answers, {})
    # Whatever a codec prints must end up neither among the answers nor in the parent's log.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(sys.stdin.buffer, requests), daemon=True).start()
    while True:
        _write(answers, _answer(requests.get(), answers))


def _write(answers: BinaryIO, line: dict[str, Any]) -> None:
    answers.write(json.dumps(line).encode() + b"\n")
    answers.flush()


class _Teller:
    """Tells the parent which share is decoded: after the first block, then now and then."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._next = time.monotonic()

    def __call__(self, share: float | None) -> None:
        if (moment := time.monotonic()) >= self._next:
            self._next = moment + _TELL_SECONDS
            _write(self._answers, {"decoded": share})


def _read_requests(source: BinaryIO, requests: "queue.SimpleQueue[dict[str, Any]]") -> None:
    request: dict[str, Any] = {}
    for line in source:
        request = json.loads(line)
        requests.put(request)
    # The parent is gone: nobody waits for the file that may be in the middle of decoding.
    if request:
        Path(request["part"]).unlink(missing_ok=True)
    os._exit(0)


def _answer(request: dict[str, Any], answers: BinaryIO) -> dict[str, Any]:
    limits = DecodeLimits.model_validate(request["limits"])
    _confine(limits)
    try:
        source, target, part = (Path(request[name]) for name in ("src", "dst", "part"))
        report = decode_to_wav(source, target, limits, part=part, told=_Teller(answers))
    except AudioError as error:
        return _failure(error)
    except MemoryError:
        return _failure(
            DecoderCrashed(
                f"Decoding the file takes more than {limits.memory_mb} MB of memory.",
                hint=ANOTHER_PROGRAM,
            )
        )
    except OSError as error:
        return {"os_error": [error.errno, error.strerror]}
    except Exception as error:
        # A binding or we ourselves stumbled over this file; the next one may be decoded by this process all the same.
        return _failure(
            DecoderCrashed(f"The decoder broke down on this file ({type(error).__name__}).", hint=ANOTHER_PROGRAM)
        )
    return {"report": report.model_dump(mode="json")}


def _failure(error: AudioError) -> dict[str, Any]:
    return {"error": type(error).__name__, "detail": error.detail, "hint": error.hint}


def _confine(limits: DecodeLimits) -> None:
    """Limits for the next file, on top of what this process has used so far."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    space = pages * resource.getpagesize() + limits.memory_mb * _MIB
    resource.setrlimit(resource.RLIMIT_AS, (space, resource.RLIM_INFINITY))
    seconds = int(time.process_time() + limits.wall_seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
