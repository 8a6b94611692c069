"""Service accounts: programs that work in their own name, with a role and tokens of their own and no way to sign in."""

from collections.abc import Collection
from uuid import UUID

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from tenants.accounts.access import Actor, Role, RoleSource, UserActor, codes_of, require
from tenants.accounts.access.granting import check_may_give_role
from tenants.accounts.models import ApiToken, RoleBinding, ServiceAccount, User
from tenants.accounts.networks import checked_networks, lies_within
from tenants.accounts.sessions.proof import require_fresh_proof
from tenants.accounts.tokens.services import IssuedToken, issue_token
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MANAGE = "accounts.manage_service_accounts"
# A name no mail is ever sent to.
_HOST = "service-accounts.invalid"


def visible_service_accounts(*, actor: Actor) -> QuerySet[ServiceAccount]:
    """Return the company's service accounts. Raises: Forbidden."""
    require(actor, MANAGE)
    return ServiceAccount.objects.select_related("user").order_by("user__name", "id")


@atomic
def create_service_account(*, actor: Actor, name: str, role: Role, purpose: str = "") -> ServiceAccount:
    """Make a program with a role, at most one's own and never an owner's. Raises: Forbidden, InvalidInput."""
    require(actor, MANAGE)
    check_may_give_role(actor, role)
    if role is Role.OWNER:
        raise Forbidden("A program does not own the company.", code="forbidden.program_as_owner")
    if not name.strip():
        raise InvalidInput("It needs a name.", fields={"name": ["Say which program it is."]})
    user_id = uuid7()
    user = User(id=user_id, email=f"{user_id}@{_HOST}", name=name.strip()[:120])
    user.set_unusable_password()
    user.save(force_insert=True)
    RoleBinding.objects.create(
        user=user, role=role, source=RoleSource.MANUAL.value, granted_by_id=actor.user_id
    )
    account = ServiceAccount.objects.create(
        user=user, purpose=purpose.strip()[:300], created_by_id=actor.user_id
    )
    log.info("service_account.created", service_account_id=account.pk, role=role, by=actor.user_id)
    return account


@atomic
def issue_service_token(
    *,
    account: ServiceAccount,
    actor: Actor,
    name: str,
    scopes: Collection[str],
    days: int,
    allowed_networks: Collection[str] = (),
) -> IssuedToken:
    """Make a token for a program, for what its role and whoever asks both hold.

    Raises: Forbidden, Conflict (it is deactivated), InvalidInput.
    """
    require(actor, MANAGE)
    if not account.user.is_active:
        raise Conflict("This program is deactivated.", code="conflict.deactivated")
    roles = RoleBinding.objects.filter(user=account.user).exclude(role="").values_list("role", flat=True)
    held = frozenset[str]().union(*(codes_of(Role(role)) for role in roles))
    foreign = sorted(code for code in set(scopes) if code not in held or not actor.holds(code))
    if foreign:
        msg = f"The program or you do not hold: {', '.join(foreign)}."
        raise Forbidden(msg, code="forbidden.scope_not_held", fields={"scopes": [msg]})
    if isinstance(actor, UserActor) and actor.token_id is not None:
        days, allowed_networks = _within_token(actor.token_id, days, allowed_networks)
    else:
        require_fresh_proof()
    return issue_token(
        user=account.user, name=name, scopes=scopes, days=days, allowed_networks=allowed_networks
    )


def _within_token(token_id: UUID, days: int, networks: Collection[str]) -> tuple[int, Collection[str]]:
    """Hold a token made by another to its end and its networks: a leaked one must not outlive itself.

    Raises: InvalidInput.
    """
    parent = ApiToken.objects.get(pk=token_id)
    left = (parent.expires_at - timezone.now()).days
    if days > left:
        msg = f"The token you make this with lives {left} more days: choose at most that."
        raise InvalidInput(msg, code="invalid_input.outlives_token", fields={"days": [msg]})
    if not parent.allowed_networks:
        return days, networks
    wanted = checked_networks(networks) or parent.allowed_networks
    if not all(lies_within(each, parent.allowed_networks) for each in wanted):
        msg = "The token you make this with may not be used from everywhere there."
        raise InvalidInput(msg, code="invalid_input.wider_networks", fields={"allowed_networks": [msg]})
    return days, wanted
