"""The README's commands are run as they stand there; only the port and the length of a training differ."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.sounds import SPECIES, write_folder
from tests.support.stack import Stack

REPOSITORY = Path(__file__).resolve().parent.parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert found, f"the README has no {language} block"
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the README's reader has it: the environment, recordings of their own, and the models."""
    folder = tmp_path_factory.mktemp("reader")
    sounds = write_folder(folder / "my-recordings", per_species=3)
    (folder / "recording.mp3").write_bytes(sounds[0].read_bytes())
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (folder / "models").symlink_to(REPOSITORY / "models")
    return folder


@pytest.fixture
def active_again(stack: Stack) -> Iterator[None]:
    before = stack.get("/models/active")["model"]
    yield
    stack.send("PUT", "/models/active", json={"name": before["name"], "version": before["version"]})


def run(command: list[str], place: Path, stack: Stack) -> str:
    environment = {**os.environ, "CHIFFCHAFF_PORT": str(stack.port)}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.usefixtures("active_again")
def test_every_shell_command_works_in_the_order_of_the_page(stack: Stack, place: Path) -> None:
    script = "\n".join(blocks("bash"))
    assert ":8000" in script
    script = script.replace(":8000", f":{stack.port}").replace("train my-birds", "train my-birds --epochs 1 --folds 0")
    script = script.replace('"epochs": 30', '"epochs": 1, "folds": 0').replace("curl -s ", "curl -sS --fail-with-body ")
    out = run(["bash", "-euo", "pipefail", "-c", script], place, stack)
    for expected in ('"ranking":[{"species":', "6 prepared", "Model my-birds version 1 is there.", "It answers now."):
        assert expected in out
    assert any(species in out for species in SPECIES)
    assert out.rstrip().endswith("}"), "the last command answers with the active model"


def test_the_client_answers_and_the_model_runs_with_torch_alone(stack: Stack, place: Path) -> None:
    script = "\n".join(blocks("python")).replace(":8000", f":{stack.port}") + "\nprint(tuple(logits.shape))"
    ranking, shape = run([sys.executable, "-W", "ignore", "-c", script], place, stack).splitlines()
    assert ranking.count("species=") == 3
    windows, species = eval(shape)  # noqa: S307 (a tuple that our own script printed)
    assert (windows, species) == (4, 29)


def test_the_make_targets_that_it_names_are_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets: set[Any] = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert targets >= {"run", "test", "up", "down"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_files_that_it_links_are_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    for link in links:
        assert (REPOSITORY / link).exists(), link
