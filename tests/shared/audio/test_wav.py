import os
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from shared.audio.constants import SAMPLE_RATE
from shared.audio.wav import PreparedWriter, as_float, forget_pages, open_prepared, part_path, read_prepared, to_pcm16
from shared.errors import CorruptAudio


def write(path: Path, *blocks: list[float]) -> Path:
    with path.open("wb") as file:
        writer = PreparedWriter(file)
        for block in blocks:
            writer.write(np.array(block, np.float32))
        writer.finish()
    return path


def test_a_prepared_file_is_a_wav_that_others_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", [0.5, -0.5], [0.25])
    samples, rate = soundfile.read(path)
    assert (samples.tolist(), rate) == ([0.5, -0.5, 0.25], SAMPLE_RATE)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getnframes()) == (1, 2, 3)


def test_a_prepared_file_is_mapped_with_the_samples_that_were_written(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", [0.5, -0.5], [0.25])
    mapped = open_prepared(path)
    assert isinstance(mapped, np.memmap)
    assert mapped.dtype == np.int16
    assert mapped.tolist() == [16_384, -16_384, 8_192]
    assert read_prepared(path, 1, 3).tolist() == [-0.5, 0.25]


def test_passing_through_a_long_file_takes_no_memory(tmp_path: Path) -> None:
    def resident_mb() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20

    with (tmp_path / "long.wav").open("wb") as file:
        writer = PreparedWriter(file)
        for _ in range(64):
            writer.write(np.full(1 << 20, 0.5, np.float32))
        writer.finish()
    mapped = open_prepared(tmp_path / "long.wav")
    before = resident_mb()
    for start in range(0, len(mapped), 1 << 20):
        assert mapped[start : start + (1 << 20)].max() == 16_384
        forget_pages(mapped)
    assert resident_mb() - before < 32
    assert mapped[-1] == 16_384


def test_what_is_louder_than_full_scale_is_clipped_not_wrapped() -> None:
    assert to_pcm16(np.array([1.0, 3.0, -1.0, -7.0], np.float32)).tolist() == [32_767, 32_767, -32_768, -32_768]


def test_every_16_bit_sample_survives_the_way_there_and_back() -> None:
    every = np.arange(-32_768, 32_768).astype(np.int16)
    assert np.array_equal(to_pcm16(as_float(every)), every)
    assert as_float(every).dtype == np.float32


def test_a_file_cut_short_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.wav", [0.5] * 100).read_bytes()
    other = tmp_path / "b.wav"
    soundfile.write(other, np.zeros(10), 44_100)
    for content in (whole[:-2], whole + b"xx", whole[:20], b"", other.read_bytes(), write(tmp_path / "c").read_bytes()):
        (tmp_path / "d.wav").write_bytes(content)
        with pytest.raises(CorruptAudio):
            open_prepared(tmp_path / "d.wav")


def test_two_files_in_the_making_never_share_a_name(tmp_path: Path) -> None:
    first, second = part_path(tmp_path / "a.wav"), part_path(tmp_path / "a.wav")
    assert first != second
    assert first.parent == tmp_path
