"""Letting a client in by a share, whatever else waits for their address."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.custom_roles import create_custom_role
from tenants.accounts.invitations.guests import ensure_guest
from tenants.accounts.invitations.services import accept_as, accept_invitation, invite_user
from tenants.accounts.models import Invitation, RoleBinding, SupportAccount, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role, create_user, deactivate_user
from tenants.accounts.tokens.service_accounts import create_service_account
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, LimitReached, NotFound
from tenants.foundation.ids import uuid7
from tenants.foundation.letters import rationing
from tenants.tenancy import TenantRef
from tests.people import PASSWORD, person

CLARA = "clara@client.example"


def invited(actor: UserActor, role: Role) -> str:
    return invite_user(email=CLARA, role=role, actor=actor).token.reveal()


def state() -> str:
    return Invitation.objects.get(email=CLARA).state


# --- what is refused


@pytest.mark.parametrize("address", ["", "clara", "clara@", "a@b.example\r\nBcc: all@x.example"])
def test_what_is_no_address_lets_nobody_in(manager: UserActor, address: str) -> None:
    before = User.objects.count()
    with pytest.raises(InvalidInput):
        ensure_guest(email=address, actor=manager)
    assert User.objects.count() == before


def test_somebody_deactivated_is_not_let_in_again(manager: UserActor, owner: UserActor) -> None:
    user = ensure_guest(email=CLARA, actor=manager)
    deactivate_user(user=user, actor=owner)
    with pytest.raises(Conflict):
        ensure_guest(email=CLARA, actor=manager)


def test_an_operator_who_visits_is_no_client(tenant: TenantRef, manager: UserActor) -> None:
    user = create_user(email=CLARA, name="Olga", role=Role.GUEST, password=None, actor=SYSTEM)
    SupportAccount.objects.create(user=user, operator_id=uuid7())
    with pytest.raises(InvalidInput):
        ensure_guest(email=CLARA, actor=manager)


def test_a_program_is_no_client(owner: UserActor, manager: UserActor) -> None:
    account = create_service_account(name="Robot", role=Role.MEMBER, actor=owner)
    with pytest.raises(InvalidInput):
        ensure_guest(email=account.user.email, actor=manager)


# --- an invitation waits for the address


@pytest.mark.parametrize("role", [Role.MEMBER, Role.MANAGER, Role.ADMIN])
def test_an_invitation_to_more_stays(manager: UserActor, admin: UserActor, role: Role) -> None:
    invited(admin, role)
    guest = ensure_guest(email=CLARA, actor=manager)
    assert actor_for(guest).role == Role.GUEST
    assert state() == "open"


def test_an_invitation_to_one_of_the_companys_own_roles_stays(manager: UserActor, owner: UserActor) -> None:
    own = create_custom_role(name="Reviewer", codes=["tasks.view"], actor=owner)
    invite_user(email=CLARA, role=Role.GUEST, custom_role=own, actor=owner)
    ensure_guest(email=CLARA, actor=manager)
    assert state() == "open"


def test_an_invitation_to_be_a_guest_is_used_up(manager: UserActor, admin: UserActor) -> None:
    token = invited(admin, Role.GUEST)
    guest = ensure_guest(email=CLARA, actor=manager)
    assert (state(), Invitation.objects.get().accepted_by) == ("accepted", guest)
    with pytest.raises(NotFound):
        accept_invitation(token=token, name="Clara", password=PASSWORD)


def test_an_expired_invitation_stays_expired(manager: UserActor, admin: UserActor) -> None:
    token = invited(admin, Role.ADMIN)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    guest = ensure_guest(email=CLARA, actor=manager)
    assert state() == "expired"
    with pytest.raises(NotFound):
        accept_as(token=token, user=guest, name="Clara", password=PASSWORD)
    assert actor_for(guest).role == Role.GUEST


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER, Role.ADMIN])
def test_who_is_inside_stays_who_they_are(tenant: TenantRef, manager: UserActor, role: Role) -> None:
    inside = person(tenant, role, "Clara Client-Example", CLARA)
    assert ensure_guest(email=f" {CLARA.upper()}", actor=manager) == inside.user
    assert actor_for(inside.user).role == role


# --- taking it up


def test_a_guest_takes_up_what_they_were_invited_to(manager: UserActor, admin: UserActor) -> None:
    token = invited(admin, Role.MANAGER)
    guest = ensure_guest(email=CLARA, actor=manager)
    user = accept_as(token=token, user=guest, name="Clara Client-Example", password=PASSWORD)
    assert (user.pk, actor_for(user).role, user.check_password(PASSWORD)) == (guest.pk, Role.MANAGER, True)
    assert RoleBinding.objects.filter(user=user).count() == 1
    assert state() == "accepted"
    with pytest.raises(NotFound):
        accept_as(token=token, user=guest, name="Clara", password=PASSWORD)


def test_whoever_else_holds_the_link_does_not_come_into_the_account(
    manager: UserActor, admin: UserActor
) -> None:
    token = invited(admin, Role.MANAGER)
    guest = ensure_guest(email=CLARA, actor=manager)
    with pytest.raises(Forbidden):
        accept_as(token=token, user=admin.user, name="Clara", password=PASSWORD)
    with pytest.raises(Conflict):
        accept_invitation(token=token, name="Clara", password=PASSWORD)
    assert not User.objects.get(pk=guest.pk).has_usable_password()


def test_who_was_given_more_meanwhile_keeps_that(
    manager: UserActor, admin: UserActor, owner: UserActor
) -> None:
    token = invited(admin, Role.MEMBER)
    guest = ensure_guest(email=CLARA, actor=manager)
    change_role(user=guest, role=Role.ADMIN, actor=owner)
    with pytest.raises(Conflict):
        accept_as(token=token, user=guest, name="Clara", password=PASSWORD)
    assert actor_for(guest).role == Role.ADMIN


def test_the_links_page_sends_a_guest_to_sign_in_first_and_then_takes_a_password(
    stranger: Client, login_as: Callable[[UserActor], Client], manager: UserActor, admin: UserActor
) -> None:
    token = invited(admin, Role.MEMBER)
    guest = ensure_guest(email=CLARA, actor=manager)
    address = f"/invitations/{token}/"
    page = stranger.get(address).content.decode()
    assert "Send me a sign-in link" in page
    assert 'name="password"' not in page
    stranger.post(address, {"name": "Mallory", "password": PASSWORD})
    assert not User.objects.get(pk=guest.pk).has_usable_password()
    themselves = login_as(actor_for(guest))
    assert 'name="password"' in themselves.get(address).content.decode()
    sent = themselves.post(address, {"name": "Clara Client-Example", "password": PASSWORD})
    assert (sent.status_code, actor_for(User.objects.get(pk=guest.pk)).role) == (302, Role.MEMBER)


# --- strangers are written to within bounds


def test_one_person_brings_in_so_many_strangers_an_hour(
    manager: UserActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = rationing.Ration(f"few-{manager.user_id}", of_person=2, of_company=100)
    monkeypatch.setattr("tenants.accounts.invitations.guests.STRANGERS", few)
    for number in range(2):
        ensure_guest(email=f"client{number}@client.example", actor=manager)
    with pytest.raises(LimitReached) as refusal:
        ensure_guest(email="client3@client.example", actor=manager)
    assert 0 < (refusal.value.retry_after_seconds or 0) <= 3600
    assert not User.objects.filter(email="client3@client.example").exists()
    # Who is here already is no stranger.
    ensure_guest(email="client0@client.example", actor=manager)
