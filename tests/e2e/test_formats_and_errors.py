"""What people send to `POST /classify`: the formats of recorders, phones and browsers, and what is no recording."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
import soundfile

from shared.audio.decode import decode
from tests.support.sounds import RATE, SPECIES, chirps
from tests.support.stack import Stack

BLOCK = 65_536
"""libsndfile 1.2.2 crashes when a long MP3 or OGG is written in one call."""


@pytest.fixture(scope="module")
def sound(garden_recording: Path) -> np.ndarray:
    return decode(garden_recording)[0]


def by_libsndfile(sound: np.ndarray, **options: str) -> bytes:
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", RATE, 1, **options) as file:
        for start in range(0, len(sound), BLOCK):
            file.write(sound[start : start + BLOCK])
    return content.getvalue()


def by_ffmpeg(sound: np.ndarray, container: str, codec: str, rate: int) -> bytes:
    content = io.BytesIO()
    with av.open(content, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate)
        whole = av.AudioFrame.from_ndarray((sound * 32_767).astype(np.int16)[None], format="s16", layout="mono")
        whole.sample_rate = RATE
        fifo = av.AudioFifo()
        for frame in [*resampler.resample(whole), *resampler.resample(None)]:
            fifo.write(frame)
        for frame in [*fifo.read_many(stream.frame_size or 960), *filter(None, [fifo.read(partial=True)])]:
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return content.getvalue()


def test_every_format_gives_the_same_first_species(stack: Stack, garden_recording: Path, sound: np.ndarray) -> None:
    versions = {
        "original.mp3": garden_recording.read_bytes(),
        "wav": by_libsndfile(sound, format="WAV", subtype="PCM_16"),
        "flac": by_libsndfile(sound, format="FLAC"),
        "ogg": by_libsndfile(sound, format="OGG", subtype="VORBIS"),
        "mp3": by_libsndfile(sound, format="MP3"),
        "m4a": by_ffmpeg(sound, "ipod", "aac", 44_100),
        "webm": by_ffmpeg(sound, "webm", "libopus", 48_000),
    }
    firsts = {}
    for name, content in versions.items():
        response = stack.send("POST", "/classify", content=content)
        assert response.status_code == 200, f"{name}: {response.text}"
        answer = response.json()
        assert answer["recording"]["seconds"] == pytest.approx(len(sound) / RATE, abs=0.15), name
        assert len(answer["ranking"]) == 5
        firsts[name] = answer["ranking"][0]["species"]
    assert set(firsts.values()) == {"Fringilla coelebs"}, firsts


def wav(sound: np.ndarray, rate: int = RATE) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, sound, rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


def hour_of_silence() -> bytes:
    content = io.BytesIO()
    with soundfile.SoundFile(content, "w", RATE, 1, format="FLAC") as file:
        for _ in range(60):
            file.write(np.zeros(60 * RATE, dtype=np.int16))
    return content.getvalue()


BAD = {
    "not audio": (lambda: b"Dear Sir or Madam, " * 100, 415, "not-audio"),
    "a web page": (lambda: b"<!doctype html><p>Not found</p>", 415, "not-audio"),
    "random bytes": (lambda: np.random.default_rng(0).bytes(50_000), 415, "not-audio"),
    "empty": (lambda: b"", 422, "empty-audio"),
    "one sample": (lambda: wav(np.array([0.5], dtype=np.float32)), 422, "recording-too-short"),
    "only a header": (lambda: wav(chirps(SPECIES[0], 1.0))[:44], 422, "empty-audio"),
    "100 channels": (lambda: wav(np.full((RATE, 100), 0.1, dtype=np.float32)), 422, "unsupported-audio"),
    "silence": (lambda: wav(np.zeros(5 * RATE, dtype=np.float32)), 422, "silent-recording"),
    "an hour of silence": (hour_of_silence, 413, "recording-too-long"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_classified_gets_a_reason_and_a_way_out(stack: Stack, name: str) -> None:
    make, status, code = BAD[name]
    response = stack.send("POST", "/classify", content=make())
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["detail"]
    assert problem["hint"], "it says what would work"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert stack.send("GET", "/healthz").status_code == 200


def test_a_truncated_recording_is_classified_as_far_as_it_goes(stack: Stack, garden_recording: Path) -> None:
    content = garden_recording.read_bytes()
    answer = stack.send("POST", "/classify", content=content[: len(content) // 2])
    assert answer.status_code == 200
    whole = stack.send("POST", "/classify", content=content).json()
    assert 0 < answer.json()["recording"]["seconds"] < whole["recording"]["seconds"]


def test_a_wav_that_promises_more_than_it_holds_says_so(stack: Stack) -> None:
    content = wav(chirps(SPECIES[0], 10.0))
    answer = stack.send("POST", "/classify", content=content[: len(content) // 2]).json()
    assert answer["recording"]["seconds"] == pytest.approx(5.0, abs=0.1)
    assert answer["recording"]["warnings"]


def test_two_gigabytes_are_refused_while_the_server_goes_on(stack: Stack, garden_recording: Path) -> None:
    """With a declared length at once; without one as soon as the limit is passed."""
    head = f"POST /classify HTTP/1.1\r\nHost: x\r\nContent-Length: {2 << 30}\r\n\r\n"
    assert b" 413 " in raw_exchange(stack.port, head.encode())

    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 2 << 30:
            sent += 1 << 20
            yield bytes(1 << 20)

    try:
        response = httpx.post(f"{stack.url}/classify", content=endless(), timeout=120)
        assert response.status_code == 413
        assert response.json()["code"] == "body-too-large"
    except (httpx.WriteError, httpx.ReadError):
        pass  # it closed the connection on us in the middle, as it may
    assert sent < 600 << 20, "it stopped reading soon after its limit"
    assert stack.send("POST", "/classify", content=garden_recording.read_bytes()).status_code == 200


def raw_exchange(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(4096)


def test_unknown_paths_and_methods_are_problems_too(stack: Stack) -> None:
    for method, path, status in (("GET", "/nothing", 404), ("DELETE", "/classify", 405), ("GET", "/jobs/none", 404)):
        response = stack.send(method, path)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


def test_nothing_is_left_of_an_upload_after_its_answer(stack: Stack) -> None:
    stack.send("POST", "/classify", content=wav(chirps(SPECIES[0], 3.0)))
    stack.send("POST", "/classify", content=b"no sound at all, only words")
    assert list((stack.data_dir / "scratch").iterdir()) == []
