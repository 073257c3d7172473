"""From a query to parameters: what it leaves out is the model's, and names are those of the model's species."""

from collections.abc import Iterable
from difflib import get_close_matches

from services.inference.schemas import ClassifyQuery, Parameters
from shared.errors import InvalidInput
from shared.model_file import Label, ModelManifest
from shared.species import folded, resolve


class Names:
    """The species of a model, by any name that they go by."""

    def __init__(self, labels: Iterable[Label]) -> None:
        self._by_name: dict[str, str] = {}
        self._written: dict[str, str] = {}
        for label in labels:
            for name in (label.scientific, label.common, *resolve(label.scientific)):
                if name:
                    self._by_name.setdefault(folded(name), label.scientific)
                    self._written.setdefault(folded(name), name)

    def find(self, name: str) -> str:
        """The scientific name of the label that `name` means, in any language the library knows.

        Raises InvalidInput, with the nearest names, when it is none of them.
        """
        found = self._by_name.get(folded(name)) or self._by_name.get(folded(resolve(name).scientific))
        if found is None:
            near = [self._written[one] for one in get_close_matches(folded(name), self._by_name, n=3)]
            hint = f"Did you mean {' or '.join(near)}?" if near else "GET /models/{name}/{version} lists its species."
            raise InvalidInput(f"This model knows no species {name[:80]!r}.", hint=hint)
        return found


def parameters_of(query: ClassifyQuery, manifest: ModelManifest, names: Names) -> Parameters:
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
        thresholds={**(manifest.thresholds if own else {}), **dict(_threshold(one, names) for one in query.threshold)},
        merge=query.merge,
        species=_species(query.species, names),
        latitude=query.latitude,
        longitude=query.longitude,
        date=query.date,
        unexpected=query.unexpected,
    )


def _threshold(given: str, names: Names) -> tuple[str, float]:
    name, _, number = given.rpartition(":")
    try:
        confidence = float(number)
    except ValueError:
        confidence = -1.0
    if not name or not 0 <= confidence <= 1:
        raise InvalidInput(
            f"threshold: {given[:100]!r} is no species with a confidence from 0 to 1.",
            hint="Write it like threshold=Turdus merula:0.4",
        )
    return names.find(name), confidence


def _species(given: list[str], names: Names) -> list[str] | None:
    wanted = [name for one in given for name in one.split(",") if name.strip()]
    if given and not wanted:
        raise InvalidInput("species: no species is named.", hint="Leave it out, or write it like species=Turdus merula")
    return sorted({names.find(name) for name in wanted}) if wanted else None
