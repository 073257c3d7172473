"""Names that every file system takes."""

from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.results.names import name_of_recording, safe_name, safe_path


@given(st.text(max_size=200))
def test_any_text_becomes_a_name_that_windows_takes(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name.encode()) <= 61
    assert not set(name) & set('<>:"/\\|?*\n\r\t ')
    assert name == name.rstrip(". ")
    assert not PureWindowsPath(name).is_reserved()
    assert PureWindowsPath(name).name == name


@pytest.mark.parametrize("device", ["CON", "nul", "COM1", "lpt9", "aux.wav", "con.tar.gz"])
def test_names_of_devices_are_none(device: str) -> None:
    assert not PureWindowsPath(safe_name(device)).is_reserved()


def test_letters_of_all_languages_stay() -> None:
    assert safe_name("Größe 鳥") == "Größe-鳥"


def test_recordings_of_one_name_in_two_folders_are_told_apart() -> None:
    one, other = name_of_recording("a/20240501_053000.wav"), name_of_recording("b/20240501_053000.wav")
    assert one.startswith("20240501_053000_")
    assert one != other


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("dawn.wav", "dawn"),
        ("night 1/2024.05.01.wav", "night-1/2024.05.01"),
        ("/media/card/a.wav", "media/card/a"),
        ("../../etc/./passwd", "etc/passwd"),
        ("C:\\Users\\..\\con\\a.wav", "C/Users/_con/a"),
        ("", "_"),
    ],
)
def test_a_path_stays_as_it_is_but_for_what_could_lead_elsewhere(file: str, path: str) -> None:
    assert safe_path(file) == path
