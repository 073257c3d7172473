"""What a training can be made of: the recipes and the networks, with what a person needs to choose."""

from typing import Any

from pydantic import BaseModel, Field

from services.trainer import models, recipes

CLASSES = 100
BYTES_PER_PARAMETER = 4

COSTS = {
    "bulbul": (140_596, 10.0, "original"),
    "hawk": (5_975_014, 33.0, "original"),
    "lstm": (2_181_956, 42.0, "original"),
    "nightingale": (2_709_060, 14.0, "field"),
    "puffin": (9_488_132, 116.0, "original"),
    "sparrow": (336_215, 33.0, "original"),
    "sparrow_exp": (2_377_893, 171.0, "original"),
    "wren": (746_924, 8.0, "field"),
    "zilpzalp": (1_599_332, 35.0, "original"),
}
"""Parameters for CLASSES species, milliseconds for a window on one core, and the front end it is made for: as
docs/networks.md has them, noted here because counting them takes torch and measuring them takes minutes."""


class Recipe(BaseModel):
    """What a training takes for every setting that is not given."""

    name: str
    default: bool = Field(description="Whether it is taken when none is named")
    values: dict[str, Any]
    text: str = Field(description="The file as it stands, with its comments: a good beginning for one's own")


class Network(BaseModel):
    """A network by its size and speed; null where nobody has noted them."""

    name: str
    front_end: str | None = Field(description="The preset that it is made for")
    parameters: int | None = Field(description=f"For {CLASSES} species")
    bytes: int | None = Field(description="Of its weights")
    milliseconds: float | None = Field(description="For a window of 5 s on one core, the front end included")


def all_recipes() -> list[Recipe]:
    return [
        Recipe(name=name, default=name == recipes.DEFAULT, values=recipes.values(name), text=recipes.text(name))
        for name in recipes.available()
    ]


def all_networks() -> list[Network]:
    return [_network(name) for name in models.available()]


def _network(name: str) -> Network:
    parameters, milliseconds, front_end = COSTS.get(name, (None, None, None))
    return Network(
        name=name,
        front_end=front_end,
        parameters=parameters,
        bytes=parameters * BYTES_PER_PARAMETER if parameters else None,
        milliseconds=milliseconds,
    )
