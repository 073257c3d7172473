"""One recording, from its file to its result, with a model that knows three pitches."""

import struct
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.inference.analysis import Analyst
from services.inference.classifier import Classifier, load_classifier
from services.inference.results.model import FailedRecording, RecordingResult
from services.inference.schemas import ClassifyQuery
from shared.audio.report import DEFAULT_LIMITS
from shared.audio.sandbox import DecoderPool
from shared.errors import StorageFull
from shared.model_file import sha256_of
from tests.services.inference.conftest import HIGH, LOW, encoded, manifest, song, write_pitch_model

Make = Callable[..., Analyst]


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    with DecoderPool(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    path = write_pitch_model(tmp_path_factory.mktemp("model") / "model.pt", manifest())
    return load_classifier(path, sha256_of(path), model_id="id", name="pitches", version=1, threads=1)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def make(classifier: Classifier, decoders: DecoderPool, scratch: Path) -> Make:
    def made(**query: Any) -> Analyst:
        return Analyst(classifier, classifier.parameters(ClassifyQuery(**query)), decoders, scratch, DEFAULT_LIMITS)

    return made


def write(path: Path, samples: Any, **more: Any) -> Path:
    path.write_bytes(encoded(samples, **more))
    return path


def test_a_recording_is_heard_and_dated_and_nothing_is_left_of_it(make: Make, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "20240501_053000.wav", song(LOW, HIGH, rate=44_100), rate=44_100)
    shares: list[float] = []
    result = make(merge=0).result(path, "dawn/20240501_053000.wav", shares.append)
    assert isinstance(result, RecordingResult)
    assert (result.file, result.seconds, result.sample_rate, result.channels) == (
        "dawn/20240501_053000.wav",
        10.0,
        44_100,
        1,
    )
    assert (result.recorded_at, result.recorded_at_from) == (datetime(2024, 5, 1, 5, 30), "file name")
    assert result.outcome == "species"
    assert [(one.species, one.start, one.end) for one in result.detections] == [
        ("Avis ima", 0.0, 7.5),
        ("Avis summa", 2.5, 10.0),
    ]
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1
    assert list(scratch.iterdir()) == []


def test_silence_is_a_result_in_which_nothing_is_detected(make: Make, tmp_path: Path) -> None:
    result = make(min_confidence=0).result(write(tmp_path / "a.wav", np.zeros(66_150, np.float32)), "a.wav")
    assert isinstance(result, RecordingResult)
    assert (result.outcome, result.detections, result.ranking, result.seconds) == ("nothing", (), (), 3.0)
    assert result.warnings == ("All 3.0 s of the recording are silent.",)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty-audio"), (b"heard at six in the morning", "not-audio"), (None, "unreadable-recording")],
)
def test_what_cannot_be_heard_is_a_result_with_a_reason(
    make: Make, tmp_path: Path, scratch: Path, content: bytes | None, code: str
) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    result = make().result(path, "a.wav")
    assert isinstance(result, FailedRecording)
    assert (result.file, result.code) == ("a.wav", code)
    assert result.error
    assert list(scratch.iterdir()) == []


def test_the_recorder_s_place_goes_before_the_one_that_was_named(make: Make, tmp_path: Path) -> None:
    analyst = make(latitude=51.0, longitude=13.7)
    silent_of_it = write(tmp_path / "a.wav", song(LOW))
    said = b"GUANO|Version: 1.0\nLoc Position: -33.9 18.4\n"
    chunk = b"guan" + struct.pack("<I", len(said)) + said + b"\0" * (len(said) % 2)
    whole = silent_of_it.read_bytes() + chunk
    says_it = tmp_path / "b.wav"
    says_it.write_bytes(whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:])
    places = [(one.latitude, one.longitude) for one in map(_analysed(analyst), (silent_of_it, says_it))]
    assert places == [(51.0, 13.7), (-33.9, 18.4)]


def _analysed(analyst: Analyst) -> Callable[[Path], RecordingResult]:
    def result(path: Path) -> RecordingResult:
        heard = analyst.result(path, path.name)
        assert isinstance(heard, RecordingResult)
        return heard

    return result


def test_who_waits_no_more_ends_the_work(make: Make, tmp_path: Path, scratch: Path) -> None:
    def give_up(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make().result(write(tmp_path / "a.wav", song(LOW)), "a.wav", give_up)
    assert list(scratch.iterdir()) == []


def test_no_room_for_prepared_audio_is_no_fault_of_the_recording(make: Make, tmp_path: Path, scratch: Path) -> None:
    path = write(tmp_path / "a.wav", song(LOW, seconds=30.0))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", scratch], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        with pytest.raises(StorageFull, match="no room"):
            make().result(path, "a.wav")
        assert list(scratch.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", scratch], check=True)
