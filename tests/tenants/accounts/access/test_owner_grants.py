"""Owners by two people, looser rules by two people, and who is told."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.change_notices import send_change_letters
from tenants.accounts.access.changes import Subject
from tenants.accounts.access.deciding import approve_change, refuse_change
from tenants.accounts.access.owner_grants import give_role
from tenants.accounts.access.second_person import SecondPersonNeeded
from tenants.accounts.invitations.services import invite_user
from tenants.accounts.models import AccessPolicy, ProposedChange, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role
from tenants.accounts.sessions.policy import Rules, change_rules, current_rules
from tenants.foundation.errors import Forbidden
from tenants.tenancy import TenantRef
from tests.people import person, signed_in_client, token_client

RULES: dict[str, Any] = {
    "address": "127.0.0.1", "allowed_networks": ["127.0.0.0/8"], "idle_minutes": 60, "absolute_hours": 12,
    "step_up_minutes": 15, "mfa_required_for": ["owner"], "mfa_grace_days": 7, "token_max_days": 90,
}  # fmt: skip


@pytest.fixture
def second(tenant: TenantRef) -> UserActor:
    return person(tenant, Role.OWNER, "Olga Owner-Example")


@pytest.fixture
def two_for_all(tenant: TenantRef) -> AccessPolicy:
    return AccessPolicy.objects.create(two_people_for=Subject.values)


def test_one_owner_alone_makes_no_second_where_two_are_wanted(
    two_for_all: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor
) -> None:
    for attempt in (
        lambda: grant_role(holder=Holder("user", member.user_id), role=Role.OWNER, actor=owner),
        lambda: change_role(user=member.user, role=Role.OWNER, actor=owner),
        lambda: invite_user(email="new@example.com", role=Role.OWNER, actor=owner),
    ):
        with pytest.raises(SecondPersonNeeded):
            attempt()


def test_two_owners_make_a_third(
    two_for_all: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor
) -> None:
    waiting = give_role(holder=Holder("user", member.user_id), role=Role.OWNER, actor=owner, reason="Growing")
    assert isinstance(waiting, ProposedChange)
    assert actor_for(member.user).role is Role.MEMBER
    approve_change(change=waiting, actor=second)
    assert actor_for(member.user).role is Role.OWNER
    assert RoleBinding.objects.get(user=member.user, role=Role.OWNER).granted_by_id == owner.user_id


def test_an_admin_is_not_the_second_owner(
    two_for_all: AccessPolicy, owner: UserActor, admin: UserActor, member: UserActor
) -> None:
    with pytest.raises(Forbidden):
        give_role(holder=Holder("user", member.user_id), role=Role.OWNER, actor=admin)
        approve_change(change=ProposedChange.objects.get(), actor=owner)
    assert actor_for(member.user).role is Role.MEMBER


def test_the_only_one_who_could_makes_an_owner_alone_and_gets_a_letter(
    two_for_all: AccessPolicy, owner: UserActor, member: UserActor
) -> None:
    given = give_role(holder=Holder("user", member.user_id), role=Role.OWNER, actor=owner)
    assert isinstance(given, RoleBinding)
    assert send_change_letters(ProposedChange.objects.get().pk) == 2  # the new owner watches too
    assert {letter.to[0] for letter in mail.outbox} == {owner.user.email, member.user.email}


def test_the_others_get_a_letter_and_then_the_proposer(
    two_for_all: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor
) -> None:
    waiting = give_role(holder=Holder("user", member.user_id), role=Role.OWNER, actor=owner, reason="Growing")
    assert isinstance(waiting, ProposedChange)
    send_change_letters(waiting.pk)
    assert [letter.to for letter in mail.outbox] == [[second.user.email]]
    assert f"/settings/changes/{waiting.pk}/" in mail.outbox[0].body
    assert "Growing" in mail.outbox[0].body
    refuse_change(change=waiting, actor=second, note="Not yet")
    send_change_letters(waiting.pk)
    assert mail.outbox[1].to == [owner.user.email]
    assert "Not yet" in mail.outbox[1].body


def test_stricter_rules_need_nobody(two_for_all: AccessPolicy, owner: UserActor, admin: UserActor) -> None:
    assert isinstance(change_rules(actor=owner, **RULES), Rules)
    assert current_rules().allowed_networks == ("127.0.0.0/8",)
    assert isinstance(change_rules(actor=owner, **{**RULES, "idle_minutes": 30}), Rules)


@pytest.mark.parametrize(
    "looser",
    [
        {"idle_minutes": 61},
        {"absolute_hours": 13},
        {"step_up_minutes": 16},
        {"mfa_grace_days": 8},
        {"token_max_days": 91},
        {"mfa_required_for": []},
        {"mfa_required_for": ["admin"]},
        {"allowed_networks": []},
        {"allowed_networks": ["127.0.0.0/7"]},
        {"allowed_networks": ["127.0.0.0/8", "203.0.113.0/24"]},
        {"allowed_networks": ["127.0.0.0/8", "2001:db8::/32"]},
        {"two_people_for": []},
        {"link_sign_in": "everybody"},
    ],
)
def test_looser_rules_wait_for_somebody(
    two_for_all: AccessPolicy, owner: UserActor, admin: UserActor, looser: dict[str, Any]
) -> None:
    change_rules(actor=owner, **RULES)
    before = current_rules()
    waiting = change_rules(actor=owner, **{**RULES, **looser})
    assert isinstance(waiting, ProposedChange)
    assert len(waiting.diff) == 1
    assert current_rules() == before
    approve_change(change=waiting, actor=admin)
    assert current_rules() != before


@pytest.mark.parametrize(
    "as_strict",
    [
        {"allowed_networks": ["127.0.0.0/9"]},
        {"mfa_required_for": ["*"]},
        {"mfa_required_for": ["owner", "admin"]},
        {"link_sign_in": "nobody"},
        {},
    ],
)
def test_rules_that_let_no_more_through_wait_for_nobody(
    two_for_all: AccessPolicy, owner: UserActor, admin: UserActor, as_strict: dict[str, Any]
) -> None:
    change_rules(actor=owner, **RULES)
    assert isinstance(change_rules(actor=owner, **{**RULES, **as_strict}), Rules)


def test_two_people_are_never_switched_off_by_one(owner: UserActor, admin: UserActor) -> None:
    """Not even where looser rules need nobody."""
    AccessPolicy.objects.create(two_people_for=["owners"])
    loose = change_rules(actor=owner, **{**RULES, "idle_minutes": 600})
    assert isinstance(loose, Rules)
    assert isinstance(change_rules(actor=owner, **RULES, two_people_for=[]), ProposedChange)
    assert current_rules().two_people_for == {"owners"}


def test_on_the_page_it_is_proposed_shown_and_agreed_to(
    two_for_all: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor, host: str
) -> None:
    proposer, decider = signed_in_client(host, owner), signed_in_client(host, second)
    asked = proposer.post(f"/settings/users/{member.user_id}/role/", {"role": "owner"})
    change = ProposedChange.objects.get()
    assert asked["Location"] == f"/settings/changes/{change.pk}/"
    assert "Agree" not in proposer.get(asked["Location"]).content.decode()
    assert "You can decide" in decider.get("/settings/changes/").content.decode()
    assert "Agree" in decider.get(asked["Location"]).content.decode()
    assert decider.post(f"{asked['Location']}approve/").status_code == 302
    assert actor_for(User.objects.get(pk=member.user_id)).role is Role.OWNER
    assert decider.post(f"{asked['Location']}approve/").status_code == 409


def test_a_member_sees_no_changes(login_as: Any, member: UserActor) -> None:
    assert login_as(member).get("/settings/changes/").status_code == 403


def test_by_api_it_is_accepted_and_waits(
    two_for_all: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor, host: str
) -> None:
    program = token_client(host, owner)
    body = {"holder_type": "user", "holder_id": str(member.user_id), "role": "owner", "reason": "Growing"}
    asked = program.post("/api/v1/role-bindings/", body, format="json")
    assert (asked.status_code, asked.json()["state"]) == (202, "open")
    listed = program.get("/api/v1/proposed-changes/?state=open").json()["results"]
    assert [each["id"] for each in listed] == [asked.json()["id"]]
    theirs = token_client(host, second)
    by_token = theirs.post(f"{asked['Location']}approve/")
    assert (by_token.status_code, by_token.json()["code"]) == (403, "forbidden.person_needed")
    browser: Client = signed_in_client(host, second)
    done = browser.post(f"{asked['Location']}approve/", content_type="application/json")
    assert (done.status_code, done.json()["state"]) == (200, "applied")
    again = browser.post(f"{asked['Location']}approve/", content_type="application/json")
    assert again.status_code == 409


def test_a_program_of_a_member_finds_nothing(host: str, member: UserActor) -> None:
    assert token_client(host, member).get("/api/v1/proposed-changes/").status_code == 403


def test_the_product_makes_owners_by_itself(
    two_for_all: AccessPolicy, owner: UserActor, guest: UserActor
) -> None:
    grant_role(holder=Holder("user", guest.user_id), role=Role.OWNER, actor=SYSTEM)
    assert actor_for(guest.user).role is Role.OWNER
