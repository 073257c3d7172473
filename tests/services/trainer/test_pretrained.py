"""Beginning with weights that have learnt before: what is taken, what is refused, and what the card says of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from services.trainer import models
from services.trainer.config import TrainingConfig
from services.trainer.data import Sound
from services.trainer.fit import Order, fit
from services.trainer.frozen_dataset import Dataset
from services.trainer.plan import plan
from services.trainer.pretrained import Pretrained, epochs_of, head_of, read_pretrained, take_over, write_weights
from services.trainer.progress import BEST_WEIGHTS, Progress
from services.trainer.publish import describe
from services.trainer.train import train
from services.trainer.world import World
from shared.errors import InvalidInput, ModelFileError
from shared.model_file import Label
from tests.services.trainer.conftest import SMALL_PICTURE, small_config

Garden = Callable[..., Dataset]
AudioPath = Callable[[str], Path]
STARTED: dict[str, Any] = {"start_from": {"model": "older"}}


def never() -> None:
    """Nobody asks the run to stop."""


def pretrained_on(dataset: Dataset, path: Path, config: TrainingConfig | None = None) -> Pretrained:
    """As a training leaves it after three epochs, with random weights."""
    config = config or small_config(name="older", version="7")
    manifest = describe(dataset, config, range(len(dataset.recordings)), None, None)
    network = models.build(config.network, len(dataset.labels), config.picture)
    write_weights(path, network.state_dict(), manifest, epochs=3)
    return read_pretrained(path)


def elsewhere(dataset: Dataset) -> Dataset:
    """The same birds, heard by other people."""
    others = []
    for r in dataset.recordings:
        changes = {"sha256": r.sha256[:2] + "e" * 62, "xc_id": f"9{r.xc_id}", "recordist": f"Other {r.recordist}"}
        others.append(r.model_copy(update=changes))
    return dataset.model_copy(update={"recordings": tuple(others)})


def new_network(dataset: Dataset) -> tuple[torch.nn.Module, dict[str, int]]:
    network = models.build("wren", len(dataset.labels), SMALL_PICTURE)
    return network, head_of(network, small_config(), len(dataset.labels))


def test_the_trunk_and_the_species_that_both_know_are_taken(garden: Garden, tmp_path: Path) -> None:
    dataset = garden(people=1)
    old = pretrained_on(dataset, tmp_path / "best.pt")
    assert epochs_of(tmp_path / "best.pt") == 3
    labels = (Label(scientific="Avis nova"), dataset.labels[2], dataset.labels[0])
    network, head = new_network(dataset.model_copy(update={"labels": labels}))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert head == {"classify.weight": 0, "classify.bias": 0}

    take_over(network, head, old, [label.scientific for label in labels])
    for name, value in network.state_dict().items():
        if name in head:
            assert torch.equal(value[0], before[name][0]), "nobody knows the new species"
            assert torch.equal(value[1:], old.weights[name][[2, 0]])
        else:
            assert torch.equal(value, old.weights[name])


def test_another_network_s_weights_are_refused(garden: Garden, tmp_path: Path) -> None:
    dataset = garden(people=1)
    old = pretrained_on(dataset, tmp_path / "best.pt")
    foreign = Pretrained({f"x.{name}": value for name, value in old.weights.items()}, old.manifest, old.sha256)
    network, head = new_network(dataset)
    with pytest.raises(InvalidInput, match=r"Only 0 of .* weights of older version 7 fit.*'wren'"):
        take_over(network, head, foreign, dataset.names)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_what_holds_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "best.pt").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"best\.pt holds no weights"):
        read_pretrained(tmp_path / "best.pt")


def test_only_the_classification_layer_learns_at_first(garden: Garden, audio_path: AudioPath, tmp_path: Path) -> None:
    dataset = garden()
    old = pretrained_on(elsewhere(dataset), tmp_path / "older.pt")
    config = small_config(**STARTED, head_only_epochs=1, epochs=2, trunk_learning_rate=0.1, precision="float32")
    states = []

    def report(progress: Progress) -> None:
        states.append(torch.load(tmp_path / "checkpoint-0.pt", weights_only=True)["network"])

    order = Order(dataset, config, audio_path, tmp_path)
    (run,) = plan(dataset, config)
    fit(run, 1, order, Sound(dataset, audio_path), None, old, World(torch.device("cpu")), report, never)
    for name, value in old.weights.items():
        same = torch.equal(states[0][name], value)
        assert same != name.startswith("classify"), f"{name} after the first epoch"
        assert not torch.equal(states[1][name], states[0][name]), f"{name} after the second"


def test_a_start_that_has_heard_the_test_is_refused_or_stands_on_the_card(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    dataset = garden(birds=2)
    start = tmp_path / "older.pt"
    old = pretrained_on(dataset, start)

    def run(start_from: Dataset, **changes: Any) -> Any:
        pretrained_on(start_from, start)
        config = small_config(**STARTED, epochs=1, **changes)
        work_dir = tmp_path / f"run-{len(changes)}"
        return train(
            dataset,
            config,
            audio_path=audio_path,
            work_dir=work_dir,
            report=lambda progress: None,
            should_stop=never,
            start=start,
        )

    with pytest.raises(InvalidInput, match=r"has heard 4 of the 4 recordings that are held out.*allow_overlap"):
        run(dataset)
    people = tuple(r.model_copy(update={"sha256": "f" * 64, "xc_id": None}) for r in dataset.recordings)
    with pytest.raises(InvalidInput, match=r"other recordings of people whose.*: Person 0, Person 2"):
        run(dataset.model_copy(update={"recordings": people}))
    trained = run(dataset, allow_overlap=True)
    card = trained.beside["card"].read_text(encoding="utf-8")
    assert "has heard 4 of the 4 recordings" in card

    clean = run(elsewhere(dataset))
    assert clean.warnings == []
    origin = clean.manifest.training["start_from"]
    assert (origin["name"], origin["version"], origin["recordings"]) == ("older", "7", 8)
    assert origin["sha256"] != old.sha256
    assert f"older version 7, file sha256 `{origin['sha256']}`" in clean.beside["card"].read_text(encoding="utf-8")
    heard = {credit.recordist for credit in clean.manifest.recordings}
    assert {"Person 1", "Other Person 0"} <= heard, "what a start has heard is in the weights too"


def test_other_pictures_are_refused(garden: Garden, audio_path: AudioPath, tmp_path: Path) -> None:
    dataset = garden(birds=2)
    other = small_config(name="older", front_end=SMALL_PICTURE.model_copy(update={"n_mels": 48}))
    pretrained_on(elsewhere(dataset), tmp_path / "older.pt", other)
    with pytest.raises(InvalidInput, match="was trained with the front end 'small'"):
        train(
            dataset,
            small_config(**STARTED),
            audio_path=audio_path,
            work_dir=tmp_path / "run",
            report=lambda progress: None,
            should_stop=never,
            start=tmp_path / "older.pt",
        )


def test_a_finished_model_and_a_stopped_training_are_both_starts(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    class Cancelled(Exception):
        pass

    def cancel(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Cancelled

    def run(folder: str, report: Callable[[Progress], None]) -> Any:
        config = small_config(name="older", epochs=2 if folder == "done" else 5)
        return train(
            garden(birds=2),
            config,
            audio_path=audio_path,
            work_dir=tmp_path / folder,
            report=report,
            should_stop=never,
        )

    finished = run("done", lambda progress: None)
    start = read_pretrained(finished.model)
    left = read_pretrained(tmp_path / "done" / BEST_WEIGHTS)
    assert start.weights.keys() == left.weights.keys()
    assert all(torch.equal(start.weights[name], left.weights[name]) for name in left.weights)
    with pytest.raises(Cancelled):
        run("stopped", cancel)
    assert epochs_of(tmp_path / "stopped" / BEST_WEIGHTS) == 2
    assert read_pretrained(tmp_path / "stopped" / BEST_WEIGHTS).manifest.labels == finished.manifest.labels
