"""Too little memory: said before the training where it can be foreseen, and in words where it cannot."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from services.trainer.config import TrainingConfig
from shared.errors import ChiffchaffError

COPIES = 4
"""Of the weights, beside themselves: gradients, two moments of the optimiser, their running mean."""
_SAYINGS = ("can't allocate memory", "not enough memory", "out of memory", "STATUS_ALLOC_FAILED")
"""How torch, CUDA, cuBLAS and cuDNN put it."""


class TooLittleMemory(ChiffchaffError):
    code = "too-little-memory"
    status = 422
    title = "The training needs more memory than there is"


@contextmanager
def memory_explained(config: TrainingConfig) -> Iterator[None]:
    """Turn what is raised for want of memory into TooLittleMemory, which says what to change."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not any(s in str(error) for s in _SAYINGS):
            raise
        raise TooLittleMemory(
            f"The memory was not enough for batches of {config.batch_size} windows with the network "
            f"{config.network}: {str(error).splitlines()[0] if str(error) else type(error).__name__}.",
            hint=_advice(config),
        ) from error


def require_memory(
    network: nn.Module, pictures: Tensor, autocast: torch.autocast, config: TrainingConfig, processes: int
) -> None:
    """Raise TooLittleMemory when a batch, shared by so many processes, cannot fit.

    `pictures` (2, 1, n_mels, frames) are tried with a copy of the network, on its device. What a step needs beyond
    what it keeps for the gradients is not counted: the estimate is low rather than high.
    """
    free = free_bytes(pictures.device)
    if free is None:
        return
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    window = kept_bytes(copy.deepcopy(network).train(), pictures, autocast) // len(pictures)
    fixed = COPIES * weights
    if pictures.device.type == "cuda":
        window = -(-window // processes)  # each has a GPU of its own
    else:
        fixed *= processes
    needed = fixed + window * config.batch_size
    if needed > free:
        fits = max(0, (free - fixed) // max(1, window))
        raise TooLittleMemory(
            f"Batches of {config.batch_size} windows with the network {config.network} need at least "
            f"{needed / 1e9:,.1f} GB; {free / 1e9:,.1f} GB are free.",
            hint=f"A batch_size of {fits:,} might just fit. {_advice(config)}" if fits >= 2 else _advice(config),
        )


def kept_bytes(network: nn.Module, pictures: Tensor, autocast: torch.autocast) -> int:
    """Bytes of what a forward pass keeps for the gradients, weights not counted."""
    own = {p.untyped_storage().data_ptr() for p in (*network.parameters(), *network.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    devices = [pictures.device] if pictures.device.type == "cuda" else []
    with torch.random.fork_rng(devices), saved_tensors_hooks(note, lambda tensor: tensor), autocast:
        _logits = network(pictures)  # held, so that what is kept stays where it is until it is counted
    return sum(size for place, size in kept.items() if place not in own)


def free_bytes(device: torch.device) -> int | None:
    """Memory that is free on the device; `None` where nobody says. On the CPU a container's limit counts as well."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    found = []
    if available := _figure(Path("/proc/meminfo"), "MemAvailable:"):
        found.append(available * 1024)
    limit = Path("/sys/fs/cgroup/memory.max")
    used = _figure(Path("/sys/fs/cgroup/memory.stat"), "anon")
    if used is not None and limit.exists() and (most := limit.read_text(encoding="ascii").strip()).isdigit():
        found.append(max(0, int(most) - used))
    return min(found, default=None)


def _figure(path: Path, name: str) -> int | None:
    """The number after a name at the beginning of a line."""
    if not path.exists():
        return None
    lines = (line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines())
    return next((int(words[1]) for words in lines if words[:1] == [name]), None)


def _advice(config: TrainingConfig) -> str:
    ways = ["Lower batch_size"]
    if config.precision in ("auto", "float32"):
        ways.append("set precision to bfloat16")
    return f"{', '.join(ways)}, or take a smaller network."
