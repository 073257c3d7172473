"""`chiffchaff recordings`, `species` and `attribution`, against an API that answers on a port."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from chiffchaff_client import NotSaved, NotThere, Problem
from services.ingest.api import API
from services.standalone.cli import app, main
from shared import jobs
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.errors import InvalidInput
from shared.settings import Settings
from shared.species import SpeciesName, ensure
from tests.support.library import add_recording
from tests.support.servers import free_port
from tests.support.serving import furnished, serving

MERULA, MAJOR = "Turdus merula", "Parus major"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return furnished(Settings(data_dir=tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def sessions(settings: Settings) -> Iterator[SyncSessions]:
    engine = sync_engine(settings)
    yield sync_sessions(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def url(settings: Settings, sessions: SyncSessions) -> Iterator[str]:
    with serving(settings, API) as address:
        yield address


@pytest.fixture(scope="module")
def library(sessions: SyncSessions) -> dict[str, str]:
    with sessions.begin() as session:
        ensure(session, SpeciesName(MERULA, "Common Blackbird", {"de": "Amsel"}))
        ensure(session, SpeciesName(MAJOR, "Great Tit"))
    known = {"licence": "CC BY 4.0", "seconds": 83.0, "signal_seconds": 30.0, "details": {"rmk": "[red] roof"}}
    return {
        "blackbird": add_recording(sessions, MERULA, recordist="A. [Birder]", xc_id="12", quality="A", **known),
        "tit": add_recording(sessions, MAJOR, recordist="B. Birder", xc_id="34", quality="B", **known),
    }


@pytest.fixture
def run(url: str, library: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CHIFFCHAFF_URL", url)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments)])

    return invoke


def test_recordings_are_listed_by_the_filters_of_the_api(run: Run, library: dict[str, str]) -> None:
    everything = run("recordings", "list").output
    assert all(row in everything for row in library.values())
    assert "2 recordings, 2.8 minutes, 1.0 of them with a bird" in everything
    found = run("recordings", "list", "--species", "amsel", "--quality", "A", "--month", 3, "--month", 4).output
    assert found == "0 recordings. `chiffchaff species` shows what there is.\n"
    found = run("recordings", "list", "--species", "amsel", "--quality", "A", "--quality", "B").output
    assert library["blackbird"] in found
    assert library["tit"] not in found
    assert "XC12, A. [Birder]" in found
    assert "1:23" in found
    assert "the newest 1 of 2 recordings" in run("recordings", "list", "--limit", 1).output
    wrong = run("recordings", "list", "--box", "1,2")
    assert isinstance(wrong.exception, Problem)
    assert "box" in str(wrong.exception)


def test_a_recording_is_shown_deleted_and_restored(run: Run, library: dict[str, str]) -> None:
    shown = run("recordings", "show", library["tit"]).output
    assert all(part in shown for part in (MAJOR, "B. Birder", "CC BY 4.0", "[red] roof", "0 sections, 0 slices"))
    assert "1 recording deleted" in run("recordings", "delete", library["tit"]).output
    assert library["tit"] not in run("recordings", "list").output
    assert library["tit"] in run("recordings", "list", "--deleted", "only").output
    assert "1 recording restored" in run("recordings", "restore", library["tit"]).output
    assert library["tit"] in run("recordings", "list").output


def test_species_are_a_table_or_a_picture(run: Run, tmp_path: Path) -> None:
    table = run("species").output
    assert "Common Blackbird, Amsel" in table
    assert "2 species, 2 recordings" in table
    assert "1 species, 1 recording." in run("species", "amse").output
    assert "Drawn" in run("species", "--picture", tmp_path / "a.png").output
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG"
    refused = run("species", "--picture", tmp_path / "a.jpg")
    assert (refused.exit_code, [path.name for path in tmp_path.iterdir()]) == (2, ["a.png"])


def test_attributions_are_printed_or_written_in_the_format_of_the_file(
    run: Run, tmp_path: Path, library: dict[str, str]
) -> None:
    expected = (
        "A. [Birder], CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/):\n"
        f"- {MERULA} (Common Blackbird): XC12 (https://xeno-canto.org/12)\n"
    )
    assert run("attribution", library["blackbird"]).stdout == expected
    assert run("attribution", "--quality", "A", "--output", tmp_path / "a.txt").exit_code == 0
    assert (tmp_path / "a.txt").read_text() == expected
    run("attribution", "--output", tmp_path / "a.json")
    assert len(json.loads((tmp_path / "a.json").read_text())["credits"]) == 2
    run("attribution", "--output", tmp_path / "a.md")
    assert "](<https://xeno-canto.org/34>)" in (tmp_path / "a.md").read_text()
    assert run("attribution", "--format", "csv").stdout.startswith("recordist,licence,")
    assert run("attribution", "--format", "pdf").exit_code == 2
    assert run("attribution", "--output", tmp_path / "a.pdf").exit_code == 2
    assert "[red]" in run("attribution", "--format", "text", "--output", tmp_path / "[red]").output


def test_what_cannot_be_written_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    missing = run("attribution", "--output", tmp_path / "none" / "a.txt")
    assert isinstance(missing.exception, NotSaved)
    refused = run("attribution", "--model", "nobody:3", "--output", tmp_path / "a.txt")
    assert isinstance(refused.exception, NotThere)
    assert "no model nobody, version 3" in str(refused.exception)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "folder.txt").mkdir()
    assert isinstance(run("attribution", "--output", tmp_path / "folder.txt").exception, NotSaved)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.txt"]


def test_an_error_is_one_sentence_in_which_brackets_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["chiffchaff", "models", "list", "--server", f"http://127.0.0.1:{free_port()}/[red]"]
    )
    with pytest.raises(SystemExit, match="1"):
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Chiffchaff cannot be reached. No answer from http://127.0.0.1:")
    assert "/[red]:" in said
    assert said.endswith("Start Chiffchaff with `make run`, or give --server.")


def test_what_a_job_says_of_a_file_in_brackets_is_shown_as_it_is(
    run: Run, sessions: SyncSessions, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        job_id = jobs.submit(session, "ingest.run", {}, max_attempts=1).id
    with sessions.begin() as session:
        held = jobs.claim(session, "ingest", worker="a", lease_seconds=60)
        assert held is not None
        jobs.progress(session, held, 1, 2, "[/x].wav")
        jobs.fail(session, held, InvalidInput("[/x].wav cannot be read."))
    assert f"{job_id}: [/x].wav cannot be read." in run("jobs", "list").output
    assert run("jobs", "watch", job_id).stdout == "failed. [/x].wav cannot be read.\n"
    (tmp_path / "[red] b.wav").touch()
    assert "[red] b.wav" in run("classify", tmp_path / "[red] b.wav").output
