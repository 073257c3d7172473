import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.inference import registry
from shared.db.engine import sync_engine
from shared.db.tables import Dataset, Job, Model, Training
from shared.errors import NotFound
from shared.model_file import read_manifest, sha256_of
from shared.settings import Settings
from shared.storage import Storage, storage_from
from tests.services.inference.conftest import Ship


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    engine = sync_engine(settings)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def storage(settings: Settings) -> Storage:
    return storage_from(settings)


def register_all(session: Session, storage: Storage, models_dir: Path) -> list[Model]:
    return [registry.register(session, folder) for folder in registry.store_shipped(storage, models_dir)]


def test_a_shipped_model_gets_a_row_that_says_what_the_file_says(
    session: Session, storage: Storage, models_dir: Path, ship: Ship
) -> None:
    file = ship("garden") / "model.pt"
    (model,) = register_all(session, storage, models_dir)
    assert (model.name, model.version, model.sha256) == ("garden", 1, sha256_of(file))
    assert model.manifest == read_manifest(file).model_dump(mode="json")


def test_model_and_card_are_in_the_storage_though_the_folder_goes_away(
    session: Session, storage: Storage, models_dir: Path, ship: Ship
) -> None:
    content = (ship("garden") / "model.pt").read_bytes()
    (model,) = register_all(session, storage, models_dir)
    for file in (models_dir / "garden").iterdir():
        file.unlink()
    assert storage.existing(model.file_key).read_bytes() == content
    assert storage.existing(model.files["card"]).read_text(encoding="utf-8") == "# garden\n"
    assert "curves" not in model.files


def test_the_same_file_is_registered_once(session: Session, storage: Storage, models_dir: Path, ship: Ship) -> None:
    ship("garden")
    first = register_all(session, storage, models_dir)
    second = register_all(session, storage, models_dir)
    assert first == second
    assert len(session.scalars(select(Model)).all()) == 1


def test_versions_count_up_by_name(session: Session, storage: Storage, models_dir: Path, ship: Ship) -> None:
    ship("garden", folder="a")
    ship("garden", folder="b", common="Other ")
    ship("forest", folder="c")
    models = register_all(session, storage, models_dir)
    assert [(m.name, m.version) for m in models] == [("garden", 1), ("garden", 2), ("forest", 1)]


@pytest.mark.parametrize(
    ("said", "versions"), [("3", [3, 4]), ("1", [1, 2]), ("2026-11", [1, 2]), ("9" * 30, [1, 2]), ("٣", [1, 2])]
)
def test_a_model_has_the_version_that_its_card_names_unless_that_is_taken(
    session: Session, storage: Storage, models_dir: Path, ship: Ship, said: str, versions: list[int]
) -> None:
    ship("garden", version=said)
    register_all(session, storage, models_dir)
    shutil.rmtree(models_dir / "garden")
    ship("garden", version=said, temperature=2.0)
    register_all(session, storage, models_dir)
    assert list(session.scalars(select(Model.version).order_by(Model.version))) == versions


def test_a_version_that_a_running_training_will_have_is_left_to_it(
    session: Session, storage: Storage, models_dir: Path, ship: Ship
) -> None:
    dataset = Dataset(name="d", sha256="0" * 64, file_key="d.json", parameters={}, summary={})
    job = Job(kind="trainer.train", queue="trainer", payload={}, max_attempts=1)
    session.add_all([dataset, job])
    session.flush()
    session.add(Training(dataset_id=dataset.id, job_id=job.id, name="garden", version=1, config={}))
    session.flush()
    ship("garden")
    (model,) = register_all(session, storage, models_dir)
    assert model.version == 2


def test_a_file_that_is_missing_from_the_storage_is_put_back(
    session: Session, storage: Storage, models_dir: Path, ship: Ship
) -> None:
    ship("garden")
    (model,) = register_all(session, storage, models_dir)
    storage.delete(model.file_key)
    register_all(session, storage, models_dir)
    assert sha256_of(storage.existing(model.file_key)) == model.sha256


def test_a_shipped_file_that_is_no_model_keeps_no_other_from_being_registered(
    session: Session, storage: Storage, models_dir: Path, ship: Ship
) -> None:
    (models_dir / "broken").mkdir()
    (models_dir / "broken" / "model.pt").write_bytes(b"not an archive")
    ship("garden")
    assert [m.name for m in register_all(session, storage, models_dir)] == ["garden"]


def test_a_model_is_found_by_name_and_version_the_newest_by_default(
    session: Session, storage: Storage, models_dir: Path, ship: Ship
) -> None:
    ship("garden", folder="a")
    ship("garden", folder="b", common="Other ")
    first, second = register_all(session, storage, models_dir)
    assert registry.find(session, "garden") is second
    assert registry.find(session, "garden", 1) is first


@pytest.mark.parametrize(("name", "version"), [("forest", None), ("garden", 2)])
def test_a_model_that_is_not_there_is_not_found(
    session: Session, storage: Storage, models_dir: Path, ship: Ship, name: str, version: int | None
) -> None:
    ship("garden")
    register_all(session, storage, models_dir)
    with pytest.raises(NotFound, match=name):
        registry.find(session, name, version)


def test_activating_remembers_the_model_before(
    session: Session, storage: Storage, models_dir: Path, ship: Ship
) -> None:
    ship("garden")
    ship("meadow")
    garden, meadow = register_all(session, storage, models_dir)
    assert registry.active(session) is None

    registry.activate(session, garden.id)
    found = registry.active(session)
    assert found is not None
    assert (found.model, found.previous) == (garden, None)

    registry.activate(session, meadow.id)
    registry.activate(session, meadow.id)
    found = registry.active(session)
    assert found is not None
    assert (found.model, found.previous) == (meadow, garden)
