"""How long the whole way takes on this machine: start, ingestion, training, one classify. Prints a table.

    .venv/bin/python -m bench.whole_way ../shared/data            # some ten minutes on two cores
    .venv/bin/python -m bench.whole_way FOLDER --epochs 5         # FOLDER holds manifest.csv, with a set `garden20`

Runs an embedded stack of its own on a free port and a temporary data directory, by REST alone, as a user would.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.results import write_results
from tests.support.stack import Stack

CLASSIFY_TIMES = 20


def measure(data: Path, epochs: int | None) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="chiffchaff-bench-") as folder:
        stack = Stack(Path(folder) / "data")
        try:
            figures["first_start_s"] = _timed(stack.start)
            stack.interrupt()
            figures["second_start_s"] = _timed(stack.start)
            source = {"source": "manifest", "path": str(data / "manifest.csv"), "select": {"set": ["garden20"]}}
            began = time.perf_counter()
            done = stack.ended(stack.send("POST", "/ingestions", json=source).headers["location"], seconds=3600)
            figures["ingest_191_files_s"] = round(time.perf_counter() - began, 1)
            figures["recordings_prepared"] = done["counts"]["prepared"]
            figures["recordings_unusable"] = done["counts"]["unusable"] + done["counts"]["refused"]
            figures["recordings_without_slices"] = sum(
                not stack.get(f"/recordings/{one['id']}")["slices"] for one in _recordings(stack)
            )
            clip = min((data / "garden20").glob("*.mp3")).read_bytes()
            times = [_timed(lambda: stack.send("POST", "/classify", content=clip)) for _ in range(CLASSIFY_TIMES)]
            figures["classify_median_ms"] = round(1000 * statistics.median(times))
            if epochs != 0:
                config = {"folds": 0} | ({"epochs": epochs} if epochs else {})
                began = time.perf_counter()
                response = stack.send("POST", "/trainings", json={"name": "bench", "config": config})
                training = stack.ended(response.headers["location"], seconds=7200)
                figures["training_s"] = round(time.perf_counter() - began, 1)
                figures["training_epochs"] = len(training["epochs"])
                stack.send("PUT", "/models/active", json=training["model"]).raise_for_status()
                answer = stack.send("POST", "/classify", content=clip).json()
                figures["answered_by"] = f"{answer['model']['name']} {answer['model']['version']}"
        finally:
            stack.interrupt()
    return figures


def _recordings(stack: Stack) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        page = stack.get("/recordings", limit=200, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def _timed(action: Any) -> float:
    began = time.perf_counter()
    action()
    return round(time.perf_counter() - began, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=None, help="epochs of the training; 0 leaves it out")
    arguments = parser.parse_args()
    figures = measure(arguments.data.resolve(), arguments.epochs)
    for name, value in figures.items():
        print(f"{name:>28}  {value}")
    write_results("whole_way", figures)


if __name__ == "__main__":
    main()
