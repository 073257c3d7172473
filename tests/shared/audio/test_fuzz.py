"""A little of what `bench.fuzz_decoder` does at length."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bench.fuzz_decoder import BAD, FINE, KINDS, corrupted, fuzz
from bench.mutations import MUTATIONS, with_right_checksums
from tests.support.sound_files import whistles, write_any


def test_corrupted_files_of_every_kind_are_decoded_or_refused_with_a_reason() -> None:
    told = StringIO()
    figures = fuzz(400, seed=1_000, minutes=None, keep=None, console=Console(file=told))
    assert sum(figures.count(outcome) for outcome in BAD) == 0, told.getvalue()
    assert figures.files == sum(figures.count(outcome) for outcome in FINE) == 400
    assert {kind for kind, _ in figures.outcomes} == set(KINDS)
    assert figures.peak_mb < 256


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("size", [1, 3, 200, 5_000])
def test_every_way_of_corruption_works_on_files_of_any_size_and_repeats_itself(name: str, size: int) -> None:
    content, other = np.random.default_rng(size).bytes(size), bytes(range(256))
    for seed in range(30):
        made = [MUTATIONS[name](content, other, np.random.default_rng(seed)) for _ in range(2)]
        assert made[0] == made[1]
    assert (
        any(MUTATIONS[name](content, other, np.random.default_rng(seed)) != content for seed in range(30)) or size < 4
    )


def test_a_seed_and_a_number_make_the_same_file_again() -> None:
    files = {kind: [np.random.default_rng(0).bytes(1_000)] for kind in KINDS}
    assert corrupted(files, 3, 4) == corrupted(files, 3, 4) != corrupted(files, 3, 5)


def test_an_intact_ogg_file_has_the_right_checksums_already(tmp_path: Path) -> None:
    content = write_any(tmp_path / "whistles", whistles(0.5), 44_100, "ogg").read_bytes()
    assert with_right_checksums(content) == content
    at = len(content) // 2
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    assert with_right_checksums(changed) not in (content, changed)
