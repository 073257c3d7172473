"""The model that answers: kept in memory, and followed as the database names another one."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.exc import IntegrityError

from services.inference import registry
from services.inference.background import beside
from services.inference.classifier import Classifier, load_classifier
from services.inference.turns import Turns
from shared.db.tables import Model
from shared.errors import ChiffchaffError, NotReady
from shared.http.resources import Resources
from shared.log import get_logger

logger = get_logger(__name__)

POLL_SECONDS = 2.0


class Serving:
    """The active model and the turns in which requests use it.

    Each replica asks the database every few seconds which model is active, so that they all follow a change that one
    of them was told of.
    """

    def __init__(self, resources: Resources) -> None:
        self.turns = Turns(resources.settings)
        self._resources = resources
        self._classifier: Classifier | None = None
        self._pinned: OrderedDict[str, Classifier] = OrderedDict()
        """Those that requests named, the one named last at the end."""
        self._pinning = asyncio.Lock()
        self._trouble: ChiffchaffError | None = NotReady(
            "The model is still being loaded.", hint="Try again in a few seconds."
        )
        self._changing = asyncio.Lock()

    @property
    def classifier(self) -> Classifier:
        """The model that answers now; who holds it may use it to the end, though another one is activated.

        Raises NotReady, with what would help.
        """
        if self._classifier is None:
            trouble = self._trouble
            raise NotReady(trouble.detail, hint=trouble.hint) if trouble else no_model()
        return self._classifier

    async def named(self, model: str) -> Classifier:
        """The classifier of `name` or `name:version`, loaded now unless it is one of the few that are kept.

        Raises NotFound, and ModelFileError for a file that is not the registered one.
        """
        name, _, version = model.partition(":")
        async with self._resources.reads() as session:
            row = await session.run_sync(registry.find, name, int(version) if version else None)
        if self._classifier and self._classifier.model_id == row.id:
            return self._classifier
        async with self._pinning:
            classifier = self._pinned.pop(row.id, None) or await self._load(row)
            self._pinned[row.id] = classifier
            while len(self._pinned) > self._resources.settings.named_models:
                self._pinned.popitem(last=False)
        return classifier

    @property
    def loaded_id(self) -> str | None:
        return self._classifier.model_id if self._classifier else None

    @property
    def species(self) -> frozenset[str]:
        """Those of the active model, by scientific name; none while it is not in memory."""
        return (
            frozenset(one.scientific for one in self._classifier.manifest.labels) if self._classifier else frozenset()
        )

    async def check(self) -> str:
        """What `/readyz` says of the model; raises while the active one is not in memory.

        A service without any model is ready: for one to be chosen.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._classifier is None:
            return no_model().detail
        return f"{self._classifier.name} {self._classifier.version}"

    async def follow(self) -> None:
        """Keeps the active model in memory for as long as the service runs; a database that is away delays it."""
        steps = [self._register_shipped, self.refresh, self.turns.warm_up]
        said = ""
        while True:
            try:
                while steps:
                    await steps[0]()
                    steps.pop(0)
                await self.refresh()
                said = ""
            except Exception as error:
                self._trouble = error if isinstance(error, ChiffchaffError) else _unforeseen(error)
                if said != str(error):
                    said = str(error)
                    logger.error("the active model is not in memory", exc_info=error)
            await asyncio.sleep(POLL_SECONDS)

    async def refresh(self) -> None:
        """Loads the model that the database calls active, unless it is in memory.

        Raises ModelFileError, or NotFound for a file that is gone; the model before goes on answering then.
        """
        async with self._changing:
            async with self._resources.reads() as session:
                active = await session.run_sync(registry.active)
            if active is None:
                self._classifier = None
            elif active.model.id != self.loaded_id:
                self._classifier = await self._load(active.model)
            self._trouble = None

    async def activate(self, name: str, version: int | None) -> None:
        """Loads a model, makes it the active one for every replica, and answers with it from now on.

        Raises NotFound, and ModelFileError for a file that is not the registered one; then nothing has changed.
        """
        async with self._changing:
            async with self._resources.reads() as session:
                model = await session.run_sync(registry.find, name, version)
            held = self._classifier
            classifier = held if held and held.model_id == model.id else await self._load(model)
            async with self._resources.writes.begin() as session:
                await session.run_sync(registry.activate, model.id)
            self._classifier, self._trouble = classifier, None
        logger.info("model activated", name=model.name, version=model.version)

    async def _load(self, model: Model) -> Classifier:
        path = await asyncio.to_thread(self._resources.storage.existing, model.file_key)
        classifier = await asyncio.to_thread(
            load_classifier,
            path,
            model.sha256,
            model_id=model.id,
            name=model.name,
            version=model.version,
            threads=self._resources.settings.torch_threads or 1,
            device=self._resources.settings.inference_device,
        )
        await self.turns.compute(classifier.warm_up)
        return classifier

    async def _register_shipped(self) -> None:
        """Gives each shipped model a row and a place in the storage; the first is activated where none is."""
        resources = self._resources
        folders = await asyncio.to_thread(registry.store_shipped, resources.storage, resources.settings.models_dir)
        # Another replica that starts at the same moment may be first; then its rows are there.
        for folder in folders:
            with suppress(IntegrityError):
                async with resources.writes.begin() as session:
                    await session.run_sync(registry.register, folder)
        with suppress(IntegrityError):
            async with resources.writes.begin() as session:
                if folders and await session.run_sync(registry.active) is None:
                    model = await session.run_sync(registry.register, folders[0])
                    await session.run_sync(registry.activate, model.id)


def no_model() -> NotReady:
    return NotReady(
        "No model is active yet.",
        hint="Train one with POST /trainings, then choose it with PUT /models/active; GET /models lists what there is.",
    )


def _unforeseen(error: Exception) -> NotReady:
    return NotReady(
        f"The active model could not be looked up or loaded ({type(error).__name__}).",
        hint="It is tried again every few seconds; the service's log has the details.",
    )


@asynccontextmanager
async def open_serving(resources: Resources) -> AsyncIterator[Serving]:
    """Serving, with the active model being loaded in the background."""
    serving = Serving(resources)
    try:
        # First nobody asks for turns any more, then there are none.
        async with beside(serving.follow()):
            yield serving
    finally:
        serving.turns.close()
