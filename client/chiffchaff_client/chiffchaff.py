"""A running Chiffchaff, as a Python program sees it."""

import os
from typing import Final, Self, Unpack

from chiffchaff_client.analyses import Analyses
from chiffchaff_client.attributions import Attributions
from chiffchaff_client.bodies import Raw, Sound
from chiffchaff_client.classification import Asked, Classification, parameters_of
from chiffchaff_client.datasets import Datasets
from chiffchaff_client.ingestions import Ingestions
from chiffchaff_client.jobs import Jobs
from chiffchaff_client.keys import Keys
from chiffchaff_client.models import Models
from chiffchaff_client.recordings import Recordings
from chiffchaff_client.reviews import Reviews
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
        self.analyses = Analyses(self._transport)
        self.reviews = Reviews(self._transport)
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

    def classify(self, recording: Sound, **asked: Unpack[Asked]) -> Classification:
        """Who sings in a recording, and when.

        Args:
            recording: the path of a file, its content, or a file opened for reading bytes; sent piece by piece.
            asked: as `Asked` says.
        """
        # It changes nothing, so it may be sent twice.
        body = Raw(recording)
        call = Call("POST", "/classify", parameters_of(asked), body, seconds=LONG_SECONDS, repeatable=True)
        return self._transport.read(call, Classification)
