"""`chiffchaff inspect`: pictures and figures of files, without a server, whatever one of them is."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from services.standalone.cli import app
from shared.audio.picture import SOFTWARE
from shared.errors import ChiffchaffError, InvalidInput
from tests.support.sounds import RATE, SPECIES, chirps


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; recordings lie in others."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def song(folder: Path, name: str = "song.wav", seconds: float = 6.0) -> Path:
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / name, chirps(SPECIES[0], seconds), RATE)
    return folder / name


def inspect(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)])


def said(result: Result) -> str:
    """What it printed, but for the progress bar."""
    return " ".join(result.stdout.split())


def test_a_file_becomes_a_picture_beside_which_its_figures_stand(here: Path, tmp_path: Path) -> None:
    result = inspect(song(tmp_path / "a", seconds=6.0))
    assert result.exit_code == 0, result.output
    with Image.open(here / "song.png") as picture:
        assert picture.info["Software"] == SOFTWARE
    for words in ("pcm_16, 22,050 Hz, 1 channel", "6.0 s", "2 signal, 0 noise", "song.png"):
        assert words in said(result)
    found = re.search(r"signal \D*(\d+) sections, ([\d.]+) s", said(result))
    assert found is not None
    assert int(found[1]) > 3
    assert 2 < float(found[2]) < 6
    assert [path.name for path in here.iterdir()] == ["song.png"], "nothing else is left"


def test_a_bad_file_says_why_and_the_others_are_done(here: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.wav"
    text.write_text("heard a chiffchaff at six in the morning\n" * 20)
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(3 * RATE), RATE)
    result = inspect(text, silence, song(tmp_path / "a"))
    assert result.exit_code == 1
    assert "not a sound recording. Send WAV" in said(result)
    assert "3.0 s of the recording are silent. Check the microphone" in said(result)
    assert [path.name for path in here.iterdir()] == ["song.png"]


def test_a_damaged_file_is_drawn_as_far_as_it_goes_with_a_warning(here: Path, tmp_path: Path) -> None:
    whole = song(tmp_path / "a")
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[:150_000])
    result = inspect(cut)
    assert result.exit_code == 0
    assert "warning" in said(result)
    assert "cut short" in said(result)


def test_the_picture_goes_where_it_is_told_to(here: Path, tmp_path: Path) -> None:
    source = song(tmp_path / "a")
    assert inspect(source, "-o", "there.png").exit_code == 0
    (here / "pictures").mkdir()
    assert inspect(source, song(tmp_path / "b"), "--output", here / "pictures").exit_code == 0
    assert sorted(str(path.relative_to(here)) for path in here.rglob("*.png")) == [
        "pictures/song-2.png",
        "pictures/song.png",
        "there.png",
    ]


def test_several_files_need_a_folder(here: Path, tmp_path: Path) -> None:
    result = inspect(song(tmp_path / "a"), song(tmp_path / "b"), "-o", "one.png")
    assert isinstance(result.exception, InvalidInput)
    assert "Let --output be a folder." in str(result.exception)


def test_an_own_picture_is_replaced_and_nobody_elses_file_is(here: Path, tmp_path: Path) -> None:
    source = song(tmp_path / "a")
    assert inspect(source).exit_code == 0
    assert inspect(source).exit_code == 0
    for name, write in {
        "photo.png": lambda path: Image.new("RGB", (3, 3)).save(path),
        "notes.txt": lambda path: path.write_text("dear diary"),
    }.items():
        write(here / name)
        before = (here / name).read_bytes()
        result = inspect(source, "-o", name)
        assert result.exit_code == 1
        assert f"{name} is there already" in said(result)
        assert (here / name).read_bytes() == before


def test_a_place_that_does_not_exist_is_refused_before_anything_is_decoded(here: Path, tmp_path: Path) -> None:
    result = inspect(song(tmp_path / "a"), "-o", "nowhere/a.png")
    assert result.exit_code == 1
    assert "There is no folder nowhere" in said(result)


def test_a_part_of_the_recording_is_drawn_and_all_of_it_counted(here: Path, tmp_path: Path) -> None:
    source = song(tmp_path / "a", seconds=20.0)
    whole, part = inspect(source), inspect(source, "-o", "part.png", "--start", 4, "--seconds", 2.5)
    assert (whole.exit_code, part.exit_code) == (0, 0)
    assert said(part).replace("part.png", "song.png") == said(whole)
    assert (here / "part.png").read_bytes() != (here / "song.png").read_bytes()
    for arguments in (("--start", 20), ("--seconds", 0), ("--seconds", "nan"), ("--start", "nan")):
        assert inspect(source, "-o", "never.png", *arguments).exit_code != 0
        assert not (here / "never.png").exists()


def test_the_original_preset_finds_its_own_sections(here: Path, tmp_path: Path) -> None:
    source = song(tmp_path / "a")
    assert said(inspect(source)) != said(inspect(source, "--preset", "original"))
    assert inspect(source, "--preset", "none").exit_code == 2


def test_names_are_not_read_as_markup(here: Path, tmp_path: Path) -> None:
    result = inspect(song(tmp_path / "a", "[red]song[nobody].wav"))
    assert not isinstance(result.exception, ChiffchaffError), result.exception
    assert result.exit_code == 0
    assert "[red]song[nobody].wav" in said(result)
