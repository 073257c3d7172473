import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from services.inference.classifier import Classifier, load_classifier
from services.inference.schemas import ClassifyQuery
from shared.audio.constants import SAMPLE_RATE
from shared.audio.wav import to_pcm16
from shared.errors import InvalidInput, ModelFileError
from shared.model_file import Label, Metric, confidences, rank, sha256_of
from shared.model_file import load as load_model
from shared.rejection import Rejection
from tests.services.inference.conftest import HIGH, LOW, MIDDLE, Samples, manifest, song, write_pitch_model

Load = Callable[..., Classifier]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loaded(**changes: Any) -> Classifier:
        path = write_pitch_model(tmp_path / "model.pt", manifest(**changes))
        return load_classifier(path, sha256_of(path), model_id="id", name="pitches", version=3, threads=1)

    return loaded


def asked(classifier: Classifier, samples: Any, **query: Any) -> Any:
    return classifier.classify(samples, classifier.parameters(ClassifyQuery(**query)))


def test_each_window_reports_the_species_that_sings_in_it(load: Load) -> None:
    heard = asked(load(), song(LOW, LOW, HIGH))
    found = [(d.start, d.end, d.species) for d in heard.detections]
    assert [f for f in found if f[2] == "Avis ima"] == [
        (0.0, 5.0, "Avis ima"),
        (2.5, 7.5, "Avis ima"),
        (5.0, 10.0, "Avis ima"),
        (7.5, 12.5, "Avis ima"),
    ]
    assert [f for f in found if f[2] != "Avis ima"] == [(7.5, 12.5, "Avis summa"), (10.0, 15.0, "Avis summa")]
    assert [start for start, _, _ in found] == sorted(start for start, _, _ in found)
    assert heard.detections[0].common_name == "Low Bird"
    assert heard.detections[0].confidence > 0.99


def test_the_ranking_is_the_mean_of_the_three_best_windows_highest_first(load: Load) -> None:
    classifier = load()
    samples = song(MIDDLE, HIGH, HIGH)
    heard = asked(classifier, samples)
    assert [r.species for r in heard.ranking] == ["Avis summa", "Avis media", "Avis ima"]
    every_window = asked(classifier, samples, min_confidence=0).detections
    best = sorted((d.confidence for d in every_window if d.species == "Avis media"), reverse=True)[:3]
    assert heard.ranking[1].confidence == pytest.approx(sum(best) / 3, abs=1e-4)


def test_the_ranking_names_species_below_the_smallest_confidence(load: Load) -> None:
    heard = asked(load(), song(LOW), min_confidence=0.9)
    assert len(heard.ranking) == 3
    assert heard.ranking[2].confidence < 0.9
    assert len(heard.detections) == 1


def test_top_k_bounds_the_ranking_and_each_window(load: Load) -> None:
    heard = asked(load(), song(LOW, HIGH), top_k=1, min_confidence=0)
    assert len(heard.ranking) == 1
    assert [d.start for d in heard.detections] == [0.0, 2.5, 5.0]


def test_the_last_detection_ends_with_the_recording(load: Load) -> None:
    heard = asked(load(), song(LOW, seconds=6.0))
    assert [(d.start, d.end) for d in heard.detections] == [(0.0, 5.0), (2.5, 6.0)]


def test_a_recording_shorter_than_a_window_is_heard_like_its_repetition(load: Load) -> None:
    classifier = load()
    note = song(LOW, seconds=1.0)
    short, repeated = asked(classifier, note), asked(classifier, np.tile(note, 5))
    assert [r.model_dump() for r in short.ranking] == [r.model_dump() for r in repeated.ranking]
    assert (short.detections[0].start, short.detections[0].end) == (0.0, 1.0)


@pytest.mark.parametrize("step", [1.0, 1.0001, 1.7, 3.3333, 5.0])
def test_any_step_gives_windows_on_its_grid_to_the_end(load: Load, step: float) -> None:
    heard = asked(load(), song(LOW, seconds=23.0), step=step)
    starts = [d.start for d in heard.detections]
    assert starts == [pytest.approx(index * step, abs=1e-3) for index in range(len(starts))]
    assert heard.detections[-1].end == 23.0
    assert heard.detections[-2].end < 23.0


def test_what_is_left_out_of_the_query_is_the_models_own(load: Load) -> None:
    classifier = load(step_seconds=1.5, default_min_confidence=0.2, thresholds={"Avis ima": 0.8})
    parameters = classifier.parameters(ClassifyQuery())
    assert parameters.model_dump(exclude_defaults=True) == {
        "step": 1.5,
        "min_confidence": 0.2,
        "top_k": 5,
        "thresholds": {"Avis ima": 0.8},
    }


def test_thresholds_asked_for_go_before_the_models_and_those_before_the_smallest_confidence(load: Load) -> None:
    classifier = load(thresholds={"Avis ima": 0.8, "Avis media": 0.6})
    asked_for = ["Low Bird:0.25", "avis_summa:1"]
    parameters = classifier.parameters(ClassifyQuery(threshold=asked_for))
    assert parameters.thresholds == {"Avis ima": 0.25, "Avis media": 0.6, "Avis summa": 1.0}
    parameters = classifier.parameters(ClassifyQuery(threshold=asked_for, min_confidence=0.1))
    assert parameters.thresholds == {"Avis ima": 0.25, "Avis summa": 1.0}


@pytest.mark.parametrize("wrong", ["Avis ima", "Avis ima:", ":0.4", "Avis ima:1.1", "Avis ima:nan", "Avis ima:half"])
def test_what_is_no_threshold_is_refused(load: Load, wrong: str) -> None:
    with pytest.raises(InvalidInput, match="no species with a confidence") as refused:
        load().parameters(ClassifyQuery(threshold=[wrong]))
    assert "threshold=Turdus merula:0.4" in refused.value.hint


def test_only_the_species_asked_for_are_named_by_whatever_name(load: Load) -> None:
    classifier = load()
    both = song(LOW) + song(HIGH)
    heard = asked(classifier, both, species=["high bird, AVIS_MEDIA"], min_confidence=0)
    assert [r.species for r in heard.ranking] == ["Avis summa", "Avis media"]
    assert {d.species for d in heard.detections} == {"Avis media", "Avis summa"}
    everything = {d.species: d.confidence for d in asked(classifier, both, min_confidence=0).detections}
    assert {d.species: d.confidence for d in heard.detections} == {
        name: confidence for name, confidence in everything.items() if name != "Avis ima"
    }


def test_a_bird_is_known_by_its_name_in_another_language_and_a_slip_is_helped(load: Load) -> None:
    blackbird = Label(scientific="Turdus merula", common="Common Blackbird")
    classifier = load(labels=[blackbird, *manifest().labels[1:]])
    for name in ("Amsel", "common_blackbird", "Turdus merula_Common Blackbird"):
        assert classifier.parameters(ClassifyQuery(species=[name])).species == ["Turdus merula"]
    with pytest.raises(InvalidInput, match="knows no species 'Parus major'"):
        classifier.parameters(ClassifyQuery(species=["Parus major"]))
    with pytest.raises(InvalidInput, match="knows no species 'Turdus merulla'") as refused:
        classifier.parameters(ClassifyQuery(species=["Turdus merulla"]))
    assert "Turdus merula" in refused.value.hint
    with pytest.raises(InvalidInput, match="no species is named"):
        classifier.parameters(ClassifyQuery(species=[" , "]))


def test_detections_of_one_species_are_joined_where_asked(load: Load) -> None:
    heard = asked(load(), song(LOW, LOW, HIGH), merge=0)
    assert [(d.start, d.end, d.species, d.windows) for d in heard.detections] == [
        (0.0, 12.5, "Avis ima", 4),
        (7.5, 15.0, "Avis summa", 2),
    ]


REJECTION = Rejection(
    recording_threshold=3.0,
    window_threshold=3.0,
    wanted=0.95,
    kept=Metric(value=0.95),
    slices_kept=Metric(value=0.95),
)


def test_what_the_model_has_not_learnt_is_unknown_and_where_nothing_stands_out_there_is_nothing(load: Load) -> None:
    classifier = load(rejection=REJECTION)
    heard = asked(classifier, song(LOW))
    assert (heard.outcome, [d.known for d in heard.detections]) == ("species", [True])
    # A song half of which is in one band and half in another: the model is torn.
    torn = (song(LOW) + song(MIDDLE) + song(HIGH)) * beats()
    heard = asked(classifier, torn, min_confidence=0.2)
    assert heard.outcome == "unknown"
    assert [d.known for d in heard.detections] == [False] * 3, "flagged, not dropped"
    hiss = 0.01 * np.random.default_rng(0).standard_normal(5 * SAMPLE_RATE).astype(np.float32)
    assert asked(load(), hiss, min_confidence=1).outcome == "nothing"


def test_a_detection_s_window_is_known_only_where_the_model_can_tell(load: Load) -> None:
    assert [d.known for d in asked(load(), song(LOW)).detections] == [None]


def test_a_long_recording_is_heard_piece_by_piece_and_the_pieces_cannot_be_heard(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = to_pcm16(song(LOW, HIGH, MIDDLE, MIDDLE, LOW, seconds=4.3))
    whole = asked(load(), samples, step=1.0, min_confidence=0.1)
    for seconds in (0.5, 3.0, 11.0):
        monkeypatch.setattr("services.inference.classifier.PIECE_SECONDS", seconds)
        assert asked(load(), samples, step=1.0, min_confidence=0.1) == whole


def beats() -> Samples:
    """Half a second of sound in every second."""
    return (np.arange(5 * SAMPLE_RATE) % SAMPLE_RATE < SAMPLE_RATE // 2).astype(np.float32)


def test_a_species_has_its_own_threshold_unless_one_is_asked_for(load: Load) -> None:
    classifier = load(thresholds={"Avis ima": 1.0})
    both = song(LOW) + song(HIGH)
    assert [d.species for d in asked(classifier, both).detections] == ["Avis summa"]
    assert {d.species for d in asked(classifier, both, min_confidence=0.3).detections} == {"Avis ima", "Avis summa"}


def test_the_answer_is_that_of_the_model_file_with_torch_alone(load: Load, tmp_path: Path) -> None:
    samples = song(MIDDLE, LOW)
    found = {r.species: r.confidence for r in asked(load(temperature=2.0), samples).ranking}
    alone = load_model(tmp_path / "model.pt")
    with torch.inference_mode():
        logits = alone.module.analyse(torch.from_numpy(samples), 2.5).numpy()
    expected = rank(confidences(logits, alone.manifest))
    assert found == {
        label.scientific: pytest.approx(confidence, abs=1e-4)
        for label, confidence in zip(alone.manifest.labels, expected, strict=True)
    }


def test_a_step_longer_than_the_models_window_is_refused(load: Load) -> None:
    with pytest.raises(InvalidInput, match="gaps") as refused:
        load(window_seconds=3.0).parameters(ClassifyQuery(step=4.0))
    assert "at most 3 s" in refused.value.hint


def test_a_model_for_another_sample_rate_is_refused(load: Load) -> None:
    with pytest.raises(ModelFileError, match="48,000"):
        load(sample_rate=48_000)


def test_a_model_whose_numbers_do_not_fit_its_labels_does_not_warm_up(load: Load) -> None:
    labels = [*manifest().labels, {"scientific": "Avis quarta"}]
    with pytest.raises(ModelFileError, match="cannot be run"):
        load(labels=labels).warm_up()


def test_a_model_that_fits_warms_up(load: Load) -> None:
    load().warm_up()


def test_the_whole_recording_is_one_answer_at_any_length(load: Load) -> None:
    heard = asked(load(), song(HIGH, seconds=60.0), step=1.0)
    assert len(heard.detections) == 1 + 55


def test_the_service_is_imported_without_torch() -> None:
    code = "import services.inference.api, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_several_short_recordings_in_one_pass_are_each_heard_as_alone(load: Load) -> None:
    classifier = load(rejection=REJECTION)
    recordings = [to_pcm16(song(LOW)), song(HIGH, seconds=1.3), song(MIDDLE), to_pcm16(song(LOW, HIGH, seconds=2.0))]
    recordings.append(song(HIGH, seconds=5.1))
    queries = [ClassifyQuery(), ClassifyQuery(min_confidence=0), ClassifyQuery(top_k=1), ClassifyQuery(step=1)]
    queries.append(ClassifyQuery())
    asked_for = [(samples, classifier.parameters(query)) for samples, query in zip(recordings, queries, strict=True)]
    assert all(classifier.is_one_window(samples) for samples in recordings)
    assert not classifier.is_one_window(song(LOW, seconds=5.2))
    together = classifier.classify_together(asked_for)
    assert together == [classifier.classify(*one) for one in asked_for]
