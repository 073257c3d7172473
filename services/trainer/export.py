"""From a trained network to a model file that has proved itself in a process with torch and nothing of ours."""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from services.trainer.classifier import Classifier, RecordingClassifier
from shared.errors import ChiffchaffError
from shared.model_file import ModelManifest, write_model

TOLERANCE = 1e-3
"""In logits; the same kernels on one machine differ by about 1e-6, a lost front end or layer by more than 1."""

# Run by a bare interpreter: torch loads the archive, and any import of this project fails.
_GATE = """
import sys
sys.modules["services"] = None
sys.modules["shared"] = None
import numpy, torch, warnings
warnings.simplefilter("ignore")
model = torch.jit.load(sys.argv[1])
given = numpy.load(sys.argv[2])
with torch.inference_mode():
    windows = model(torch.from_numpy(given["windows"])).numpy()
    recording = model.analyse(torch.from_numpy(given["waveform"]), float(given["step"])).numpy()
numpy.savez(sys.argv[3], windows=windows, recording=recording)
"""


class ExportFailed(ChiffchaffError):
    code = "export-failed"
    title = "The trained network could not be written as a model file"


def script(classifier: Classifier | RecordingClassifier) -> torch.jit.ScriptModule:
    """TorchScript of the module in evaluation mode. The one place where torch.jit's deprecation is silenced."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*", category=DeprecationWarning)
        scripted: torch.jit.ScriptModule = torch.jit.script(classifier.cpu().eval())
    return scripted


def export(
    classifier: Classifier | RecordingClassifier,
    manifest: ModelManifest,
    path: Path,
    *,
    windows: npt.NDArray[np.float32],
    waveform: npt.NDArray[np.float32],
) -> ModelManifest:
    """Write the model file, let a fresh process run it on real sound, and compare. Returns the manifest as written.

    `windows` (batch, samples) and `waveform` (samples,) are real clips, float32 mono. Raises ExportFailed, and leaves
    no file, when the numbers differ.
    """
    scripted = script(classifier)
    written = write_model(path, scripted, manifest)
    with torch.inference_mode():
        expected_windows = classifier(torch.from_numpy(windows)).numpy()
        expected_recording = classifier.analyse(torch.from_numpy(waveform), manifest.step_seconds).numpy()
    try:
        got_windows, got_recording = _run_alone(path, windows, waveform, manifest.step_seconds)
        _compare("forward", expected_windows, got_windows)
        _compare("analyse", expected_recording, got_recording)
    except ExportFailed:
        path.unlink()
        raise
    return written


def _run_alone(
    path: Path, windows: npt.NDArray[np.float32], waveform: npt.NDArray[np.float32], step: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "answer.npz"
        np.savez(given, windows=windows, waveform=waveform, step=step)
        command = [sys.executable, "-I", "-c", _GATE, str(path.resolve()), str(given), str(answer)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603
        if done.returncode:
            raise ExportFailed(
                f"A process with torch alone could not run the model: {done.stderr.strip()[-500:]}",
                hint="The network must script without code of the trainer.",
            )
        with np.load(answer) as result:
            return result["windows"], result["recording"]


def _compare(entry: str, expected: npt.NDArray[np.float32], got: npt.NDArray[np.float32]) -> None:
    if expected.shape != got.shape or not np.allclose(expected, got, rtol=1e-4, atol=TOLERANCE):
        worst = float(np.abs(expected - got).max()) if expected.shape == got.shape else float("nan")
        raise ExportFailed(
            f"The exported model's {entry} differs from the trained network: shapes {got.shape} and {expected.shape}, "
            f"largest difference {worst:.2g}.",
            hint="This is a fault of the network or of the front end; tell its author.",
        )
