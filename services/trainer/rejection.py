"""Whether the networks tell sounds that they know from sounds that they do not, and where to draw the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torchmetrics.functional.classification import binary_auroc, binary_roc

from services.trainer.heard import ABSENT, THERE, Activation, Booleans, Floats, Heard, Integers, Table
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
    kept: Floats
    """(201,), at shares 0, 0.005, ... 1 of the unknown."""


@dataclass(frozen=True)
class _Scores:
    """Scores with the recording of each, both (n,)."""

    scores: Floats
    recording: Integers


@dataclass(frozen=True)
class _Known:
    """The energies of the held-out recordings, by the network that had not been trained on them."""

    wholes: Floats
    """(heard,)"""
    slices: list[Floats]
    """Of each heard (slices,)."""
    recording: Integers
    fold: Integers

    @property
    def folds(self) -> list[int]:
        return [int(fold) for fold in np.unique(self.fold)]

    def recordings_of(self, fold: int) -> _Scores:
        return _Scores(self.wholes[self.fold == fold], self.recording[self.fold == fold])

    def slices_of(self, fold: int) -> _Scores:
        mine = np.flatnonzero(self.fold == fold).tolist()
        return _joined([self.slices[i] for i in mine], self.recording[mine])


def judge_rejection(
    heard: Sequence[Heard], activation: Activation, parts: Sequence[int], sets: Sequence[HeardSet], seed: int = 0
) -> tuple[Rejection, list[Curve]]:
    """Set the thresholds on the known recordings `heard`, and look at what they refuse of the unknown ones.

    AUROC is that of each fold's network, on known recordings that it had not been trained on, mean over folds. What is
    refused is what the final network refuses. `parts` are those of `calibrate.parts_of`: what is kept is judged with a
    threshold that was set on the other parts.
    """
    known = _Known(
        np.array([recording_energy(h.logits, activation) for h in heard]),
        [energy(h.slices, activation) for h in heard],
        np.array([h.recording for h in heard]),
        np.array([h.fold for h in heard]),
    )
    thresholds = _threshold(known.wholes), _threshold(np.concatenate(known.slices))
    judged = [_judge(one, known, thresholds, seed) for one in sets]
    kept, slices_kept = _kept(known, parts)
    rejection = Rejection(
        recording_threshold=thresholds[0],
        window_threshold=thresholds[1],
        wanted=KEEP,
        kept=share(int(kept.sum()), len(kept)),
        slices_kept=share_of_rows(slices_kept, np.repeat(known.recording, list(map(len, known.slices))), seed),
        unknown=tuple(unknown for unknown, _ in judged),
    )
    return rejection, [curve for _, curve in judged]


def _judge(one: HeardSet, known: _Known, thresholds: tuple[float, float], seed: int) -> tuple[UnknownSounds, Curve]:
    by_recording = {fold: (known.recordings_of(fold), _recordings(one.by_fold[fold])) for fold in known.folds}
    by_slice = {fold: (known.slices_of(fold), _slices(one.by_fold[fold])) for fold in known.folds}
    final, final_slices = _recordings(one.final), _slices(one.final)
    with_slices = len(final_slices.scores) > 0
    auroc = _auroc(by_recording, seed)
    unknown = UnknownSounds(
        name=one.name,
        dataset_sha256=one.dataset_sha256,
        recordings=one.recordings,
        auroc=auroc,
        slice_auroc=_auroc(by_slice, seed) if with_slices else None,
        refused=share(int((final.scores < thresholds[0]).sum()), len(final.scores)),
        slices_refused=share_of_rows(final_slices.scores < thresholds[1], final_slices.recording, seed)
        if with_slices
        else None,
    )
    return unknown, Curve(one.name, np.mean([_kept_by_unknown(*pair) for pair in by_recording.values()], axis=0))


def _threshold(scores: Floats) -> float:
    """What `KEEP` of the scores reach; of few scores, the next lower one."""
    return float(np.quantile(scores, 1 - KEEP, method="lower"))


def _kept(known: _Known, parts: Sequence[int]) -> tuple[Booleans, Booleans]:
    """Which known recordings and slices reach the threshold that the other parts set; their own where there is but one
    part."""
    part_of = np.array(parts)
    kept = np.zeros(len(known.wholes), dtype=bool)
    slices_kept = [np.zeros(len(one), dtype=bool) for one in known.slices]
    for part in np.unique(part_of):
        mine = part_of == part
        others = ~mine if not mine.all() else mine
        kept[mine] = known.wholes[mine] >= _threshold(known.wholes[others])
        least = _threshold(np.concatenate([known.slices[i] for i in np.flatnonzero(others).tolist()]))
        for index in np.flatnonzero(mine).tolist():
            slices_kept[index] = known.slices[index] >= least
    return kept, np.concatenate(slices_kept)


def _recordings(strangers: Sequence[Stranger]) -> _Scores:
    return _Scores(np.array([s.energy for s in strangers]), np.array([s.recording for s in strangers]))


def _slices(strangers: Sequence[Stranger]) -> _Scores:
    return _joined([s.slice_energies for s in strangers], [s.recording for s in strangers])


def _joined(scores: Sequence[Floats], recordings: Sequence[int] | Integers) -> _Scores:
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
