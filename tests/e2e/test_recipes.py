"""The recipes with curl and Python are run as they stand there, in the order of the page, beside their own stack."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.support.sounds import RATE, SPECIES, chirps, write_folder
from tests.support.stack import Stack, running

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGE = (REPOSITORY / "docs" / "recipes.md").read_text(encoding="utf-8")
COMMANDS = {
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-W", "error", "-c"],
}

EXPECTED = {
    "Classify a recording": ['"ranking":[{"species":', "% "],
    "With place and date, only some species, with thresholds": ['"species":["Fringilla coelebs","Turdus merula"]'],
    "A folder, several at once": ["002.wav"],
    "Models": ["garden-birds ", "model-files/model.pt"],
    "Bring recordings in, and follow it": ["Avis descendens", "Fringilla coelebs recording.mp3 A. Birder"],
    "Train, and follow it": ["epoch 1 of 1", '"name":"garden-birds"'],
    "Keys": ["This API key may not do that", '"name":"recorder-3"'],
}
FILES = {
    "A folder, several at once": [f"my-recordings/{SPECIES[0]}/000.wav.json"],
    "Long or many recordings, in the background": ["season.csv", "season.parquet", "raven.zip", "first.flac"],
    "Models": ["garden-birds.pt", "model-files/card.md"],
    "Take results elsewhere": ["species.csv", "credits.md", "slices.parquet", "slices.csv"],
    "From a Raspberry Pi": ["heard/recording.json"],
}


def sections() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each heading with its blocks: language and text."""
    found = []
    for part in PAGE.split("\n## ")[1:]:
        blocks = re.findall(r"^```(bash|python)\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
        found.append((part.splitlines()[0], blocks))
    return [(title, blocks) for title, blocks in found if blocks]


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """In the end it asks for keys, so nobody else can use it."""
    with running(tmp_path_factory.mktemp("recipes")) as made:
        yield made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the reader has it, with recordings."""
    folder = tmp_path_factory.mktemp("reader")
    write_folder(folder / "my-recordings", per_species=3)
    soundfile.write(folder / "recording.mp3", chirps(SPECIES[0], seconds=7.0, seed=99), RATE, format="MP3")
    return folder


def run(language: str, script: str, stack: Stack, place: Path) -> str:
    script = script.replace(":8000", f":{stack.port}").replace('"epochs": 30', '"epochs": 1, "folds": 0')
    script = script.replace("curl -s ", "curl -sS --fail-with-body ")
    path = os.pathsep.join([str(REPOSITORY / "client"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [*COMMANDS[language], script],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("title", "blocks"), sections(), ids=[title for title, _ in sections()])
def test_a_recipe_does_what_it_says(title: str, blocks: list[tuple[str, str]], own_stack: Stack, place: Path) -> None:
    said = "".join(run(language, script, own_stack, place) for language, script in blocks)
    for expected in EXPECTED.get(title, []):
        assert expected in said
    for file in FILES.get(title, []):
        assert (place / file).stat().st_size > 0, file


def test_every_recipe_that_is_checked_stands_on_the_page() -> None:
    assert {*EXPECTED, *FILES} <= {title for title, _ in sections()}


def test_the_files_that_it_links_are_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    assert links
    for link in links:
        assert (REPOSITORY / "docs" / link).exists(), link
