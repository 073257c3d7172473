"""What every command shares."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from services.standalone.cli.console import id_column

ID = "90011c6cf5d346c99ad27f08591c6f2a"


@pytest.mark.parametrize("width", [80, 120])
def test_an_id_stays_whole_in_a_narrow_window_and_nothing_is_cut_off(width: int) -> None:
    table = Table(id_column(), "species", "quality", "length", "origin")
    table.add_row(ID, "Fringilla coelebs", "A", "0:08", "A. Birder, CC BY-NC-SA 4.0")
    shown = io.StringIO()
    Console(file=shown, width=width).print(table)
    assert ID in shown.getvalue()
    assert {"Fringilla", "coelebs", "Birder,", "BY-NC-SA", "4.0"} <= set(shown.getvalue().split())
