"""The processes that train together: who has which share, and how they agree.

A single process is a world of one, in which all of this does nothing.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self, TypeVar, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from services.trainer.joint_norm import with_joint_norm
from shared.errors import ChiffchaffError

T = TypeVar("T")

LONGEST_WAIT = timedelta(hours=2)
"""How long one process waits for another; whoever started them notices much earlier when one has died."""


def launched() -> tuple[int, int]:
    """Rank and size as torchrun says them in the environment; (0, 1) where it did not start this process."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


class ProcessesDisagree(ChiffchaffError):
    code = "processes-disagree"
    title = "The processes of a training came to different results"


@dataclass(frozen=True)
class World:
    """One process's place among `size` processes, `rank` 0 being the one that reports and writes files."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @classmethod
    @contextmanager
    def joined(cls, device: torch.device, rank: int, size: int, rendezvous: Path | None = None) -> Iterator[Self]:
        """Join the others: by the file `rendezvous`, or as torchrun's variables say. GPUs are numbered by rank."""
        if device.type == "cuda":
            device = torch.device("cuda", rank)
            torch.cuda.set_device(device)
        backend = "nccl" if device.type == "cuda" else "gloo"
        meet = "env://" if rendezvous is None else f"file://{rendezvous}"
        dist.init_process_group(backend, meet, rank=rank, world_size=size, timeout=LONGEST_WAIT)
        yield cls(device, rank, size)
        # Not where an error came out: the others may wait for us, and are ended with us.
        dist.destroy_process_group()

    @property
    def share(self) -> slice:
        """This process's windows of a batch."""
        return slice(self.rank, None, self.size)

    def weight(self, mine: int, batch: int) -> float:
        """What to multiply the mean loss of `mine` windows by, so that the mean over processes is the batch's."""
        return mine * self.size / batch

    def mine(self, items: Sequence[T]) -> Sequence[T]:
        """This process's share of what all have to do."""
        return items[self.share]

    def gather(self, mine: Sequence[T]) -> list[T]:
        """What every process made of its share, in the order of the whole; everywhere the same."""
        if self.size == 1:
            return list(mine)
        parts: list[list[T]] = [[] for _ in range(self.size)]
        dist.all_gather_object(parts, list(mine))
        total = sum(map(len, parts))
        return [parts[index % self.size][index // self.size] for index in range(total)]

    def mean(self, value: torch.Tensor) -> float:
        """The mean of a number over the processes."""
        if self.size == 1:
            return value.item()
        total = value.detach().clone()
        dist.all_reduce(total)
        return total.item() / self.size

    def prepare(self, network: nn.Module) -> nn.Module:
        """The network, with batch statistics of all processes. The parameters stay the same objects."""
        return with_joint_norm(network, self.device) if self.size > 1 else network

    def connect(self, network: nn.Module) -> nn.Module:
        """What to call in training: the gradients of all parameters that are free now become the processes' mean."""
        if self.size == 1:
            return network
        devices = [self.device] if self.device.type == "cuda" else None
        # Joint statistics are the same everywhere, so there are no buffers to send.
        return DistributedDataParallel(network, device_ids=devices, forward_sync_buffers=False)

    def first(self, work: Callable[[], T]) -> T:
        """Let the first process do what must be done once; all get the result."""
        if self.size == 1:
            return work()
        results = [work() if self.rank == 0 else None]
        dist.broadcast_object_list(results, src=0)
        return cast(T, results[0])

    def require_same(self, result: str) -> None:
        """Raise ProcessesDisagree unless all have the same: a fault of the program or of a GPU would stand out here."""
        if len(set(self.gather([result]))) > 1:
            raise ProcessesDisagree(
                "The processes do not have the same weights at the end of a network's training.",
                hint="Train with processes set to 1, and check the GPUs' memory for errors.",
            )
