"""One decoder process, seen from its parent: started when needed, asked with a deadline, replaced after its end."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shared
from shared.audio.report import ANOTHER_PROGRAM, DecodeLimits, Told
from shared.errors import DecoderCrashed, DecodeTimeout

_START_SECONDS = 60.0
_HEAD_START = 50
"""Files during which the next process starts: it takes half a second, as long as these where nobody rests."""
_TICK_SECONDS = 0.25
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
_SENT_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)


class DecoderKilled(Exception):
    """The process was ended by a signal that no codec causes."""


class _NoAnswer(Exception):
    """What came through the pipe is none."""


class DecoderProcess:
    """Serves `files` requests per process. For one thread at a time, but for `kill`.

    Of many files, the last are served while the next process starts, so that none waits for that.
    """

    def __init__(self, files: int) -> None:
        self._files = files
        self._called_for = files - min(_HEAD_START, files // 10)
        self._served = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._successor: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """None before the first start and after an end."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def ask(self, request: dict[str, Any], limits: DecodeLimits, told: Told | None = None) -> dict[str, Any]:
        """The answer of `decode_child`.

        `told` is called several times a second; when it raises, the process is ended and the error passed on.

        Raises DecodeTimeout, DecoderCrashed or DecoderKilled, after which the process is gone, and RuntimeError when
        none can be started, which is no fault of the file.
        """
        process = self._ready()
        self._served += 1
        try:
            return _exchange(process, json.dumps(request).encode() + b"\n", limits.wall_seconds, told)
        except TimeoutError:
            self.clear()
            raise _too_slow(limits) from None
        except (EOFError, BrokenPipeError, _NoAnswer):
            code = process.wait()
            self.clear()
            if code in _SENT_FROM_OUTSIDE:
                raise DecoderKilled(signal.Signals(-code).name) from None
            if code == -signal.SIGXCPU:
                raise _too_slow(limits) from None
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise DecoderCrashed(f"The decoder broke down on this file ({name}).", hint=ANOTHER_PROGRAM) from None
        except BaseException:
            self.clear()
            raise

    def kill(self) -> None:
        """End the process, from any thread; who is asking it gets DecoderKilled."""
        for process in (self._process, self._successor):
            if process is not None:
                process.kill()

    def clear(self) -> None:
        """End the process, and the one that was to follow it, and free what belongs to them."""
        ended = (self._process, self._successor)
        self._process = self._successor = None
        for process in ended:
            if process is not None:
                _end(process)

    def _ready(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is None or process.poll() is not None or self._served >= self._files:
            successor, self._successor = self._successor, None
            self._process = successor if successor is not None and successor.poll() is None else _launch()
            self._served = 0
            if process is not None:
                _end(process)
            process = self._process
            _await_start(process)
        elif self._served >= self._called_for and self._successor is None:
            self._successor = _launch()
        return process


def _launch() -> subprocess.Popen[bytes]:
    """A child that knows no secret of ours, keeps to one thread, and does not hear the terminal's Ctrl-C.

    It ends by itself when its stdin does: when we close it or cease to be. It is ready after `_await_start`.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"PYTHONPATH": str(Path(shared.__path__[0]).parent), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "shared.audio.decode_child"]
    return subprocess.Popen(  # noqa: S603 - our own module; nothing in the command comes from outside
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment, start_new_session=True
    )


def _await_start(process: subprocess.Popen[bytes]) -> None:
    """Raises RuntimeError when it does not start."""
    try:
        _exchange(process, b"", _START_SECONDS)
    except (TimeoutError, EOFError, _NoAnswer) as error:
        _end(process)
        raise RuntimeError(f"the decoder process does not start (exit code {process.returncode})") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _exchange(
    process: subprocess.Popen[bytes], request: bytes, seconds: float, told: Told | None = None
) -> dict[str, Any]:
    """Send a line and read those that come until the answer.

    Raises TimeoutError, EOFError, BrokenPipeError, and _NoAnswer.
    """
    if process.stdin is None or process.stdout is None:
        raise EOFError
    if request:
        process.stdin.write(request)
    share: float | None = None
    for line in _lines(process.stdout.fileno(), time.monotonic() + seconds):
        if line:
            answer = _parsed(line)
            if "decoded" not in answer:
                return answer
            share = answer["decoded"]
        if told is not None:
            told(share)
    raise EOFError


def _lines(pipe: int, deadline: float) -> Iterator[bytes]:
    """The lines that come through a pipe, and an empty one now and then while none does. Raises TimeoutError."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    rest = b""
    while (left := deadline - time.monotonic()) > 0:
        if not poll.poll(1_000 * min(left, _TICK_SECONDS)):
            yield b""
            continue
        piece = os.read(pipe, 65_536)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    raise TimeoutError


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        raise _NoAnswer from None
    if not isinstance(answer, dict):
        raise _NoAnswer
    return answer


def _too_slow(limits: DecodeLimits) -> DecodeTimeout:
    return DecodeTimeout(
        f"Decoding the file took longer than the {limits.wall_seconds:.0f} s it may take.",
        hint="Cut the recording into shorter ones, or save it again as WAV or FLAC.",
    )
