"""Somebody takes an invitation up while access is changed: one of them waits, and nobody waits in a circle."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.granting import changing_access
from tenants.accounts.invitations.guests import ensure_guest
from tenants.accounts.invitations.services import accept_as, invite_user
from tenants.accounts.models import EmailDomain, IdentityProvider, Invitation, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.sso import services
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.provisioning import arrive
from tenants.foundation.errors import DomainError
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.people import PASSWORD, person
from tests.waiting import wait_until_somebody_waits

ADDRESS = "nia@people.example"
NIA = Claims(subject="nia-1", email=ADDRESS, is_email_verified=True, name="Nia New-Example")


@pytest.fixture
def token(committed_tenant: TenantRef) -> str:
    """Of an invitation to more, for somebody who was let in as a guest meanwhile."""
    with tenant_scope(committed_tenant), atomic():
        owner = actor_for(User.objects.get())
        issued = invite_user(email=ADDRESS, role=Role.MANAGER, actor=owner)
        ensure_guest(email=ADDRESS, actor=owner)
        return issued.token.reveal()


@pytest.fixture
def provider(committed_tenant: TenantRef) -> IdentityProvider:
    with tenant_scope(committed_tenant), atomic():
        admin: UserActor = person(committed_tenant, Role.ADMIN, "Ada Admin-Example")
        EmailDomain.objects.create(domain="people.example", state=EmailDomain.State.VERIFIED)
        return services.create_provider(preset="oidc", name="Example Connect", actor=admin)


def taken_up_meanwhile(tenant: TenantRef, take_up: Callable[[], object]) -> str:
    """Take it up while its inviter's rights are taken, which revokes it; what came of taking it up."""
    outcomes: list[str] = []

    def run() -> None:
        try:
            with tenant_scope(tenant), atomic():
                take_up()
            outcomes.append("done")
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    other = threading.Thread(target=run)
    with tenant_scope(tenant), atomic(), changing_access():
        other.start()
        wait_until_somebody_waits(tenant)
        # At once, or not at all: whoever waits for us must hold nothing we want.
        waiting = Invitation.objects.select_for_update(nowait=True).get()
        User.objects.select_for_update(nowait=True).get(email=ADDRESS)
        waiting.revoked_at = waiting.created_at
        waiting.save(update_fields=["revoked_at"])
    other.join(timeout=120)
    return outcomes[0]


def test_a_guest_who_takes_an_invitation_up_holds_nothing_while_they_wait(
    committed_tenant: TenantRef, token: str
) -> None:
    def take_up() -> None:
        guest = User.objects.get(email=ADDRESS)
        accept_as(token=token, user=guest, name="Nia New-Example", password=PASSWORD)

    assert taken_up_meanwhile(committed_tenant, take_up) == "not_found.invitation"


@pytest.mark.usefixtures("token")
def test_who_comes_by_single_sign_on_holds_nothing_while_they_wait(
    committed_tenant: TenantRef, provider: IdentityProvider
) -> None:
    assert taken_up_meanwhile(committed_tenant, lambda: arrive(provider, NIA)) == "done"
    with tenant_scope(committed_tenant), atomic():
        assert actor_for(User.objects.get(email=ADDRESS)).roles == {Role.GUEST}
