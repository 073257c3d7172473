"""Makes `import torchaudio` work beside a CPU-only PyTorch; does nothing anywhere else.

torchaudio's wheels carry a compiled extension that is linked against CUDA. Beside a CPU-only PyTorch the extension
cannot be loaded and the whole import fails, although its transforms are plain torch. Without the extension they work.
`make setup` and the trainer's image run this after they have installed the packages.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

EXTENSION = "lib/_torchaudio*.so"


def works(statement: str) -> bool:
    """Whether a fresh interpreter can run the statement."""
    return subprocess.run([sys.executable, "-c", statement], capture_output=True, check=False).returncode == 0  # noqa: S603 (our own statements)


def mend() -> str:
    """Removes the extension when, and only when, PyTorch is CPU-only and the import fails. Says what it did."""
    spec = find_spec("torchaudio")
    if spec is None or not spec.submodule_search_locations:
        return "torchaudio is not installed"
    if works("import torchaudio"):
        return "torchaudio works"
    if not works("import torch; assert torch.version.cuda is None and torch.version.hip is None"):
        raise SystemExit("torchaudio cannot be imported, and not for want of CUDA: see `python -c 'import torchaudio'`")
    for extension in Path(spec.submodule_search_locations[0]).glob(EXTENSION):
        extension.unlink()
    if not works("import torchaudio; torchaudio.transforms.MelSpectrogram()"):
        raise SystemExit("torchaudio cannot be imported even without its compiled extension")
    return "torchaudio works with this CPU-only PyTorch, now without its CUDA extension"


if __name__ == "__main__":
    sys.stdout.write(f"{mend()}\n")
