"""`torchrun --nproc-per-node N -m services.trainer`: a training without database and queue, in processes of torchrun's.

Nobody needs it to use several GPUs of one machine: the worker starts a process for each by itself.
"""

import argparse
from pathlib import Path

from services.trainer.config import TrainingConfig
from services.trainer.fit import Order
from services.trainer.frozen_dataset import read_dataset
from services.trainer.machine import pick_device
from services.trainer.plan import check
from services.trainer.progress import Progress
from services.trainer.train import carry_out
from services.trainer.world import World, launched
from shared.log import configure_logging, get_logger
from shared.settings import Settings

logger = get_logger(__name__)


def _report(progress: Progress) -> None:
    figures = {"loss": progress.train_loss, "right": progress.val_top1} if progress.epoch else {}
    logger.info(progress.message, done=round(progress.fraction, 3), **figures)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.trainer", description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, help="a frozen dataset")
    parser.add_argument("--config", type=Path, required=True, help="the configuration, as JSON")
    parser.add_argument("--storage", type=Path, required=True, help="folder with the prepared recordings by key")
    parser.add_argument("--work-dir", type=Path, required=True, help="gets the model, its card and the checkpoints")
    parser.add_argument("--start-from", type=Path, help="a model file, or the best.pt of another work folder")
    given = parser.parse_args()
    configure_logging(Settings())
    config = TrainingConfig.model_validate_json(given.config.read_bytes())
    dataset = read_dataset(given.dataset)
    check(dataset, config)
    given.work_dir.mkdir(parents=True, exist_ok=True)
    board = given.work_dir / "tensorboard"
    order = Order(dataset, config, given.storage.joinpath, given.work_dir, given.start_from, board)
    rank, size = launched()
    report = _report if rank == 0 else lambda progress: None
    if size == 1:
        carry_out(order, World(pick_device(config)), report, lambda: None)
        return
    with World.joined(pick_device(config), rank, size) as world:
        carry_out(order, world, report, lambda: None)


if __name__ == "__main__":
    main()
