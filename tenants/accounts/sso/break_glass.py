"""The owners for an emergency: named by an owner, each with a passkey of their own, opened by no provider."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.urls import reverse

from tenants.accounts.access import Actor, Role, require
from tenants.accounts.models import BreakGlassOwner, IdentityProvider, Passkey, User
from tenants.accounts.selectors import owners
from tenants.accounts.services import check_may_grant
from tenants.accounts.sso import sso_log
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.tenancy import atomic
from tenants.tenancy.addresses import canonical_address

PERMISSION: Final = "accounts.manage_sso"
BREAK_GLASS_OWNERS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyOwner:
    """One of them. Without a passkey they do not count yet."""

    user_id: UUID
    name: str
    email: str
    has_passkey: bool


@atomic
def emergency_owners() -> list[EmergencyOwner]:
    """Who is named, by name."""
    has_passkey = Exists(Passkey.objects.filter(user=OuterRef("user")))
    rows = BreakGlassOwner.objects.select_related("user").annotate(has_passkey=has_passkey)
    return [
        EmergencyOwner(
            user_id=row.user_id, name=row.user.name, email=row.user.email, has_passkey=row.has_passkey
        )
        for row in rows.order_by("user__name", "user_id")
    ]


def passkey_address() -> str:
    """Where an owner makes a passkey: only they can, with the key in their hand."""
    return canonical_address(reverse("accounts:my_sign_in"))


def require_may_name(actor: Actor) -> None:
    """Let owners pass: nobody else decides who comes in past the provider. Raises: Forbidden."""
    require(actor, PERMISSION)
    check_may_grant(actor, Role.OWNER)


@atomic
def name_break_glass(*, user_ids: list[UUID], actor: Actor) -> list[User]:
    """Name the owners who may use their own credentials when single sign-on is enforced.

    Raises: Forbidden (only an owner may), InvalidInput (not owners), Conflict (fewer than two while enforced).
    """
    require_may_name(actor)
    found = owners().filter(user_id__in=set(user_ids)).select_related("user")
    unique = {binding.user.pk: binding.user for binding in found if binding.user is not None}
    if len(unique) != len(set(user_ids)):
        raise InvalidInput("Only owners can be named.", fields={"users": ["Choose owners."]})
    is_enforced = IdentityProvider.objects.filter(state=IdentityProvider.State.ENFORCED).exists()
    if is_enforced and len(unique) < BREAK_GLASS_OWNERS:
        raise Conflict(
            "While single sign-on is enforced, two owners have to be named.", code="conflict.enforced"
        )
    BreakGlassOwner.objects.exclude(user_id__in=unique).delete()
    for user in unique.values():
        BreakGlassOwner.objects.get_or_create(user=user, defaults={"named_by_id": actor.user_id})
    sso_log.note(
        event="break_glass.named",
        outcome=sso_log.Outcome.CHANGED,
        is_told=True,
        user=getattr(actor, "user", None),
        detail=", ".join(sorted(user.email for user in unique.values())),
    )
    return list(unique.values())
