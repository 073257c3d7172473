"""`python -m services.standalone.children NAME`: the processes of the embedded stack.

web      all APIs on the socket that the supervisor bound
relay    rings doorbells, takes jobs back from dead workers
general  ingests and prepares recordings, in one process more than prepare at best: an import mostly waits for the disk
trainer  trains, one at a time, with low priority
analyst  hears the recordings of analyses, with low priority: who asks POST /classify waits for the answer

Each imports what it runs and nothing else: five processes start side by side, and a start is to take seconds.
"""

import os
import signal
import socket
import sys
import threading

from shared.settings import Settings

NICENESS = 5
"""Of what computes for long while somebody may wait for something short."""
GRACE_SECONDS = 20.0


def web(settings: Settings, listener: int) -> None:
    import uvicorn

    from services.inference.api import API as INFERENCE
    from services.ingest.api import API as INGEST
    from services.trainer.api import API as TRAINER
    from shared.http.app import build_app
    from shared.http.server import GuardedHttp

    app = build_app(settings, [INGEST, TRAINER, INFERENCE])
    config = uvicorn.Config(
        app,
        http=GuardedHttp,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listener)])


def general(settings: Settings) -> None:
    from services.ingest.tasks import WORKER as INGEST
    from services.preprocess.tasks import WORKER as PREPROCESS
    from shared.worker import run_worker

    preparing = settings.worker_concurrency or settings.cores
    run_worker(settings, "general", [INGEST, PREPROCESS], concurrency=preparing + 1)


def trainer(settings: Settings) -> None:
    from services.trainer.tasks import WORKER as TRAINER
    from shared.worker import run_worker

    os.nice(NICENESS)
    run_worker(settings, "trainer", [TRAINER], concurrency=1)


def analyst(settings: Settings) -> None:
    from services.inference.tasks import WORKER as INFERENCE
    from shared.worker import run_worker

    os.nice(NICENESS)
    run_worker(settings, "inference", [INFERENCE], concurrency=settings.analysis_processes or settings.cores)


def end_with_parent() -> None:
    """Stops this process when the supervisor is gone, however it went: its end of our standard input closes."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def main() -> None:
    settings = Settings()
    end_with_parent()
    match sys.argv[1:]:
        case ["web", listener]:
            web(settings, int(listener))
        case ["relay"]:
            from shared import relay

            relay.main()
        case ["general"]:
            general(settings)
        case ["trainer"]:
            trainer(settings)
        case ["analyst"]:
            analyst(settings)
        case other:
            sys.exit(f"no such child: {other}")


if __name__ == "__main__":
    main()
