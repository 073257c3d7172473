"""What is cut out of a recording is the very sound that was detected, and says where it comes from."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from services.inference.results.snippets import Snippet, extract
from services.inference.schemas import Detection
from shared.audio import original
from shared.audio.cutting import LONGEST_SECONDS
from shared.errors import CorruptAudio, InvalidInput
from tests.support.results import ABOUT, ODD_NAMES, heard, night, result
from tests.support.sound_files import whistles, write_any

RATE = 48_000
STEREO = 2
SECONDS = 12.0
Samples = npt.NDArray[Any]


def noise(subtype: str = "PCM_16", seconds: float = SECONDS, channels: int = STEREO) -> Samples:
    """Samples that no two places share, (frames, channels), in the upper bits of int32."""
    chance = np.random.default_rng(7)
    samples = chance.integers(-(2**31), 2**31, (round(seconds * RATE), channels))
    return ((samples >> {"PCM_16": 16, "PCM_24": 8}[subtype]) << {"PCM_16": 16, "PCM_24": 8}[subtype]).astype(np.int32)


def record(path: Path, samples: Samples, subtype: str = "PCM_16") -> Path:
    with soundfile.SoundFile(path, "w", RATE, samples.shape[1], subtype=subtype) as file:
        file.write(samples)
    return path


def cut(source: Path, folder: Path, *detections: Detection, **options: Any) -> list[Snippet]:
    folder.mkdir(exist_ok=True)
    described = result(source.name, *detections, seconds=options.pop("seconds", SECONDS), **options.pop("fields", {}))
    return list(extract(source, described, ABOUT, folder, **options))


def whole(path: Path) -> Samples:
    samples: Samples = soundfile.read(path, dtype="int32", always_2d=True)[0]
    return samples


@pytest.mark.parametrize("kind", ["wav", "flac"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("container", ["wav", "flac", "aiff"])
def test_a_snippet_is_the_original_bit_by_bit(tmp_path: Path, kind: Any, subtype: str, container: str) -> None:
    samples = noise(subtype)
    source = record(tmp_path / f"a.{container}", samples, subtype)
    (one,) = cut(source, tmp_path / "out", heard(2.5), kind=kind)
    info = soundfile.info(one.path)
    assert (info.samplerate, info.channels, info.subtype, info.format) == (RATE, STEREO, subtype, kind.upper())
    assert np.array_equal(whole(one.path), samples[round(2.5 * RATE) : round(7.5 * RATE)])


def test_padding_is_cut_at_the_ends_of_the_recording(tmp_path: Path) -> None:
    samples = noise()
    source = record(tmp_path / "a.wav", samples)
    first, second, third = cut(source, tmp_path / "out", heard(0.0), heard(5.0), heard(7.5, 12.0), padding=2.0)
    assert [(one.start, one.end) for one in (first, second, third)] == [(0.0, 7.0), (3.0, 12.0), (5.5, 12.0)]
    assert np.array_equal(whole(first.path), samples[: 7 * RATE])
    assert np.array_equal(whole(third.path), samples[round(5.5 * RATE) :])


def test_a_file_with_warnings_is_read_from_its_beginning_and_gives_the_same(tmp_path: Path) -> None:
    samples = noise()
    source = record(tmp_path / "a.wav", samples)
    detections = heard(0.0), heard(0.0, species="Turdus merula"), heard(2.5), heard(9.0, 11.0)
    quick = cut(source, tmp_path / "quick", *detections, padding=1.0)
    slow = cut(source, tmp_path / "slow", *detections, padding=1.0, fields={"warnings": ["Parts are damaged."]})
    assert {one.path.name for one in quick} == {one.path.name for one in slow}
    for one in quick:
        assert np.array_equal(whole(one.path), whole(tmp_path / "slow" / one.path.name))


def test_a_recorder_that_lost_power_still_gives_its_sound(tmp_path: Path) -> None:
    samples = noise()
    source = record(tmp_path / "a.wav", samples)
    content = bytearray(source.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = bytes(4)
    source.write_bytes(content)
    (one,) = cut(source, tmp_path / "out", heard(2.5))
    assert np.array_equal(whole(one.path), samples[round(2.5 * RATE) : round(7.5 * RATE)])


@pytest.mark.parametrize("kind", ["mp3", "ogg", "m4a"])
def test_what_cannot_be_sought_exactly_is_cut_where_it_is_heard(tmp_path: Path, kind: str) -> None:
    rate = 44_100
    silence_and_song = np.zeros(round(SECONDS * rate), np.float32)
    silence_and_song[4 * rate : 6 * rate] = whistles(2.0, rate)
    source = write_any(tmp_path / f"a.{kind}", silence_and_song, rate, kind)
    song, rest = cut(source, tmp_path / "out", heard(4.0, 6.0), heard(7.0, 9.0), kind="flac")
    loudness = [np.abs(soundfile.read(one.path)[0]).max() for one in (song, rest)]
    assert loudness[0] > 0.3
    assert loudness[1] < 0.05
    info = soundfile.info(song.path)
    assert (info.samplerate, info.frames, info.subtype) == (rate, 2 * rate, "PCM_16")


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_snippet_says_what_it_is(tmp_path: Path, kind: Any) -> None:
    described = night()[0].model_copy(update={"seconds": SECONDS})
    source = record(tmp_path / "a.wav", noise())
    folder = tmp_path / "out"
    folder.mkdir()
    one, *_ = extract(
        source, described, ABOUT, folder, padding=1.0, kind=kind, recordist="Ada Löwe", licence="CC BY-NC-SA 4.0"
    )
    with soundfile.SoundFile(one.path) as file:
        tags = file.copy_metadata()
    assert tags["title"] == "Phylloscopus collybita (Common Chiffchaff)"
    assert tags["artist"] == "Ada Löwe"
    assert tags["copyright"] == "CC BY-NC-SA 4.0"
    assert tags["date"] == "2024-05-01T05:30:01.500+02:00"
    assert tags["software"].startswith("Chiffchaff 0.1.0")
    for said in ("confidence 0.9300", "2.500 to 7.500 s", described.file, "begins at 1.500 s", "garden-birds 3"):
        assert said in tags["comment"]
    assert (kind == "flac") == (tags.get("license") == "CC BY-NC-SA 4.0")


def test_names_sort_by_time_and_say_the_species(tmp_path: Path) -> None:
    source = record(tmp_path / "20240501_053000.wav", noise())
    written = cut(
        source, tmp_path / "out", heard(10.0, 12.0), heard(2.5), heard(2.5, species='?? "x"/ y', confidence=1)
    )
    names = [one.path.name for one in written]
    assert names == sorted(names)
    assert [name[:15] for name in names] == ["20240501_053000"] * 3
    assert names[1].endswith("_000002.500s_x-y_1.00.wav")
    assert names[2].endswith("_000010.000s_Phylloscopus-collybita_0.93.wav")
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(names)


def test_every_name_of_a_recording_becomes_one_that_can_be_written(tmp_path: Path) -> None:
    source = record(tmp_path / "a.wav", noise(seconds=1.0))
    for name in ODD_NAMES:
        (one,) = extract(source, result(name, heard(0.0, 1.0), seconds=1.0), ABOUT, tmp_path)
        with soundfile.SoundFile(one.path) as file:
            assert f" of {name}; " in file.comment


def test_a_second_extraction_overwrites_the_first(tmp_path: Path) -> None:
    source = record(tmp_path / "a.wav", noise())
    assert cut(source, tmp_path / "out", heard(2.5)) == cut(source, tmp_path / "out", heard(2.5))
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_who_stops_half_way_leaves_no_half_file(tmp_path: Path) -> None:
    source = record(tmp_path / "a.wav", noise())
    folder = tmp_path / "out"
    folder.mkdir()
    described = result("a.wav", heard(0.0), heard(4.0), heard(6.0), seconds=SECONDS, warnings=["streamed"])
    snippets = extract(source, described, ABOUT, folder, padding=2.0)
    first = next(snippets)
    snippets.close()  # type: ignore[attr-defined]
    assert [path.name for path in folder.iterdir()] == [first.path.name]


def test_a_detection_behind_the_end_of_a_changed_file_gives_nothing(tmp_path: Path) -> None:
    source = record(tmp_path / "a.wav", noise(seconds=6.0))
    written = cut(source, tmp_path / "out", heard(2.5), heard(20.0), seconds=60.0)
    assert [one.start for one in written] == [2.5]
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_a_file_that_breaks_off_while_it_is_sought_is_damaged(tmp_path: Path) -> None:
    source = record(tmp_path / "a.flac", noise())
    content = bytearray(source.read_bytes())
    half = len(content) // 2
    content[half : half + 200_000] = bytes(200_000)
    source.write_bytes(content)
    with original.cut_out(source, [(5.0, 8.0)], whole=True) as (info, pieces):
        assert info.channels == STEREO
        with pytest.raises(CorruptAudio):
            list(pieces)


def test_nothing_detected_opens_no_file(tmp_path: Path) -> None:
    assert cut(tmp_path / "gone.wav", tmp_path / "out") == []


def test_what_goes_on_for_long_is_cut_short(tmp_path: Path) -> None:
    rate = 1_000
    source = tmp_path / "a.wav"
    soundfile.write(source, np.zeros(700 * rate, np.int16), rate)
    (one,) = cut(source, tmp_path / "out", heard(5.0, 700.0), seconds=700.0)
    assert (one.start, one.end) == (5.0, 5.0 + LONGEST_SECONDS)
    assert soundfile.info(one.path).duration == LONGEST_SECONDS


@pytest.mark.parametrize("padding", [-1.0, 31.0, float("nan")])
def test_padding_has_its_limits(tmp_path: Path, padding: float) -> None:
    with pytest.raises(InvalidInput, match="padding"):
        cut(tmp_path / "a.wav", tmp_path / "out", heard(0.0), padding=padding)


def test_more_channels_than_flac_has_are_refused_for_it_and_fit_a_wav(tmp_path: Path) -> None:
    source = record(tmp_path / "a.wav", noise(channels=12))
    with pytest.raises(InvalidInput, match="12 channels"):
        cut(source, tmp_path / "out", heard(0.0), kind="flac", fields={"channels": 12})
    (one,) = cut(source, tmp_path / "out", heard(0.0))
    assert soundfile.info(one.path).channels == 12


PEAK = """
import resource, sys
from pathlib import Path
from services.inference.results.snippets import extract
from tests.support.results import ABOUT, heard, result
source, folder, warnings = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
one = result("a.wav", heard(1.0), heard(1_500.0), seconds=1_800.0, sample_rate=48_000, warnings=warnings)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(list(extract(source, one, ABOUT, folder))) == 2
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("warnings", [[], ["read from its beginning"]])
def test_memory_is_flat_in_the_length_of_the_recording(tmp_path: Path, warnings: list[str]) -> None:
    source = tmp_path / "a.wav"
    with soundfile.SoundFile(source, "w", 48_000, 1) as file:
        for _ in range(30):
            file.write(np.zeros(60 * 48_000, np.int16))
    folder = tmp_path / "out"
    folder.mkdir()
    command = [sys.executable, "-c", PEAK, str(source), str(folder), *warnings]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown * 1024 < source.stat().st_size / 4
