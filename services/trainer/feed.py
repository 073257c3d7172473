"""What a network is fed with: augmented pictures on the training device, from batches that are read ahead."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from services.trainer.augment import augment_pictures, augment_sound
from services.trainer.config import TrainingConfig
from services.trainer.data import ALL, Batch, Batches
from services.trainer.prefetch import prefetched
from shared.audio.frontend import FrontEnd
from shared.audio.wav import FULL_SCALE


@dataclass(frozen=True)
class Tensors:
    """A batch, or this process's share of it, as tensors of the same meaning; a GPU fetches them by itself."""

    windows: Tensor
    targets: Tensor
    noise: Tensor
    same: Tensor
    of: int
    """Windows in the whole batch."""


class Feed:
    """The batches of `data` for a network on `device`; where several processes train, `share` is one's own part."""

    def __init__(
        self,
        data: Batches,
        front_end: FrontEnd,
        config: TrainingConfig,
        device: torch.device,
        share: slice = ALL,
    ) -> None:
        self._data, self._front_end, self._config, self._device = data, front_end, config, device
        self._share = share

    def batches(self, seed: Sequence[int]) -> Generator[Tensors, None, None]:
        """One epoch, in memory and still to be made into pictures; the same for the same `seed`."""
        makers = (partial(self._tensors, make) for make in self._data.makers(seed, self._share))
        if self._config.prefetch:
            yield from prefetched(makers, self._config.prefetch)
        else:
            yield from (make() for make in makers)

    def _tensors(self, make: Callable[[], Batch]) -> Tensors:
        batch = make()
        arrays = batch.windows, batch.targets, batch.noise, batch.same
        tensors = [torch.from_numpy(array) for array in arrays]
        if self._device.type == "cuda":
            with torch.cuda.device(self._device):
                tensors = [tensor.pin_memory() for tensor in tensors]
        windows, targets, noise, same = tensors
        return Tensors(windows, targets, noise, same, of=batch.of)

    @torch.no_grad()
    def pictures(self, batch: Tensors, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pictures, (batch, 1, n_mels, frames), and targets, (batch, classes); `generator` draws what is changed."""
        windows, targets, noise, same = (
            tensor.to(self._device, non_blocking=True)
            for tensor in (batch.windows, batch.targets, batch.noise, batch.same)
        )
        augment = self._config.augment
        if self._config.pictures == "precomputed":
            pictures, noise = windows.float().unsqueeze(1), noise.float().unsqueeze(1)
        else:
            sound, background, others = (each.float() / FULL_SCALE for each in (windows, noise, same))
            sound, targets = augment_sound(
                sound, targets, background, others, augment, self._config.picture.sample_rate, generator
            )
            pictures = self._front_end(sound)
            noise = self._front_end(background) if augment.picture_noise and len(background) else background
        return augment_pictures(pictures, noise, augment, generator), targets
