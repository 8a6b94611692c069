"""Clients who are let in at once: a guest without a password, who proves their address by the first link they use."""

from __future__ import annotations

import re
from typing import Final

import structlog
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Actor, Role, RoleSource, require
from tenants.accounts.models import Invitation, User
from tenants.accounts.services import create_user, normal_email
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.foundation.letters.rationing import STRANGERS, spend_letters
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

INVITE_GUESTS: Final = "accounts.invite_guests"


@atomic
def ensure_guest(*, email: str, actor: Actor) -> User:
    """Return who has this address here, or let them in as a guest, whom somebody writes to.

    Their open invitation to be a guest is used up by it. One to more stays: they take it up when they are signed in
    (`accept_as`), and until then they are a guest.

    Raises: Forbidden, InvalidInput (no address, or a program's, or an operator's), Conflict (deactivated),
    LimitReached (too many strangers written to).
    """
    require(actor, INVITE_GUESTS)
    address = normal_email(email)
    wait_for_turn(f"accounts.invitation/{address}")
    user = User.objects.filter(email=address).select_related("service_account", "support_account").first()
    if user is None:
        spend_letters(actor_id=actor.user_id, ration=STRANGERS)
        user = create_user(
            email=address,
            name=_name_of(address),
            role=Role.GUEST,
            password=None,
            actor=SYSTEM,
            source=RoleSource.INVITATION,
        )
        Invitation.objects.filter(
            email=address, role=Role.GUEST, custom_role=None, accepted_at=None, revoked_at=None
        ).update(accepted_at=timezone.now(), accepted_by=user)
        log.info("guest.let_in", user_id=user.pk, by=str(actor.user_id or ""))
        return user
    if getattr(user, "support_account", None) is not None:
        msg = "This is an operator who visits, and nobody of yours."
        raise InvalidInput(msg, fields={"email": [msg]})
    if not user.is_active:
        raise Conflict("Somebody with this address was deactivated here.", code="conflict.user_deactivated")
    if getattr(user, "service_account", None) is not None:
        raise InvalidInput("This is a program.", fields={"email": ["This is a program's address."]})
    return user


def _name_of(address: str) -> str:
    """A first name to show until they say their own: `clara.client@…` is Clara Client."""
    words = re.split(r"[._+-]+", address.partition("@")[0])
    return " ".join(word.capitalize() for word in words if word)[:120] or address[:120]
