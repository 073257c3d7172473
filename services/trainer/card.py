"""The model card: what a model knows, how well, from whose recordings, and what it must not be used for."""

from collections.abc import Sequence
from typing import Any

from services.trainer.card_evaluation import evaluation_parts
from services.trainer.evaluate import Evaluation
from services.trainer.markdown import cell, picture, table
from shared.licences import CREATIVE_COMMONS, licence_of
from shared.model_file import ModelManifest


def render_card(
    manifest: ModelManifest, evaluation: Evaluation | None, warnings: Sequence[str], proofs: Sequence[str] = ()
) -> str:
    """The card as Markdown; its pictures lie beside it. `proofs` say what the model's files were proved by."""
    parts = [f"# {manifest.name}, version {manifest.version}", _summary(manifest), "## How good it is"]
    if evaluation is None:
        parts += ["Unknown: there were too few recordings or recordists to hold any out."]
    else:
        parts += evaluation_parts(manifest, evaluation)
    parts += ["## What it is not good for", _limits(manifest)]
    if warnings:
        parts += ["## Warnings from the training", "\n".join(f"- {warning}" for warning in warnings)]
    if proofs:
        parts += ["## Its files", "\n".join(f"- {proof}" for proof in proofs)]
    parts += ["## How it was made", _making(manifest), picture("curves", "learning curves")]
    parts += ["## Recordings it was trained on", _credits(manifest)]
    return "\n\n".join(parts) + "\n"


def _summary(manifest: ModelManifest) -> str:
    return (
        f"Tells {len(manifest.labels)} species apart by their sound. Network `{manifest.network}`, "
        f"{manifest.sample_rate:,} Hz mono, windows of {manifest.window_seconds:g} s "
        f"every {manifest.step_seconds:g} s, trained on {manifest.dataset.recordings} recordings "
        f"({manifest.dataset.slices} windows), {manifest.created:%-d %B %Y}."
    )


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
            *_origin(training.get("start_from")),
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


def _origin(start: Any) -> list[str]:
    if not start:
        return []
    return [
        f"- Started from the weights of {start['name']} version {start['version']}, file sha256 `{start['sha256']}`, "
        f"which had learnt from {start['recordings']} recordings; they are listed below with this model's own."
    ]


def _credits(manifest: ModelManifest) -> str:
    licences = sorted({credit.licence or "" for credit in manifest.recordings})
    sources = sorted(manifest.recordings, key=lambda c: (c.species, c.xc_id or "", c.sha256))
    rows = [
        [
            f"*{cell(c.species)}*",
            _source(c.xc_id, c.sha256),
            cell(c.recordist or "unknown"),
            _licence(c.licence or ""),
        ]
        for c in sources
    ]
    named = ", ".join(dict.fromkeys(map(_licence, licences)))
    return f"Licences: {named}. Thanks to everyone who recorded and shared them.\n\n" + (
        table(["species", "recording", "recordist", "licence"], rows)
    )


def _licence(given: str) -> str:
    """By its name, with its address where that is one of Creative Commons: what else a source wrote is no link."""
    licence = licence_of(given)
    known = licence.url.startswith(f"{CREATIVE_COMMONS}/")
    return f"[{licence.name}]({licence.url})" if known else cell(given or "unknown")


def _source(xc_id: str | None, sha256: str) -> str:
    return f"[XC{cell(xc_id)}](https://xeno-canto.org/{cell(xc_id)})" if xc_id else f"sha256 `{sha256[:12]}`"
