"""Preparing one recording: what is stored, twice, and of a recording that cannot be used."""

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlalchemy import select

from services.preprocess.tasks import WORKER
from shared import jobs
from shared.audio.wav import open_prepared
from shared.db.engine import SyncSessions
from shared.db.tables import Job, Recording, Section, Slice, Species
from shared.prepared import decoder
from shared.settings import Settings
from shared.storage import storage_from
from shared.worker import Runtime
from tests.support.sounds import RATE, SPECIES, chirps
from tests.support.waiting import until


@pytest.fixture(scope="module", autouse=True)
def _decoder_ends() -> Iterator[None]:
    yield
    decoder().close()
    decoder.cache_clear()


@pytest.fixture
def runtime(database_settings: Settings, sessions: SyncSessions) -> Iterator[Runtime]:
    made = Runtime(database_settings)
    yield made
    made.engine.dispose()


@pytest.fixture
def run(runtime: Runtime, sessions: SyncSessions, tmp_path: Path) -> Callable[..., Job]:
    def run_once(recording_id: str, preset: str | None = None) -> Job:
        with sessions.begin() as session:
            payload = {"recording_id": recording_id, "preset": preset}
            job_id = jobs.submit(session, "preprocess.prepare", payload, max_attempts=2).id
        runtime.answer(WORKER)
        with sessions() as session:
            return session.get_one(Job, job_id)

    return run_once


@pytest.fixture
def add(sessions: SyncSessions, database_settings: Settings, tmp_path: Path) -> Callable[[np.ndarray], str]:
    def add_recording(sound: np.ndarray) -> str:
        soundfile.write(tmp_path / "original.wav", sound, RATE)
        with (tmp_path / "original.wav").open("rb") as stream:
            stored = storage_from(database_settings).add_content("originals", stream, ".wav")
        with sessions.begin() as session:
            recording = Recording(
                sha256=stored.sha256,
                original_key=stored.key,
                original_name="original.wav",
                size=stored.size,
                source="folder",
            )
            session.add(recording)
        return recording.id

    return add_recording


def test_a_song_becomes_prepared_audio_sections_and_slices(
    run: Callable[[str], Job], add: Callable[[np.ndarray], str], sessions: SyncSessions, database_settings: Settings
) -> None:
    sound = chirps(SPECIES[0], 12.0)
    recording_id = add(sound)
    assert run(recording_id).state == "succeeded"
    with sessions() as session:
        recording = session.get_one(Recording, recording_id)
        slices = list(session.scalars(select(Slice).where(Slice.recording_id == recording_id).order_by(Slice.start)))
        sections = list(session.scalars(select(Section).where(Section.recording_id == recording_id)))
    signal = sum(one.end - one.start for one in sections if one.kind == "signal")
    assert signal > 0
    assert recording.signal_seconds == pytest.approx(signal / RATE)
    assert recording.segmentation == "contrast"
    assert [one.start for one in slices] == [0, 55_125, 110_250, 165_375], "every 2.5 s, the last with what is left"
    assert slices[-1].start + slices[-1].length == len(sound)
    assert (recording.sample_rate, recording.channels) == (RATE, 1)
    prepared = open_prepared(storage_from(database_settings).existing(str(recording.prepared_key)))
    assert len(prepared) == recording.prepared_samples == len(sound)
    np.testing.assert_allclose(prepared / 32_768, sound, atol=2e-4)


def test_preparing_again_gives_the_same_and_nothing_twice(
    run: Callable[[str], Job], add: Callable[[np.ndarray], str], sessions: SyncSessions
) -> None:
    recording_id = add(chirps(SPECIES[1], 8.0))
    found = []
    for _ in range(2):
        assert run(recording_id).state == "succeeded"
        with sessions() as session:
            rows = session.scalars(select(Slice).where(Slice.recording_id == recording_id).order_by(Slice.start))
            found.append([(one.kind, one.start, one.length) for one in rows])
    assert found[0] == found[1]
    assert found[0]


def test_marked_sections_are_the_signal_and_each_species_has_its_slices(
    run: Callable[[str], Job], add: Callable[[np.ndarray], str], sessions: SyncSessions
) -> None:
    recording_id = add(chirps(SPECIES[0], 12.0))
    with sessions.begin() as session:
        session.add_all([Species(scientific_name="Turdus merula"), Species(scientific_name="Pica pica")])
        recording = session.get_one(Recording, recording_id)
        recording.label = "Turdus merula"
        recording.annotations = [
            {"start": 1.0, "end": 1.5, "species": "Turdus merula"},
            {"start": 1.2, "end": 6.0, "species": "Pica pica"},
            {"start": 11.0, "end": 99.0, "species": ""},
        ]
    assert run(recording_id).state == "succeeded"
    with sessions() as session:
        recording = session.get_one(Recording, recording_id)
        signal = [(one.label, one.start, one.end) for one in recording.sections if one.kind == "signal"]
        slices = {(one.label, one.start // 55_125) for one in recording.slices if one.kind == "signal"}
    assert recording.segmentation == "given"
    assert signal == [("", 22_050, 33_075), ("Pica pica", 26_460, 132_300), ("", 242_550, 264_600)]
    assert slices == {("", 0), ("Pica pica", 0), ("Pica pica", 1), ("Pica pica", 2), ("", 3)}
    assert recording.signal_seconds == pytest.approx(5.0 + 1.0)


def test_another_preset_is_used_when_asked_for_and_the_samples_have_one_hash(
    run: Callable[..., Job], add: Callable[[np.ndarray], str], sessions: SyncSessions, database_settings: Settings
) -> None:
    recording_id = add(chirps(SPECIES[0], 8.0))
    seen = []
    for preset in ("sprengel2016", None):
        assert run(recording_id, preset=preset).state == "succeeded"
        with sessions() as session:
            recording = session.get_one(Recording, recording_id)
            seen.append((recording.segmentation, recording.prepared_sha256))
    path = storage_from(database_settings).existing(str(recording.prepared_key))
    digest = hashlib.sha256(open_prepared(path).tobytes()).hexdigest()
    assert seen == [("sprengel2016", digest), ("contrast", digest)]


def test_a_long_decode_ends_soon_when_its_job_is_cancelled(
    run: Callable[..., Job], runtime: Runtime, add: Callable[[np.ndarray], str], sessions: SyncSessions
) -> None:
    recording_id = add(chirps(SPECIES[0], 1.0))
    run(recording_id)
    (child,) = decoder().processes()
    os.kill(child, signal.SIGSTOP)  # as long as decoding can take
    with sessions.begin() as session:
        job_id = jobs.submit(session, "preprocess.prepare", {"recording_id": recording_id}, max_attempts=2).id

    def decoding() -> bool:
        with sessions() as session:
            return session.get_one(Job, job_id).progress_message == "decoding"

    with ThreadPoolExecutor(1) as executor:
        running = executor.submit(runtime.answer, WORKER)
        until(decoding, seconds=20)
        with sessions.begin() as session:
            jobs.cancel(session, job_id)
        running.result(timeout=8)
    with sessions() as session:
        assert session.get_one(Job, job_id).state == "cancelled"
    assert decoder().processes() == []


def test_silence_fails_for_good_with_a_reason_and_leaves_no_file(
    run: Callable[[str], Job], add: Callable[[np.ndarray], str], database_settings: Settings
) -> None:
    job = run(add(np.zeros(5 * RATE, dtype=np.float32)))
    assert (job.state, job.error_code) == ("failed", "silent-recording")
    assert not list(storage_from(database_settings).keys("prepared"))
