"""A large library into a dataset and out again: time and memory of freezing, reading and exporting it.

Each step runs in a process of its own, over a database filled with recordings that have no sound: names, numbers and
slices are all that a dataset is made of.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench.results import write_results
from services.trainer.freeze import freeze
from services.trainer.frozen_dataset import read_dataset
from services.trainer.selection import Selection
from services.trainer.slice_tables import CsvTable, ParquetTable, table_of
from shared.db.base import new_id, now
from shared.db.engine import snapshot, sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.db.tables import Recording, Slice, Species
from shared.settings import Settings
from shared.storage import content_key, storage_from
from tests.support.servers import Postgres

SPECIES = 300
SLICES_EACH = 10
STEPS = ("freeze", "read", "parquet", "csv")


def fill(settings: Settings, recordings: int) -> None:
    """The same library for the same number: some species and some recordists have most of it."""
    engine = sync_engine(settings)
    migrate(engine)
    rows = _rows(recordings, random.Random(1))  # noqa: S311 (no secret)
    with sync_sessions(engine).begin() as session:
        names = [{"scientific_name": _species(n), "common_name": "", "names": {}} for n in range(SPECIES)]
        session.execute(insert(Species), names)
        while some := list(islice(rows, 5_000)):
            session.execute(insert(Recording), some)
            session.execute(insert(Slice), [one for row in some for one in _slices(row["id"])])
    engine.dispose()


def _rows(recordings: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(recordings):
        sha256 = f"{chance.getrandbits(256):064x}"
        yield {
            "id": new_id(),
            "sha256": sha256,
            "original_key": content_key("originals", sha256, ".mp3"),
            "original_name": f"XC{number}.mp3",
            "size": 1_000_000,
            "label": _species(int(chance.paretovariate(0.7)) % SPECIES),
            "source": "xeno-canto",
            "source_url": f"https://xeno-canto.org/{number}",
            "xc_id": str(number),
            "recordist": f"Recordist {int(chance.paretovariate(0.3)) % (recordings // 10)}" if number % 5 else "",
            "licence": chance.choice(["CC BY-NC-SA 4.0", "CC BY-NC-ND 4.0", "CC BY 4.0"]),
            "country": chance.choice(["Germany", "Poland", "Spain"]),
            "locality": f"Place {number % 1_000}",
            "latitude": chance.uniform(35, 60),
            "longitude": chance.uniform(-10, 30),
            "recorded_on": date(2015, 1, 1) + timedelta(days=chance.randrange(4_000)),
            "quality": chance.choice(["A", "B", "C", "D", None]),
            "prepared_key": content_key("prepared", sha256, ".wav"),
            "prepared_samples": 1_000_000,
            "prepared_sha256": f"{chance.getrandbits(256):064x}",
            "prepared_at": now(),
            "segmentation": "contrast",
        }


def _species(number: int) -> str:
    return f"Avis n{number:03}"


def _slices(recording_id: str) -> Iterator[dict[str, Any]]:
    for number in range(SLICES_EACH):
        kind = "signal" if number < SLICES_EACH - 2 else "noise"
        start = number * 55_125
        yield {"recording_id": recording_id, "kind": kind, "start": start, "length": 110_250, "signal_fraction": 0.5}


def step(settings: Settings, name: str) -> dict[str, Any]:
    """One of STEPS in this process: seconds, peak memory in MB (10^6 bytes) before and after it, and what came out."""
    storage = storage_from(settings)
    (settings.data_dir / "frozen").touch()
    key = (settings.data_dir / "frozen").read_text()
    before, began, worked = _peak_mb(), time.perf_counter(), time.process_time()
    if name == "freeze":
        with snapshot(settings) as session:
            frozen = freeze(session, storage, Selection())
        (settings.data_dir / "frozen").write_text(frozen.file_key)
        result = f"{frozen.summary.slices + frozen.summary.noise_slices} slices, {frozen.summary.groups} groups"
    elif name == "read":
        result = f"{len(read_dataset(storage.existing(key)).recordings)} recordings"
    else:
        pieces = table_of(storage.existing(key), "0" * 64, CsvTable if name == "csv" else ParquetTable)
        result = f"{sum(map(len, pieces)) / 1e6:.1f} MB"
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "mb_before": before, "mb": _peak_mb(), "result": result}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measure(given: dict[str, str], recordings: int) -> dict[str, Any]:
    """All steps under these settings."""
    settings = Settings.model_validate(given)
    settings.data_dir.mkdir()
    fill(settings, recordings)
    figures = {}
    for name in STEPS:
        command = [sys.executable, "-m", "bench.datasets", "--step", name, "--settings", json.dumps(given)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures[name] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recordings", type=int, default=100_000)
    arguments.add_argument("--step", help=argparse.SUPPRESS)
    arguments.add_argument("--settings", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.step:
        print(json.dumps(step(Settings.model_validate_json(given.settings), given.step)))
        return
    figures = {}
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        figures["sqlite"] = measure({"data_dir": str(root / "sqlite")}, given.recordings)
        (root / "postgres").mkdir()
        server = Postgres(root / "postgres")
        server.start()
        try:
            settings = {"data_dir": str(root / "postgresql"), "database_url": server.url()}
            figures["postgresql"] = measure(settings, given.recordings)
        finally:
            server.stop()
    print(f"{given.recordings:,} recordings, {given.recordings * SLICES_EACH:,} slices, {SPECIES} species")
    print(f"{'database':12}{'step':10}{'seconds':>10}{'of CPU':>10}{'MB':>8}{'of it at start':>16}   result")
    for database, steps in figures.items():
        for name, of in steps.items():
            times = f"{of['seconds']:10.1f}{of['cpu_seconds']:10.1f}"
            print(f"{database:12}{name:10}{times}{of['mb']:8.0f}{of['mb_before']:16.0f}   {of['result']}")
    write_results("datasets", {"recordings": given.recordings, **figures})


if __name__ == "__main__":
    main()
