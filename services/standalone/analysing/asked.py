"""What an analysis is asked for: a model, and parameters that fit it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.inference.asked import parameters_of
from services.inference.schemas import ClassifyQuery, Parameters
from services.inference.species_lists import SpeciesList, parse_species_list
from shared.errors import InvalidInput, ModelFileError, NotFound, reason_of
from shared.model_file import Label, ModelManifest, read_manifest, sha256_of
from shared.settings import Settings

MODEL_FILE = "model.pt"


@dataclass(frozen=True)
class ChosenModel:
    """A model file whose manifest has been read; none of its code has run."""

    path: Path
    manifest: ModelManifest
    sha256: str
    shipped: bool


def choose_model(settings: Settings, wanted: str | None) -> ChosenModel:
    """The model that comes with the software, one of those by name, or any by the path of its file.

    Raises NotFound, and ModelFileError for what is no model file of ours.
    """
    shipped = sorted(settings.models_dir.glob(f"*/{MODEL_FILE}"))
    names = [path.parent.name for path in shipped]
    if wanted is None:
        if not shipped:
            raise NotFound(f"There is no model in {settings.models_dir}.", hint="Name a file: --model FILE.pt")
        path = shipped[0]
    elif wanted in names:
        path = shipped[names.index(wanted)]
    elif Path(wanted).is_file():
        path = Path(wanted).resolve()
    else:
        there = f"{', '.join(names)} come with the software" if names else "None comes with the software"
        raise NotFound(f"There is no model {wanted}.", hint=f"{there}; or name a file: --model FILE.pt")
    return ChosenModel(path, read_manifest(path), _sha256_of(path), shipped=path in shipped)


def _sha256_of(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error


def choose_parameters(
    manifest: ModelManifest, species_file: Path | None, given: dict[str, Any]
) -> tuple[Parameters, list[str]]:
    """Parameters for a `ClassifyQuery` of what is not None in `given`; and the lines of the file that say no species.

    Raises InvalidInput for what the model cannot be asked.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    missing: list[str] = []
    if species_file is not None:
        found = _species_in(species_file, manifest.labels)
        missing = [line.text for line in (*found.unknown, *found.not_heard)]
        asked["species"] = [*asked.get("species", ()), ",".join(found.species)]
    try:
        query = ClassifyQuery.model_validate(asked)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{where}: {reason_of(first)}." if where else f"{reason_of(first)}.") from error
    return parameters_of(query, manifest), missing


def _species_in(path: Path, labels: Sequence[Label]) -> SpeciesList:
    """What a list names, of which the model need not know all: a region has more birds."""
    try:
        found = parse_species_list(path.read_text(encoding="utf-8"), labels)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read as text in UTF-8.", hint="One species a line.") from error
    if not found.species:
        raise InvalidInput(
            f"{path} names none of the {len(labels)} species of the model.",
            hint=f"One species a line, such as {labels[0].scientific}.",
        )
    return found
