"""A whole training run on synthetic birds: what it leaves behind, that it resumes, and how it stops."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from services.trainer.config import AugmentConfig
from services.trainer.fit import TrainingDiverged
from services.trainer.frozen_dataset import Dataset, Recording
from services.trainer.optimise import running_mean
from services.trainer.plan import plan
from services.trainer.pretrained import epochs_of, read_pretrained
from services.trainer.progress import BEST_WEIGHTS, Progress
from services.trainer.train import train
from services.trainer.unknown import UnknownSet
from shared.audio.constants import WINDOW_SAMPLES
from shared.audio.wav import read_prepared
from shared.errors import InvalidInput
from shared.model_file import BESIDE, Label, confidences, load, rank, sha256_of
from tests.services.trainer.conftest import small_config, song, write_prepared

AudioPath = Callable[[str], Path]
Garden = Callable[..., Dataset]


def never() -> None:
    """Nobody asks the run to stop."""


def low_hum(folder: Path, people: int) -> Dataset:
    """Sounds of no bird, beside the others."""
    recordings = []
    for person in range(people):
        write_prepared(folder / f"hum-{person}.wav", song(120.0 + person, WINDOW_SAMPLES, seed=100 + person))
        recordings.append(
            Recording(
                sha256=f"a{person}" + "0" * 62,
                audio=f"hum-{person}.wav",
                samples=WINDOW_SAMPLES,
                label="Hum",
                slices=(0,),
            )
        )
    return Dataset(labels=(Label(scientific="Hum"),), recordings=tuple(recordings))


def test_a_run_ends_in_a_model_that_knows_the_birds_and_a_card_that_says_so(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    dataset, told = garden(), list[Progress]()
    hum = low_hum(tmp_path, people=3)
    trained = train(
        dataset,
        small_config(folds=2, epochs=6, min_batches=6),
        audio_path=audio_path,
        work_dir=tmp_path / "run",
        report=told.append,
        should_stop=never,
        unknown=[UnknownSet("hum", hum)],
    )

    model = load(trained.model, sha256_of(trained.model))
    assert model.manifest == trained.manifest
    for recording in dataset.recordings:
        with torch.inference_mode():
            sound = torch.from_numpy(read_prepared(audio_path(recording.audio)))
            ranking = rank(confidences(model.module.analyse(sound, 2.5).numpy(), model.manifest))
        assert dataset.names[int(ranking.argmax())] == recording.label

    macro = trained.manifest.metrics["macro_top1"]
    assert macro.value == 1.0
    assert trained.manifest.rejection is not None
    (refused,) = trained.manifest.rejection.unknown
    assert (refused.name, refused.recordings, refused.dataset_sha256) == ("hum", 3, hum.sha256)
    assert len(refused.auroc.folds) == 2, "each fold's network heard it"
    assert (trained.manifest.dataset.id, trained.manifest.dataset.sha256) == (dataset.id, dataset.sha256)
    assert [credit.xc_id for credit in trained.manifest.recordings] == [r.xc_id for r in dataset.recordings]
    card = trained.beside["card"].read_text(encoding="utf-8")
    assert all(f"XC{r.xc_id}" in card and str(r.recordist) in card for r in dataset.recordings)
    assert "| 1.000 | 1.000 to 1.000 |" in card
    assert set(trained.beside) == set(BESIDE)
    assert all(f"({file})" in card for file in BESIDE.values() if file.endswith(".png"))
    for picture in ("curves", "confusion", "reliability", "species", "unknown"):
        assert trained.beside[picture].read_bytes().startswith(b"\x89PNG")
    for file in ("model.pt", "model.pt2", "model.onnx"):
        assert f"`{file}`, run by" in card

    epochs = [each for each in told if each.epoch is not None]
    assert [(each.fold, each.epoch) for each in epochs] == [(f, e) for f in (0, 1, None) for e in range(1, 7)]
    assert all(each.val_top1 is not None for each in epochs[:12])
    fractions = [each.fraction for each in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


_KILLED = """
import sys, os, signal, json
from pathlib import Path
from services.trainer.config import TrainingConfig
from services.trainer.frozen_dataset import read_dataset
from services.trainer.train import train
folder = Path(sys.argv[1])
def report(progress):
    if progress.fold is None and progress.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
config = TrainingConfig.model_validate_json((folder / "config.json").read_text())
train(read_dataset(folder / "dataset.json"), config, audio_path=lambda key: folder / key, work_dir=folder / "killed",
      report=report, should_stop=lambda: None)
"""


@pytest.mark.usefixtures("model_file_alone")
def test_a_run_killed_with_kill_9_goes_on_and_ends_with_the_same_weights(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    # All that a checkpoint must carry: moments, running means, the scale of float16, and the best epoch so far.
    config = small_config(folds=2, epochs=3, patience=2, precision="float16")
    dataset = garden(birds=2, people=6)
    (tmp_path / "dataset.json").write_bytes(dataset.canonical())
    (tmp_path / "config.json").write_text(config.model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-c", _KILLED, str(tmp_path)]
    died = subprocess.run(command, cwd=Path(__file__).parents[3], check=False, timeout=200)
    assert died.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "model.pt").exists()

    told = list[Progress]()
    resumed = train(
        dataset, config, audio_path=audio_path, work_dir=tmp_path / "killed", report=told.append, should_stop=never
    )
    heard = [(each.fold, each.epoch) for each in told if each.epoch is not None]
    assert heard == [(0, 3), (1, 3), (None, 2), (None, 3)], "the last epoch of each is told again: it may not have been"
    whole = train(
        dataset, config, audio_path=audio_path, work_dir=tmp_path / "whole", report=told.append, should_stop=never
    )
    assert resumed.manifest.weights_sha256 == whole.manifest.weights_sha256
    assert resumed.manifest.metrics == whole.manifest.metrics


def test_one_seed_gives_one_model_and_another_seed_another(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    def weights(folder: str, seed: int) -> str:
        config = small_config(epochs=1, seed=seed, augment=AugmentConfig())
        trained = train(
            garden(),
            config,
            audio_path=audio_path,
            work_dir=tmp_path / folder,
            report=lambda progress: None,
            should_stop=never,
        )
        return trained.manifest.weights_sha256

    assert weights("first", 1) == weights("second", 1)
    assert weights("third", 2) != weights("first", 1)


def test_patience_ends_a_network_and_keeps_its_best_weights(
    garden: Garden, audio_path: AudioPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = garden(birds=2, people=6)
    (run,) = plan(dataset, small_config(patience=2))
    aside = iter([1.0, 0.5, 0.9, 0.6])

    def validate(
        classifier: object, sound: object, heard: list[int], loss: object, world: object
    ) -> tuple[float, float]:
        if heard == run.split.test:
            return 0.0, 1.0  # the test fold's figures choose nothing
        assert heard == run.aside
        return next(aside), 0.0

    monkeypatch.setattr("services.trainer.fit.validate", validate)
    told = list[Progress]()
    trained = train(
        dataset,
        small_config(patience=2, epochs=9),
        audio_path=audio_path,
        work_dir=tmp_path / "run",
        report=told.append,
        should_stop=never,
    )
    assert [each.epoch for each in told if each.epoch] == [1, 2, 3, 4]
    assert epochs_of(tmp_path / "run" / BEST_WEIGHTS) == 2
    best = read_pretrained(tmp_path / "run" / BEST_WEIGHTS).weights
    final = read_pretrained(trained.model).weights
    assert all(torch.equal(final[name], value) for name, value in best.items())


def test_should_stop_interrupts_between_batches(garden: Garden, audio_path: AudioPath, tmp_path: Path) -> None:
    class Cancelled(Exception):
        pass

    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 4:
            raise Cancelled

    with pytest.raises(Cancelled):
        train(
            garden(),
            small_config(),
            audio_path=audio_path,
            work_dir=tmp_path / "run",
            report=lambda progress: None,
            should_stop=stop,
        )
    assert asked == 4


def test_a_loss_out_of_control_stops_with_what_to_change(
    garden: Garden, audio_path: AudioPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr("services.trainer.fit.loss_of", lambda logits, targets, config: nothing)
    with pytest.raises(TrainingDiverged, match="learning rate"):
        train(
            garden(),
            small_config(),
            audio_path=audio_path,
            work_dir=tmp_path / "run",
            report=lambda progress: None,
            should_stop=never,
        )


@pytest.mark.usefixtures("model_file_alone")
def test_a_single_person_s_recordings_still_train_and_the_card_admits_what_is_unknown(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    trained = train(
        garden(birds=2, people=1),
        small_config(folds=5, epochs=1),
        audio_path=audio_path,
        work_dir=tmp_path / "run",
        report=lambda progress: None,
        should_stop=never,
    )
    assert "confusion" not in trained.beside
    assert trained.manifest.metrics == {}
    assert "accuracy of this model is unknown" in trained.warnings[-1]
    assert "Unknown: there were too few" in trained.beside["card"].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("birds", "change", "reason"),
    [
        (0, {}, "No recording of the dataset has a slice"),
        (1, {}, "only one species, Avis prima"),
        (2, {"recordings": ()}, "No recording of the dataset has a slice"),
        (2, {"window": 1000}, "windows of 1000"),
    ],
)
def test_a_dataset_that_cannot_train_a_classifier_is_refused_before_any_work(
    garden: Garden, audio_path: AudioPath, tmp_path: Path, birds: int, change: dict[str, object], reason: str
) -> None:
    dataset = garden(birds=birds, people=1).model_copy(update=change)
    with pytest.raises(InvalidInput, match=reason) as caught:
        train(
            dataset,
            small_config(),
            audio_path=audio_path,
            work_dir=tmp_path / "run",
            report=lambda progress: None,
            should_stop=never,
        )
    assert caught.value.hint
    assert not (tmp_path / "run").exists()


def test_a_network_that_cannot_take_the_pictures_is_refused_before_any_work(
    garden: Garden, audio_path: AudioPath, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="zilpzalp cannot take the pictures of the front end small, 32 mel bands"):
        train(
            garden(),
            small_config(network="zilpzalp"),
            audio_path=audio_path,
            work_dir=tmp_path / "run",
            report=lambda progress: None,
            should_stop=never,
        )
    assert not (tmp_path / "run").exists()


def test_a_species_without_slices_is_named(garden: Garden, audio_path: AudioPath, tmp_path: Path) -> None:
    dataset = garden(birds=3, people=1)
    recordings = (*dataset.recordings[:2], dataset.recordings[2].model_copy(update={"slices": ()}))
    with pytest.raises(InvalidInput, match="no slice to train on: Avis tertia"):
        train(
            dataset.model_copy(update={"recordings": recordings}),
            small_config(),
            audio_path=audio_path,
            work_dir=tmp_path / "run",
            report=lambda progress: None,
            should_stop=never,
        )


def test_the_running_mean_forgets_the_random_start() -> None:
    mean = torch.tensor(100.0)
    for updates in range(1, 60):
        mean = running_mean(mean, torch.tensor(1.0), updates, decay=0.98)
    assert mean.item() == pytest.approx(1.0, abs=1e-3)
    assert running_mean(torch.tensor(3), torch.tensor(7), 5, decay=0.9).item() == 7


def test_progress_travels_as_json() -> None:
    progress = Progress(stage="fold", fraction=0.5, message="fold 1", fold=0, epoch=1, train_loss=0.7)
    assert Progress.model_validate(json.loads(progress.model_dump_json())) == progress
