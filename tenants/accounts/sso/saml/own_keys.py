"""The company's own key pairs towards SAML providers: made, rolled over, given up.

Roll-over is: the next pair is made and published beside the one in use; once the providers know it, it is put to use;
what was encrypted for the one before can still be read until that one is given up.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Actor, require
from tenants.accounts.models import ServiceProviderKey
from tenants.accounts.sso import sso_log
from tenants.foundation.errors import Conflict
from tenants.foundation.ids import uuid7
from tenants.secrets.services import delete_secret, reveal_secret, store_secret
from tenants.tenancy import atomic, current_tenant, wait_for_turn

log = structlog.get_logger(__name__)
PERMISSION: Final = "accounts.manage_sso"
State = ServiceProviderKey.State
_VALID: Final = timedelta(days=3 * 365)
_OWNER_TABLE: Final = "accounts_serviceproviderkey"
_TURN: Final = "sso-sp-key"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both as PEM; the key never leaves the process."""

    certificate: str
    private_key: str

    def __repr__(self) -> str:
        return "KeyPair(***)"


@atomic
def own_keys() -> KeyPair:
    """Return the pair in use, made and sealed at first use. Raises: CryptoError."""
    row = _in_state(State.CURRENT)
    if row is None:
        wait_for_turn(_TURN)
        row = _in_state(State.CURRENT) or _new_key(State.CURRENT)
    return _pair(row)


@atomic
def reading_keys() -> list[KeyPair]:
    """Every pair something may have been encrypted for, the one in use first. Raises: CryptoError."""
    current = own_keys()
    return [current, *(_pair(row) for row in ServiceProviderKey.objects.exclude(state=State.CURRENT))]


@atomic
def current_certificate() -> str:
    """The certificate of the pair in use, as PEM; "" before the first use."""
    row = _in_state(State.CURRENT)
    return row.certificate if row else ""


@atomic
def next_certificate() -> str:
    """The certificate that is published beside the one in use, as PEM; "" when there is none."""
    row = _in_state(State.NEXT)
    return row.certificate if row else ""


@atomic
def visible_keys(*, actor: Actor) -> list[ServiceProviderKey]:
    """The pairs there are, the newest first; none before a SAML provider first needed one. Raises: Forbidden."""
    require(actor, PERMISSION)
    return list(ServiceProviderKey.objects.all())


@atomic
def make_next_key(*, actor: Actor) -> ServiceProviderKey:
    """Make the next pair and publish it beside the one in use; nothing is signed with it yet.

    Raises: Forbidden, Conflict (there is a next one, or the one before is still kept).
    """
    require(actor, PERMISSION)
    own_keys()
    wait_for_turn(_TURN)
    if _in_state(State.NEXT) is not None:
        raise Conflict("There is a next key already. Put it to use, or give it up.", code="conflict.next_key")
    if _in_state(State.PREVIOUS) is not None:
        raise Conflict("Give the key before up first: two are the most.", code="conflict.previous_key")
    row = _new_key(State.NEXT)
    _noted("sp_key.made", row, actor)
    return row


@atomic
def use_next_key(*, actor: Actor) -> ServiceProviderKey:
    """Sign with the next pair from now on; the one before can still read. Raises: Forbidden, Conflict (none)."""
    require(actor, PERMISSION)
    wait_for_turn(_TURN)
    following = _in_state(State.NEXT)
    if following is None:
        raise Conflict("Make the next key first.", code="conflict.no_next_key")
    now = timezone.now()
    ServiceProviderKey.objects.filter(state=State.CURRENT).update(state=State.PREVIOUS, state_since=now)
    following.state, following.state_since = State.CURRENT, now
    following.save(update_fields=["state", "state_since"])
    _noted("sp_key.in_use", following, actor)
    return following


@atomic
def give_key_up(*, key: ServiceProviderKey, actor: Actor) -> None:
    """Forget a pair that is not in use: the next one, or the one before. Raises: Forbidden, Conflict (in use)."""
    require(actor, PERMISSION)
    wait_for_turn(_TURN)
    row = ServiceProviderKey.objects.get(pk=key.pk)
    if row.state == State.CURRENT:
        raise Conflict("This key is in use. Put the next one to use first.", code="conflict.key_in_use")
    _noted("sp_key.given_up", row, actor)
    delete_secret(secret_id=row.private_key_id, actor=SYSTEM)
    row.delete()


def _in_state(state: ServiceProviderKey.State) -> ServiceProviderKey | None:
    return ServiceProviderKey.objects.filter(state=state).first()


def _pair(row: ServiceProviderKey) -> KeyPair:
    return KeyPair(row.certificate, reveal_secret(row.private_key_id).reveal())


def _noted(event: str, row: ServiceProviderKey, actor: Actor) -> None:
    sso_log.note(
        event=event,
        outcome=sso_log.Outcome.CHANGED,
        user=getattr(actor, "user", None),
        detail=f"Our key that is valid until {row.expires_at:%Y-%m-%d}.",
    )


def _new_key(state: ServiceProviderKey.State) -> ServiceProviderKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{current_tenant().slug} sign-in"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
    row_id = uuid7()
    secret = store_secret(
        name="private_key", owner_table=_OWNER_TABLE, owner_id=row_id, value=pem, actor=SYSTEM
    )
    return ServiceProviderKey.objects.create(
        id=row_id,
        state=state,
        state_since=now,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        private_key_id=secret.pk,
        expires_at=now + _VALID,
    )
