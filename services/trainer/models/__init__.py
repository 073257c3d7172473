"""The networks. One file each; the file's name is the network's name, and adding a network is adding a file.

Such a file has one function, `build(classes: int, front_end: FrontEndConfig) -> nn.Module`. The module takes the front
end's pictures, (batch, 1, n_mels, frames), and gives logits, (batch, classes); `torch.jit.script`, `torch.export` and
`torch.onnx` must take it. Its attribute `any_length` says whether it also takes pictures with more frames. A network
that cannot take the front end's pictures raises ValueError with the reason, or lets the layer that is too large for
them raise RuntimeError; `check` makes a sentence of both.

A network that hears a recording as a whole, so that overlapping windows cost nothing, has besides, all exported to
TorchScript: `features(pictures)` of any length -> (batch, channels, frames // stride), with the attribute `stride`;
`pool(features)` of a window -> logits (batch, classes), so that `forward` is both in turn; and `frames(features)` ->
logits (batch, classes, frames), what each frame alone would be taken for. It wants a front end whose pictures of a
recording are those of its windows joined: `normalisation="sliding"`.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING

from shared.audio.frontend_config import FrontEndConfig
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from torch import nn


def available() -> list[str]:
    """Names of all networks, sorted. Imports none of them, and no torch."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def build(name: str, classes: int, front_end: FrontEndConfig) -> "nn.Module":
    """A new network of that name with random weights. Raises KeyError for an unknown name."""
    if name not in available():
        raise KeyError(name)
    network: nn.Module = importlib.import_module(f"{__name__}.{name}").build(classes, front_end)
    return network


def check(name: str, front_end: FrontEndConfig) -> None:
    """Raise InvalidInput, with the reason, when that network cannot take the front end's pictures. Computes nothing."""
    import torch

    bands, frames = front_end.n_mels, front_end.frames
    try:
        with torch.device("meta"):
            build(name, 2, front_end).eval()(torch.empty((1, 1, bands, frames)))
        return
    except ValueError as error:
        reason = str(error)
    except RuntimeError:
        reason = "the picture is smaller than what one of its kernels spans"
    raise InvalidInput(
        f"The network {name} cannot take the pictures of the front end {front_end.name}, "
        f"{bands} mel bands and {frames} frames: {reason}.",
        hint="Take the front end original, or another network.",
    )
