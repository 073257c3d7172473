from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio import mpeg
from shared.audio.formats import identify, skip_id3
from shared.errors import EmptyAudio, NotAudio


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("wav", "wav"),
        ("wav-extensible", "wav"),
        ("rf64", "wav"),
        ("w64", "w64"),
        ("aiff", "aiff"),
        ("flac", "flac"),
        ("ogg", "ogg"),
        ("ogg-opus", "ogg"),
        ("mp3", "mp3"),
        ("m4a", "m4a"),
        ("webm", "webm"),
        ("aac", "aac"),
        ("wma", "wma"),
        ("caf", "caf"),
        ("au", "au"),
        ("avi", "avi"),
        ("flv", "flv"),
        ("mpegts", "mpegts"),
        ("mpeg", "mpeg"),
        ("mp2", "mp3"),
        ("ac3", "ac3"),
        ("eac3", "eac3"),
        ("tta", "tta"),
        ("wavpack", "wavpack"),
        ("amr", "amr"),
        ("3gp", "3gp"),
    ],
)
def test_a_file_is_known_by_its_content(recording: Callable[..., Path], kind: str, name: str) -> None:
    assert identify(recording(kind)).name == name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Dear birds, please sing louder.", "text"),
        ("Nachtigallen über Österreich. ".encode() * 40, "text"),
        (b"  <!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b"PK\x03\x04" + bytes(100), "a ZIP archive"),
        (b"\x7fELF\x02\x01" + b"\xff\xfb\x90\x00" * 400, "a program"),
        (b"#EXTM3U\nhttp://example.org/a.mp3\n", "a playlist"),
        (bytes(5_000), "of no known kind"),
        (b"\xff" * 5_000, "of no known kind"),
    ],
)
def test_what_is_no_sound_is_refused_with_the_formats_that_work(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(content)
    with pytest.raises(NotAudio, match=said) as caught:
        identify(path)
    assert "WAV" in caught.value.hint
    assert "MP3" in caught.value.hint


def test_random_bytes_are_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    for seed in range(40):
        path.write_bytes(np.random.default_rng(seed).bytes(50_000))
        with pytest.raises(NotAudio):
            identify(path)


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(EmptyAudio, match="0 bytes"):
        identify(tmp_path / "a.wav")


@given(st.binary(min_size=1, max_size=3_000))
def test_any_bytes_have_a_kind_or_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    with suppress(NotAudio):
        assert identify(path).demuxer


def test_an_mp3_is_found_behind_tags_and_behind_junk(tmp_path: Path, recording: Callable[..., Path]) -> None:
    song = recording("mp3").read_bytes()
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 2, 10]) + bytes(266)
    assert skip_id3(tag) == len(tag)
    assert skip_id3(b"ID3\x04\x00\x10" + tag[6:]) == len(tag) + 10
    assert skip_id3(b"ID3\x04\x00\x00\xff\xff\xff\xff") == 0
    path = tmp_path / "song"
    for head in (b"", tag, tag + bytes(500), b"junk \xff\xfb junk" * 200):
        path.write_bytes(head + song)
        assert identify(path).name == "mp3"


def test_frame_headers_follow_the_standard() -> None:
    frame = mpeg.frame_at(bytes.fromhex("fffb9064"), 0)
    assert frame == mpeg.Frame(417, version=1, layer=3, rate=44_100, mono=False)
    # MPEG 2 layer III, 64 kbit/s, 24 kHz, padded, mono.
    assert mpeg.frame_at(bytes.fromhex("fff386c0"), 0) == mpeg.Frame(
        length=193, version=2, layer=3, rate=24_000, mono=True
    )
    # MPEG 1 layer II, 192 kbit/s, 48 kHz.
    assert mpeg.frame_at(bytes.fromhex("fffda400"), 0) == mpeg.Frame(
        length=576, version=1, layer=2, rate=48_000, mono=False
    )
    for broken in ("fffbf064", "fffb0064", "fffb9c64", "ffeb9064", "fffb9066", "00fb9064"):
        assert mpeg.frame_at(bytes.fromhex(broken), 0) is None
