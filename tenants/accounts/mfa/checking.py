"""What a browser answered about a passkey: read, and held to what was asked, each mistake by its own name."""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import constant_time
from django.http import HttpRequest
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    RegistrationResponse,
)

from tenants.accounts.mfa.refusals import PasskeyReason, PasskeyRefused
from tenants.accounts.models import User

MAX_CHARACTERS: Final = 16_384
_LONGEST_SAID: Final = 200
# What the parsers of bytes and JSON raise for input nobody's authenticator wrote.
_MALFORMED: Final = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RecursionError, OverflowError,
    struct.error, UnsupportedAlgorithm, NotImplementedError,
)  # fmt: skip


def relying_party(request: HttpRequest, rp_id: str) -> Fido2Server:
    """A relying party that is a host of this company's, and no page of another origin than this very one."""
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=rp_id, name=rp_id),
        verify_origin=lambda given: given.lower() == origin_of(request),
    )


def origin_of(request: HttpRequest) -> str:
    """The one origin whose pages count: this page's."""
    return f"{request.scheme}://{request.get_host()}".lower()


def read_registration(answer: str) -> RegistrationResponse:
    """Read the answer to having a passkey made. Raises: PasskeyRefused."""
    return _read(lambda: RegistrationResponse.from_dict(_parsed(answer)))


def read_authentication(answer: str) -> AuthenticationResponse:
    """Read the answer to asking for a passkey. Raises: PasskeyRefused."""
    return _read(lambda: AuthenticationResponse.from_dict(_parsed(answer)))


def check_said(
    request: HttpRequest,
    state: Mapping[str, Any],
    *,
    kind: CollectedClientData.TYPE,
    client: CollectedClientData,
    data: AuthenticatorData,
    user: User | None,
    subject: str,
) -> None:
    """Hold what browser and device say to what was asked, before the signature. Raises: PasskeyRefused."""

    def refused(reason: PasskeyReason, detail: str = "") -> PasskeyRefused:
        return PasskeyRefused(reason, detail, user=user, subject=subject)

    if client.type != kind:
        raise refused(PasskeyReason.TYPE, f"It says {str(client.type)[:40]}.")
    origin = client.origin
    if not isinstance(origin, str) or origin.lower() != origin_of(request):
        raise refused(PasskeyReason.ORIGIN, f"That page was {str(origin)[:_LONGEST_SAID]}.")
    if client.cross_origin is not False:
        raise refused(PasskeyReason.FRAMED)
    if not constant_time.bytes_eq(websafe_decode(state["challenge"]), client.challenge):
        raise refused(PasskeyReason.CHALLENGE)
    expected = relying_party(request, state["rp_id"]).rp.id_hash or b""
    if not constant_time.bytes_eq(expected, data.rp_id_hash):
        raise refused(PasskeyReason.RP_ID, f"{state['rp_id']} was expected.")
    if not data.is_user_present():
        raise refused(PasskeyReason.NOT_PRESENT)
    if not data.is_user_verified():
        raise refused(PasskeyReason.NOT_VERIFIED)


def verify_shown(
    request: HttpRequest,
    state: Mapping[str, Any],
    credential: AttestedCredentialData,
    response: AuthenticationResponse,
    *,
    user: User,
    subject: str,
) -> None:
    """Have the library verify all of it, the signature above all. Raises: PasskeyRefused."""
    try:
        relying_party(request, state["rp_id"]).authenticate_complete(state, [credential], response)
    except (*_MALFORMED, InvalidSignature) as error:
        raise PasskeyRefused(PasskeyReason.SIGNATURE, str(error)[:100], user=user, subject=subject) from error


def verify_made(
    request: HttpRequest, state: Mapping[str, Any], response: RegistrationResponse, *, user: User
) -> AuthenticatorData:
    """Have the library verify all of it, and that the key is of a kind that was offered. Raises: PasskeyRefused."""
    try:
        data = relying_party(request, state["rp_id"]).register_complete(state, response)
    except (*_MALFORMED, InvalidSignature) as error:
        raise PasskeyRefused(PasskeyReason.MALFORMED, str(error)[:100], user=user) from error
    credential = data.credential_data
    if credential is None or len(credential) > 4096 or len(credential.credential_id) > 1023:
        raise PasskeyRefused(PasskeyReason.NO_CREDENTIAL, user=user)
    # The library keeps a key of any kind, and finds only when it is shown that it cannot verify it.
    if credential.public_key.get(3) not in CoseKey.supported_algorithms():
        raise PasskeyRefused(PasskeyReason.ALGORITHM, user=user)
    return data


def _read[T](read: Callable[[], T]) -> T:
    try:
        return read()
    except PasskeyRefused:
        raise
    except _MALFORMED as error:
        detail = f"({type(error).__name__})"
        raise PasskeyRefused(PasskeyReason.MALFORMED, detail) from error


def _parsed(answer: str) -> Mapping[str, Any]:
    if len(answer) > MAX_CHARACTERS:
        raise PasskeyRefused(PasskeyReason.TOO_LARGE)
    value = json.loads(answer)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value
