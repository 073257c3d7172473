"""`chiffchaff train` and `chiffchaff recipes`: the settings that reach the trainer, and what is said of wrong ones."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from chiffchaff_client import Problem
from services.standalone.cli import app
from shared.errors import InvalidInput, NotFound


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def trained_with(server: str, *arguments: str) -> dict[str, Any]:
    """The settings that the trainer takes."""
    run("train", "synthetic", "--no-wait", *arguments, "--server", server)
    config: dict[str, Any] = httpx.get(f"{server}/trainings").json()["items"][0]["config"]
    return config


def test_a_recipe_is_named_and_what_is_given_beside_it_wins(server: str) -> None:
    config = trained_with(server, "--recipe", "original", "--epochs", "3")
    assert (config["recipe"], config["front_end"], config["epochs"]) == ("original", "original", 3)
    assert trained_with(server)["recipe"] == "field"


def test_how_long_and_from_where_to_train_reaches_the_trainer(server: str) -> None:
    config = trained_with(server, "--patience", "3", "--epochs", "9")
    assert (config["patience"], config["epochs"]) == (3, 9)
    with pytest.raises(Problem, match="no model nobody"):
        trained_with(server, "--start-from", "nobody:2")
    with pytest.raises(Problem, match="no dataset"):
        trained_with(server, "--unknown", "0" * 32)


def test_a_printed_recipe_can_be_changed_and_given_back(server: str, tmp_path: Path) -> None:
    mine, printed = tmp_path / "mine.toml", run("recipes", "original")
    mine.write_text(printed.replace("batch_size = 64", "batch_size = 8").replace("epochs = 50", ""))
    config = trained_with(server, "--config", str(mine), "--folds", "0")
    assert (config["batch_size"], config["folds"], config["epochs"]) == (8, 0, 50)
    assert config["augment"]["equalise"] == 0, "it still builds on the recipe that it is a copy of"


def test_what_is_wrong_with_a_setting_is_said_without_pydantic_s_words(server: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text("learning_rat = 1e-3\n")
    with pytest.raises(Problem, match=r"so: there is no setting 'learning_rat'; the nearest is 'learning_rate'"):
        trained_with(server, "--config", str(mine))
    mine.write_text("[augment]\nnoise_snr_db = [30, 3]\n")
    with pytest.raises(Problem, match=r"set up so: augment: noise_snr_db must be"):
        trained_with(server, "--config", str(mine))
    mine.write_text("epochs: 3\n")
    with pytest.raises(InvalidInput, match=r"no TOML file.*recipes field"):
        trained_with(server, "--config", str(mine))


def test_recipes_are_listed_and_an_unknown_one_is_no_traceback() -> None:
    assert run("recipes").split() == ["field", "(default)", "original", "sounds"]
    with pytest.raises(NotFound, match="There are field, original, sounds"):
        run("recipes", "stew")
