"""uvicorn's HTTP with limits on the head of a request, for a server that no nginx stands in front of."""

import asyncio
from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 15.0
"""As nginx's client_header_timeout."""
HEAD_BYTES = 64 << 10
"""Of the address and all header fields together; each of our own requests has a few hundred."""


class GuardedHttp(HttpToolsProtocol):
    """Closes a connection whose request has no whole head in time, or an endless one.

    uvicorn would wait for the one, and keep the other in memory, for as long as a client likes.
    """

    _head_timer: TimerHandle | None = None
    _head_bytes = 0
    _rest_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # (as uvicorn has it)
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._rest_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._rest_came()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_came()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise ValueError("the head is too large")  # the parser makes it a 400
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        # Who was answered before its body was whole may send the rest, but not forever.
        if self.cycle.response_complete and self.cycle.more_body and self._rest_timer is None:
            self._rest_timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.close)
        super().on_response_complete()

    def _rest_came(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._no_head_came)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _no_head_came(self) -> None:
        self._head_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self._refuse(b"408 Request Timeout")
        else:
            self._await_head()  # the request before is still being answered

    def _refuse(self, status: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
