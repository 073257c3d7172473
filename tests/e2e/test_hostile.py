"""A little of what `make bench-hostile` does at length."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from bench.attacks import Attacks
from bench.hostile import besiege, show


def test_a_siege_breaks_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    figures = besiege(300, seed=1_000, folder=tmp_path)
    told = StringIO()
    show(figures, Console(file=told, width=200))
    assert figures.well, told.getvalue()
    assert figures.answers.total() == 300
    assert figures.good_answers["200"] > 5, told.getvalue()
    before, after = figures.samples[0], figures.samples[-1]
    assert after["open_files"] < before["open_files"] + 20, told.getvalue()
    assert after["all_mb"] < before["all_mb"] + 500, told.getvalue()


def test_a_seed_and_a_number_make_the_same_attack_again() -> None:
    first, second = Attacks(3), Attacks(3)
    assert first.plan(50) == second.plan(50)
    for number, kind in enumerate(first.kinds):
        assert first.make(kind, number) == second.make(kind, number)
