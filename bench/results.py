"""Where figures go: bench/results/NAME.json, with what they were measured on."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
LIBRARIES = ("numpy", "scipy", "soundfile", "soxr", "librosa", "torch")


def write_results(name: str, figures: Mapping[str, Any]) -> Path:
    """Write bench/results/NAME.json, not committed, and give its path."""
    measured_on = {
        "machine": processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {library: version(library) for library in LIBRARIES},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(measured_on | dict(figures), indent=2) + "\n")
    return path


def processor() -> str:
    """The processor's name, as Linux knows it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
