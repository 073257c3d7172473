"""When a recording was made, from its name and from what recorders write into their files, hostile ones too."""

import io
import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.audio.recorder_time import Recorded, recorded, time_in_name

HALF_PAST_FIVE = datetime(2024, 5, 1, 5, 30)
TWO_HOURS = timezone(timedelta(hours=2))
DEVICE = "AudioMoth 24E144085F256DE5"


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def wav(*chunks: bytes, after: tuple[bytes, ...] = (), form: bytes = b"RIFF") -> bytes:
    head = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 48_000, 96_000, 2, 16))
    body = b"WAVE" + head + b"".join(chunks) + chunk(b"data", bytes(200)) + b"".join(after)
    return form + struct.pack("<I", len(body)) + body


def comment(text: str) -> bytes:
    return chunk(b"LIST", b"INFO" + chunk(b"ICMT", text.encode().ljust(128, b"\0")) + chunk(b"IART", DEVICE.encode()))


def bext(date: bytes, time: bytes) -> bytes:
    return chunk(b"bext", bytes(256 + 32 + 32) + date + time + bytes(264))


def wamd(*parts: tuple[int, str]) -> bytes:
    return chunk(b"wamd", b"".join(struct.pack("<HI", kind, len(text)) + text.encode() for kind, text in parts))


def read(tmp_path: Path, content: bytes, name: str = "a.wav") -> Recorded:
    path = tmp_path / "stored-under-another-name"
    path.write_bytes(content)
    return recorded(path, name)


@pytest.mark.parametrize(
    "name",
    [
        "20240501_053000.WAV",
        "20240501_053000T.WAV",
        "24E144085F256DE5_20240501_053000.WAV",
        "SM4A_20240501_053000.wav",
        "SM4A_0+1_20240501$053000.wav",
        "20240501_053000_000.wav",
        "20240501_053000-0001.wav",
        "20240501-053000.wav",
        "20240501053000.wav",
        "20240501_0530.wav",
        "2024-05-01T05-30-00.wav",
        "2024-05-01 05.30.00.wav",
        "2024_05_01_05_30_00.wav",
        "BCI-2024-05-01_05-30.flac",
        "Common_Chiffchaff-93-2024-05-01-birdnet-05:30:00.mp3",
        "2024-05-01-birdnet-RTSP_1-05:30:00.wav",
        "6713.240501053000.wav",
        "SITE_20240430_A_20240501_053000.wav",
        r"D:\card\20240501_053000.WAV",
        "/card/19990101_000000/20240501_053000.WAV",
    ],
)
def test_names_of_recorders_say_what_their_clock_showed(name: str) -> None:
    assert time_in_name(name) == HALF_PAST_FIVE


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20240501_053000+0200.wav", HALF_PAST_FIVE.replace(tzinfo=TWO_HOURS)),
        ("20240501T053000+0200_REC.flac", HALF_PAST_FIVE.replace(tzinfo=TWO_HOURS)),
        ("20240501T053000+02_REC.flac", HALF_PAST_FIVE.replace(tzinfo=TWO_HOURS)),
        ("2024-05-01T05:30:00+02:00.wav", HALF_PAST_FIVE.replace(tzinfo=TWO_HOURS)),
        ("20240501T053000-0330.wav", HALF_PAST_FIVE.replace(tzinfo=timezone(-timedelta(hours=3, minutes=30)))),
        ("20240501T053000Z.wav", HALF_PAST_FIVE.replace(tzinfo=UTC)),
        ("20240501_053000.250Z.wav", HALF_PAST_FIVE.replace(tzinfo=UTC, microsecond=250_000)),
        ("5CC93A40.WAV", datetime(2019, 5, 1, 6, 18, 40, tzinfo=UTC)),
    ],
)
def test_names_that_know_their_zone_say_it(name: str, expected: datetime) -> None:
    found = time_in_name(name)
    assert found == expected
    assert found is not None
    assert found.utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    "name",
    [
        "XC123456.mp3",
        "20240501.wav",
        "site 2024-05-01.wav",
        "20240231_053000.wav",
        "20240501_256099.wav",
        "19700101_000000.WAV",
        "12024050105300012.wav",
        "DEADBEE.WAV",
        "",
    ],
)
def test_a_name_without_a_time_says_none(name: str) -> None:
    assert time_in_name(name) is None


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (f"Recorded at 05:30:00 01/05/2024 by {DEVICE} at gain setting 2 while battery state was 4.20V", 0),
        (f"Recorded at 05:30:00 01/05/2024 (UTC) by {DEVICE} at gain setting 2 while battery state was < 3.6V", 0),
        (f"Recorded at 05:30:00 01/05/2024 (UTC+2) by {DEVICE} at medium gain while battery was 4.2V", 120),
        (
            f"Recorded at 05:30:00 01/05/2024 (UTC-10) by {DEVICE} at high gain setting while battery state was 4.2V.",
            -600,
        ),
        (
            f"Recorded at 05:30:00 01/05/2024 (UTC+5:45) by {DEVICE} at low gain while battery was greater than 4.9V",
            345,
        ),
        (f"Recorded at 05:30:00 01/05/2024 (UTC-0:30) by {DEVICE} at low gain while battery was 4.2V", -30),
        ("Recorded at 05:30:00 01/05/2024 (UTC+2) during deployment 0123456789ABCDEF at high gain", 120),
    ],
)
def test_the_comment_of_an_audiomoth_says_time_and_zone_in_all_its_wordings(
    tmp_path: Path, text: str, offset: int
) -> None:
    found = read(tmp_path, wav(comment(text)), "20240101_000000.WAV")
    assert found.source == "audiomoth comment"
    assert found.at == HALF_PAST_FIVE.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert found.offset_known


def test_fractions_of_a_second_count(tmp_path: Path) -> None:
    found = read(tmp_path, wav(comment(f"Recorded at 05:30:00.325 01/05/2024 (UTC) by {DEVICE}")))
    assert found.at == HALF_PAST_FIVE.replace(tzinfo=UTC, microsecond=325_000)


def test_a_clock_that_was_never_set_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, wav(comment(f"Recorded at 00:00:05 01/01/1970 (UTC) by {DEVICE}"))) == Recorded()


def test_the_time_of_broadcast_wave_has_no_zone(tmp_path: Path) -> None:
    found = read(tmp_path, wav(bext(b"2024-05-01", b"05:30:00")), "20240101_000000.wav")
    assert (found.at, found.source, found.offset_known) == (HALF_PAST_FIVE, "bext", False)


def test_guano_says_time_and_place_even_behind_the_sound(tmp_path: Path) -> None:
    text = "GUANO|Version:  1.0\n\nTimestamp:  2024-05-01T05:30:00+02:00\nLoc Position: 51.05 -13.74 \nNote: a: b\n"
    # What has an odd number of bytes is followed by one more.
    before = bext(b"1999-01-01", b"00:00:00"), chunk(b"note", b"odd")
    found = read(tmp_path, wav(*before, after=(chunk(b"guan", text.encode()),)))
    assert found == Recorded(HALF_PAST_FIVE.replace(tzinfo=TWO_HOURS), "guano", (51.05, -13.74))


@pytest.mark.parametrize("place", ["0.0 0.0", "91 0", "1", "north east", "nan 3", ""])
def test_a_place_that_is_none_is_left_out(tmp_path: Path, place: str) -> None:
    assert read(tmp_path, wav(chunk(b"guan", f"Loc Position: {place}\n".encode()))).position is None


@pytest.mark.parametrize(
    "place", ["WGS84, 51.05, N, 13.74, W", "WGS84,51.05,N,13.74,W,220", "WGS84, 51.05, -13.74, 220"]
)
def test_the_chunk_of_a_song_meter_4_says_time_and_place(tmp_path: Path, place: str) -> None:
    parts = ((1, "SM4"), (5, "2024-05-01 05:30:00+02:00"), (6, place))
    found = read(tmp_path, wav(wamd(*parts)), "S4A_20240501_053000.wav")
    assert found == Recorded(HALF_PAST_FIVE.replace(tzinfo=TWO_HOURS), "wamd", (51.05, -13.74))


def test_a_comment_stays_one_when_the_recording_becomes_flac(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", 48_000, 1, format="FLAC") as file:
        file.comment = f"Recorded at 05:30:00 01/05/2024 (UTC+2) by {DEVICE}"
        file.write(np.zeros(1_000))
    assert recorded(path).at == HALF_PAST_FIVE.replace(tzinfo=TWO_HOURS)


def test_a_file_of_more_than_4_gb_is_walked_by_its_real_size(tmp_path: Path) -> None:
    sound, text = 5 << 30, b"Timestamp: 2024-05-01T05:30:00Z\n"
    head = chunk(b"ds64", struct.pack("<QQQI", 0, sound, 0, 0)) + chunk(b"fmt ", bytes(16)) + b"data\xff\xff\xff\xff"
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(b"RF64\xff\xff\xff\xffWAVE" + head)
        file.seek(sound, io.SEEK_CUR)
        file.write(chunk(b"guan", text))
    assert recorded(path).at == HALF_PAST_FIVE.replace(tzinfo=UTC)


def test_what_is_no_wav_has_the_time_of_its_name(tmp_path: Path) -> None:
    found = read(tmp_path, b"ID3 and whatever an MP3 holds", "20240501_053000.mp3")
    assert (found.at, found.source) == (HALF_PAST_FIVE, "file name")


@given(
    st.sampled_from([b"guan", b"wamd", b"bext", b"LIST", b"data", b"ds64", b"fmt "]),
    st.binary(max_size=400),
    st.integers(0, 2**32 - 1),
    st.sampled_from([b"RIFF", b"RF64", b"BW64"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_no_chunk_breaks_it(tmp_path: Path, name: bytes, content: bytes, size: int, form: bytes) -> None:
    whole = wav(chunk(name, content), chunk(name, b"INFO" + content), form=form)
    lying = whole.replace(name + struct.pack("<I", len(content)), name + struct.pack("<I", size), 1)
    assert read(tmp_path, whole).source != "file name"
    assert read(tmp_path, lying).source != "file name"


@given(st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_flac_breaks_it(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, b"fLaC" + content).source != "file name"
    assert read(tmp_path, b"fLaC\x84\x00\x01\x00" + content).source != "file name"


@given(st.text(st.sampled_from("0123456789TZ+-_.: birdnetA"), max_size=40))
def test_no_name_breaks_it(name: str) -> None:
    found = time_in_name(name)
    assert found is None or 1990 <= found.year <= 2100
