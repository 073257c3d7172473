"""What a model said of each recording that it was tested on and had not heard: a file beside the model.

From it one sees which recording was taken for what, and compares two models on the recordings that both held out.
"""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import ModelFileError

MOST_RECORDINGS: Final = 20_000
"""Some 3 MB. Of more, those with the smallest hashes are kept: so are the same ones of every model."""
MOST_RANKED: Final = 5

Index = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prediction(_Part):
    """One held-out recording as the network of its fold heard it; species by their places in `labels`."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the original file")
    label: Index = Field(description="What it is")
    ranking: tuple[tuple[Index, float], ...] = Field(
        max_length=MOST_RANKED,
        description="The first species, each with its confidence; not those that are noted in the background",
    )
    fold: int = 0


class Predictions(_Part):
    """The file `predictions.json`."""

    format_version: Literal[1] = 1
    labels: tuple[str, ...] = Field(description="Scientific names, in the order of the logits")
    tested: int = Field(ge=0, description="Recordings that were held out; of very many, some are left out here")
    recordings: tuple[Prediction, ...] = Field(max_length=MOST_RECORDINGS)

    @model_validator(mode="after")
    def _labels_are_listed(self) -> Self:
        places = [place for one in self.recordings for place in (one.label, *(label for label, _ in one.ranking))]
        if max(places, default=0) >= max(1, len(self.labels)):
            raise ValueError("a recording has a label that is not listed")
        return self


def read_predictions(path: Path) -> Predictions:
    """Raises ModelFileError when the file is damaged or of a format that this version does not know."""
    try:
        return Predictions.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelFileError(
            f"{path.name} cannot be read: {error.errors()[0]['msg']}.", hint="Train the model anew."
        ) from error
