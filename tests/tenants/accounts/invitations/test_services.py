"""An invitation's link lets one person in, once, for a week."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.custom_roles import create_custom_role, delete_custom_role
from tenants.accounts.invitations.selectors import pending_invitations
from tenants.accounts.invitations.services import (
    accept_invitation,
    invite_user,
    open_invitation,
    renew_invitation,
    revoke_invitation,
)
from tenants.accounts.models import Invitation, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.tenancy import TenantRef, tenant_scope
from tests.people import PASSWORD


@pytest.fixture
def token(admin: UserActor) -> str:
    """A link's token, for somebody to come in as a manager."""
    return invite_user(email="Ina@Example.com", role=Role.MANAGER, actor=admin).token.reveal()


def accept(token: str, password: str = PASSWORD) -> User:
    return accept_invitation(token=token, name="Ina Invited-Example", password=password)


def test_the_holder_of_the_link_comes_in_with_the_role(token: str) -> None:
    user = accept(token)
    assert (user.email, actor_for(user).role) == ("ina@example.com", Role.MANAGER)
    assert user.check_password(PASSWORD)
    assert Invitation.objects.get().accepted_by == user


def test_a_link_works_once(token: str) -> None:
    accept(token)
    with pytest.raises(NotFound):
        accept(token)


def test_an_expired_link_does_not_work(token: str) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        accept(token)
    assert not User.objects.filter(email="ina@example.com").exists()


def test_a_revoked_link_does_not_work(token: str, admin: UserActor) -> None:
    revoke_invitation(invitation=Invitation.objects.get(), actor=admin)
    with pytest.raises(NotFound):
        accept(token)


def test_a_second_invitation_makes_the_first_link_worthless(token: str, admin: UserActor) -> None:
    second = invite_user(email="ina@example.com", role=Role.GUEST, actor=admin)
    with pytest.raises(NotFound):
        open_invitation(token)
    assert actor_for(accept(second.token.reveal())).role is Role.GUEST


def test_a_renewed_invitation_has_a_new_link(token: str, admin: UserActor) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    renewed = renew_invitation(invitation=Invitation.objects.get(), actor=admin)
    assert renewed.token.reveal() != token
    assert accept(renewed.token.reveal()).email == "ina@example.com"
    with pytest.raises(Conflict):
        renew_invitation(invitation=Invitation.objects.get(accepted_at__isnull=False), actor=admin)


@pytest.mark.parametrize("wrong", ["", "nonsense", "nts_invite_", "ü", "\0", "nts_invite_x" * 100])
def test_an_invented_link_finds_nothing(token: str, wrong: str) -> None:
    with pytest.raises(NotFound):
        open_invitation(wrong)


def test_every_useless_link_is_answered_alike(token: str, admin: UserActor) -> None:
    sentences = set()
    with pytest.raises(NotFound) as unknown:
        open_invitation("nts_invite_unknown")
    sentences.add(str(unknown.value))
    revoke_invitation(invitation=Invitation.objects.get(), actor=admin)
    with pytest.raises(NotFound) as revoked:
        open_invitation(token)
    sentences.add(str(revoked.value))
    assert len(sentences) == 1


def test_the_link_is_not_in_the_table_nor_in_a_log_line(token: str, caplog: pytest.LogCaptureFixture) -> None:
    row = Invitation.objects.get()
    assert token not in str(vars(row))
    assert token.encode() not in bytes(row.token_hash)
    assert token not in caplog.text


def test_a_link_of_one_company_is_unknown_in_another(token: str, other_tenant: TenantRef) -> None:
    row = Invitation.objects.get()
    with tenant_scope(other_tenant):
        with pytest.raises(NotFound):
            open_invitation(token)
        Invitation.objects.create(
            email=row.email, role=row.role, token_hash=row.token_hash, expires_at=row.expires_at
        )
        with pytest.raises(NotFound):
            open_invitation(token)


def test_a_weak_password_leaves_the_link_unused(token: str) -> None:
    with pytest.raises(InvalidInput):
        accept(token, password="short")
    assert accept(token).email == "ina@example.com"


def test_nobody_invites_above_themselves_nor_without_the_right(admin: UserActor, member: UserActor) -> None:
    with pytest.raises(Forbidden):
        invite_user(email="x@x.example", role=Role.OWNER, actor=admin)
    with pytest.raises(Forbidden):
        invite_user(email="x@x.example", role=Role.GUEST, actor=member)
    with pytest.raises(Forbidden):
        pending_invitations(actor=member)


def test_somebody_who_is_here_cannot_be_invited(admin: UserActor, member: UserActor) -> None:
    with pytest.raises(Conflict):
        invite_user(email=member.user.email.upper(), role=Role.GUEST, actor=admin)


def test_an_accepted_invitation_cannot_be_revoked(token: str, admin: UserActor) -> None:
    accept(token)
    with pytest.raises(Conflict):
        revoke_invitation(invitation=Invitation.objects.get(), actor=admin)


# --- roles beside the ladder, and the company's own


@pytest.mark.parametrize("role", [Role.SECURITY, Role.AUDITOR])
def test_people_are_invited_as_security_and_as_auditors(role: Role, owner: UserActor) -> None:
    link = invite_user(email="ina@example.com", role=role, actor=owner).token.reveal()
    assert actor_for(accept(link)).roles == {role}


def test_people_are_invited_with_a_role_of_the_companys_own(owner: UserActor) -> None:
    own = create_custom_role(name="Planner", codes=["tasks.view", "tasks.create"], actor=owner)
    link = invite_user(email="ina@example.com", role=Role.GUEST, custom_role=own, actor=owner).token.reveal()
    assert actor_for(accept(link)).codes >= {"tasks.view", "tasks.create"}


def test_a_role_that_allows_more_than_ones_own_is_not_for_an_invitation(
    owner: UserActor, admin: UserActor
) -> None:
    own = create_custom_role(name="Leaver", codes=["company.delete"], actor=owner)
    with pytest.raises(Forbidden):
        invite_user(email="ina@example.com", role=Role.GUEST, custom_role=own, actor=admin)


def test_an_invitation_ends_with_the_right_to_give_what_it_brings(owner: UserActor, admin: UserActor) -> None:
    own = create_custom_role(name="Mapper", codes=["integrations.map"], actor=owner)
    link = invite_user(email="ina@example.com", role=Role.GUEST, custom_role=own, actor=admin).token.reveal()
    change_role(user=admin.user, role=Role.MEMBER, actor=owner)
    with pytest.raises(NotFound):
        open_invitation(link)


def test_a_role_that_was_deleted_meanwhile_brings_nothing(owner: UserActor) -> None:
    own = create_custom_role(name="Planner", codes=["tasks.create"], actor=owner)
    link = invite_user(email="ina@example.com", role=Role.GUEST, custom_role=own, actor=owner).token.reveal()
    delete_custom_role(role=own, actor=owner)
    assert "tasks.create" not in actor_for(accept(link)).codes


def test_a_renewed_link_brings_the_same(owner: UserActor) -> None:
    own = create_custom_role(name="Planner", codes=["tasks.create"], actor=owner)
    first = invite_user(email="ina@example.com", role=Role.GUEST, custom_role=own, actor=owner)
    again = renew_invitation(invitation=first.invitation, actor=owner)
    assert again.invitation.custom_role == own
