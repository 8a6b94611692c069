"""Whose account an answer opens, where an invitation waits for them."""

import pytest

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.custom_roles import create_custom_role
from tenants.accounts.invitations.services import invite_user, revoke_invitation
from tenants.accounts.models import EmailDomain, IdentityProvider, Invitation
from tenants.accounts.selectors import actor_for
from tenants.accounts.sso import services
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.provisioning import arrive
from tenants.accounts.sso.reasons import SsoRefused

NIA = Claims(subject="nia-1", email="nia@people.example", is_email_verified=True, name="Nia New-Example")


@pytest.fixture
def provider(admin: UserActor, verified_domain: EmailDomain) -> IdentityProvider:
    """One that lets nobody in who was not invited."""
    made = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
    made.provisions_users = False
    made.save(update_fields=["provisions_users"])
    return made


def test_without_an_invitation_nobody_comes_in(provider: IdentityProvider, owner: UserActor) -> None:
    withdrawn = invite_user(email="nia@people.example", role=Role.MEMBER, actor=owner).invitation
    revoke_invitation(invitation=withdrawn, actor=owner)
    with pytest.raises(SsoRefused):
        arrive(provider, NIA)


def test_who_was_invited_gets_all_the_invitation_names(provider: IdentityProvider, owner: UserActor) -> None:
    """With the company's own role, as by the invitation's link."""
    own = create_custom_role(name="Planner", codes=["tasks.create"], actor=owner)
    invite_user(email="nia@people.example", role=Role.GUEST, custom_role=own, actor=owner)
    arrival = arrive(provider, NIA)
    actor = actor_for(arrival.user)
    assert arrival.is_new_user
    assert Role.GUEST in actor.roles
    assert actor.holds("tasks.create")
    assert Invitation.objects.get().accepted_by == arrival.user
