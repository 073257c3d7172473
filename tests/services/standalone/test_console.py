"""What every command shares."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from chiffchaff_client import Training
from chiffchaff_client.jobs import Job, Progress
from chiffchaff_client.trainings import Epoch
from services.standalone.cli.console import id_column
from services.standalone.cli.train import training_step

ID = "90011c6cf5d346c99ad27f08591c6f2a"


@pytest.mark.parametrize("width", [80, 120])
def test_an_id_stays_whole_in_a_narrow_window_and_nothing_is_cut_off(width: int) -> None:
    table = Table(id_column(), "species", "quality", "length", "origin")
    table.add_row(ID, "Fringilla coelebs", "A", "0:08", "A. Birder, CC BY-NC-SA 4.0")
    shown = io.StringIO()
    Console(file=shown, width=width).print(table)
    assert ID in shown.getvalue()
    assert {"Fringilla", "coelebs", "Birder,", "BY-NC-SA", "4.0"} <= set(shown.getvalue().split())


def test_a_training_s_bar_shows_how_well_its_last_epoch_went() -> None:
    def shown(message: str, *epochs: dict[str, object]) -> tuple[float | None, str]:
        progress = Progress(done=4, total=10, message=message, fraction=0.4, seconds_left=None)
        told = [Epoch.model_validate({"stage": "fold", "fraction": 0.4, **epoch}) for epoch in epochs]
        return training_step(Training.model_construct(job=Job.model_construct(progress=progress), epochs=told))

    tested = {"message": "fold 1, epoch 3 of 50", "train_loss": 0.524, "val_top1": 0.812}
    assert shown("Fetching recording 3 of 9") == (0.4, "Fetching recording 3 of 9")
    assert shown("fold 1, epoch 3 of 50", tested) == (0.4, "fold 1, epoch 3 of 50, loss 0.52, right 81%")
    assert shown("Judging the held-out recordings", tested) == (0.4, "Judging the held-out recordings")
    final = {"message": "final, epoch 1 of 50", "train_loss": 0.5, "val_top1": None}
    assert shown("final, epoch 1 of 50", final) == (0.4, "final, epoch 1 of 50, loss 0.50")
