"""Why a call got no usable answer, and how the failures of the library are read."""

import ssl
from collections.abc import Iterator
from enum import StrEnum

import httpx2

from tenants.foundation.http.transport import AddressRefused


class FailureReason(StrEnum):
    """Why a call got no usable answer: the `reason` of the ExternalServiceError raised here."""

    TIMEOUT = "timeout"
    CONNECT = "connect"
    DNS = "dns"
    TLS = "tls"
    RESET = "reset"
    INCOMPLETE = "incomplete"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    REFUSED_ADDRESS = "refused_address"
    BAD_URL = "bad_url"


TRANSIENT = {
    FailureReason.TIMEOUT,
    FailureReason.CONNECT,
    FailureReason.DNS,
    FailureReason.RESET,
    FailureReason.INCOMPLETE,
}


SENTENCES = {
    FailureReason.TIMEOUT: "{service} did not answer in time.",
    FailureReason.CONNECT: "No connection to {service} could be made.",
    FailureReason.DNS: "The address of {service} could not be found.",
    FailureReason.TLS: "The secure connection to {service} could not be verified.",
    FailureReason.RESET: "{service} broke off the connection.",
    FailureReason.INCOMPLETE: "{service} sent only a part of its answer.",
    FailureReason.TOO_LARGE: "The answer of {service} is larger than we accept.",
    FailureReason.MALFORMED: "{service} sent an answer that cannot be read.",
    FailureReason.REFUSED_ADDRESS: "The address of {service} is not one we may call.",
    FailureReason.BAD_URL: "The address given for {service} is not a usable https address.",
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def reason_of(error: Exception, *, has_status: bool) -> FailureReason:
    if isinstance(error, AddressRefused):
        return FailureReason.DNS if error.is_unresolved else FailureReason.REFUSED_ADDRESS
    if isinstance(error, httpx2.TimeoutException):
        return FailureReason.TIMEOUT
    if isinstance(error, httpx2.ConnectError):
        is_tls = any(isinstance(cause, ssl.SSLError) for cause in _causes(error))
        return FailureReason.TLS if is_tls else FailureReason.CONNECT
    if isinstance(error, httpx2.RemoteProtocolError):
        if has_status:
            return FailureReason.INCOMPLETE
        return FailureReason.RESET if "disconnected" in str(error).lower() else FailureReason.MALFORMED
    if isinstance(error, httpx2.NetworkError):
        return FailureReason.RESET
    return FailureReason.BAD_URL
