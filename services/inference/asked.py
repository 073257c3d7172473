"""From a query to parameters: what it leaves out is the model's, and names are those of the model's species."""

from collections.abc import Sequence

from services.inference.schemas import ClassifyQuery, Parameters
from services.inference.species_lists import parse_species_list
from shared.errors import InvalidInput
from shared.model_file import Label, ModelManifest


def parameters_of(query: ClassifyQuery, manifest: ModelManifest) -> Parameters:
    """The query with the model's defaults filled in.

    Raises InvalidInput when the step would leave gaps between the model's windows, for a species that is none of the
    model's, and for a threshold that is none.
    """
    step = manifest.step_seconds if query.step is None else query.step
    if step > manifest.window_seconds:
        raise InvalidInput(
            f"step: {step:g} s would leave gaps between this model's windows of {manifest.window_seconds:g} s.",
            hint=f"Use a step of at most {manifest.window_seconds:g} s.",
        )
    own = query.min_confidence is None
    return Parameters(
        step=step,
        min_confidence=manifest.default_min_confidence if query.min_confidence is None else query.min_confidence,
        top_k=query.top_k,
        thresholds={**(manifest.thresholds if own else {}), **_thresholds(query.threshold, manifest.labels)},
        merge=query.merge,
        species=_species(query.species, manifest.labels),
        latitude=query.latitude,
        longitude=query.longitude,
        date=query.date,
        unexpected=query.unexpected,
    )


def _thresholds(given: Sequence[str], labels: Sequence[Label]) -> dict[str, float]:
    thresholds: dict[str, float] = {}
    for one in given:
        name, _, number = one.rpartition(":")
        try:
            confidence = float(number)
        except ValueError:
            confidence = -1.0
        if not name.strip() or not 0 <= confidence <= 1:
            raise InvalidInput(
                f"threshold: {one[:100]!r} is no species with a confidence from 0 to 1.",
                hint="Write it like threshold=Turdus merula:0.4",
            )
        thresholds |= dict.fromkeys(named([name], labels), confidence)
    return thresholds


def _species(given: Sequence[str], labels: Sequence[Label]) -> list[str] | None:
    names = [name for one in given for name in one.split(",") if name.strip()]
    if given and not names:
        raise InvalidInput("species: no species is named.", hint="Leave it out, or write it like species=Turdus merula")
    return sorted(named(names, labels)) if names else None


def named(names: Sequence[str], labels: Sequence[Label]) -> list[str]:
    """Scientific names of the labels that are meant, in any language the library knows, or as BirdNET writes them.

    Raises InvalidInput, with the nearest names, where one is none of the model's species.
    """
    found = parse_species_list("\n".join(names), labels)
    for line in (*found.unknown, *found.not_heard):
        near = f"Did you mean {' or '.join(line.nearest[:3])}?" if line.nearest else ""
        raise InvalidInput(
            f"This model knows no species {line.text[:80]!r}.",
            hint=near or "GET /models/{name}/{version} lists its species.",
        )
    return list(found.species)
