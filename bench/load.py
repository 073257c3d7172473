"""`POST /classify` under load, up to its knee and past it. Prints a table.

    .venv/bin/python -m bench.load                          # clips of 5 s, some four minutes
    .venv/bin/python -m bench.load --seconds 60             # longer recordings
    .venv/bin/python -m bench.load --clip recording.mp3     # a recording of one's own instead of noise

Open loop: requests set out at random moments at a given rate, whether or not earlier ones were answered, and a latency
counts from the moment at which the request was to set out. What the machine could do without any service is measured
first: `model`, the classifier alone in as many threads as cores, and `work`, decoding in child processes besides, which
is what a request asks for. Client and service share the cores, as they share them with all else on a small machine.
"""

import argparse
import asyncio
import io
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table

from bench.results import write_results
from shared.audio.decode import decode_to_wav
from shared.audio.sandbox import DecoderPool
from shared.db.engine import sync_engine
from shared.db.migrate import migrate
from shared.model_file import sha256_of
from shared.settings import Settings
from tests.support.servers import free_port
from tests.support.waiting import until

RATES = (0.3, 0.6, 0.8, 0.9, 1.0, 1.2, 2.0)
"""Offered, as shares of what decoding and classifying without a service come to."""
ANSWERED = 0.99
"""Share of requests answered 200 below the knee; the others are told to come again."""
FRESH_SECONDS = 2.0
"""A connection that was idle for longer is not used again: the service may be closing it at this moment."""
KEPT_UP = 0.97
"""Share of the offered rate that comes back as answers within the time, below the knee."""


def noise(seconds: float) -> bytes:
    """A WAV file as a phone sends it: 16 bit, 44,100 Hz."""
    file = io.BytesIO()
    samples = np.random.default_rng(0).standard_normal(round(seconds * 44_100)) * 0.1
    soundfile.write(file, samples, 44_100, format="WAV", subtype="PCM_16")
    return file.getvalue()


@dataclass
class Round:
    """What came back of one rate."""

    offered: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def throughput(self) -> float:
        return self.statuses[200] / self.seconds

    @property
    def errors(self) -> int:
        """Whatever is neither an answer nor the word to come again."""
        return sum(count for status, count in self.statuses.items() if status not in (200, 503))

    @property
    def below_knee(self) -> bool:
        asked = self.statuses.total()
        return self.statuses[200] >= ANSWERED * asked and self.throughput >= KEPT_UP * asked / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds, of those that were answered."""
        return 1e3 * float(np.quantile(self.latencies, share)) if self.latencies else float("nan")


async def offer(port: int, body: bytes, rate: float, seconds: float) -> Round:
    """Requests at that rate for so long, and all their answers."""
    request = (
        b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body
    result, chance = Round(rate), np.random.default_rng(0)
    idle: deque[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = deque()

    async def connection() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while idle and idle[0][0] < time.monotonic() - FRESH_SECONDS:
            idle.popleft()[2].close()
        return idle.pop()[1:] if idle else await asyncio.open_connection("127.0.0.1", port)

    async def one(due: float) -> None:
        try:
            reader, writer = await connection()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            status = int(head.split(b" ", 2)[1])
            if b"connection: close" not in head.lower():
                idle.append((time.monotonic(), reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            status = 0
        if status == 200:
            result.latencies.append(time.monotonic() - due)
        result.statuses[status] += 1

    began = due = time.monotonic()
    running = set()
    while due < began + seconds:
        await asyncio.sleep(due - time.monotonic())
        running.add(asyncio.create_task(one(due)))
        due += chance.exponential(1.0 / rate)
    await asyncio.gather(*running)
    result.seconds = time.monotonic() - began
    for _, _, writer in idle:
        writer.close()
    return result


def alone(clip: Path, seconds: float, *, decoding: bool) -> float:
    """Recordings a second without any service, in as many threads as there are cores."""
    from services.inference.classifier import load_classifier
    from services.inference.schemas import ClassifyQuery
    from shared.audio.wav import open_prepared

    settings = Settings()
    file = settings.models_dir / "garden-birds" / "model.pt"
    classifier = load_classifier(file, sha256_of(file), model_id="", name="garden-birds", version=1, threads=1)
    parameters = classifier.parameters(ClassifyQuery())
    with tempfile.TemporaryDirectory() as folder, DecoderPool(settings.cores) as decoders:
        decode_to_wav(clip, Path(folder) / "prepared.wav")

        def work(thread: int, end: float) -> int:
            done, prepared = 0, Path(folder) / "prepared.wav"
            while time.monotonic() < end:
                if decoding:
                    prepared = Path(folder) / f"{thread}.wav"
                    decoders.decode_to_wav(clip, prepared)
                classifier.classify(open_prepared(prepared), parameters)
                done += 1
            return done

        with ThreadPoolExecutor(settings.cores) as threads:
            for length in (2.0, seconds):  # first to warm up
                end = time.monotonic() + length
                done = sum(threads.map(lambda thread, end=end: work(thread, end), range(settings.cores)))
    return done / seconds


def _in_a_process(clip: Path, seconds: float, decoding: bool) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(alone, (clip, seconds), {"decoding": decoding})


def served(body: bytes, rates: list[float], seconds: float, batch: int) -> list[Round]:
    """A round for each rate, of a service of their own."""
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0)
        engine = sync_engine(settings)
        migrate(engine)
        engine.dispose()
        port = free_port()
        environment = os.environ | {
            "CHIFFCHAFF_DATA_DIR": folder,
            "CHIFFCHAFF_CLASSIFY_BATCH": str(batch),
            "CHIFFCHAFF_LOG_LEVEL": "WARNING",
        }
        app = ["--factory", "services.inference.api:create_app", "--port", str(port), "--no-access-log"]
        process = subprocess.Popen([sys.executable, "-m", "uvicorn", *app, "--log-level", "warning"], env=environment)
        try:
            until(lambda: _ready(port), seconds=90, what="the model in memory")
            asyncio.run(offer(port, body, rates[0], 3.0))
            return [asyncio.run(offer(port, body, rate, seconds)) for rate in rates]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _ready(port: int) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz").json()
    except httpx.TransportError:
        return False
    return bool(answer["checks"]["model"]["ok"])


def measure(clip: Path, seconds: float) -> dict[str, Any]:
    body = clip.read_bytes()
    # In turns, so that a machine that changes its speed does so for both.
    model = statistics.median(_in_a_process(clip, seconds, decoding=False) for _ in range(2))
    work = statistics.median(_in_a_process(clip, seconds, decoding=True) for _ in range(2))
    figures: dict[str, Any] = {"model_per_second": model, "work_per_second": work}
    print(f"without a service: model {model:.1f}, decoding and model {work:.1f} recordings a second", flush=True)
    table = Table("batches", "offered/s", "answered/s", "told to wait", "errors", "p50 ms", "p99 ms", "below the knee")
    rates = [share * work for share in RATES]
    for name, batch in (("on", 16), ("off", 1)):
        rounds = served(body, rates, seconds, batch)
        below = [one for one in rounds if one.below_knee]
        best = max((one.throughput for one in rounds if not one.errors), default=0.0)
        figures[name] = {
            "throughput": best,
            "at_twice_the_work": rounds[-1].throughput,
            "errors": sum(one.errors for one in rounds),
            "errors_below_knee": sum(one.errors for one in below),
            "rounds": [
                {
                    "offered": one.offered,
                    "answered": one.throughput,
                    "statuses": {str(status): count for status, count in one.statuses.items()},
                    "p50_ms": one.percentile(0.5),
                    "p99_ms": one.percentile(0.99),
                }
                for one in rounds
            ],
        }
        for one in rounds:
            cells = [f"{one.offered:.1f}", f"{one.throughput:.1f}", str(one.statuses[503]), str(one.errors)]
            cells += [f"{one.percentile(0.5):.0f}", f"{one.percentile(0.99):.0f}", "yes" if one.below_knee else "no"]
            table.add_row(name, *cells)
    Console(width=110).print(table)
    for name in ("on", "off"):
        best = figures[name]["throughput"]
        share = f"{best / work:.0%} of the work alone, {best / model:.0%} of the model"
        print(f"batches {name}: at best {best:.1f} a second, {share}")
    return figures | {
        "share_of_raw_throughput": figures["on"]["throughput"] / work,
        "share_of_model_throughput": figures["on"]["throughput"] / model,
        "errors_below_knee": figures["on"]["errors_below_knee"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each recording")
    parser.add_argument("--clip", type=Path, help="a recording of one's own")
    parser.add_argument("--round", type=float, default=10.0, help="seconds of each rate")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip or Path(folder) / "clip.wav"
        if arguments.clip is None:
            clip.write_bytes(noise(arguments.seconds))
        figures = measure(clip, arguments.round)
    write_results("load", {"recording_seconds": arguments.seconds, **figures})


if __name__ == "__main__":
    main()
