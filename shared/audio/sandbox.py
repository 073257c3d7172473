"""Decoding in child processes with limits: a file that crashes or hangs a codec costs itself and nothing else."""

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from shared import errors
from shared.audio.decoder_process import DecoderKilled, DecoderProcess
from shared.audio.report import ANOTHER_PROGRAM, DEFAULT_LIMITS, DecodeLimits, DecodeReport, Told
from shared.audio.wav import part_path
from shared.errors import AudioError, DecoderCrashed, TransientError


class DecoderPool:
    """Up to `size` decoder processes that stay between files; each is replaced after `files_per_child` of them.

    `decode_to_wav` may be called from any number of threads. Children start when they are first needed, in whichever
    process calls, so a pool made before a fork is safe to use after it. They end with `close` or with their parent.
    """

    def __init__(self, size: int = 1, *, files_per_child: int = 1_000) -> None:
        if size < 1:
            raise ValueError("a pool needs room for one decoder")
        self._size = size
        self._files_per_child = files_per_child
        self._lock = threading.Lock()
        self._closed = False
        self._process_id = 0

    def decode_to_wav(
        self, src: Path, dst: Path, limits: DecodeLimits = DEFAULT_LIMITS, *, told: Told | None = None
    ) -> DecodeReport:
        """As `decode.decode_to_wav`, in a child process; waits for a free one.

        `told` is called several times a second while the child works; what it raises ends the child, and is passed on.
        Raises its AudioErrors, DecoderCrashed, DecodeTimeout, and OSError where a file cannot be read or written.
        """
        part = part_path(dst)
        request = {"src": str(src.absolute()), "dst": str(dst.absolute()), "part": str(part.absolute())}
        try:
            answer = self._ask(request | {"limits": limits.model_dump()}, limits, told)
        finally:
            part.unlink(missing_ok=True)
        if "report" in answer:
            return DecodeReport.model_validate(answer["report"])
        if "os_error" in answer:
            raise OSError(*answer["os_error"])
        kind: type[AudioError] = getattr(errors, answer["error"])
        raise kind(answer["detail"], hint=answer["hint"])

    def processes(self) -> list[int]:
        """Ids of the decoder processes that run now."""
        with self._lock:
            self._own_children()
            return [child.pid for child in self._children if child.pid is not None]

    def close(self) -> None:
        """End the children, also those at work: their callers get TransientError, later ones RuntimeError."""
        with self._lock:
            self._closed = True
            self._own_children()
            ended: list[DecoderProcess] = []
            while len(ended) < self._size:
                # Again and again, because a process may be starting just now.
                for child in self._children:
                    child.kill()
                with suppress(queue.Empty):
                    ended.append(self._idle.get(timeout=0.1))
                    ended[-1].clear()
            for child in ended:
                self._idle.put(child)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, request: dict[str, Any], limits: DecodeLimits, told: Told | None) -> dict[str, Any]:
        with self._lock:
            self._own_children()
        with self._borrow() as child:
            for _ in range(2):
                try:
                    return child.ask(request, limits, told)
                except DecoderKilled:
                    # Someone else's doing (the kernel's, short of memory; an operator's): the file gets another try.
                    if self._closed:
                        raise TransientError("Decoding was stopped because the service is closing.") from None
        raise DecoderCrashed("The decoder was killed twice while it decoded the file.", hint=ANOTHER_PROGRAM)

    def _own_children(self) -> None:
        """Start afresh after a fork: the children of the process before are not ours to talk to."""
        if self._process_id == os.getpid():
            return
        self._process_id = os.getpid()
        self._children = [DecoderProcess(self._files_per_child) for _ in range(self._size)]
        self._idle: queue.LifoQueue[DecoderProcess] = queue.LifoQueue()
        for child in self._children:
            self._idle.put(child)

    @contextmanager
    def _borrow(self) -> Iterator[DecoderProcess]:
        child = self._idle.get()
        try:
            if self._closed:
                raise RuntimeError("the decoder pool is closed")
            yield child
        finally:
            self._idle.put(child)
