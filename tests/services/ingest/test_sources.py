"""Folders and manifests: what they yield, and how they fail."""

from datetime import date
from pathlib import Path

import pytest

from services.ingest.folder import folder_items
from services.ingest.manifest import manifest_items
from services.ingest.requests import FolderSource
from shared.errors import InvalidInput
from shared.settings import Settings


def write(path: Path, content: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_a_folder_yields_its_files_with_the_first_sub_folder_as_label(tmp_path: Path) -> None:
    for name in ("Turdus merula/b.WAV", "Turdus merula/2024/may/a.mp3", "Pica pica/c.flac", "loose.ogg"):
        write(tmp_path / name)
    write(tmp_path / ".trash" / "d.wav")
    write(tmp_path / "Pica pica" / ".DS_Store")
    found = [(item.name, item.label) for item in folder_items(tmp_path)]
    assert found == [
        ("Pica pica/c.flac", "Pica pica"),
        ("Turdus merula/2024/may/a.mp3", "Turdus merula"),
        ("Turdus merula/b.WAV", "Turdus merula"),
        ("loose.ogg", None),
    ]


def test_a_missing_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no folder"):
        list(folder_items(tmp_path / "none"))


MANIFEST = """path,label,english,recordist,licence,xc_id,latitude,date,time,quality,secondary,mood
a.mp3,Turdus merula,Blackbird,A. Birder,CC BY 4.0,123,52.5,2024-05-01,7:17,b,Parus major;Pica pica,cheerful
b.mp3,Pica pica,,B. Birder,CC BY-NC-ND 4.0,,north,2008-00-00,?,no score,,
"""


def test_a_manifest_keeps_every_field(tmp_path: Path) -> None:
    write(tmp_path / "m.csv", "\ufeff" + MANIFEST)
    first, second = manifest_items(tmp_path / "m.csv", {})
    assert first.path == tmp_path / "a.mp3"
    assert (first.label, first.common_name, first.recordist) == ("Turdus merula", "Blackbird", "A. Birder")
    assert (first.xc_id, first.latitude, first.recorded_on) == ("123", 52.5, date(2024, 5, 1))
    assert first.secondary == ("Parus major", "Pica pica")
    assert first.details == {"mood": "cheerful"}
    assert (first.recorded_time, first.quality) == ("07:17", "B")
    assert (second.xc_id, second.latitude, second.recorded_on) == (None, None, None), "odd values are no figures"
    assert (second.recorded_time, second.quality) == ("", None)


def test_a_manifest_can_be_narrowed_by_any_column(tmp_path: Path) -> None:
    write(tmp_path / "m.csv", MANIFEST)
    assert [item.name for item in manifest_items(tmp_path / "m.csv", {"licence": ["CC BY 4.0"]})] == ["a.mp3"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("file,label\n", "lacks the column path"), ("", "lacks the columns label, path"), ("path,label\n\xff", "UTF-8")],
)
def test_a_manifest_that_is_none_says_what_it_lacks(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "m.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidInput, match=reason):
        list(manifest_items(tmp_path / "m.csv", {}))


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
