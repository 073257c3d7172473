"""Whose turn it is: a bounded number of recordings, decoded in a few processes, classified in a few threads."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from services.inference.batching import Batcher, Job, Wanted, always
from services.inference.classifier import Classifier, Heard
from services.inference.schemas import Parameters
from shared.audio.constants import SAMPLE_RATE
from shared.audio.report import DecodeLimits, DecodeReport
from shared.audio.sandbox import DecoderPool
from shared.audio.wav import PreparedWriter, open_prepared
from shared.errors import Overloaded
from shared.settings import Settings

MOST_DECODERS = 4

Result = TypeVar("Result")


class Turns:
    """The bounded way of a recording. Waiting costs no thread: who gave up meanwhile is passed over."""

    def __init__(self, settings: Settings) -> None:
        self._places = settings.classify_queue
        self._taken = 0
        self._scratch = settings.scratch_dir
        self._decoder_count = min(settings.cores, MOST_DECODERS)
        self._decoders = DecoderPool(self._decoder_count)
        self._decoding = asyncio.Semaphore(self._decoder_count)
        self._decode_threads = ThreadPoolExecutor(self._decoder_count, "decode")
        self._limits = DecodeLimits(
            max_seconds=settings.classify_max_seconds,
            memory_mb=settings.decode_memory_mb,
            wall_seconds=settings.classify_wall_seconds,
        )
        self._wait_seconds = settings.classify_wait_seconds
        self._batcher = Batcher(settings.classify_workers, settings.classify_batch)

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the `CHIFFCHAFF_CLASSIFY_QUEUE` places to wait and run in. Raises Overloaded when all are taken."""
        self.refuse_when_full()
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def refuse_when_full(self) -> None:
        if self._taken >= self._places:
            raise Overloaded(
                f"{self._taken} recordings are being classified or wait for it, as many as are taken at once.",
                hint="Try again in a moment. An operator can raise CHIFFCHAFF_CLASSIFY_QUEUE.",
            )

    async def decode(self, source: Path, target: Path, wanted: Wanted) -> DecodeReport:
        """`source` as a prepared WAV at `target`, decoded in a child process. Raises the AudioErrors."""
        async with self._decoding:
            await wanted()
            return await _to_its_end(
                self._decode_threads, lambda: self._decoders.decode_to_wav(source, target, self._limits)
            )

    async def classify(self, classifier: Classifier, prepared: Path, parameters: Parameters, wanted: Wanted) -> Heard:
        """What the classifier hears in a prepared WAV; Overloaded where its turn comes too late.

        Recordings of one window are heard several at once where they wait for the same model.
        """
        samples = open_prepared(prepared)
        job = Job(
            lambda: classifier.classify(samples, parameters),
            kind=classifier if classifier.is_one_window(samples) else None,
            content=(samples, parameters),
            together=classifier.classify_together,
            wanted=wanted,
            until=time.monotonic() + self._wait_seconds,
        )
        return await self._batcher.run(job)

    async def compute(self, call: Callable[[], Result]) -> Result:
        """Runs a call in one of the threads that compute."""
        return await self._batcher.run(Job(call))

    async def warm_up(self) -> None:
        """Starts the decoder processes, so that no recording waits for that."""
        with tempfile.TemporaryDirectory(prefix="warm-up-", dir=self._scratch) as folder:
            source = Path(folder) / "noise.wav"
            _write_noise(source)
            targets = [Path(folder) / f"{number}.wav" for number in range(self._decoder_count)]
            async with asyncio.TaskGroup() as decoding:
                for target in targets:
                    decoding.create_task(self.decode(source, target, always))

    def close(self) -> None:
        """Ends the decoders at once, and waits for what is being computed."""
        self._decoders.close()
        self._decode_threads.shutdown()
        self._batcher.close()


async def _to_its_end(executor: Executor, call: Callable[[], Result]) -> Result:
    """Runs a call in a thread; a cancelled caller still waits for it, because its files are in use until then."""
    running = asyncio.get_running_loop().run_in_executor(executor, call)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()
        raise


def _write_noise(path: Path) -> None:
    with path.open("wb") as file:
        writer = PreparedWriter(file)
        writer.write(np.random.default_rng(0).standard_normal(SAMPLE_RATE, np.float32) * np.float32(0.1))
        writer.finish()
