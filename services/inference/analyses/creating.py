"""An analysis is accepted: its model is fixed, its parameters filled in, and its first job queued."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from importlib.metadata import version
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from services.inference import registry
from services.inference.analyses.listing import ANALYSE
from services.inference.analyses.uploads import Uploaded
from services.inference.analyses.views import analysis_view
from services.inference.asked import parameters_of
from services.inference.results.model import About, AnsweringModel
from services.inference.schemas import ClassifyQuery
from services.inference.serving import no_model
from shared import jobs
from shared.db.base import now
from shared.db.tables import Analysis, AnalysisRecording, Model
from shared.http.accepting import Made
from shared.http.callers import Caller
from shared.model_file import ModelManifest
from shared.settings import Settings


@dataclass(frozen=True)
class Order:
    """What is to be heard, and by which model; `files` came with the request."""

    id: str
    source: dict[str, Any]
    about: About
    model_id: str
    files: Sequence[Uploaded] = ()


def about_of(session: Session, analysis_id: str, query: ClassifyQuery) -> tuple[About, str]:
    """What stands in every result, and the model's id: the one that is named, else the active one, as it is now.

    Raises:
        NotFound: when there is no such model.
        NotReady: when none is named and none is active.
        InvalidInput: when the parameters do not fit the model.
    """
    model = _model(session, query.model)
    parameters = parameters_of(query, ModelManifest.model_validate(model.manifest))
    about = About(
        id=analysis_id,
        made_at=now().astimezone(UTC).replace(microsecond=0),
        software_version=version("chiffchaff"),
        model=AnsweringModel(name=model.name, version=str(model.version), sha256=model.sha256),
        parameters=parameters,
    )
    return about, model.id


def create(session: Session, order: Order, caller: Caller, settings: Settings) -> Made:
    payload = {"analysis_id": order.id}
    job = jobs.submit(session, ANALYSE, payload, max_attempts=settings.max_attempts)
    analysis = Analysis(
        id=order.id,
        job_id=job.id,
        model_id=order.model_id,
        source=order.source,
        about=order.about.model_dump(mode="json"),
        made_by=caller.id,
    )
    session.add(analysis)
    session.flush()
    if order.files:
        rows = [
            {
                "analysis_id": order.id,
                "position": position,
                "file": file.name,
                "size": file.size,
                "storage_key": file.key,
            }
            for position, file in enumerate(order.files)
        ]
        session.execute(insert(AnalysisRecording), rows)
    return Made(f"/analyses/{order.id}", analysis_view(session, analysis))


def _model(session: Session, named: str | None) -> Model:
    if named is None:
        active = registry.active(session)
        if active is None:
            raise no_model()
        return active.model
    name, _, wanted = named.partition(":")
    return registry.find(session, name, int(wanted) if wanted else None)
