"""The part of the model card that says how good the model is, per recording and per slice, and on what."""

from collections.abc import Mapping

import numpy as np

from services.trainer.calibrate import LEAST_RECORDINGS
from services.trainer.evaluate import Evaluation
from services.trainer.intervals import mean_of_folds
from services.trainer.markdown import cell, picture, table
from shared.metric import Metric
from shared.model_file import ModelManifest

_FIGURES = {
    "macro_top1": "right species first, mean over species",
    "top1": "right species first",
    "top5": "right species among the first five",
    "cmap": "average precision, mean over species (cmAP)",
    "auroc": "AUROC, mean over species",
    "f1_macro": "F1 at the thresholds, mean over species",
    "f1_micro": "F1 at the thresholds, over all reports",
    "ece_before": "expected calibration error (ECE) before calibration",
    "ece": "expected calibration error (ECE)",
}
_CONFUSIONS = 15


def evaluation_parts(manifest: ModelManifest, evaluation: Evaluation) -> list[str]:
    """Paragraphs, tables and pictures in Markdown."""
    parts = [
        _how_judged(manifest, evaluation),
        _figures(manifest.metrics),
        _notes(evaluation),
        "### Species by species",
        _species(manifest, evaluation),
        picture("species", "each species' share of recordings ranked first, with 95 % intervals"),
        "### What is taken for what",
        _confusions(manifest, evaluation),
        picture("confusion", "held-out recordings by species and by what they were heard as"),
        "### How far its confidences can be believed",
        _calibration(manifest, evaluation),
        picture("reliability", "share of right answers by confidence, before and after calibration"),
        "### Sounds that are none of its species",
        _rejection(manifest),
    ]
    if manifest.rejection and manifest.rejection.unknown:
        parts.append(picture("unknown", "share of known recordings kept by share of unknown ones kept"))
    return parts


def _how_judged(manifest: ModelManifest, evaluation: Evaluation) -> str:
    folds = manifest.training.get("folds", 0)
    how = (
        f"Cross-validated: {folds} networks were trained, each without one part of the recordists, and judged on that "
        "part. The model in this file was then trained in the same way on everything; it has heard all of these "
        "recordings, so only the figures below say what to expect on others."
        if folds
        else "Judged on the recordings of recordists that were held out of the training."
    )
    return (
        f"{how}\n\n{evaluation.recordings} recordings with {evaluation.slices} slices (windows in which a bird is "
        "heard), no recordist on both sides. Per recording, its windows are pooled as in use; per slice, each is "
        "judged by itself, as if its recording's species sang in it. 95 % intervals by bootstrap over recordings in "
        "both cases."
    )


def _figures(metrics: Mapping[str, Metric]) -> str:
    """One table for what is judged per recording and per slice."""
    with_folds = any(metric.folds for metric in metrics.values())
    head = ["figure", "per recording", "95 % interval", "per slice", "95 % interval"]
    if with_folds:
        head += ["mean over folds, per recording", "per slice"]
    rows = []
    for key, text in _FIGURES.items():
        both = [metrics[name] for name in (key, f"slice_{key}") if name in metrics]
        if len(both) == 2:
            rows.append([text, *(cell for one in both for cell in (f"{one.value:.3f}", _interval(one)))])
            if with_folds:
                rows[-1] += [_fold_mean(one) for one in both]
    return table(head, rows)


def _interval(metric: Metric) -> str:
    return "" if metric.low is None or metric.high is None else f"{metric.low:.3f} to {metric.high:.3f}"


def _value(metric: Metric | None) -> str:
    if metric is None:
        return "unknown"
    return f"{metric.value:.2f} ({metric.low:.2f} to {metric.high:.2f})" if _interval(metric) else f"{metric.value:.2f}"


def _fold_mean(metric: Metric) -> str:
    if len(metric.folds) < 2:
        return ""
    mean = mean_of_folds(metric.folds)
    return f"{mean.value:.3f} ({mean.low:.3f} to {mean.high:.3f})"


def _notes(evaluation: Evaluation) -> str:
    fitted = (
        "Temperature and thresholds were fitted, for each part of the recordings, on the other parts; those in the "
        "model file were fitted on all of them."
        if evaluation.cross_fitted
        else "All recordings are of one person, so temperature and thresholds could not be judged on others: the "
        "figures are those without them."
    )
    return (
        f"{fitted} Species that are heard in the background count neither as right nor as wrong. Means over species "
        "are over those that were tested. Means over folds have intervals by Student's t, as if folds were independent."
    )


def _species(manifest: ModelManifest, evaluation: Evaluation) -> str:
    """Per recording."""
    rows = []
    for index, label in enumerate(manifest.labels):
        one = evaluation.species.get(index)
        threshold = f"{manifest.thresholds.get(label.scientific, manifest.default_min_confidence):.2f}"
        name = [f"*{label.scientific}*", label.common]
        if one is None:
            rows.append([*name, "0", *["unknown"] * 5, threshold])
        else:
            others = [
                f"{value:.2f}" if value is not None else "" for value in (one.average_precision, one.auroc, one.f1)
            ]
            rows.append([*name, str(one.recordings), _value(one.top1), f"{one.top5:.2f}", *others, threshold])
    head = ["species", "", "recordings tested", "first", "among first five", "average precision", "AUROC", "F1"]
    return "Per recording; the interval of the first is by Wilson.\n\n" + table([*head, "least confidence"], rows)


def _confusions(manifest: ModelManifest, evaluation: Evaluation) -> str:
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    totals = evaluation.confusion.sum(axis=1)
    pairs = sorted(np.argwhere(wrong).tolist(), key=lambda pair: (-wrong[*pair], -wrong[*pair] / totals[pair[0]], pair))
    if not pairs:
        return "No recording was taken for another species."
    rows = [
        [
            f"*{manifest.labels[true].scientific}*",
            f"*{manifest.labels[said].scientific}*",
            f"{wrong[true, said]} of {totals[true]}",
            str(wrong[said, true]),
        ]
        for true, said in pairs[:_CONFUSIONS]
    ]
    more = f" the {len(rows)} commonest of {len(pairs)} confusions" if len(pairs) > len(rows) else " all confusions"
    return f"Recordings whose first-ranked species is another one:{more}.\n\n" + table(
        ["is", "was taken for", "recordings", "and the other way round"], rows
    )


def _calibration(manifest: ModelManifest, evaluation: Evaluation) -> str:
    own = len(manifest.thresholds)
    return (
        f"Temperature {manifest.temperature:.2f} (above 1, the network was too sure of itself; below, too modest). A "
        "detection is reported from a confidence of "
        f"{manifest.default_min_confidence:.2f} on, where F1 is best"
        + (
            f"; {own} species with {LEAST_RECORDINGS} recordings or more have a threshold of their own, see above."
            if own
            else f". No species has a threshold of its own: that takes {LEAST_RECORDINGS} held-out recordings."
        )
        + f" First-ranked species per recording: ECE {evaluation.reliability_before.error:.3f} before, "
        f"{evaluation.reliability.error:.3f} after calibration."
    )


def _rejection(manifest: ModelManifest) -> str:
    rejection = manifest.rejection
    if rejection is None or not rejection.unknown:
        return "Not tested: the training was given no unknown sounds."
    rows = [
        [
            cell(one.name),
            str(one.recordings),
            _value(one.auroc),
            _value(one.slice_auroc),
            _value(one.refused),
            _value(one.slices_refused),
        ]
        for one in rejection.unknown
    ]
    head = [
        "unknown sounds",
        "recordings",
        "AUROC per recording",
        "AUROC per slice",
        "recordings refused",
        "slices refused",
    ]
    return (
        "Sounds that no network was trained on, against held-out recordings of the known species: AUROC is the mean "
        "over folds. Refused is what has less energy (how far the logits stand out) than the threshold that is to keep "
        f"{100 * rejection.wanted:.0f} % of the known; on others than it was set on it kept {_value(rejection.kept)} "
        f"of the recordings and {_value(rejection.slices_kept)} of the slices.\n\n" + table(head, rows)
    )
