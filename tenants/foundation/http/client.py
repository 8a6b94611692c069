"""The one way out: an HTTP client with time-outs, a size cap and no road into private networks."""

import json as json_module
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NoReturn, Self
from urllib.parse import urljoin

import httpx2
import structlog
from django.conf import settings

from tenants.foundation import metrics
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http.addresses import PrivateHosts, Resolver, resolve
from tenants.foundation.http.failures import SENTENCES, TRANSIENT, FailureReason, reason_of
from tenants.foundation.http.transport import AddressRefused, GuardedTransport, call_deadline

log = structlog.get_logger(__name__)

_READABLE_ENCODINGS = {"", "identity", "gzip", "deflate", "x-gzip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds: to connect, for each read or write, and for the whole call from first byte to last."""

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What a finished call looked like, for metrics and ledgers. It holds no header, query or body."""

    service: str
    method: str
    host: str
    path: str
    status: int | None
    reason: FailureReason | None
    elapsed_seconds: float
    response_bytes: int


@dataclass(frozen=True, slots=True)
class OutboundResponse:
    """An answer read to its end. Header names are lower case; redirects are answers like any other."""

    service: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_seconds: float

    @property
    def is_success(self) -> bool:
        """Say whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        return self.body.decode("utf-8", "replace")

    def header(self, name: str, default: str = "") -> str:
        """Return a header's value, whatever the case of its name."""
        return self.headers.get(name.lower(), default)

    def json(self) -> Any:
        """Parse the body. Raises: ExternalServiceError (`malformed`) when it is not JSON."""
        try:
            return json_module.loads(self.body)
        except ValueError as error:
            msg = f"{self.service} answered with something that is not JSON."
            raise ExternalServiceError(
                msg,
                service=self.service,
                is_transient=self.status >= 500,
                reason=FailureReason.MALFORMED,
                params={"status": self.status},
            ) from error


class OutboundClient:
    """A thread-safe, pooled client for one outside service. Make one per service and keep it.

    It resolves a name once per connection, refuses non-public addresses and dials the address it checked,
    with the host kept for TLS and the Host header. It follows no redirect, keeps no cookie, reads no proxy
    from the environment and never retries. Only https, but for hosts in `OUTBOUND_ALLOWED_PRIVATE_HOSTS`.
    """

    def __init__(
        self,
        *,
        service: str,
        base_url: str = "",
        timeouts: Timeouts | None = None,
        max_response_bytes: int = 16 * 1024 * 1024,
        max_connections: int = 20,
        allowed_private_hosts: Iterable[str] | None = None,
        resolver: Resolver = resolve,
        verify: ssl.SSLContext | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        if allowed_private_hosts is None:
            allowed_private_hosts = getattr(settings, "OUTBOUND_ALLOWED_PRIVATE_HOSTS", ())
        self.service = service
        self._base_url = base_url
        self._timeouts = timeouts or Timeouts()
        self._max_response_bytes = max_response_bytes
        self._private_hosts = PrivateHosts(allowed_private_hosts)
        self._on_exchange = on_exchange
        self._client = httpx2.Client(
            transport=GuardedTransport(
                resolver=resolver,
                private_hosts=self._private_hosts,
                ssl_context=verify or httpx2.create_ssl_context(),
                max_connections=max_connections,
            ),
            timeout=httpx2.Timeout(self._timeouts.read_seconds, connect=self._timeouts.connect_seconds),
            headers={"user-agent": "notion-task-sync", "accept-encoding": "gzip"},
            follow_redirects=False,
            trust_env=False,
            # One client serves many tenants: what one was told to remember must not be sent for another.
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        content: bytes | None = None,
        timeouts: Timeouts | None = None,
    ) -> OutboundResponse:
        """Make one call and read its answer to the end; any status is an answer.

        `url` is absolute or relative to `base_url`; `json` is sent as a JSON body, `content` as it is.
        Raises: ExternalServiceError with a `FailureReason` as `reason`.
        """
        limits = timeouts or self._timeouts
        started = time.monotonic()
        target = self._target(method, url)
        status: int | None = None
        reason: FailureReason | None = None
        body = b""
        try:
            request = self._client.build_request(
                method,
                target,
                headers=dict(headers or {}),
                params=dict(params) if params else None,
                json=json,
                content=content,
                timeout=httpx2.Timeout(limits.read_seconds, connect=limits.connect_seconds),
            )
            with call_deadline(started + limits.total_seconds):
                response = self._client.send(request, stream=True)
                try:
                    status = response.status_code
                    body = self._read(response)
                finally:
                    response.close()
            return OutboundResponse(
                service=self.service,
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=body,
                elapsed_seconds=time.monotonic() - started,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, AddressRefused) as error:
            reason = reason_of(error, has_status=status is not None)
            self._fail(reason, error)
        except ExternalServiceError as error:
            reason = FailureReason(error.reason)
            raise
        finally:
            self._report(
                Exchange(
                    service=self.service,
                    method=method.upper(),
                    host=target.host,
                    path=target.path,
                    status=status,
                    reason=reason,
                    elapsed_seconds=time.monotonic() - started,
                    response_bytes=len(body),
                )
            )

    def _target(self, method: str, url: str) -> httpx2.URL:
        try:
            target = httpx2.URL(urljoin(self._base_url, url) if self._base_url else url)
        except httpx2.InvalidURL as error:
            self._fail(FailureReason.BAD_URL, error)
        port = target.port or (443 if target.scheme == "https" else 80)
        is_open = target.scheme == "http" and self._private_hosts.allows(target.host, port)
        if not target.host or not (target.scheme == "https" or is_open) or target.userinfo:
            log.warning("outbound.url_refused", service=self.service, method=method, scheme=target.scheme)
            self._fail(FailureReason.BAD_URL, None)
        return target

    def _read(self, response: httpx2.Response) -> bytes:
        """Read and unpack a body without ever holding more than the cap, whatever it unpacks to."""
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in _READABLE_ENCODINGS:
            self._fail(FailureReason.MALFORMED, None)
        chunks = response.iter_raw()
        if encoding in {"gzip", "x-gzip", "deflate"} and response.status_code not in {204, 304}:
            chunks = self._unpacked(chunks)
        collected: list[bytes] = []
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > self._max_response_bytes:
                self._fail(FailureReason.TOO_LARGE, None)
            collected.append(chunk)
        return b"".join(collected)

    def _unpacked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        seen = False
        try:
            for chunk in chunks:
                seen = seen or bool(chunk)
                yield unpacker.decompress(chunk, self._max_response_bytes + 1)
                if unpacker.unconsumed_tail:
                    self._fail(FailureReason.TOO_LARGE, None)
        except zlib.error as error:
            self._fail(FailureReason.MALFORMED, error)
        if seen and not unpacker.eof:
            self._fail(FailureReason.INCOMPLETE, None)

    def _report(self, exchange: Exchange) -> None:
        outcome = str(exchange.reason) if exchange.reason else str(exchange.status)
        metrics.OUTBOUND_CALLS.labels(service=exchange.service, outcome=outcome).inc()
        metrics.OUTBOUND_SECONDS.labels(service=exchange.service).observe(exchange.elapsed_seconds)
        if self._on_exchange is not None:
            self._on_exchange(exchange)

    def _fail(self, reason: FailureReason, cause: Exception | None) -> NoReturn:
        raise ExternalServiceError(
            SENTENCES[reason].format(service=self.service),
            service=self.service,
            is_transient=reason in TRANSIENT,
            reason=reason,
            code=f"external_service_error.{reason}",
        ) from cause
