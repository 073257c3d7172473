"""The server's storage: are all files there and whole; prepared audio makes room. Both are jobs, for an `admin`."""

from chiffchaff_client.bodies import Json
from chiffchaff_client.jobs import Job
from chiffchaff_client.transport import NO_BODY, Transport


class Storage:
    """`chiffchaff.storage`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def verify(self) -> Job:
        """Reads every original, model and dataset; the job's `result` says what is missing or corrupt."""
        return self._transport.make("/storage/verifications", Job, NO_BODY)

    def prune(self, max_gb: float | None = None) -> Job:
        """Removes prepared audio until it takes so many 10^9 bytes; it comes back when it is needed."""
        return self._transport.make("/storage/prunings", Job, Json({"max_gb": max_gb}))
