"""The model card: what a model knows, how well, from whose recordings, and what it must not be used for."""

from collections.abc import Sequence

from services.trainer.evaluate import Evaluation
from shared.model_file import Metric, ModelManifest

_FIGURES = {
    "macro_top1": "right species first, mean over species",
    "top1": "right species first, mean over recordings",
    "top5": "right species among the first five",
    "window_top1": "right species first, per window, mean over recordings",
    "ece_before": "expected calibration error before calibration",
    "ece": "expected calibration error",
}


def render_card(
    manifest: ModelManifest, evaluation: Evaluation | None, warnings: Sequence[str], proofs: Sequence[str] = ()
) -> str:
    """The card as Markdown. `proofs` say what the model's files were proved by."""
    parts = [
        f"# {manifest.name}, version {manifest.version}",
        _summary(manifest),
        "## How good it is",
        _accuracy(manifest, evaluation),
        "## What it is not good for",
        _limits(manifest),
    ]
    if warnings:
        parts += ["## Warnings from the training", "\n".join(f"- {warning}" for warning in warnings)]
    if proofs:
        parts += ["## Its files", "\n".join(f"- {proof}" for proof in proofs)]
    parts += ["## How it was made", _making(manifest), "## Recordings it was trained on", _credits(manifest)]
    return "\n\n".join(parts) + "\n"


def _summary(manifest: ModelManifest) -> str:
    return (
        f"Tells {len(manifest.labels)} species apart by their sound. Network `{manifest.network}`, "
        f"{manifest.sample_rate:,} Hz mono, windows of {manifest.window_seconds:g} s "
        f"every {manifest.step_seconds:g} s, trained on {manifest.dataset.recordings} recordings "
        f"({manifest.dataset.slices} windows), {manifest.created:%-d %B %Y}."
    )


def _accuracy(manifest: ModelManifest, evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "Unknown: there were too few recordings or recordists to hold any out."
    folds = manifest.training.get("folds", 0)
    how = (
        f"Cross-validated: {folds} networks were trained, each without one part of the recordists, and judged on that "
        "part. The model in this file was then trained in the same way on everything; it has heard all of these "
        "recordings, so only the figures below say what to expect on others."
        if folds
        else "Judged on the recordings of recordists that were held out of the training."
    )
    tested = sum(result.recordings for result in evaluation.species.values())
    lines = [
        how,
        "",
        f"{tested} recordings, no recordist on both sides. 95 % intervals by bootstrap over recordings.",
        "",
        "| figure | value | 95 % interval |",
        "|---|---|---|",
        *(f"| {text} | {_value(manifest.metrics[key])} |" for key, text in _FIGURES.items() if key in manifest.metrics),
        "",
        "| species | | recordings tested | first | among first five |",
        "|---|---|---|---|---|",
    ]
    for index, label in enumerate(manifest.labels):
        result = evaluation.species.get(index)
        figures = f"{result.recordings} | {result.top1:.2f} | {result.top5:.2f}" if result else "0 | unknown | unknown"
        lines.append(f"| *{label.scientific}* | {label.common} | {figures} |")
    return "\n".join(lines)


def _value(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return f"{metric.value:.3f} | "
    return f"{metric.value:.3f} | {metric.low:.3f} to {metric.high:.3f}"


def _limits(manifest: ModelManifest) -> str:
    return "\n".join(
        [
            f"- It knows these {len(manifest.labels)} species and no other: any other bird, animal or machine is "
            "taken for one of them, sometimes with confidence.",
            "- The figures are for short recordings that a person made of one bird. On recorders left outdoors, with "
            "distant birds and several at once, expect clearly less.",
            "- Calls and songs of regions, ages and seasons that the recordings lack may not be known.",
            "- Not for decisions about protected species, planning or law without a person who has listened.",
        ]
    )


def _making(manifest: ModelManifest) -> str:
    training, front_end = manifest.training, manifest.front_end
    return "\n".join(
        [
            f"- Dataset `{manifest.dataset.id}`, sha256 `{manifest.dataset.sha256}`.",
            f"- Front end `{front_end.get('name')}`: {front_end.get('n_mels')} mel bands from "
            f"{front_end.get('fmin'):g} to {front_end.get('fmax'):g} Hz, FFT {front_end.get('n_fft')}, "
            f"hop {front_end.get('hop')}, {front_end.get('compression')}.",
            f"- {training.get('epochs')} epochs, {training.get('loss')} loss, seed {training.get('seed')}; "
            "everything else stands in `model.json` inside the model file.",
            f"- Confidences: {manifest.activation}, temperature {manifest.temperature:.2f}; a recording's confidence "
            f"is the {manifest.pooling}. Least confidence to report, unless asked otherwise: "
            f"{manifest.default_min_confidence:.2f}.",
            f"- Weights sha256 `{manifest.weights_sha256}`. "
            + ", ".join(f"{name} {version}" for name, version in sorted(manifest.libraries.items()))
            + ".",
        ]
    )


def _credits(manifest: ModelManifest) -> str:
    licences = sorted({credit.licence or "unknown" for credit in manifest.recordings})
    rows = sorted(manifest.recordings, key=lambda c: (c.species, c.xc_id or "", c.sha256))
    return "\n".join(
        [
            f"Licences: {', '.join(licences)}. Thanks to everyone who recorded and shared them.",
            "",
            "| species | recording | recordist | licence |",
            "|---|---|---|---|",
            *(
                f"| *{_cell(c.species)}* | {_source(c.xc_id, c.sha256)} | {_cell(c.recordist or 'unknown')} | "
                f"{_cell(c.licence or 'unknown')} |"
                for c in rows
            ),
        ]
    )


def _source(xc_id: str | None, sha256: str) -> str:
    return f"[XC{_cell(xc_id)}](https://xeno-canto.org/{_cell(xc_id)})" if xc_id else f"sha256 `{sha256[:12]}`"


def _cell(text: str) -> str:
    """Names come from outside: nothing in them may break the table or become markup."""
    clean = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\|<>[]`*_" else letter for letter in clean)
