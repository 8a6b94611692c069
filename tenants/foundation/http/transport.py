"""What lies beneath the outbound client: sockets that go only to addresses that were checked."""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

from tenants.foundation.http.addresses import PrivateHosts, Resolver, is_public_address

type SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

_deadline: ContextVar[float | None] = ContextVar("outbound_deadline", default=None)


@contextmanager
def call_deadline(at: float) -> Iterator[None]:
    """Bound every socket operation of the block by one moment of `time.monotonic()`.

    A read time-out alone does not bound a call: a server that sends a byte every few seconds never trips it.
    """
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


def _bounded(timeout: float | None, expired: type[httpcore2.TimeoutException]) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        msg = "The time for the whole call is over."
        raise expired(msg)
    return left if timeout is None else min(timeout, left)


class AddressRefused(Exception):
    """The host has no address we may dial; `is_unresolved` when it has none at all."""

    def __init__(self, host: str, *, is_unresolved: bool = False) -> None:
        super().__init__(host)
        self.host = host
        self.is_unresolved = is_unresolved


class _GuardedStream(httpcore2.NetworkStream):
    """A socket whose every operation ends with the call it serves."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _bounded(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounded(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        bounded = _bounded(timeout, httpcore2.ConnectTimeout)
        return _GuardedStream(self._stream.start_tls(ssl_context, server_hostname, bounded))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _GuardedBackend(httpcore2.NetworkBackend):
    """Resolves a host once, refuses it if any of its addresses is not public, dials the addresses it saw.

    The pool above still knows the connection by its host name, so TLS is verified for that name and a
    connection made for one host is never reused for another that happens to share the address.
    """

    def __init__(self, *, resolver: Resolver, private_hosts: PrivateHosts) -> None:
        self._resolver = resolver
        self._private_hosts = private_hosts
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception | None = None
        for address in self._checked(host, port):
            bounded = _bounded(timeout, httpcore2.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, bounded, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _GuardedStream(stream)
        raise failure or AddressRefused(host, is_unresolved=True)

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(self._resolver(host, port))
        except (OSError, UnicodeError) as error:
            raise AddressRefused(host, is_unresolved=True) from error
        if not self._private_hosts.allows(host, port) and not all(map(is_public_address, addresses)):
            raise AddressRefused(host)
        return addresses


class GuardedTransport(httpx2.HTTPTransport):
    """httpx2's transport over a pool whose sockets are guarded."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        private_hosts: PrivateHosts,
        ssl_context: ssl.SSLContext,
        max_connections: int,
    ) -> None:
        super().__init__(verify=ssl_context, trust_env=False)
        # httpx2 offers no parameter for the network backend; a test proves that this pool is the one in use.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=30.0,
            network_backend=_GuardedBackend(resolver=resolver, private_hosts=private_hosts),
        )
