"""What a program asks of the library: uploads, ingestions and their jobs, lists, datasets, keys."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chiffchaff_client import Chiffchaff, Ingestion, Job, KeyNeeded, KeyNotEnough, Problem
from services.ingest.api import API
from shared.db.engine import sync_engine, sync_sessions
from shared.settings import Settings
from tests.support.library import add_recording
from tests.support.serving import furnished, serving
from tests.support.sounds import SPECIES, write_folder


@pytest.fixture(scope="module")
def ingestion(library: Chiffchaff, tmp_path_factory: pytest.TempPathFactory) -> Ingestion:
    """Of three recordings of each of two birds, and of a file that is none."""
    folder = tmp_path_factory.mktemp("birds")
    write_folder(folder, per_species=3)
    (folder / SPECIES[0] / "broken.wav").write_bytes(b"RIFF")
    started = library.ingestions.folder(folder, recordist="Ada", licence="CC BY 4.0")
    return library.ingestions.wait(started.id).raise_for_state()


def test_a_folder_is_ingested_and_what_could_not_be_used_is_named(library: Chiffchaff, ingestion: Ingestion) -> None:
    assert (ingestion.counts.prepared, ingestion.counts.refused + ingestion.counts.unusable) == (6, 1)
    assert [Path(one.path).name for one in ingestion.problems] == ["broken.wav"]
    assert len([*library.ingestions.items(ingestion.id)]) == 7
    assert [one.id for one in library.ingestions.list()] == [ingestion.id]
    events = [*library.jobs.events(ingestion.job.id)]
    assert events[-1].kind == "job"
    assert events[-1].data["state"] == "succeeded"


def test_an_upload_is_prepared_found_again_and_saved(library: Chiffchaff, ingestion: Ingestion, tmp_path: Path) -> None:
    sound = write_folder(tmp_path, per_species=1, seconds=8.0)[0]
    new = library.recordings.upload(sound, label=SPECIES[0], recordist="Bob", latitude=48.1, longitude=11.6)
    assert (new.known, new.recording.name, new.recording.latitude) == (False, "000.wav", 48.1)
    assert new.job is not None
    looks: list[Job] = []
    assert library.jobs.wait(new.job.id, looks.append).succeeded
    assert looks
    assert library.recordings.upload(sound.read_bytes(), name="again.wav").known
    details = library.recordings.get(new.recording.id)
    assert details.prepared
    assert details.slice_count > 0
    assert [one.id for one in library.recordings.list(recordist=["Bob"])] == [new.recording.id]
    saved = library.recordings.download(new.recording.id, tmp_path / "saved.wav")
    assert saved.read_bytes() == sound.read_bytes()
    assert library.recordings.delete(new.recording.id).deleted_at
    assert library.recordings.count(recordist=["Bob"]).recordings == 0
    assert library.recordings.restore(new.recording.id).deleted_at is None


def test_where_recordings_are_from_and_what_there_is_to_filter_by_is_counted(
    library: Chiffchaff, settings: Settings
) -> None:
    engine = sync_engine(settings)
    for latitude in (10.1, 10.3, 20.0):
        add_recording(sync_sessions(engine), "Avis locata", latitude=latitude, longitude=5.0, country="Chad")
    engine.dispose()
    places = library.recordings.places(cell=2.0, species=["Avis locata"])
    assert [(one.recordings, one.latitude) for one in places] == [(2, 10.2), (1, 20.0)]
    assert library.recordings.count(box=places[0].box).recordings == 2
    values = library.recordings.values(species=["Avis locata"])
    assert [(one.value, one.recordings) for one in values.country] == [("Chad", 3)]


def test_jobs_are_counted_and_listed_without_those_that_others_started(
    library: Chiffchaff, ingestion: Ingestion
) -> None:
    started = library.jobs.counts(parent_id=ingestion.job.id)
    assert {one.kind for one in started} == {"preprocess.prepare"}
    assert sum(one.jobs for one in started) == len([*library.jobs.list(parent_id=ingestion.job.id)])
    assert sum(one.jobs for one in library.jobs.counts()) == len([*library.jobs.list()])
    above = [*library.jobs.list(top_level=True)]
    assert ingestion.job.id in {one.id for one in above}
    assert {one.parent_id for one in above} == {None}


def test_a_dataset_is_frozen_and_its_slices_are_saved(
    library: Chiffchaff, ingestion: Ingestion, tmp_path: Path
) -> None:
    assert {one.scientific_name: one.recordings for one in library.species.list(recordist=["Ada"])} == dict.fromkeys(
        SPECIES, 3
    )
    assert library.species.save(tmp_path / "species.csv").read_text().startswith("scientific_name,")
    dataset = library.datasets.create("two", species=[*SPECIES], folds=2)
    assert {one.species for one in dataset.summary.classes} == set(SPECIES)
    assert [one.id for one in library.datasets.list(sha256=dataset.sha256)] == [dataset.id]
    table = library.datasets.download(dataset.id, tmp_path / "slices.csv", format="csv")
    with table.open(encoding="utf-8", newline="") as file:
        assert {row["species"] for row in csv.DictReader(file)} - {""} == set(SPECIES)
    assert "Ada" in library.attributions.get("markdown", dataset_id=dataset.id)
    training = library.trainings.start("two", dataset_id=dataset.id, config={"epochs": 1, "folds": 0})
    assert (training.state, training.config["epochs"]) == ("queued", 1)
    assert library.trainings.cancel(training.id).job.cancel_requested
    with pytest.raises(Problem, match="there is no setting 'epoch'"):
        library.trainings.start("two", dataset_id=dataset.id, config={"epoch": 1})


def test_a_list_is_read_page_by_page(library: Chiffchaff, settings: Settings) -> None:
    engine = sync_engine(settings)
    made = {add_recording(sync_sessions(engine), "Avis multa") for _ in range(230)}
    engine.dispose()
    assert {one.id for one in library.recordings.list(species=["Avis multa"])} == made
    assert len([*library.recordings.list(species=["Avis multa"], limit=105)]) == 105
    first = next(library.recordings.list(species=["Avis multa"]))
    assert first.id in made


def test_keys_are_made_used_and_revoked(tmp_path: Path) -> None:
    own = Settings.model_validate({"data_dir": tmp_path, "api_keys": "a-key-that-is-long-enough"})
    with serving(furnished(own), API) as url, Chiffchaff(url, "a-key-that-is-long-enough") as admin:
        soon = datetime.now(UTC) + timedelta(days=90)
        key = admin.keys.create("recorder-3", ["classify"], expires_at=soon)
        assert key.expires_at == soon
        with Chiffchaff(url, key.key) as recorder, pytest.raises(KeyNotEnough, match="asks for ingest"):
            next(recorder.ingestions.list())
        admin.keys.revoke(key.id)
        assert [one.revoked_at is None for one in admin.keys.list()] == [False]
        with Chiffchaff(url, key.key) as recorder, pytest.raises(KeyNeeded, match="CHIFFCHAFF_API_KEY"):
            next(recorder.ingestions.list())
