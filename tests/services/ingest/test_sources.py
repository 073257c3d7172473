"""Folders and manifests: what they yield, and how they fail."""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from services.ingest.folder import FolderFiles
from services.ingest.items import Item
from services.ingest.manifest import ManifestFiles
from services.ingest.requests import FolderSource
from shared.errors import InvalidInput
from shared.settings import Settings
from shared.walk import LeftOut


def write(path: Path, content: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def names(found: Iterable[Item | LeftOut], kind: type[Item | LeftOut]) -> list[str]:
    return [one.name for one in found if isinstance(one, kind)]


def test_a_folder_yields_its_files_with_the_first_sub_folder_as_label(tmp_path: Path) -> None:
    for name in ("Turdus merula/b.WAV", "Turdus merula/2024/may/a.mp3", "Pica pica/c.flac", "loose.ogg"):
        write(tmp_path / name)
    write(tmp_path / ".trash" / "d.wav")
    write(tmp_path / "Pica pica" / ".DS_Store")
    found = [(item.name, item.label) for item in FolderFiles(tmp_path) if isinstance(item, Item)]
    assert found == [
        ("Pica pica/c.flac", "Pica pica"),
        ("Turdus merula/2024/may/a.mp3", "Turdus merula"),
        ("Turdus merula/b.WAV", "Turdus merula"),
        ("loose.ogg", None),
    ]


def test_a_missing_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no folder"):
        FolderFiles(tmp_path / "none")


def test_links_that_lead_back_or_up_end(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root / "Pica pica" / "a.wav")
    write(tmp_path / "beside" / "b.wav")
    for name, target in (("up", root), ("above", tmp_path), ("loop", root / "Pica pica" / "loop")):
        (root / "Pica pica" / name).symlink_to(target)
    (root / "z").symlink_to(root / "Pica pica")
    assert names(FolderFiles(root), Item) == ["Pica pica/a.wav"]
    assert names(FolderFiles(root), LeftOut) == ["Pica pica/above", "Pica pica/loop", "Pica pica/up", "z"]


def test_links_are_followed_within_the_library_only(tmp_path: Path) -> None:
    write(tmp_path / "secret" / "a.wav")
    write(tmp_path / "library" / "other" / "b.wav")
    folder = tmp_path / "library" / "folder" / "Pica pica"
    folder.mkdir(parents=True)
    for name, target in (("out", "secret"), ("out.wav", "secret/a.wav"), ("in", "library/other")):
        (folder / name).symlink_to(tmp_path / target)
    found = FolderFiles(tmp_path / "library" / "folder", tmp_path / "library")
    assert names(found, Item) == ["Pica pica/in/b.wav"]
    assert {one.reason for one in found if isinstance(one, LeftOut)} == {
        "It is a link that leads out of the library directory."
    }
    assert "Pica pica/out.wav" in names(FolderFiles(tmp_path / "library" / "folder"), Item), "no library: no border"


def test_names_that_are_no_utf8_can_be_stored_and_mean_their_species(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/H\xf6ckerschwan"
    os.mkdir(folder)
    Path(os.fsdecode(folder + b"/\xe4.wav")).write_text("x")
    (item,) = FolderFiles(tmp_path)
    assert isinstance(item, Item)
    assert item.name.encode() == rb"H\xf6ckerschwan/\xe4.wav"
    assert item.label == "Höckerschwan"
    assert item.path.read_text() == "x"


@pytest.mark.parametrize(
    ("folder", "label", "common"),
    [
        ("turdus_merula", "turdus_merula", ""),
        ("Turdus merula_Eurasian Blackbird", "Turdus merula", "Eurasian Blackbird"),
        ("Noise", None, ""),
        ("_", None, ""),
    ],
)
def test_a_folder_name_is_read_as_a_species(tmp_path: Path, folder: str, label: str | None, common: str) -> None:
    write(tmp_path / folder / "a.wav")
    (item,) = FolderFiles(tmp_path)
    assert isinstance(item, Item)
    assert (item.label, item.common_name) == (label, common)


def test_annotations_belong_to_their_recording_and_are_no_files_of_their_own(tmp_path: Path) -> None:
    for name in ("a.wav", "a.Table.1.selections.txt", "b.WAV", "b.txt", "notes.txt", "c.wav.part"):
        write(tmp_path / "Pica pica" / name)
    found = {item.name: item for item in FolderFiles(tmp_path)}
    assert list(found) == ["Pica pica/a.wav", "Pica pica/b.WAV", "Pica pica/c.wav.part", "Pica pica/notes.txt"]
    annotated = {
        name: [file.name for file in item.annotation_files] for name, item in found.items() if isinstance(item, Item)
    }
    assert annotated == {
        "Pica pica/a.wav": ["a.Table.1.selections.txt"],
        "Pica pica/b.WAV": ["b.txt"],
        "Pica pica/notes.txt": [],
    }
    part = found["Pica pica/c.wav.part"]
    assert isinstance(part, LeftOut)
    assert part.code == "unfinished-file"


MANIFEST = """path,label,english,name_fr,recordist,licence,xc_id,latitude,date,time,quality,secondary,mood
a.mp3,Turdus merula,Blackbird,Merle noir,A. Birder,CC BY 4.0,123,52.5,2024-05-01,7:17,b,Parus major;Pica pica,cheerful
b.mp3,Pica pica,,,B. Birder,CC BY-NC-ND 4.0,,north,2008-00-00,?,no score,,
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A folder with two files that a manifest may list."""
    write(tmp_path / "a.mp3")
    write(tmp_path / "b.mp3")
    return tmp_path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_manifest_keeps_every_field(listed: Path, separator: str) -> None:
    content = MANIFEST.replace("Parus major;Pica pica", '"Parus major;Pica pica"').replace(",", separator)
    write(listed / "m.csv", "\ufeff" + content)
    first, second = ManifestFiles(listed / "m.csv")
    assert isinstance(first, Item)
    assert isinstance(second, Item)
    assert first.path == listed / "a.mp3"
    assert (first.label, first.common_name, first.recordist) == ("Turdus merula", "Blackbird", "A. Birder")
    assert first.names == {"fr": "Merle noir"}
    assert (first.xc_id, first.latitude, first.recorded_on) == ("123", 52.5, date(2024, 5, 1))
    assert first.secondary == ("Parus major", "Pica pica")
    assert first.details == {"mood": "cheerful"}
    assert (first.recorded_time, first.quality) == ("07:17", "B")
    assert (second.xc_id, second.latitude, second.recorded_on) == (None, None, None), "odd values are no figures"
    assert (second.recorded_time, second.quality) == ("", None)
    kept = {"latitude": "north", "date": "2008-00-00", "time": "?", "quality": "no score"}
    assert second.details == kept, "and are not lost"


def test_a_manifest_may_be_written_as_a_german_excel_does(listed: Path) -> None:
    write(listed / "m.csv", "\ufeffPath;LABEL;Latitude;Longitude;Date;Set\na.mp3;Amsel;48,1;-0,0;1.5.2024;x\n")
    (found,) = ManifestFiles(listed / "m.csv", select={"Set": ["x"], "Label": ["Amsel"]})
    assert isinstance(found, Item)
    assert (found.label, found.latitude, found.longitude, found.recorded_on) == ("Amsel", 48.1, 0, date(2024, 5, 1))
    assert found.details == {"Set": "x"}


def test_a_manifest_can_be_narrowed_by_any_column(listed: Path) -> None:
    write(listed / "m.csv", MANIFEST)
    manifest = ManifestFiles(listed / "m.csv", select={"licence": ["CC BY 4.0"]})
    assert names(manifest, Item) == ["a.mp3"]
    assert list(manifest.count()) == [1]


def test_a_row_that_cannot_be_used_says_why_and_on_which_line(listed: Path) -> None:
    write(listed.parent / "outside.wav")
    (listed / "link.wav").symlink_to(listed.parent / "outside.wav")
    (listed / "folder").mkdir()
    rows = ["a.mp3", "none.mp3", "../outside.wav", "/etc/passwd", "link.wav", "folder", "a.mp3", ""]
    write(listed / "m.csv", "path,label\n" + "".join(f"{path},x\n" for path in rows) + "sub\\b.mp3,x\n\nb.mp3\n")
    write(listed / "sub" / "b.mp3")
    found = list(ManifestFiles(listed / "m.csv", listed))
    assert [one.name for one in found if isinstance(one, Item)] == ["a.mp3", "sub\\b.mp3", "b.mp3"]
    assert [(one.name, one.code, one.reason) for one in found if isinstance(one, LeftOut)] == [
        ("none.mp3", "unreadable-file", "Line 3: none.mp3 cannot be read: No such file or directory."),
        ("../outside.wav", "outside-of-library", "Line 4: ../outside.wav lies outside of the library directory."),
        ("/etc/passwd", "outside-of-library", "Line 5: /etc/passwd lies outside of the library directory."),
        ("link.wav", "outside-of-library", "Line 6: link.wav lies outside of the library directory."),
        ("folder", "unreadable-file", "Line 7: folder is no file."),
        ("a.mp3 (line 8)", "duplicate-row", "Line 8 names a file that a line before it names as well."),
        ("line 9", "bad-row", "Line 9: The path is empty."),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("file,label\n", "lacks the column path"),
        ("", "lacks the columns label, path"),
        ("path,label,label\n", "more than one column label"),
        ("path,label\n\xff", "UTF-8"),
        ("PK\x03\x04\xff", "spreadsheet"),
        ('path,label\n\n"a\n', "CSV from line 3 on: unexpected end of data. Is a quotation mark"),
    ],
)
def test_a_manifest_that_is_none_says_what_it_lacks(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "m.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidInput, match=reason):
        list(ManifestFiles(tmp_path / "m.csv"))


def test_only_the_library_can_be_read_where_the_operator_set_one(tmp_path: Path) -> None:
    (tmp_path / "library" / "birds").mkdir(parents=True)
    (tmp_path / "library" / "out").symlink_to(tmp_path)
    settings = Settings(library_dir=tmp_path / "library")
    assert FolderSource(source="folder", path="birds").resolved(settings) == tmp_path / "library" / "birds"
    for path in ("..", "/etc", "out"):
        with pytest.raises(InvalidInput, match="outside of the library"):
            FolderSource(source="folder", path=path).resolved(settings)


def test_a_server_open_to_others_reads_nothing_without_a_library(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="CHIFFCHAFF_LIBRARY_DIR"):
        FolderSource(source="folder", path=str(tmp_path)).resolved(Settings(host="0.0.0.0"))  # noqa: S104
