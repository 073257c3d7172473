"""Whose turn it is: a bounded number of recordings, decoded in a few processes, classified one after the other."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

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
OnTurn = Callable[[], Awaitable[None]]
"""Called when a request's turn has come; raises when nobody waits for the answer any more."""


async def always() -> None:
    """The turn is wanted whatever happens."""


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
        self._computing = asyncio.Lock()
        # One thread, because torch keeps a set of worker threads for each thread that computes.
        self._compute_thread = ThreadPoolExecutor(1, "compute")

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

    async def decode(self, source: Path, target: Path, on_turn: OnTurn) -> DecodeReport:
        """`source` as a prepared WAV at `target`, decoded in a child process. Raises the AudioErrors."""
        async with self._decoding:
            await on_turn()
            return await _to_its_end(
                self._decode_threads, lambda: self._decoders.decode_to_wav(source, target, self._limits)
            )

    async def classify(self, classifier: Classifier, prepared: Path, parameters: Parameters, on_turn: OnTurn) -> Heard:
        """What the classifier hears in a prepared WAV, whose samples are read when the turn has come."""
        return await self.compute(lambda: classifier.classify(open_prepared(prepared), parameters), on_turn)

    async def compute(self, call: Callable[[], Result], on_turn: OnTurn = always) -> Result:
        """Runs a call in the one thread that computes."""
        async with self._computing:
            await on_turn()
            return await _to_its_end(self._compute_thread, call)

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
        self._compute_thread.shutdown()


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
