"""What can be wrong with Xeno-canto or a file of its."""

from shared.errors import ChiffchaffError, TransientError


class KeyRefused(ChiffchaffError):
    code = "xeno-canto-key-refused"
    status = 422
    title = "Xeno-canto does not accept the key"


class SearchRefused(ChiffchaffError):
    code = "xeno-canto-search-refused"
    status = 422
    title = "Xeno-canto refuses the search"


class XenoCantoUnavailable(TransientError):
    code = "xeno-canto-unavailable"
    title = "Xeno-canto cannot be asked for now"


class AddressRefused(ChiffchaffError):
    code = "address-refused"
    status = 422
    title = "An address that is not to be asked"


class DownloadRefused(ChiffchaffError):
    """One file cannot be had; the others may."""

    code = "download-refused"
    status = 422
    title = "A file cannot be downloaded"


class DownloadForbidden(DownloadRefused):
    """One file is kept back, or, when it is one after another, nobody here may have any now."""


class DownloadFailed(TransientError):
    code = "download-failed"
    title = "A download failed"


class Trouble(Exception):
    """Worth another try soon.

    Args:
        reason: what happened, to go on after "Xeno-canto".
        seconds: how long the server asks to wait.
        progressed: whether something came all the same.
    """

    def __init__(self, reason: str, *, seconds: float | None = None, progressed: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds
        self.progressed = progressed
