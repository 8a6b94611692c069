"""Whose account an answer opens, where an invitation waits for them; and what their groups give."""

from dataclasses import replace

import pytest
from django.test import Client

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.custom_roles import create_custom_role
from tenants.accounts.access.left_alone import LEFT_ALONE
from tenants.accounts.console import sso_doors
from tenants.accounts.events import AccessChanged
from tenants.accounts.invitations.guests import ensure_guest
from tenants.accounts.invitations.services import invite_user, revoke_invitation
from tenants.accounts.models import (
    EmailDomain,
    ExternalIdentity,
    GroupRule,
    IdentityProvider,
    Invitation,
    ProposedChange,
    RoleBinding,
    SsoLogEntry,
    User,
    UserSession,
)
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role
from tenants.accounts.sso import pending, services
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.provisioning import arrive, would_change
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tests.fakes.events import PublishedEvents
from tests.people import signed_in_client

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


def test_a_guest_who_was_let_in_meanwhile_takes_up_what_they_were_invited_to(
    provider: IdentityProvider, owner: UserActor
) -> None:
    invite_user(email="nia@people.example", role=Role.MANAGER, actor=owner)
    guest = ensure_guest(email="nia@people.example", actor=owner)
    arrival = arrive(provider, NIA)
    assert (arrival.user, arrival.is_new_user) == (guest, False)
    assert actor_for(arrival.user).roles == {Role.MANAGER}
    assert Invitation.objects.get().accepted_by == guest


def test_who_was_given_more_meanwhile_comes_in_as_that(provider: IdentityProvider, owner: UserActor) -> None:
    invite_user(email="nia@people.example", role=Role.MEMBER, actor=owner)
    guest = ensure_guest(email="nia@people.example", actor=owner)
    change_role(user=guest, role=Role.ADMIN, actor=owner)
    arrive(provider, NIA)
    assert actor_for(guest).roles == {Role.ADMIN}
    assert Invitation.objects.get().state == "open"


def test_a_role_by_groups_ends_the_other_sign_ins_as_one_by_hand_does(
    provider: IdentityProvider, owner: UserActor, member: UserActor, host: str
) -> None:
    """Given or taken away; groups that change nothing, and other people, are left alone."""
    provider.provisions_users = True
    provider.save(update_fields=["provisions_users"])
    GroupRule.objects.create(provider=provider, group_name="Leads", role=Role.MANAGER.value)
    bystander = signed_in_client(host, member)
    nia = actor_for(arrive(provider, NIA).user)

    for groups, ends in ((["Leads"], True), (["Leads", "Choir"], False), ([], True), (["Choir"], False)):
        UserSession.objects.filter(user=nia.user).delete()
        browser = signed_in_client(host, nia)
        arrive(provider, replace(NIA, groups=groups))
        is_in = browser.get("/settings/preferences/").status_code == 200
        assert is_in is not ends, groups
        because = UserSession.objects.get(user=nia.user).ended_because
        assert because == ("role" if ends else ""), groups
    assert bystander.get("/settings/preferences/").status_code == 200


def test_roles_lost_by_groups_count_as_roles_lost_by_hand(
    provider: IdentityProvider, owner: UserActor, published_events: PublishedEvents
) -> None:
    """It is announced, whoever is left alone is written down, and nobody comes in on a right that is gone."""
    provider.provisions_users = True
    provider.save(update_fields=["provisions_users"])
    GroupRule.objects.create(provider=provider, group_name="admins", role=Role.ADMIN)
    arrival = arrive(provider, replace(NIA, groups=["admins"]))
    nia = actor_for(arrival.user)
    invite_user(email="ina@people.example", role=Role.MANAGER, actor=nia)
    User.objects.exclude(pk__in=[arrival.user.pk, owner.user.pk]).update(is_active=False)
    published_events.forget()
    arrive(provider, replace(NIA, groups=[]))
    assert published_events.of(AccessChanged)
    assert ProposedChange.objects.filter(kind=LEFT_ALONE.key, arguments__before__contains=[str(nia.user_id)])
    assert Invitation.objects.get(email="ina@people.example").revoked_at is not None


# --- duties that stay apart


@pytest.fixture
def mapped(provider: IdentityProvider) -> IdentityProvider:
    """Its groups give roles, of which an auditor's meets no other."""
    provider.provisions_users = True
    provider.save(update_fields=["provisions_users"])
    for group, role in (("Admins", Role.ADMIN), ("Auditors", Role.AUDITOR), ("Leads", Role.MANAGER)):
        GroupRule.objects.create(provider=provider, group_name=group, role=role.value)
    return provider


def by_groups(user: User) -> set[str]:
    return set(RoleBinding.objects.filter(user=user, source="sso").values_list("role", flat=True))


def test_groups_let_no_duties_meet_that_stay_apart_by_hand(
    mapped: IdentityProvider, owner: UserActor
) -> None:
    """What the person has stays, and so do their sign-ins; the other role is given."""
    nia = arrive(mapped, NIA).user
    change_role(user=nia, role=Role.AUDITOR, actor=owner)
    arrival = arrive(mapped, replace(NIA, groups=["Admins", "Leads"]))
    assert (by_groups(nia), arrival.roles) == ({"manager"}, ("manager",))
    assert [(each.role, each.against) for each in arrival.withheld] == [(Role.ADMIN, "auditor")]


def test_what_is_withheld_again_and_again_ends_no_sign_ins(
    mapped: IdentityProvider, owner: UserActor, host: str
) -> None:
    nia = arrive(mapped, NIA).user
    change_role(user=nia, role=Role.AUDITOR, actor=owner)
    browser = signed_in_client(host, actor_for(nia))
    arrive(mapped, replace(NIA, groups=["Admins"]))
    assert browser.get("/settings/preferences/").status_code == 200


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ([], {"auditor"}),
        (["Admins"], {"admin"}),
        (["Auditors"], {"auditor"}),
    ],
)
def test_of_two_groups_the_role_they_had_stays_and_the_lesser_comes_first(
    mapped: IdentityProvider, before: list[str], then: set[str]
) -> None:
    nia = arrive(mapped, replace(NIA, groups=before)).user
    arrive(mapped, replace(NIA, groups=["Admins", "Auditors"]))
    assert by_groups(nia) == then


def test_who_leaves_the_one_group_gets_the_role_of_the_other(mapped: IdentityProvider) -> None:
    nia = arrive(mapped, replace(NIA, groups=["Auditors"])).user
    assert arrive(mapped, replace(NIA, groups=["Admins"])).withheld == ()
    assert by_groups(nia) == {"admin"}


def test_duties_that_met_before_this_was_looked_at_are_parted(mapped: IdentityProvider) -> None:
    nia = arrive(mapped, replace(NIA, groups=["Admins"])).user
    RoleBinding.objects.create(user=nia, role=Role.AUDITOR, scope_type="company", source="sso")
    arrive(mapped, replace(NIA, groups=["Admins", "Auditors"]))
    assert by_groups(nia) == {"auditor"}


def test_the_dry_run_shows_what_is_not_given_and_why(
    mapped: IdentityProvider, owner: UserActor, host: str
) -> None:
    nia = arrive(mapped, NIA).user
    change_role(user=nia, role=Role.AUDITOR, actor=owner)
    ExternalIdentity.objects.filter(user=nia).update(groups=["Admins", "Leads"])
    (change,) = would_change(mapped)
    assert (change.gets, change.loses) == (("manager",), ())
    page = signed_in_client(host, owner).get(f"/settings/sign-in/{mapped.pk}/").content.decode()
    words = "admin: stays apart from auditor. Whoever looks over the company does not run it."
    assert words in page


def test_the_sign_in_works_and_the_log_says_which_role_was_not_given(
    mapped: IdentityProvider, owner: UserActor, host: str
) -> None:
    nia = arrive(mapped, NIA).user
    change_role(user=nia, role=Role.AUDITOR, actor=owner)
    IdentityProvider.objects.filter(pk=mapped.pk).update(state=IdentityProvider.State.ACTIVE)
    mapped.refresh_from_db()
    browser = "of-this-browser"
    begun = pending.begin(provider=mapped, browser=browser)
    state = pending.keep_answer(begun.row, replace(NIA, groups=["Admins"]))
    client = Client(headers={"host": host})
    client.cookies[sso_doors._cookie_name()] = browser
    assert client.get(f"/sso/finish/?state={state}").status_code == 302
    assert client.get("/settings/preferences/").status_code == 200
    entry = SsoLogEntry.objects.get(event="role.withheld")
    assert (entry.outcome, entry.reason, entry.user) == ("refused", Reason.SEPARATION, nia)
    assert entry.detail.startswith("admin: stays apart from auditor. Whoever looks over")
    assert SsoLogEntry.objects.filter(event="sign_in", outcome="accepted", user=nia).exists()
