"""Passkeys (WebAuthn): the ceremony of making one and of showing one, held to our own host and kept counts."""

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.utils import websafe_decode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tenants.accounts.access import Actor, UserActor
from tenants.accounts.models import Passkey, SpentChallenge, User
from tenants.accounts.sessions.proof import require_fresh_proof
from tenants.foundation.errors import Forbidden, InvalidInput
from tenants.tenancy import atomic
from tenants.tenancy.addresses import canonical_host
from tenants.tenancy.middleware import host_of

log = structlog.get_logger(__name__)

MAX_CHARACTERS: Final = 16_384
MAX_PER_USER: Final = 20
_NAME_LENGTH: Final = 80
_STATE_KEY: Final = "_passkey"
_CHALLENGE_LIVES: Final = timedelta(minutes=5)
# What the parsers of bytes and JSON raise for input nobody's authenticator wrote.
_MALFORMED: Final = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RecursionError, OverflowError,
    struct.error, InvalidSignature, UnsupportedAlgorithm, NotImplementedError,
)  # fmt: skip


class PasskeyRefused(InvalidInput):
    """What a browser sent was not accepted: the same sentence for every reason, which is in the log."""

    default_code = "invalid_input.passkey"
    default_message = "This passkey was not accepted. Please try again."


@dataclass(frozen=True, slots=True)
class Shown:
    """A passkey that was shown and accepted, and whose it is; its holder proved themselves to it by PIN or finger."""

    passkey: Passkey
    user: User


def offer_registration(request: HttpRequest, *, actor: Actor, is_related: bool = False) -> dict[str, Any]:
    """Return what a browser needs to make a passkey; `is_related` as `rp_id_for` has it.

    Raises: Forbidden, InvalidInput (too many).
    """
    user = _own(actor)
    require_fresh_proof()
    rp_id = rp_id_for(request, is_related=is_related)
    known = list(Passkey.objects.filter(user=user, rp_id=rp_id))
    if len(known) >= MAX_PER_USER:
        raise InvalidInput(f"You have {MAX_PER_USER} passkeys. Remove one first.")
    options, state = _server(request, rp_id).register_begin(
        PublicKeyCredentialUserEntity(id=user.pk.bytes, name=user.email, display_name=user.name),
        credentials=[_descriptor(each) for each in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(request.session, "create", state, rp_id)
    return dict(options)


@atomic
def register_passkey(request: HttpRequest, *, actor: Actor, answer: str, name: str) -> Passkey:
    """Keep a passkey a browser has made. Raises: Forbidden, PasskeyRefused."""
    user = _own(actor)
    require_fresh_proof()
    state = _taken(request, "create")

    data = _checked(
        lambda: _server(request, state["rp_id"]).register_complete(
            state, RegistrationResponse.from_dict(_parsed(answer))
        ),
        user_id=user.pk,
    )
    credential = data.credential_data
    if credential is None or len(credential) > 4096 or len(credential.credential_id) > 1023:
        raise _refused("no_credential", user_id=user.pk)
    _spend(state)
    if Passkey.objects.filter(credential_id=credential.credential_id).exists():
        raise _refused("known_already", user_id=user.pk)
    passkey = Passkey.objects.create(
        user=user,
        name=(name.strip() or "Passkey")[:_NAME_LENGTH],
        credential_id=credential.credential_id,
        credential=bytes(credential),
        rp_id=state["rp_id"],
        sign_count=data.counter,
        is_backed_up=data.is_backed_up(),
    )
    log.info("passkey.registered", user_id=user.pk, passkey_id=passkey.pk)
    return passkey


def offer_authentication(request: HttpRequest, *, is_related: bool = False) -> dict[str, Any]:
    """Return what a browser needs to show a passkey it has for this host.

    No list of credentials goes out: all of ours are discoverable, and who holds a password alone learns nothing of
    them. Whose passkey it has to be is looked at when it was shown.
    """
    rp_id = rp_id_for(request, is_related=is_related)
    options, state = _server(request, rp_id).authenticate_begin(
        # Without a password before it, the passkey has to be both factors.
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(request.session, "get", state, rp_id)
    return dict(options)


def accept_passkey(request: HttpRequest, *, answer: str, user: User | None) -> Shown:
    """Check a passkey that was shown: of a given user, or (None) of whoever it says.

    The challenge works once, whichever process gets the answer, and a count that did not grow since the last time
    locks the passkey. Raises: PasskeyRefused.
    """
    shown, is_copy = _accepted(request, answer, user)
    if is_copy:
        # Said out here: that the passkey is locked has to stay when the request is refused.
        raise _refused("count_went_back", user_id=shown.user.pk, passkey_id=shown.passkey.pk)
    return shown


@atomic
def _accepted(request: HttpRequest, answer: str, user: User | None) -> tuple[Shown, bool]:
    """What was shown, and whether its count says that it may be a copy."""
    state = _taken(request, "get")
    response = _checked(lambda: AuthenticationResponse.from_dict(_parsed(answer)))
    passkey = (
        _usable(state["rp_id"])
        .select_for_update(of=("self",))
        .filter(credential_id=bytes(response.raw_id))
        .first()
    )
    if passkey is None:
        raise _refused("unknown_credential")
    holder = passkey.user
    handle = response.response.user_handle
    if not holder.is_active or (user is not None and holder.pk != user.pk):
        raise _refused("not_this_user", user_id=holder.pk)
    if handle is not None and bytes(handle) != holder.pk.bytes:
        raise _refused("foreign_handle", user_id=holder.pk)
    credential = AttestedCredentialData(bytes(passkey.credential))
    _checked(
        lambda: _server(request, state["rp_id"]).authenticate_complete(state, [credential], response),
        user_id=holder.pk,
    )
    _spend(state)
    data = response.response.authenticator_data
    is_copy = not _counts_on(passkey, data.counter)
    return Shown(passkey, holder), is_copy


def _counts_on(passkey: Passkey, count: int) -> bool:
    """Keep the count; False when it did not grow. Passkeys kept in a cloud always say 0, which tells nothing."""
    now = timezone.now()
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        log.warning(
            "passkey.count_went_back", passkey_id=passkey.pk, user_id=passkey.user_id,
            kept=passkey.sign_count, shown=count,
        )  # fmt: skip
        passkey.suspected_at = now
        passkey.save(update_fields=["suspected_at"])
        return False
    passkey.sign_count, passkey.last_used_at = count, now
    passkey.save(update_fields=["sign_count", "last_used_at"])
    return True


def rp_id_for(request: HttpRequest, *, is_related: bool) -> str:
    """Whose passkeys a page here makes and asks for: the host's own, never a shared parent domain's.

    On a domain of the company's own those of the canonical host, if the browser says that it looks up which origins are
    related (`is_related`): they stay when the domain goes, and are the same under every name.
    """
    return canonical_host() if is_related else host_of(request)


def _usable(rp_id: str) -> Any:
    return Passkey.objects.select_related("user").filter(rp_id=rp_id, suspected_at=None)


def _server(request: HttpRequest, rp_id: str) -> Fido2Server:
    """A relying party that is a host of this company's, and no page of another origin than this very one."""
    host = rp_id
    origin = f"{request.scheme}://{request.get_host()}".lower()
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=host, name=host), verify_origin=lambda given: given.lower() == origin
    )


def _keep(session: SessionBase, purpose: str, state: Mapping[str, Any], rp_id: str) -> None:
    ends = timezone.now() + _CHALLENGE_LIVES
    session[_STATE_KEY] = {
        "purpose": purpose,
        "rp_id": rp_id,
        "challenge": state["challenge"],
        "user_verification": UserVerificationRequirement.REQUIRED.value,
        "ends": ends.timestamp(),
    }


def _taken(request: HttpRequest, purpose: str) -> dict[str, Any]:
    state = request.session.pop(_STATE_KEY, None)
    if not isinstance(state, dict) or state.get("purpose") != purpose:
        raise _refused("no_challenge")
    if state["ends"] < timezone.now().timestamp():
        raise _refused("late")
    # A challenge of the release before was made for the host it was asked on.
    return {"rp_id": host_of(request), **state}


def _spend(state: Mapping[str, Any]) -> None:
    """Note that a challenge was answered; of two processes with the same answer, the second is refused."""
    digest = hashlib.sha256(websafe_decode(state["challenge"])).digest()
    own = SpentChallenge(digest=digest, expires_at=timezone.now() + 2 * _CHALLENGE_LIVES)
    SpentChallenge.objects.bulk_create([own], ignore_conflicts=True)
    if SpentChallenge.objects.get(digest=digest).pk != own.pk:
        raise _refused("replayed")


def _parsed(answer: str) -> Mapping[str, Any]:
    if len(answer) > MAX_CHARACTERS:
        raise ValueError("too long")
    value = json.loads(answer)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _checked[T](verify: Callable[[], T], **facts: Any) -> T:
    try:
        return verify()
    except _MALFORMED as error:
        raise _refused("not_valid", detail=f"{type(error).__name__}: {error}"[:200], **facts) from error


def _refused(reason: str, **facts: Any) -> PasskeyRefused:
    log.info("passkey.refused", reason=reason, **facts)
    return PasskeyRefused()


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        type=PublicKeyCredentialType.PUBLIC_KEY, id=bytes(passkey.credential_id)
    )


def _own(actor: Actor) -> User:
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only the person themselves can do this, in a browser.")
    return actor.user
