"""The short-time Fourier transform of the signal chain: centred frames, Hann, power, computed in blocks that stay in
the processor's cache."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.fft

from shared.audio.wav import as_float

Samples = npt.NDArray[np.float32] | npt.NDArray[np.int16]
Spectrogram = npt.NDArray[np.float32]
Spectra = npt.NDArray[np.complexfloating]

# Frames times samples of one block: 1 MiB of float32, about a core's second-level cache.
_BLOCK_VALUES = 1 << 18


def frame_count(samples: int, hop: int) -> int:
    """Frames of a recording: one per hop, and one at each end; none of an empty one."""
    return 1 + samples // hop if samples else 0


def power_blocks(
    samples: Samples, first: int, end: int, *, n_fft: int, hop: int, first_bin: int = 0, end_bin: int | None = None
) -> Iterator[tuple[int, Spectrogram]]:
    """|X|^2 of frames [first, end) in consecutive blocks: number of the first frame, float32 (frames, bins).

    `samples`: float32 or int16 full scale 1, (samples,). Frame `i` is centred on sample `i * hop` under a periodic
    Hann window; beyond both ends the recording is mirrored without repeating its end sample, torch's
    `center=True, pad_mode="reflect"`.
    """
    for start, spectra in _spectra(samples, first, end, n_fft, hop):
        taken = spectra[:, first_bin:end_bin]
        yield start, _power(taken, np.empty(taken.shape, np.float32))


def power_spectrogram(
    samples: Samples, first: int, end: int, *, n_fft: int, hop: int, first_bin: int = 0, end_bin: int | None = None
) -> Spectrogram:
    """The blocks of `power_blocks` as one array, (end - first, bins)."""
    whole = np.empty((end - first, len(range(n_fft // 2 + 1)[first_bin:end_bin])), np.float32)
    for start, spectra in _spectra(samples, first, end, n_fft, hop):
        _power(spectra[:, first_bin:end_bin], whole[start - first : start - first + len(spectra)])
    return whole


def _spectra(samples: Samples, first: int, end: int, n_fft: int, hop: int) -> Iterator[tuple[int, Spectra]]:
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    size = max(1, _BLOCK_VALUES // n_fft)
    windowed = np.empty((min(size, end - first), n_fft), np.float32)
    for start in range(first, end, size):
        stop = min(end, start + size)
        frames = np.lib.stride_tricks.sliding_window_view(_around(samples, start, stop, n_fft, hop), n_fft)[::hop]
        spectra: Spectra = scipy.fft.rfft(np.multiply(frames, window, out=windowed[: stop - start]), axis=1)
        yield start, spectra


def _power(spectra: Spectra, out: Spectrogram) -> Spectrogram:
    np.square(spectra.real, out=out)
    out += np.square(spectra.imag)
    return out


def _around(samples: Samples, first: int, end: int, n_fft: int, hop: int) -> npt.NDArray[np.float32]:
    """The samples under frames [first, end), mirrored where they reach beyond the recording."""
    begin, stop = first * hop - n_fft // 2, (end - 1) * hop + n_fft // 2
    # One sample more on each side: a frame centred on the very end mirrors all of its first half, and one beyond.
    low = max(0, begin - 1)
    block = as_float(samples[low : stop + 1])
    before, after = max(0, -begin), max(0, stop - len(samples))
    if max(before, after) >= len(block):
        block = np.pad(block, (before, after), mode="reflect")
    elif before or after:
        # The same, in a tenth of the time.
        block = np.concatenate([block[before:0:-1], block, block[-2 : -2 - after : -1]])
    return block[max(0, begin) - low :][: stop - begin]
