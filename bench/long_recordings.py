"""Memory along the length: recordings of a minute, an hour and a day go through the preprocess worker's own job.

Each runs in a process of its own, with a database, a storage and a decoder child of its own, and says how much memory
the worker and its decoder held at most.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from services.preprocess.tasks import WORKER
from shared import jobs
from shared.db.engine import sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.db.tables import Job, Recording
from shared.prepared import decoder
from shared.settings import Settings
from shared.storage import FileStorage, content_key
from shared.worker import Runtime

RATE = 48_000
SUBTYPES = {"wav": ("RF64", "PCM_16"), "flac": ("FLAC", "PCM_16")}


def make(path: Path, kind: str, seconds: int) -> None:
    """A stereo recording at 48 kHz: a synthetic garden of hiss and chirps, a minute of it over and over."""
    container, subtype = SUBTYPES[kind]
    minute = _garden(60)
    with soundfile.SoundFile(path, "w", RATE, 2, format=container, subtype=subtype) as file:
        for _ in range(seconds // 60):
            # In blocks, because libsndfile crashes on some codecs when it gets much at once.
            for start in range(0, len(minute), 1 << 16):
                file.write(minute[start : start + (1 << 16)])


def prepared(path: Path) -> dict[str, Any]:
    """Run `measure` in a fresh process."""
    command = [sys.executable, "-m", "bench.long_recordings", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(path: Path) -> dict[str, Any]:
    """Prepare one recording as the worker does. Peak resident memory in MB (10^6 bytes), time in seconds."""
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-", dir=path.parent) as folder:
        settings = Settings(data_dir=Path(folder), recording_max_seconds=90_000)
        engine = sync_engine(settings)
        migrate(engine)
        sessions = sync_sessions(engine)
        key = content_key("originals", "ab" * 32, path.suffix)
        original = FileStorage(settings.storage_dir).path(key)
        original.parent.mkdir(parents=True)
        os.link(path, original)
        with sessions.begin() as session:
            recording = Recording(
                sha256="ab" * 32, original_key=key, original_name=path.name, size=path.stat().st_size, source="folder"
            )
            session.add(recording)
            session.flush()
            job_id = jobs.submit(session, "preprocess.prepare", {"recording_id": recording.id}, max_attempts=1).id
        runtime = Runtime(settings)
        began = time.perf_counter()
        runtime.answer(WORKER)
        seconds = time.perf_counter() - began
        decoder_mb = peak_mb(decoder().processes()[0])
        decoder().close()
        runtime.engine.dispose()
        with sessions() as session:
            job = session.get_one(Job, job_id)
            if job.state != "succeeded":
                raise RuntimeError(f"{path.name}: {job.state}: {job.error}")
            result = job.result or {}
        engine.dispose()
    return {"worker_mb": peak_mb(), "decoder_mb": decoder_mb, "seconds": seconds} | result


def peak_mb(process: int | str = "self") -> float:
    """Peak resident memory of a process so far, in MB. Not getrusage's, which counts the parent's before exec."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {process} has no VmHWM")


def _garden(seconds: int) -> npt.NDArray[np.int16]:
    generator = np.random.default_rng(0)
    sound = generator.normal(0, 0.01, (seconds * RATE, 2))
    for start in _moments(generator, seconds):
        times = np.arange(RATE // 4) / RATE
        pitch = generator.uniform(2_500, 6_000)
        chirp = 0.2 * np.hanning(len(times)) * np.sin(2 * np.pi * (pitch + 4_000 * times) * times)
        sound[start : start + len(times)] += chirp[:, None]
    return (32_767 * np.clip(sound, -1, 1)).astype(np.int16)


def _moments(generator: np.random.Generator, seconds: int) -> Iterator[int]:
    at = 0.0
    while (at := at + generator.exponential(3.0)) < seconds - 1:
        yield round(at * RATE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", type=Path)
    print(json.dumps(measure(parser.parse_args().recording)))
