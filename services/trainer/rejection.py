"""Whether the networks tell sounds that they know from sounds that they do not, and where to draw the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.classification import binary_auroc, binary_roc

from services.trainer.heard import ABSENT, THERE, Floats, Heard, Integers, Table
from services.trainer.intervals import Rankings, affordable, share, share_of_rows, spread, weights
from services.trainer.unknown import HeardSet, Stranger
from shared.metric import Metric
from shared.rejection import Rejection, UnknownSounds, energy, recording_energy

KEEP = 0.95
"""Share of known recordings that the threshold is to keep."""
GRID = np.linspace(0, 1, 201)


@dataclass(frozen=True)
class Curve:
    """Share of known recordings that is kept, by the share of unknown ones that is kept too; mean over folds."""

    name: str
    auroc: float
    kept: Floats
    """(201,), at shares 0, 0.005, ... 1 of the unknown."""


@dataclass(frozen=True)
class _Scores:
    """Scores with the recording of each, both (n,)."""

    scores: Floats
    recording: Integers


def judge_rejection(
    heard: Sequence[Heard], parts: Sequence[int], sets: Sequence[HeardSet], seed: int = 0
) -> tuple[Rejection, list[Curve]]:
    """Set the thresholds on the known recordings `heard`, and look at what they refuse of the unknown ones.

    AUROC is that of each fold's network, on known recordings that it had not been trained on, mean over folds. What is
    refused is what the final network refuses. `parts` are those of `calibrate.parts_of`: what is kept is judged with a
    threshold that was set on the other parts.
    """
    wholes = np.array([recording_energy(h.logits) for h in heard])
    slices = [energy(h.slices) for h in heard]
    of_recording, of_window = _threshold(wholes), _threshold(np.concatenate(slices))
    kept, slices_kept = _kept(wholes, slices, parts)
    folds = sorted({h.fold for h in heard})
    curves, unknown = [], []
    for one in sets:
        by_recording, by_slice, curve = {}, {}, []
        for fold in folds:
            mine = [i for i, h in enumerate(heard) if h.fold == fold]
            strangers = one.by_fold[fold]
            known = _Scores(wholes[mine], np.array([heard[i].recording for i in mine]))
            by_recording[fold] = known, _recordings(strangers)
            by_slice[fold] = _joined([slices[i] for i in mine], list(known.recording)), _slices(strangers)
            curve.append(_kept_by_unknown(*by_recording[fold]))
        auroc = _auroc(by_recording, seed)
        curves.append(Curve(one.name, auroc.value, np.mean(curve, axis=0)))
        final, final_slices = _recordings(one.final), _slices(one.final)
        unknown.append(
            UnknownSounds(
                name=one.name,
                dataset_sha256=one.dataset_sha256,
                recordings=one.recordings,
                auroc=auroc,
                slice_auroc=_auroc(by_slice, seed) if len(final_slices.scores) else None,
                refused=share(int((final.scores < of_recording).sum()), len(final.scores)),
                slices_refused=_refused_slices(final_slices, of_window, seed),
            )
        )
    rejection = Rejection(
        recording_threshold=of_recording,
        window_threshold=of_window,
        wanted=KEEP,
        kept=share(int(kept.sum()), len(kept)),
        slices_kept=share_of_rows(slices_kept, np.repeat(np.arange(len(slices)), list(map(len, slices))), seed),
        unknown=tuple(unknown),
    )
    return rejection, curves


def _threshold(scores: Floats) -> float:
    """What `KEEP` of the scores reach; of few scores, the next lower one."""
    return float(np.quantile(scores, 1 - KEEP, method="lower"))


def _kept(
    wholes: Floats, slices: Sequence[Floats], parts: Sequence[int]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which known recordings and slices reach the threshold that the other parts set; their own where there is but one
    part."""
    part_of = np.array(parts)
    kept = np.zeros(len(wholes), dtype=bool)
    slices_kept = [np.zeros(len(one), dtype=bool) for one in slices]
    for part in np.unique(part_of):
        mine = part_of == part
        others = ~mine if not mine.all() else mine
        kept[mine] = wholes[mine] >= _threshold(wholes[others])
        least = _threshold(np.concatenate([slices[i] for i in np.flatnonzero(others).tolist()]))
        for index in np.flatnonzero(mine).tolist():
            slices_kept[index] = slices[index] >= least
    return kept, np.concatenate(slices_kept)


def _refused_slices(final: _Scores, least: float, seed: int) -> Metric | None:
    return share_of_rows(final.scores < least, final.recording, seed) if len(final.scores) else None


def _recordings(strangers: Sequence[Stranger]) -> _Scores:
    return _Scores(np.array([s.energy for s in strangers]), np.array([s.recording for s in strangers]))


def _slices(strangers: Sequence[Stranger]) -> _Scores:
    return _joined([s.slice_energies for s in strangers], [s.recording for s in strangers])


def _joined(scores: Sequence[Floats], recordings: Sequence[int]) -> _Scores:
    return _Scores(np.concatenate(scores), np.repeat(np.array(recordings), list(map(len, scores))))


def _auroc(by_fold: Mapping[int, tuple[_Scores, _Scores]], seed: int) -> Metric:
    """Mean over folds, with an interval by drawing known and unknown recordings again."""
    known = np.unique(np.concatenate([mine.recording for mine, _ in by_fold.values()]))
    unknown = np.unique(np.concatenate([theirs.recording for _, theirs in by_fold.values()]))
    values, tables = [], []
    for mine, theirs in by_fold.values():
        truth = np.repeat([THERE, ABSENT], [len(mine.scores), len(theirs.scores)]).astype(np.int8)
        ranks = _ranks(np.concatenate([mine.scores, theirs.scores]))
        of = [np.searchsorted(known, mine.recording), len(known) + np.searchsorted(unknown, theirs.recording)]
        values.append(float(binary_auroc(torch.from_numpy(ranks), torch.from_numpy(truth))))
        column = ranks[:, None]
        tables.append(Rankings(Table(column, column, truth[:, None], np.zeros(len(truth), int), np.concatenate(of))))
    total = len(known) + len(unknown)
    count = affordable(total * sum(table.positives for table in tables))
    drawn = [
        np.mean([table.resampled(block)[1][:, 0] for table in tables], axis=0) for block in weights(total, count, seed)
    ]
    folds = tuple(values) if len(values) > 1 else ()
    return spread(float(np.mean(values)), np.concatenate(drawn)).model_copy(update={"folds": folds})


def _kept_by_unknown(known: _Scores, unknown: _Scores) -> Floats:
    """Share of the known that is kept where a share of `GRID` of the unknown is, (201,)."""
    truth = np.repeat([1, 0], [len(known.scores), len(unknown.scores)])
    ranks = _ranks(np.concatenate([known.scores, unknown.scores]))
    of_unknown, of_known, _ = binary_roc(torch.from_numpy(ranks), torch.from_numpy(truth))
    kept: Floats = np.interp(GRID, of_unknown.numpy(), of_known.numpy())
    return kept


def _ranks(scores: Floats) -> npt.NDArray[np.float32]:
    """The same order within 0..1: torchmetrics takes what lies outside for logits, and rounds large ones together."""
    distinct, places = np.unique(scores, return_inverse=True)
    return (places / len(distinct)).astype(np.float32)
