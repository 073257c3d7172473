"""The model file: one TorchScript archive that holds the network, its front end and the manifest `model.json`.

Two entries, the same for every network: `forward(windows: (batch, samples)) -> logits (batch, classes)` and
`analyse(waveform: (samples,), step: seconds) -> logits (windows, classes)`, float32 mono at `sample_rate`, windows as
`shared.audio.slices` lays them. Only `load` and `write_model` need torch: a page that lists models does without it.
"""

import hashlib
import os
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import ModelFileError
from shared.metric import Metric as Metric
from shared.rejection import Rejection

if TYPE_CHECKING:
    import torch

MANIFEST_NAME: Final = "model.json"
BESIDE: Final = {
    "pt2": "model.pt2",
    "onnx": "model.onnx",
    "card": "card.md",
    "curves": "curves.png",
    "confusion": "confusion.png",
    "reliability": "reliability.png",
    "species": "species.png",
    "unknown": "unknown.png",
    "predictions": "predictions.json",
}
"""What may lie beside a model file: its name in `Model.files` and in the API, and the file's."""
MAX_MANIFEST_BYTES: Final = 64 * 1024 * 1024
TOP_WINDOWS: Final = 3
POOLING: Final = f"mean of the {TOP_WINDOWS} highest window confidences of each species, of all windows if fewer"

_SHA256: Final = r"^[0-9a-f]{64}$"
_INSIDE: Final = re.compile(r"^[^/]+/extra/model\.json$")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(_Part):
    scientific: str = Field(min_length=1)
    common: str = ""


class DatasetReference(_Part):
    id: str
    sha256: str = Field(pattern=_SHA256)
    recordings: int = Field(ge=0)
    slices: int = Field(ge=0)


class RecordingCredit(_Part):
    """Whose recording trained the model, and under which licence."""

    sha256: str
    xc_id: str | None = None
    recordist: str | None = None
    licence: str | None = None
    species: str


class ModelManifest(_Part):
    """What `model.json` says: everything that is needed to use, judge and repeat the model."""

    format_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    version: str = Field(min_length=1, max_length=64)
    created: AwareDatetime
    network: str
    labels: tuple[Label, ...] = Field(min_length=2)
    """In the order of the logits."""
    sample_rate: int = Field(gt=0)
    window_seconds: float = Field(gt=0)
    step_seconds: float = Field(gt=0)
    front_end: dict[str, Any]
    activation: Literal["softmax", "sigmoid"]
    temperature: float = Field(1.0, gt=0)
    """Logits are divided by it before the activation (Guo et al. 2017)."""
    pooling: str = POOLING
    thresholds: dict[str, float] = Field(default_factory=dict)
    """Smallest confidence to report, by scientific name, where it differs from `default_min_confidence`."""
    default_min_confidence: float = Field(0.1, ge=0, le=1)
    metrics: dict[str, Metric] = Field(default_factory=dict)
    rejection: Rejection | None = None
    """How to refuse what is none of the labels; `None` where nothing was held out to set it on."""
    dataset: DatasetReference
    recordings: tuple[RecordingCredit, ...] = ()
    libraries: dict[str, str] = Field(default_factory=dict)
    weights_sha256: str = Field("0" * 64, pattern=_SHA256)
    training: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        names = [label.scientific for label in self.labels]
        if len(set(names)) != len(names):
            raise ValueError("two labels have the same scientific name")
        if unknown := set(self.thresholds) - set(names):
            raise ValueError(f"thresholds for species that are no labels: {sorted(unknown)}")
        return self


@dataclass(frozen=True)
class LoadedModel:
    module: "torch.jit.ScriptModule"
    manifest: ModelManifest
    sha256: str


def sha256_of(path: Path) -> str:
    """sha256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(path: Path) -> ModelManifest:
    """The manifest of a model file, without running or loading any of its code.

    Raises ModelFileError when the file is absent, no model file of ours, or of a format this version does not know.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if _INSIDE.match(info.filename)]
            if len(entries) != 1:
                raise ModelFileError(f"{path.name} holds no {MANIFEST_NAME}.", hint=_HINT)
            if entries[0].file_size > MAX_MANIFEST_BYTES:
                raise ModelFileError(f"The manifest in {path.name} is too large.", hint=_HINT)
            raw = archive.read(entries[0])
    except FileNotFoundError as error:
        raise ModelFileError(f"There is no model file {path.name}.", hint=_HINT) from error
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ModelFileError(f"{path.name} is no TorchScript archive.", hint=_HINT) from error
    try:
        return ModelManifest.model_validate_json(raw)
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
        raise ModelFileError(f"The manifest in {path.name} does not fit: {where}.", hint=_HINT) from error


_HINT = "Use a model file that this program's trainer has written."


def write_model(path: Path, module: "torch.jit.ScriptModule", manifest: ModelManifest) -> ModelManifest:
    """Write the archive whole or not at all; returns the manifest as written, with the hash of the weights."""
    import torch

    written = manifest.model_copy(update={"weights_sha256": weights_sha256(module.state_dict())})
    path.parent.mkdir(parents=True, exist_ok=True)
    # The archive's inner folder is named after the file, so the temporary name must not reach the content.
    part = path.with_name(f".part-{os.getpid()}") / path.name
    part.parent.mkdir(exist_ok=True)
    try:
        with warnings.catch_warnings():
            # torch.jit is announced as deprecated, and is what runs a model with torch alone.
            warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
            torch.jit.save(module, str(part), _extra_files={MANIFEST_NAME: written.model_dump_json()})
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        part.parent.rmdir()
    return written


def weights_sha256(state: "Mapping[str, torch.Tensor]") -> str:
    """sha256 over the names, types, shapes and bytes of all parameters and buffers, in order of name."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def load(path: Path, expected_sha256: str | None = None, device: str = "cpu") -> LoadedModel:
    """Load a model file for inference.

    A TorchScript archive is code: pass `expected_sha256` unless the file was written by this very process. Raises
    ModelFileError when the file is not that one, not ours, or its weights are not those of its manifest.
    """
    import torch

    manifest = read_manifest(path)
    sha256 = sha256_of(path)
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise ModelFileError(f"{path.name} is not the file that was registered: its content has changed.", hint=_HINT)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
            module = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ModelFileError(f"torch cannot load {path.name}: {str(error).splitlines()[0]}.", hint=_HINT) from error
    module.eval()
    if weights_sha256(module.state_dict()) != manifest.weights_sha256:
        raise ModelFileError(f"The weights in {path.name} are not those of its manifest.", hint=_HINT)
    return LoadedModel(module, manifest, sha256)


def activate(
    logits: npt.NDArray[np.floating[Any]], activation: Literal["softmax", "sigmoid"], temperature: float
) -> npt.NDArray[np.float32]:
    """Confidences 0..1 from logits, (windows, classes) -> (windows, classes)."""
    scaled = logits.astype(np.float64) / temperature
    if activation == "sigmoid":
        result = 0.5 * (1.0 + np.tanh(0.5 * scaled))
    else:
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        result = powers / powers.sum(axis=-1, keepdims=True)
    final: npt.NDArray[np.float32] = result.astype(np.float32)
    return final


def confidences(logits: npt.NDArray[np.floating[Any]], manifest: ModelManifest) -> npt.NDArray[np.float32]:
    """Calibrated confidences 0..1 of each species in each window, (windows, classes) -> (windows, classes)."""
    return activate(logits, manifest.activation, manifest.temperature)


def rank(window_confidences: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """The recording's confidence in each species, (windows, classes) -> (classes,): see `POOLING`."""
    if window_confidences.shape[0] < 1:
        raise ValueError("a recording has one window at least")
    highest = np.sort(window_confidences, axis=0)[-TOP_WINDOWS:]
    pooled: npt.NDArray[np.float32] = highest.mean(axis=0).astype(np.float32)
    return pooled
