"""Work that takes time: its state, and waiting for its end."""

import time
from collections.abc import Callable
from typing import Self, TypeVar

from chiffchaff_client.answers import Answer
from chiffchaff_client.errors import AnswerError, NoAnswer, StillRunning, WorkFailed

FIRST_LOOK_SECONDS = 0.4
SELDOM_SECONDS = 2.0
"""What takes long is looked at less often: every look counts for the server's limit of requests."""
SLOWING = 1.2


def has_ended(state: str) -> bool:
    return state not in ("queued", "running")


class Work(Answer):
    """A job, or what a job does: `state` is queued, running, succeeded, failed, dead or cancelled."""

    id: str
    state: str

    @property
    def ended(self) -> bool:
        return has_ended(self.state)

    @property
    def succeeded(self) -> bool:
        return self.state == "succeeded"

    @property
    def reason(self) -> str:
        """Why it ended as it did; empty where there is nothing to say."""
        raise NotImplementedError

    def raise_for_state(self) -> Self:
        """Itself, where it succeeded.

        Raises:
            WorkFailed: where it ended otherwise, or has not ended.
        """
        if not self.succeeded:
            raise WorkFailed(f"{type(self).__name__} {self.id} is {self.state}.", hint=self.reason)
        return self


Done = TypeVar("Done", bound=Work)
Show = Callable[[Done], object]
"""Called with the work as it stands, whenever it was looked at."""


def wait_for(look: Callable[[], Done], progress: Show[Done] | None, seconds: float | None, patience: float) -> Done:
    """What `look` gives once it has ended, however it ended.

    Args:
        seconds: how long to wait; None: as long as it takes.
        patience: seconds for which a server that does not answer meanwhile, since it is started anew, is waited for.

    Raises:
        StillRunning: where it takes longer.
    """
    began = answered = time.monotonic()
    pause = FIRST_LOOK_SECONDS
    while True:
        try:
            seen = look()
        except (NoAnswer, AnswerError) as error:
            passing = isinstance(error, NoAnswer) or error.status >= 500
            if not passing or time.monotonic() - answered > patience:
                raise
        else:
            answered = time.monotonic()
            if progress is not None:
                progress(seen)
            if seen.ended:
                return seen
        if seconds is not None and time.monotonic() + pause - began > seconds:
            raise StillRunning(f"After {seconds:g} s it has not ended.", hint="It goes on; wait for it again.")
        time.sleep(pause)
        pause = min(SELDOM_SECONDS, pause * SLOWING)
