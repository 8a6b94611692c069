"""Setting providers up, moving them on, and what stops each step."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.deciding import approve_change
from tenants.accounts.access.second_person import SecondPersonNeeded
from tenants.accounts.models import (
    ExternalIdentity,
    IdentityProvider,
    Passkey,
    ProposedChange,
    RoleBinding,
    SsoLogEntry,
    User,
)
from tenants.accounts.services import create_user
from tenants.accounts.sso import provisioning, services
from tenants.accounts.sso.break_glass import name_break_glass
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.enforcement import may_use_own_credentials
from tenants.accounts.sso.reasons import SsoRefused
from tenants.accounts.sso.sso_log import Visit
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput
from tenants.secrets.models import Secret
from tenants.tenancy import TenantRef
from tests.people import PASSWORD, person
from tests.tenants.accounts.sso.conftest import changed


def add_passkey(user: User) -> None:
    """A passkey as its row is; nobody signs in with it here."""
    Passkey.objects.create(
        user=user, name="Key", credential_id=user.pk.bytes, credential=b"c", rp_id="north.localhost"
    )


def graded(provider: IdentityProvider, grade: str = "A") -> IdentityProvider:
    provider.test_grade, provider.tested_revision = grade, provider.revision
    provider.tested_at = provider.created_at
    provider.save()
    return provider


@pytest.fixture
def oidc(admin: UserActor) -> IdentityProvider:
    provider = services.create_provider(preset="oidc", name="Example Connect", actor=admin)
    change = services.ProviderChange(
        values={"issuer": "https://op.example", "client_id": "nts"}, client_secret="kept in the vault only"
    )
    return changed(provider, change, admin)


def test_a_member_sets_nothing_up(tenant: TenantRef) -> None:
    with pytest.raises(Forbidden):
        services.create_provider(preset="saml", name="X", actor=person(tenant, Role.MEMBER))


def test_the_client_secret_is_only_in_the_vault(oidc: IdentityProvider) -> None:
    row = IdentityProvider.objects.filter(pk=oidc.pk).values().get()
    assert "kept in the vault only" not in str(row)
    assert b"kept in the vault only" not in bytes(
        Secret.objects.get(name="client_secret", owner_id=oidc.pk).sealed
    )
    assert services.client_secret(oidc) == "kept in the vault only"


@pytest.mark.parametrize(
    ("preset", "values", "field"),
    [
        ("saml", {"issuer": ""}, "issuer"),
        ("saml", {"sso_url": "ftp://idp.example"}, "sso_url"),
        ("saml", {"sso_url": "https://user@idp.example"}, "sso_url"),
        ("saml", {"certificates": ["no certificate"]}, "certificates"),
        ("oidc", {"issuer": "http://op.example"}, "issuer"),
        ("oidc", {"issuer": "https://op.example?x"}, "issuer"),
        ("oidc", {"certificates": ["x"]}, "certificates"),
        ("microsoft", {"issuer": "common"}, "issuer"),
        ("microsoft", {"issuer": "https://login.microsoftonline.com/organizations/v2.0"}, "issuer"),
        ("oidc", {"default_role": "owner"}, "default_role"),
        ("oidc", {"default_role": "king"}, "default_role"),
        ("oidc", {"name": "  "}, "name"),
        ("oidc", {"name": "a\x07b"}, "name"),
        ("oidc", {"secret": "x"}, "secret"),
    ],
)
def test_a_value_that_cannot_be_is_named(
    admin: UserActor, preset: str, values: dict[str, Any], field: str
) -> None:
    provider = services.create_provider(preset=preset, name="Example", actor=admin)
    with pytest.raises(InvalidInput) as refused:
        services.change_provider(
            provider=provider, change=services.ProviderChange(values=values), actor=admin
        )
    assert field in refused.value.fields


def test_the_steps_come_in_their_order(oidc: IdentityProvider, admin: UserActor, owner: UserActor) -> None:
    draft = services.create_provider(preset="saml", name="Empty", actor=admin)
    with pytest.raises(Conflict, match="metadata"):
        services.set_state(provider=draft, state="test", actor=admin)
    services.set_state(provider=oidc, state="test", actor=admin)
    with pytest.raises(Conflict, match="Test the sign-in first"):
        services.set_state(provider=oidc, state="active", actor=admin)
    oidc.refresh_from_db()
    graded(oidc, "D")
    with pytest.raises(SecondPersonNeeded):
        services.set_state(provider=oidc, state="active", actor=admin)
    waiting = services.switch_on(provider=oidc, actor=admin)
    assert isinstance(waiting, ProposedChange)
    approve_change(change=waiting, actor=owner)
    with pytest.raises(Conflict, match="grade A or B"):
        services.set_state(provider=oidc, state="enforced", actor=admin)
    oidc.refresh_from_db()
    graded(oidc, "B")
    with pytest.raises(Conflict, match="two owners"):
        services.set_state(provider=oidc, state="enforced", actor=admin)
    assert [entry.event for entry in SsoLogEntry.objects.filter(provider=oidc)][:2] == [
        "provider.active",
        "provider.test",
    ]


def test_a_changed_set_up_has_to_be_tested_again(oidc: IdentityProvider, admin: UserActor) -> None:
    graded(oidc)
    change = services.ProviderChange(values={"client_id": "another"})
    assert changed(oidc, change, admin).is_tested is False
    oidc = graded(IdentityProvider.objects.get(pk=oidc.pk))
    renamed = changed(oidc, services.ProviderChange(values={"name": "Another name"}), admin)
    assert renamed.is_tested is True


@pytest.fixture
def enforced(oidc: IdentityProvider, tenant: TenantRef, owner: UserActor) -> IdentityProvider:
    second = person(tenant, Role.OWNER, "Second Owner-Example")
    name_break_glass(user_ids=[owner.user.pk, second.user.pk], actor=owner)
    graded(oidc)
    services.set_state(provider=oidc, state="test", actor=owner)
    waiting = services.switch_on(provider=oidc, actor=owner)
    assert isinstance(waiting, ProposedChange)
    approve_change(change=waiting, actor=second)
    with pytest.raises(Conflict, match="passkey"):
        services.set_state(provider=oidc, state="enforced", actor=owner)
    for actor in (owner, second):
        add_passkey(actor.user)
    return services.set_state(provider=oidc, state="enforced", actor=owner)


def test_enforced_it_is_the_only_way_in_but_for_two_owners(
    enforced: IdentityProvider, tenant: TenantRef, owner: UserActor, host: str
) -> None:
    member = person(tenant, Role.MEMBER, "Mia Member-Example")
    assert may_use_own_credentials(owner.user, Visit()) is True
    assert may_use_own_credentials(member.user, Visit()) is False
    browser = Client(headers={"host": host})
    answer = browser.post("/account/sign-in/", {"login": member.user.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert "_auth_user_id" not in browser.session
    page = browser.get("/account/sign-in/").content.decode()
    assert "Continue with Example Connect" in page
    assert "Emergency access" in page
    events = set(SsoLogEntry.objects.values_list("event", "outcome"))
    assert {("break_glass.used", "accepted"), ("own_credentials", "refused")} <= events


def test_what_is_enforced_is_not_changed_or_removed(enforced: IdentityProvider, owner: UserActor) -> None:
    with pytest.raises(Conflict):
        services.change_provider(
            provider=enforced, change=services.ProviderChange(values={"client_id": "x"}), actor=owner
        )
    with pytest.raises(Conflict):
        services.delete_provider(provider=enforced, actor=owner)
    with pytest.raises(Conflict):
        name_break_glass(user_ids=[owner.user.pk], actor=owner)


def test_only_an_owner_names_emergency_owners_and_only_owners_are_named(
    admin: UserActor, owner: UserActor, tenant: TenantRef
) -> None:
    with pytest.raises(Forbidden):
        name_break_glass(user_ids=[owner.user.pk], actor=admin)
    with pytest.raises(InvalidInput):
        name_break_glass(user_ids=[admin.user.pk], actor=owner)


def claims(subject: str = "s-1", **values: Any) -> Claims:
    return Claims(subject=subject, **{"email": "new@people.example", "name": "New", **values})


@pytest.mark.usefixtures("verified_domain")
def test_groups_give_and_take_roles_and_a_dry_run_says_so(oidc: IdentityProvider, admin: UserActor) -> None:
    services.set_group_rules(provider=oidc, rules={"Makers": "manager", "Guests": "guest"}, actor=admin)
    arrival = provisioning.arrive(oidc, claims(groups=["Makers", "Unknown"]))
    held = RoleBinding.objects.filter(user=arrival.user).values_list("role", "source")
    assert set(held) == {("member", "jit"), ("manager", "sso")}
    services.set_group_rules(provider=oidc, rules={"Makers": "guest"}, actor=admin)
    assert provisioning.would_change(oidc) == [
        provisioning.RoleChange(arrival.user, gets=("guest",), loses=("manager",))
    ]
    provisioning.arrive(oidc, claims(groups=[]))
    assert set(RoleBinding.objects.filter(user=arrival.user).values_list("role", flat=True)) == {"member"}


def test_nobody_becomes_an_owner_or_more_than_the_one_who_made_the_rule(
    oidc: IdentityProvider, tenant: TenantRef, admin: UserActor
) -> None:
    with pytest.raises(InvalidInput):
        services.set_group_rules(provider=oidc, rules={"Bosses": "owner"}, actor=admin)
    security = person(tenant, Role.SECURITY, "Sam Security-Example")
    with pytest.raises(Forbidden):
        services.set_group_rules(provider=oidc, rules={"Bosses": "admin"}, actor=security)


@pytest.mark.usefixtures("verified_domain")
def test_a_break_glass_owner_is_opened_by_no_provider(
    oidc: IdentityProvider, owner: UserActor, tenant: TenantRef
) -> None:
    create_user(email="chief@people.example", name="Chief", role=Role.OWNER, password=PASSWORD, actor=SYSTEM)
    chief = User.objects.get(email="chief@people.example")
    name_break_glass(user_ids=[chief.pk, owner.user.pk], actor=owner)
    with pytest.raises(SsoRefused) as refused:
        provisioning.arrive(oidc, claims(email="chief@people.example"))
    assert refused.value.reason == "email_taken"
    assert not ExternalIdentity.objects.exists()


@pytest.mark.usefixtures("verified_domain")
def test_without_provisioning_only_the_invited_come_in(oidc: IdentityProvider, admin: UserActor) -> None:
    IdentityProvider.objects.update(provisions_users=False)
    oidc.refresh_from_db()
    with pytest.raises(SsoRefused) as refused:
        provisioning.arrive(oidc, claims())
    assert refused.value.reason == "no_account"


@pytest.mark.usefixtures("verified_domain")
def test_a_deactivated_person_stays_outside(oidc: IdentityProvider) -> None:
    user = provisioning.arrive(oidc, claims()).user
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(SsoRefused) as refused:
        provisioning.arrive(oidc, claims())
    assert refused.value.reason == "deactivated"


def test_metadata_with_a_document_type_or_of_no_provider_is_refused(
    saml: Callable[..., IdentityProvider], admin: UserActor
) -> None:
    provider = saml()
    for text in (b"<!DOCTYPE a><a/>", b"<a/>", b"", b"\0", b"<a", b'<EntityDescriptor entityID="x"/>'):
        with pytest.raises(InvalidInput) as refused:
            services.change_provider(
                provider=provider, change=services.ProviderChange(metadata=text), actor=admin
            )
        assert "metadata" in refused.value.fields
