"""The figures of a network's training for TensorBoard, epoch by epoch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.trainer.progress import Progress

_FIGURES = {
    "loss/training": "train_loss",
    "loss/held out": "val_loss",
    "loss/kept aside": "selection_loss",
    "first place right/held out": "val_top1",
    "learning rate": "learning_rate",
    "waiting for data": "waiting",
    "seconds per epoch": "seconds",
}


@contextmanager
def board(folder: Path | None, epochs_done: int) -> Iterator[Callable[[Progress], None]]:
    """What writes an epoch into `folder`; where that is `None`, it writes nothing.

    After a restart the points from the last of `epochs_done` on give way to what is written now, that one again.
    """
    if folder is None:
        yield lambda epoch: None
        return
    # Only who writes waits for its import.
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder), purge_step=epochs_done or None)

    def write(epoch: Progress) -> None:
        for name, field in _FIGURES.items():
            if (value := getattr(epoch, field)) is not None:
                writer.add_scalar(name, value, epoch.epoch)
        writer.flush()

    try:
        yield write
    finally:
        writer.close()
