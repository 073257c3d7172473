"""What a program asks of the inference service, and what it gets: real answers over a real connection."""

import io
from datetime import date
from pathlib import Path

import pytest

from chiffchaff_client import Chiffchaff, NotThere, Problem
from services.inference.api import API as INFERENCE
from shared.model_file import read_manifest
from shared.predictions import Prediction, Predictions
from tests.services.inference.conftest import HIGH, LOW, encoded, prepare, ship_model, song
from tests.support.serving import serving
from tests.support.waiting import until

SOUND = encoded(song(LOW, HIGH))


def test_a_path_bytes_and_an_open_file_are_heard_alike(hearing: Chiffchaff, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(SOUND)
    with path.open("rb") as file:
        answers = [hearing.classify(one) for one in (path, str(path), SOUND, file, io.BytesIO(SOUND))]
    assert len({one.model_dump_json(exclude={"request_id"}) for one in answers}) == 1
    heard = answers[0]
    assert (heard.outcome, heard.model.name, heard.recording.seconds) == ("species", "pitches", 10.0)
    first = heard.detections[0]
    assert (first.start, first.end, first.species, first.common_name) == (0, 5, "Avis ima", "Low Bird")
    assert heard.ranking[0].confidence > 0.4


def test_all_that_is_asked_reaches_the_model(hearing: Chiffchaff) -> None:
    parameters = hearing.classify(
        SOUND,
        top_k=2,
        min_confidence=0.25,
        thresholds={"Avis ima": 0.4},
        species=["Low Bird", "Avis summa"],
        step=5,
        merge=1.5,
        latitude=48.1,
        longitude=11.6,
        date=date(2026, 5, 4),
        unexpected="drop",
        model="pitches:1",
    ).parameters
    assert parameters.model_dump(exclude={"date"}) == {
        "step": 5.0,
        "min_confidence": 0.25,
        "top_k": 2,
        "thresholds": {"Avis ima": 0.4},
        "merge": 1.5,
        "species": ["Avis ima", "Avis summa"],
        "latitude": 48.1,
        "longitude": 11.6,
        "unexpected": "drop",
    }
    assert parameters.date == date(2026, 5, 4)
    assert hearing.classify(SOUND, date="2026-05-04").parameters.date == date(2026, 5, 4)


def test_what_cannot_be_heard_is_said_with_what_would_help(hearing: Chiffchaff) -> None:
    with pytest.raises(Problem, match="Send WAV, FLAC") as raised:
        hearing.classify(b"\x89PNG\r\n\x1a\n" + bytes(100))
    error = raised.value
    assert (error.code, error.status, error.title) == ("not-audio", 415, "This is not a sound recording")
    assert error.request_id
    with pytest.raises(Problem, match="Did you mean"):
        hearing.classify(SOUND, species=["Avis sumna"])
    with pytest.raises(Problem, match="larger than") as raised:
        hearing.classify(bytes(5 << 20))
    assert raised.value.status == 413


def test_models_are_listed_looked_at_and_activated(hearing: Chiffchaff) -> None:
    listed = [*hearing.models.list()]
    assert [(one.name, one.version, one.active, one.labels) for one in listed] == [("pitches", "1", True, 3)]
    details = hearing.models.get("pitches", 1)
    assert [label.common for label in details.species] == ["Low Bird", "Middle Bird", "High Bird"]
    assert {one.recordist for one in details.credits} == {"Ada", "Bob"}
    assert [*hearing.models.list(name="nobody")] == []
    assert hearing.models.activate("pitches", details.version).model.id == listed[0].id
    assert hearing.models.active().loaded


def test_a_model_is_saved_with_all_that_it_has_or_not_at_all(hearing: Chiffchaff, tmp_path: Path) -> None:
    saved = hearing.models.download("pitches", "1", tmp_path / "deep" / "pitches")
    assert sorted(path.name for path in saved) == ["card.md", "model.onnx", "model.pt"]
    assert read_manifest(tmp_path / "deep" / "pitches" / "model.pt").name == "pitches"
    with pytest.raises(NotThere, match="no model pitches with version 7"):
        hearing.models.download("pitches", 7, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_two_models_are_compared_on_what_both_held_out(hearing: Chiffchaff, tmp_path: Path) -> None:
    settings = prepare(tmp_path)
    settings.storage_dir.mkdir(parents=True)
    for name, taken_for in (("sure", 0), ("deaf", 1)):
        said = Prediction(sha256="a" * 64, label=0, ranking=((taken_for, 0.8),))
        predictions = Predictions(labels=("Avis ima", "Avis summa"), tested=1, recordings=(said,))
        beside = ship_model(settings.models_dir, name) / "predictions.json"
        beside.write_text(predictions.model_dump_json(), encoding="utf-8")
    with serving(settings, INFERENCE) as url, Chiffchaff(url) as chiffchaff:
        until(lambda: len([*chiffchaff.models.list()]) == 2, what="both models")
        found = chiffchaff.models.compare("sure", 1, ("deaf", "1"))
    assert (found.recordings, found.top1, found.other_top1, found.difference.value) == (1, 1.0, 0.0, 1.0)
    assert [(one.species, one.other_said and one.other_said.species) for one in found.better] == [
        ("Avis ima", "Avis summa")
    ]
    assert (found.worse, found.species[0].right, found.species[0].other_right) == ([], 1, 0)
    with pytest.raises(NotThere, match="pitches 1 has no predictions"):
        hearing.models.compare("pitches", 1, ("pitches", 1))


def test_what_to_expect_is_answered_with_how_much_is_known(hearing: Chiffchaff) -> None:
    here = hearing.species.expected(latitude=48.1, longitude=11.6, date=date(2026, 5, 4), limit=3)
    assert (here.species, here.nearby_visits) == ([], 0)
    assert here.note
