"""Passkeys (WebAuthn): the ceremony of making one and of showing one, held to our own host and kept counts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tenants.accounts.access import Actor, UserActor
from tenants.accounts.mfa.checking import (
    check_said,
    read_authentication,
    read_registration,
    relying_party,
    verify_made,
    verify_shown,
)
from tenants.accounts.mfa.refusals import PasskeyReason, PasskeyRefused
from tenants.accounts.models import Passkey, SpentChallenge, User
from tenants.accounts.sessions.proof import require_fresh_proof
from tenants.accounts.sso import sso_log
from tenants.foundation.errors import Forbidden, InvalidInput
from tenants.tenancy import atomic
from tenants.tenancy.addresses import canonical_host
from tenants.tenancy.middleware import host_of

log = structlog.get_logger(__name__)

MAX_PER_USER: Final = 20
_NAME_LENGTH: Final = 80
_STATE_KEY: Final = "_passkey"
_CHALLENGE_LIVES: Final = timedelta(minutes=5)
_LOG_NAME: Final = "Passkey"


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
    options, state = relying_party(request, rp_id).register_begin(
        PublicKeyCredentialUserEntity(id=user.pk.bytes, name=user.email, display_name=user.name),
        credentials=[_descriptor(each) for each in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(request.session, "create", state, rp_id)
    return dict(options)


def register_passkey(request: HttpRequest, *, actor: Actor, answer: str, name: str) -> Passkey:
    """Keep a passkey a browser has made; why one is refused stands in the company's log.

    Raises: Forbidden, PasskeyRefused.
    """
    user = _own(actor)
    require_fresh_proof()
    try:
        return _registered(request, user, answer, name)
    except PasskeyRefused as refused:
        refused.user = refused.user or user
        _note(request, "passkey_set_up", refused)
        raise


@atomic
def _registered(request: HttpRequest, user: User, answer: str, name: str) -> Passkey:
    state = _taken(request, "create")
    response = read_registration(answer)
    said = response.response
    check_said(
        request, state, kind=CollectedClientData.TYPE.CREATE, client=said.client_data,
        data=said.attestation_object.auth_data, user=user, subject="",
    )  # fmt: skip
    data = verify_made(request, state, response, user=user)
    credential = data.credential_data
    assert credential is not None
    _spend(state)
    if Passkey.objects.filter(credential_id=credential.credential_id).exists():
        raise PasskeyRefused(PasskeyReason.KNOWN_ALREADY, subject=_named(credential.credential_id))
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
    options, state = relying_party(request, rp_id).authenticate_begin(
        # Without a password before it, the passkey has to be both factors.
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(request.session, "get", state, rp_id)
    return dict(options)


def accept_passkey(request: HttpRequest, *, answer: str, user: User | None) -> Shown:
    """Check a passkey that was shown: of a given user, or (None) of whoever it says.

    The challenge works once, whichever process gets the answer, and a count that did not grow since the last time
    locks the passkey. Why one is refused stands in the company's log. Raises: PasskeyRefused.
    """
    try:
        shown, is_copy = _accepted(request, answer, user)
        if is_copy:
            # Said out here: that the passkey is locked has to stay when the request is refused.
            raise PasskeyRefused(
                PasskeyReason.COUNT, user=shown.user, subject=_named(shown.passkey.credential_id)
            )
    except PasskeyRefused as refused:
        refused.user = refused.user or user
        _note(request, _showing(request, user), refused)
        raise
    return shown


@atomic
def _accepted(request: HttpRequest, answer: str, user: User | None) -> tuple[Shown, bool]:
    """What was shown, and whether its count says that it may be a copy."""
    state = _taken(request, "get")
    response = read_authentication(answer)
    subject = _named(response.raw_id)
    rows = Passkey.objects.select_related("user").select_for_update(of=("self",))
    passkey = rows.filter(credential_id=bytes(response.raw_id)).first()
    said = response.response
    check_said(
        request, state, kind=CollectedClientData.TYPE.GET, client=said.client_data,
        data=said.authenticator_data, user=passkey.user if passkey else None, subject=subject,
    )  # fmt: skip
    if passkey is None:
        raise PasskeyRefused(PasskeyReason.UNKNOWN, subject=subject)
    if reason := _why_not(passkey, state, response, user):
        raise PasskeyRefused(reason, user=passkey.user, subject=subject)
    credential = AttestedCredentialData(bytes(passkey.credential))
    verify_shown(request, state, credential, response, user=passkey.user, subject=subject)
    _spend(state)
    is_copy = not _counts_on(passkey, said.authenticator_data.counter)
    return Shown(passkey, passkey.user), is_copy


def _why_not(
    passkey: Passkey, state: Mapping[str, Any], response: AuthenticationResponse, user: User | None
) -> PasskeyReason | None:
    """Why a passkey of ours does not count here, for this person."""
    holder, handle = passkey.user, response.response.user_handle
    if passkey.rp_id != state["rp_id"]:
        return PasskeyReason.OTHER_HOST
    if passkey.suspected_at is not None:
        return PasskeyReason.LOCKED
    if not holder.is_active:
        return PasskeyReason.DEACTIVATED
    if user is not None and holder.pk != user.pk:
        return PasskeyReason.OTHER_PERSON
    if handle is not None and bytes(handle) != holder.pk.bytes:
        return PasskeyReason.HANDLE
    return None


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
    if not isinstance(state, dict):
        raise PasskeyRefused(PasskeyReason.NO_CHALLENGE)
    if state.get("purpose") != purpose:
        raise PasskeyRefused(PasskeyReason.TYPE)
    if state["ends"] < timezone.now().timestamp():
        raise PasskeyRefused(PasskeyReason.LATE)
    # A challenge of the release before was made for the host it was asked on.
    return {"rp_id": host_of(request), **state}


def _spend(state: Mapping[str, Any]) -> None:
    """Note that a challenge was answered; of two processes with the same answer, the second is refused."""
    digest = hashlib.sha256(websafe_decode(state["challenge"])).digest()
    own = SpentChallenge(digest=digest, expires_at=timezone.now() + 2 * _CHALLENGE_LIVES)
    SpentChallenge.objects.bulk_create([own], ignore_conflicts=True)
    if SpentChallenge.objects.get(digest=digest).pk != own.pk:
        raise PasskeyRefused(PasskeyReason.REPLAY)


def _showing(request: HttpRequest, user: User | None) -> str:
    """Which of the doors a passkey was shown at, as the log calls it."""
    if user is None:
        return "passkey_sign_in"
    return "passkey_proof" if request.user.is_authenticated else "passkey_second_factor"


def _note(request: HttpRequest, event: str, refused: PasskeyRefused) -> None:
    sso_log.note(
        event=event,
        outcome=sso_log.Outcome.REFUSED,
        provider_name=_LOG_NAME,
        refused=refused,
        user=refused.user,
        visit=sso_log.visit_of(request),
    )


def _named(credential_id: bytes | memoryview) -> str:
    """A passkey's id as browsers write it, cut short."""
    return websafe_encode(bytes(credential_id))[:64]


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        type=PublicKeyCredentialType.PUBLIC_KEY, id=bytes(passkey.credential_id)
    )


def _own(actor: Actor) -> User:
    if not isinstance(actor, UserActor) or actor.token_id is not None:
        raise Forbidden("Only the person themselves can do this, in a browser.")
    return actor.user
