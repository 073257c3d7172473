"""What a training run can be told, and what it answers to nonsense."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.trainer import recipes
from services.trainer.config import AugmentConfig, TrainingConfig
from services.trainer.selection import Selection
from shared.audio.frontend_config import FIELD, ORIGINAL


def test_the_defaults_are_a_whole_recipe_and_survive_json() -> None:
    config = TrainingConfig()
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config
    assert TrainingConfig.model_validate(config.as_json()).picture == config.picture


@pytest.mark.parametrize("name", recipes.available())
def test_a_recipe_is_whole_and_what_is_given_beside_it_wins(name: str) -> None:
    plain = TrainingConfig(recipe=name)
    changed = TrainingConfig(recipe=name, epochs=7, augment={"mask_time": 0.33})
    assert (changed.epochs, changed.augment.mask_time) == (7, 0.33)
    expected = plain.model_copy(update={"epochs": 7, "augment": plain.augment.model_copy(update={"mask_time": 0.33})})
    assert changed == expected
    assert TrainingConfig(**tomllib.loads(recipes.text(name))) == plain, "a copy of the file is the recipe"


def test_the_manifest_s_settings_are_a_configuration_that_no_later_recipe_changes() -> None:
    config = TrainingConfig(recipe="original", epochs=9)
    assert {*config.as_json()} == {*TrainingConfig.model_fields}
    assert {*config.as_json()["augment"]} == {*AugmentConfig.model_fields}
    again = TrainingConfig.model_validate(config.as_json())
    assert again.as_json() == config.as_json()


def test_the_example_of_the_manual_is_a_training() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    example = json.loads(manual.split("**Training.**")[1].split("```json")[1].split("```")[0])
    assert TrainingConfig(**example["config"]).augment.same_class == 0.3
    assert Selection(**example["dataset"]).background == ["rain"]


def test_the_original_recipe_is_that_of_the_original_work() -> None:
    config = TrainingConfig(recipe="original")
    assert config.picture == ORIGINAL
    assert (config.optimizer, config.learning_rate, config.schedule, config.decay) == (
        "adam",
        1e-3,
        "exponential",
        0.95,
    )
    assert (config.batch_size, config.epochs, config.warm_up, config.averaging, config.label_smoothing) == (
        64,
        50,
        0,
        0,
        0,
    )
    assert (config.balance, config.crops_per_recording, config.augment.time_shift) == (1, 0, 0), "resampled, not moved"
    assert config.augment == AugmentConfig(picture_noise=0.4)


def test_a_front_end_is_a_preset_or_a_whole_one() -> None:
    assert TrainingConfig(front_end="original").picture == ORIGINAL
    own = FIELD.model_copy(update={"name": "own", "n_mels": 64})
    assert TrainingConfig(front_end=own).picture == own


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("network", "dodo", "there is no network 'dodo'; there are"),
        ("front_end", "ears", "there is no front end 'ears'"),
        ("folds", 1, "at least 2"),
        ("epochs", 0, "greater than or equal to 1"),
        ("learning_rate", 0, "greater than 0"),
        ("name", "../../etc", "pattern"),
        ("device", "tpu", "pattern"),
        ("augment", {"noise_snr_db": (30, 3)}, "the lower first"),
        ("augment", {"mixup": 1.5}, "less than or equal to 1"),
        ("start_from", {}, "either a model's name or a training's id"),
        ("start_from", {"model": "a", "training": "b"}, "either a model's name or a training's id"),
        ("start_from", {"training": "b", "version": 1}, "belongs to a model's name"),
        ("head_only_epochs", 2, "head_only_epochs is for a training with start_from"),
        ("trunk_learning_rate", 0.1, "trunk_learning_rate is for a training with start_from"),
        ("processes", 0, "greater than or equal to 1"),
        ("processes", 17, "batch_size must be at least processes"),
        ("patience", -1, "greater than or equal to 0"),
        ("epoch", 3, "there is no setting 'epoch'; the nearest is 'epochs'"),
        ("augment", {"noise_snr": 3}, "there is no setting 'noise_snr'; the nearest is 'noise_snr_db'"),
        ("recipe", "stew", "there is no recipe 'stew'; there are field, original"),
        ("recipe", ["field"], "there is no recipe"),
        ("pictures", "precomputed", "set augment.time_shift, augment.equalise"),
        ("augment", {"picture_noise": 0.4}, "needs a front end of linear power"),
    ],
)
def test_nonsense_is_refused_with_a_reason(field: str, value: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TrainingConfig(**{field: value})


def test_the_api_can_check_a_configuration_and_read_a_manifest_without_torch() -> None:
    code = (
        "import sys\n"
        "from services.trainer.config import TrainingConfig; TrainingConfig()\n"
        "import shared.model_file, services.trainer.split, services.trainer.frozen_dataset, services.trainer.progress\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=True, timeout=60)
