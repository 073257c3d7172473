"""Sound files of every kind, made by the tests and the benchmarks that need them."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soundfile

Sound = npt.NDArray[np.float32]
RATE = 44_100
SOUNDFILE_KINDS: dict[str, dict[str, Any]] = {
    "wav": {"format": "WAV", "subtype": "PCM_16"},
    "wav-u8": {"format": "WAV", "subtype": "PCM_U8"},
    "wav-24": {"format": "WAV", "subtype": "PCM_24"},
    "wav-32": {"format": "WAV", "subtype": "PCM_32"},
    "wav-float": {"format": "WAV", "subtype": "FLOAT"},
    "wav-double": {"format": "WAV", "subtype": "DOUBLE"},
    "wav-extensible": {"format": "WAVEX", "subtype": "PCM_16"},
    "rf64": {"format": "RF64", "subtype": "PCM_16"},
    "w64": {"format": "W64", "subtype": "PCM_16"},
    "aiff": {"format": "AIFF", "subtype": "PCM_24"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "ogg": {"format": "OGG", "subtype": "VORBIS"},
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III"},
    "wav-adpcm": {"format": "WAV", "subtype": "IMA_ADPCM"},
    "caf": {"format": "CAF", "subtype": "PCM_16"},
    "au": {"format": "AU", "subtype": "PCM_16"},
}
# Container, codec, rate: Opus knows no 44.1 kHz.
FFMPEG_KINDS = {
    "m4a": ("ipod", "aac", RATE),
    "webm": ("webm", "libopus", 48_000),
    "ogg-opus": ("ogg", "libopus", 48_000),
    "aac": ("adts", "aac", RATE),
    "wma": ("asf", "wmav2", RATE),
    "m4a-alac": ("ipod", "alac", RATE),
    "matroska-flac": ("matroska", "flac", RATE),
    "mov-u8": ("mov", "pcm_u8", RATE),
    "mov-s32": ("mov", "pcm_s32le", RATE),
    "mov-double": ("mov", "pcm_f64le", RATE),
    "avi": ("avi", "pcm_s16le", RATE),
    "flv": ("flv", "aac", RATE),
    "mpegts": ("mpegts", "aac", RATE),
    "mpeg": ("mpeg", "mp2", RATE),
    "mp2": ("mp2", "mp2", RATE),
    "ac3": ("ac3", "ac3", RATE),
    "eac3": ("eac3", "eac3", RATE),
    "tta": ("tta", "tta", RATE),
    "wavpack": ("wv", "wavpack", RATE),
    "amr": ("amr", "libopencore_amrnb", 8_000),
    "3gp": ("3gp", "libopencore_amrnb", 8_000),
    "mp4": ("mp4", "aac", RATE),
}


def whistles(seconds: float, rate: int = RATE, seed: int = 0) -> Sound:
    """Whistles that rise from 2 to 3 kHz, four a second, in faint noise: float32, (samples,), peak 0.5."""
    at = np.arange(round(seconds * rate)) / rate
    beat = (at * 4) % 1
    whistle = np.sin(2 * np.pi * (2_000 * beat + 1_000 * beat**2) / 4) * np.sin(np.pi * np.minimum(1, beat * 2)) ** 2
    hiss = np.random.default_rng(seed).standard_normal(len(at))
    sound: Sound = (0.5 * whistle + 0.002 * hiss).astype(np.float32)
    return sound


def write_sound(path: Path, samples: npt.NDArray[Any], rate: int, kind: str) -> Path:
    """Write samples, (n,) or (n, channels), as that kind of file. In blocks: libsndfile crashes on long ones."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with soundfile.SoundFile(path, "w", samplerate=rate, channels=channels, **SOUNDFILE_KINDS[kind]) as file:
        for start in range(0, len(samples), 16_384):
            file.write(samples[start : start + 16_384])
    return path


def in_ffmpegs_format(samples: Sound, name: str) -> npt.NDArray[Any]:
    scale, offset, dtype = {
        "u8": (127.0, 128.0, np.uint8),
        "s16": (2.0**15 - 1, 0.0, np.int16),
        "s32": (2.0**31 - 1, 0.0, np.int32),
        "flt": (1.0, 0.0, np.float32),
        "dbl": (1.0, 0.0, np.float64),
    }[name.removesuffix("p")]
    scaled = samples * scale + offset
    stored: npt.NDArray[Any] = (np.rint(scaled) if scale > 1 else scaled).astype(dtype)
    return stored


def encode_with_ffmpeg(path: Path, samples: Sound, rate: int, kind: str, options: dict[str, str] | None = None) -> Path:
    """Encode samples, (n,) or (n, channels), at the codec's own rate."""
    container, codec, codec_rate = FFMPEG_KINDS[kind]
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1", 16: "9.1.6"}[1 if samples.ndim == 1 else samples.shape[1]]
    with av.open(str(path), "w", format=container, options=options or {}) as file:
        track = file.add_stream(codec, rate=codec_rate, layout=layout)
        assert isinstance(track, av.AudioStream)
        names = [one.name for one in av.Codec(codec, "w").audio_formats or []]
        track.format = next((name for name in names if not name.startswith("u8")), names[0])
        track.bit_rate = 128_000
        packed = track.format.name.removesuffix("p")
        frame = av.AudioFrame.from_ndarray(in_ffmpegs_format(samples.reshape(1, -1), packed), packed, layout)
        frame.sample_rate = rate
        frame.pts = 0
        for packet in (*track.encode(frame), *track.encode(None)):
            file.mux(packet)
    return path


def write_any(
    path: Path, samples: npt.NDArray[Any], rate: int, kind: str, options: dict[str, str] | None = None
) -> Path:
    """Write samples as a file of one of the kinds above."""
    if kind in SOUNDFILE_KINDS:
        return write_sound(path, samples, rate, kind)
    return encode_with_ffmpeg(path, samples, rate, kind, options)
