"""Recipes: what a training takes for every setting that is not given. One TOML file each; its name is the recipe's.

A recipe is whole: it says everything for which `TrainingConfig` has no default of its own, and its own name, so that a
changed copy still builds on it. Adding one is adding a file.
"""

import tomllib
from importlib.resources import files
from typing import Any

DEFAULT = "field"
"""The recipe of the shipped model."""


def available() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


def text(name: str) -> str:
    """The file as it stands, with its comments: a good beginning for one's own. Raises KeyError."""
    if name not in available():
        raise KeyError(name)
    return (files(__name__) / f"{name}.toml").read_text(encoding="utf-8")


def values(name: str) -> dict[str, Any]:
    """What the recipe sets. Raises KeyError."""
    return tomllib.loads(text(name))
