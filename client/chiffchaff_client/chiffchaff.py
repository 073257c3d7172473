"""A running Chiffchaff, as a Python program sees it."""

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self

from chiffchaff_client.attributions import Attributions
from chiffchaff_client.bodies import Raw, Sound
from chiffchaff_client.classification import Classification
from chiffchaff_client.datasets import Datasets
from chiffchaff_client.ingestions import Ingestions
from chiffchaff_client.jobs import Jobs
from chiffchaff_client.keys import Keys
from chiffchaff_client.models import Models
from chiffchaff_client.recordings import Recordings
from chiffchaff_client.species import SpeciesOfLibrary
from chiffchaff_client.storage import Storage
from chiffchaff_client.trainings import Trainings
from chiffchaff_client.transport import LONG_SECONDS, Call, Transport

KEY_VARIABLE: Final = "CHIFFCHAFF_API_KEY"
DEFAULT_URL: Final = "http://127.0.0.1:8000"


class Chiffchaff:
    """Talks to a running Chiffchaff over connections that it keeps until it is closed; use it in a `with` statement.

    Any number of threads may share one. What goes wrong is a `ChiffchaffError`, which says what would help.

    Args:
        url: where it runs.
        key: an API key, where one is asked for; else the environment variable CHIFFCHAFF_API_KEY.
        patience: seconds to wait, for each request in all, where the server is asked too often or is just starting.
        seconds: after which a server that says nothing is given up; uploads and downloads have ten minutes.
    """

    def __init__(
        self, url: str = DEFAULT_URL, key: str | None = None, *, patience: float = 60.0, seconds: float = 30.0
    ) -> None:
        sent = (os.environ.get(KEY_VARIABLE, "") if key is None else key).strip()
        self._transport = Transport(url, sent, seconds=seconds, patience=patience)
        self.models = Models(self._transport)
        self.species = SpeciesOfLibrary(self._transport)
        self.recordings = Recordings(self._transport)
        self.ingestions = Ingestions(self._transport)
        self.jobs = Jobs(self._transport)
        self.datasets = Datasets(self._transport)
        self.trainings = Trainings(self._transport)
        self.attributions = Attributions(self._transport)
        self.keys = Keys(self._transport)
        self.storage = Storage(self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def classify(
        self,
        recording: Sound,
        *,
        top_k: int | None = None,
        min_confidence: float | None = None,
        thresholds: Mapping[str, float] | None = None,
        species: Sequence[str] | None = None,
        step: float | None = None,
        merge: float | None = None,
        latitude: float | None = None,
        longitude: float | None = None,
        date: datetime.date | str | None = None,
        unexpected: Literal["flag", "drop"] | None = None,
        model: str | None = None,
    ) -> Classification:
        """Who sings in a recording, and when. What is left out is taken from the model.

        Args:
            recording: the path of a file, its content, or a file opened for reading bytes; sent piece by piece.
            top_k: how many species the ranking names at most.
            min_confidence: least confidence of a detection, 0..1.
            thresholds: the same for single species, by name.
            species: name only these, by scientific or common name.
            step: seconds from one window of the model to the next.
            merge: join detections of one species that are at most so many seconds apart.
            latitude, longitude, date: where (degrees north and east) and when it was recorded.
            unexpected: what becomes of species that are not expected there and then: `flag` or `drop` them.
            model: instead of the active one: `garden-birds`, or `garden-birds:2`.
        """
        parameters = {
            "top_k": top_k,
            "min_confidence": min_confidence,
            "threshold": [f"{name}:{least}" for name, least in (thresholds or {}).items()],
            "species": species,
            "step": step,
            "merge": merge,
            "latitude": latitude,
            "longitude": longitude,
            "date": date,
            "unexpected": unexpected,
            "model": model,
        }
        # It changes nothing, so it may be sent twice.
        call = Call("POST", "/classify", parameters, Raw(recording), seconds=LONG_SECONDS, repeatable=True)
        return self._transport.read(call, Classification)
