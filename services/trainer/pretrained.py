"""Beginning with weights that have learnt before: of a finished model, or the best of a training that was stopped.

Whoever starts from a model inherits what it has heard. It would be no test to ask the new one about these recordings,
or about others of the same people: that is refused, or else said on the card.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from services.trainer import models
from services.trainer.checkpoint import save_checkpoint
from services.trainer.config import TrainingConfig
from services.trainer.frozen_dataset import Dataset
from services.trainer.groups import person
from services.trainer.plan import Run
from shared.audio.frontend_config import FrontEndConfig
from shared.errors import InvalidInput, ModelFileError
from shared.model_file import ModelManifest, load, sha256_of

LEAST_TAKEN = 0.5
"""Share of the weights below the classification layer that must fit: with less it is another network."""
NAMED = 5
"""People whom a message names."""

Weights = Mapping[str, Tensor]
Head = Mapping[str, int]
"""The tensors of the classification layer by name, with the axis along which the classes lie."""


@dataclass(frozen=True)
class Pretrained:
    """Weights by the names they have in the network, and what is known of them."""

    weights: Weights
    manifest: ModelManifest
    sha256: str
    """Of the file."""

    def as_json(self) -> dict[str, Any]:
        """For the manifest of the model that starts from it."""
        return {
            "name": self.manifest.name,
            "version": self.manifest.version,
            "sha256": self.sha256,
            "recordings": self.manifest.dataset.recordings,
            "dataset_sha256": self.manifest.dataset.sha256,
        }


def write_weights(path: Path, weights: Weights, manifest: ModelManifest, epochs: int) -> None:
    """Leave a network's weights after so many epochs as a file that `read_pretrained` takes, whole or not at all."""
    save_checkpoint(path, {"manifest": manifest.model_dump_json(), "weights": dict(weights), "epochs": epochs})


def epochs_of(path: Path) -> int:
    """How many epochs the weights at `path` were trained; 0 where there are none."""
    return int(_stored(path)["epochs"]) if path.exists() else 0


def read_pretrained(path: Path) -> Pretrained:
    """Read a model file, or what `write_weights` left. A model file is code: its sha256 must have been compared.

    Raises ModelFileError when it is neither.
    """
    if _is_torchscript(path):
        loaded = load(path)
        prefix = "network."
        state = loaded.module.state_dict()
        weights = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        return Pretrained(weights, loaded.manifest, loaded.sha256)
    state = _stored(path)
    return Pretrained(state["weights"], ModelManifest.model_validate_json(state["manifest"]), sha256_of(path))


def _is_torchscript(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path.name} holds no weights: {error}.", hint="Start from another model.") from error


def _stored(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
        if not {"manifest", "weights", "epochs"} <= state.keys():
            raise ValueError(f"there is only {', '.join(state)} in it")
    except Exception as error:  # torch names no kinds for what can be wrong with a file
        raise ModelFileError(f"{path.name} holds no weights: {error}.", hint="Start from another model.") from error
    return state


def head_of(network: nn.Module, config: TrainingConfig, classes: int) -> dict[str, int]:
    """What of a network for so many classes belongs to the classes: all that is larger in a network for one more."""
    with torch.random.fork_rng(devices=[]):
        larger = models.build(config.network, classes + 1, config.picture).state_dict()
    found = {}
    for name, value in network.state_dict().items():
        if value.shape != larger[name].shape:
            found[name] = next(axis for axis, size in enumerate(value.shape) if size != larger[name].shape[axis])
    return found


def require_same_front_end(pretrained: Pretrained, config: TrainingConfig) -> None:
    """Raise InvalidInput unless the weights have learnt from such pictures as will be made."""
    try:
        theirs = FrontEndConfig.model_validate({**pretrained.manifest.front_end, "name": config.picture.name})
    except ValidationError:
        theirs = None
    if theirs != config.picture:
        raise InvalidInput(
            f"{_named(pretrained)} was trained with the front end {pretrained.manifest.front_end.get('name')!r}, this "
            f"training has {config.picture.name!r} or other settings of it; pretrained weights are of use with the "
            "very pictures they know.",
            hint="Take the front end that its model.json shows.",
        )


def take_over(network: nn.Module, head: Head, pretrained: Pretrained, species: Sequence[str]) -> None:
    """Fill a new network, in place, with all weights whose names and shapes fit.

    In the classification layer, `head`, these are the rows of species that both know; the others stay random. Raises
    InvalidInput when less than half of the rest fits.
    """
    old = {label.scientific: place for place, label in enumerate(pretrained.manifest.labels)}
    both = [(place, old[name]) for place, name in enumerate(species) if name in old]
    wanted = taken = 0
    for name, value in network.state_dict().items():
        given = pretrained.weights.get(name)
        if name in head:
            axis = head[name]
            if given is not None and _but(given, axis) == _but(value, axis) and given.shape[axis] == len(old):
                for new_place, old_place in both:
                    value.select(axis, new_place).copy_(given.select(axis, old_place))
            continue
        wanted += value.numel()
        if given is not None and given.shape == value.shape:
            value.copy_(given)
            taken += value.numel()
    if taken < LEAST_TAKEN * wanted:
        raise InvalidInput(
            f"Only {taken:,} of {wanted:,} weights of {_named(pretrained)} fit into this network.",
            hint=f"Take the network {pretrained.manifest.network!r}, or start from another model.",
        )


def _but(tensor: Tensor, axis: int) -> list[int]:
    return [size for place, size in enumerate(tensor.shape) if place != axis]


def heard_before(pretrained: Pretrained, dataset: Dataset, runs: Sequence[Run], *, allowed: bool) -> list[str]:
    """What the card must say because the weights have heard what the new model is tested on; empty when it is clean.

    Raises InvalidInput instead unless `allowed`.
    """
    credits = pretrained.manifest.recordings
    tested = [dataset.recordings[i] for i in sorted({i for run in runs for i in run.split.test})]
    files, numbers = {c.sha256 for c in credits}, {c.xc_id for c in credits if c.xc_id}
    people = {person(c.recordist) for c in credits} - {""}
    same = sum(r.sha256 in files or r.xc_id in numbers for r in tested)
    known = sorted({str(r.recordist) for r in tested if person(r.recordist) in people})
    reasons = []
    if tested and not credits:
        reasons.append(f"{_named(pretrained)}, which this training starts from, does not say what it has heard")
    if same:
        reasons.append(
            f"{_named(pretrained)}, which this training starts from, has heard {same:,} of the {len(tested):,} "
            "recordings that are held out to test it"
        )
    if known:
        more = f" and {len(known) - NAMED:,} more" if len(known) > NAMED else ""
        reasons.append(
            f"{_named(pretrained)} has heard other recordings of people whose recordings are held out: "
            f"{', '.join(known[:NAMED])}{more}"
        )
    if reasons and not allowed:
        raise InvalidInput(
            f"{'; '.join(reasons)}. The figures would look better than they are.",
            hint="Start from a model that was trained on other people's recordings, or set allow_overlap to true: the "
            "card then carries this warning.",
        )
    return [f"{reason}: the figures are better than what is to be expected on others." for reason in reasons]


def _named(pretrained: Pretrained) -> str:
    return f"{pretrained.manifest.name} version {pretrained.manifest.version}"
