"""What every service answers to whatever its own description lets one send, and to what it forbids.

`CHIFFCHAFF_FUZZ_EXAMPLES=200` sends so many of each request, through all phases and to both databases.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings
from tests.conftest import new_database
from tests.openapi.conftest import KEY, SERVICES, served

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("CHIFFCHAFF_FUZZ_EXAMPLES", "0"))
LONG = EXAMPLES > 0
SECONDS = 20_000 if LONG else 600
COSTLY = r"^/(attributions|recordings/count|species)$|\.png$"
"""What is sent to GET /recordings, hundreds of requests, would be sent to these again, and pictures take a second."""
DATABASES = ["sqlite", "postgresql"] if LONG else ["sqlite"]

pytestmark = pytest.mark.timeout(SECONDS + 60)


@pytest.fixture(params=DATABASES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    values: dict[str, Any] = {name: tmp_path / name for name in ("data", "models", "library")}
    for directory in values.values():
        directory.mkdir()
    if request.param == "postgresql":
        values["database_url"] = new_database(request.getfixturevalue("postgres"))
    values = {f"{name}_dir" if isinstance(value, Path) else name: value for name, value in values.items()}
    return Settings.model_validate({**values, "torch_threads": 1, "api_keys": KEY, "rate_per_minute": 0})


def send_everything(url: str, *phases: str, examples: int, more: Sequence[str] = ()) -> None:
    """Runs schemathesis; what it found stands in the failure, with a command that repeats it."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *(
            "run",
            f"{url}/openapi.json",
            "--no-color",
            "--header",
            f"Authorization: Bearer {KEY}",
            "--phases",
            ",".join(phases),
        ),
        *("--max-examples", str(EXAMPLES or examples)),
        *more,
    ]
    root = HERE.parent.parent
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert told.returncode == 0, told.stdout[-20_000:] + told.stderr[-2_000:]


@pytest.mark.parametrize("service", ["ingest", "trainer", "inference"])
def test_a_service_keeps_to_its_description_whatever_is_sent(service: str, settings: Settings) -> None:
    with served(SERVICES[service], settings) as url:
        if LONG or service != "ingest":
            send_everything(url, "examples", "coverage", "fuzzing", examples=3)
            return
        send_everything(url, "examples", "coverage", examples=3, more=["--exclude-path-regex", COSTLY])
        send_everything(url, "fuzzing", examples=3)


def test_what_one_answer_names_can_be_asked_for_next(settings: Settings) -> None:
    phases = ("coverage", "fuzzing", "stateful") if LONG else ("stateful",)
    with served(SERVICES["embedded"], settings) as url:
        send_everything(url, *phases, examples=15)
