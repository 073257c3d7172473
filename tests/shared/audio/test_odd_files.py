"""Files as recorders, browsers and bad disks leave them: each is built here, small, with what must come of it."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soxr

from shared.audio import mpeg
from shared.audio.constants import SAMPLE_RATE
from shared.audio.decode import DecodeLimits, decode, decode_to_wav
from shared.errors import AudioError, CorruptAudio, EmptyAudio, NotAudio, SilentAudio, TooShort, UnsupportedAudio
from tests.support.sound_files import Sound, whistles

Make = Callable[..., Path]
Odd = Callable[[bytes], bytes]


def length_fields(riff: int | None = None, data: int | None = None) -> Odd:
    """The two lengths in a WAV header, set to what a recorder wrote there."""

    def change(content: bytes) -> bytes:
        changed = bytearray(content)
        for at, value in ((4, riff), (content.find(b"data") + 4, data)):
            if value is not None:
                changed[at : at + 4] = struct.pack("<I", value)
        return bytes(changed)

    return change


def at(offset: int, field: bytes) -> Odd:
    return lambda content: content[:offset] + field + content[offset + len(field) :]


def in_front(head: bytes) -> Odd:
    return lambda content: head + content


def behind(tail: bytes) -> Odd:
    return lambda content: content + tail


def id3(body: bytes, says: int | None = None) -> bytes:
    size = len(body) if says is None else says
    return b"ID3\x03\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def xing_frames(count: int) -> Odd:
    """The number of frames in an MP3's first frame, which is a tag that players trust."""

    def change(content: bytes) -> bytes:
        field = max(content.find(b"Xing"), content.find(b"Info")) + 8
        return at(field, struct.pack(">I", count))(content)

    return change


def flac_length(samples: int) -> Odd:
    """The 36 bits of a FLAC header that say how many samples there are."""
    return lambda content: at(21, bytes([content[21] & 0xF0]) + struct.pack(">I", samples))(content)


def hole(size: int, *, filled: bool = True) -> Odd:
    """Zeros in the middle: over what was there, or pushed in between."""
    return lambda content: (
        content[: len(content) // 2] + bytes(size) + content[len(content) // 2 + (size if filled else 0) :]
    )


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def twice(content: bytes) -> bytes:
    return 2 * content


PICTURE = id3(b"APIC" + struct.pack(">I", 300_000) + np.random.default_rng(0).bytes(300_000))
APE = b"APETAGEX" + struct.pack("<IIII", 2_000, 532, 1, 0xA000_0000) + bytes(508)
GOES_ON = "goes on where its header says it ends"
SHORT = "cut short"
DAMAGED = "damaged"
OPEN_END = 0xFFFF_FFFF

# Made from three seconds of whistles: kind, what happened to it, seconds that must come out, what must be said.
READABLE: dict[str, tuple[str, Odd, float, str]] = {
    "a recorder that never wrote a length": ("wav", length_fields(0, 0), 3, ""),
    "a recorder that never wrote the samples' length": ("wav-24", length_fields(data=0), 3, ""),
    "a recorder that streams": ("wav-float", length_fields(OPEN_END, OPEN_END), 3, ""),
    "a recorder that streams, with a sign": ("wav", length_fields(0x7FFF_F024, 0x7FFF_F000), 3, ""),
    "a RIFF length of zero": ("wav", length_fields(riff=0), 3, ""),
    "a data length beyond the file": ("wav", length_fields(data=1_000_000), 3, ""),
    "both lengths beyond the file": ("wav", length_fields(1_000_036, 1_000_000), 3, SHORT),
    "a data length from the last save": ("wav", length_fields(data=1_000), 3, GOES_ON),
    "an odd data length": ("wav", length_fields(data=100_001), 3, GOES_ON),
    "no block size": ("wav", at(32, b"\0\0"), 3, ""),
    "a list behind the samples": ("wav", behind(b"LIST" + struct.pack("<I", 2_000) + b"INFO" + bytes(1_996)), 3, ""),
    "zeros behind the samples": ("wav", behind(bytes(4_096)), 3, ""),
    "RF64 that was never closed": ("rf64", lambda content: content[:20] + bytes(24) + content[44:], 3, ""),
    "half an RF64": ("rf64", half, 1.5, SHORT),
    "half a W64": ("w64", half, 1.5, SHORT),
    "half an AU": ("au", half, 1.5, SHORT),
    "half a CAF": ("caf", half, 1.5, SHORT),
    "half an AIFF": ("aiff", half, 1.5, SHORT),
    "a WAV behind a tag": ("wav", in_front(id3(bytes(128))), 3, ""),
    "a FLAC behind a tag": ("flac", in_front(PICTURE), 3, ""),
    "a FLAC from a pipe": ("flac", flac_length(0), 3, ""),
    "a FLAC with too small a length": ("flac", flac_length(44_100), 3, GOES_ON),
    "a FLAC with a hole": ("flac", hole(3_000), 2.9, DAMAGED),
    "two FLACs in one": ("flac", twice, 6, DAMAGED),
    "half a FLAC": ("flac", half, 1.5, DAMAGED),
    "two OGGs in one": ("ogg", twice, 6, GOES_ON),
    "two Opus files in one": ("ogg-opus", twice, 6, GOES_ON),
    "an MP3 with a picture": ("mp3", in_front(PICTURE), 3, ""),
    "an MP3 with two tags": ("mp3", in_front(id3(bytes(500)) + id3(bytes(300))), 3, ""),
    "an MP3 behind an APE tag": ("mp3", in_front(APE), 3.05, ""),
    "an MP3 before an APE tag": ("mp3", behind(APE + b"TAG" + bytes(125)), 3, ""),
    "an MP3 behind a tag of the wrong length": ("mp3", in_front(id3(bytes(5_000), says=100)), 3.05, ""),
    "an MP3 behind a server's answer": (
        "mp3",
        in_front(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n"),
        3.05,
        "",
    ),
    "two MP3s in one": ("mp3", twice, 6.05, GOES_ON),
    "an MP3 whose tag counts no frames": ("mp3", xing_frames(0), 3, GOES_ON),
    "an MP3 whose tag counts ten frames": ("mp3", xing_frames(10), 3, GOES_ON),
    "an MP3 whose tag counts every frame there can be": ("mp3", xing_frames(OPEN_END), 3, SHORT),
    "an MP3 with a hole": ("mp3", hole(5_000, filled=False), 3, DAMAGED),
}


@pytest.mark.parametrize("case", READABLE)
def test_what_can_be_read_of_an_odd_file_is_read_and_the_rest_said(recording: Make, case: str) -> None:
    kind, change, seconds, said = READABLE[case]
    path = recording(kind, whistles(3.0, 48_000), rate=48_000) if kind == "ogg-opus" else recording(kind)
    path.write_bytes(change(path.read_bytes()))
    samples, report = decode(path)
    assert np.isfinite(samples).all()
    assert len(samples) == pytest.approx(seconds * SAMPLE_RATE, abs=0.08 * SAMPLE_RATE)
    assert [said in warning for warning in report.warnings] == [True] * bool(said)


# Kind, what happened to it, the error, what it must say.
UNREADABLE: dict[str, tuple[str, Odd, type[AudioError], str]] = {
    "only the head of a WAV": ("wav", lambda content: content[:44], EmptyAudio, "no sound"),
    "half the head of a WAV": ("wav", lambda content: content[:20], CorruptAudio, "nothing of it"),
    "no channel": ("wav", at(22, b"\0\0"), CorruptAudio, "nothing of it"),
    "65,535 channels": ("wav", at(22, b"\xff\xff"), CorruptAudio, "nothing of it"),
    "no rate": ("wav", at(24, bytes(4)), CorruptAudio, "nothing of it"),
    "a rate of 1 Hz": ("wav", at(24, b"\1\0\0\0"), UnsupportedAudio, "1 Hz"),
    "no bits": ("wav", at(34, b"\0\0"), CorruptAudio, "nothing of it"),
    "an unknown codec": ("wav", at(20, b"\xfe\x7f"), CorruptAudio, "nothing of it"),
    "a WAV that is said to hold an MP3": ("wav", at(20, b"\x55\0"), TooShort, "sound"),
    "only a tag": ("mp3", lambda content: id3(bytes(500)), EmptyAudio, "ID3 tag and no sound"),
    "half a tag": ("mp3", lambda content: id3(bytes(500), says=5_000), EmptyAudio, "ID3 tag and no sound"),
    "a tag before a text": ("mp3", lambda content: id3(bytes(9)) + b"Dear birds. " * 9, NotAudio, "text"),
    "a tag before noise": ("mp3", lambda content: id3(bytes(9)) + bytes(3_000), CorruptAudio, "nothing of it"),
    "an m4a from a shop": ("m4a", lambda content: content.replace(b"mp4a", b"drms"), UnsupportedAudio, "encrypted"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_refused_with_the_reason(recording: Make, case: str) -> None:
    kind, change, error, said = UNREADABLE[case]
    path = recording(kind)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(error, match=said) as caught:
        decode(path)
    assert caught.value.hint


def test_an_encrypted_track_is_named_as_such(recording: Make) -> None:
    key = "00112233445566778899aabbccddeeff"
    path = recording(
        "mp4",
        options={"encryption_scheme": "cenc-aes-ctr", "encryption_key": key, "encryption_kid": key},
    )
    with pytest.raises(UnsupportedAudio, match="encrypted"):
        decode(path)


def test_a_header_that_promises_more_than_the_file_can_hold_is_not_taken_at_its_word(recording: Make) -> None:
    path = recording("mp3")
    path.write_bytes(xing_frames(1_000_000)(path.read_bytes()))
    _, report = decode(path, DecodeLimits(max_seconds=10))
    assert report.seconds == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("kind", ["mp3", "ogg", "flac"])
def test_a_rate_that_changes_on_the_way_ends_the_recording_with_a_warning(recording: Make, kind: str) -> None:
    path, other = recording(kind), recording(kind, rate=32_000)
    path.write_bytes(path.read_bytes() + other.read_bytes())
    _, report = decode(path)
    assert report.seconds == pytest.approx(3, abs=0.1)
    assert [warning.rpartition(":")[2] for warning in report.warnings] == [" 3.0 s of the recording could be read."]


def test_channels_that_come_and_go_are_mixed_as_they_are(recording: Make) -> None:
    path, stereo = recording("mp3"), recording("mp3", np.stack([whistles(3.0)] * 2, axis=1))
    path.write_bytes(path.read_bytes() + stereo.read_bytes())
    samples, _ = decode(path)
    assert len(samples) > 5.9 * SAMPLE_RATE
    assert np.abs(samples[-3 * SAMPLE_RATE // 2 :]).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("channels", [(1, 2), (2, 1)])
def test_nothing_is_lost_where_the_number_of_channels_changes(recording: Make, channels: tuple[int, int]) -> None:
    parts = [recording("mp3", np.stack([whistles(1.0)] * count, axis=1)).read_bytes() for count in channels]
    tags = [mpeg.frame_at(part, 0) for part in parts]
    path = recording("mp3")
    # Without the tags that name a length, FFmpeg reads both parts.
    path.write_bytes(b"".join(part[tag.length :] for part, tag in zip(parts, tags, strict=True) if tag is not None))
    samples, report = decode(path)
    assert report.info.codec == "mp3float"
    assert len(samples) == pytest.approx(2 * SAMPLE_RATE, abs=0.15 * SAMPLE_RATE)


@pytest.mark.parametrize("vbri", [True, False])
@pytest.mark.parametrize("loud_first", [True, False])
def test_an_mp3_of_changing_bit_rate_that_does_not_name_its_length_is_read_to_its_end(
    recording: Make, loud_first: bool, vbri: bool
) -> None:
    # A length guessed from the first bit rate is far off, either way, and so it is with Fraunhofer's kind of tag.
    quiet, loud = np.zeros(3 * 44_100, np.float32), np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 44_100)
    path = recording("mp3", np.concatenate([loud, quiet] if loud_first else [quiet, loud]))
    content = path.read_bytes()
    tag = mpeg.frame_at(content, 0)
    assert tag is not None
    fraunhofers = content[:4] + bytes(32) + b"VBRI" + bytes(tag.length - 40) if vbri else b""
    path.write_bytes(fraunhofers + content[tag.length :])
    samples, report = decode(path)
    assert report.seconds == pytest.approx(6, abs=0.1)
    assert np.abs(samples[-SAMPLE_RATE:]).max() > 0.1 or loud_first
    assert (report.info.seconds, report.warnings) == (None, ())


@pytest.mark.parametrize(("kind", "count"), [("m4a", 6), ("m4a", 8), ("wavpack", 8), ("wavpack", 16)])
def test_many_channels_are_mixed_whatever_their_layout(
    recording: Make, song: Callable[[float], Sound], kind: str, count: int
) -> None:
    samples, report = decode(recording(kind, song(1.0)[:, None] * np.linspace(0, 1, count, dtype=np.float32)))
    assert report.info.channels == count
    # AAC takes one channel for the low tones only, and keeps no whistle in it.
    assert samples.std() == pytest.approx(song(1.0).std() / 2, rel=0.25)


def test_whole_numbers_of_64_bits_are_read_too(tmp_path: Path, song: Callable[[float], Sound]) -> None:
    samples = (song(1.0).astype(np.float64) * 2**63).astype("<i8").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 44_100, 8 * 44_100, 8, 64)
    chunks = b"WAVE" + form + struct.pack("<4sI", b"data", len(samples)) + samples
    path = tmp_path / "wide"
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(chunks)) + chunks)
    np.testing.assert_allclose(decode(path)[0], soxr.resample(song(1.0), 44_100, SAMPLE_RATE, quality="HQ"), atol=1e-5)


class Stumbling:
    """An opened file that looks, after its last packet, for a track that was not there when it was opened."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)

    def demux(self, track: Any) -> Iterator[Any]:
        yield from self._opened.demux(track)
        raise IndexError


def test_a_track_that_appears_on_the_way_does_no_harm(recording: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = recording("mpegts"), av.open
    monkeypatch.setattr(av, "open", lambda *given, **named: Stumbling(opened(*given, **named)))
    _, report = decode(path)
    assert report.seconds == pytest.approx(3, abs=0.1)
    assert report.warnings == ()


def channels(*of_them: Sound) -> Sound:
    return np.stack(of_them, axis=1)


def test_a_broken_channel_does_not_silence_the_other(recording: Make, song: Callable[[float], Sound]) -> None:
    left = song(1.0)
    for broken in (np.nan, np.inf, 1e30):
        samples, report = decode(recording("wav-float", channels(left, np.full_like(left, broken))))
        assert np.abs(samples).max() == pytest.approx(np.abs(left).max() / 2, rel=0.05)
        assert report.warnings == (f"{len(left)} samples were not numbers and have been set to zero.",)


def test_opposite_infinities_are_no_sound_and_no_accident(recording: Make, tmp_path: Path) -> None:
    endless = np.full(44_100, np.inf, np.float32)
    path = recording("wav-float", channels(endless, -endless))
    with pytest.raises(SilentAudio, match="88200 samples were not numbers"):
        decode_to_wav(path, tmp_path / "prepared.wav")


def test_channels_that_cancel_each_other_are_named_as_the_reason(
    recording: Make, tmp_path: Path, song: Callable[[float], Sound]
) -> None:
    one = song(1.0)
    with pytest.raises(SilentAudio, match="mirror images"):
        decode_to_wav(recording("wav-float", channels(one, -one)), tmp_path / "prepared.wav")
    _, report = decode(recording("wav-float", channels(one, -0.99 * one)))
    assert ["mirror images" in warning for warning in report.warnings] == [True]


@pytest.mark.parametrize("count", [2, 6, 32])
def test_sound_in_one_channel_only_is_no_cancellation(
    recording: Make, count: int, song: Callable[[float], Sound]
) -> None:
    one = song(1.0)
    offsets = np.linspace(-0.3, 0.3, count, dtype=np.float32)
    silent = np.zeros((len(one), count), np.float32)
    silent[:, 0] = one
    _, report = decode(recording("wav-float", silent + offsets))
    assert report.warnings == ()
