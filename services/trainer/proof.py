"""The proof of a written model: a fresh process, with one library and nothing of ours, must give the same numbers."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from services.trainer.classifier import Classifier, RecordingClassifier
from shared.errors import ChiffchaffError

Format = Literal["pt", "pt2", "onnx"]
Samples = npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]

BATCH = 16
"""Windows at once; the first goes alone, so that every proof sees three sizes of batch."""
TOLERANCE = 1e-3
"""In logits; other kernels differ by about 1e-5, a lost front end or layer by more than 1."""
TIMEOUT_SECONDS = 900

# Run by a bare interpreter, in which any import of this project fails.
_BEFORE = """
import sys
sys.modules["services"] = sys.modules["shared"] = None
import numpy, warnings
warnings.simplefilter("ignore")
given = numpy.load(sys.argv[2])
batches, threads, answer = numpy.split(given["windows"], given["cuts"]), int(given["threads"]), {}
"""
_RUN: Mapping[Format, str] = {
    "pt": """
import torch
torch.set_num_threads(threads)
model = torch.jit.load(sys.argv[1])
with torch.inference_mode():
    logits = [model(torch.from_numpy(batch)).numpy() for batch in batches]
    answer["analyse"] = model.analyse(torch.from_numpy(given["waveform"]), float(given["step"])).numpy()
    if hasattr(model, "frames"):
        answer["frames"] = model.frames(torch.from_numpy(given["waveform"])).numpy()
""",
    "pt2": """
import torch
torch.set_num_threads(threads)
model = torch.export.load(sys.argv[1]).module()
with torch.inference_mode():
    logits = [model(torch.from_numpy(batch)).numpy() for batch in batches]
""",
    # The number of threads is given because the runtime would take all cores of the machine, a container's or not.
    "onnx": """
sys.modules["torch"] = sys.modules["onnx"] = sys.modules["onnxscript"] = None
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
model = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
logits = [model.run(["logits"], {"windows": batch})[0] for batch in batches]
""",
}
_AFTER = """
numpy.savez(sys.argv[3], forward=numpy.concatenate(logits), **answer)
"""


class ExportFailed(ChiffchaffError):
    code = "export-failed"
    title = "The trained network could not be written as a model file"


@dataclass(frozen=True)
class Clips:
    """Real sound to prove on, float32 mono."""

    windows: Samples
    """(windows, samples)."""
    waveform: Samples
    """A whole recording, (samples,)."""
    step: float
    """Seconds between its windows."""

    @property
    def cuts(self) -> list[int]:
        return list(range(1, len(self.windows), BATCH))


def expect(classifier: Classifier, clips: Clips) -> dict[str, Logits]:
    """What the trained network itself says, by entry: `forward`, `analyse` and, where it has them, `frames`."""
    waveform = torch.from_numpy(clips.waveform)
    with torch.inference_mode():
        logits = [classifier(torch.from_numpy(batch)).numpy() for batch in np.split(clips.windows, clips.cuts)]
        expected = {"forward": np.concatenate(logits), "analyse": classifier.analyse(waveform, clips.step).numpy()}
        if isinstance(classifier, RecordingClassifier):
            expected["frames"] = classifier.frames(waveform).numpy()
    return expected


def prove(path: Path, written: Format, clips: Clips, expected: Mapping[str, Logits]) -> float:
    """Let a fresh process run every entry that the file has; returns the largest difference in logits.

    Raises ExportFailed when the process cannot run it, or when its numbers are not the `expected` ones.
    """
    worst = 0.0
    for entry, got in _run_alone(path, written, clips).items():
        want = expected[entry]
        same_shape = got.shape == want.shape
        difference = float(np.nanmax(np.abs(got - want), initial=0.0)) if same_shape else float("nan")
        if not same_shape or not np.allclose(want, got, rtol=1e-4, atol=TOLERANCE, equal_nan=True):
            raise ExportFailed(
                f"{path.name} gives other numbers than the trained network ({entry}): shapes {got.shape} and "
                f"{want.shape}, largest difference {difference:.2g}.",
                hint="This is a fault of the network or of the front end; tell its author.",
            )
        worst = max(worst, difference)
    return worst


def _run_alone(path: Path, written: Format, clips: Clips) -> dict[str, Logits]:
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "answer.npz"
        np.savez(
            given,
            windows=clips.windows,
            cuts=np.asarray(clips.cuts, np.int64),
            waveform=clips.waveform,
            step=clips.step,
            threads=torch.get_num_threads(),
        )
        script = _BEFORE + _RUN[written] + _AFTER
        command = [sys.executable, "-I", "-c", script, str(path.resolve()), str(given), str(answer)]
        try:
            done = subprocess.run(  # noqa: S603
                command, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise ExportFailed(
                f"{len(clips.windows)} windows took {path.name} more than {TIMEOUT_SECONDS} s in a fresh process.",
                hint="Train again when the machine has less to do, or take a smaller network.",
            ) from error
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
            raise ExportFailed(
                f"A process with nothing of this program in it could not run {path.name}: {said[-1][:500]}",
                hint="The network must be written without code of the trainer.",
            )
        with np.load(answer) as result:
            return dict(result)
