"""What a process that hears keeps between recordings: models, and what the library lets expect where and when.

Made by the first job, so after the fork: no tensor crosses it, and a worker that hears nothing loads no torch.
"""

import time
from collections import OrderedDict
from functools import lru_cache

from services.inference.classifier import Classifier, load_classifier
from services.inference.expectations import Expectations
from services.inference.places import CHECK_SECONDS, read_expectations
from services.inference.visits import Fingerprint
from shared.db.tables import Model
from shared.errors import ModelFileError, NotFound
from shared.settings import Settings
from shared.storage import Storage

MOST_MODELS = 2


class Ears:
    """For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._classifiers: OrderedDict[str, Classifier] = OrderedDict()
        self._expectations: tuple[Expectations, Fingerprint] | None = None
        self._looked_at = 0.0

    def classifier(self, storage: Storage, model: Model) -> Classifier:
        """The model, loaded unless it is one of the few that are kept.

        Raises ModelFileError when its file is gone, or another one.
        """
        classifier = self._classifiers.pop(model.id, None) or self._load(storage, model)
        self._classifiers[model.id] = classifier
        while len(self._classifiers) > MOST_MODELS:
            self._classifiers.popitem(last=False)
        return classifier

    def _load(self, storage: Storage, model: Model) -> Classifier:
        try:
            with storage.reading(model.file_key) as path:
                classifier = load_classifier(
                    path,
                    model.sha256,
                    model_id=model.id,
                    name=model.name,
                    version=model.version,
                    threads=self._settings.torch_threads or 1,
                    device=self._settings.inference_device,
                )
        except NotFound as error:
            raise ModelFileError(
                f"The file of {model.name} {model.version}, with which this analysis began, is gone from the storage.",
                hint="Put it back and queue the job again (POST /jobs/{id}/retry), or begin another analysis.",
            ) from error
        classifier.warm_up()
        return classifier

    def expectations(self) -> Expectations:
        """Those of the library as it was a few minutes ago."""
        moment = time.monotonic()
        if self._expectations is None or moment - self._looked_at > CHECK_SECONDS:
            self._looked_at = moment
            known = self._expectations[1] if self._expectations else None
            self._expectations = read_expectations(self._settings, known) or self._expectations
        return self._expectations[0] if self._expectations else Expectations.empty()


@lru_cache(maxsize=1)
def ears(settings: Settings) -> Ears:
    """This process's own."""
    return Ears(settings)
