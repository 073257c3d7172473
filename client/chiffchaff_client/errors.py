"""What can go wrong between here and Chiffchaff. Every error says what is wrong and, in its `hint`, what would help."""

from typing import ClassVar


class ChiffchaffError(Exception):
    """Any of the errors below."""

    title: str = "Something went wrong"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}".strip()


class NoAnswer(ChiffchaffError):
    """Nobody answers at the address, or the answer broke off."""

    title = "Chiffchaff cannot be reached"

    def __init__(self, detail: str, *, hint: str = "", may_pass: bool = False) -> None:
        super().__init__(detail, hint=hint)
        self.may_pass = may_pass
        """Whether asking again may help: the connection was there and was lost."""


class AnswerError(ChiffchaffError):
    """An answer, but none that was hoped for."""

    def __init__(self, detail: str, *, status: int, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.status = status
        self.retry_after = retry_after
        """Seconds after which asking again would help, where the answer says so."""


class UnexpectedAnswer(AnswerError):
    """It comes from something on the way, or from a version of Chiffchaff that this client cannot read."""

    title = "The answer cannot be read"


class Problem(AnswerError):
    """Chiffchaff says why it does not do what it was asked (RFC 9457).

    `code` names the kind of problem and stays the same, `title` is for people, `request_id` finds it in the server's
    log.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str,
        title: str,
        hint: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, status=status, hint=hint, retry_after=retry_after)
        self.code = code
        self.title = title
        self.request_id = request_id

    kinds: ClassVar[dict[int, type["Problem"]]] = {}
    """By status: those that a caller may want to tell apart."""


class KeyNeeded(Problem):
    """401: the server asks for a key, and none was sent that it knows."""


class KeyNotEnough(Problem):
    """403: the key may not do this."""


class NotThere(Problem):
    """404"""


class RateLimited(Problem):
    """429: asked too often, and more patience than there was would have been needed."""


Problem.kinds |= {401: KeyNeeded, 403: KeyNotEnough, 404: NotThere, 429: RateLimited}


class NotSaved(ChiffchaffError):
    """A file cannot be written here."""

    title = "The file cannot be written"


class WorkFailed(ChiffchaffError):
    """A job, an ingestion or a training ended without success."""

    title = "It did not succeed"


class StillRunning(ChiffchaffError):
    """It was waited for as long as was asked, and goes on."""

    title = "It is not done yet"
