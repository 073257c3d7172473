"""A figure of merit with what is known of its uncertainty, as the model file and the API carry it."""

from pydantic import BaseModel, ConfigDict


class Metric(BaseModel):
    """A figure with its 95 % interval, which is `None` where it could not be had."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float | None = None
    high: float | None = None
    folds: tuple[float, ...] = ()
    """The same figure in each fold of the cross-validation by itself, where there was one."""
