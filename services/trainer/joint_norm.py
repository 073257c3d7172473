"""Batch normalisation over the windows of all processes, so that sharing a batch changes nothing.

On GPUs this is torch's SyncBatchNorm; torch has none for the CPU, so for that one there is `JointBatchNorm`.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def with_joint_norm(network: nn.Module, device: torch.device) -> nn.Module:
    """`network` with every batch normalisation exchanged; names, parameters and buffers stay what they are."""
    if device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    if isinstance(network, _BatchNorm):
        return JointBatchNorm.like(network)
    for name, child in network.named_children():
        network.add_module(name, with_joint_norm(child, device))
    return network


class JointBatchNorm(_BatchNorm):
    """(batch, channels, ...) -> the same shape; mean and variance are those of all processes (Ioffe, Szegedy 2015)."""

    @classmethod
    def like(cls, norm: _BatchNorm) -> "JointBatchNorm":
        made = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        made._parameters, made._buffers, made.training = norm._parameters, norm._buffers, norm.training
        return made

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected a batch of channels, got {input.dim()} dimensions")

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        across = [0, *range(2, input.dim())]
        shape = [1, -1, *(1 for _ in across[1:])]
        values = input.float()
        count = values.new_tensor([input.numel() / input.shape[1]])
        sums = _sum_over_processes(torch.cat([values.sum(across), count]))
        total = sums[-1].detach()
        mean = sums[:-1] / total
        centred = values - mean.view(shape)
        variance = _sum_over_processes(centred.square().sum(across)) / total
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                self.num_batches_tracked += 1
                weight = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
                self.running_mean.lerp_(mean, weight)
                self.running_var.lerp_(variance * total / (total - 1), weight)
        normal = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(input.dtype)


class _Sum(torch.autograd.Function):
    """Each process gets the sum of all; so the gradient of each one's part is the sum of all gradients."""

    @staticmethod
    def forward(ctx: object, mine: Tensor) -> Tensor:
        total = mine.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


def _sum_over_processes(mine: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(mine)  # type: ignore[no-untyped-call]
    return total
