"""Decoding in child processes with limits: a file that crashes or hangs a codec costs itself and nothing else."""

import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import shared
from shared import errors
from shared.audio.report import DEFAULT_LIMITS, DecodeLimits, DecodeReport, part_path
from shared.errors import AudioError, DecoderCrashed, DecodeTimeout

_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM)
_ANOTHER_PROGRAM = "Save the recording again with another program, as WAV or FLAC."


class DecoderPool:
    """Up to `size` decoder processes that stay between files; each is replaced after `files_per_child` of them.

    `decode_to_wav` may be called from any number of threads. Children start when they are first needed, in whichever
    process calls, so a pool made before a fork is safe to use after it. They end with `close` or with their parent.
    """

    def __init__(self, size: int = 1, *, files_per_child: int = 200) -> None:
        if size < 1:
            raise ValueError("a pool needs room for one decoder")
        self._size = size
        self._files_per_child = files_per_child
        self._lock = threading.Lock()
        self._closed = False
        self._fill()

    def decode_to_wav(self, src: Path, dst: Path, limits: DecodeLimits = DEFAULT_LIMITS) -> DecodeReport:
        """As `decode.decode_to_wav`, in a child process; waits for a free one.

        Raises its AudioErrors, DecoderCrashed, DecodeTimeout, and OSError where a file cannot be read or written.
        """
        part = part_path(dst)
        request = {"src": str(src.absolute()), "dst": str(dst.absolute()), "part": str(part.absolute())}
        try:
            answer = self._ask(request | {"limits": limits.model_dump()}, limits)
        finally:
            part.unlink(missing_ok=True)
        if "report" in answer:
            return DecodeReport.model_validate(answer["report"])
        if "os_error" in answer:
            raise OSError(*answer["os_error"])
        kind: type[AudioError] = getattr(errors, answer["error"])
        raise kind(answer["detail"], hint=answer["hint"])

    def close(self) -> None:
        """End the children, also those at work: their callers get DecoderCrashed."""
        with self._lock:
            self._closed = True
            for child in self._children:
                child.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, request: dict[str, Any], limits: DecodeLimits) -> dict[str, Any]:
        with self._lock:
            if self._process != os.getpid():
                self._fill()
        with self._borrow() as child:
            try:
                return child.ask(request, limits)
            except _Killed:
                # Someone else's doing (the kernel's, short of memory; an operator's), so the file gets another try.
                if self._closed:
                    raise DecoderCrashed("Decoding was stopped because the service is closing.") from None
            try:
                return child.ask(request, limits)
            except _Killed as error:
                raise DecoderCrashed(f"The decoder was killed twice: {error}.", hint=_ANOTHER_PROGRAM) from None

    def _fill(self) -> None:
        self._process = os.getpid()
        self._children = [_Child(self._files_per_child) for _ in range(self._size)]
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    @contextmanager
    def _borrow(self) -> "Iterator[_Child]":
        child = self._idle.get()
        try:
            if self._closed:
                raise RuntimeError("the decoder pool is closed")
            yield child
        finally:
            self._idle.put(child)


class _Killed(Exception):
    """The child was killed by a signal that no codec sends."""


class _Child:
    """A decoder process that is started at the first question and again after each end."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._served = 0
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: dict[str, Any], limits: DecodeLimits) -> dict[str, Any]:
        """Raises DecodeTimeout, DecoderCrashed and _Killed, after each of which the process is gone."""
        if self._process is None or self._process.poll() is not None or self._served >= self._files:
            self.kill()
            self._process = _start()
            self._served = 0
        self._served += 1
        process = self._process
        try:
            line = _exchange(process, json.dumps(request).encode() + b"\n", limits.wall_seconds)
            answer: dict[str, Any] = json.loads(line)
        except TimeoutError:
            self.kill()
            raise _too_slow(limits) from None
        except (EOFError, BrokenPipeError, ValueError):
            self.kill()
            raise _reason(process.returncode, limits) from None
        return answer

    def kill(self) -> None:
        process = self._process
        if process is None:
            return
        self._process = None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
