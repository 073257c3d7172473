"""`chiffchaff datasets` against a real trainer API."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chiffchaff_client import NotThere, Problem
from services.standalone.cli import app


def run(server: str, *arguments: str) -> str:
    """What the command prints; an error of it is raised."""
    result = CliRunner().invoke(
        app, ["datasets", *arguments, "--server", server], env={"COLUMNS": "200"}, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_a_dataset_is_made_shown_listed_and_saved(server: str, tmp_path: Path) -> None:
    made = run(server, "create", "garden", "--folds", "3", "--licence", "CC BY", "--min-recordings", "3")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in made.splitlines() if "│" in line]
    assert rows == [["Avis duo", "6", "12", "3", "2", "2", "2"], ["Avis una", "6", "12", "3", "2", "2", "2"]]
    assert "No recordist, recording or sound is in two of the 3 folds." in made
    dataset_id = made.split()[1]
    assert run(server, "show", dataset_id) == made.removeprefix("Freezing\n")
    assert dataset_id in run(server, "list")
    target = tmp_path / "new" / "slices.csv"
    run(server, "export", dataset_id, str(target))
    with target.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 36
    assert list(target.parent.iterdir()) == [target]


def test_nothing_to_freeze_and_no_such_dataset_are_said_in_a_sentence(server: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="found: none"):
        run(server, "create", "garden", "--quality", "A")
    with pytest.raises(NotThere, match="There is no dataset"):
        run(server, "export", "0" * 32, str(tmp_path / "slices.parquet"))
    assert not list(tmp_path.glob("slices.*"))


def test_a_file_of_another_kind_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["datasets", "export", "0" * 32, str(tmp_path / "slices.xlsx")])
    assert result.exit_code == 2
    assert "neither in .parquet nor in .csv" in " ".join(result.output.replace("│", " ").split())
