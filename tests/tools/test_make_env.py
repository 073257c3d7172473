"""The secrets of the container stack: made once, never the same, never overwritten."""

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "make_env.py"


def make_env(target: Path) -> str:
    done = subprocess.run([sys.executable, str(SCRIPT), str(target)], capture_output=True, text=True, check=True)
    return done.stdout


def passwords(target: Path) -> list[str]:
    return re.findall(r"^\w+_PASSWORD=(.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_password_is_long_random_and_fit_for_a_url(tmp_path: Path) -> None:
    make_env(tmp_path / "one")
    make_env(tmp_path / "two")
    made = passwords(tmp_path / "one") + passwords(tmp_path / "two")
    assert len(made) == len(set(made)) == 4
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in made)


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    make_env(tmp_path / ".env")
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / ".env"
    target.write_text("POSTGRES_PASSWORD=mine\n")
    assert "stays as it is" in make_env(target)
    assert target.read_text() == "POSTGRES_PASSWORD=mine\n"
