"""The network for programs of other people: as a `.pt2` file (torch.export) and as ONNX, the front end inside both.

Both hold `forward`, (batch, samples) -> logits (batch, classes), for any number of windows of the model's length, and
the manifest under its name in the model file. `analyse` is in the model file alone: neither format has its loop over a
recording's windows.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.export import Dim, ExportedProgram

from services.trainer.classifier import Classifier
from shared.model_file import MANIFEST_NAME, ModelManifest

FOLD_UP_TO = 2**24
"""Numbers in a constant that is worked out beforehand: the mel filters and PCEN's smoother among them."""


def trace(classifier: Classifier) -> ExportedProgram:
    """`forward` as a graph of torch's own operations. What torch.export cannot follow raises an error of its own."""
    # Zeros that take up no room, because the example is stored in the file.
    example = torch.zeros(1, 1).expand(2, classifier.window)
    with _quiet(), torch.no_grad():
        program = torch.export.export(classifier.cpu().eval(), (example,), dynamic_shapes=({0: Dim("batch")},))
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                # Paths of the machine that trained it, in each node.
                node.meta.pop("stack_trace", None)
    return program


def write_pt2(program: ExportedProgram, manifest: ModelManifest, path: Path) -> None:
    with _quiet():
        torch.export.save(program, path, extra_files={MANIFEST_NAME: manifest.model_dump_json()})


def write_onnx(program: ExportedProgram, manifest: ModelManifest, path: Path) -> None:
    # Here, because they take seconds and only the end of a training needs them.
    from onnx_ir.passes import common
    from onnxscript import optimizer

    with _quiet():
        written = torch.onnx.export(
            program,
            dynamo=True,
            input_names=["windows"],
            output_names=["logits"],
            dynamic_shapes={"windows": {0: "batch"}},
            optimize=False,
            verbose=False,
        )
        assert written is not None  # noqa: S101 (with dynamo=True there is a program)
        # The converter's own `optimize` takes whatever is below 1e-8 for nothing and drops it, also the 1e-30 that
        # keeps silence from 0 / 0. These change no result.
        common.InlinePass()(written.model)
        optimizer.fold_constants(written.model, input_size_limit=FOLD_UP_TO, output_size_limit=FOLD_UP_TO)
        for clean in (
            common.RemoveUnusedNodesPass(),
            common.RemoveUnusedOpsetsPass(),
            common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
            common.DeduplicateInitializersPass(),
            common.CommonSubexpressionEliminationPass(),
            common.ClearMetadataAndDocStringPass(),  # as above: paths
        ):
            clean(written.model)
        written.model.metadata_props[MANIFEST_NAME] = manifest.model_dump_json()
        written.save(str(path), external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """What exporters say of their own inner workings and of packages they miss helps nobody: the proof follows."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
