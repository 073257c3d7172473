"""Local copies: bounded, the least recently used go first, and never one that somebody needs."""

import os
import time
from pathlib import Path

import pytest

from shared.storage.cache import FileCache


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache", 250, grace_seconds=0)


def admit(cache: FileCache, key: str, *, age: float = 0.0) -> Path:
    part = cache.root.parent / "a.part"
    part.write_bytes(bytes(100))
    path = cache.admit(part, key)
    grow_old(path, age)
    return path


def grow_old(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds, path.stat().st_mtime))


def test_the_least_recently_used_goes_first(cache: FileCache) -> None:
    for n in range(2):
        admit(cache, f"a/{n}", age=60 - n)
    assert cache.find("a/0"), "used now, so the other one is older"
    admit(cache, "a/2")
    assert cache.find("a/1") is None
    assert cache.find("a/0")
    assert cache.find("a/2")


def test_one_that_is_held_stays_until_it_is_let_go(cache: FileCache) -> None:
    held = cache.hold(admit(cache, "a/0", age=60))
    assert held is not None
    admit(cache, "a/1", age=50)
    admit(cache, "a/2")
    assert cache.find("a/0")
    assert cache.find("a/1") is None
    held.close()
    grow_old(cache.root / "a/0", 60)
    admit(cache, "a/3")
    assert cache.find("a/0") is None


def test_one_that_is_open_is_read_to_its_end_though_it_goes(cache: FileCache) -> None:
    with admit(cache, "a/0", age=60).open("rb") as file:
        for n in range(1, 4):
            admit(cache, f"a/{n}")
        assert cache.find("a/0") is None
        assert len(file.read()) == 100


def test_one_that_somebody_was_just_told_of_stays(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", 250)
    for n in range(5):
        admit(cache, f"a/{n}")
    assert all(cache.find(f"a/{n}") for n in range(5))


def test_what_an_earlier_process_left_counts(cache: FileCache) -> None:
    for n in range(2):
        admit(cache, f"a/{n}", age=60 - n)
    later = FileCache(cache.root, 250, grace_seconds=0)
    admit(later, "a/2")
    assert later.find("a/0") is None


def test_one_that_is_gone_cannot_be_held(cache: FileCache) -> None:
    path = admit(cache, "a/0")
    cache.drop("a/0")
    cache.drop("a/0")
    assert cache.hold(path) is None
    assert cache.find("a/0") is None
