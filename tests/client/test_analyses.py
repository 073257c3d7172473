"""Analyses by the client: real answers, real jobs."""

import csv
import zipfile
from pathlib import Path

import pytest
import soundfile

from chiffchaff_client import Chiffchaff, NotThere, Problem
from tests.services.inference.conftest import HIGH, LOW, encoded, song


@pytest.fixture
def night(tmp_path: Path) -> list[Path]:
    """A low bird and then a high one, what is no recording, and silence."""
    content = {"dawn": encoded(song(LOW, HIGH)), "notes": b"notes of a walk", "midnight": encoded(0 * song(LOW))}
    for name, sound in content.items():
        (tmp_path / f"{name}.wav").write_bytes(sound)
    return [tmp_path / f"{name}.wav" for name in content]


def test_files_are_heard_in_the_background_and_saved_in_any_format(
    hearing: Chiffchaff, night: list[Path], tmp_path: Path
) -> None:
    seen = []
    begun = hearing.analyses.upload(night, merge=0, thresholds={"Avis ima": 0.3})
    ended = hearing.analyses.wait(begun.id, seen.append, seconds=60).raise_for_state()
    assert [one.id for one in seen] == [begun.id] * len(seen)
    assert (ended.counts.recordings, ended.counts.species, ended.counts.failed, ended.progress.fraction) == (3, 1, 1, 1)
    assert (ended.parameters.merge, ended.parameters.thresholds) == (0, {"Avis ima": 0.3})

    assert [one.file for one in hearing.analyses.recordings(begun.id)] == ["dawn.wav", "notes.wav", "midnight.wav"]
    (failed,) = hearing.analyses.recordings(begun.id, outcome="failed")
    assert (failed.position, failed.code) == (1, "not-audio")
    heard = hearing.analyses.result(begun.id, 0)
    assert [(one.start, one.species) for one in heard.detections][:1] == [(0, "Avis ima")]
    assert hearing.analyses.result(begun.id, 1).error == failed.error

    with hearing.analyses.save(begun.id, tmp_path / "night.csv").open(newline="") as file:
        assert {row["file"] for row in csv.DictReader(file)} == {"dawn.wav", "notes.wav", "midnight.wav"}
    tables = zipfile.ZipFile(hearing.analyses.save(begun.id, tmp_path / "night.zip", "raven"))
    assert "dawn.selections.txt" in tables.namelist()
    cut = hearing.analyses.snippet(begun.id, 0, tmp_path / "cut.flac", 1.0, 2.5, format="flac")
    assert soundfile.info(cut).duration == 1.5
    assert hearing.analyses.audio(begun.id, 0, tmp_path / "again.wav").read_bytes() == night[0].read_bytes()
    assert [event.kind for event in hearing.analyses.events(begun.id)] == ["analysis"]


def test_one_that_has_ended_is_removed(hearing: Chiffchaff, night: list[Path]) -> None:
    begun = hearing.analyses.upload(night[:1])
    hearing.analyses.wait(begun.id, seconds=60)
    assert begun.id in [one.id for one in hearing.analyses.list(limit=2)]
    assert hearing.analyses.delete(begun.id) is None
    with pytest.raises(NotThere):
        hearing.analyses.get(begun.id)


def test_a_folder_that_is_not_there_is_said_at_once(hearing: Chiffchaff, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="There is no folder"):
        hearing.analyses.folder(tmp_path / "none", latitude=48.1, longitude=11.6, date="2026-05-04")


def test_a_library_without_such_recordings_has_nothing_to_hear(hearing: Chiffchaff) -> None:
    begun = hearing.analyses.library(filters={"species": ["Turdus merula"], "recorded_from": "2026-05-01"}, top_k=1)
    ended = hearing.analyses.wait(begun.id, seconds=60)
    assert ended.state == "failed"
    assert ended.reason
