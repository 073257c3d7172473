"""What all answers have in common. Fields that a newer server adds are ignored."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Answer(BaseModel):
    """Something that the server said; it does not change."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Answer, Generic[Item]):
    """Some of a list; `next` is the cursor of what follows, None at the end."""

    items: list[Item]
    next: str | None = None
