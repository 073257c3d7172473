"""Which of the recordings that a search found are to come in, why the others are not, and how much that is."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.ingest.xeno_canto.records import Record
from services.ingest.xeno_canto.source import XenoCantoSource
from shared.licences import licence_of

BEST_FIRST = ("A", "B", None, "C", "D", "E")
"""What nobody rated is usually neither among the best nor bad."""
UNRATED = "unrated"

LEFT_OUT = {
    "no-species": "It names no single species: a soundscape, a hybrid, or a bird that nobody could name.",
    "quality": "Its quality is not among those asked for.",
    "no-derivatives": "Its licence allows no derivatives; no_derivatives: include (--no-derivatives) takes such too.",
    "over-the-cap": "There are enough of its species that are better, or in the library already.",
}
REFUSED = {
    "unknown-licence": "Its licence is none of Creative Commons.",
    "no-file": "Xeno-canto keeps its file back, as for species that are hunted.",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the choice needs of a record; `row` is its ingestion item."""

    row: int
    number: int
    species: str | None
    english: str
    quality: str | None
    seconds: float | None
    licence: str | None
    estimated_bytes: int
    has_file: bool

    @classmethod
    def of(cls, row: int, record: Record) -> "Candidate":
        return cls(
            row=row,
            number=int(record.number or 0),
            species=record.species,
            english=record.english,
            quality=record.quality,
            seconds=record.seconds,
            licence=record.licence,
            estimated_bytes=record.estimated_bytes,
            has_file=bool(record.file),
        )

    @property
    def rank(self) -> tuple[int, float, int]:
        """The lower, the better; the same for the same record, always."""
        return BEST_FIRST.index(self.quality), -(self.seconds or 0.0), self.number


@dataclass
class Choice:
    """What is to be downloaded, and for each of the rest the reason's code."""

    chosen: list[Candidate] = field(default_factory=list)
    known: list[Candidate] = field(default_factory=list)
    left_out: list[tuple[Candidate, str]] = field(default_factory=list)


def choose(candidates: Iterable[Candidate], source: XenoCantoSource, known: Collection[int]) -> Choice:
    """Sorts the candidates. What is `known`, by its number, counts towards the cap of its species."""
    choice = Choice()
    by_species: dict[str, list[Candidate]] = defaultdict(list)
    taken: Counter[str] = Counter()
    for one in candidates:
        if one.number in known:
            choice.known.append(one)
            taken[one.species or ""] += 1
        elif reason := _unfit(one, source):
            choice.left_out.append((one, reason))
        else:
            by_species[one.species or ""].append(one)
    for name, fit in by_species.items():
        fit.sort(key=lambda one: one.rank)
        room = len(fit) if source.max_per_species is None else max(0, source.max_per_species - taken[name])
        choice.chosen += fit[:room]
        choice.left_out += [(one, "over-the-cap") for one in fit[room:]]
    choice.chosen.sort(key=lambda one: one.row)
    return choice


def summary(choice: Choice, *, found: int, listed: int) -> dict[str, Any]:
    """What a person is told before anything is downloaded. Sizes are estimates.

    Args:
        found: how many the search has, by Xeno-canto's own count.
        listed: how many different ones it gave.
    """
    chosen = choice.chosen
    return {
        "found": found,
        "listed": listed,
        "chosen": len(chosen),
        "known": len(choice.known),
        "hours": _hours(chosen),
        "estimated_bytes": sum(one.estimated_bytes for one in chosen),
        "of_unknown_length": sum(one.seconds is None for one in chosen),
        "species": _by_species(chosen),
        "quality": {grade or UNRATED: n for grade in BEST_FIRST if (n := sum(one.quality == grade for one in chosen))},
        "licences": dict(Counter(str(one.licence) for one in chosen).most_common()),
        "left_out": _reasons(Counter(reason for _, reason in choice.left_out)),
    }


def _unfit(one: Candidate, source: XenoCantoSource) -> str:
    """The code of the reason why it cannot come in; empty when it can."""
    if one.species is None:
        return "no-species"
    if one.quality not in source.accepted_qualities:
        return "quality"
    if one.licence is None:
        return "unknown-licence"
    if source.no_derivatives == "exclude" and licence_of(one.licence).no_derivatives:
        return "no-derivatives"
    return "" if one.has_file else "no-file"


def _by_species(chosen: Iterable[Candidate]) -> dict[str, Any]:
    found: dict[str, list[Candidate]] = defaultdict(list)
    for one in chosen:
        found[one.species or ""].append(one)
    return {
        name: {"common_name": ones[0].english, "recordings": len(ones), "hours": _hours(ones)}
        for name, ones in sorted(found.items())
    }


def _hours(ones: Iterable[Candidate]) -> float:
    return round(sum(one.seconds or 0.0 for one in ones) / 3_600, 3)


def _reasons(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    reasons = LEFT_OUT | REFUSED
    return [{"code": code, "recordings": counts[code], "reason": reasons[code]} for code in reasons if counts[code]]
