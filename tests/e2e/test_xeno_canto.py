"""From Xeno-canto into the library by the command line and a running stack, through a power cut."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sounds import SPECIES
from tests.support.stack import Stack, running
from tests.support.waiting import until
from tests.support.xeno_canto_server import KEY, XenoCanto, sound


@pytest.fixture(scope="module")
def xeno_canto() -> Iterator[XenoCanto]:
    with XenoCanto().running() as server:
        yield server


@pytest.fixture(scope="module")
def stack(xeno_canto: XenoCanto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(
        tmp_path_factory.mktemp("stack"), {"CHIFFCHAFF_WORKER_CONCURRENCY": "1", **xeno_canto.variables}
    ) as made:
        yield made


def chiffchaff(stack: Stack, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "chiffchaff"), *arguments, "--server", stack.url]
    return subprocess.run(
        command,
        input=answer,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**stack.environment, "COLUMNS": "160"},
    )


def test_a_person_sees_how_much_there_is_says_yes_and_a_power_cut_loses_nothing(
    stack: Stack, xeno_canto: XenoCanto
) -> None:
    for number in range(1, 5):
        xeno_canto.add(number, SPECIES[number % 2], content=sound(number, 8.0, SPECIES[number % 2]))
    xeno_canto.add(5, lic="//creativecommons.org/licenses/by-nc-nd/4.0/")
    asked = ["xeno-canto", *SPECIES, "--quality", "A"]

    looked = chiffchaff(stack, *asked, "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert "Xeno-canto has 5 recordings. 0 of them are in the library; 4 would be downloaded" in looked.stdout
    assert "Rising Bird" in looked.stdout
    assert "1 left out: Its licence allows no derivatives" in looked.stdout
    none = chiffchaff(stack, "xeno-canto", "Avis ignota", "--dry-run")
    assert "Xeno-canto has no such recordings." in none.stdout, none.stderr
    refused = chiffchaff(stack, *asked, answer="n\n")
    assert refused.returncode == 1
    assert stack.get("/recordings")["items"] == []

    xeno_canto.pause = threading.Event()
    accepted = chiffchaff(stack, *asked, "--no-wait", answer="y\n")
    assert "Download 4 recordings, about 69 MB?" in accepted.stdout
    part = until(lambda: next(stack.data_dir.glob("scratch/xeno-canto/*/*.part"), None), what="the first download")
    until(lambda: part.stat().st_size > 0, what="its first bytes")
    stack.kill_everything()
    xeno_canto.pause.set()
    stack.start()
    location = f"/ingestions/{stack.get('/ingestions', limit=1)['items'][0]['id']}"
    done = stack.ended(location)
    assert done["state"] == "succeeded", done
    assert done["counts"]["prepared"] == 4

    again = chiffchaff(stack, *asked, "--yes")
    assert again.returncode == 0, again.stderr
    assert "4 prepared (4 known before), 0 unusable." in again.stdout
    listed = stack.get("/recordings", limit=50)["items"]
    assert sorted(one["xc_id"] for one in listed) == ["1", "2", "3", "4"]
    assert KEY not in stack.log + str(stack.get("/jobs", limit=50)) + looked.stdout + looked.stderr


def test_the_command_line_says_what_is_wrong_with_a_request(stack: Stack) -> None:
    for arguments, reason in (
        (["--query", "blackbird"], "text without a tag"),
        (["--box", "1,2"], "is not SOUTH,WEST,NORTH,EAST"),
        (["Turdus"], "no species' scientific name"),
    ):
        ended = chiffchaff(stack, "xeno-canto", *arguments)
        assert reason in " ".join((ended.stdout + ended.stderr).replace("│", " ").split())
        assert ended.returncode != 0
