"""torchaudio beside a CPU-only PyTorch: mended where it is broken for want of CUDA, left alone everywhere else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "mend_torchaudio.py"
BROKEN_WITH_EXTENSION = """
from pathlib import Path
if list((Path(__file__).parent / "lib").glob("_torchaudio*.so")):
    raise OSError("libcudart.so: cannot open shared object file")
"""
TRANSFORMS = "class MelSpectrogram: ...\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Stand-ins for the two packages: a torchaudio that its extension breaks, and a PyTorch without CUDA."""
    (tmp_path / "torchaudio" / "lib").mkdir(parents=True)
    (tmp_path / "torchaudio" / "__init__.py").write_text(f"{BROKEN_WITH_EXTENSION}from . import transforms\n")
    (tmp_path / "torchaudio" / "transforms.py").write_text(TRANSFORMS)
    for name in ("_torchaudio.so", "libtorchaudio.so"):
        (tmp_path / "torchaudio" / "lib" / name).touch()
    pretend_torch(tmp_path, cuda=None)
    return tmp_path


def pretend_torch(site: Path, cuda: str | None) -> None:
    (site / "torch").mkdir(exist_ok=True)
    (site / "torch" / "__init__.py").write_text("from . import version\n")
    (site / "torch" / "version.py").write_text(f"cuda = {cuda!r}\nhip = None\n")


def mend(site: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)


def libraries(site: Path) -> set[str]:
    return {path.name for path in (site / "torchaudio" / "lib").iterdir()}


def test_the_extension_goes_when_it_breaks_the_import_without_cuda(site: Path) -> None:
    done = mend(site)
    assert done.returncode == 0, done.stderr
    assert libraries(site) == {"libtorchaudio.so"}
    assert "torchaudio works" in mend(site).stdout


def test_nothing_is_touched_beside_a_pytorch_with_cuda(site: Path) -> None:
    pretend_torch(site, cuda="13.0")
    done = mend(site)
    assert done.returncode == 1
    assert "not for want of CUDA" in done.stderr
    assert libraries(site) == {"_torchaudio.so", "libtorchaudio.so"}


def test_nothing_is_touched_where_the_import_works(site: Path) -> None:
    (site / "torchaudio" / "__init__.py").write_text("from . import transforms\n")
    assert mend(site).returncode == 0
    assert libraries(site) == {"_torchaudio.so", "libtorchaudio.so"}
