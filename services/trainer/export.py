"""From a trained network to its files, each proved in a process with one library and nothing of ours.

The model file (TorchScript) is what counts: without it there is no model. The `.pt2` and the ONNX file beside it are
for other programs; where one of them cannot be had, the model comes with a warning that says why.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from torch.export import ExportedProgram

from services.trainer.classifier import Classifier
from services.trainer.exchange import trace, write_onnx, write_pt2
from services.trainer.proof import Clips, ExportFailed, Samples, expect, prove
from shared.model_file import BESIDE, ModelManifest, write_model

Write = Callable[[ExportedProgram, ModelManifest, Path], None]
EXCHANGE: Final[dict[Literal["pt2", "onnx"], Write]] = {"pt2": write_pt2, "onnx": write_onnx}


@dataclass
class Exported:
    """What was written and proved."""

    manifest: ModelManifest
    windows: int
    """How many windows of real sound each file was proved on."""
    differences: dict[str, float]
    """The largest in logits, by the file's name."""
    beside: dict[str, Path] = field(default_factory=dict)
    """The files beside the model file, by their names in `Model.files`."""
    warnings: list[str] = field(default_factory=list)

    def in_words(self) -> list[str]:
        """For the card: a sentence for each file."""
        return [
            f"`{name}`, run by {'onnxruntime' if name.endswith('.onnx') else 'torch'} alone on {self.windows} windows "
            f"of the recordings, gave the trained network's logits within {difference:.1g}."
            for name, difference in self.differences.items()
        ]


def export(
    classifier: Classifier,
    manifest: ModelManifest,
    path: Path,
    *,
    windows: Samples,
    waveform: Samples,
) -> Exported:
    """Write the model file and the two beside it, let fresh processes run them on real sound, and compare.

    `windows` (windows, samples) and `waveform` (samples,) are real clips, float32 mono; silence is tried too. Raises
    ExportFailed, and leaves no file, when the model file's numbers are not those of the trained network.
    """
    scripted = script(classifier)
    silence = np.zeros_like(windows[:1])
    clips = Clips(np.concatenate([windows, silence]), waveform, manifest.step_seconds)
    expected = expect(classifier, clips)
    written = write_model(path, scripted, manifest)
    try:
        exported = Exported(written, len(windows), {path.name: prove(path, "pt", clips, expected)})
    except ExportFailed:
        path.unlink()
        raise
    program: ExportedProgram | None = None
    for kind, write in EXCHANGE.items():
        file = path.with_name(BESIDE[kind])
        try:
            program = program or trace(classifier)
            write(program, written, file)
            exported.differences[file.name] = prove(file, kind, clips, expected)
            exported.beside[kind] = file
        except Exception as error:  # whatever a converter raises: a training of hours is worth more than this file
            file.unlink(missing_ok=True)
            exported.warnings.append(f"There is no {file.name} of this model: {_reason(error)}")
    return exported


def script(classifier: Classifier) -> torch.jit.ScriptModule:
    """TorchScript of the module in evaluation mode. The one place where torch.jit's deprecation is silenced."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        scripted: torch.jit.ScriptModule = torch.jit.script(classifier.cpu().eval())
    return scripted


def _reason(error: BaseException) -> str:
    """One line for the model's card. Converters wrap the cause in pages of advice, so the innermost error speaks."""
    if isinstance(error, ExportFailed):
        return error.detail
    while error.__cause__ is not None:
        error = error.__cause__
    first_line = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first_line[:300]}"
