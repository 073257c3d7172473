"""Pictures, read back pixel by pixel: everything lies at its time and frequency, in every panel alike."""

import io
import warnings

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from shared.audio.columns import mel_range
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.audio.mel import hz_to_mel
from shared.audio.picture import NEARLY, NO_SOUND, NOISE, SIGNAL, SOFTWARE, draw, write_png
from shared.audio.segment import segment
from shared.audio.segmentation import CONTRAST, ORIGINAL, SPRENGEL2016, Preset
from shared.audio.slices import Section, Slice, slice_recording
from tests.support.sounds import SPECIES, chirps

Sound = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.int64]
ALL = pytest.mark.parametrize("preset", [CONTRAST, SPRENGEL2016, ORIGINAL], ids=lambda preset: preset.name)


def picture_of(sound: Sound, preset: Preset = SPRENGEL2016) -> Figure:
    sections = segment(sound, preset)
    return draw(sound, sections, slice_recording(len(sound), sections), preset=preset)


def panels_of(figure: Figure) -> dict[str, Pixels]:
    """The pixels within each panel, (height, width, 3), from top left; its neighbours take the frame's place."""
    file = io.BytesIO()
    write_png(figure, file)
    whole = np.asarray(Image.open(file).convert("RGB")).astype(np.int64)
    panels = {}
    for axes in figure.axes:
        box = axes.get_position()
        left, right = (round(x * whole.shape[1]) for x in (box.x0, box.x1))
        top, bottom = (round((1 - y) * whole.shape[0]) for y in (box.y1, box.y0))
        panel = whole[top + 1 : bottom - 1, left:right].copy()
        panel[:, :2], panel[:, -2:] = panel[:, 2:3], panel[:, -3:-2]
        panels[str(axes.get_label())] = panel
    return panels


def where(panel: Pixels, colour: str) -> npt.NDArray[np.bool_]:
    return np.abs(panel - np.rint(255 * np.array(to_rgb(colour)))).max(axis=2) <= 2


def bursts(seconds: float, *at: float, hertz: float, length: float = 0.06) -> Sound:
    """Tones of `length` seconds, centred at the times given, in faint noise."""
    sound = np.random.default_rng(0).normal(0, 0.001, round(seconds * SAMPLE_RATE)).astype(np.float32)
    tone = np.sin(2 * np.pi * hertz * np.arange(round(length * SAMPLE_RATE)) / SAMPLE_RATE)
    for time in at:
        first = round((time - length / 2) * SAMPLE_RATE)
        sound[first : first + len(tone)] += (0.5 * tone * np.hanning(len(tone))).astype(np.float32)
    return sound


def runs(columns: npt.NDArray[np.bool_]) -> list[float]:
    """The middle of each run of columns that are set."""
    borders = np.flatnonzero(np.diff(columns, prepend=False, append=False)).reshape(-1, 2)
    return [float(first + end) / 2 for first, end in borders]


@ALL
@pytest.mark.parametrize("hertz", [700, 3_000, 8_000])
def test_a_burst_lies_at_its_time_and_frequency_in_every_panel(preset: Preset, hertz: float) -> None:
    times = (1.5, 4.25, 9.0)
    panels = panels_of(picture_of(bursts(10.0, *times, hertz=hertz), preset))
    width = panels["waveform"].shape[1]
    expected = [time / 10.0 * width for time in times]
    middle = panels["waveform"].shape[0] // 2
    loud = (panels["waveform"][: middle - 8] < 128).all(axis=2).any(axis=0)
    bright = panels["spectrogram"].sum(axis=2) > 450
    masked = where(panels["masks"], SIGNAL)
    signal = where(panels["sections"], SIGNAL).mean(axis=0) > 0.5
    # A frame's half, of which a burst's edges may reach another on either side.
    slack = 1 + preset.hop / 2 / SAMPLE_RATE * width / 10
    assert runs(loud) == pytest.approx(expected, abs=2)
    assert runs(bright.any(axis=0)) == pytest.approx(expected, abs=slack)
    assert runs(masked.any(axis=0)) == pytest.approx(expected, abs=slack + 2)
    # Dilations of even length reach one frame further to one side.
    assert runs(signal) == pytest.approx(expected, abs=slack + 3)
    low, high = mel_range(preset)
    for panel in (bright, masked):
        row = np.average(np.arange(len(panel)) + 1.5, weights=panel.sum(axis=1))
        bin_rows = SAMPLE_RATE / preset.n_fft / hertz * len(panel) / 3
        assert len(panel) + 2 - row == pytest.approx(
            (hz_to_mel(hertz) - low) / (high - low) * (len(panel) + 2), abs=2 + bin_rows
        )


def test_a_rising_chirp_rises_at_its_rate() -> None:
    seconds = 8.0
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = (0.5 * np.sin(2 * np.pi * (1_000 * at + 500 * at**2))).astype(np.float32)
    axes = picture_of(sound).axes[1]
    (image,) = axes.images
    values = np.asarray(image.get_array())
    left, right, low, high = image.get_extent()
    times = left + (np.arange(values.shape[1]) + 0.5) * (right - left) / values.shape[1]
    mels = low + (values.argmax(axis=0) + 0.5) * (high - low) / values.shape[0]
    inside = (times > 0.05) & (times < seconds - 0.05)
    expected = np.array([hz_to_mel(1_000 + 1_000 * time) for time in times])
    assert np.abs(mels - expected)[inside].max() < 0.4


def test_an_excerpt_shows_its_own_time() -> None:
    sound = bursts(20.0, 12.0, hertz=3_000)
    sections = segment(sound)
    figure = draw(sound, sections, [], start=10 * SAMPLE_RATE, end=15 * SAMPLE_RATE)
    panels = panels_of(figure)
    width = panels["masks"].shape[1]
    (masked,) = runs(where(panels["masks"], SIGNAL).any(axis=0))
    assert masked == pytest.approx(2 / 5 * width, abs=12)
    assert {axes.get_xlim() for axes in figure.axes if axes.get_label() != "decibels"} == {(10.0, 15.0)}


@ALL
def test_sections_are_coloured_by_kind_and_the_rest_is_blank(preset: Preset) -> None:
    sound = bursts(10.0, 5.0, hertz=3_000)
    sections = [Section("signal", 0, 2 * SAMPLE_RATE), Section("noise", 4 * SAMPLE_RATE, 10 * SAMPLE_RATE)]
    panel = panels_of(draw(sound, sections, [], preset=preset))["sections"]
    width = panel.shape[1]
    assert np.flatnonzero(where(panel, SIGNAL)[5])[[0, -1]] == pytest.approx([0, 0.2 * width], abs=1)
    assert np.flatnonzero(where(panel, NOISE)[5])[[0, -1]] == pytest.approx([0.4 * width, width - 1], abs=1)
    assert (panel[5, round(0.21 * width) : round(0.39 * width)] == 255).all()


def test_slices_that_overlap_lie_in_two_lanes_and_what_fills_the_last_is_hatched() -> None:
    sound = bursts(9.0, 1.0, hertz=3_000)
    slices = [
        Slice("signal", 0, WINDOW_SAMPLES, 0.1),
        Slice("noise", 55_125, WINDOW_SAMPLES, 0.0),
        Slice("noise", 110_250, 9 * SAMPLE_RATE - 110_250, 0.0),
    ]
    panels = panels_of(draw(sound, [], slices))
    panel = panels["slices"]
    shown = 10.0
    upper, lower = panel[: panel.shape[0] // 2], panel[panel.shape[0] // 2 :]
    column = {time: round(time / shown * panel.shape[1]) for time in (1, 4, 6, 8.5, 9.5)}
    for lane, time, colour in ((upper, 1, SIGNAL), (lower, 4, NOISE), (lower, 6, NOISE), (upper, 8.5, NOISE)):
        assert where(lane, colour)[4:-4, column[time]].all()
    hatched = where(upper, NOISE)[3:-3, round(9.1 / shown * panel.shape[1]) : -4].mean()
    assert 0.05 < hatched < 0.8
    assert where(panels["waveform"], NO_SOUND)[:, column[9.5]].all()
    assert not where(panels["waveform"], NO_SOUND)[:, column[8.5]].any()


def test_the_masks_tell_signal_from_what_is_only_too_loud_for_noise() -> None:
    panels = panels_of(picture_of(chirps(SPECIES[0], 8.0)))
    assert where(panels["masks"], SIGNAL).any()
    assert where(panels["masks"], NEARLY).any()


def test_the_background_is_dark() -> None:
    panel = panels_of(picture_of(bursts(10.0, 2.0, 5.0, hertz=3_000)))["spectrogram"]
    assert np.median(panel.max(axis=2)) < 40
    assert panel.sum(axis=2).max() > 600


def test_a_long_range_has_no_masks_and_shares_of_slices() -> None:
    sound = np.tile(bursts(60.0, 5.0, 6.0, hertz=3_000), 70)
    sections = [Section("signal", minute * 60 * SAMPLE_RATE, (minute * 60 + 30) * SAMPLE_RATE) for minute in range(70)]
    figure = draw(sound, sections, slice_recording(len(sound), sections))
    panels = panels_of(figure)
    assert set(panels) == {"waveform", "spectrogram", "sections", "slices", "decibels"}
    assert where(panels["sections"], SIGNAL).mean() == pytest.approx(0.5, abs=0.1)
    labels = [label.get_text() for label in figure.axes[-2].get_xticklabels()]
    assert labels[1:4] == ["0:00", "5:00", "10:00"]


@pytest.mark.parametrize("samples", [1, 2, 127, 500, 2_205])
def test_the_shortest_recordings_have_pictures(samples: int) -> None:
    sound = np.full(samples, 0.3, np.float32)
    panels = panels_of(picture_of(sound))
    assert where(panels["sections"], NOISE).any()


@pytest.mark.parametrize("level", [0, 6_000])
def test_silence_is_dark_and_no_pixel_of_it_stands_out(level: int) -> None:
    sound = np.full(3 * SAMPLE_RATE, level, np.int16)
    sections = segment(sound)
    figure = draw(sound, sections, slice_recording(len(sound), sections))
    assert {text.get_text() for text in figure.axes[2].texts} == {"no pixel stands out"}
    panels = panels_of(figure)
    assert np.median(panels["spectrogram"].max(axis=2)) < 10
    assert not where(panels["masks"], SIGNAL).any()


@pytest.mark.parametrize("width", [640, 1_201, 2_100])
def test_pictures_are_as_wide_as_asked_for_and_say_who_made_them(width: int) -> None:
    file = io.BytesIO()
    write_png(draw(chirps(SPECIES[0], 2.0), [], [], width=width), file)
    picture = Image.open(file)
    assert picture.width == width
    assert picture.info["Software"] == SOFTWARE


@pytest.mark.parametrize("title", ["$x^{", "大山雀.wav", "long name " * 40, "tab\tand\nline", ""])
def test_any_file_name_can_be_the_title(title: str) -> None:
    with warnings.catch_warnings(action="error"):
        write_png(draw(chirps(SPECIES[0], 1.0), [], [], title=title), io.BytesIO())
