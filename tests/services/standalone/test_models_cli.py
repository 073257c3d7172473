"""`chiffchaff models`, against an API that answers on a port."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chiffchaff_client import NotThere
from services.inference.api import API
from services.standalone.cli import app
from shared.model_file import read_manifest
from tests.services.inference.conftest import prepare, ship_model
from tests.support.serving import serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = prepare(tmp_path_factory.mktemp("served"))
    ship_model(settings.models_dir)
    with serving(settings, API) as address:
        yield address


def test_a_model_is_downloaded_with_everything_that_it_has(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "pitches"
    done = CliRunner().invoke(app, ["models", "download", "pitches", "1", str(folder), "--server", url])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in folder.iterdir()) == ["card.md", "model.onnx", "model.pt"]
    assert read_manifest(folder / "model.pt").name == "pitches"
    assert (folder / "model.onnx").read_bytes() == b"onnx of pitches"


def test_a_model_that_is_not_there_leaves_no_folder(url: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["models", "download", "pitches", "7", str(tmp_path / "none"), "--server", url])
    assert isinstance(done.exception, NotThere)
    assert "no model pitches with version 7" in str(done.exception)
    assert not (tmp_path / "none").exists()
