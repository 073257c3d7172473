"""Which model answers, through changes and failures, and how many requests at once."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from shared.db.engine import sync_engine, sync_sessions
from shared.settings import Settings
from shared.storage import FileStorage
from tests.services.inference.conftest import (
    HIGH,
    LOW,
    MIDDLE,
    Client,
    Ship,
    encoded,
    problem,
    running,
    song,
    starting,
)
from tests.support.library import add_recording

SONG = encoded(song(LOW))


async def answering(client: Client) -> tuple[str, str, str]:
    """Name and version of the model that answers, and the name it has for the low bird."""
    body = (await client.post("/classify", content=SONG)).json()
    return body["model"]["name"], body["model"]["version"], body["ranking"][0]["common_name"]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 (the condition is another service's)
            await asyncio.sleep(0.005)


def stored_file(settings: Settings, sha256: str) -> Path:
    return FileStorage(settings.storage_dir).path(f"models/{sha256[:2]}/{sha256}.pt")


async def test_the_first_shipped_model_answers_without_anyone_choosing(settings: Settings, ship: Ship) -> None:
    ship("meadow")
    ship("garden")
    async with running(settings) as client:
        assert (await answering(client))[:2] == ("garden", "1")
        listed = (await client.get("/models")).json()["items"]
        assert [model["name"] for model in listed if model["active"]] == ["garden"]


async def test_a_choice_outlives_a_restart(settings: Settings, ship: Ship) -> None:
    ship("meadow")
    ship("garden")
    async with running(settings) as client:
        await client.put("/models/active", json={"name": "meadow"})
    async with running(settings) as client:
        assert (await answering(client))[:2] == ("meadow", "1")
        assert len((await client.get("/models")).json()["items"]) == 2


async def test_activating_answers_with_the_newest_version_and_names_the_way_back(
    settings: Settings, ship: Ship
) -> None:
    ship("garden", folder="a", common="Old ")
    async with running(settings) as client:
        ship("garden", folder="b", common="New ")
    async with running(settings) as client:
        assert await answering(client) == ("garden", "1", "Old Low Bird")

        active = (await client.put("/models/active", json={"name": "garden"})).json()
        shown = {key: active["model"][key] for key in ("name", "version")}
        again = await client.put("/models/active", json=shown)
        assert again.status_code == 200, "what an answer names can be sent back"
        assert (active["model"]["version"], active["previous"]["version"], active["loaded"]) == ("2", "1", True)
        assert await answering(client) == ("garden", "2", "New Low Bird")

        back = {"name": active["previous"]["name"], "version": int(active["previous"]["version"])}
        assert (await client.put("/models/active", json=back)).status_code == 200
        assert await answering(client) == ("garden", "1", "Old Low Bird")
        assert (await client.get("/models/active")).json()["previous"]["version"] == "2"


async def test_no_request_is_dropped_while_models_are_exchanged(settings: Settings, ship: Ship) -> None:
    ship("garden", common="Garden ")
    ship("meadow", common="Meadow ")
    async with running(settings) as client:
        exchanging = True
        heard: list[tuple[str, str, str]] = []

        async def keep_asking() -> None:
            while exchanging:
                answer = await client.post("/classify", content=SONG)
                assert answer.status_code == 200, answer.text
                body = answer.json()
                heard.append((body["model"]["name"], body["model"]["version"], body["ranking"][0]["common_name"]))

        asking = [asyncio.create_task(keep_asking()) for _ in range(3)]
        for name in ["meadow", "garden"] * 4:
            assert (await client.put("/models/active", json={"name": name})).status_code == 200

            async def answers(name: str = name) -> bool:
                return any(task.done() for task in asking) or (heard and heard[-1][0] == name)

            await until(answers)
        exchanging = False
        await asyncio.gather(*asking)
        assert set(heard) == {("garden", "1", "Garden Low Bird"), ("meadow", "1", "Meadow Low Bird")}


async def test_another_replica_follows_the_choice(settings: Settings, ship: Ship) -> None:
    ship("garden")
    ship("meadow")
    async with running(settings) as told, running(settings) as other:
        assert (await answering(other))[0] == "garden"
        await told.put("/models/active", json={"name": "meadow"})

        async def follows() -> bool:
            return (await answering(other))[0] == "meadow"

        await until(follows)


async def test_a_model_file_that_was_changed_is_refused_and_the_one_before_goes_on(
    settings: Settings, ship: Ship
) -> None:
    ship("garden")
    ship("meadow")
    async with running(settings) as client:
        models = {m["name"]: m for m in (await client.get("/models")).json()["items"]}
        file = stored_file(settings, models["meadow"]["sha256"])
        file.write_bytes(stored_file(settings, models["garden"]["sha256"]).read_bytes())

        document = problem(await client.put("/models/active", json={"name": "meadow"}), 422, "bad-model-file")
        assert "content has changed" in document["detail"]
        assert (await client.get("/models/active")).json()["model"]["name"] == "garden"
        assert (await answering(client))[0] == "garden"


async def test_a_changed_file_is_not_loaded_at_the_start_either(settings: Settings, ship: Ship) -> None:
    ship("garden")
    async with running(settings) as client:
        (model,) = (await client.get("/models")).json()["items"]
    file = stored_file(settings, model["sha256"])
    whole = file.read_bytes()
    file.write_bytes(whole + b"\0")
    async with starting(settings) as client:

        async def says_so() -> bool:
            return "content has changed" in (await client.readiness())["detail"]

        await until(says_so)
        assert (await client.get("/readyz")).status_code == 503
        assert (
            "content has changed" in problem(await client.post("/classify", content=SONG), 503, "not-ready")["detail"]
        )
        assert (await client.get("/models/active")).json()["loaded"] is False

        file.write_bytes(whole)

        async def recovers() -> bool:
            return bool((await client.readiness())["ok"])

        await until(recovers)
        assert (await answering(client))[0] == "garden"


async def test_a_model_that_cannot_run_is_not_activated(settings: Settings, ship: Ship) -> None:
    ship("garden")
    labels = [{"scientific": f"Avis {number}"} for number in range(4)]
    ship("misfit", labels=labels)
    async with running(settings) as client:
        problem(await client.put("/models/active", json={"name": "misfit"}), 422, "bad-model-file")
        assert (await client.readiness())["detail"] == "garden 1"


async def test_without_a_model_it_says_what_to_do(settings: Settings) -> None:
    async with running(settings) as client:
        document = problem(await client.post("/classify", content=SONG), 503, "not-ready")
        assert "PUT /models/active" in document["hint"]
        assert await client.readiness() == {"ok": True, "detail": "No model is active yet."}
        problem(await client.get("/models/active"), 404, "not-found")


async def test_it_is_not_ready_while_the_model_is_being_loaded(settings: Settings, ship: Ship) -> None:
    ship()
    async with starting(settings) as client:
        assert (await client.readiness())["ok"] is False
        problem(await client.post("/classify", content=SONG), 503, "not-ready")


async def test_a_database_that_comes_late_only_delays_it(settings: Settings, ship: Ship) -> None:
    ship()
    database = settings.data_dir / "chiffchaff.sqlite"
    kept = database.rename(settings.data_dir / "kept.sqlite")
    async with starting(settings) as client:

        async def says_so() -> bool:
            return "could not be looked up" in (await client.readiness())["detail"]

        await until(says_so)
        with closing(sqlite3.connect(kept)) as source, closing(sqlite3.connect(database)) as target:
            source.backup(target)

        async def recovers() -> bool:
            return bool((await client.readiness())["ok"])

        await until(recovers)
        assert (await answering(client))[0] == "pitches"


async def test_one_more_than_there_are_places_is_told_to_come_again(settings: Settings, ship: Ship) -> None:
    ship()
    async with running(settings.model_copy(update={"classify_queue": 1})) as client:
        with client.serving.turns.place():
            answer = await client.post("/classify", content=SONG)
            problem(answer, 503, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
        assert (await client.post("/classify", content=SONG)).status_code == 200


async def test_of_many_at_once_each_is_answered_rightly_or_told_to_come_again(settings: Settings, ship: Ship) -> None:
    ship()
    species = {LOW: "Avis ima", MIDDLE: "Avis media", HIGH: "Avis summa"}
    async with running(settings.model_copy(update={"classify_queue": 3})) as client:

        async def ask(pitch: float) -> int:
            answer: Any = await client.post("/classify", content=encoded(song(pitch)))
            if answer.status_code == 200:
                assert answer.json()["ranking"][0]["species"] == species[pitch]
            else:
                problem(answer, 503, "overloaded")
            return int(answer.status_code)

        statuses = await asyncio.gather(*(ask(pitch) for pitch in [LOW, MIDDLE, HIGH] * 5))
        assert set(statuses) == {200, 503}
        assert statuses.count(200) >= 3
        assert client.uploads_left() == []


async def test_a_decoder_that_is_killed_costs_nobody_an_answer(client: Client) -> None:
    pool = client.serving.turns._decoders
    assert (await client.post("/classify", content=SONG)).status_code == 200
    for pid in pool.processes():
        os.kill(pid, signal.SIGKILL)
    assert (await client.post("/classify", content=SONG)).status_code == 200


async def test_a_request_may_name_its_model_and_version_while_another_one_is_active(
    settings: Settings, ship: Ship
) -> None:
    ship("garden", folder="a", common="Old ")
    async with running(settings) as client:
        ship("garden", folder="b", common="New ")
        ship("meadow", folder="c", common="Far ")
    async with running(settings) as client:

        async def named(model: str) -> tuple[str, str, str]:
            body = (await client.post("/classify", params={"model": model}, content=SONG)).json()
            return body["model"]["name"], body["model"]["version"], body["ranking"][0]["common_name"]

        assert await named("garden") == ("garden", "2", "New Low Bird")
        assert await named("garden:1") == ("garden", "1", "Old Low Bird")
        assert await named("meadow") == ("meadow", "1", "Far Low Bird")
        assert (await answering(client))[:2] == ("garden", "1"), "the active one is still the active one"
        assert len(client.serving._pinned) == settings.named_models == 2
        missing = await client.post("/classify", params={"model": "garden:9"}, content=SONG)
        assert "GET /models" in problem(missing, 404, "not-found")["hint"]
        assert client.uploads_left() == []


async def test_a_named_model_whose_file_was_changed_is_not_loaded(settings: Settings, ship: Ship) -> None:
    ship("garden")
    ship("meadow")
    async with running(settings) as client:
        models = {model["name"]: model["sha256"] for model in (await client.get("/models")).json()["items"]}
        file = stored_file(settings, models["meadow"])
        file.write_bytes(file.read_bytes() + b"\0")
        refused = await client.post("/classify", params={"model": "meadow"}, content=SONG)
        assert "content has changed" in problem(refused, 422, "bad-model-file")["detail"]
        assert (await answering(client))[0] == "garden"


async def test_place_and_season_come_from_the_library(settings: Settings, ship: Ship) -> None:
    ship()
    engine = sync_engine(settings)
    sessions = sync_sessions(engine)
    for number in range(24):
        # A land of many birds, where in May everybody hears the low one and nobody the high one, which is of elsewhere.
        seen = {"latitude": 48.1, "longitude": 11.6, "recorded_on": date(2000 + number, 5, 4), "recordist": "Ada"}
        for name in ["Avis ima", *(f"Avis alia {other}" for other in range(6))]:
            add_recording(sessions, name, **seen)
        for _ in range(4):
            add_recording(sessions, "Avis summa", **{**seen, "latitude": -33.9, "recordist": f"Bob {_}"})
    engine.dispose()
    both = encoded(song(LOW, HIGH))
    async with running(settings) as client:

        async def asked(**query: str) -> dict[str, bool | None]:
            body = (await client.post("/classify", params=query, content=both)).json()
            assert {one["species"] for one in body["detections"]} <= {one["species"] for one in body["ranking"]}
            return {one["species"]: one["expected_here"] for one in body["detections"]}

        async def learned() -> bool:
            return client.app.state.places.learned_at is not None

        await until(learned)
        munich = {"latitude": "48.1", "longitude": "11.6", "date": "2026-05-04"}
        assert await asked() == {"Avis ima": None, "Avis summa": None}
        assert await asked(**munich) == {"Avis ima": True, "Avis summa": False}
        assert await asked(**munich, unexpected="drop") == {"Avis ima": True}
        assert await asked(latitude="0", longitude="0", date="2026-05-04") == {"Avis ima": None, "Avis summa": None}
