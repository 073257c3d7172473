"""Datasets over REST: frozen, shown, and taken elsewhere."""

import io
from collections.abc import AsyncIterator

import httpx
import pyarrow.parquet
import pytest

from services.trainer.api import API
from shared.db.engine import SyncSessions
from shared.db.tables import Dataset, Job
from shared.settings import Settings
from tests.services.trainer.test_freeze import add, pairs
from tests.support.serving import asking, furnished


@pytest.fixture
async def api(database_settings: Settings, sessions: SyncSessions) -> AsyncIterator[httpx.AsyncClient]:
    add(sessions, *pairs(range(6)))
    async with asking(furnished(database_settings), API) as client:
        yield client


async def test_a_dataset_shows_its_split_by_species_and_fold(api: httpx.AsyncClient) -> None:
    made = await api.post("/datasets", json={"name": "garden", "folds": 3})
    assert made.status_code == 201
    dataset = (await api.get(made.headers["Location"])).json()
    assert dataset == made.json()
    assert dataset["name"] == "garden"
    assert dataset["summary"]["leaks"] == 0
    assert dataset["summary"]["licences"] == {"CC BY 4.0": 12}
    assert [one["recordings_by_fold"] for one in dataset["summary"]["classes"]] == [[2, 2, 2], [2, 2, 2]]
    assert (await api.get("/datasets")).json()["items"] == [dataset]
    assert (await api.get("/datasets", params={"sha256": dataset["sha256"]})).json()["items"] == [dataset]
    assert (await api.get("/datasets", params={"sha256": "0" * 64})).json()["items"] == []


async def test_a_preview_says_what_would_be_frozen_and_keeps_nothing(
    api: httpx.AsyncClient, database_settings: Settings
) -> None:
    shown = await api.post("/datasets/preview", json={"folds": 3})
    assert shown.status_code == 200
    assert (await api.get("/datasets")).json()["items"] == []
    assert list(database_settings.storage_dir.rglob("*.jsonl")) == []
    assert shown.json() == (await api.post("/datasets", json={"folds": 3})).json()["summary"]
    refused = await api.post("/datasets/preview", json={"country": ["Nowhere"]})
    assert refused.status_code == 422
    assert "found: none" in refused.json()["detail"]


async def test_recipes_and_networks_are_listed_with_what_one_needs_to_choose(api: httpx.AsyncClient) -> None:
    recipes = (await api.get("/recipes")).json()
    assert [one["name"] for one in recipes if one["default"]] == ["field"]
    assert all(one["values"]["recipe"] == one["name"] and "epochs = " in one["text"] for one in recipes)
    networks = {one["name"]: one for one in (await api.get("/networks")).json()}
    assert {one["values"]["network"] for one in recipes} <= set(networks)
    assert networks["wren"]["bytes"] == 4 * networks["wren"]["parameters"]


async def test_a_misspelt_filter_is_refused_by_its_name(api: httpx.AsyncClient) -> None:
    refused = await api.post("/datasets", json={"qualty": ["A"]})
    assert refused.status_code == 422
    assert "qualty" in refused.text


async def test_nothing_to_train_on_is_refused_with_what_was_found(api: httpx.AsyncClient) -> None:
    refused = await api.post("/datasets", json={"country": ["Nowhere"]})
    assert refused.status_code == 422
    assert "found: none" in refused.json()["detail"]
    assert (await api.get("/datasets")).json()["items"] == []


async def test_the_same_request_again_makes_no_second_dataset(
    api: httpx.AsyncClient, sessions: SyncSessions, database_settings: Settings
) -> None:
    first = await api.post("/datasets", json={}, headers={"Idempotency-Key": "one"})
    add(sessions, *pairs([9]))
    again = await api.post("/datasets", json={}, headers={"Idempotency-Key": "one"})
    assert again.json() == first.json()
    assert len((await api.get("/datasets")).json()["items"]) == 1
    assert len(list(database_settings.storage_dir.rglob("*.jsonl"))) == 1


async def test_slices_are_given_in_the_format_that_is_asked_for(api: httpx.AsyncClient) -> None:
    dataset = (await api.post("/datasets", json={"name": "garden"})).json()
    path = f"/datasets/{dataset['id']}/slices"
    answer = await api.get(path)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"] == 'attachment; filename="garden.parquet"'
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    assert table.num_rows == dataset["summary"]["slices"] + dataset["summary"]["noise_slices"] == 36
    assert table.schema.metadata[b"chiffchaff.dataset_sha256"].decode() == dataset["sha256"]
    for asked in ({"headers": {"Accept": "text/csv"}}, {"params": {"format": "csv"}}):
        answer = await api.get(path, **asked)
        assert answer.headers["content-type"].startswith("text/csv")
        assert len(answer.text.splitlines()) == 37
    assert (await api.get(path, params={"format": "xlsx"})).status_code == 422
    assert (await api.get(f"/datasets/{'0' * 32}/slices")).status_code == 404


async def test_slices_whose_file_is_gone_are_a_problem_and_no_half_table(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    dataset = (await api.post("/datasets", json={})).json()
    with sessions.begin() as session:
        session.execute(Dataset.__table__.update().values(file_key="datasets/gone.jsonl"))
    answer = await api.get(f"/datasets/{dataset['id']}/slices")
    assert answer.status_code == 404
    assert "datasets/gone.jsonl" in answer.json()["detail"]


async def test_a_training_freezes_what_it_selects_or_takes_what_is_frozen(
    api: httpx.AsyncClient, sessions: SyncSessions
) -> None:
    first = await api.post("/trainings", json={"name": "garden", "dataset": {"folds": 2}})
    assert first.status_code == 202
    frozen = (await api.get(f"/datasets/{first.json()['dataset_id']}")).json()
    assert frozen["summary"]["folds"] == 2
    again = await api.post("/trainings", json={"name": "garden", "dataset_id": frozen["id"]})
    assert again.json()["dataset_id"] == frozen["id"]
    refused = await api.post("/trainings", json={"name": "garden", "dataset": {"species": ["Avis nulla"]}})
    assert refused.status_code == 422
    with sessions() as session:
        assert session.query(Job).count() == 2


async def test_unknown_sounds_are_named_by_their_datasets_which_must_be_there(api: httpx.AsyncClient) -> None:
    frozen = (await api.post("/datasets", json={"name": "others"})).json()
    config = {"unknown_dataset_ids": [frozen["id"]]}
    taken = await api.post("/trainings", json={"name": "garden", "config": config})
    assert taken.status_code == 202
    assert taken.json()["config"]["unknown_dataset_ids"] == [frozen["id"]]
    refused = await api.post("/trainings", json={"name": "garden", "config": {"unknown_dataset_ids": ["gone"]}})
    assert refused.status_code == 404
    assert "There is no dataset gone." in refused.json()["detail"]
