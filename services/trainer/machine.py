"""What the training machine offers: device and number format."""

from pathlib import Path

import torch

from services.trainer.config import TrainingConfig


def pick_device(config: TrainingConfig) -> torch.device:
    """The configured device; `auto` is the first GPU, else the CPU."""
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(config.device)


def mixed_precision(config: TrainingConfig, device: torch.device) -> torch.autocast:
    """Autocast to bfloat16 where it is asked for, or where the hardware multiplies it faster than float32."""
    if config.precision == "auto":
        enabled = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_multiplies_bfloat16()
    else:
        enabled = config.precision == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _cpu_multiplies_bfloat16() -> bool:
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text(encoding="utf-8") if cpu.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
