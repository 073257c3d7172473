"""The inference worker: hears the recordings of analyses.

torch and the model are loaded by the first recording, in the process that hears it: no tensor crosses the fork.
"""

from services.inference.analyses.listing import ANALYSE, analyse
from services.inference.analyses.parts import HEAR, hear
from services.inference.analyses.removing import REMOVE, remove
from shared.settings import Settings
from shared.worker import Worker, run_worker

WORKER = Worker(queue="inference", handlers={ANALYSE: analyse, HEAR: hear, REMOVE: remove})


def main() -> None:
    settings = Settings()
    run_worker(settings, "inference", [WORKER], concurrency=settings.analysis_processes or settings.cores)


if __name__ == "__main__":
    main()
