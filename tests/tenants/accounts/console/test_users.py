"""The pages of people: inviting, coming in, roles, shutting out."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from tenants.accounts.access import Role, UserActor
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import Invitation, User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.people import PASSWORD

USERS = "/settings/users/"


def link_in(response: Any) -> str:
    found = re.search(r'value="http://[^/"]+(/invitations/[^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def test_a_member_sees_people_but_nothing_to_change(
    login_as: Any, member: UserActor, owner: UserActor
) -> None:
    page = login_as(member).get(USERS).content.decode()
    assert owner.user.name in page
    assert "/role/" not in page
    assert "Make the link" not in page


def test_to_a_guest_there_is_no_such_page(login_as: Any, guest: UserActor) -> None:
    assert login_as(guest).get(USERS).status_code == 404


def test_from_invitation_to_signed_in(console: Client, stranger: Client) -> None:
    issued = console.post(f"{USERS}invite/", {"email": "ina@example.com", "role": "manager"})
    assert issued.status_code == 200
    assert "no-store" in issued["Cache-Control"]
    link = link_in(issued)
    assert link not in console.get(USERS).content.decode()
    assert b"ina@example.com" in stranger.get(link).content
    answer = stranger.post(link, {"name": "Ina Invited-Example", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert b"ina@example.com" in stranger.get("/settings/preferences/").content
    user = User.objects.get(email="ina@example.com")
    assert actor_for(user).role is Role.MANAGER
    assert stranger.get(link).status_code == 404


def test_the_invited_person_gets_the_link_by_letter(
    console: Client,
    tenant: TenantRef,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(using=tenant.cell, execute=True):
        issued = console.post(f"{USERS}invite/", {"email": "ina@example.com", "role": "manager"})
    number = Invitation.objects.get(email="ina@example.com").pk
    with django_capture_on_commit_callbacks(using=tenant.cell, execute=True):
        renewed = console.post(f"/settings/invitations/{number}/renew/")
    assert [letter.to for letter in mail.outbox] == [["ina@example.com"], ["ina@example.com"]]
    assert link_in(issued) in mail.outbox[0].body
    assert link_in(renewed) in mail.outbox[1].body


def test_whoever_was_signed_in_on_the_browser_is_signed_out_by_coming_in(
    console: Client, admin: UserActor
) -> None:
    token = invite_user(email="ina@example.com", role=Role.GUEST, actor=admin).token.reveal()
    console.post(f"/invitations/{token}/", {"name": "Ina Invited-Example", "password": PASSWORD})
    assert b"ina@example.com" in console.get("/settings/preferences/").content


def test_a_weak_password_is_refused_with_a_reason_beside_the_field(
    stranger: Client, admin: UserActor
) -> None:
    token = invite_user(email="ina@example.com", role=Role.GUEST, actor=admin).token.reveal()
    answer = stranger.post(f"/invitations/{token}/", {"name": "Ina", "password": "short"})
    assert answer.status_code == 422
    assert b"too short" in answer.content
    assert not User.objects.filter(email="ina@example.com").exists()


def test_an_invalid_invitation_keeps_the_page_and_says_why(console: Client, owner: UserActor) -> None:
    for data in (
        {"email": "nobody", "role": "member"},
        {"email": owner.user.email, "role": "member"},
        {"email": "x@x.example", "role": "emperor"},
    ):
        answer = console.post(f"{USERS}invite/", data)
        assert answer.status_code == 422
        assert b"The invitation was not made" in answer.content
    assert not Invitation.objects.exists()


def test_an_admin_is_not_offered_the_role_of_owner(login_as: Any, admin: UserActor) -> None:
    client = login_as(admin)
    assert b'<option value="owner"' not in client.get(USERS).content
    assert client.post(f"{USERS}invite/", {"email": "x@x.example", "role": "owner"}).status_code == 422


def test_a_role_is_changed_by_the_menu(console: Client, member: UserActor) -> None:
    answer = console.post(f"{USERS}{member.user_id}/role/", {"role": "manager"}, follow=True)
    assert b"now has the role Manager" in answer.content
    assert actor_for(member.user).role is Role.MANAGER
    assert console.post(f"{USERS}{member.user_id}/role/", {"role": "emperor"}).status_code == 422


def test_somebody_is_shut_out_and_let_in_again(console: Client, login_as: Any, member: UserActor) -> None:
    theirs = login_as(member)
    console.post(f"{USERS}{member.user_id}/deactivate/")
    assert theirs.get("/settings/preferences/").status_code == 302
    console.post(f"{USERS}{member.user_id}/reactivate/")
    assert theirs.get("/settings/preferences/").status_code == 302, "the sign-in from before stays over"
    assert login_as(member).get("/settings/preferences/").status_code == 200


def test_the_last_owner_gets_a_sentence_not_a_crash(console: Client, owner: UserActor) -> None:
    answer = console.post(f"{USERS}{owner.user_id}/role/", {"role": "admin"})
    assert answer.status_code == 409
    assert b"at least one owner" in answer.content


def test_an_invitation_is_renewed_and_revoked(console: Client, stranger: Client, admin: UserActor) -> None:
    old = invite_user(email="ina@example.com", role=Role.GUEST, actor=admin).token.reveal()
    renewed = console.post(f"/settings/invitations/{Invitation.objects.get().pk}/renew/")
    assert stranger.get(f"/invitations/{old}/").status_code == 404
    assert stranger.get(link_in(renewed)).status_code == 200
    current = Invitation.objects.get(revoked_at=None)
    console.post(f"/settings/invitations/{current.pk}/revoke/")
    assert stranger.get(link_in(renewed)).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["users/invite/", "users/{id}/role/", "users/{id}/deactivate/", "users/{id}/reactivate/"],
)
def test_what_changes_something_needs_a_post_and_the_right(
    console: Client, login_as: Any, member: UserActor, admin: UserActor, path: str
) -> None:
    target = "/settings/" + path.format(id=admin.user_id)
    assert console.get(target).status_code == 405
    answer = login_as(member).post(target, {"email": "x@x.example", "role": "guest"})
    assert answer.status_code == 403
    assert actor_for(admin.user).role is Role.ADMIN
    assert User.objects.get(pk=admin.user_id).is_active
    assert not Invitation.objects.exists()


def test_somebody_who_is_not_there_is_not_found(console: Client) -> None:
    cache.clear()
    assert console.post(f"{USERS}{uuid4()}/role/", {"role": "guest"}).status_code == 404
    assert console.post(f"/settings/invitations/{uuid4()}/revoke/").status_code == 404
