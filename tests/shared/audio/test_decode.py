from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from shared.audio.audio_stream import AudioStream
from shared.audio.constants import SAMPLE_RATE
from shared.audio.decode import DecodeLimits, decode, decode_to_wav, probe, stream
from shared.audio.report import require_sound
from shared.audio.wav import read_prepared
from shared.errors import (
    AudioError,
    CorruptAudio,
    EmptyAudio,
    NotAudio,
    SilentAudio,
    TooLong,
    TooShort,
    UnsupportedAudio,
)

Make = Callable[..., Path]
Sound = npt.NDArray[np.float32]
Song = Callable[[float], Sound]
LOSSLESS = (
    *("wav", "wav-24", "wav-32", "wav-float", "wav-double", "wav-extensible", "rf64"),
    *("w64", "aiff", "caf", "au", "flac"),
)
LOSSLESS_IN_FFMPEG = ("m4a-alac", "matroska-flac", "mov-s32", "mov-double", "tta", "wavpack", "avi")
LOSSY = {"wav-u8": 0.03, "mov-u8": 0.03, "mp3": 0.06, "ogg": 0.1, "m4a": 0.06, "webm": 0.1, "ogg-opus": 0.1}


def difference(found: Sound, expected: Sound) -> float:
    """Root mean square of the error over that of the sound, without shifting anything, 0.2 s in from both ends."""
    edge = SAMPLE_RATE // 5
    length = min(len(found), len(expected)) - edge
    error = found[edge:length] - expected[edge:length]
    return float(np.sqrt(np.mean(error**2) / np.mean(expected[edge:length] ** 2)))


@pytest.mark.parametrize("kind", [*LOSSLESS, *LOSSLESS_IN_FFMPEG])
def test_lossless_files_decode_to_the_resampled_song(recording: Make, kind: str, song: Song) -> None:
    samples, report = decode(recording(kind))
    expected = soxr.resample(song(3.0), 44_100, SAMPLE_RATE, quality="HQ")
    assert samples.dtype == np.float32
    assert len(samples) == report.samples == 3 * SAMPLE_RATE
    np.testing.assert_allclose(samples, expected, atol=1e-4)
    assert report.warnings == ()


@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_files_decode_to_nearly_the_same_song_at_the_same_time(recording: Make, kind: str, song: Song) -> None:
    samples, report = decode(recording(kind))
    assert len(samples) == pytest.approx(3 * SAMPLE_RATE, abs=0.05 * SAMPLE_RATE)
    assert difference(samples, soxr.resample(song(3.0), 44_100, SAMPLE_RATE)) < LOSSY[kind]
    assert report.warnings == ()


# MPEG layer II comes 240.5 samples late: shifted by whole ones, it does not quite match.
DELAYED = {"aac": 0.06, "wma": 0.06, "flv": 0.06, "mpegts": 0.06, "ac3": 0.06, "eac3": 0.06, "mpeg": 0.4, "mp2": 0.4}


@pytest.mark.parametrize("kind", DELAYED)
def test_formats_without_a_start_time_decode_to_the_song_but_for_their_codecs_delay(
    recording: Make, kind: str, song: Song
) -> None:
    samples, _ = decode(recording(kind))
    expected = soxr.resample(song(3.0), 44_100, SAMPLE_RATE)
    shifts = range(-1_100, 1_100)
    best = min(difference(samples[max(0, s) :], expected[max(0, -s) :]) for s in shifts)
    assert best < DELAYED[kind]


def test_what_a_browser_records_decodes_though_it_has_no_length(recording: Make, song: Song) -> None:
    path = recording("webm", options={"live": "1"})
    samples, report = decode(path)
    assert report.info.seconds is None
    assert report.info.codec == "opus"
    assert difference(samples, soxr.resample(song(3.0), 44_100, SAMPLE_RATE)) < 0.1
    assert report.warnings == ()


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, SAMPLE_RATE, 32_000, 48_000, 96_000, 192_000, 384_000])
def test_any_rate_becomes_22050_hz_and_keeps_its_pitch_and_length(recording: Make, rate: int) -> None:
    tone = np.sin(2 * np.pi * 3_000 * np.arange(2 * rate) / rate).astype(np.float32) * 0.5
    samples, report = decode(recording("wav", tone, rate=rate))
    assert report.info.sample_rate == rate
    assert len(samples) == pytest.approx(2 * SAMPLE_RATE, abs=1)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert np.argmax(spectrum) * SAMPLE_RATE / len(samples) == pytest.approx(3_000, abs=1)
    expected = 0.5 * np.sin(2 * np.pi * 3_000 * np.arange(len(samples)) / SAMPLE_RATE)
    assert difference(samples, expected.astype(np.float32)) < 0.001


def test_sound_above_what_22050_hz_can_hold_is_filtered_out_not_folded_down(recording: Make) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 15_000 * np.arange(96_000) / 48_000)
    samples, _ = decode(recording("wav", tone, rate=48_000))
    assert np.abs(samples[2_000:-2_000]).max() < 1e-4


@pytest.mark.parametrize("channels", [2, 3, 6, 32])
def test_channels_are_averaged(recording: Make, channels: int, song: Song) -> None:
    mono = song(1.0)
    samples, report = decode(recording("wav", mono[:, None] * np.linspace(0, 2, channels)[None]))
    assert report.info.channels == channels
    assert difference(samples, soxr.resample(mono, 44_100, SAMPLE_RATE)) < 0.001


def test_a_stream_comes_in_blocks_that_are_the_whole(recording: Make) -> None:
    path = recording("flac", seconds=20.0)
    with stream(path) as opened:
        blocks = list(opened)
        report = opened.report()
    assert max(map(len, blocks)) < 2 * 65_536
    assert np.array_equal(np.concatenate(blocks), decode(path)[0])
    assert report.samples == 20 * SAMPLE_RATE


def test_a_probe_tells_what_a_file_is_without_decoding_all_of_it(recording: Make) -> None:
    info = probe(recording("flac", seconds=2.0))
    assert (info.format, info.codec, info.sample_rate, info.channels, info.seconds) == ("flac", "pcm_16", 44_100, 1, 2)


def test_a_prepared_file_holds_the_decoded_samples(recording: Make, tmp_path: Path) -> None:
    path, prepared = recording("mp3"), tmp_path / "prepared.wav"
    report = decode_to_wav(path, prepared)
    samples, expected = decode(path)
    np.testing.assert_allclose(read_prepared(prepared), samples, atol=0.6 / 32_768)
    assert report == expected
    assert soundfile.info(prepared).samplerate == SAMPLE_RATE


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg", "wav", "aiff", "m4a", "webm", "wma"])
def test_half_a_file_gives_half_the_song_and_a_warning(recording: Make, kind: str) -> None:
    # With its index in front, as phones and browsers stream it: at the end it would be lost.
    options = {"movflags": "faststart"} if kind == "m4a" else None
    path = recording(kind, seconds=6.0, options=options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    samples, report = decode(path)
    assert 1.5 * SAMPLE_RATE < len(samples) < 4.5 * SAMPLE_RATE
    assert len(report.warnings) == 1
    assert "could be read" in report.warnings[0]


def test_an_m4a_that_lost_its_index_cannot_be_decoded(recording: Make) -> None:
    path = recording("m4a")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptAudio):
        decode(path)


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg", "wav", "m4a", "webm", "wma", "aac", "aiff"])
def test_a_head_without_a_body_is_an_error_that_says_so(recording: Make, kind: str) -> None:
    path = recording(kind)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises((CorruptAudio, EmptyAudio)) as caught:
        decode(path)
    assert caught.value.hint


def test_damage_in_the_middle_costs_at_most_what_comes_after_it(recording: Make) -> None:
    path = recording("flac", seconds=6.0)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3_000] = bytes(3_000)
    path.write_bytes(content)
    samples, report = decode(path)
    assert len(samples) > 2 * SAMPLE_RATE
    assert np.isfinite(samples).all()
    assert report.warnings


def test_an_mp3_decodes_behind_a_tag_and_behind_junk(recording: Make) -> None:
    path = recording("mp3")
    content = path.read_bytes()
    plain, _ = decode(path)
    picture = b"ID3\x03\x00\x00" + bytes([0, 1, 0, 0]) + bytes(16_384)
    for head in (picture, picture + bytes(700), b"not yet music " * 30):
        path.write_bytes(head + content)
        samples, _ = decode(path)
        assert abs(len(samples) - len(plain)) < 0.1 * SAMPLE_RATE
        # The encoder's delay, half a sample of it, is cut off only where the tag that tells it is found.
        assert min(difference(samples[shift:], plain) for shift in range(1_200)) < 0.5


def test_a_wav_that_was_never_closed_is_read_to_its_end(recording: Make) -> None:
    path = recording("wav")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    samples, report = decode(path)
    assert len(samples) == 3 * SAMPLE_RATE
    assert report.warnings == ()


def test_samples_that_are_no_numbers_become_zero_with_a_warning(recording: Make, song: Song) -> None:
    sound = song(1.0)
    sound[1_000], sound[2_000], sound[3_000], sound[4_000] = np.nan, np.inf, -np.inf, 1e30
    samples, report = decode(recording("wav-float", sound))
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() < 1
    assert report.warnings == ("4 samples were not numbers and have been set to zero.",)


def test_a_float_file_beyond_full_scale_is_clipped_with_a_warning(recording: Make, tmp_path: Path, song: Song) -> None:
    path = recording("wav-float", song(1.0) * 1_000)
    report = decode_to_wav(path, tmp_path / "prepared.wav")
    assert "clipped" in report.warnings[0]
    assert np.abs(read_prepared(tmp_path / "prepared.wav")).max() == 1


def test_an_offset_is_left_alone(recording: Make, song: Song) -> None:
    samples, _ = decode(recording("wav", song(1.0) * 0.5 + 0.3))
    assert samples[2_000:-2_000].mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("offset", [0.0, 0.25])
def test_silence_is_refused_when_preparing_even_with_an_offset(recording: Make, tmp_path: Path, offset: float) -> None:
    path = recording("wav", np.full(44_100, offset, np.float32))
    _, report = decode(path)
    with pytest.raises(SilentAudio):
        require_sound(report)
    with pytest.raises(SilentAudio, match=r"1\.0 s"):
        decode_to_wav(path, tmp_path / "prepared.wav")
    assert sorted(tmp_path.iterdir()) == [path]


def test_the_faintest_sound_is_no_silence(recording: Make, tmp_path: Path, song: Song) -> None:
    decode_to_wav(recording("wav-24", song(1.0) * 1e-4), tmp_path / "prepared.wav")
    assert np.abs(read_prepared(tmp_path / "prepared.wav")).max() > 0


@pytest.mark.parametrize(
    ("samples", "rate", "error", "said"),
    [
        (np.zeros(0), 44_100, EmptyAudio, "no sound"),
        (np.ones(1) * 0.5, 44_100, TooShort, "1 sample:"),
        (np.full(3_969, 0.5), 44_100, TooShort, "0.090 s"),
        (np.zeros((1_000, 33)), 44_100, UnsupportedAudio, "33 channels"),
        (np.zeros((1_000, 100)), 44_100, UnsupportedAudio, "100 channels"),
        (np.full(1_000, 0.5), 500, UnsupportedAudio, "500 Hz"),
        (np.full(768_000, 0.5), 768_000, UnsupportedAudio, "768,000 Hz"),
    ],
)
def test_recordings_outside_the_limits_are_refused_with_a_hint(
    recording: Make, samples: Sound, rate: int, error: type[AudioError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        decode(recording("wav", samples, rate=rate))
    assert caught.value.hint


@pytest.mark.parametrize("kind", ["wav", "mp3", "m4a"])
def test_a_recording_that_says_it_is_too_long_is_not_even_begun(recording: Make, kind: str) -> None:
    with pytest.raises(TooLong, match=r"3 s long; at most 2 s") as caught:
        AudioStream(recording(kind), DecodeLimits(max_seconds=2))
    assert caught.value.hint


def test_a_recording_that_does_not_say_how_long_it_is_stops_at_the_limit(recording: Make, tmp_path: Path) -> None:
    path = recording("webm", options={"live": "1"})
    with pytest.raises(TooLong), stream(path, max_seconds=2) as opened:
        list(opened)
    with pytest.raises(TooLong):
        decode_to_wav(path, tmp_path / "prepared.wav", DecodeLimits(max_seconds=2))
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_film_without_sound_and_a_playlist_are_no_recordings(tmp_path: Path) -> None:
    playlist = tmp_path / "list.m4a"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n")
    with pytest.raises(NotAudio):
        decode(playlist)
    film = tmp_path / "film.wav"
    silent_film(film)
    with pytest.raises(NotAudio, match="no sound track"):
        decode(film)


def silent_film(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as file:
        track = file.add_stream("mpeg4", rate=10)
        assert isinstance(track, av.VideoStream)
        track.width = track.height = 32
        track.pix_fmt = "yuv420p"
        for _ in range(5):
            file.mux(track.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        file.mux(track.encode(None))


@pytest.mark.parametrize("name", ["picture.png", "concat:a|b http:..%s.mp3", "c d%20:e|f.wav", "http:"])
@pytest.mark.parametrize("kind", ["flac", "webm"])
def test_the_name_of_a_file_means_nothing(recording: Make, tmp_path: Path, kind: str, name: str) -> None:
    assert decode(recording(kind).rename(tmp_path / name))[1].info.format == kind
