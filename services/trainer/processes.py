"""Several processes for one training, started and watched by the one that wants it trained.

That one does not train itself: it stays free to stop the others at any moment, outlives whatever befalls them, and
never holds a GPU.
"""

import multiprocessing
import os
import pickle
import signal
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Thread

import torch

from services.trainer.fit import Report, ShouldStop
from services.trainer.progress import Progress
from services.trainer.publish import TrainedModel
from services.trainer.world import World
from shared.errors import ChiffchaffError, TransientError

Work = Callable[[World, Report, ShouldStop], TrainedModel]

CHECK_SECONDS = 0.4
GRACE_SECONDS = 5.0
"""When one fails, the others soon fail for want of it; so long is waited to hear whose reason is the real one."""


class ProcessLost(TransientError):
    code = "training-process-lost"
    title = "A process of the training ended without a word"


@dataclass
class _Member:
    process: SpawnProcess
    messages: Connection


def in_processes(count: int, device: torch.device, work: Work, report: Report, should_stop: ShouldStop) -> TrainedModel:
    """Run `work` in `count` processes and return what the first one returned; `work` must be picklable.

    `report` and `should_stop` are called here. Whatever they raise ends the processes at once, which does no harm:
    files are written whole or not at all. Raises what the processes raised, or ProcessLost.
    """
    context = multiprocessing.get_context("spawn")
    members: list[_Member] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for rank in range(count):
                receiver, sender = context.Pipe(duplex=False)
                arguments = (device, rank, count, Path(folder) / "rendezvous", work, sender)
                # No daemons: these may not start the processes that decode recordings.
                process = context.Process(target=_member, args=arguments, name=f"training {rank}")
                process.start()
                sender.close()
                members.append(_Member(process, receiver))
            return _follow(members, report, should_stop)
        finally:
            for member in members:
                member.process.kill()
                member.process.join()
                member.messages.close()


def _follow(members: list[_Member], report: Report, should_stop: ShouldStop) -> TrainedModel:
    trained: TrainedModel | None = None
    pipes = {member.messages: member for member in members}
    while pipes:
        should_stop()
        for pipe in wait(list(pipes), CHECK_SECONDS):
            assert isinstance(pipe, Connection)  # noqa: S101 (it is one of ours)
            match _receive(pipes[pipe]):
                case Progress() as progress:
                    report(progress)
                case TrainedModel() as trained:
                    pass
                case Exception() as error:
                    raise _cause(error, [member for other, member in pipes.items() if other is not pipe])
                case None:
                    del pipes[pipe]
    if trained is None:
        raise ProcessLost("The processes of the training ended without a result.")
    return trained


def _receive(member: _Member) -> Progress | TrainedModel | Exception | None:
    """The next message; `None` when the process has ended as it should."""
    try:
        message: Progress | TrainedModel | Exception = member.messages.recv()
        return message
    except EOFError:
        member.process.join()
        if not (status := member.process.exitcode):
            return None
        return ProcessLost(
            f"The process {member.process.name} ended with exit status {status}.",
            hint="If it was killed (-9), memory may have been short: lower batch_size or processes.",
        )


def _cause(first: Exception, others: list[_Member]) -> Exception:
    """Of all that went wrong at about the same time, what a person can do something about."""
    errors = [first]
    for member in others:
        with suppress(EOFError):
            while member.messages.poll(GRACE_SECONDS):
                if isinstance(message := member.messages.recv(), Exception):
                    errors.append(message)
    said = [error for error in errors if isinstance(error, ChiffchaffError | OSError)]
    return next(iter([*said, *errors]))


def _member(device: torch.device, rank: int, size: int, rendezvous: Path, work: Work, messages: Connection) -> None:
    """A process's life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started us, and ends us
    _end_with_parent()
    # All are on this machine: nobody else needs to hear them, and its name need not be one that the network knows.
    if Path("/sys/class/net/lo").exists():
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
    report: Report = messages.send if rank == 0 else _nobody
    try:
        with World.joined(device, rank, size, rendezvous) as world:
            trained = work(world, report, _never)
        if rank == 0:
            messages.send(trained)
    except Exception as error:
        messages.send(_portable(error))


def _nobody(progress: Progress) -> None:
    """Who hears the others' reports: they are the same as the first one's."""


def _never() -> None:
    """When to stop: who started us ends us."""


def _portable(error: Exception) -> Exception:
    """The error as it can be sent, with where it came from."""
    where = "".join(traceback.format_exception(error))
    try:
        error.add_note(where)
        pickle.loads(pickle.dumps(error))  # noqa: S301 (our own)
    except Exception:
        return RuntimeError(where)
    return error


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 (we have been started by one)
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    Thread(target=watch, name="parent", daemon=True).start()
