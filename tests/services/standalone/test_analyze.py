"""`chiffchaff analyze`: folders of recordings, heard by processes of their own, whatever interrupts them."""

import csv
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.inference.results.formats import FORMATS
from services.standalone.analysing.recordings import search, seconds_in_header
from services.standalone.cli import app
from shared.errors import InvalidInput, ModelFileError, NotFound
from tests.services.inference.conftest import HIGH, LOW, MIDDLE, encoded, ship_model, song
from tests.support.waiting import until

ODD = ("two words.wav", "Größe.wav", "two\nlines.wav", "[red]song.wav")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    ship_model(folder)
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CHIFFCHAFF_MODELS_DIR", str(models))
    return folder


def write(path: Path, *pitches: float, seconds: float = 5.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(song(*pitches, seconds=seconds)))
    return path


def season(root: Path, count: int) -> None:
    """Recordings of a minute on two nights."""
    sound = {pitch: encoded(song(pitch, seconds=60.0)) for pitch in (LOW, HIGH)}
    for number in range(count):
        path = root / f"night {number % 2}" / f"20240501_{number // 60:02}{number % 60:02}00.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sound[LOW if number % 3 else HIGH])


def analyze(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["analyze", *map(str, arguments)])


def said(result: Result) -> str:
    return " ".join(result.output.split())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(folder: Path) -> dict[str, bytes]:
    """Everything for people to read."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".chiffchaff" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob(".chiffchaff/heard/*/*.json"))


def below(process: int) -> set[psutil.Process]:
    """All processes that descend from one."""
    try:
        return set(psutil.Process(process).children(recursive=True))
    except psutil.NoSuchProcess:
        return set()


def gone(processes: set[psutil.Process]) -> bool:
    return not any(one.is_running() for one in processes)


@pytest.fixture
def season_in(here: Path) -> Path:
    season(here / "in", 60)
    return here / "in"


class Running:
    """A command in a process of its own, that can be interrupted."""

    def __init__(self, *arguments: object) -> None:
        command = [sys.executable, "-m", "services.standalone.cli", "analyze", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.children: set[psutil.Process] = set()

    def until_kept(self, folder: Path, least: int) -> None:
        def look() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            self.children |= below(self.process.pid)
            return len(kept(folder)) >= least

        until(look, what="a kept result")

    def interrupted(self, number: int) -> str:
        self.children |= below(self.process.pid)
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=30)
        until(lambda: gone(self.children), seconds=10, what="the end of all processes")
        return " ".join(output.split())


@pytest.fixture
def running() -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for one in started:
        one.process.kill()
        one.process.wait()
        if one.process.stdout:
            one.process.stdout.close()


def test_a_folder_of_anything_is_heard_and_what_is_wrong_is_told(here: Path) -> None:
    for number, name in enumerate(ODD):
        write(here / "in" / "Wiese" / name, (LOW, HIGH)[number % 2])
    (here / "in" / "silence.wav").write_bytes(encoded(np.zeros(66_150, np.float32)))
    (here / "in" / "broken.wav").write_text("not a sound")
    (here / "in" / "broken.flac").write_bytes(b"fLaC" + bytes(range(200)))
    (here / "in" / "notes.txt").write_text("seven wrens")
    (here / "in" / ".hidden.wav").write_text("hidden")
    (here / "in" / "._song.wav").write_text("of macOS")
    result = analyze("in", "--format", "csv", "--format", "audacity", "--format", "raven-combined", "--jobs", 2)
    assert result.exit_code == 1, result.output
    assert "5 recordings heard, 23.0 s of sound." in said(result)
    assert "1 recording silent from end to end." in said(result)
    assert "4 detections of 2 species." in said(result)
    assert "1 file left out" in said(result)
    assert "2 recordings could not be heard" in said(result)
    results = here / "chiffchaff-results"
    by_file = {row["file"]: row for row in rows(results / "results.csv")}
    assert by_file.keys() == {
        "in/silence.wav",
        "in/broken.wav",
        "in/broken.flac",
        *(f"in/Wiese/{name}" for name in ODD),
    }
    assert list(by_file) == sorted(by_file)
    assert by_file["in/Wiese/two words.wav"]["species"] == "Avis ima"
    assert by_file["in/Wiese/Größe.wav"]["species"] == "Avis summa"
    assert (by_file["in/silence.wav"]["status"], by_file["in/silence.wav"]["outcome"]) == (
        "nothing detected",
        "nothing",
    )
    assert by_file["in/broken.wav"]["status"] == "failed"
    assert {row["file"]: row["code"] for row in rows(results / "failed.csv")}.keys() == {
        "in/broken.flac",
        "in/broken.wav",
    }
    labels = {path.name: path.read_text() for path in (results / "Wiese").iterdir()}
    assert labels.keys() == {name.replace(".wav", ".labels.txt") for name in ODD}
    assert "Avis summa (High Bird)" in labels["Größe.labels.txt"]
    assert (results / "silence.labels.txt").read_text() == ""
    assert not (results / "broken.labels.txt").exists()
    assert not (results / ".chiffchaff" / "scratch").exists()


def test_what_is_kept_is_not_heard_again_unless_asked_otherwise(here: Path) -> None:
    write(here / "in" / "a.wav", LOW)
    write(here / "in" / "b.wav", HIGH)
    assert analyze("in").exit_code == 0
    before = written(here / "chiffchaff-results")
    times = [path.stat().st_mtime_ns for path in kept(here / "chiffchaff-results")]
    result = analyze("in", "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    assert written(here / "chiffchaff-results") == before
    assert [path.stat().st_mtime_ns for path in kept(here / "chiffchaff-results")] == times
    assert "2 recordings heard, 10.0 s of sound; 2 of them were kept from before." in said(analyze("in"))

    write(here / "in" / "b.wav", MIDDLE, seconds=6.0)
    assert "; 1 of them were kept from before." in said(analyze("in"))
    heard = {row["file"]: row["species"] for row in rows(here / "chiffchaff-results" / "results.csv")}
    assert heard == {"in/a.wav": "Avis ima", "in/b.wav": "Avis media"}
    assert "before" not in said(analyze("in", "--min-confidence", "0.99"))
    assert "before" not in said(analyze("in", "--min-confidence", "0.99", "--again"))


def test_killed_in_the_middle_it_goes_on_and_the_files_are_those_of_a_run_without_that(
    here: Path, season_in: Path, running: list[Running]
) -> None:
    formats = [part for name in FORMATS for part in ("--format", name)]
    running.append(Running(season_in, "--output", "killed", "--jobs", 2, *formats, "--snippets", "flac"))
    running[0].until_kept(here / "killed", 3)
    running[0].interrupted(signal.SIGKILL)
    done = len(kept(here / "killed"))
    assert 3 <= done < 60
    (here / "whole" / ".chiffchaff").mkdir(parents=True)
    shutil.copy(here / "killed" / ".chiffchaff" / "analysis.json", here / "whole" / ".chiffchaff")
    goes_on = analyze(season_in, "--output", "killed", "--jobs", 2, *formats, "--snippets", "flac")
    assert goes_on.exit_code == 0, goes_on.output
    assert f"; {done} of them were kept from before." in said(goes_on)
    assert analyze(season_in, "--output", "whole", "--jobs", 1, *formats, "--snippets", "flac").exit_code == 0
    whole = written(here / "whole")
    assert len([name for name in whole if name.endswith(".selections.txt")]) == 61
    assert len([name for name in whole if name.startswith("snippets/")]) == 60
    assert {name for name, content in written(here / "killed").items() if content != whole.get(name)} == set()
    assert whole.keys() == written(here / "killed").keys()


def test_ctrl_c_ends_all_processes_and_says_how_to_go_on_and_meanwhile_nobody_else_writes_there(
    here: Path, running: list[Running]
) -> None:
    season(here / "in", 400)
    running.append(Running("in", "--jobs", 2))
    running[0].until_kept(here / "chiffchaff-results", 2)
    second = analyze("in")
    assert "Another analysis" in str(second.exception)
    assert str(running[0].process.pid) in str(second.exception)
    output = running[0].interrupted(signal.SIGINT)
    assert running[0].process.returncode == 130
    assert "of 400 recordings are done and kept in chiffchaff-results: the same command goes on from there." in output
    assert not (here / "chiffchaff-results" / ".chiffchaff" / "scratch").exists()
    assert len(kept(here / "chiffchaff-results")) < 400


def test_a_recording_that_kills_its_worker_twice_has_failed_and_the_others_are_heard(
    here: Path, running: list[Running]
) -> None:
    write(here / "in" / "a.wav", LOW)
    write(here / "in" / "b.wav", *[HIGH] * 1_000)
    running.append(Running("in", "--jobs", 1))
    for _ in range(2):
        seen = set(running[0].children)

        def at_work(seen: set[psutil.Process] = seen) -> psutil.Process | None:
            workers = [one for one in below(running[0].process.pid) - seen if _is_worker(one)]
            return (
                workers[0]
                if workers
                and list((here / "chiffchaff-results/.chiffchaff/scratch").glob("*.wav*"))
                and len(kept(here / "chiffchaff-results"))
                else None
            )

        worker = until(at_work, what="a worker at the second recording")
        running[0].children.add(worker)
        worker.kill()
    output, _ = running[0].process.communicate(timeout=60)
    assert running[0].process.returncode == 1
    assert "Hearing the recording broke down (1): in/b.wav" in output
    assert [row["status"] for row in rows(here / "chiffchaff-results" / "results.csv")] == ["detected", "failed"]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "services.standalone.analysing.worker" in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def test_a_full_disk_stops_the_analysis_and_says_what_is_left(here: Path) -> None:
    write(here / "in" / "a.wav", LOW)
    write(here / "in" / "b.wav", *[HIGH] * 40)
    small = here / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        result = analyze("in", "--output", "small", "--jobs", 1)
        assert "1 of 2 recordings are done" in str(result.exception)
        assert "Make room" in str(result.exception)
        assert len(kept(small)) == 1
        assert written(small) == {}
        assert not (small / ".chiffchaff" / "scratch").exists()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_nothing_to_hear_has_a_status_of_its_own(here: Path) -> None:
    (here / "in").mkdir()
    (here / "in" / "notes.txt").write_text("seven wrens")
    result = analyze("in")
    assert result.exit_code == 2
    assert "nothing to hear: 1 file, and no recording among them" in said(result)
    assert not (here / "chiffchaff-results").exists()


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("nowhere",), InvalidInput, "There is no file or folder nowhere"),
        (("in", "--format", "xls"), InvalidInput, "There are json, jsonl, csv"),
        (("in", "--model", "none"), NotFound, "pitches come with the software"),
        (("in", "--model", "in/a.wav"), ModelFileError, "no TorchScript archive"),
        (("in", "--latitude", "51"), InvalidInput, "belong together"),
        (("in", "--species", "Avis summo"), InvalidInput, "Did you mean"),
        (("in", "--species-file", "list.txt"), InvalidInput, "names none of the 3 species"),
        (("in", "--step", "7"), InvalidInput, "step: "),
        (("in", "--output", "in/a.wav/results"), InvalidInput, "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_heard(
    here: Path, arguments: tuple[str, ...], kind: type[Exception], words: str
) -> None:
    write(here / "in" / "a.wav", LOW)
    (here / "list.txt").write_text("# birds of nowhere\nTurdus merula\n")
    result = analyze(*arguments)
    assert type(result.exception) is kind, result.output
    assert words in str(result.exception)
    assert not (here / "chiffchaff-results" / "results.csv").exists()


def test_a_model_file_is_called_a_program_and_a_species_file_restricts_it(here: Path, models: Path) -> None:
    write(here / "in" / "a.wav", LOW, HIGH)
    (here / "list.txt").write_text("Avis ima_Low Bird # common\n\nTurdus merula\n", encoding="utf-8-sig")
    model = shutil.copy(models / "pitches" / "model.pt", here / "mine.pt")
    result = analyze("in", "--model", model, "--species-file", "list.txt", "--windows", "--step", 5)
    assert result.exit_code == 0, result.output
    assert "is a program (TorchScript)" in said(result)
    assert "1 line of the species file name no species of the model: Turdus merula" in said(result)
    heard = rows(here / "chiffchaff-results" / "results.csv")
    assert [(row["species"], row["start_seconds"], row["windows"]) for row in heard] == [("Avis ima", "0.0", "1")]


def test_each_recording_has_a_file_of_its_own_whatever_they_are_called(here: Path) -> None:
    long = "x" * 250
    for name in ("twin.wav", "twin.flac", "results.wav", "night/twin.wav", f"{long}.wav"):
        write(here / "in" / name, LOW)
    formats = [part for name in ("raven", "raven-combined") for part in ("--format", name)]
    assert analyze("in", "--output", "out", *formats).exit_code == 0
    names = sorted(name.removesuffix(".selections.txt") for name in written(here / "out"))
    assert names[:-1] == ["night/twin", "results", "results.wav", "twin.flac", "twin.wav"]
    assert names[-1].startswith("xxxxx")


def test_snippets_are_cut_for_what_was_heard_before_and_are_no_recordings(here: Path) -> None:
    write(here / "in" / "a.wav", LOW)
    assert analyze("in", "--output", "in").exit_code == 0
    assert analyze("in", "--output", "in", "--snippets", "wav").exit_code == 0
    (snippet,) = (here / "in" / "snippets").iterdir()
    assert snippet.name.endswith("s_Avis-ima_1.00.wav")
    assert [one.name for one in search([Path("in")]).recordings] == ["in/a.wav"]


def test_each_recording_is_heard_once_in_order_of_path(here: Path) -> None:
    for name in ("b/x.wav", "b.wav", "a/y.WAV", "b/unfinished.wav.part"):
        write(here / "in" / name, LOW)
    (here / "in" / "song").write_bytes((here / "in" / "b.wav").read_bytes())
    found = search([Path("in/b.wav"), Path("in"), Path("in/b")])
    assert [one.name for one in found.recordings] == ["in/a/y.WAV", "in/b/x.wav", "in/b.wav", "in/song"]
    assert found.skipped == 2, "the unfinished one, met twice"


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_a_header_says_how_long_a_recording_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded(song(LOW, seconds=12.0), kind=kind))
    assert seconds_in_header(path) == pytest.approx(12.0, abs=0.01)
    path.write_bytes(b"fLaC" + b"\xff" * 10)
    assert seconds_in_header(path) is None


def test_real_recordings_are_heard_as_the_service_hears_them(
    here: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHIFFCHAFF_MODELS_DIR")
    chosen: list[Any] = sorted((recordings / "garden20").glob("phylloscopus-collybita*.mp3"))[:3]
    assert chosen
    result = analyze(*chosen, "--min-confidence", 0, "--format", "jsonl", "--snippets", "flac", "--quiet")
    assert result.exit_code == 0, result.output
    lines = (here / "chiffchaff-results" / "results.jsonl").read_text().splitlines()
    assert len(lines) == 1 + len(chosen)
    assert all('"outcome":"species"' in line or '"outcome":"unknown"' in line for line in lines[1:])
    assert all((here / "chiffchaff-results" / "snippets").iterdir())
