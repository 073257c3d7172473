"""What a training run can be told, and what it answers to nonsense."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.trainer.config import TrainingConfig
from shared.audio.frontend_config import FIELD, ORIGINAL


def test_the_defaults_are_a_whole_recipe_and_survive_json() -> None:
    config = TrainingConfig()
    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config
    assert TrainingConfig.model_validate(config.as_json()).picture == config.picture


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
        ("epoch", 3, "Extra inputs are not permitted"),
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
