"""`chiffchaff keys` against an API that answers on a port."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from services.ingest.api import API
from services.standalone.cli import app, main
from shared.settings import Settings
from tests.support.serving import furnished, serving

MASTER = "a-key-that-is-long-enough"


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    with serving(furnished(settings), API) as address:
        yield address


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of an API that asks for keys; the command line has one that may do everything."""
    monkeypatch.setenv("CHIFFCHAFF_API_KEY", MASTER)
    monkeypatch.setenv("COLUMNS", "200")
    with running(Settings.model_validate({"data_dir": tmp_path, "api_keys": MASTER})) as address:
        yield address


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def works(url: str, key: str) -> bool:
    return httpx.get(f"{url}/ingestions", headers={"X-API-Key": key}).status_code == httpx.codes.OK


def test_a_key_is_made_listed_and_revoked(url: str) -> None:
    create = ["keys", "create", "recorder-3", "--scope", "classify", "--scope", "ingest", "--expires", "90d"]
    key = said(*create, "--server", url).strip()
    assert key.startswith("cc_")
    assert works(url, key)
    listed = said("keys", "list", "--server", url)
    assert all(words in listed for words in ("recorder-3", key[:10], "classify, ingest", "20"))
    assert key not in listed
    assert said("keys", "revoke", "recorder-3", "--server", url) == "recorder-3 is revoked.\n"
    assert not works(url, key)
    assert "recorder-3" not in said("keys", "list", "--server", url)
    assert "revoked" in said("keys", "list", "--all", "--server", url)


def test_the_command_line_waits_where_it_asked_too_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"api_keys": MASTER, "rate_per_minute": 60, "rate_burst": 1}
    with running(Settings.model_validate({"data_dir": tmp_path, **limits})) as url:
        monkeypatch.setenv("CHIFFCHAFF_API_KEY", MASTER)
        for _ in range(2):
            said("jobs", "list", "--server", url)


def test_the_key_may_be_given_as_an_option_too(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFCHAFF_API_KEY", "")
    assert "last used" in said("--key", MASTER, "keys", "list", "--server", url)


@pytest.mark.parametrize(
    ("key", "arguments", "words"),
    [
        ("wrong", ["jobs", "list"], "asks for an API key.*CHIFFCHAFF_API_KEY or --key"),
        (MASTER, ["keys", "revoke", "nobody"], "No key that works is called nobody"),
        (MASTER, ["keys", "create", "x", "--scope", "train", "--expires", "soon"], "Such as 12h, 90d or 8w"),
        (MASTER, ["keys", "create", "x", "--scope", "birds"], "scopes"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: str,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.setenv("CHIFFCHAFF_API_KEY", key)
    monkeypatch.setattr(sys, "argv", ["chiffchaff", *arguments, "--server", url])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert re.search(words, " ".join(capsys.readouterr().err.split()))
