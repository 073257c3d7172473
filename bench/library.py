"""`make bench-library`: how fast the API answers with a million recordings and twenty million sections in the tables.

A PostgreSQL of its own is filled by its own SQL, then asked through the real API process, one request at a time. Beside
each answer stands whether a big table was read from end to end for it.
"""

# ruff: noqa: S608 (SQL of our own constants)

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx
from sqlalchemy import Connection, Engine, text

from bench.results import write_results
from shared import jobs
from shared.db.engine import sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.settings import Settings
from tests.support.servers import Postgres, free_port
from tests.support.waiting import until

BIG = ("recordings", "sections", "slices", "jobs", "job_events", "ingestion_items")
SECTIONS, SLICES, EVENTS = 20, 5, 3
"""Of each recording, and of each job."""
CHUNK = 50_000
QUEUED = 10_000
SPECIES, RECORDISTS, COUNTRIES = 500, 2_000, 60

# Species, recordists and countries are unequally common, as in archives: the share falls with the rank.
RECORDINGS_SQL = f"""
INSERT INTO recordings (id, sha256, original_key, original_name, size, label, secondary, source, source_url, xc_id,
  recordist, licence, country, locality, latitude, longitude, recorded_on, recorded_time, quality, details,
  prepared_key, prepared_samples, segmentation, signal_seconds, format, sample_rate, channels, seconds, warnings,
  created_at, prepared_at)
SELECT md5(i::text), md5(i::text) || md5((-i)::text), 'originals/' || md5(i::text), 'XC' || i || '.mp3', 900000,
  'Avis species' || floor({SPECIES} * power(random(), 3)), '[]', 'xeno-canto', 'https://xeno-canto.org/' || i, i::text,
  'Recordist ' || floor({RECORDISTS} * power(random(), 3)),
  (ARRAY['CC BY-NC-SA 4.0', 'CC BY-NC-ND 4.0', 'CC BY-SA 4.0', 'CC BY 4.0', 'CC0 1.0'])[1 + floor(5 * random())],
  'Country ' || floor({COUNTRIES} * power(random(), 2)), 'Locality ' || i % 9973,
  180 * random() - 90, 360 * random() - 180, date '2005-01-01' + (7000 * random())::int, '05:30',
  (ARRAY['A', 'A', 'B', 'B', 'C', 'D', 'E', NULL])[1 + floor(8 * random())],
  '{{"type": "song", "rmk": "bird seen"}}', 'prepared/' || md5(i::text), 1323000, 'contrast', 20 * random(), 'mp3',
  44100, 2, 60, '[]', timestamptz '2026-01-01' + i * interval '10 seconds', timestamptz '2026-06-01'
FROM generate_series(CAST(:first AS int), :last) i"""

SECTIONS_SQL = f"""
INSERT INTO sections (recording_id, kind, start, "end")
SELECT md5(i::text), CASE WHEN s % 4 = 3 THEN 'noise' ELSE 'signal' END, s * 66150, s * 66150 + 44100
FROM generate_series(CAST(:first AS int), :last) i, generate_series(0, {SECTIONS - 1}) s"""

SLICES_SQL = f"""
INSERT INTO slices (recording_id, kind, start, length, signal_fraction)
SELECT md5(i::text), 'signal', s * 110250, 110250, 0.5
FROM generate_series(CAST(:first AS int), :last) i, generate_series(0, {SLICES - 1}) s"""

JOBS_SQL = """
INSERT INTO jobs (id, kind, queue, state, payload, result, fence, attempts, max_attempts, not_before, cancel_requested,
  progress_done, progress_message, created_at, updated_at, started_at, finished_at)
SELECT md5('job' || i), 'preprocess.prepare', 'preprocess', CASE WHEN i % 1000 = 0 THEN 'dead' ELSE 'succeeded' END,
  '{}', '{"sections": 20, "slices": 5}', 1, 1, 4, moment, false, 3, '', moment, moment, moment, moment
FROM generate_series(CAST(:first AS int), :last) i,
  LATERAL (SELECT timestamptz '2026-01-01' + i * interval '10 seconds' AS moment) then_"""

EVENTS_SQL = f"""
INSERT INTO job_events (job_id, at, kind, data)
SELECT md5('job' || i), timestamptz '2026-01-01' + i * interval '10 seconds',
  (ARRAY['queued', 'running', 'succeeded'])[e], '{{}}'
FROM generate_series(CAST(:first AS int), :last) i, generate_series(1, {EVENTS}) e"""

QUEUED_SQL = f"""
WITH made AS (
  INSERT INTO jobs (id, kind, queue, state, priority, payload, fence, attempts, max_attempts, not_before,
    cancel_requested, progress_done, progress_message, created_at, updated_at)
  SELECT md5('queued' || i), 'preprocess.prepare', 'preprocess', 'queued', 9, '{{}}', 0, 0, 4, now(), false, 0, '',
    now(), now()
  FROM generate_series(1, {QUEUED}) i RETURNING id)
INSERT INTO outbox (job_id, queue, publish_at) SELECT id, 'preprocess', now() FROM made"""

# The oldest tenth came by it, and it ended when they were in.
INGESTION_SQL = (
    """INSERT INTO jobs (id, kind, queue, state, payload, fence, attempts, max_attempts, not_before, cancel_requested,
  progress_done, progress_total, progress_message, created_at, updated_at, started_at, finished_at)
SELECT md5('import'), 'ingest.run', 'ingest', 'succeeded', '{}', 1, 1, 4, ended, false, 1, 1, '', ended, ended, ended,
  ended
FROM (SELECT timestamptz '2026-01-01' + count(*) / 10 * interval '10 seconds' AS ended FROM recordings) tenth""",
    """INSERT INTO ingestions (id, job_id, source, parameters, created_at)
SELECT md5('ingestion'), id, 'xeno-canto', '{}', created_at FROM jobs WHERE id = md5('import')""",
    """INSERT INTO ingestion_items (ingestion_id, path, label, outcome, recording_id, job_id)
SELECT md5('ingestion'), 'XC' || i, 'Avis species1', 'accepted', md5(i::text), md5('job' || i)
FROM (SELECT generate_series(1, count(*) / 10) AS i FROM recordings) tenth""",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=30, help="of each kind")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="chiffchaff-postgres-") as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        try:
            figures = measure(postgres, asked.recordings, asked.requests)
        finally:
            postgres.stop()
    print(f"\nWritten to {write_results('library', figures)}")


def measure(postgres: Postgres, recordings: int, requests: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="chiffchaff-library-") as data:
        settings = Settings.model_validate({"data_dir": data, "database_url": postgres.url()})
        engine = sync_engine(settings)
        migrate(engine)
        begin = time.monotonic()
        fill(engine, recordings)
        print(f"\nFilled in {time.monotonic() - begin:.0f} s")
        sizes = sizes_of(engine)
        print(f"{'':34}{'p50 ms':>9}{'p99 ms':>9}  read from end to end")
        with api(postgres, Path(data)) as client:
            answers = {name: ask(engine, client, name, path, requests) for name, path in paths(client).items()}
        statements = time_statements(engine, requests)
        engine.dispose()
    return {"recordings": recordings, **sizes, "requests": answers, "statements": statements}


def fill(engine: Engine, recordings: int) -> None:
    """A library of prepared recordings, as many ended jobs, some queued ones, and an import."""
    with engine.begin() as connection:
        connection.execute(text("SELECT setseed(0.2019)"))
        connection.execute(
            text(
                "INSERT INTO species (scientific_name, common_name, names) "
                f"SELECT 'Avis species' || i, 'Bird ' || i, '{{}}' FROM generate_series(0, {SPECIES}) i"
            )
        )
    with engine.connect() as connection, indexes_later(connection):
        for first in range(1, recordings + 1, CHUNK):
            span = {"first": first, "last": min(recordings, first + CHUNK - 1)}
            for statement in (RECORDINGS_SQL, SECTIONS_SQL, SLICES_SQL, JOBS_SQL, EVENTS_SQL):
                connection.execute(text(statement), span)
            connection.commit()
            print(f"\r{span['last']:,} recordings, {span['last'] * SECTIONS:,} sections", end="", flush=True)
        print(" ... indexes", end="", flush=True)
    with engine.begin() as connection:
        for statement in (QUEUED_SQL, *INGESTION_SQL):
            connection.execute(text(statement))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def indexes_later(connection: Connection) -> Iterator[None]:
    """Indexes of the largest tables are made once all rows are in; foreign keys are not looked up row by row."""
    connection.execute(text("SET session_replication_role = replica"))
    unique = connection.execute(
        text(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'u' AND conrelid IN ('sections'::regclass, 'slices'::regclass)"
        )
    ).all()
    for table, name, _ in unique:
        connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
    connection.commit()
    yield
    for table, name, definition in unique:
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"))
    connection.execute(text("SET session_replication_role = origin"))
    connection.commit()


def sizes_of(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        rows = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in BIG}
        size = int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    print(", ".join(f"{count:,} {table}" for table, count in rows.items()))
    print(f"{size / 1e9:.1f} GB, {size / (rows['recordings'] or 1):,.0f} bytes a recording with all that belongs to it")
    return {"rows": rows, "database_bytes": size}


@contextmanager
def api(postgres: Postgres, folder: Path) -> Iterator[httpx.Client]:
    port = free_port()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHIFFCHAFF_")}
    environment = {"CHIFFCHAFF_DATA_DIR": str(folder), "CHIFFCHAFF_DATABASE_URL": postgres.url()}
    command = [sys.executable, "-m", "uvicorn", "--factory", "services.ingest.api:create_app", "--port", str(port)]
    process = subprocess.Popen(command, env={**inherited, **environment}, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            until(lambda: _answers(client), what="/healthz")
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def paths(client: httpx.Client) -> dict[str, str]:
    """What is asked for: the lists that people page through, by each of their filters, and the details."""
    return {
        "recordings, first page": "/recordings",
        "recordings, page 2,000": f"/recordings?cursor={_cursor_after(client, pages=200, limit=500)}",
        "... of a common species": "/recordings?species=Avis species1",
        "... of a rare species": "/recordings?species=Avis species499",
        "... of quality A": "/recordings?quality=A",
        "... under CC BY": "/recordings?licence=CC BY",
        "... without NoDerivatives": "/recordings?no_derivatives=exclude",
        "... of a rare recordist": "/recordings?recordist=Recordist 1999",
        "... of a country": "/recordings?country=Country 59",
        "... in a box of 1 degree": "/recordings?box=50,8,51,9",
        "... of one week": "/recordings?recorded_from=2015-05-01&recorded_to=2015-05-07",
        "... by Xeno-canto number": "/recordings?xc_id=4711",
        "... of species and quality": "/recordings?species=Avis species400&quality=A",
        "... by a rare word": "/recordings?text=XC999999",
        "... not prepared": "/recordings?prepared=false",
        "... of the import": f"/recordings?ingestion_id={_md5('ingestion')}",
        "recordings, count": "/recordings/count",
        "one recording": f"/recordings/{_md5('77')}",
        "its sections": f"/recordings/{_md5('77')}/sections",
        "species": "/species",
        "jobs, first page": "/jobs",
        "jobs that are dead": "/jobs?state=dead",
        "one job": f"/jobs/{_md5('job77')}",
        "an import of a tenth": f"/ingestions/{_md5('ingestion')}",
    }


def _md5(of: str) -> str:
    return hashlib.md5(of.encode(), usedforsecurity=False).hexdigest()


def _cursor_after(client: httpx.Client, *, pages: int, limit: int) -> str:
    cursor = ""
    for _ in range(pages):
        following = client.get("/recordings", params={"limit": limit, **({"cursor": cursor} if cursor else {})})
        cursor = following.json()["next"] or cursor
    return cursor


def ask(engine: Engine, client: httpx.Client, name: str, path: str, requests: int) -> dict[str, Any]:
    """Milliseconds of one request after the other, and which big tables were read in whole for them."""

    def once() -> None:
        client.get(path).raise_for_status()

    return timed(engine, name, once, requests)


def time_statements(engine: Engine, requests: int) -> dict[str, Any]:
    """What the workers and the relay do all the time, with the backlog and the history in the table."""
    sessions = sync_sessions(engine)

    def claim_and_end() -> None:
        with sessions.begin() as session:
            held = jobs.claim(session, "preprocess", worker="bench", lease_seconds=30)
            assert held is not None
        with sessions.begin() as session:
            jobs.succeed(session, held)

    def reap() -> None:
        with sessions.begin() as session:
            jobs.reap(session)

    def count() -> None:
        with sessions() as session:
            jobs.waiting(session, "preprocess", at_most=QUEUED)

    def queue() -> None:
        with sessions.begin() as session:
            jobs.submit(session, "preprocess.prepare", {}, max_attempts=4)

    work = {"a job queued": queue, "a job claimed and ended": claim_and_end, "leases looked at": reap}
    return {name: timed(engine, name, do, requests) for name, do in {**work, "the backlog counted": count}.items()}


def timed(engine: Engine, name: str, once: Callable[[], None], times: int) -> dict[str, Any]:
    once()  # plans and pages of the first time are not the question
    before = scans(engine)
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        once()
        taken.append(1000 * (time.perf_counter() - begin))
    time.sleep(1.2)  # a server process tells its counts once a second
    read_whole = sorted(table for table, count in scans(engine).items() if count > before[table])
    p50, p99 = median(taken), quantiles(taken, n=100, method="inclusive")[98]
    print(f"{name:34}{p50:9.1f}{p99:9.1f}  {', '.join(read_whole)}")
    return {"p50_ms": round(p50, 2), "p99_ms": round(p99, 2), "read_from_end_to_end": read_whole}


def scans(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT relname, seq_scan FROM pg_stat_user_tables")).all()
    return {row[0]: row[1] for row in rows if row[0] in BIG}


if __name__ == "__main__":
    main()
