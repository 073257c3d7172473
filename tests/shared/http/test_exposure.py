"""Where other machines get in there is a key, or there is no service."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.db.access import ApiKey
from shared.db.engine import sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.http.exposure import Exposed
from shared.keys import digest
from shared.settings import Settings
from tests.shared.http.conftest import Serve

EVERYWHERE = "0.0.0.0"  # noqa: S104
KEY = "a-key-that-is-long-enough"


def give_out(settings: Settings) -> None:
    engine = sync_engine(settings)
    migrate(engine)
    with sync_sessions(engine).begin() as session:
        session.add(ApiKey(name="me", sha256=digest("cc_" + "x" * 43), prefix="cc_", scopes=["admin"]))
    engine.dispose()


async def test_a_service_open_to_all_does_not_start_and_says_what_to_do(serve: Serve) -> None:
    with pytest.raises(Exposed, match=r"reach this service at 0\.0\.0\.0, and no API key .*CHIFFCHAFF_API_KEYS"):
        async with serve(host=EVERYWHERE):
            pass
    with pytest.raises(Exposed, match=r"192\.168\.1\.7"):
        async with serve(published_host="192.168.1.7"):
            pass


async def test_it_starts_with_a_key_from_the_settings_or_the_database_or_where_told_to(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve(host=EVERYWHERE, api_keys=KEY) as api:
        assert (await api.get("/nests")).status_code == 401
    async with serve(host=EVERYWHERE, allow_anonymous=True) as api:
        assert (await api.get("/nests")).status_code == 200
    give_out(Settings(data_dir=tmp_path))
    async with serve(host=EVERYWHERE) as api:
        assert (await api.get("/nests")).status_code == 401


async def test_to_allow_strangers_takes_no_key_away(serve: Serve) -> None:
    async with serve(host=EVERYWHERE, allow_anonymous=True, api_keys=KEY) as api:
        assert (await api.get("/nests")).status_code == 401


async def test_on_loopback_or_published_there_no_key_is_needed(serve: Serve) -> None:
    async with serve() as api:
        assert (await api.get("/nests")).status_code == 200
    async with serve(host=EVERYWHERE, published_host="127.0.0.1", base_url="http://172.18.0.5:8000") as api:
        assert (await api.get("/nests")).status_code == 200


async def test_a_request_that_arrives_at_an_address_of_the_network_needs_a_key_whatever_the_settings(
    serve: Serve,
) -> None:
    async with serve(base_url="http://192.168.1.7:8000") as api:
        assert (await api.get("/nests")).status_code == 401
    async with serve(base_url="http://127.0.0.1:8000") as api:
        assert (await api.get("/nests")).status_code == 200


def test_before_the_containers_start_it_is_looked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "shared.http.exposure"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    monkeypatch.setenv("CHIFFCHAFF_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CHIFFCHAFF_PUBLISHED_HOST", "127.0.0.1")
    monkeypatch.setenv("CHIFFCHAFF_HOST", EVERYWHERE)
    assert looked().returncode == 0
    monkeypatch.setenv("CHIFFCHAFF_PUBLISHED_HOST", EVERYWHERE)
    refused = looked()
    assert refused.returncode == 1
    assert refused.stderr.startswith("Other machines can reach this service at 0.0.0.0")
    give_out(Settings(data_dir=tmp_path))
    assert looked().returncode == 0


def test_the_embedded_stack_refuses_before_it_starts_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFCHAFF_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CHIFFCHAFF_HOST", EVERYWHERE)
    monkeypatch.setenv("CHIFFCHAFF_PORT", "0")
    command = [sys.executable, "-m", "services.standalone.cli", "serve"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert "no API key protects it" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
