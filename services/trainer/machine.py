"""What the training machine offers: devices, processes and number formats."""

import os
from pathlib import Path
from typing import Literal

import torch

from services.trainer.config import TrainingConfig
from shared.errors import InvalidInput

LEAST_SHARE = 8
"""Windows of a batch that are worth a GPU of their own: with fewer, the processes mostly wait for each other."""

Precision = Literal["float32", "bfloat16", "float16"]


def pick_device(config: TrainingConfig) -> torch.device:
    """The configured device; `auto` is the GPU, else the CPU."""
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(config.device)


def process_count(config: TrainingConfig) -> int:
    """How many processes train. `auto`: one for each GPU, as long as each has work; one on the CPU.

    Raises InvalidInput when there are fewer GPUs than processes asked for.
    """
    device = pick_device(config)
    gpus = torch.cuda.device_count() if device == torch.device("cuda") else 1
    if config.processes == "auto":
        return max(1, min(gpus, config.batch_size // LEAST_SHARE))
    if device.type == "cuda" and config.processes > gpus:
        raise InvalidInput(
            f"{config.processes} processes need as many GPUs; device {config.device!r} has {gpus}.",
            hint="Lower processes, or let it and device be auto.",
        )
    return config.processes


def precision_of(config: TrainingConfig, device: torch.device) -> Precision:
    """The configured number format; `auto` is the smallest that the hardware multiplies faster than float32."""
    if config.precision != "auto":
        return config.precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return "bfloat16" if _cpu_multiplies_bfloat16() else "float32"


def mixed_precision(config: TrainingConfig, device: torch.device) -> torch.autocast:
    """Autocast to what `precision_of` says; for float32 it does nothing."""
    precision = precision_of(config, device)
    dtype = torch.float16 if precision == "float16" else torch.bfloat16
    return torch.autocast(device.type, dtype, enabled=precision != "float32")


def compute_repeatably(device: torch.device) -> None:
    """Make a GPU add in the same order each time, so that one seed gives one result; the CPU does so anyway.

    For the whole process, and to be called before its first work on the GPU. What has no such way only warns.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)


def _cpu_multiplies_bfloat16() -> bool:
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text(encoding="utf-8") if cpu.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
