"""Handing one message to a mail server a company named: guarded like HTTP, with one limit for all it may take."""

import io
import smtplib
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Never, override

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.foundation.crypto import Secret
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http.addresses import PrivateHosts, is_public_address, resolve
from tenants.foundation.http.trust import tls_context
from tenants.foundation.letters.placeholders import plain

# A server says a few hundred bytes; one that goes on and on is none.
MOST_SAID: Final = 256 * 1024
MOST_QUOTED: Final = 160
CONNECT_SECONDS: Final = 5.0


class Security(StrEnum):
    """How a connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    # Only to hosts an operator has opened: letters hold links that let people in.
    NONE = "none"


class MailFailure(StrEnum):
    """Why a server did not take a message: the `reason` of the ExternalServiceError raised here."""

    DNS = "dns"
    REFUSED_ADDRESS = "refused_address"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    TLS = "tls"
    NO_TLS = "no_tls"
    NO_SIGN_IN = "no_sign_in"
    SIGN_IN = "sign_in"
    BROKEN_OFF = "broken_off"
    LATER = "later"
    REFUSED = "refused"
    MALFORMED = "malformed"


SENTENCES: Final[dict[MailFailure, str | Promise]] = {
    MailFailure.DNS: _("The mail server's name leads nowhere."),
    MailFailure.REFUSED_ADDRESS: _("The mail server's name leads into a private network; it has to be a public one."),
    MailFailure.CONNECT: _("No connection to the mail server could be made. Check host and port."),
    MailFailure.TIMEOUT: _("The mail server did not answer in time."),
    MailFailure.TLS: _(
        "No secure connection: the certificate is not one for this name, nobody known has signed it, or the port "
        "expects another kind of encryption."
    ),
    MailFailure.NO_TLS: _("The mail server offers no encryption (STARTTLS) on this port."),
    MailFailure.NO_SIGN_IN: _("The mail server offers no way to sign in that we know."),
    MailFailure.SIGN_IN: _("The mail server did not accept user name and password."),
    MailFailure.BROKEN_OFF: _("The mail server broke off the connection."),
    MailFailure.LATER: _("The mail server wants the letter later."),
    MailFailure.REFUSED: _("The mail server refused the letter."),
    MailFailure.MALFORMED: _("What answers there is no mail server."),
}  # fmt: skip
TRANSIENT: Final = frozenset(
    {MailFailure.DNS, MailFailure.CONNECT, MailFailure.TIMEOUT, MailFailure.BROKEN_OFF, MailFailure.LATER}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRoute:
    """Where a company's letters are handed in. ``username`` empty: nobody signs in."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: Secret | None = None


def deliver(route: MailRoute, *, sender: str, to: str, content: bytes, seconds: float) -> None:
    """Hand one message in; never inside a transaction. ``seconds`` is for everything from the first byte to the last.

    Resolves the name once, dials what was checked, and keeps the name for TLS. A server that had the whole message and
    did not say so in time may have taken it. Raises: ExternalServiceError (`mail`) with a `MailFailure` as `reason`.
    """
    with _Session(route, seconds) as session:
        session.hand_in(sender, to, content)


def may_be_plain(host: str, port: int) -> bool:
    """Whether an operator has opened this host, so that a connection without TLS will do."""
    return PrivateHosts(settings.OUTBOUND_ALLOWED_PRIVATE_HOSTS).allows(host, port)


class _Session:
    """One connection for one message; whatever goes wrong leaves as an ExternalServiceError."""

    def __init__(self, route: MailRoute, seconds: float) -> None:
        self._route = route
        self._client = _Client(route, time.monotonic() + seconds)

    def __enter__(self) -> "_Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def hand_in(self, sender: str, to: str, content: bytes) -> None:
        try:
            self._open()
            self._client.sendmail(sender, [to], content)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise self._failed(error) from error
        # The message is the server's by now: how it says good-bye changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            self._client.quit()

    def _open(self) -> None:
        route, client = self._route, self._client
        if route.security is Security.NONE and not may_be_plain(route.host, route.port):
            _fail(MailFailure.NO_TLS)
        code, said = client.connect(route.host, route.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        client.ehlo_or_helo_if_needed()
        if route.security is Security.STARTTLS:
            if not client.has_extn("starttls"):
                _fail(MailFailure.NO_TLS)
            client.starttls(context=tls_context())
            client.ehlo_or_helo_if_needed()
        if route.username:
            if not client.has_extn("auth"):
                _fail(MailFailure.NO_SIGN_IN)
            client.login(route.username, route.password.reveal() if route.password else "")

    def _failed(self, error: Exception) -> ExternalServiceError:
        if self._client.said > MOST_SAID:
            return _failure(MailFailure.MALFORMED)
        reason = _reason_of(error, is_late=self._client.seconds_left() <= 0)
        return _failure(reason, _quoted(error), said_code=getattr(error, "smtp_code", None))


class _Client(smtplib.SMTP):
    """The standard library's client over a socket that was checked, with one deadline for all it does."""

    def __init__(self, route: MailRoute, deadline: float) -> None:
        super().__init__(local_hostname=settings.BASE_DOMAIN, timeout=CONNECT_SECONDS)
        self._route, self._deadline, self.said = route, deadline, 0
        # The name TLS is checked for.
        self._host = route.host

    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def bound(self) -> None:
        """Let the socket's next operation end with the deadline."""
        if self.sock is not None:
            left = self.seconds_left()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left)

    @override
    def send(self, s: Any) -> None:
        self.bound()
        super().send(s)

    @override
    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Reader(self))
        return super().getreply()

    @override
    def starttls(self, *, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
        self.bound()
        return super().starttls(context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        failure: OSError = ConnectionError()
        for address in _dialable(host, port):
            try:
                sock = socket.create_connection((address, port), max(0.1, min(timeout, self.seconds_left())))
            except OSError as error:
                failure = error
                continue
            if self._route.security is not Security.TLS:
                return sock
            sock.settimeout(max(0.1, self.seconds_left()))
            return tls_context().wrap_socket(sock, server_hostname=host)
        raise _failure(MailFailure.CONNECT) from failure


class _Reader(io.RawIOBase):
    """Reads what the server says: not longer than the deadline, not more than any server has to say."""

    def __init__(self, client: _Client) -> None:
        self._client, self._sock = client, client.sock

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        self._client.bound()
        size = self._sock.recv_into(buffer) if self._sock is not None else 0
        self._client.said += size
        if self._client.said > MOST_SAID:
            raise smtplib.SMTPServerDisconnected
        return size


def _dialable(host: str, port: int) -> list[str]:
    try:
        addresses = list(resolve(host, port))
    except (OSError, UnicodeError) as error:
        raise _failure(MailFailure.DNS) from error
    if not may_be_plain(host, port) and not all(map(is_public_address, addresses)):
        _fail(MailFailure.REFUSED_ADDRESS)
    return addresses


def _reason_of(error: Exception, *, is_late: bool) -> MailFailure:
    if is_late or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return MailFailure.TIMEOUT
    if isinstance(error, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError):
        return MailFailure.TLS
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return MailFailure.LATER if 400 <= error.smtp_code < 500 else MailFailure.SIGN_IN
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailFailure.NO_SIGN_IN
    code = _code_of(error)
    if code is not None:
        if 400 <= code < 500:
            return MailFailure.LATER
        return MailFailure.REFUSED if 500 <= code < 600 else MailFailure.MALFORMED
    if isinstance(error, ValueError):
        # An address, or a line of a header, that no mail server could be given.
        return MailFailure.REFUSED
    return MailFailure.BROKEN_OFF


def _code_of(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next((code for code, _said in error.recipients.values()), 550)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None


def _quoted(error: Exception) -> str:
    """What the server said, on one line; nothing where it did not speak."""
    said: Any = getattr(error, "smtp_error", b"")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = next((text for _code, text in error.recipients.values()), b"")
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return plain(text)[:MOST_QUOTED]


def _failure(reason: MailFailure, quoted: str = "", *, said_code: int | None = None) -> ExternalServiceError:
    sentence = str(SENTENCES[reason])
    if quoted:
        sentence = f"{sentence} ({said_code or ''} {quoted})".replace("( ", "(")
    return ExternalServiceError(
        sentence, service="mail", is_transient=reason in TRANSIENT, reason=reason.value,
        code=f"external_service_error.mail_{reason}",
    )  # fmt: skip


def _fail(reason: MailFailure) -> Never:
    raise _failure(reason)
